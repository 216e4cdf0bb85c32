"""Where the sales of the period come from, and how much of them is discounts and delivery.

Sources, managers, stages, payment methods, categories, products and buyers: the rows of each table add up to
its total, including the row for the rest. Unpaid orders and orders that need your attention are in `waiting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from keycrm_pipeline.formatting import NO_VALUE
from keycrm_pipeline.reports.elements import (
    ZERO,
    Cell,
    Section,
    Table,
    Writer,
    share_of,
)
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.warehouse.sales import Delivery, Discounts, ItemSales, NamedSales

MOST_NAMED_ROWS = 15
"""Rows of a table of sources, managers or categories; the rest is added up in one row."""
MOST_PRODUCT_ROWS = 25

_BUYER_KINDS = ("first_order", "repeat_order", "no_buyer")
_DETAILED_ITEMS = ("goods", "service", "goods_and_services")

_Rows = list[list[Cell]]


def _section(
    key: str, title: str, table: Table | None, writer: Writer, *, lead: str = "", is_half: bool = False
) -> Section:
    return Section(
        key,
        title,
        lead if table else "",
        tables=[table] if table else [],
        empty=writer.words["empty_period"],
        is_half=is_half,
    )


def _share_cell(amount: Decimal, whole: Decimal, writer: Writer) -> Cell:
    return Cell(
        writer.write.percent(amount / whole) if whole > 0 else NO_VALUE,
        tone="quiet",
        bar=share_of(amount, whole),
    )


def _ranking(
    rows: Iterable[NamedSales],
    figures: ReportFigures,
    writer: Writer,
    *,
    first: str,
    counted: str = "orders",
    nameless: str = NO_VALUE,
) -> Table | None:
    """A table of amount, share of the total and number of orders; rows beyond the limit are added up.

    Args:
        rows: The rows, in order.
        figures: The report's figures, for the order of currencies.
        writer: Writes words and numbers.
        first: Heading of the names.
        counted: Key of the heading of the counts.
        nameless: What to show for rows without a name.
    """
    words, write = writer.words, writer.write

    def write_rows(currency: str, members: list[NamedSales]) -> tuple[_Rows, list[Cell]]:
        whole = sum((member.amount for member in members), ZERO)
        shown = members[:MOST_NAMED_ROWS]
        rest = members[MOST_NAMED_ROWS:]
        if rest:
            shown.append(
                NamedSales(
                    words["others"].format(count=write.number(len(rest))),
                    currency,
                    sum(member.orders for member in rest),
                    sum((member.amount for member in rest), ZERO),
                )
            )
        cells = [
            [
                Cell(member.name or nameless),
                Cell(write.money(member.amount, currency)),
                _share_cell(member.amount, whole, writer),
                Cell(write.number(member.orders)),
            ]
            for member in shown
        ]
        total = [
            Cell(words["total"]),
            Cell(write.money(whole, currency)),
            Cell(""),
            Cell(write.number(sum(member.orders for member in members))),
        ]
        return cells, total

    headings = writer.headings(first, "amount", "share", counted)
    return writer.table(headings, rows, figures.currencies, write_rows)


def named_sections(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Sales by source and by manager, all orders by stage, payments by method."""
    words = writer.words
    sources = _ranking(figures.sources, figures, writer, first=words["source"], nameless=words["no_source"])
    managers = _ranking(figures.managers, figures, writer, first=words["manager"])
    stages = _ranking(figures.stages, figures, writer, first=words["stage"])
    payments = _ranking(
        (NamedSales(row.name, row.currency, row.payments, row.amount) for row in figures.payments),
        figures,
        writer,
        first=words["method"],
        counted="count",
    )
    return [
        _section("sources", words["sources"], sources, writer, is_half=True),
        _section("managers", words["managers"], managers, writer, is_half=True),
        _section("stages", words["stages"], stages, writer, lead=words["stages_lead"], is_half=True),
        _section("payments", words["payments"], payments, writer, lead=words["payments_lead"], is_half=True),
    ]


def item_sections(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Sales by category and by card, ending with delivery, wrap, taxes and differences, so that sums match."""
    words = writer.words
    categories = _items(
        figures.categories,
        figures,
        writer,
        first=words["category"],
        most=MOST_NAMED_ROWS,
        nameless=words["no_category"],
    )
    products = _items(figures.products, figures, writer, first=words["product"], most=MOST_PRODUCT_ROWS)
    return [
        _section("categories", words["categories"], categories, writer),
        _section("products", words["products"], products, writer, lead=words["products_lead"]),
    ]


def _items(
    items: Sequence[ItemSales],
    figures: ReportFigures,
    writer: Writer,
    *,
    first: str,
    most: int,
    nameless: str = NO_VALUE,
) -> Table | None:
    words, write = writer.words, writer.write

    def write_rows(currency: str, members: list[ItemSales]) -> tuple[_Rows, list[Cell]]:
        whole = sum((member.amount for member in members), ZERO)
        named = [member for member in members if member.item_kind in _DETAILED_ITEMS]
        fixed = [member for member in members if member.item_kind not in _DETAILED_ITEMS]

        def row(
            name: str, note: str, quantity: Decimal | None, discount: Decimal, amount: Decimal
        ) -> list[Cell]:
            return [
                Cell(name, note=note),
                Cell(write.money(amount, currency)),
                _share_cell(amount, whole, writer),
                Cell(write.number(quantity) if quantity is not None else ""),
                Cell(write.money(discount, currency) if discount else NO_VALUE, tone="quiet"),
            ]

        rows = [
            row(item.name or nameless, item.sku or "", item.quantity, item.discount, item.amount)
            for item in named[:most]
        ]
        rest = named[most:]
        if rest:
            rows.append(
                row(
                    words["others"].format(count=write.number(len(rest))),
                    "",
                    sum((item.quantity for item in rest), ZERO),
                    sum((item.discount for item in rest), ZERO),
                    sum((item.amount for item in rest), ZERO),
                )
            )
        rows += [row(words[f"item_{item.item_kind}"], "", None, item.discount, item.amount) for item in fixed]
        total = [
            Cell(words["total"]),
            Cell(write.money(whole, currency)),
            Cell(""),
            Cell(""),
            Cell(write.money(sum((item.discount for item in members), ZERO), currency)),
        ]
        return rows, total

    headings = writer.headings(first, "amount", "share", "quantity", "discount")
    return writer.table(headings, items, figures.currencies, write_rows)


def discounts_section(figures: ReportFigures, writer: Writer) -> Section:
    """Discounts from list prices."""
    words, write = writer.words, writer.write

    def write_rows(currency: str, members: list[Discounts]) -> tuple[_Rows, list[Cell]]:
        (row,) = members
        share = write.percent(row.discount_total / row.list_total) if row.list_total > 0 else NO_VALUE
        cells = [
            [Cell(words["list_total"]), Cell(write.money(row.list_total, currency))],
            [Cell(words["discount_total"]), Cell(write.money(row.discount_total, currency))],
            [Cell(words["discount_of_goods"], tone="quiet"), Cell(write.money(row.goods_discount, currency))],
            [
                Cell(words["discount_of_services"], tone="quiet"),
                Cell(write.money(row.services_discount, currency)),
            ],
            [Cell(words["discount_share"]), Cell(share)],
            [Cell(words["orders_with_discount"]), Cell(write.number(row.orders_with_discount))],
        ]
        return cells, []

    headings = writer.headings(words["figure"], "this_period")
    table = writer.table(headings, figures.discounts, figures.currencies, write_rows)
    return _section("discounts", words["discounts"], table, writer, is_half=True)


def delivery_section(figures: ReportFigures, writer: Writer) -> Section:
    """Orders by delivery service, and what buyers pay for the delivery."""
    words, write = writer.words, writer.write

    def write_rows(currency: str, members: list[Delivery]) -> tuple[_Rows, list[Cell]]:
        cells = [
            [
                Cell(row.name or words["no_delivery_service"]),
                Cell(write.number(row.orders)),
                Cell(write.number(row.orders_returned), tone="quiet"),
                Cell(write.number(row.orders_charged)),
                Cell(write.money(row.amount, currency)),
            ]
            for row in members
        ]
        total = [
            Cell(words["total"]),
            Cell(write.number(sum(row.orders for row in members))),
            Cell(write.number(sum(row.orders_returned for row in members))),
            Cell(write.number(sum(row.orders_charged for row in members))),
            Cell(write.money(sum((row.amount for row in members), ZERO), currency)),
        ]
        return cells, total

    headings = writer.headings(words["delivery_service"], "orders", "went_back", "with_charge", "charged")
    table = writer.table(headings, figures.delivery, figures.currencies, write_rows)
    return _section("delivery", words["delivery"], table, writer, lead=words["delivery_lead"])


def buyers_section(figures: ReportFigures, writer: Writer) -> Section:
    """New and repeat buyers as counts: the report names no buyer."""
    words, write = writer.words, writer.write
    table = _ranking(
        (
            NamedSales(words[row.buyer_kind], row.currency, row.orders, row.amount)
            for row in sorted(figures.buyer_sales, key=lambda row: _BUYER_KINDS.index(row.buyer_kind))
        ),
        figures,
        writer,
        first=words["buyer_kind"],
        counted="count",
    )
    buyers = figures.buyers

    def with_share(count: int) -> str:
        share = f" ({write.percent(Decimal(count) / buyers.buyers)})" if buyers.buyers else ""
        return write.number(count) + share

    lead = words["buyers_lead"].format(
        buyers=write.number(buyers.buyers),
        before=with_share(buyers.bought_before),
        again=with_share(buyers.bought_again_in_period),
    )
    if table:
        table = replace(table, note=words["buyers_note"])
    return _section("buyers", words["buyers_title"], table, writer, lead=lead)
