"""Потребує уваги: the review list and the rejected orders in sentences, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _, current_language
from keycrm_pipeline.page.loading import dagster_of
from keycrm_pipeline.page.rendering import in_words, render
from keycrm_pipeline.page.shops import WAIT_SECONDS, WrongEntryError, read_number, reading, workspace_of
from keycrm_pipeline.reading.closed_period import ClosedPeriodChange, closed_period_changes
from keycrm_pipeline.reading.databases import has_books
from keycrm_pipeline.reading.rebuild_due import rebuild_due
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse.attention import (
    RejectedRecord,
    ReviewItem,
    count_rejected,
    rejected_records,
    review_counts,
    review_items,
)
from keycrm_pipeline.warehouse.review import tick_off_product

if TYPE_CHECKING:
    from keycrm_pipeline.exports.hand_over import WrittenChange
    from keycrm_pipeline.profile import Profile

MOST_OF_KIND = 100
"""Items of one kind that are shown; the oldest first."""

TICKED_OFF = ("product_promoted", "product_renamed", "shared_sku")
"""Kinds that leave the list when a person has checked the card (R4.1, R5)."""

SET_RIGHT_IN: Mapping[str, str] = {
    "unmapped_status": "orders",
    "unmapped_manager": "users",
    "receipt_conflict": "orders",
    "partner_name_conflict": "other",
}
"""Kind -> the page of settings where a person sets it right."""

_PARTNERS = ("partner_name_conflict",)


@dataclass(frozen=True)
class KindOfItems:
    """The items of one kind.

    Attributes:
        name: The kind.
        title: What they are.
        advice: What to do.
        count: How many there are.
        items: Those shown.
        can_tick_off: Whether a person takes them off the list.
        settings_page: The page of settings where they are set right; None if they are not a matter of settings.
    """

    name: str
    title: str
    advice: str
    count: int
    items: list[ReviewItem]
    can_tick_off: bool
    settings_page: str | None

    def partner_of(self, item: ReviewItem) -> int | None:
        """The partner card that an item is about."""
        return read_number(item.subject) if self.name in _PARTNERS else None

    def product_of(self, item: ReviewItem) -> int | None:
        """The product card that an item is about."""
        return read_number(item.subject) if self.can_tick_off else None


def attention(request: Request) -> Response:
    """The list, kind by kind, the rejected orders with all their reasons, and what changed in the closed period."""
    workspace = workspace_of(request)
    with reading(workspace) as connection:
        counts = review_counts(connection)
        items = review_items(connection, most=MOST_OF_KIND)
        rejected: list[RejectedRecord] = rejected_records(connection, MOST_OF_KIND)
        rejected_count = count_rejected(connection)
        closed = closed_period_changes(connection, workspace.profile)
        due = rebuild_due(connection, workspace.profile)
    order = [*REVIEW_LIST, *sorted(counts.keys() - REVIEW_LIST.keys())]
    kinds = [
        _kind(name, counts[name], [item for item in items if item.kind == name])
        for name in order
        # Rejected orders stand below with all their reasons.
        if counts.get(name) and name != "rejected_order"
    ]
    return render(
        request,
        "attention",
        profile=workspace.profile,
        kinds=kinds,
        rejected=rejected,
        rejected_count=rejected_count,
        closed=closed[:MOST_OF_KIND],
        closed_count=len(closed),
        rebuild_due=due,
        closed_fields=_fields(closed[:MOST_OF_KIND], workspace.profile),
        done=bool(request.query_params.get("done")),
    )


def _fields(changes: Sequence[ClosedPeriodChange], profile: Profile) -> dict[int, list[WrittenChange]]:
    """Order -> its changed fields, before and after."""
    if not changes:
        return {}
    # Needs polars, and most shops have no changes in a closed period.
    from keycrm_pipeline.exports.hand_over import ChangeWriter

    writer = ChangeWriter(profile.zone, profile.words, {}, current_language())
    return {one.order_id: [writer.written(change) for change in one.changes] for one in changes}


def _kind(name: str, count: int, items: list[ReviewItem]) -> KindOfItems:
    known = REVIEW_LIST.get(name)
    return KindOfItems(
        name=name,
        title=in_words(known.title) if known else name,
        advice=in_words(known.advice) if known else "",
        count=count,
        items=items,
        can_tick_off=name in TICKED_OFF,
        settings_page=SET_RIGHT_IN.get(name),
    )


def rename(request: Request) -> Response:
    """Starts the refresh of the catalogue that also gives cards the names of their products in KeyCRM.

    Raises:
        DagsterError: Dagster does not answer.
    """
    name = workspace_of(request).profile.name
    run_id = dagster_of(request).launch_renaming(name)
    return RedirectResponse(f"/profiles/{name}/runs/{run_id}", 303)


def tick_off(request: Request) -> Response:
    """Ticks off a product card that was checked.

    Raises:
        WrongEntryError: It is not on the list any more.
    """
    workspace = workspace_of(request)
    product_id = read_number(request.state.form.get("product"))
    warehouse = open_warehouse(workspace).waiting_at_most(WAIT_SECONDS)
    is_done = False
    if product_id is not None and has_books(workspace):
        with warehouse.writing() as connection:
            is_done = tick_off_product(connection, product_id)
    if not is_done:
        raise WrongEntryError(
            _("This card is no longer on the list: somebody else has ticked it off, or the reason is gone.")
        )
    return RedirectResponse(f"/profiles/{workspace.profile.name}/attention?done=1", 303)
