"""Stage `partners`: finds or creates the partner card of every order's buyer (R3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from keycrm_pipeline.accounting.names import name_key
from keycrm_pipeline.accounting.partners import BuyerOnOrder, BuyerTexts, PartnerCard, PartnerCards
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline import buyers
from keycrm_pipeline.pipeline.results import CardCounts, StageNumbers
from keycrm_pipeline.pipeline.selection import selection
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.memory import without_search_for_cycles
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import cards as cards_store
from keycrm_pipeline.warehouse.batches import batch_orders
from keycrm_pipeline.warehouse.documents import selected_days

if TYPE_CHECKING:
    import duckdb


def run(session: Session, period: Period | None) -> StageNumbers:
    """Finds or creates the cards of the buyers of a period's orders, and of those that this exchange touched."""
    with session.warehouse.writing() as connection:
        cards_store.select_orders(connection, selection(session, period))
        counts = derive_partners(connection, session.profile, now=session.now, everything=session.is_rebuild)
    session.add(partners_created=counts.created)
    asked = buyers.refresh(session)
    return counts.numbers(**({"buyers_requested_from_KeyCRM": asked} if asked else {}))


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
    """Finds or creates the partner card of every selected order's buyer (R3); to be called after `select_orders`.

    Days are processed in order, some at a time: a load of years keeps no more cards in memory than one of weeks.

    Args:
        connection: A connection for writing.
        profile: The profile.
        now: Time of the exchange.
        everything: Whether everything is derived again, for `rebuild`.
    """
    created: set[int] = set()
    updated: set[int] = set()
    # Of two batches together: with fewer, the same buyers would come up, and their cards be read, more often.
    for days in selected_days(connection, 2 * batch_orders(everything=everything)):
        with without_search_for_cycles():
            stored = _store_cards(connection, profile, days, now=now)
        created.update(stored.created)
        updated.update(stored.updated)
    return CardCounts(
        created=len(created), updated=len(updated - created), used=cards_store.partners_used(connection)
    )


@dataclass(frozen=True)
class _CardIds:
    """Ids of the cards that were created and changed for some days; the cards themselves need not stay in memory."""

    created: set[int]
    updated: set[int]


def _store_cards(
    connection: duckdb.DuckDBPyConnection, profile: Profile, period: Period, *, now: datetime
) -> _CardIds:
    """Matches the buyers of some days' selected orders to cards, and stores the cards created or changed."""
    texts = BuyerTexts()
    buyers = [BuyerOnOrder(*buyer) for buyer in cards_store.buyers_on_orders(connection, period)]
    default_key = name_key(profile.default_partner) if profile.default_partner else None
    keys = pl.DataFrame(
        {
            "buyer_id": [buyer.buyer_id for buyer in buyers],
            "phone_key": [texts.phone_key(buyer.phone) for buyer in buyers],
            "email_key": [texts.email_key(buyer.email) for buyer in buyers],
        },
        schema={"buyer_id": pl.Int64, "phone_key": pl.String, "email_key": pl.String},
    )
    cards, links, next_partner_id = cards_store.partner_candidates(connection, keys, default_key)
    found = PartnerCards(
        [PartnerCard(*card) for card in cards],
        links,
        next_partner_id=next_partner_id,
        match_name=profile.partner_match == "phone_and_name",
        default_partner=profile.default_partner,
        texts=texts,
    )
    found.meet_all(
        buyer
        for buyer in buyers
        # Without a default partner there is no card for a buyer without name, phone and e-mail: such an order can
        # only be a booked one that KeyCRM no longer has, and it keeps its partner.
        if profile.default_partner
        or buyer.buyer_id in links
        or (
            buyer.buyer_id is not None
            and texts.name_to_show(buyer.name, buyer.phone, buyer.email) is not None
        )
    )
    conflicts = {conflict.buyer_id: conflict for conflict in found.name_conflicts}
    cards_store.store_partners(
        connection,
        created=[partner_row(card, texts) for card in found.created.values()],
        changed=[partner_row(card, texts) for card in found.updated.values()],
        confirmed=[
            (card.partner_id, card.as_of_ordered_at, card.as_of_order_id) for card in found.confirmed.values()
        ],
        links=[
            {
                "buyer_id": buyer_id,
                "partner_id": partner_id,
                "name_conflict": buyer_id in conflicts,
                "conflict_order_id": conflicts[buyer_id].order_id if buyer_id in conflicts else None,
            }
            for buyer_id, partner_id in found.new_links.items()
        ],
        now=now,
    )
    return _CardIds(created=set(found.created), updated=set(found.updated))
