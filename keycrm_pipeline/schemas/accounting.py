"""Tables of schema `accounting`: the books. Cards, and the documents derived from orders."""

from __future__ import annotations

from keycrm_pipeline.kinds import (
    CANCELLED_GROUP,
    MATCHED_BY_NAMES,
    MOVEMENT_NAMES,
    PAYMENT_KIND_NAMES,
    PRODUCT_KIND_NAMES,
    RECONCILIATION_NAMES,
    SERVICE_LINE_NAMES,
    named_kinds,
)
from keycrm_pipeline.schemas.columns import (
    INSTANT,
    MONEY,
    QUANTITY,
    RATE,
    Column,
    Table,
    adds_up,
    not_below_zero,
    one_of,
)

ORIGINS = ("keycrm", "catalogue")

_CARD_COLUMNS = (
    Column(
        "origin",
        "VARCHAR",
        "keycrm: created by the exchange; catalogue: was already in the books.",
        nullable=False,
        checks=(one_of("origin", ORIGINS),),
    ),
    Column("created_at", INSTANT, "When the exchange created the card.", nullable=False),
    Column("updated_at", INSTANT, "When the exchange last changed a value in it.", nullable=False),
    Column("catalogue_id", "VARCHAR", "The card's id in the accounting system's own file (R12)."),
    Column("name_key", "VARCHAR", "Name in the form used for comparison."),
)
"""Columns of partner and product cards alike."""

PARTNERS = Table(
    "accounting",
    "partners",
    "One partner card (Контрагент): a buyer of the shop.",
    (
        Column("partner_id", "BIGINT", "The card's own number; never changes.", nullable=False),
        Column("name", "VARCHAR", "Name.", nullable=False),
        Column("phone", "VARCHAR", "Phone: +380XXXXXXXXX if valid, otherwise as typed."),
        Column("email", "VARCHAR", "E-mail as typed."),
        *_CARD_COLUMNS,
        Column("phone_key", "VARCHAR", "Phone in the form used for comparison; empty if it is not used."),
        Column("email_key", "VARCHAR", "E-mail in the form used for comparison; empty if it is not used."),
        Column("as_of_ordered_at", INSTANT, "Date of the order from which the card has its data."),
        Column("as_of_order_id", "BIGINT", "That order."),
    ),
    ("partner_id",),
)

PARTNER_LINKS = Table(
    "accounting",
    "partner_links",
    "Which card a KeyCRM buyer belongs to; a link never changes.",
    (
        Column("buyer_id", "BIGINT", "KeyCRM's buyer id.", nullable=False),
        Column("partner_id", "BIGINT", "The card.", nullable=False),
        Column(
            "name_conflict", "BOOLEAN", "Whether the buyer's name differed from the card's.", nullable=False
        ),
        Column("conflict_order_id", "BIGINT", "The order in which the difference was found."),
        Column("created_at", INSTANT, "When the link was created.", nullable=False),
    ),
    ("buyer_id",),
)

PRODUCTS = Table(
    "accounting",
    "products",
    "One product card: Товар, Товар з SKU or Послуга.",
    (
        Column("product_id", "BIGINT", "The card's own number; never changes.", nullable=False),
        Column("name", "VARCHAR", "Name.", nullable=False),
        Column("sku", "VARCHAR", "SKU (article); empty for a card with variants, unless all share it."),
        Column(
            "kind",
            "VARCHAR",
            f"{named_kinds(PRODUCT_KIND_NAMES)}.",
            nullable=False,
            checks=(one_of("kind", tuple(PRODUCT_KIND_NAMES)),),
        ),
        Column("unit", "VARCHAR", "Unit of measure; empty for pieces."),
        Column("category_id", "BIGINT", "Category in KeyCRM."),
        Column("category_name", "VARCHAR", "Its name."),
        *_CARD_COLUMNS,
        Column("sku_key", "VARCHAR", "SKU in the form used for comparison."),
    ),
    ("product_id",),
)

PRODUCT_VARIANTS = Table(
    "accounting",
    "product_variants",
    "One variant of a card of kind product_with_sku (Товар з SKU).",
    (
        Column("variant_id", "BIGINT", "The variant's own number; never changes.", nullable=False),
        Column("product_id", "BIGINT", "The card.", nullable=False),
        Column("sku", "VARCHAR", "SKU (article); empty if it is a placeholder."),
        Column("barcode", "VARCHAR", "Barcode."),
        Column("characteristics", "VARCHAR", "Options, `Колір: Червоний; Розмір: M`."),
        Column("offer_id", "BIGINT", "Offer in KeyCRM's catalogue."),
        Column("sku_key", "VARCHAR", "SKU in the form used for comparison."),
        Column("created_at", INSTANT, "When the exchange created it.", nullable=False),
        Column("updated_at", INSTANT, "When the exchange last changed a value in it.", nullable=False),
    ),
    ("variant_id",),
)

PRODUCT_LINKS = Table(
    "accounting",
    "product_links",
    "Which card and variant a KeyCRM offer belongs to.",
    (
        Column("offer_id", "BIGINT", "KeyCRM's offer id.", nullable=False),
        Column("crm_product_id", "BIGINT", "KeyCRM's product id."),
        Column("product_id", "BIGINT", "The card.", nullable=False),
        Column("variant_id", "BIGINT", "The variant; empty if the card has none."),
    ),
    ("offer_id",),
)

STATUSES = Table(
    "accounting",
    "statuses",
    "One order status of KeyCRM.",
    (
        Column("status_id", "BIGINT", "KeyCRM's status id.", nullable=False),
        Column("name", "VARCHAR", "Name; Ukrainian for KeyCRM's standard statuses.", nullable=False),
        Column("alias", "VARCHAR", "KeyCRM's key or transliteration."),
        Column("group_id", "BIGINT", f"Group, 1 (new) to {CANCELLED_GROUP} (cancelled)."),
        Column("group_name", "VARCHAR", "The group's Ukrainian name."),
        Column("stage", "VARCHAR", "Stage in the accounting system (Стадія).", nullable=False),
        Column("is_mapped", "BOOLEAN", "Whether the profile maps the status to a stage.", nullable=False),
        Column("is_loaded", "BOOLEAN", "Whether the profile loads orders with this status.", nullable=False),
    ),
    ("status_id",),
)

SOURCES = Table(
    "accounting",
    "sources",
    "One source of orders: a site, a marketplace, a shop.",
    (
        Column("source_id", "BIGINT", "KeyCRM's source id.", nullable=False),
        Column("name", "VARCHAR", "Name.", nullable=False),
        Column("driver", "VARCHAR", "Kind of source: prom, rozetka, shopify…"),
        Column("currency", "VARCHAR", "Currency of its orders."),
    ),
    ("source_id",),
)

ORDERS = Table(
    "accounting",
    "orders",
    "One order document.",
    (
        Column("order_id", "BIGINT", "Number of the document: KeyCRM's order id.", nullable=False),
        Column("order_day", "DATE", "Local day of the order; the partition.", nullable=False),
        Column("ordered_at", INSTANT, "Date of the document.", nullable=False),
        Column("partner_id", "BIGINT", "Partner (Контрагент).", nullable=False),
        Column("status_id", "BIGINT", "Status.", nullable=False),
        Column("stage", "VARCHAR", "Stage (Стадія).", nullable=False),
        Column("source_id", "BIGINT", "Source (Джерело)."),
        Column("source_number", "VARCHAR", "The order's number at its source."),
        Column("author", "VARCHAR", "Author (Користувач).", nullable=False),
        Column("responsible", "VARCHAR", "Responsible (Відповідальний).", nullable=False),
        Column("account", "VARCHAR", "Bank account or cash desk (Банк. рахунок/Каса).", nullable=False),
        Column("organisation", "VARCHAR", "Legal entity (Організація), if the profile lists any."),
        Column("currency", "VARCHAR", "Currency of all sums of the order.", nullable=False),
        Column("comment", "VARCHAR", "Comment (Коментар)."),
        Column("delivery_address", "VARCHAR", "Delivery address in one line."),
        Column("recipient_name", "VARCHAR", "Recipient, if not the buyer."),
        Column("recipient_phone", "VARCHAR", "Recipient's phone."),
        Column("delivery_service", "VARCHAR", "Delivery service (Служба доставки)."),
        Column("tracking_code", "VARCHAR", "Waybill number (ТТН)."),
        Column("shipping_status", "VARCHAR", "Where the parcel is (Стан доставки), in KeyCRM's words."),
        Column("was_shipped", "BOOLEAN", "Whether KeyCRM says that it was shipped (Відвантажено)."),
        Column(
            "shipped_on",
            "DATE",
            "Local day on which it was really shipped (Дата відвантаження); empty if KeyCRM gives none.",
        ),
        Column("warehouse", "VARCHAR", "Warehouse of the order (Склад)."),
        Column("goods_total", MONEY, "Sum of order_lines.amount.", nullable=False),
        Column("services_total", MONEY, "Sum of order_services.amount.", nullable=False),
        Column("discount_total", MONEY, "Sum of both discount columns.", nullable=False),
        Column("grand_total", MONEY, "What the buyer pays, according to KeyCRM.", nullable=False),
        Column(
            "difference",
            MONEY,
            "grand_total minus goods and services; not 0 if the order does not add up in KeyCRM.",
            nullable=False,
        ),
        Column("paid_total", MONEY, "Payments received in the order's currency.", nullable=False),
        Column(
            "rounding",
            MONEY,
            "What rounding cash has added to the total (Заокруглення), below zero if it was lowered; empty if nothing.",
        ),
        Column(
            "expenses_total", MONEY, "Expenses in the order's currency that are not cancelled; empty if none."
        ),
        Column(
            "cost_total",
            MONEY,
            "Cost of its lines (Собівартість), as far as KeyCRM has one; empty if it has none for any line.",
        ),
        Column(
            "margin", MONEY, "grand_total less cost_total and expenses_total (Маржа); empty without a cost."
        ),
        Column("margin_in_crm", MONEY, "The margin by KeyCRM's own count, to compare with."),
        Column("payment_status", "VARCHAR", "not_paid, part_paid, paid or overpaid."),
        Column("missing_in_crm", "BOOLEAN", "Whether KeyCRM no longer has the order.", nullable=False),
        Column("crm_updated_at", INSTANT, "The order's updated_at in KeyCRM."),
        Column("created_at", INSTANT, "When the exchange created the document.", nullable=False),
        Column("updated_at", INSTANT, "When the exchange last changed a value in it.", nullable=False),
        Column(
            "custom_fields",
            "VARCHAR",
            "Custom fields that are filled, as a JSON object: the field's id in KeyCRM (OR_1012) -> its value.",
        ),
        Column("tags", "VARCHAR", "Tags (Теги), separated by semicolons."),
        Column("utm_source", "VARCHAR", "UTM mark: source."),
        Column("utm_medium", "VARCHAR", "UTM mark: medium."),
        Column("utm_campaign", "VARCHAR", "UTM mark: campaign."),
        Column("utm_term", "VARCHAR", "UTM mark: term."),
        Column("utm_content", "VARCHAR", "UTM mark: content."),
        Column("company_id", "BIGINT", "The buyer's company in KeyCRM, see reports.partner_companies."),
        Column("manager_id", "BIGINT", "Manager in KeyCRM, from whom `responsible` was derived."),
    ),
    ("order_id",),
    # R6: always true, for every order in the books.
    frame_checks=(adds_up("grand_total", ("goods_total", "services_total", "difference")),),
)

ORDER_LINES = Table(
    "accounting",
    "order_lines",
    "One line of goods of an order document.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column("line_no", "INTEGER", "Position in KeyCRM's order, from 1.", nullable=False),
        Column("crm_line_id", "BIGINT", "KeyCRM's line id."),
        Column("product_id", "BIGINT", "Card.", nullable=False),
        Column("variant_id", "BIGINT", "Variant; empty if the card has none."),
        Column("name", "VARCHAR", "Name as sold.", nullable=False),
        Column("sku", "VARCHAR", "SKU (article): the line's, offer's or variant's; a placeholder is none."),
        Column("characteristics", "VARCHAR", "Options, `Колір: Червоний; Розмір: M`."),
        Column("unit", "VARCHAR", "Unit of measure; empty for pieces."),
        Column("warehouse", "VARCHAR", "Warehouse of the line (Склад)."),
        Column(
            "stock_status",
            "VARCHAR",
            "State of its reserve (Стан резерву), in KeyCRM's words: reserved, fulfilled…",
        ),
        Column(
            "quantity",
            QUANTITY,
            "Quantity, shown with 3 decimals; discount and amount follow from all decimals that KeyCRM sent.",
            nullable=False,
            checks=(not_below_zero("quantity"),),
        ),
        Column("price", MONEY, "List price per unit.", nullable=False),
        Column("discount", MONEY, "price x quantity minus amount.", nullable=False),
        Column("amount", MONEY, "What the line costs the buyer.", nullable=False),
        Column(
            "purchased_price",
            MONEY,
            "Cost per unit as of the order (Ціна закупівлі); empty if KeyCRM has none.",
        ),
        Column("cost", MONEY, "purchased_price x quantity with all their decimals (Собівартість)."),
    ),
    ("order_id", "line_no"),
)

ORDER_SERVICES = Table(
    "accounting",
    "order_services",
    "One line of the services tab (Послуги) of an order document: services, delivery, wrap, tax.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column(
            "line_no",
            "INTEGER",
            "Position in KeyCRM's order, from 1; delivery, wrap and tax follow the lines.",
            nullable=False,
        ),
        Column("crm_line_id", "BIGINT", "KeyCRM's line id; empty for delivery, wrap and tax."),
        Column(
            "kind",
            "VARCHAR",
            f"{named_kinds(SERVICE_LINE_NAMES)}.",
            nullable=False,
            checks=(one_of("kind", tuple(SERVICE_LINE_NAMES)),),
        ),
        Column("product_id", "BIGINT", "Card; empty for wrap and tax."),
        Column("name", "VARCHAR", "Name as sold.", nullable=False),
        Column("sku", "VARCHAR", "SKU (article): the line's, offer's or variant's; a placeholder is none."),
        Column("characteristics", "VARCHAR", "Options."),
        Column(
            "quantity",
            QUANTITY,
            "Quantity, shown with 3 decimals; discount and amount follow from all decimals that KeyCRM sent.",
            nullable=False,
            checks=(not_below_zero("quantity"),),
        ),
        Column("price", MONEY, "Price per unit.", nullable=False),
        Column("discount", MONEY, "price x quantity minus amount.", nullable=False),
        Column("amount", MONEY, "What it costs the buyer.", nullable=False),
        Column(
            "purchased_price",
            MONEY,
            "Cost per unit as of the order (Ціна закупівлі); empty if KeyCRM has none.",
        ),
        Column("cost", MONEY, "purchased_price x quantity with all their decimals (Собівартість)."),
    ),
    ("order_id", "line_no"),
)

ORDER_PAYMENTS = Table(
    "accounting",
    "order_payments",
    "One payment (Оплата) or expense (Витрата) of an order.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column(
            "payment_id",
            "BIGINT",
            "KeyCRM's payment id; minus the position if there is none.",
            nullable=False,
        ),
        Column("paid_at", INSTANT, "Date of the payment."),
        Column("method_id", "BIGINT", "Payment method."),
        Column("method", "VARCHAR", "Its name."),
        Column("account", "VARCHAR", "Bank account or cash desk (Банк. рахунок/Каса)."),
        Column("organisation", "VARCHAR", "Legal entity (Організація), if the profile lists any."),
        Column(
            "amount", MONEY, "Amount, in the order's currency if the payment has one in it.", nullable=False
        ),
        Column("currency", "VARCHAR", "Currency of the amount.", nullable=False),
        Column(
            "rate",
            RATE,
            "Rate of the НБУ on the day of a payment in another currency than hryvnias; empty if it is not known.",
        ),
        Column("rate_date", "DATE", "Day of that rate: the local day of the payment."),
        Column(
            "amount_uah", MONEY, "amount x rate; not the conversion of KeyCRM, which has rates of its own."
        ),
        Column("status", "VARCHAR", "paid, not_paid or canceled."),
        Column("is_expense", "BOOLEAN", "Whether it is an expense of the shop.", nullable=False),
        Column("expense_type_id", "BIGINT", "Kind of the expense in KeyCRM; empty for payments."),
        Column(
            "expense_type",
            "VARCHAR",
            "Its name (Вид витрати); Ukrainian for KeyCRM's own kinds, empty if the expense has none.",
        ),
        Column("description", "VARCHAR", "What was typed about the payment or expense in KeyCRM (Опис)."),
        Column(
            "method_kind",
            "VARCHAR",
            f"Kind of its method (Вид оплати): {named_kinds(PAYMENT_KIND_NAMES)}; empty if the profile says none.",
        ),
        Column(
            "receipt",
            "VARCHAR",
            "Who issues the receipt (Чек видає) by the profile: own (the shop) or by_carrier; empty if nobody.",
        ),
        Column("fiscal_status", "VARCHAR", "State of its receipt (Стан чека) in KeyCRM's words."),
        Column(
            "fiscal_result", "VARCHAR", "Its receipt (Чек) as KeyCRM sent it, JSON; empty if it sent none."
        ),
        Column(
            "transaction_uuid",
            "VARCHAR",
            "The bank transaction that KeyCRM attached to it: raw.external_transactions.",
        ),
        Column(
            "dated_by",
            "VARCHAR",
            "transaction if exports and reports have it under the day of its money, once that has come "
            "(reports.money_days); empty if under paid_at.",
        ),
    ),
    ("order_id", "payment_id"),
)

ORDER_MOVEMENTS = Table(
    "accounting",
    "order_movements",
    "One thing that changed in an order after it was first seen (R14), found by comparing the versions of its payload. "
    "The key has no index.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column(
            "version_no",
            "INTEGER",
            "The version of the order that showed it: raw.order_versions, raw.orders.",
            nullable=False,
        ),
        Column(
            "kind",
            "VARCHAR",
            f"{named_kinds(MOVEMENT_NAMES)}.",
            nullable=False,
            checks=(one_of("kind", tuple(MOVEMENT_NAMES)),),
        ),
        Column(
            "subject_id",
            "BIGINT",
            "The payment or line in KeyCRM (minus its position if it has no id); the order if it is about that; how "
            "many times it had vanished then, if it vanished or is there again.",
            nullable=False,
        ),
        Column("seen_day", "DATE", "Local day on which the exchange first saw it.", nullable=False),
        Column("first_seen_at", INSTANT, "When the exchange first saw it.", nullable=False),
        Column(
            "crm_at",
            INSTANT,
            "KeyCRM's own time of it: the date of the payment that came, when the status, line, payment or parcel "
            "was changed, else the order's updated_at.",
        ),
        Column("name", "VARCHAR", "Name of the line as sold; number of the waybill."),
        Column("method_id", "BIGINT", "Method of the payment."),
        Column(
            "value_before",
            "VARCHAR",
            "Before: status of the order, of the parcel, a changed line's name, a payment's local day.",
        ),
        Column("value_after", "VARCHAR", "The same after it."),
        Column("quantity_before", QUANTITY, "Quantity of the line before; empty if there was no line."),
        Column("quantity_after", QUANTITY, "Quantity of the line after; empty if the line is gone."),
        Column(
            "amount_before",
            MONEY,
            "Before: money paid or spent, what the line cost before the order's discount, or the order's total; "
            "empty for a parcel and for an order that vanished.",
        ),
        Column("amount_after", MONEY, "The same after it; 0 for what was cancelled or removed."),
        Column("currency", "VARCHAR", "Currency of the amounts.", nullable=False),
    ),
    ("order_id", "version_no", "kind", "subject_id"),
    # Measured: with an index 300,000 movements take 31 MB, without it 7.
    has_index=False,
)

RECONCILIATION = Table(
    "accounting",
    "reconciliation",
    "One line of the reconciliation (Звірка, R15): a payment of KeyCRM beside the money that came for it, or one of "
    "them without the other. The key has no index.",
    (
        Column(
            "line_key",
            "VARCHAR",
            "The payment with its order, or the money: the transaction of KeyCRM, or the register with the row's key.",
            nullable=False,
        ),
        Column(
            "kind",
            "VARCHAR",
            f"{named_kinds(RECONCILIATION_NAMES)}.",
            nullable=False,
            checks=(one_of("kind", tuple(RECONCILIATION_NAMES)),),
        ),
        Column("day", "DATE", "Local day of the payment in KeyCRM, or else of the money.", nullable=False),
        Column("order_id", "BIGINT", "The order of the payment, or the one that the money names."),
        Column("payment_id", "BIGINT", "The payment, as in order_payments."),
        Column("account", "VARCHAR", "Bank account or cash desk (Банк. рахунок/Каса)."),
        Column(
            "organisation",
            "VARCHAR",
            "Legal entity (Організація) of the payment, or of the account of the money.",
        ),
        Column("paid_day", "DATE", "Local day of the payment in KeyCRM."),
        Column("received_day", "DATE", "Day of the money."),
        Column(
            "days_in_transit", "BIGINT", "Days from the payment to the money; below zero if that was earlier."
        ),
        Column("paid", MONEY, "Amount of the payment in KeyCRM."),
        Column("received", MONEY, "Amount of the money before the fee; below zero if it went out."),
        Column("difference", MONEY, "received minus paid, if there are both in one currency."),
        Column("fee", MONEY, "What carrier or bank kept of it (Комісія)."),
        Column(
            "expected_fee",
            MONEY,
            "The fee by `fee_percent` of the payment method (Очікувана комісія); empty if the profile expects none.",
        ),
        Column("currency", "VARCHAR", "Currency of the payment, or else of the money.", nullable=False),
        Column("received_currency", "VARCHAR", "Currency of the money and its fee."),
        Column(
            "matched_by",
            "VARCHAR",
            f"{named_kinds(MATCHED_BY_NAMES)}.",
            checks=(one_of("matched_by", tuple(MATCHED_BY_NAMES)),),
        ),
        Column("source", "VARCHAR", "keycrm for a transaction of KeyCRM, otherwise the register."),
        Column("file_name", "VARCHAR", "File of the register."),
        Column("line", "BIGINT", "Its line or row."),
        Column("transaction_id", "BIGINT", "The transaction: raw.external_transactions."),
        Column("text", "VARCHAR", "What the money was paid for, as the bank has it."),
        Column(
            "candidates",
            "VARCHAR",
            "What it may belong to and was not chosen: orders, or transactions and rows.",
        ),
    ),
    ("line_key",),
    has_index=False,
)
