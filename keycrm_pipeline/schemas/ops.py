"""Tables of schema `ops`: the exchange log, the review list, and what a load needs to continue after a crash."""

from __future__ import annotations

from keycrm_pipeline.kinds import DECIDING_DAYS, EXPORT_FORMATS, HANDED_OVER_KINDS
from keycrm_pipeline.schemas.columns import INSTANT, INTEGER_LIST, TEXT_LIST, Column, Table, one_of
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST

EXCHANGE_KINDS = ("period", "changes", "recent", "sweep", "order", "catalogue", "rebuild")
EXCHANGE_STATUSES = ("running", "succeeded", "failed")
EXCHANGE_COUNTS = {
    "orders_seen": "All orders returned whose day is in the period, chosen or not.",
    "orders_created": "New documents.",
    "orders_updated": "Changed documents.",
    "orders_unchanged": "Documents that needed no change.",
    "orders_rejected": "Orders that failed validation.",
    "partners_created": "New partner cards, the default partner included.",
    "products_created": "New product cards.",
    "requests": "Requests made to KeyCRM.",
}
"""What an exchange counts -> what it means."""

_CODED = "Code and values of {} from which every page shows them in its language; empty in rows of earlier versions."

REVIEW_KINDS = tuple(REVIEW_LIST)

EXCHANGES = Table(
    "ops",
    "exchanges",
    "The exchange log: one row per exchange, written when it starts and completed when it ends.",
    (
        Column("exchange_id", "BIGINT", "Number of the exchange.", nullable=False),
        Column("profile", "VARCHAR", "Profile.", nullable=False),
        Column("run_id", "VARCHAR", "Dagster run."),
        Column(
            "kind",
            "VARCHAR",
            f"{', '.join(EXCHANGE_KINDS[:-1])} or {EXCHANGE_KINDS[-1]}.",
            nullable=False,
            checks=(one_of("kind", EXCHANGE_KINDS),),
        ),
        Column("period_from", "DATE", "First day of the period."),
        Column("period_to", "DATE", "Last day of the period."),
        Column("started_at", INSTANT, "When it started.", nullable=False),
        Column("finished_at", INSTANT, "When it ended; empty while it runs."),
        Column(
            "status",
            "VARCHAR",
            "running, succeeded or failed.",
            nullable=False,
            checks=(one_of("status", EXCHANGE_STATUSES),),
        ),
        *(Column(name, "BIGINT", comment, nullable=False) for name, comment in EXCHANGE_COUNTS.items()),
        Column("error", "VARCHAR", "What went wrong, in English."),
        Column("error_coded", "JSON", _CODED.format("what went wrong")),
        Column("watermark", INSTANT, "Newest updated_at of KeyCRM that a changes sync has safely stored."),
    ),
    ("exchange_id",),
)

REJECTED_RECORDS = Table(
    "ops",
    "rejected_records",
    "One order that failed validation, with its payload and every reason.",
    (
        Column(
            "record_key",
            "VARCHAR",
            "The order id, or a digest of the payload if it has none.",
            nullable=False,
        ),
        Column("order_id", "BIGINT", "KeyCRM's order id; empty if unreadable."),
        Column(
            "order_day",
            "DATE",
            "Local day of the order; the first day of the requested period if the order has no id.",
        ),
        Column("reasons", TEXT_LIST, "Every reason, in English.", nullable=False),
        Column("reasons_coded", "JSON", _CODED.format("the reasons, as a list,")),
        Column("payload", "VARCHAR", "The order as KeyCRM sent it.", nullable=False),
        Column("rejected_at", INSTANT, "When it was first rejected for these reasons.", nullable=False),
    ),
    ("record_key",),
)

REVIEW = Table(
    "ops",
    "review",
    "One thing that needs attention; it disappears when its cause no longer exists.",
    (
        Column(
            "kind", "VARCHAR", "What it is about.", nullable=False, checks=(one_of("kind", REVIEW_KINDS),)
        ),
        Column(
            "subject", "VARCHAR", "The id it is about, or the name for an ambiguous name.", nullable=False
        ),
        Column("details", "VARCHAR", "What the problem is and what to do, in English.", nullable=False),
        Column("details_coded", "JSON", _CODED.format("the details")),
        Column("first_seen_at", INSTANT, "When it was first found.", nullable=False),
    ),
    ("kind", "subject"),
)

STATUS_HISTORY = Table(
    "ops",
    "status_history",
    "One status that an order has had.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column("status_id", "BIGINT", "The status.", nullable=False),
        Column("stage", "VARCHAR", "Its stage at that time."),
        Column("seen_at", INSTANT, "When the exchange first saw the order with this status.", nullable=False),
        Column("status_changed_at", INSTANT, "When the status was set in KeyCRM."),
    ),
    ("order_id", "status_id"),
)

EXTRACTION_PAGES = Table(
    "ops",
    "extraction_pages",
    "One page of an unfinished listing that is safely stored, so that the listing continues after a crash.",
    (
        Column("listing", "VARCHAR", "What was requested.", nullable=False),
        Column("page", "BIGINT", "Number of the page.", nullable=False),
        Column("total", "BIGINT", "Total that KeyCRM reported on it.", nullable=False),
        Column("order_ids", INTEGER_LIST, "The orders on it.", nullable=False),
        Column("fetched_at", INSTANT, "When it was fetched.", nullable=False),
    ),
    ("listing", "page"),
)

LOADED_DAYS = Table(
    "ops",
    "loaded_days",
    "One day that was fetched and booked completely, even if it had no orders.",
    (
        Column("order_day", "DATE", "The day.", nullable=False),
        Column("loaded_at", INSTANT, "When it was last loaded.", nullable=False),
        Column("exchange_id", "BIGINT", "The exchange that loaded it.", nullable=False),
        Column("orders_seen", "BIGINT", "Orders of the day in KeyCRM.", nullable=False),
    ),
    ("order_day",),
)

FETCHED_DAYS = Table(
    "ops",
    "fetched_days",
    "One day whose orders were fetched completely, with the stages that have finished for it since.",
    (
        Column("order_day", "DATE", "The day.", nullable=False),
        Column("fetched_at", INSTANT, "When its orders were last fetched.", nullable=False),
        Column("exchange_id", "BIGINT", "The exchange that fetched them.", nullable=False),
        Column("stages", TEXT_LIST, "Stages that have finished since then.", nullable=False),
    ),
    ("order_day",),
)

CREATED_BETWEEN_READINGS = Table(
    "ops",
    "created_between_readings",
    "One date that KeyCRM's filter created_between was found to go by (R1); the newest row is what it follows now.",
    (
        Column("learned_at", INSTANT, "Time of the exchange that found it.", nullable=False),
        Column(
            "reading",
            "VARCHAR",
            "created_at or ordered_at.",
            nullable=False,
            checks=(one_of("reading", ("created_at", "ordered_at")),),
        ),
        Column("order_id", "BIGINT", "The order that proved it.", nullable=False),
    ),
    ("learned_at",),
)

AMBIGUOUS_NAMES = Table(
    "ops",
    "ambiguous_names",
    "A product name used by a line without a SKU while several cards have it (R4.3).",
    (
        Column("name", "VARCHAR", "The name in the form used for comparison.", nullable=False),
        Column("product_ids", INTEGER_LIST, "The cards that have it.", nullable=False),
    ),
    ("name",),
)

PROMOTED_PRODUCTS = Table(
    "ops",
    "promoted_products",
    "A card promoted from Товар to Товар з SKU that has not been ticked off yet (R5).",
    (Column("product_id", "BIGINT", "The card.", nullable=False),),
    ("product_id",),
)

RENAMED_PRODUCTS = Table(
    "ops",
    "renamed_products",
    "A card made from KeyCRM whose product has another name there by now (R4).",
    (
        Column("product_id", "BIGINT", "The card.", nullable=False),
        Column("crm_name", "VARCHAR", "Name of the product in KeyCRM.", nullable=False),
        Column(
            "is_ticked_off", "BOOLEAN", "Whether somebody wants the card to keep its name.", nullable=False
        ),
    ),
    ("product_id",),
)

SHARED_SKUS = Table(
    "ops",
    "shared_skus",
    "A KeyCRM product whose SKU led to the card of another one, although their names differ (R4.1).",
    (
        Column("product_id", "BIGINT", "The card.", nullable=False),
        Column("crm_product_id", "BIGINT", "The KeyCRM product that uses it too.", nullable=False),
        Column("sku", "VARCHAR", "The SKU as typed.", nullable=False),
        Column("name", "VARCHAR", "Name of the KeyCRM product when it was met.", nullable=False),
        Column("is_ticked_off", "BOOLEAN", "Whether somebody has checked it.", nullable=False),
    ),
    ("product_id", "crm_product_id"),
)

CATALOGUE_FILES = Table(
    "ops",
    "catalogue_files",
    "One file of the accounting catalogue (R12) as it was last imported into the books.",
    (
        Column("file_name", "VARCHAR", "products or partners, as .csv or .xlsx.", nullable=False),
        Column(
            "digest",
            "VARCHAR",
            "Digest of its content and of placeholder_skus; an unchanged file is not read again.",
            nullable=False,
        ),
        Column("cards", "BIGINT", "Number of cards in it.", nullable=False),
        Column("read_at", INSTANT, "When it was imported.", nullable=False),
    ),
    ("file_name",),
)

REGISTER_FILES = Table(
    "ops",
    "register_files",
    "One file of a register (R15) as it was last read.",
    (
        Column("file_name", "VARCHAR", "The file.", nullable=False),
        Column("register", "VARCHAR", "Name of the register in the profile.", nullable=False),
        Column(
            "digest",
            "VARCHAR",
            "Digest of its content and of the register's settings; an unchanged file is not read again.",
            nullable=False,
        ),
        Column("rows", "BIGINT", "Number of rows in it.", nullable=False),
        Column("read_at", INSTANT, "When it was read.", nullable=False),
    ),
    ("file_name",),
)

RECONCILIATION_PROBLEMS = Table(
    "ops",
    "reconciliation_problems",
    "What the reconciliation (R15) could not read: a file of a register, or KeyCRM's bank transactions.",
    (
        Column("subject", "VARCHAR", "external_transactions, or the name of the file.", nullable=False),
        Column("details", "VARCHAR", "What the problem is and what to do, in English.", nullable=False),
        Column("details_coded", "JSON", _CODED.format("the details")),
    ),
    ("subject",),
)

RECONCILED = Table(
    "ops",
    "reconciled",
    "What the reconciliation (R15) in the books was made of: a single row.",
    (
        Column("digest", "VARCHAR", "Digest of the payments, the money and the settings.", nullable=False),
        Column("reconciled_at", INSTANT, "When it was made.", nullable=False),
    ),
    ("digest",),
)

DERIVED_MOVEMENTS = Table(
    "ops",
    "derived_movements",
    "One order whose movements are derived (R14): while both numbers stay, its versions are not compared again.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column("inputs", "BIGINT", "Digest of its versions and of the rules.", nullable=False),
        Column("movements", "BIGINT", "Digest of its movements; 0 if there are none.", nullable=False),
    ),
    ("order_id",),
    has_index=False,
)

DERIVED_SETTINGS = Table(
    "ops",
    "derived_settings",
    "One setting of the profile that documents follow, as it was when all of them were derived last: at the last "
    "rebuild, or in the first exchange.",
    (
        Column("setting", "VARCHAR", "Its name in the profile.", nullable=False),
        Column("digest", "VARCHAR", "Digest of its value.", nullable=False),
    ),
    ("setting",),
    has_index=False,
)

UNFILLED_COLUMNS = Table(
    "ops",
    "unfilled_columns",
    "One column that a newer program has added: rows from before get a value when a rebuild derives them again.",
    (
        Column("column_name", "VARCHAR", "Schema, table and column.", nullable=False),
        Column("added_at", INSTANT, "When it was added.", nullable=False),
    ),
    ("column_name",),
)

CATALOGUE_CONFLICTS = Table(
    "ops",
    "catalogue_conflicts",
    "One SKU in the accounting catalogue that another card or variant already has (R12).",
    (
        Column("catalogue_id", "VARCHAR", "Id of the row in the file of products.", nullable=False),
        Column("details", "VARCHAR", "What the problem is and what to do, in English.", nullable=False),
        Column("details_coded", "JSON", _CODED.format("the details")),
    ),
    ("catalogue_id",),
)

EXPORTED_CARD_KINDS = ("partner", "product", "product_variant")

_WHOSE_EXPORT = (
    Column("format", "VARCHAR", f"Format of the export: {', '.join(EXPORT_FORMATS)}.", nullable=False),
    Column(
        "organisation", "VARCHAR", "Its organisation; an empty text for all of them together.", nullable=False
    ),
)

EXPORTED_CARDS = Table(
    "ops",
    "exported_cards",
    "One card exported in a format for an organisation, and the first export that contained it: only there it is new.",
    (
        *_WHOSE_EXPORT,
        Column(
            "card_kind",
            "VARCHAR",
            "partner, product or product_variant.",
            nullable=False,
            checks=(one_of("card_kind", EXPORTED_CARD_KINDS),),
        ),
        Column("card_id", "BIGINT", "The card's own number.", nullable=False),
        Column(
            "period_from", "DATE", "First day of the first export that contained the card.", nullable=False
        ),
        Column("period_to", "DATE", "Last day of that export.", nullable=False),
        Column("exported_at", INSTANT, "When that export was first written.", nullable=False),
    ),
    ("format", "organisation", "card_kind", "card_id"),
)

HAND_OVERS = Table(
    "ops",
    "hand_overs",
    "One export that handed documents over: what was asked for, and the files. Repeating it without a change in the "
    "books gives the same files and no further row.",
    (
        Column("hand_over_id", "BIGINT", "Number of the hand-over, counted from 1.", nullable=False),
        *_WHOSE_EXPORT,
        Column("period_from", "DATE", "First day of the period.", nullable=False),
        Column("period_to", "DATE", "Last day of the period.", nullable=False),
        Column(
            "decided_by",
            "VARCHAR",
            f"Whose day decides about the period: {', '.join(DECIDING_DAYS)}.",
            nullable=False,
            checks=(one_of("decided_by", DECIDING_DAYS),),
        ),
        Column("stages", TEXT_LIST, "Stages whose orders were ready; empty for all.", nullable=False),
        Column(
            "since_last", "BOOLEAN", "Whether only new and changed documents were written.", nullable=False
        ),
        Column("files", TEXT_LIST, "Names of the files.", nullable=False),
        Column("handed_over_at", INSTANT, "When the files were written.", nullable=False),
    ),
    ("hand_over_id",),
)

HANDED_OVER_DOCUMENTS = Table(
    "ops",
    "handed_over_documents",
    "One document that an export handed over for the first time with this content; the newest row of a format and an "
    "organisation is what the accountant has. The key has no index.",
    (
        Column("hand_over_id", "BIGINT", "The export: ops.hand_overs.", nullable=False),
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column(
            "kind",
            "VARCHAR",
            "document: it was in the files. withdrawn: it had been, and is no longer exported. correction: what "
            "changed in it behind the closed day was listed.",
            nullable=False,
            checks=(one_of("kind", HANDED_OVER_KINDS),),
        ),
        Column("decides_on", "DATE", "The day that put it into the period.", nullable=False),
        Column("content_hash", "VARCHAR", "SHA-256 of the content.", nullable=False),
        Column(
            "content",
            "JSON",
            "The document with its lines, services and payments, as handed over.",
            nullable=False,
        ),
    ),
    ("hand_over_id", "order_id"),
    has_index=False,
)

CLOSED_DOCUMENTS = Table(
    "ops",
    "closed_documents",
    "One document of a closed period (closed_until) that changed after that was closed, as it was before.",
    (
        Column("order_id", "BIGINT", "The order.", nullable=False),
        Column(
            "order_day", "DATE", "Its day before the change, or after it if that is earlier.", nullable=False
        ),
        Column("content", "JSON", "The document before the change; empty if there was none."),
        Column("content_hash", "VARCHAR", "SHA-256 of the content; empty if there was none."),
        Column("changed_at", INSTANT, "When it was first changed.", nullable=False),
    ),
    ("order_id",),
)
