"""The open exchange from KeyCRM orders to accounting documents.

Nothing happens at import, here or in any module below: no network access, no reading of the environment, no
connection. Where things are: `profile` (the settings), `crm` (the source), `accounting` (the rules), `schemas` and
`warehouse` (the tables), `run` (one run), `pipeline` (the stages of a load, and the syncs), `orchestration` (what
Dagster shows), `reading` (the books for people and programs), `cli` and `commands`, `exports` and `reports` (files for
users), `sandbox` (the demo shop).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycrm_pipeline.orchestration.component import KeyCrmExchange
    from keycrm_pipeline.reading import Books, books_of

__all__ = ["Books", "KeyCrmExchange", "books_of"]

_HOMES = {
    "Books": "keycrm_pipeline.reading",
    "KeyCrmExchange": "keycrm_pipeline.orchestration.component",
    "books_of": "keycrm_pipeline.reading",
}


def __getattr__(name: str) -> Any:
    # On demand: a command that only reads the exchange log must answer at once.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    # Dagster looks for components among these names.
    return [*globals(), *__all__]
