"""Whether a rebuild would bring booked documents something that new ones have: for terminal and exchange page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keycrm_pipeline.profile import changed_document_settings
from keycrm_pipeline.warehouse.rebuild_due import derived_settings, unfilled_columns

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.profile import Profile


@dataclass(frozen=True)
class RebuildDue:
    """What a rebuild would bring.

    Attributes:
        settings: Settings that were changed since all documents were derived.
        columns: Columns that a newer program has added to tables that had rows.
    """

    settings: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.settings or self.columns)


def rebuild_due(connection: duckdb.DuckDBPyConnection, profile: Profile) -> RebuildDue:
    """What a rebuild would bring to the documents of a profile."""
    return RebuildDue(
        changed_document_settings(profile, derived_settings(connection)), unfilled_columns(connection)
    )
