"""Whether two payloads of an order are one version of it (R14).

An order carries cards of other things as they are at the moment: the stock of each product, what a buyer has ordered so
far, when a manager last logged in. They change with every sale of anybody, and the order itself stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

_IDENTITY: Final = ("id",)
_OFFER: Final = ("id", "product_id", "sku", "barcode", "properties")
"""What is left of a card of something else: by which it is known, and what the books use of it."""

_BUYER_NOW: Final = ("orders_sum", "orders_count", "has_duplicates", "updated_at")
_ORDER_NOW: Final = ("last_synced_at",)
_SHIPPING_NOW: Final = ("last_history", "last_history_id", "updated_at")
"""The carrier's latest event moves with every look at the parcel; what follows from it is in `shipping_status`."""


def says_the_same(older: str | bytes, newer: str | bytes) -> bool:
    """Whether two payloads of an order differ at most in what is not the order's own.

    `updated_at` is its own: what KeyCRM says has been changed is another version. So is a key that is not known here.

    Args:
        older: JSON text of the order.
        newer: JSON text of the same order. A text that cannot be read says something else.
    """
    try:
        return bool(_own(msgspec.json.decode(older)) == _own(msgspec.json.decode(newer)))
    except (msgspec.DecodeError, RecursionError):
        return False


def _own(order: Any) -> Any:
    """What is the order's own of a decoded payload, which is changed for it."""
    if not isinstance(order, dict):
        return order
    order = _without(order, _ORDER_NOW)
    _reduce(order, "buyer", lambda buyer: _without(buyer, _BUYER_NOW))
    for key in ("manager", "status", "warehouse"):
        _reduce(order, key, lambda card: _only(card, _IDENTITY))
    for key in ("assigned", "tags"):
        _reduce_each(order, key, lambda card: _only(card, _IDENTITY))
    _reduce(order, "shipping", lambda shipping: _without(shipping, _SHIPPING_NOW))
    _reduce_each(order, "products", _line)
    return order


def _line(line: dict[str, Any]) -> dict[str, Any]:
    _reduce(line, "offer", lambda offer: _only(offer, _OFFER))
    _reduce(line, "warehouse", lambda warehouse: _only(warehouse, _IDENTITY))
    return line


def _reduce(parent: dict[str, Any], key: str, reduced: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    if isinstance(parent.get(key), dict):
        parent[key] = reduced(parent[key])


def _reduce_each(
    parent: dict[str, Any], key: str, reduced: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    if isinstance(parent.get(key), list):
        parent[key] = [reduced(member) if isinstance(member, dict) else member for member in parent[key]]


def _without(card: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key not in keys}


def _only(card: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The same card with these keys; a card without any of them, which is none of KeyCRM's, stays whole."""
    return {key: card[key] for key in keys if key in card} or card
