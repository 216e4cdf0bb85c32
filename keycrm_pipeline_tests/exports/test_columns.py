"""The column map of a profile: it chooses, orders and renames, and refuses what does not exist in words."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from keycrm_pipeline.export_tables import TABLES
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.exports.errors import ColumnMapError
from keycrm_pipeline.exports.hand_over import ChangeWriter
from keycrm_pipeline.exports.reconciliation import reconciliation_frame
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.export import read_export_sources
from keycrm_pipeline_tests.exports.small_shop import MARCH, SmallShop


def test_every_column_on_offer_exists(shop: SmallShop) -> None:
    """A column that the documentation offers must not fail in the month's last hour."""
    with shop.warehouse.reading() as connection:
        choose_documents(connection, MARCH, EVERYTHING)
        sources = read_export_sources(connection, MARCH, export_format="csv", currency="UAH")
    # Added by the export itself, or meant for one format only.
    beyond = {
        "held_back": ({"reason"}, {"details_coded"}),
        "partners": (set(), {"custom_fields"}),
        "products": ({"kind_name"}, {"custom_fields"}),
        "order_services": ({"kind_name"}, set()),
        "order_payments": ({"status_name", "method_kind_name", "receipt_name"}, set()),
        "product_variants": (set(), {"is_barcode_owner"}),
        "orders": (
            {"payment_status_name"},
            {"partner_has_namesakes", "payment_method_id", "payment_method_kind", "custom_fields"},
        ),
    }
    writer = ChangeWriter(ZoneInfo("Europe/Kyiv"), "bas", {})
    frames = {
        **sources.tables,
        "changed_after_export": writer.changed_after_export(()),
        "closed_period_changes": writer.closed_period_changes(()),
        "reconciliation": reconciliation_frame(()),
    }
    assert {table.name for table in TABLES} == set(frames)
    for table in TABLES:
        added, hidden = beyond.get(table.name, (set(), set()))
        offered = {column.name for column in table.columns}
        assert offered - added == set(frames[table.name].columns) - hidden, table.name


def test_default_headers_are_distinct() -> None:
    """Two columns under one header cannot be told apart by an import form."""
    for table in TABLES:
        headers = [column.header for column in table.columns]
        assert len(set(headers)) == len(headers), table.name


def test_map_chooses_orders_and_renames() -> None:
    """The import form's own order and names."""
    tables = {table.name: table for table in chosen_tables({"partners": {"phone": "Тел.", "name": "ПІБ"}})}
    assert [(column.name, column.header) for column in tables["partners"].columns] == [
        ("phone", "Тел."),
        ("name", "ПІБ"),
    ]
    assert tables["orders"].columns[0].header == "Номер"


def test_empty_map_leaves_a_table_out() -> None:
    """An import form that knows no payments gets none."""
    assert "order_payments" not in {table.name for table in chosen_tables({"order_payments": {}})}


@pytest.mark.parametrize(
    ("column_map", "sentence"),
    [
        ({"order": {"order_id": "№"}}, "There is no table 'order'. Did you mean orders?"),
        ({"orders": {"order_nr": "№"}}, "The table orders has no column 'order_nr'. Did you mean order_id?"),
        ({"orders": {"order_id": " "}}, "The header of orders.order_id is empty."),
        (
            {"orders": {"order_id": "Номер", "source_number": "номер"}},
            "The header 'номер' appears twice in the table orders.",
        ),
        ({table.name: {} for table in TABLES}, "It leaves out every table."),
    ],
)
def test_mistakes_are_named(column_map: dict[str, dict[str, str]], sentence: str) -> None:
    """The message says what is wrong and what there is, so that nobody has to read code."""
    with pytest.raises(ColumnMapError) as caught:
        chosen_tables(column_map)
    assert sentence in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    """Mending them one by one would take as many exports."""
    with pytest.raises(ColumnMapError) as caught:
        chosen_tables({"order": {}, "orders": {"nothing": "x"}, "partners": {"name": ""}})
    assert len(caught.value.problems) == 3


def test_cost_and_margin_only_if_the_profile_shows_them() -> None:
    """A manager who gets the workbook learns no purchase price; whoever maps the column asked for it."""
    costs = {"cost_total", "expenses_total", "margin", "margin_in_crm", "purchased_price", "cost"}

    def named(**asked: Any) -> set[str]:
        return {column.name for table in chosen_tables({}, **asked) for column in table.columns}

    assert named() & costs == set()
    assert named(with_cost=True) >= costs
    mapped = {table.name: table for table in chosen_tables({"order_lines": {"cost": "Собівартість"}})}
    assert [column.name for column in mapped["order_lines"].columns] == ["cost"]
