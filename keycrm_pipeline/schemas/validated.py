"""Tables of schema `validated`: orders turned into typed rows that passed their checks.

An order stands here whole or not at all. When a later payload of it fails, the last good rows stay.
What an order must fulfil to get here is in `validation`.
"""

from __future__ import annotations

from keycrm_pipeline.schemas.columns import FULL, INSTANT, MONEY, PERCENT, Column, Table

VALIDATED_ORDERS = Table(
    "validated",
    "orders",
    "One order that passed validation: header, buyer and shipping.",
    (
        Column("order_id", "BIGINT", "KeyCRM's order id.", nullable=False),
        Column("order_day", "DATE", "Local day of the order, the partition.", nullable=False),
        Column("ordered_at", INSTANT, "ordered_at, else created_at.", nullable=False),
        Column("crm_created_at", INSTANT, "created_at in KeyCRM."),
        Column("crm_updated_at", INSTANT, "updated_at in KeyCRM."),
        Column("status_changed_at", INSTANT, "When KeyCRM last changed the status."),
        Column("status_id", "BIGINT", "Status.", nullable=False),
        Column("status_name", "VARCHAR", "Name of the status as the order carries it."),
        Column("status_alias", "VARCHAR", "Alias of the status as the order carries it."),
        Column("status_group_id", "BIGINT", "Group of the status, 1 to 6."),
        Column("source_id", "BIGINT", "Source."),
        Column("source_number", "VARCHAR", "The order's number at its source (source_uuid)."),
        Column("manager_id", "BIGINT", "Manager (KeyCRM user)."),
        Column("buyer_id", "BIGINT", "Buyer; empty when the order has none."),
        Column("buyer_name", "VARCHAR", "Buyer's name."),
        Column("buyer_phone", "VARCHAR", "Buyer's phone as typed."),
        Column("buyer_email", "VARCHAR", "Buyer's e-mail as typed."),
        Column("company_id", "BIGINT", "The buyer's company."),
        Column("grand_total", MONEY, "What the buyer pays.", nullable=False),
        Column("shipping_price", MONEY, "Delivery paid by the buyer; 0 when none.", nullable=False),
        Column("wrap_price", MONEY, "Gift wrap; 0 when none.", nullable=False),
        Column("taxes", MONEY, "Taxes; 0 when none.", nullable=False),
        Column("discount_amount", MONEY, "Discount of the order as an amount; 0 when none.", nullable=False),
        Column("discount_percent", PERCENT, "Discount of the order in percent; 0 when none.", nullable=False),
        Column(
            "total_discount",
            MONEY,
            "The order's discount by KeyCRM's own count; 0 when none.",
            nullable=False,
        ),
        Column("margin_in_crm", MONEY, "The order's margin by KeyCRM's own count (margin_sum)."),
        Column("payment_status", "VARCHAR", "not_paid, part_paid, paid or overpaid."),
        Column("buyer_comment", "VARCHAR", "The buyer's comment."),
        Column("manager_comment", "VARCHAR", "The manager's comment."),
        Column("delivery_service", "VARCHAR", "Delivery service by name."),
        Column("tracking_code", "VARCHAR", "Waybill number."),
        Column("shipping_status", "VARCHAR", "Where the parcel is, in KeyCRM's words."),
        Column(
            "shipped_at",
            INSTANT,
            "When it was really shipped (shipping_date_actual): midnight UTC if KeyCRM gives only the day.",
        ),
        Column("was_shipped", "BOOLEAN", "Whether KeyCRM says that it was shipped."),
        Column("warehouse", "VARCHAR", "Warehouse of the order by name."),
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
        Column("address_country", "VARCHAR", "Country of the address."),
        Column("address_country_code", "VARCHAR", "Country code of the address."),
        Column("address_region", "VARCHAR", "Region."),
        Column("address_city", "VARCHAR", "City."),
        Column("address_zip", "VARCHAR", "Post code."),
        Column("address_receive_point", "VARCHAR", "Branch or parcel locker."),
        Column("address_street", "VARCHAR", "Street."),
        Column("address_second_line", "VARCHAR", "Second line of the address."),
        Column("recipient_name", "VARCHAR", "Recipient when not the buyer."),
        Column("recipient_phone", "VARCHAR", "Recipient's phone."),
        Column("payload_hash", "VARCHAR", "The payload these rows were made of.", nullable=False),
        Column("exchange_id", "BIGINT", "The exchange that wrote these rows.", nullable=False),
    ),
    ("order_id",),
)

VALIDATED_ORDER_LINES = Table(
    "validated",
    "order_lines",
    "One line of an order that passed validation, goods and services alike.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column("order_day", "DATE", "Local day of the order, the partition.", nullable=False),
        Column("line_no", "INTEGER", "Position in the CRM's order, from 1.", nullable=False),
        Column("crm_line_id", "BIGINT", "KeyCRM's line id."),
        Column("sku", "VARCHAR", "SKU (article): the line's, else the offer's."),
        Column("name", "VARCHAR", "Name as sold.", nullable=False),
        Column("unit", "VARCHAR", "Unit of measure; empty for pieces."),
        Column("warehouse", "VARCHAR", "Warehouse of the line by name."),
        Column("stock_status", "VARCHAR", "State of the line's reserve, in KeyCRM's words."),
        Column("quantity", FULL, "Quantity as KeyCRM sent it.", nullable=False),
        Column("price", FULL, "List price per unit as KeyCRM sent it.", nullable=False),
        Column("price_sold", FULL, "Price per unit after the line's own discounts.", nullable=False),
        Column(
            "purchased_price",
            FULL,
            "Cost per unit as of the order; empty if it is 0, absent or cannot be read.",
        ),
        Column("characteristics", "VARCHAR", "Chosen options, `Колір: Червоний; Розмір: M`."),
        Column("offer_id", "BIGINT", "Offer in KeyCRM's catalogue; empty for a one-off line."),
        Column("offer_sku", "VARCHAR", "The offer's own SKU."),
        Column("offer_barcode", "VARCHAR", "The offer's barcode."),
        Column("offer_characteristics", "VARCHAR", "The offer's own options."),
        Column("crm_product_id", "BIGINT", "Product in KeyCRM's catalogue."),
        Column(
            "item_key",
            "VARCHAR",
            "Equal for lines that sell the same item; finds the card in validated.sold_items.",
            nullable=False,
        ),
    ),
    ("order_id", "line_no"),
)

VALIDATED_ORDER_PAYMENTS = Table(
    "validated",
    "order_payments",
    "One payment or expense of an order that passed validation.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column("order_day", "DATE", "Local day of the order, the partition.", nullable=False),
        Column(
            "payment_id",
            "BIGINT",
            "KeyCRM's payment id; minus the position when it has none.",
            nullable=False,
        ),
        Column("position", "INTEGER", "Position in the CRM's order, from 1, expenses last.", nullable=False),
        Column("paid_at", INSTANT, "Date of the payment."),
        Column("method_id", "BIGINT", "Payment method."),
        Column("expense_type_id", "BIGINT", "Kind of the expense; empty for payments."),
        Column("description", "VARCHAR", "What was typed about it."),
        Column("amount", MONEY, "Amount in source_currency.", nullable=False),
        Column("source_currency", "VARCHAR", "Currency of amount; empty when the payment names none."),
        Column("actual_amount", MONEY, "Amount in currency; empty when the payment has none."),
        Column(
            "currency", "VARCHAR", "Currency that was paid in (actual_currency); empty when none is named."
        ),
        Column("status", "VARCHAR", "paid, not_paid or canceled."),
        Column("is_expense", "BOOLEAN", "Whether it is an expense of the shop.", nullable=False),
        Column("fiscal_status", "VARCHAR", "State of its receipt in KeyCRM's words."),
        Column("fiscal_result", "VARCHAR", "Its receipt as KeyCRM sent it, JSON; empty if it sent none."),
        Column("transaction_uuid", "VARCHAR", "The bank transaction that KeyCRM attached to it."),
    ),
    ("order_id", "payment_id"),
)

SOLD_ITEMS = Table(
    "validated",
    "sold_items",
    "Which card each kind of order line belongs to (R4): lines with equal item_key share one.",
    (
        Column("item_key", "VARCHAR", "Digest of what identifies the item on a line.", nullable=False),
        Column("product_id", "BIGINT", "Card.", nullable=False),
        Column("variant_id", "BIGINT", "Variant of the card; empty when it has none."),
        Column("sku", "VARCHAR", "SKU of the line, else of the offer, that is no placeholder (R4.1)."),
    ),
    ("item_key",),
)
