"""Which fields of KeyCRM's payload each column of schema `validated` is read from, taken from the SQL that reads it.

So there is no second list that could disagree with the SQL. What the accounting columns are made of is in
`schemas.lineage`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from keycrm_pipeline.schemas.validated import (
    VALIDATED_ORDER_LINES,
    VALIDATED_ORDER_PAYMENTS,
    VALIDATED_ORDERS,
)
from keycrm_pipeline.warehouse.statements import statement

_PREFIXES = {
    "fields": ("payload",),
    "line": ("payload.products",),
    "payment": ("payload.payments", "payload.expenses"),
    "tag": ("payload.tags",),
}
"""Name of a record in the statements -> where it stands in a payload."""

_STAGED = (
    ("stage_orders", VALIDATED_ORDERS),
    ("stage_lines", VALIDATED_ORDER_LINES),
    ("stage_payments", VALIDATED_ORDER_PAYMENTS),
)

_AS_STORED = ("order_id", "order_day", "payload_hash")
"""Columns that are those of `raw.orders`."""


@cache
def payload_fields() -> Mapping[str, tuple[str, ...]]:
    """Column, as `orders.buyer_phone` -> columns of `raw.orders`, or paths such as `payload.buyer.phone`.

    A path leads through the elements of lists: `payload.products.price`.
    """
    return {
        f"{table.name}.{column}": ((column,) if column in _AS_STORED else tuple(paths.get(column, ())))
        for name, table in _STAGED
        for paths in (_paths(statement("validation", name)),)
        for column in table.column_names
    }


def _paths(query: str) -> dict[str, list[str]]:
    """Name of each column that a query selects anywhere -> the paths that its expressions read."""
    query = re.sub(r"--[^\n]*", "", query)
    expressions: dict[str, str] = {}
    for selected in re.findall(r"SELECT(.*?)(?:\bFROM\b|$)", query, re.DOTALL):
        for item in _items(selected):
            expression, named, name = item.rpartition(" AS ")
            if named:
                expressions.setdefault(name.strip(), expression)
    return {name: _read(expression, expressions) for name, expression in expressions.items()}


def _items(selected: str) -> list[str]:
    """The parts of a SELECT between the commas that stand in no brackets."""
    items, depth = [""], 0
    for character in selected:
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [" ".join(item.split()) for item in items]


def _read(expression: str, expressions: Mapping[str, str]) -> list[str]:
    """The paths that an expression reads, itself and through other columns of the statement."""
    paths: list[str] = []
    for words in re.findall(r"[a-z_]+(?:\.[a-z_]+)*", expression):
        record, _, path = words.partition(".")
        if path and record in _PREFIXES:
            paths += [f"{prefix}.{path}" for prefix in _PREFIXES[record]]
        elif words in expressions and expressions[words] != expression:
            paths += _read(expressions[words], expressions)
    return list(dict.fromkeys(paths))
