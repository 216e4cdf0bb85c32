"""The demo shop with changes made by hand: orders, buyers and lists that tests add, replace and delete."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from keycrm_pipeline.sandbox.orders import Facts
from keycrm_pipeline.sandbox.payloads import Payload, product_payload, timestamp
from keycrm_pipeline.sandbox.shop import (
    CreatedBetween,
    ListName,
    OrderFilter,
    Shop,
    read_moment,
    utc_now,
)

_LATIN = str.maketrans(
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюяАБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ’№",
    "abvggdeezzyiijklmnoprstufhccssjuaABVGGDEEZZYIIJKLMNOPRSTUFHCCSSJUA'N",
)


def in_latin(value: Any) -> Any:
    """A value of a record with every text in Latin letters."""
    if isinstance(value, str):
        return value.translate(_LATIN)
    if isinstance(value, Mapping):
        return {key: in_latin(part) for key, part in value.items()}
    return [in_latin(part) for part in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _ChangedOrder:
    """An order that was set by hand: its record, which no longer changes, and what filters look at."""

    record: Payload
    facts: Facts


class EditableShop(Shop):
    """A shop in which orders that are added, replaced or deleted by hand take precedence over generated ones.

    The arguments are those of `Shop`. All methods may be called from any thread.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._lock = threading.RLock()
        self._changed: dict[int, _ChangedOrder | None] = {}
        self._changed_by_day: dict[int, set[int]] = {}
        self._changed_buyers: dict[int, Payload | None] = {}

    @classmethod
    def empty(
        cls,
        now: Callable[[], datetime] = utc_now,
        created_between: CreatedBetween = "created_at",
    ) -> Self:
        """A shop without orders and products, for a test to fill.

        Statuses, sources, managers, payment methods, delivery services and categories are those of the demo
        shop.
        """
        shop = cls(now, orders_per_day=0, created_between=created_between)
        shop._lists["products"] = {}
        shop._lists["offers"] = {}
        return shop

    def order(self, order_id: int) -> Payload | None:
        """A copy of the order with every include as it is now; None if there is no such order."""
        found = self.records([order_id])
        return deepcopy(found[0]) if found else None

    def records(self, order_ids: Iterable[int]) -> list[Payload]:
        with self._lock:
            return super().records(order_ids)

    def _runs(self, wanted: OrderFilter, now: datetime) -> dict[int, Sequence[int]]:
        with self._lock:
            runs = super()._runs(wanted, now)
            for number, order_ids in self._changed_by_day.items():
                kept = [order_id for order_id in runs.get(number, ()) if order_id not in order_ids]
                added = [
                    order_id
                    for order_id in order_ids
                    if (change := self._changed[order_id]) is not None
                    and wanted.matches(change.facts, self.created_between)
                ]
                runs[number] = sorted(kept + added)
            return dict(sorted(runs.items()))

    def _exists(self, order_id: int, now: datetime) -> bool:
        if order_id in self._changed:
            return self._changed[order_id] is not None
        return super()._exists(order_id, now)

    def _record(self, order_id: int, now: datetime) -> Payload:
        change = self._changed.get(order_id)
        if change is not None:
            return change.record
        record = super()._record(order_id, now)
        # A status that was renamed by hand has its new name in the orders as well.
        record["status"] = self._lists["statuses"].get(record["status_id"], record["status"])
        return record

    def add_order(self, payload: Mapping[str, Any], order_id: int | None = None) -> int:
        """Add an order, or replace the one with the same id.

        Args:
            payload: The whole order with every include; see `payloads.order_payload`. It need not be valid.
            order_id: The id to store it under, for a payload whose own `id` is missing or not an integer.

        Returns:
            The id it is stored under. It exists from now on, whatever its dates, and no longer changes.

        Raises:
            ValueError: The payload's `id` is not an integer and `order_id` was not given.
        """
        record = deepcopy(dict(payload))
        stored_id = record.get("id") if order_id is None else order_id
        if not isinstance(stored_id, int):
            raise ValueError("the order's id is not an integer: pass order_id")  # noqa: TRY004 - bad input
        with self._lock:
            self._put(stored_id, _ChangedOrder(record, _facts_of(stored_id, record)))
            buyer = record.get("buyer")
            if isinstance(buyer, Mapping) and isinstance(buyer.get("id"), int):
                self._changed_buyers[buyer["id"]] = dict(buyer)
        return stored_id

    def replace_order(self, order_id: int, changes: Mapping[str, Any]) -> Payload:
        """Change keys of an order and set its `updated_at` to now.

        A new `status_id` also sets `status`, `status_group_id` and `status_changed_at` unless they are given;
        sums are not recomputed. To change an order without a new `updated_at`, pass the old value.

        Returns:
            A copy of the changed order. It no longer changes by itself.

        Raises:
            LookupError: There is no such order now.
        """
        with self._lock:
            record = self.order(order_id)
            if record is None:
                raise LookupError(f"the shop has no order {order_id}: nothing was changed")
            moment = timestamp(self.now())
            followed: Payload = {"updated_at": moment}
            status = self._lists["statuses"].get(changes.get("status_id", 0))
            if status is not None:
                followed.update(status=status, status_group_id=status["group_id"], status_changed_at=moment)
            self.add_order({**record, **followed, **changes}, order_id)
            return deepcopy({**record, **followed, **changes})

    def delete_order(self, order_id: int) -> bool:
        """Delete an order without a trace, as KeyCRM does; returns whether it existed."""
        with self._lock:
            existed = self._exists(order_id, self.now())
            self._put(order_id, None)
            return existed

    def _put(self, order_id: int, change: _ChangedOrder | None) -> None:
        self._changed[order_id] = change
        self._changed_by_day.setdefault(self._calendar.number_of_id(order_id), set()).add(order_id)

    def spell_in_latin(self) -> None:
        """Spell every text of the account in Latin letters, as a shop abroad has them."""
        with self._lock:
            self._lists = {name: in_latin(records) for name, records in self._lists.items()}
            self._changed = {
                order_id: change and _ChangedOrder(in_latin(change.record), change.facts)
                for order_id, change in self._changed.items()
            }
            self._changed_buyers = in_latin(self._changed_buyers)

    def records_of(self, name: ListName) -> list[Payload]:
        with self._lock:
            return super().records_of(name)

    def add_record(self, name: ListName, payload: Mapping[str, Any]) -> int:
        """Add a record to a list of the account, or replace the one with the same id; returns its id."""
        with self._lock:
            self._lists[name][payload["id"]] = deepcopy(dict(payload))
        return int(payload["id"])

    def remove_record(self, name: ListName, record_id: int) -> bool:
        """Remove a record from a list of the account; orders that contain it keep it. Returns whether it existed."""
        with self._lock:
            return self._lists[name].pop(record_id, None) is not None

    def add_product(self, payload: Mapping[str, Any], offers: Iterable[Mapping[str, Any]] = ()) -> int:
        """Add a product and its offers to the catalogue.

        Args:
            payload: The product; see `product_payload`. With variants (`has_offers`) it loses the keys of plain
                products.
            offers: Its variants, or the one offer of a plain product; see `payloads.offer_payload`.

        Returns:
            The product's id.
        """
        others = {key: value for key, value in payload.items() if key not in ("id", "name")}
        product = product_payload(payload["id"], payload["name"], **others)
        for offer in offers:
            self.add_offer({**offer, "product_id": product["id"]})
        return self.add_record("products", product)

    def remove_product(self, product_id: int) -> bool:
        """Delete a product and its offers; returns whether it existed."""
        with self._lock:
            offers = self._lists["offers"]
            for offer_id in [key for key, offer in offers.items() if offer["product_id"] == product_id]:
                del offers[offer_id]
            return self.remove_record("products", product_id)

    def add_offer(self, payload: Mapping[str, Any]) -> int:
        """Add or replace an offer; returns its id."""
        return self.add_record("offers", payload)

    def add_category(self, payload: Mapping[str, Any]) -> int:
        """Add or replace a category; returns its id."""
        return self.add_record("categories", payload)

    def add_status(self, payload: Mapping[str, Any]) -> int:
        """Add a status, or replace and so rename one; returns its id."""
        return self.add_record("statuses", payload)

    def add_source(self, payload: Mapping[str, Any]) -> int:
        """Add a source, or replace and so rename one; returns its id."""
        return self.add_record("sources", payload)

    def buyer_ids(self) -> Sequence[Sequence[int]]:
        runs = super().buyer_ids()
        with self._lock:
            removed = {buyer_id for buyer_id, buyer in self._changed_buyers.items() if buyer is None}
            added = [
                key for key in self._changed_buyers.keys() - removed if not any(key in run for run in runs)
            ]
        if removed:
            runs = [[buyer_id for buyer_id in run if buyer_id not in removed] for run in runs]
        return [*runs, sorted(added)] if added else runs

    def buyer(self, buyer_id: int) -> Payload | None:
        if buyer_id in self._changed_buyers:
            return self._changed_buyers[buyer_id]
        return super().buyer(buyer_id)

    def remove_buyer(self, buyer_id: int) -> None:
        """Delete a buyer's record, as merging two buyers does with one of them; orders keep the buyer."""
        with self._lock:
            self._changed_buyers[buyer_id] = None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _facts_of(order_id: int, record: Mapping[str, Any]) -> Facts:
    """What filters look at in an order that was set by hand, however broken it is."""
    buyer = record.get("buyer")
    buyer = buyer if isinstance(buyer, Mapping) else {}
    shipping = record.get("shipping")
    shipping = shipping if isinstance(shipping, Mapping) else {}
    return Facts(
        order_id=order_id,
        ordered_at=read_moment(record.get("ordered_at")),
        created_at=read_moment(record.get("created_at")),
        updated_at=read_moment(record.get("updated_at")),
        shipped_on=read_moment(shipping.get("shipping_date_actual")),
        status_id=_whole(record.get("status_id")),
        source_id=_whole(record.get("source_id")),
        source_uuid=_text(record.get("source_uuid")),
        payment_status=_text(record.get("payment_status")),
        buyer_phones=(_text(buyer.get("phone")),),
        buyer_email=_text(buyer.get("email")),
        has_tracking_code=bool(shipping.get("tracking_code")),
    )
