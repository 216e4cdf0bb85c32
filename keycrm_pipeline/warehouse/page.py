"""Reads what the exchange page shows: lists of documents and cards page by page, and one of each in full.

What is not here: the review list and rejected orders (`attention`), the state of the exchange (`exchanges`, `days`),
and the words of the page.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.kinds import MOVEMENT_NAMES
from keycrm_pipeline.sentences import ShowTyped, as_typed, stored_text, stored_texts
from keycrm_pipeline.warehouse.chosen_documents import stages_of_documents
from keycrm_pipeline.warehouse.exchanges import outcome_of
from keycrm_pipeline.warehouse.statements import single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb

PAGE_ROWS = 50
"""Rows of a list on one page."""

LEAST_DIGITS = 5
"""Fewer digits in a row are in almost every phone."""

_NARROWED = "SEMI JOIN narrowed_orders USING (order_id)"
_NO_DIGIT = re.compile(r"\D")


@dataclass(frozen=True)
class OrderFilter:
    """Which orders a list shows; what is None does not matter.

    Attributes:
        first_day: First local day.
        last_day: Last local day, included.
        stage: Stage.
        source_id: Source.
        responsible: Responsible user.
        organisation: Legal entity.
        partner_id: Partner card.
        with_difference: Only orders that do not add up.
        text: A number, buyer, phone, SKU or waybill.
        product_id: Only orders that contain this product card.
    """

    first_day: date | None = None
    last_day: date | None = None
    stage: str | None = None
    source_id: int | None = None
    responsible: str | None = None
    organisation: str | None = None
    partner_id: int | None = None
    with_difference: bool = False
    text: str | None = None
    product_id: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The parameters that compare columns of an order."""
        values = asdict(self)
        del values["text"], values["product_id"]
        return values


@dataclass(frozen=True)
class OrderPlace:
    """The last order of a page: the next page begins after it."""

    order_day: date
    order_id: int


@dataclass(frozen=True)
class ListedOrder:
    """One order of the list; sums in its currency."""

    order_id: int
    order_day: date
    ordered_at: datetime
    partner_id: int
    partner_name: str | None
    stage: str
    source_name: str | None
    source_number: str | None
    responsible: str
    organisation: str | None
    tracking_code: str | None
    grand_total: Decimal
    paid_total: Decimal
    difference: Decimal
    currency: str
    payment_status: str | None
    missing_in_crm: bool


@dataclass(frozen=True)
class CurrencyTotal:
    """How many orders of one currency there are, and the sum of their totals in it."""

    currency: str
    orders: int
    grand_total: Decimal


@dataclass(frozen=True)
class OrderPage:
    """One page of the list.

    Attributes:
        orders: Newest first, at most `PAGE_ROWS`.
        totals: Of all orders that match, by currency.
        after: Where the next page begins; None on the last one.
    """

    orders: list[ListedOrder]
    totals: list[CurrencyTotal]
    after: OrderPlace | None


@dataclass(frozen=True)
class Source:
    """A source of orders."""

    source_id: int
    name: str


@dataclass(frozen=True)
class Choices:
    """What the list of orders can be filtered by."""

    stages: list[str]
    sources: list[Source]
    responsibles: list[str]


@dataclass(frozen=True)
class OrderHeader:
    """The header of an order document; sums in its currency, instants in the profile's zone.

    Attributes are the columns of `accounting.orders`, with names in place of ids. `crm_discount_percent` and
    `crm_discount_amount` are the discount of the order as KeyCRM sent it.
    """

    order_id: int
    order_day: date
    ordered_at: datetime
    partner_id: int
    partner_name: str | None
    partner_phone: str | None
    partner_email: str | None
    status_name: str | None
    stage: str
    source_name: str | None
    source_number: str | None
    author: str
    responsible: str
    account: str
    organisation: str | None
    currency: str
    comment: str | None
    delivery_address: str | None
    recipient_name: str | None
    recipient_phone: str | None
    delivery_service: str | None
    tracking_code: str | None
    shipping_status: str | None
    was_shipped: bool | None
    shipped_on: date | None
    warehouse: str | None
    expenses_total: Decimal | None
    cost_total: Decimal | None
    margin: Decimal | None
    margin_in_crm: Decimal | None
    tags: str | None
    goods_total: Decimal
    services_total: Decimal
    discount_total: Decimal
    grand_total: Decimal
    difference: Decimal
    paid_total: Decimal
    rounding: Decimal | None
    payment_status: str | None
    missing_in_crm: bool
    crm_updated_at: datetime | None
    created_at: datetime
    updated_at: datetime
    crm_discount_percent: Decimal | None
    crm_discount_amount: Decimal | None


@dataclass(frozen=True)
class OrderLine:
    """One line of goods; `own_discount` is the part of `discount` that KeyCRM shows on the line itself."""

    line_no: int
    product_id: int
    name: str
    sku: str | None
    characteristics: str | None
    unit: str
    warehouse: str | None
    stock_status: str | None
    quantity: Decimal
    price: Decimal
    discount: Decimal
    amount: Decimal
    own_discount: Decimal | None

    @property
    def shared_discount(self) -> Decimal | None:
        """The line's share of the order's discount; None when its own is not known."""
        return None if self.own_discount is None else self.discount - self.own_discount


@dataclass(frozen=True)
class ServiceLine:
    """One line of the services tab."""

    line_no: int
    product_id: int | None
    name: str
    sku: str | None
    characteristics: str | None
    kind: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    amount: Decimal


@dataclass(frozen=True)
class OrderPayment:
    """One payment or expense."""

    payment_id: int
    paid_at: datetime | None
    received_day: date | None
    method: str | None
    account: str | None
    organisation: str | None
    amount: Decimal
    currency: str
    rate: Decimal | None
    amount_uah: Decimal | None
    status: str | None
    is_expense: bool
    expense_type: str | None
    description: str | None
    method_kind: str | None
    receipt: str | None
    fiscal_status: str | None
    fiscal_result: str | None


@dataclass(frozen=True)
class PastStatus:
    """A status that the order has had."""

    seen_at: datetime
    status_changed_at: datetime | None
    status_name: str | None
    stage: str | None


@dataclass(frozen=True)
class Movement:
    """What changed in an order at one time; sums in `currency`, `method` is the payment's."""

    kind: str
    first_seen_at: datetime
    crm_at: datetime | None
    name: str | None
    method: str | None
    value_before: str | None
    value_after: str | None
    quantity_before: Decimal | None
    quantity_after: Decimal | None
    amount_before: Decimal | None
    amount_after: Decimal | None
    currency: str


@dataclass(frozen=True)
class Order:
    """One order in full.

    Attributes:
        header: The document; None when the order is not in the books.
        reasons: Why its newest payload was rejected, in English; empty when it was not.
        reasons_coded: The same as stored messages; None when it was not, or by an earlier version.
        payload: The JSON text that KeyCRM sent; None when the order is unknown.
    """

    header: OrderHeader | None
    lines: list[OrderLine]
    services: list[ServiceLine]
    payments: list[OrderPayment]
    history: list[PastStatus]
    movements: list[Movement]
    reasons: list[str]
    reasons_coded: str | None
    payload: str | None

    def reason_texts(self, write: Formatter) -> list[str]:
        """Why its newest payload was rejected, in the language of a formatter."""
        return stored_texts(self.reasons, self.reasons_coded, write)


@dataclass(frozen=True)
class ListedPartner:
    """One partner card of the list."""

    partner_id: int
    name: str
    phone: str | None
    email: str | None
    origin: str
    orders: int
    last_day: date | None


@dataclass(frozen=True)
class PartnerCard:
    """One partner card; `buyer_ids` are the buyers of KeyCRM that are linked to it."""

    partner_id: int
    name: str
    phone: str | None
    email: str | None
    origin: str
    catalogue_id: str | None
    created_at: datetime
    updated_at: datetime
    buyer_ids: list[int]


@dataclass(frozen=True)
class ListedProduct:
    """One product card of the list, with the number of its variants."""

    product_id: int
    name: str
    sku: str | None
    kind: str
    category_name: str | None
    origin: str
    variants: int


@dataclass(frozen=True)
class Variant:
    """One variant of a product card."""

    variant_id: int
    sku: str | None
    barcode: str | None
    characteristics: str | None
    offer_id: int | None


@dataclass(frozen=True)
class ProductCard:
    """One product card; `crm_product_ids` are the products of KeyCRM that are linked to it."""

    product_id: int
    name: str
    sku: str | None
    kind: str
    unit: str
    category_name: str | None
    origin: str
    catalogue_id: str | None
    created_at: datetime
    updated_at: datetime
    crm_product_ids: list[int]


@dataclass(frozen=True)
class LoggedExchange:
    """One exchange of the log."""

    exchange_id: int
    run_id: str | None
    kind: str
    period_from: date | None
    period_to: date | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    orders_seen: int
    orders_created: int
    orders_updated: int
    orders_unchanged: int
    orders_rejected: int
    partners_created: int
    products_created: int
    requests: int
    error: str | None
    error_coded: str | None

    def error_text(self, write: Formatter, typed: ShowTyped = as_typed) -> str:
        """Why it failed, in the language of a formatter; empty if it did not. `typed` shows what somebody typed."""
        return stored_text(self.error, self.error_coded, write, typed)

    @property
    def outcome(self) -> str:
        """How it ended, see `outcome_of`."""
        return outcome_of(self.status, self.error)

    @property
    def seconds(self) -> float | None:
        """Its duration; None while it runs."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


@dataclass(frozen=True)
class PagesStored:
    """How far the reading of KeyCRM's lists is.

    Attributes:
        orders: Orders that are stored.
        total: Orders that KeyCRM said there are.
        pages: Pages that arrived since the exchange began; each is one request.
    """

    orders: int
    total: int
    pages: int


@dataclass(frozen=True)
class NewCard:
    """A card that an exchange created; `kind` is `partner` or `product`."""

    kind: str
    card_id: int
    name: str


def order_page(
    connection: duckdb.DuckDBPyConnection, chosen: OrderFilter, after: OrderPlace | None = None
) -> OrderPage:
    """One page of the orders that a filter chooses, newest day first."""
    narrowed = ""
    if chosen.text is not None:
        connection.execute(statement("page", "find_orders"), _searched(chosen.text))
        narrowed = _NARROWED
    elif chosen.product_id is not None:
        connection.execute(statement("page", "orders_of_product"), {"product_id": chosen.product_id})
        narrowed = _NARROWED
    totals = connection.execute(statement("page", "count_orders").format(narrowed=narrowed), chosen.columns)
    counted = typed_rows(CurrencyTotal, totals)
    found = connection.execute(
        statement("page", "orders").format(narrowed=narrowed),
        chosen.columns
        | {
            "after_day": after.order_day if after else None,
            "after_id": after.order_id if after else None,
            "most": PAGE_ROWS + 1,
        },
    )
    orders = typed_rows(ListedOrder, found)
    shown = orders[:PAGE_ROWS]
    is_more = len(orders) > PAGE_ROWS
    return OrderPage(shown, counted, OrderPlace(shown[-1].order_day, shown[-1].order_id) if is_more else None)


def choices(connection: duckdb.DuckDBPyConnection) -> Choices:
    """What the list of orders can be filtered by."""
    responsibles = [str(row[0]) for row in connection.execute(statement("page", "responsibles")).fetchall()]
    sources = typed_rows(Source, connection.execute(statement("page", "sources")))
    return Choices(stages_of_documents(connection), sources, responsibles)


def read_order(connection: duckdb.DuckDBPyConnection, order_id: int) -> Order:
    """One order in full; an unknown one has neither a header nor a payload."""

    def rows(name: str) -> duckdb.DuckDBPyConnection:
        return connection.execute(statement("page", name), {"order_id": order_id})

    headers = typed_rows(OrderHeader, rows("order"))
    reasons, reasons_coded = rows("order_reasons").fetchone() or ([], None)
    (payload,) = single_row(rows("order_payload"))
    return Order(
        header=headers[0] if headers else None,
        lines=typed_rows(OrderLine, rows("order_lines")),
        services=typed_rows(ServiceLine, rows("order_services")),
        payments=typed_rows(OrderPayment, rows("order_payments")),
        history=typed_rows(PastStatus, rows("order_history")),
        movements=typed_rows(
            Movement,
            connection.execute(
                statement("page", "order_movements"), {"order_id": order_id, "kinds": list(MOVEMENT_NAMES)}
            ),
        ),
        reasons=list(reasons),
        reasons_coded=reasons_coded,
        payload=payload,
    )


def partner_page(
    connection: duckdb.DuckDBPyConnection, text: str | None, after: int | None = None
) -> tuple[list[ListedPartner], int | None]:
    """Partner cards, newest first, that a text names, and the card after which the next page begins."""
    found = connection.execute(
        statement("page", "partners"), {**_searched(text), "after_id": after, "most": PAGE_ROWS + 1}
    )
    partners = typed_rows(ListedPartner, found)
    shown = partners[:PAGE_ROWS]
    return shown, shown[-1].partner_id if len(partners) > PAGE_ROWS else None


def read_partner(connection: duckdb.DuckDBPyConnection, partner_id: int) -> PartnerCard | None:
    """One partner card."""
    found = connection.execute(statement("page", "partner"), {"partner_id": partner_id})
    return next(iter(typed_rows(PartnerCard, found)), None)


def product_page(
    connection: duckdb.DuckDBPyConnection, text: str | None, kind: str | None, after: int | None = None
) -> tuple[list[ListedProduct], int | None]:
    """Product cards, newest first, that a text names, and the card after which the next page begins."""
    found = connection.execute(
        statement("page", "products"),
        {"text": _searched(text)["text"], "kind": kind, "after_id": after, "most": PAGE_ROWS + 1},
    )
    products = typed_rows(ListedProduct, found)
    shown = products[:PAGE_ROWS]
    return shown, shown[-1].product_id if len(products) > PAGE_ROWS else None


def read_product(
    connection: duckdb.DuckDBPyConnection, product_id: int
) -> tuple[ProductCard, list[Variant]] | None:
    """One product card with its variants."""
    values = {"product_id": product_id}
    cards = typed_rows(ProductCard, connection.execute(statement("page", "product"), values))
    if not cards:
        return None
    return cards[0], typed_rows(Variant, connection.execute(statement("page", "variants"), values))


def exchange_page(
    connection: duckdb.DuckDBPyConnection, after: int | None = None, most: int = PAGE_ROWS
) -> tuple[list[LoggedExchange], int | None]:
    """The exchange log, newest first, and the exchange after which the next page begins."""
    found = connection.execute(statement("page", "exchanges"), {"after_id": after, "most": most + 1})
    logged = typed_rows(LoggedExchange, found)
    shown = logged[:most]
    return shown, shown[-1].exchange_id if len(logged) > most else None


def pages_stored(connection: duckdb.DuckDBPyConnection, started_at: datetime) -> PagesStored:
    """How far the exchange that began then has read KeyCRM's lists."""
    found = connection.execute(statement("page", "pages_stored"), {"started_at": started_at})
    return PagesStored(*single_row(found))


def cards_created(
    connection: duckdb.DuckDBPyConnection, started_at: datetime, most: int = PAGE_ROWS
) -> list[NewCard]:
    """Cards that the exchange that began then created, at most `most`."""
    found = connection.execute(statement("page", "cards_created"), {"started_at": started_at, "most": most})
    return typed_rows(NewCard, found)


def _searched(text: str | None) -> dict[str, str | None]:
    """A text as it is compared: in lower case, and its digits alone if they may be a part of a phone."""
    if text is None:
        return {"text": None, "digits": None}
    digits = _NO_DIGIT.sub("", text)
    is_number = len(digits) >= LEAST_DIGITS and not any(letter.isalpha() for letter in text)
    return {"text": text.lower(), "digits": digits if is_number else None}
