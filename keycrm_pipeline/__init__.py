"""The open exchange from KeyCRM orders to accounting documents.

Nothing happens at import, here or in any module below: no network access, no reading of the environment, no
connection. Where things are: `profile` (the settings), `crm` (the source), `accounting` (the rules), `schemas` and
`warehouse` (the tables), `run` (one run), `pipeline` (the stages of a load, and the syncs), `orchestration` (what
Dagster shows), `reading` (the books for people and programs), `cli` and `commands`, `exports` and `reports` (files for
users), `sandbox` (the demo shop).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycrm_pipeline.reading import Books, books_of

__all__ = ["Books", "books_of"]


def __getattr__(name: str) -> Any:
    # On demand: a command that only reads the exchange log must answer at once.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keycrm_pipeline import reading

    return getattr(reading, name)
