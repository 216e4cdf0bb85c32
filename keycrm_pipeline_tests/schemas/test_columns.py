"""A frame that is not what its table says is refused before it is written: columns are named, no value is shown."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from keycrm_pipeline.schemas.accounting import ORDER_SERVICES, ORDERS


def services(**changed: pl.Expr) -> pl.DataFrame:
    """Two delivery lines of two orders, with some columns changed."""
    return pl.DataFrame(
        {
            "order_id": [1, 2],
            "line_no": pl.Series([1, 1], dtype=pl.Int32),
            "kind": ["delivery", "delivery"],
            "name": ["Доставка Олені", "Доставка Петру"],
            "sku": pl.Series([None, None], dtype=pl.String),
            "quantity": [1_000, 1_000],
            "amount": [5_000, 0],
        }
    ).with_columns(**changed)


def test_a_right_frame_passes() -> None:
    """Columns may be left out, and those that may be empty may be."""
    frame = services()
    assert ORDER_SERVICES.checked(frame) is frame


def test_an_empty_frame_passes() -> None:
    """A batch without services has no row, and nothing to complain of."""
    assert ORDER_SERVICES.checked(services().clear()).is_empty()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("amount", pl.lit(5.5), "do not match accounting.order_services: amount."),
        ("amuont", pl.lit(1, pl.Int64), "do not match accounting.order_services: amuont."),
        ("name", pl.lit(None, pl.String), "accounting.order_services that lack values: name (2 rows)."),
    ],
    ids=["type", "stranger", "gap"],
)
def test_types_and_gaps_are_reported(column: str, values: pl.Expr, message: str) -> None:
    """The message names the columns alone: it may reach a log."""
    with pytest.raises(TypeError) as error:
        ORDER_SERVICES.checked(services(**{column: values}))
    assert message in str(error.value)
    assert "Олен" not in str(error.value)


@pytest.mark.parametrize(
    ("column", "values"),
    [("kind", pl.lit("gift")), ("quantity", pl.lit(-1, pl.Int64)), ("order_id", pl.lit(1, pl.Int64))],
    ids=["not one of the kinds", "below zero", "same key twice"],
)
def test_values_are_checked(column: str, values: pl.Expr) -> None:
    """What pandera finds is raised."""
    with pytest.raises(pa.errors.SchemaErrors):
        ORDER_SERVICES.checked(services(**{column: values}))


def test_a_document_that_does_not_add_up_is_refused() -> None:
    """Goods 90.00 and services 10.00 are not 100.01 without a difference of 0.01 (R6)."""
    sums = {"order_id": [7], "goods_total": [9_000], "services_total": [1_000], "grand_total": [10_001]}
    right = pl.DataFrame({**sums, "difference": [1]})
    assert ORDERS.checked(right) is right
    with pytest.raises(pa.errors.SchemaErrors):
        ORDERS.checked(pl.DataFrame({**sums, "difference": [0]}))
