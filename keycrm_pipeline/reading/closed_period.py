"""What changed in the closed period since the accountant was last told: for terminal, exchange page and `month`.

What an export lists is that of its own format and organisation (`exports.hand_over`). What is not here: how two
versions of a document differ (`accounting.hand_over`), and SQL (`warehouse.hand_over`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.accounting.hand_over import HEADER, FieldChange, document_changes
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.exports import ClosedChangeWords
from keycrm_pipeline.warehouse.hand_over import ClosedChange, closed_changes_not_exported

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.profile import Profile


@dataclass(frozen=True)
class ClosedPeriodChange:
    """One document of the closed period that changed, and that no export has listed as it is now.

    Attributes:
        document: The document with both contents.
        changes: The fields that differ from what an export last said, else from the document when it was closed.
        message: What changed, in short.
    """

    document: ClosedChange
    changes: tuple[FieldChange, ...]
    message: Message

    @property
    def order_id(self) -> int:
        """Its number."""
        return self.document.order_id

    @property
    def order_day(self) -> date:
        """Its local day in the closed period."""
        return self.document.order_day

    @property
    def changed_at(self) -> datetime:
        """When it was first changed after its period was closed, timezone-aware."""
        return self.document.changed_at


def closed_period_changes(
    connection: duckdb.DuckDBPyConnection, profile: Profile
) -> list[ClosedPeriodChange]:
    """Documents of the closed period that differ, by day and number; none if no period is closed.

    Args:
        connection: An open connection; reading is enough.
        profile: Whose `closed_until` it is.
    """
    if profile.closed_until is None:
        return []
    found: list[ClosedPeriodChange] = []
    for one in closed_changes_not_exported(connection, profile.closed_until):
        before = None if one.content_before is None else json.loads(one.content_before)
        after = json.loads(one.content_after)
        changes = tuple(document_changes(before, after))
        # The text of an older program may differ, and the document does not.
        if changes:
            message = _in_short(one.order_id, one.order_day, before, after, len(changes))
            found.append(ClosedPeriodChange(one, changes, message))
    return found


def _in_short(
    order_id: int, day: date, before: Mapping[str, Any] | None, after: Mapping[str, Any], fields: int
) -> Message:
    now = after[HEADER]
    if before is None:
        return ClosedChangeWords.CLOSED_ORDER_CAME.message(
            order_id=order_id, day=day, total=now["grand_total"], currency=now["currency"]
        )
    was = before[HEADER]
    return ClosedChangeWords.CLOSED_ORDER_CHANGED.message(
        order_id=order_id,
        day=day,
        total_before=was["grand_total"],
        total=now["grand_total"],
        paid_before=was["paid_total"],
        paid=now["paid_total"],
        currency_before=was["currency"],
        currency=now["currency"],
        fields=fields,
    )
