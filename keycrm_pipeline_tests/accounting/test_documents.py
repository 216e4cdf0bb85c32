"""The delivery address of an order document (R8)."""

from __future__ import annotations

import polars as pl
import pytest

from keycrm_pipeline.accounting.documents import ADDRESS_PARTS, with_delivery_address


def addresses(*orders: dict[str, str]) -> list[str | None]:
    columns = ("country_code", *ADDRESS_PARTS)
    frame = pl.DataFrame(
        {f"address_{part}": [order.get(part) for order in orders] for part in columns},
        schema={f"address_{part}": pl.String for part in columns},
    )
    return with_delivery_address(frame)["delivery_address"].to_list()


@pytest.mark.parametrize("orders", [1, 2, 5])
def test_batch_without_any_address_has_none(orders: int) -> None:
    """A day of sales over the counter loads."""
    assert addresses(*[{}] * orders) == [None] * orders


@pytest.mark.parametrize("part", ADDRESS_PARTS)
def test_single_filled_part_is_the_whole_address(part: str) -> None:
    """One filled field in a whole batch is shown on its order and on no other."""
    assert addresses({}, {part: "Щось"}, {}) == [None, "Щось", None]


@pytest.mark.parametrize(
    ("order", "address"),
    [
        ({"country": "Україна", "country_code": "UA", "city": "Полтава"}, "Полтава"),
        ({"country": "україна ", "city": "Полтава"}, "Полтава"),
        (
            {"city": "Полтава", "street": "вул. Сонячна, 1\r\nкод  дверей 12"},
            "Полтава, вул. Сонячна, 1 код дверей 12",
        ),
        ({"country": "Польща", "country_code": "PL", "city": "Краків"}, "Польща, Краків"),
        (
            {"region": "Київська", "city": "Київ", "zip": "01001", "street": "вул. Сонячна, 1"},
            "Київська, Київ, 01001, вул. Сонячна, 1",
        ),
        ({"city": "Полтава", "receive_point": "Полтава, відділення №5"}, "Полтава, відділення №5"),
        ({"city": "ПОЛТАВА", "street": "полтава"}, "ПОЛТАВА"),
        ({"receive_point": "Відділення №5", "second_line": "Відділення №5"}, "Відділення №5"),
        ({"city": "Суми", "receive_point": "№12 (Суми)"}, "№12 (Суми)"),
    ],
)
def test_address_is_one_line_without_repetitions(order: dict[str, str], address: str) -> None:
    """The line reads like one that a person would write on a parcel."""
    assert addresses({}, order) == [None, address]
