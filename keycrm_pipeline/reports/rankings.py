"""Where the sales of the period come from, and what of them is discounts and delivery.

Sources, managers, stages, payment methods, categories, products and buyers: the rows of a table add up to its
total, whatever is folded into one.

What is not here: orders that wait for money or for a person (see `waiting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from keycrm_pipeline.reports.elements import (
    ZERO,
    Body,
    Cell,
    Heading,
    Section,
    Table,
    Writer,
    by_currency,
    share_of,
)
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.reports.formatting import NO_VALUE
from keycrm_pipeline.warehouse.sales import ItemSales

MOST_NAMED_ROWS = 15
"""Rows of a table of sources, managers or categories; what is beyond is added up in one row."""
MOST_PRODUCT_ROWS = 25

_BUYER_KINDS = ("first_order", "repeat_order", "no_buyer")
_DETAILED_ITEMS = ("goods", "service", "goods_and_services")


@dataclass(frozen=True)
class _Named:
    """A row of a ranking before it is written."""

    name: str
    currency: str
    orders: int
    amount: Decimal


def _ranking(
    rows: Sequence[_Named], figures: ReportFigures, writer: Writer, *, first: str, counted: str | None = None
) -> Table | None:
    """Rows with orders, sum and share of their currency; what is beyond the limit is added up."""
    words, write = writer.words, writer.write
    bodies = []
    groups = by_currency(rows, figures.currencies)
    for currency, members in groups:
        whole = sum((member.amount for member in members), ZERO)
        shown = list(members[:MOST_NAMED_ROWS])
        rest = members[MOST_NAMED_ROWS:]
        if rest:
            shown.append(
                _Named(
                    words["others"].format(count=write.number(len(rest))),
                    currency,
                    sum(member.orders for member in rest),
                    sum((member.amount for member in rest), ZERO),
                )
            )
        bodies.append(
            Body(
                [
                    [
                        Cell(member.name),
                        Cell(write.money(member.amount, currency)),
                        Cell(
                            write.percent(member.amount / whole) if whole > 0 else NO_VALUE,
                            tone="quiet",
                            bar=share_of(member.amount, whole),
                        ),
                        Cell(write.number(member.orders)),
                    ]
                    for member in shown
                ],
                writer.currency_title(currency, [name for name, _ in groups]),
                [
                    Cell(words["total"]),
                    Cell(write.money(whole, currency)),
                    Cell(""),
                    Cell(write.number(sum(member.orders for member in members))),
                ],
            )
        )
    if not bodies:
        return None
    headings = [
        Heading(first, "name"),
        Heading(words["amount"]),
        Heading(words["share"]),
        Heading(counted or words["orders"]),
    ]
    return Table(headings, bodies)


def _ranking_section(
    key: str, title: str, table: Table | None, writer: Writer, *, lead: str = "", is_half: bool = True
) -> Section:
    return Section(
        key,
        title,
        lead if table else "",
        tables=[table] if table else [],
        empty=writer.words["empty_period"],
        is_half=is_half,
    )


def named_sections(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Sales by source and by manager, all orders by stage, payments by method."""
    words = writer.words

    def sales(rows: Iterable[tuple[str | None, str, int, Decimal]], nameless: str) -> list[_Named]:
        return [_Named(row[0] or nameless, *row[1:]) for row in rows]

    return [
        _ranking_section(
            "sources",
            words["sources"],
            _ranking(sales(figures.sources, words["no_source"]), figures, writer, first=words["source"]),
            writer,
        ),
        _ranking_section(
            "managers",
            words["managers"],
            _ranking(sales(figures.managers, NO_VALUE), figures, writer, first=words["manager"]),
            writer,
        ),
        _ranking_section(
            "stages",
            words["stages"],
            _ranking(sales(figures.stages, NO_VALUE), figures, writer, first=words["stage"]),
            writer,
            lead=words["stages_lead"],
        ),
        _ranking_section(
            "payments",
            words["payments"],
            _ranking(
                [_Named(row.name, row.currency, row.payments, row.amount) for row in figures.payments],
                figures,
                writer,
                first=words["method"],
                counted=words["count"],
            ),
            writer,
            lead=words["payments_lead"],
        ),
    ]


def item_sections(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Sales by category and by card; delivery, wrap, taxes and differences last, so that nothing is lost."""
    words = writer.words
    return [
        _ranking_section(
            "categories",
            words["categories"],
            _items(
                figures.categories, figures, writer, words["category"], MOST_NAMED_ROWS, words["no_category"]
            ),
            writer,
            is_half=False,
        ),
        _ranking_section(
            "products",
            words["products"],
            _items(figures.products, figures, writer, words["product"], MOST_PRODUCT_ROWS, NO_VALUE),
            writer,
            lead=words["products_lead"],
            is_half=False,
        ),
    ]


def _items(
    items: Sequence[ItemSales], figures: ReportFigures, writer: Writer, first: str, most: int, nameless: str
) -> Table | None:
    words, write = writer.words, writer.write
    groups = by_currency(items, figures.currencies)
    bodies = []
    for currency, members in groups:
        whole = sum((member.amount for member in members), ZERO)
        named = [member for member in members if member.item_kind in _DETAILED_ITEMS]
        fixed = [member for member in members if member.item_kind not in _DETAILED_ITEMS]

        def row(
            name: str, note: str, quantity: Decimal | None, discount: Decimal, amount: Decimal,
            currency: str = currency, whole: Decimal = whole,
        ) -> list[Cell]:  # fmt: skip
            return [
                Cell(name, note=note),
                Cell(write.money(amount, currency)),
                Cell(
                    write.percent(amount / whole) if whole > 0 else NO_VALUE,
                    tone="quiet",
                    bar=share_of(amount, whole),
                ),
                Cell(write.number(quantity) if quantity is not None else ""),
                Cell(write.money(discount, currency) if discount else NO_VALUE, tone="quiet"),
            ]

        rows = [
            row(item.name or nameless, item.sku or "", item.quantity, item.discount, item.amount)
            for item in named[:most]
        ]
        if named[most:]:
            rest = named[most:]
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
        bodies.append(Body(rows, writer.currency_title(currency, [name for name, _ in groups]), total))
    if not bodies:
        return None
    headings = [
        Heading(first, "name"),
        Heading(words["amount"]),
        Heading(words["share"]),
        Heading(words["quantity"]),
        Heading(words["discount"]),
    ]
    return Table(headings, bodies)


def discounts_section(figures: ReportFigures, writer: Writer) -> Section:
    """What was taken off the list prices."""
    words, write = writer.words, writer.write
    bodies = []
    groups = by_currency(figures.discounts, figures.currencies)
    for currency, (row,) in groups:
        share = write.percent(row.discount_total / row.list_total) if row.list_total > 0 else NO_VALUE
        parts = (words["discount_of_goods"], words["discount_of_services"])
        pairs = [
            (words["list_total"], write.money(row.list_total, currency)),
            (words["discount_total"], write.money(row.discount_total, currency)),
            (words["discount_of_goods"], write.money(row.goods_discount, currency)),
            (words["discount_of_services"], write.money(row.services_discount, currency)),
            (words["discount_share"], share),
            (words["orders_with_discount"], write.number(row.orders_with_discount)),
        ]
        bodies.append(
            Body(
                [[Cell(name, tone="quiet" if name in parts else ""), Cell(value)] for name, value in pairs],
                writer.currency_title(currency, [name for name, _ in groups]),
            )
        )
    headings = [Heading(words["figure"], "name"), Heading(words["this_period"])]
    return Section(
        "discounts",
        words["discounts"],
        tables=[Table(headings, bodies)] if bodies else [],
        empty=words["empty_period"],
        is_half=True,
    )


def delivery_section(figures: ReportFigures, writer: Writer) -> Section:
    """Orders by delivery service, and the delivery that buyers pay."""
    words, write = writer.words, writer.write
    groups = by_currency(figures.delivery, figures.currencies)
    bodies = []
    for currency, rows in groups:
        cells = [
            [
                Cell(row.name or words["no_delivery_service"]),
                Cell(write.number(row.orders)),
                Cell(write.number(row.orders_returned), tone="quiet"),
                Cell(write.number(row.orders_charged)),
                Cell(write.money(row.amount, currency)),
            ]
            for row in rows
        ]
        total = [
            Cell(words["total"]),
            Cell(write.number(sum(row.orders for row in rows))),
            Cell(write.number(sum(row.orders_returned for row in rows))),
            Cell(write.number(sum(row.orders_charged for row in rows))),
            Cell(write.money(sum((row.amount for row in rows), ZERO), currency)),
        ]
        bodies.append(Body(cells, writer.currency_title(currency, [name for name, _ in groups]), total))
    headings = [
        Heading(words["delivery_service"], "name"),
        Heading(words["orders"]),
        Heading(words["went_back"]),
        Heading(words["with_charge"]),
        Heading(words["charged"]),
    ]
    return Section(
        "delivery",
        words["delivery"],
        words["delivery_lead"] if bodies else "",
        tables=[Table(headings, bodies)] if bodies else [],
        empty=words["empty_period"],
    )


def buyers_section(figures: ReportFigures, writer: Writer) -> Section:
    """Repeat buyers as counts: the report names no buyer."""
    words, write = writer.words, writer.write
    table = _ranking(
        [
            _Named(words[row.buyer_kind], row.currency, row.orders, row.amount)
            for row in sorted(figures.buyer_sales, key=lambda row: _BUYER_KINDS.index(row.buyer_kind))
        ],
        figures,
        writer,
        first=words["buyer_kind"],
        counted=words["count"],
    )
    if table is None:
        return Section("buyers", words["buyers_title"], empty=words["empty_period"])
    buyers = figures.buyers

    def with_share(count: int) -> str:
        share = f" ({write.percent(Decimal(count) / buyers.buyers)})" if buyers.buyers else ""
        return write.number(count) + share

    lead = words["buyers_lead"].format(
        buyers=write.number(buyers.buyers),
        before=with_share(buyers.bought_before),
        again=with_share(buyers.bought_again_in_period),
    )
    return Section(
        "buyers",
        words["buyers_title"],
        lead,
        tables=[Table(table.headings, table.bodies, note=words["buyers_note"])],
    )
