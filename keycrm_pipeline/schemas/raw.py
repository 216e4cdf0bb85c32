"""Tables of schema `raw`: what KeyCRM returned, unchanged, so that everything else can be derived from it again."""

from __future__ import annotations

from collections.abc import Mapping

from keycrm_pipeline.schemas.columns import INSTANT, MONEY, RATE, Column, Table

REFERENCE_LISTS: Mapping[str, str] = {
    "statuses": "status_id",
    "sources": "source_id",
    "payment_methods": "method_id",
    "delivery_services": "delivery_service_id",
    "expense_types": "expense_type_id",
    "users": "user_id",
    "categories": "category_id",
    "companies": "company_id",
}
"""Reference lists of KeyCRM, each available as a view of schema raw -> the name of its id there."""

REFERENCE_VIEW_COMMENTS: Mapping[str, str] = {
    "name": "Its name, as KeyCRM sent it.",
    "payload": "The row as KeyCRM sent it.",
    "extracted_at": "When this payload was first fetched.",
    "listed": "Whether the newest list still contained it.",
}
"""Comments of the columns of those views, except the id."""

RAW_ORDERS = Table(
    "raw",
    "orders",
    "One KeyCRM order, with its newest payload unchanged.",
    (
        Column("order_id", "BIGINT", "KeyCRM's order id.", nullable=False),
        Column(
            "order_day",
            "DATE",
            "Local day of ordered_at, or else created_at; the partition. Empty if the order has neither.",
        ),
        Column("payload", "JSON", "The order as KeyCRM sent it, with all includes.", nullable=False),
        Column("payload_hash", "VARCHAR", "MD5 of the payload's text.", nullable=False),
        Column("crm_updated_at", INSTANT, "The order's updated_at in KeyCRM."),
        Column("extracted_at", INSTANT, "When this payload was first fetched.", nullable=False),
        Column(
            "missing_since",
            INSTANT,
            "Since when KeyCRM returns 404 for the order, or lists it as deleted; empty while it exists.",
        ),
        Column("exchange_id", "BIGINT", "The exchange that stored this payload.", nullable=False),
        Column(
            "version_no",
            "INTEGER",
            "Which version of the order this is, in order of arrival from 1; empty in rows of older programs means 1.",
        ),
        Column(
            "first_seen_at",
            INSTANT,
            "When this version was first fetched. A payload that differs only in what is not the order's own, such "
            "as stock, is the same version. Empty in rows of older programs means extracted_at.",
        ),
    ),
    ("order_id",),
)

RAW_ORDER_VERSIONS = Table(
    "raw",
    "order_versions",
    "One earlier version of an order, with its payload unchanged; the newest is in raw.orders. The key has no index.",
    (
        Column("order_id", "BIGINT", "KeyCRM's order id.", nullable=False),
        Column("version_no", "INTEGER", "Which version it is, in order of arrival from 1.", nullable=False),
        Column("payload", "JSON", "The order as KeyCRM sent it, with all includes.", nullable=False),
        Column("crm_updated_at", INSTANT, "The order's updated_at in KeyCRM, which orders the versions."),
        Column("first_seen_at", INSTANT, "When this version was first fetched.", nullable=False),
        Column("replaced_at", INSTANT, "When another version was fetched in its place.", nullable=False),
    ),
    ("order_id", "version_no"),
    has_index=False,
)

RAW_BUYERS = Table(
    "raw",
    "buyers",
    "One buyer whose custom fields the profile names, as last asked for.",
    (
        Column("buyer_id", "BIGINT", "KeyCRM's buyer id.", nullable=False),
        Column(
            "payload", "JSON", "Its custom fields as KeyCRM sent them; empty if KeyCRM has no such buyer."
        ),
        Column("extracted_at", INSTANT, "When it was asked for.", nullable=False),
    ),
    ("buyer_id",),
)

RAW_REFERENCE_ROWS = Table(
    "raw",
    "reference_rows",
    "One row of a KeyCRM reference list, as last fetched; views of schema raw show each list as a table.",
    (
        Column(
            "list_name",
            "VARCHAR",
            f"{', '.join(REFERENCE_LISTS)}.",
            nullable=False,
        ),
        Column("row_id", "BIGINT", "The row's id in KeyCRM.", nullable=False),
        Column("payload", "JSON", "The row as KeyCRM sent it.", nullable=False),
        Column("extracted_at", INSTANT, "When this payload was first fetched.", nullable=False),
        Column("listed", "BOOLEAN", "Whether the newest list still contained it.", nullable=False),
    ),
    ("list_name", "row_id"),
)

RAW_REFERENCE_LISTS = Table(
    "raw",
    "reference_lists",
    "When each reference list was last read.",
    (
        Column("list_name", "VARCHAR", "The list.", nullable=False),
        Column("refreshed_at", INSTANT, "When it was last read.", nullable=False),
    ),
    ("list_name",),
)

RAW_ORDER_ABSENCES = Table(
    "raw",
    "order_absences",
    "One time for which KeyCRM did not have an order (R11); the one that lasts is raw.orders.missing_since.",
    (
        Column("order_id", "BIGINT", "KeyCRM's order id.", nullable=False),
        Column("absent_since", INSTANT, "When its absence was found out.", nullable=False),
        Column("version_no", "INTEGER", "The version of the order that was stored then.", nullable=False),
        Column("listed_again_at", INSTANT, "When KeyCRM returned it again; empty as long as it does not."),
    ),
    ("order_id", "absent_since"),
)

RAW_EXTERNAL_TRANSACTIONS = Table(
    "raw",
    "external_transactions",
    "One bank transaction that a payment gateway of the account has brought to KeyCRM (R15), as last fetched.",
    (
        Column("transaction_id", "BIGINT", "KeyCRM's id.", nullable=False),
        Column("uuid", "VARCHAR", "Its code, which a payment that it is attached to names."),
        Column("gateway_id", "BIGINT", "The payment gateway."),
        Column("received_at", INSTANT, "When the money moved; empty if that cannot be read."),
        Column("amount", MONEY, "Its amount; empty if that cannot be read."),
        Column("currency", "VARCHAR", "Its currency."),
        Column("description", "VARCHAR", "What it was paid for, as the bank has it."),
        Column("is_attached", "BOOLEAN", "Whether KeyCRM has attached it to a payment.", nullable=False),
        Column("payload", "JSON", "The transaction as KeyCRM sent it.", nullable=False),
        Column("extracted_at", INSTANT, "When this payload was first fetched.", nullable=False),
        Column(
            "not_listed_since",
            INSTANT,
            "When a complete list of its days lacked it for the first time; empty as long as KeyCRM lists it.",
        ),
    ),
    ("transaction_id",),
)

RAW_REGISTER_ROWS = Table(
    "raw",
    "register_rows",
    "One row of a register of a carrier, an acquirer or a bank (R15), as long as its file is in the folder. The key "
    "has no index.",
    (
        Column("file_name", "VARCHAR", "The file.", nullable=False),
        Column("line", "BIGINT", "Line or row of the file, from 1.", nullable=False),
        Column("register", "VARCHAR", "Name of the register in the profile.", nullable=False),
        Column(
            "row_key",
            "VARCHAR",
            "What makes it the same row in another file of the register: a digest of its values and its number among "
            "equal rows.",
            nullable=False,
        ),
        Column("account", "VARCHAR", "Bank account or cash desk of the register.", nullable=False),
        Column("received_day", "DATE", "Its day.", nullable=False),
        Column("amount", MONEY, "What the buyer paid; below zero for money that went out.", nullable=False),
        Column("fee", MONEY, "What carrier or bank kept of it.", nullable=False),
        Column("currency", "VARCHAR", "Currency of both.", nullable=False),
        Column("order_number", "VARCHAR", "Number of the order, in KeyCRM or at its source."),
        Column("waybill", "VARCHAR", "Waybill number (ТТН)."),
        Column("reference", "VARCHAR", "Code of the operation."),
        Column("text", "VARCHAR", "What it was paid for."),
    ),
    ("file_name", "line"),
    has_index=False,
)

RAW_PRODUCTS = Table(
    "raw",
    "products",
    "One product of KeyCRM's catalogue, as last fetched.",
    (
        Column("crm_product_id", "BIGINT", "KeyCRM's product id.", nullable=False),
        Column("payload", "JSON", "The product as KeyCRM sent it; empty if it returned nothing for the id."),
        Column("extracted_at", INSTANT, "When it was fetched.", nullable=False),
    ),
    ("crm_product_id",),
)

RAW_OFFERS = Table(
    "raw",
    "offers",
    "One sellable variant (offer) of KeyCRM's catalogue, as last fetched.",
    (
        Column("offer_id", "BIGINT", "KeyCRM's offer id.", nullable=False),
        Column("crm_product_id", "BIGINT", "The product it belongs to.", nullable=False),
        Column("payload", "JSON", "The offer as KeyCRM sent it.", nullable=False),
        Column("extracted_at", INSTANT, "When it was fetched.", nullable=False),
    ),
    ("offer_id",),
)

EXCHANGE_RATES = Table(
    "raw",
    "exchange_rates",
    "One daily rate of the НБУ, from the files in the directory `rates`; nothing unless the shop puts some there.",
    (
        Column("currency", "VARCHAR", "Code of the currency.", nullable=False),
        Column("rate_date", "DATE", "Day of the rate (exchangedate).", nullable=False),
        Column("rate", RATE, "Hryvnias for one unit of it.", nullable=False),
    ),
    ("currency", "rate_date"),
)
