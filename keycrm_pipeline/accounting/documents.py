"""The order document (R6, R7, R8): header, goods lines, services tab and payments, derived for many orders at once.

Pure functions over columns (polars frames, numpy arrays): money in whole kopiykas, percents in millionths, prices and
quantities in billionths; in documents, quantities are thousandths. Which card a line belongs to is decided before
(`accounting.products`), the sharing of discounts in `accounting.discounts`. No database, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

import numpy as np
import polars as pl

from keycrm_pipeline.accounting.discounts import (
    BILLIONTHS,
    LineMoney,
    OrderMoney,
    Settlement,
    line_amounts,
    settle,
)
from keycrm_pipeline.accounting.rates import with_rates
from keycrm_pipeline.kinds import BY_TRANSACTION, CASH, DELIVERY, SERVICE, SERVICE_LINE_NAMES, TAX, WRAP

SOURCE_NUMBER_PREFIX = "Номер джерела: "
HOME_COUNTRY_CODES = ("UA", "UKR")
HOME_COUNTRY_NAMES = ("україна", "ukraine", "украина")
ONE_UNIT = 1000
"""Quantity 1 in thousandths."""
_THOUSANDTH = BILLIONTHS // ONE_UNIT
"""A thousandth in billionths."""

MOST_ROUNDED = 25
"""Kopiykas: cash is paid in multiples of 50 kopiykas, so at most half of that is more or less than the total."""
CASH_CURRENCY = "UAH"

ADDRESS_PARTS = ("country", "region", "city", "zip", "receive_point", "street", "second_line")

RULE_INPUTS = (
    "source_currency",
    "booked_currency",
    "buyer_comment",
    "manager_comment",
    "shipped_at",
    "shipping_price",
    "wrap_price",
    "taxes",
    "discount_amount",
    "discount_percent",
    "total_discount",
    "address_country_code",
    *(f"address_{part}" for part in ADDRESS_PARTS),
)
"""Columns of an order that a document is computed from; it takes over all others as they are."""


@dataclass(frozen=True)
class OrganisationChoice:
    """Which legal entity an order or a payment belongs to (R8): the first of these that determines it.

    Attributes:
        by_method: Payment method id -> organisation, named itself or by the account of the method.
        by_source: Source id -> organisation.
        otherwise: The organisation of everything else; None if there is none.
    """

    by_method: Mapping[int, str]
    by_source: Mapping[int, str]
    otherwise: str | None

    def of(self, method: str, source: str) -> pl.Expr:
        """The organisation of rows with these columns."""
        otherwise = pl.lit(self.otherwise, pl.String)
        return _mapped(method, self.by_method, _mapped(source, self.by_source, otherwise))


@dataclass(frozen=True)
class DocumentSettings:
    """What the profile says about documents.

    Attributes:
        author: Author of every document (Користувач).
        account: Bank account or cash desk when no payment decides (Банк. рахунок/Каса).
        accounts: Payment method id -> account.
        payment_kinds: Payment method id -> its kind, see `kinds.PaymentKind`.
        receipts: Payment method id -> who issues the receipt, `own` or `by_carrier`; missing where nobody does.
        dated_by_money: Payment methods whose payments are under the day of their money.
        expense_types: Kind of expense -> its name.
        organisations: Which legal entity an order or a payment belongs to.
        managers: KeyCRM user id -> responsible person.
        currency: Currency when neither source nor payment names one.
        source_number_in_comment: Whether the comment begins with the order's number at its source.
        delivery_service: Name of the delivery line of the services tab.
        delivery_product_id: Its card; None when no order has paid delivery.
        timezone: IANA zone of the shop.
        rates: Daily rates of the НБУ: `currency`, `rate_date`, `rate` in millionths.
    """

    author: str
    account: str
    accounts: Mapping[int, str]
    payment_kinds: Mapping[int, str]
    receipts: Mapping[int, str]
    dated_by_money: Sequence[int]
    expense_types: Mapping[int, str]
    organisations: OrganisationChoice
    managers: Mapping[int, str]
    currency: str
    source_number_in_comment: bool
    delivery_service: str
    delivery_product_id: int | None
    timezone: str
    rates: pl.DataFrame


@dataclass(frozen=True)
class Documents:
    """Frames of the four document tables, without the times of the exchange."""

    orders: pl.DataFrame
    order_lines: pl.DataFrame
    order_services: pl.DataFrame
    order_payments: pl.DataFrame


def derive_documents(
    orders: pl.DataFrame, lines: pl.DataFrame, payments: pl.DataFrame, settings: DocumentSettings
) -> Documents:
    """Derives the documents of a batch of orders.

    Args:
        orders: One row an order, sorted by `order_id`: typed header with `partner_id`, `stage`, `source_currency`,
            and `booked_currency`, the currency of its document if that is of the same source.
        lines: Lines with `product_id`, `variant_id`, `kind` of the card, sorted by `order_id`, `line_no`.
        payments: Payments and expenses with `method` and their receipts, sorted by `order_id`, `position`.
        settings: The profile's choices.
    """
    order_index = np.searchsorted(
        orders["order_id"].to_numpy(), lines["order_id"].to_numpy().astype(np.int64)
    )
    listed = line_amounts(lines["price"].to_numpy(), lines["quantity"].to_numpy())
    sold = line_amounts(lines["price_sold"].to_numpy(), lines["quantity"].to_numpy())
    settlement = settle(
        OrderMoney(
            grand_total=orders["grand_total"].to_numpy(),
            shipping=orders["shipping_price"].to_numpy(),
            wrap=orders["wrap_price"].to_numpy(),
            taxes=orders["taxes"].to_numpy(),
            discount_amount=orders["discount_amount"].to_numpy(),
            discount_percent=orders["discount_percent"].to_numpy(),
            total_discount=orders["total_discount"].to_numpy(),
        ),
        LineMoney(order_index=order_index, listed=listed, sold=sold),
    )
    purchased_price = lines["purchased_price"].fill_null(0)
    priced = lines.with_columns(
        _known(line_amounts(purchased_price.to_numpy(), np.full(lines.height, BILLIONTHS))).alias(
            "purchased_price"
        ),
        _known(line_amounts(purchased_price.to_numpy(), lines["quantity"].to_numpy())).alias("cost"),
        # A document shows a price in kopiykas: half a kopiyka is rounded up, as for amounts.
        price=pl.Series(line_amounts(lines["price"].to_numpy(), np.full(lines.height, BILLIONTHS))),
        # It is shown with three decimals; the amounts above follow from all of them.
        quantity=(pl.col("quantity") + _THOUSANDTH // 2) // _THOUSANDTH,
        discount=pl.Series(settlement.line_discount),
        amount=pl.Series(settlement.line_amount),
    )
    is_service = pl.col("kind") == SERVICE
    goods = priced.filter(~is_service)
    services = _services(orders, priced.filter(is_service), lines, settlement, settings)
    currencies = _currencies(orders, payments, settings)
    booked_payments = _payments(
        payments, currencies.join(orders.select("order_id", "source_id"), on="order_id"), settings
    )
    return Documents(
        orders=_headers(
            orders, goods, services, booked_payments, payments, currencies, settlement.difference, settings
        ),
        order_lines=goods.select(
            "order_id",
            "line_no",
            "crm_line_id",
            "product_id",
            "variant_id",
            "name",
            "sku",
            "characteristics",
            "unit",
            "warehouse",
            "stock_status",
            "quantity",
            "price",
            "discount",
            "amount",
            "purchased_price",
            "cost",
        ),
        order_services=services,
        order_payments=with_rates(booked_payments.drop("position"), settings.rates, settings.timezone),
    )


def _known(kopiykas: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    """Costs, of which 0 means that there is none."""
    costs = pl.Series(kopiykas)
    return costs.set(costs == 0, None)


def _services(
    orders: pl.DataFrame,
    service_lines: pl.DataFrame,
    lines: pl.DataFrame,
    settlement: Settlement,
    settings: DocumentSettings,
) -> pl.DataFrame:
    """The services tab (R7): lines of kind service, then delivery, wrap and tax where they are above zero."""
    columns = (
        "order_id",
        "line_no",
        "crm_line_id",
        "kind",
        "product_id",
        "name",
        "sku",
        "characteristics",
        "quantity",
        "price",
        "discount",
        "amount",
        "purchased_price",
        "cost",
    )
    last_lines = lines.group_by("order_id").agg(pl.col("line_no").max().alias("last_line"))
    charged = (
        (DELIVERY, "shipping_price", pl.lit(pl.Series(settlement.shipping_discount))),
        (WRAP, "wrap_price", pl.lit(pl.Series(settlement.wrap_discount))),
        (TAX, "taxes", pl.lit(0, pl.Int64)),
    )
    extras = (
        pl.concat(
            orders.select("order_id", kind=pl.lit(kind), price=pl.col(price), discount=discount)
            for kind, price, discount in charged
        )
        .filter(pl.col("price") > 0)
        .join(last_lines, on="order_id", how="left")
        .with_columns(
            rank=pl.col("kind").replace_strict(
                {kind: rank for rank, kind in enumerate(SERVICE_LINE_NAMES)}, return_dtype=pl.Int32
            )
        )
        .sort("order_id", "rank")
        .with_columns(
            line_no=(
                pl.col("last_line").fill_null(0)
                + pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("order_id")
            ).cast(pl.Int32),
            crm_line_id=pl.lit(None, pl.Int64),
            product_id=pl.when(pl.col("kind") == DELIVERY)
            .then(pl.lit(settings.delivery_product_id, pl.Int64))
            .otherwise(None),
            name=pl.col("kind").replace_strict(
                {**SERVICE_LINE_NAMES, DELIVERY: settings.delivery_service}, return_dtype=pl.String
            ),
            sku=pl.lit(None, pl.String),
            characteristics=pl.lit(None, pl.String),
            quantity=pl.lit(ONE_UNIT, pl.Int64),
            amount=pl.col("price") - pl.col("discount"),
            purchased_price=pl.lit(None, pl.Int64),
            cost=pl.lit(None, pl.Int64),
        )
    )
    return pl.concat([service_lines.select(columns), extras.select(columns)], how="vertical_relaxed").sort(
        "order_id", "line_no"
    )


def _currencies(orders: pl.DataFrame, payments: pl.DataFrame, settings: DocumentSettings) -> pl.DataFrame:
    """`order_id`, `order_currency` (R8).

    The currency is that of the source, else of the first payment, else the profile's. A source or a profile whose
    currency was changed since does not restate a booked document.
    """
    first_payments = (
        _deciding(payments)
        .group_by("order_id", maintain_order=True)
        .agg(pl.col("currency").first().alias("payment_currency"))
    )
    return (
        orders.select("order_id", "source_currency", "booked_currency")
        .join(first_payments, on="order_id", how="left")
        .select(
            "order_id",
            order_currency=pl.when(
                pl.col("source_currency").is_null() & pl.col("payment_currency").is_not_null()
            )
            .then("payment_currency")
            .otherwise(pl.coalesce("booked_currency", "source_currency", pl.lit(settings.currency))),
        )
    )


def _deciding(payments: pl.DataFrame) -> pl.DataFrame:
    """The payments that decide about the order: neither cancelled nor an expense."""
    return payments.filter(~pl.col("is_expense") & (pl.col("status").fill_null("") != "canceled"))


def _payments(payments: pl.DataFrame, heads: pl.DataFrame, settings: DocumentSettings) -> pl.DataFrame:
    """Payments and expenses with their account, and the amount in the order's currency if there is one (R8).

    `heads` has `order_id`, `order_currency` and `source_id`.
    """
    amount, currency = amount_in_order_currency(actual_currency="currency")
    return payments.join(heads, on="order_id", how="inner").select(
        "order_id",
        "payment_id",
        "position",
        "paid_at",
        "method_id",
        "method",
        account=_mapped("method_id", settings.accounts, pl.lit(settings.account)),
        organisation=settings.organisations.of("method_id", "source_id"),
        amount=amount,
        currency=currency,
        status="status",
        is_expense="is_expense",
        expense_type_id="expense_type_id",
        expense_type=_mapped(
            "expense_type_id", settings.expense_types, pl.format("Вид витрати {}", "expense_type_id")
        ),
        description="description",
        method_kind=_mapped("method_id", settings.payment_kinds, pl.lit(None, pl.String)),
        # Receipts are those that buyers get for their payments.
        receipt=pl.when(~pl.col("is_expense")).then(
            _mapped("method_id", settings.receipts, pl.lit(None, pl.String))
        ),
        fiscal_status="fiscal_status",
        fiscal_result="fiscal_result",
        transaction_uuid="transaction_uuid",
        dated_by=pl.when(~pl.col("is_expense") & pl.col("method_id").is_in(settings.dated_by_money)).then(
            pl.lit(BY_TRANSACTION)
        ),
    )


def amount_in_order_currency(*, actual_currency: str) -> tuple[pl.Expr, pl.Expr]:
    """Amount and currency of a payment, in the order's currency if it has an amount in that (R8).

    For rows with `amount`, `source_currency`, `actual_amount` and `order_currency`; `actual_currency` names the column
    with the currency that was paid in.
    """
    # A payment that names one currency and one amount was made in that currency.
    named = pl.coalesce(
        "source_currency",
        pl.when(pl.col("actual_amount").fill_null(pl.col("amount")) == pl.col("amount")).then(
            actual_currency
        ),
        "order_currency",
    )
    takes_amount = (named == pl.col("order_currency")) | pl.col(actual_currency).is_null()
    return (
        pl.when(takes_amount).then("amount").otherwise(pl.coalesce("actual_amount", "amount")),
        pl.when(takes_amount).then(named).otherwise(actual_currency),
    )


def _mapped(column: str, mapping: Mapping[int, str], default: pl.Expr) -> pl.Expr:
    if not mapping:
        return default
    return pl.coalesce(
        pl.col(column).replace_strict(dict(mapping), default=None, return_dtype=pl.String), default
    )


def _headers(
    orders: pl.DataFrame,
    goods: pl.DataFrame,
    services: pl.DataFrame,
    booked_payments: pl.DataFrame,
    payments: pl.DataFrame,
    currencies: pl.DataFrame,
    difference: np.ndarray[tuple[int], np.dtype[np.int64]],
    settings: DocumentSettings,
) -> pl.DataFrame:
    """The documents' headers. Eight arguments, since each is the result of another step of `derive_documents`."""

    def sums(frame: pl.DataFrame, total: str, discount: str) -> pl.DataFrame:
        return frame.group_by("order_id").agg(
            pl.col("amount").sum().alias(total), pl.col("discount").sum().alias(discount)
        )

    paid = (
        booked_payments.join(currencies, on="order_id", how="inner")
        .filter(
            (pl.col("status") == "paid")
            & ~pl.col("is_expense")
            & (pl.col("currency") == pl.col("order_currency"))
        )
        .group_by("order_id")
        .agg(
            pl.col("amount").sum().alias("paid_total"),
            ((pl.col("method_kind") == CASH) & (pl.col("currency") == CASH_CURRENCY)).any().alias("is_cash"),
        )
    )
    spent = (
        booked_payments.join(currencies, on="order_id", how="inner")
        .filter(
            (pl.col("status").fill_null("") != "canceled")
            & pl.col("is_expense")
            & (pl.col("currency") == pl.col("order_currency"))
        )
        .group_by("order_id")
        .agg(pl.col("amount").sum().alias("expenses_total"))
    )
    costs = (
        pl.concat(frame.select("order_id", "cost") for frame in (goods, services))
        .drop_nulls()
        .group_by("order_id")
        .agg(pl.col("cost").sum().alias("cost_total"))
    )
    accounts = (
        _deciding(payments)
        .group_by("order_id", maintain_order=True)
        .agg(pl.col("method_id").first().alias("account_method_id"))
    )
    return (
        with_delivery_address(orders.with_columns(difference=pl.Series(difference)))
        .join(sums(goods, "goods_total", "goods_discount"), on="order_id", how="left")
        .join(sums(services, "services_total", "services_discount"), on="order_id", how="left")
        .join(paid, on="order_id", how="left")
        .join(spent, on="order_id", how="left")
        .join(costs, on="order_id", how="left")
        .join(accounts, on="order_id", how="left")
        .join(currencies, on="order_id", how="left")
        .sort("order_id")
        .select(
            *(name for name in orders.columns if name not in RULE_INPUTS),
            "delivery_address",
            "difference",
            author=pl.lit(settings.author),
            responsible=_mapped("manager_id", settings.managers, pl.lit(settings.author)),
            account=_mapped("account_method_id", settings.accounts, pl.lit(settings.account)),
            organisation=settings.organisations.of("account_method_id", "source_id"),
            currency="order_currency",
            comment=comment(settings.source_number_in_comment),
            shipped_on=shipped_on(settings.timezone),
            goods_total=pl.col("goods_total").fill_null(0),
            services_total=pl.col("services_total").fill_null(0),
            discount_total=pl.col("goods_discount").fill_null(0) + pl.col("services_discount").fill_null(0),
            paid_total=pl.col("paid_total").fill_null(0),
            rounding=rounding(),
            expenses_total="expenses_total",
            cost_total="cost_total",
            margin=pl.col("grand_total") - pl.col("cost_total") - pl.col("expenses_total").fill_null(0),
        )
    )


def rounding() -> pl.Expr:
    """What rounding cash has added to an order's total, in kopiykas; null if nothing (R8).

    Of orders of which hryvnias were paid in cash: what was paid is up to 25 kopiykas more, or less (below zero), than
    the total, and neither a debt nor an overpayment. Needs `grand_total`, `paid_total` and `is_cash`.
    """
    paid_more = pl.col("paid_total") - pl.col("grand_total")
    return pl.when(pl.col("is_cash") & (paid_more != 0) & (paid_more.abs() <= MOST_ROUNDED)).then(paid_more)


def comment(source_number_in_comment: bool) -> pl.Expr:
    """The comment (R8): source number when asked for, the buyer's comment, the manager's, each on a line."""
    source_number = pl.lit(SOURCE_NUMBER_PREFIX) + pl.col("source_number")
    parts = [
        *([source_number] if source_number_in_comment else []),
        pl.col("buyer_comment"),
        pl.col("manager_comment"),
    ]
    joined = pl.concat_str(parts, separator="\n", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def shipped_on(timezone: str) -> pl.Expr:
    """The local day of `shipped_at` (R8); null if there is none.

    KeyCRM writes a day without a time as midnight UTC, which means that day in every time zone.
    """
    moment = pl.col("shipped_at")
    return (
        pl.when(moment.dt.time() == time())
        .then(moment.dt.date())
        .otherwise(moment.dt.convert_time_zone(timezone).dt.date())
    )


def with_delivery_address(orders: pl.DataFrame) -> pl.DataFrame:
    """Adds `delivery_address`: one readable line of the delivery address (R8, F03).

    Country (unless Ukraine), region, city, post code, receive point, street, second line, each when filled. A part
    that another part already contains, word for word, is left out: KeyCRM often repeats the city inside the receive
    point. Of two equal parts the first stays.
    """
    is_home = pl.col("address_country_code").str.to_uppercase().is_in(HOME_COUNTRY_CODES) | pl.col(
        "address_country"
    ).str.strip_chars().str.to_lowercase().is_in(HOME_COUNTRY_NAMES)
    parts = orders.select(
        pl.when(~is_home.fill_null(False)).then(pl.col("address_country")).alias("country"),
        *(pl.col(f"address_{part}").alias(part) for part in ADDRESS_PARTS[1:]),
    )
    # Most parts of most addresses are empty, so the comparison is made of those that are filled at all.
    filled = [part for part in ADDRESS_PARTS if parts[part].null_count() < parts.height]
    if not filled:
        return orders.with_columns(delivery_address=pl.lit(None, pl.String))
    compared = parts.select(pl.format(" {} ", _plain(pl.col(part))).alias(part) for part in filled)
    kept = parts.select(
        pl.when(~_is_repeated(place, compared)).then(pl.col(part)).alias(part)
        for place, part in enumerate(filled)
    )
    # A line break typed into a part would make two lines of one.
    joined = pl.concat_str(pl.all(), separator=", ", ignore_nulls=True).str.replace_all(r"\s+", " ")
    line = kept.select(pl.when(joined != "").then(joined).alias("delivery_address"))
    return orders.with_columns(line.to_series())


def _is_repeated(place: int, compared: pl.DataFrame) -> pl.Series:
    """Whether the part at a place stands in another part as whole words: "Київ" does not stand in "Київська"."""
    part = compared.columns[place]
    repeated = pl.Series([False]).new_from_index(0, compared.height)
    for other_place, other in enumerate(compared.columns):
        if other_place == place:
            continue
        contains = pl.col(other).str.contains(pl.col(part), literal=True)
        if other_place > place:
            contains = contains & (pl.col(other) != pl.col(part))
        repeated = repeated | compared.select(contains.fill_null(False)).to_series()
    return repeated


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(r"[\s,;.()]+", " ").str.strip_chars(" ")
