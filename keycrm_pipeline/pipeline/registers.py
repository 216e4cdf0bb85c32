"""Finds or creates the cards that a period's orders need: statuses, sources, partners (R3, R9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from keycrm_pipeline.accounting.names import name_key
from keycrm_pipeline.accounting.partners import (
    BuyerOnOrder,
    BuyerTexts,
    PartnerCard,
    PartnerCards,
)
from keycrm_pipeline.accounting.statuses import group_name, source_name, status_name
from keycrm_pipeline.crm.values import text, whole
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.memory import without_search_for_cycles
from keycrm_pipeline.warehouse import cards as card_store
from keycrm_pipeline.warehouse.batches import pace_of
from keycrm_pipeline.warehouse.documents import selected_days

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class CardCounts:
    """Cards made, cards changed, and cards that the period's orders use."""

    created: int
    updated: int
    used: int


def chosen_status_ids(profile: Profile) -> Sequence[int] | None:
    """The status ids whose orders the profile loads; None for all (R2)."""
    return None if profile.statuses.load == "all" else tuple(profile.statuses.load)


def derive_statuses(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int | None,
) -> CardCounts:
    """Brings the status register up to date (R9): KeyCRM's list, and statuses that only orders still carry."""
    stored = {row["status_id"]: row for row in card_store.stored_statuses(connection)}
    known: dict[int, tuple[str | None, str | None, int | None]] = {
        status_id: (row["name"], row["alias"], row["group_id"]) for status_id, row in stored.items()
    }
    carried = card_store.statuses_of_orders(connection, first_day, last_day, exchange_id)
    for status_id, name, alias, group_id in carried:
        earlier = known.get(status_id, (None, None, None))
        known[status_id] = (name or earlier[0], alias or earlier[1], group_id or earlier[2])
    for status_id, payload, listed in card_store.reference_rows(connection, "statuses"):
        row = msgspec.json.decode(payload)
        # An order's own copy of a status may be older than the list; the list counts while it has the status.
        if listed or status_id not in known:
            known[status_id] = (text(row.get("name")), text(row.get("alias")), whole(row.get("group_id")))
    chosen = chosen_status_ids(profile)
    rows = []
    for status_id, (name, alias, group_id) in sorted(known.items()):
        shown = status_name(name, alias) or f"Статус {status_id}"
        rows.append(
            {
                "status_id": status_id,
                "name": shown,
                "alias": alias,
                "group_id": group_id,
                "group_name": group_name(group_id),
                "stage": profile.statuses.stages.get(status_id, shown),
                "is_mapped": status_id in profile.statuses.stages,
                "is_loaded": chosen is None or status_id in chosen,
            }
        )
    changed = [row for row in rows if stored.get(row["status_id"]) != row]
    card_store.store_statuses(connection, changed)
    created = sum(row["status_id"] not in stored for row in changed)
    return CardCounts(created=created, updated=len(changed) - created, used=len(carried))


def derive_sources(
    connection: duckdb.DuckDBPyConnection, first_day: date, last_day: date, *, exchange_id: int | None
) -> CardCounts:
    """Brings the source register up to date (R9): KeyCRM's list, and sources that only orders still carry."""
    stored = {row["source_id"]: row for row in card_store.stored_sources(connection)}
    rows: dict[int, dict[str, Any]] = dict(stored)
    for source_id, payload, _listed in card_store.reference_rows(connection, "sources"):
        row = msgspec.json.decode(payload)
        rows[source_id] = {
            "source_id": source_id,
            "name": source_name(source_id, text(row.get("name"))),
            "driver": text(row.get("driver")),
            # «uah» and «UAH» are one currency: their sums belong together.
            "currency": (text(row.get("currency_code")) or "").upper() or None,
        }
    carried = card_store.sources_of_orders(connection, first_day, last_day, exchange_id)
    for source_id in carried:
        rows.setdefault(
            source_id,
            {"source_id": source_id, "name": source_name(source_id, None), "driver": None, "currency": None},
        )
    changed = [row for source_id, row in sorted(rows.items()) if stored.get(source_id) != row]
    card_store.store_sources(connection, changed)
    created = sum(row["source_id"] not in stored for row in changed)
    return CardCounts(created=created, updated=len(changed) - created, used=len(carried))


def partner_row(card: PartnerCard, texts: BuyerTexts) -> dict[str, Any]:
    """A partner card as a row of its table, with the keys it is found by."""
    # Not dataclasses.asdict: it copies deeply, which costs more than the rule itself on 100,000 cards.
    return {
        "partner_id": card.partner_id,
        "name": card.name,
        "phone": card.phone,
        "email": card.email,
        "origin": card.origin,
        "catalogue_id": card.catalogue_id,
        "as_of_ordered_at": card.as_of_ordered_at,
        "as_of_order_id": card.as_of_order_id,
        "name_key": texts.name_key(card.name),
        "phone_key": texts.phone_key(card.phone),
        "email_key": texts.email_key(card.email),
    }


def derive_partners(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    *,
    now: datetime,
    everything: bool = False,
) -> CardCounts:
    """Finds or creates the partner card of every selected order's buyer (R3); `select_orders` went before.

    Days are met in their order, some at a time: a load of years has no more cards in memory than one of weeks.

    Args:
        connection: A connection for writing.
        profile: The profile.
        now: Time of the exchange.
        everything: Whether everything is derived anew, for `rebuild`.
    """
    created: set[int] = set()
    updated: set[int] = set()
    for first_day, last_day in selected_days(connection, pace_of(everything=everything).card_orders):
        with without_search_for_cycles():
            met = _meet_buyers(connection, profile, first_day, last_day, now=now)
        created.update(met.created)
        updated.update(met.updated)
    return CardCounts(
        created=len(created), updated=len(updated - created), used=card_store.partners_used(connection)
    )


@dataclass(frozen=True)
class _MetCards:
    """Numbers of the cards that some days' buyers made and changed; the cards themselves need not stay in memory."""

    created: set[int]
    updated: set[int]


def _meet_buyers(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    now: datetime,
) -> _MetCards:
    """Meets the buyers of the selected orders of some days, and stores the cards that this made or changed."""
    texts = BuyerTexts()
    buyers = [BuyerOnOrder(*buyer) for buyer in card_store.buyers_on_orders(connection, first_day, last_day)]
    default_key = name_key(profile.default_partner) if profile.default_partner else None
    keys = pl.DataFrame(
        {
            "buyer_id": [buyer.buyer_id for buyer in buyers],
            "phone_key": [texts.phone_key(buyer.phone) for buyer in buyers],
            "email_key": [texts.email_key(buyer.email) for buyer in buyers],
        },
        schema={"buyer_id": pl.Int64, "phone_key": pl.String, "email_key": pl.String},
    )
    cards, links, next_partner_id = card_store.partner_candidates(connection, keys, default_key)
    register = PartnerCards(
        [PartnerCard(*card) for card in cards],
        links,
        next_partner_id=next_partner_id,
        match_name=profile.partner_match == "phone_and_name",
        default_partner=profile.default_partner,
        texts=texts,
    )
    register.meet_all(
        buyer
        for buyer in buyers
        # Without a default partner there is no card to find for a buyer who is nobody: such an order can only be
        # one that is booked and gone from KeyCRM, and keeps the partner it has.
        if profile.default_partner
        or buyer.buyer_id in links
        or (
            buyer.buyer_id is not None
            and texts.name_to_show(buyer.name, buyer.phone, buyer.email) is not None
        )
    )
    conflicts = {conflict.buyer_id: conflict for conflict in register.name_conflicts}
    card_store.store_partners(
        connection,
        created=[partner_row(card, texts) for card in register.created.values()],
        changed=[partner_row(card, texts) for card in register.updated.values()],
        confirmed=[
            (card.partner_id, card.as_of_ordered_at, card.as_of_order_id)
            for card in register.confirmed.values()
        ],
        links=[
            {
                "buyer_id": buyer_id,
                "partner_id": partner_id,
                "name_conflict": buyer_id in conflicts,
                "conflict_order_id": conflicts[buyer_id].order_id if buyer_id in conflicts else None,
            }
            for buyer_id, partner_id in register.new_links.items()
        ],
        now=now,
    )
    return _MetCards(created=set(register.created), updated=set(register.updated))
