"""Imports the cards of the accounting catalogue before an exchange matches anything (R12).

The files are in `<profiles dir>/<profile>/catalogue/`: `products.csv` and `partners.csv`, both optional. A file that
has not changed since it was imported is not read again. What a row becomes is decided in `accounting.catalogue_cards`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keycrm_pipeline.accounting.catalogue_cards import CatalogueConflict, enter_partners, enter_products
from keycrm_pipeline.accounting.catalogue_files import (
    CatalogueFileError,
    CataloguePartnerRow,
    CatalogueProblem,
    CatalogueProductRow,
    read_partners_csv,
    read_products_csv,
)
from keycrm_pipeline.accounting.names import Skus
from keycrm_pipeline.accounting.partners import BuyerTexts, PartnerCard
from keycrm_pipeline.accounting.products import ProductCard, ProductVariant
from keycrm_pipeline.pipeline.partners import partner_row
from keycrm_pipeline.pipeline.products import card_row
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.schemas import sentences
from keycrm_pipeline.warehouse import catalogue_files as store
from keycrm_pipeline.warehouse.cards import product_cards
from keycrm_pipeline.warehouse.connection import transaction

if TYPE_CHECKING:
    import duckdb
    import pandera.polars as pa

PARTNERS_FILE = "partners.csv"
PRODUCTS_FILE = "products.csv"

CatalogueRow = CataloguePartnerRow | CatalogueProductRow
Row = TypeVar("Row", CataloguePartnerRow, CatalogueProductRow)


class CatalogueFilesError(ExchangeError):
    """A file of the accounting catalogue cannot be used; the text names file, line and column."""


@dataclass(frozen=True)
class CatalogueFile:
    """One catalogue file as it is on disk.

    Attributes:
        path: Where it is.
        content: Its bytes.
        placeholder_skus: What counts as no SKU in it (R4.1).
    """

    path: Path
    content: bytes
    placeholder_skus: tuple[str, ...]

    @property
    def name(self) -> str:
        """`products.csv` or `partners.csv`."""
        return self.path.name

    @property
    def digest(self) -> str:
        """SHA-256 of its content, and of what decides how it is read."""
        return hashlib.sha256(self.content + repr(self.placeholder_skus).encode()).hexdigest()


def find_catalogue_files(workspace: Workspace) -> list[CatalogueFile]:
    """The files that exist, partners first.

    Raises:
        CatalogueFilesError: A file cannot be opened.
    """
    found = []
    for name in (PARTNERS_FILE, PRODUCTS_FILE):
        path = workspace.catalogue_directory / name
        try:
            found.append(CatalogueFile(path, path.read_bytes(), workspace.profile.placeholder_skus))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise CatalogueFilesError(f"{path} cannot be read: {error.strerror}.") from None
    return found


def read_catalogue(files: Sequence[CatalogueFile]) -> Mapping[str, Sequence[CatalogueRow]]:
    """The validated rows of each file, by file name.

    Raises:
        CatalogueFilesError: Lists every problem of every file: line, column and what to do.
    """
    rows: dict[str, Sequence[CatalogueRow]] = {}
    errors: list[str] = []
    for file in files:
        try:
            rows[file.name] = _partners(file) if file.name == PARTNERS_FILE else _products(file)
        except CatalogueFileError as error:
            errors.append(str(error))
    if errors:
        raise CatalogueFilesError("\n".join(errors))
    return rows


def bring_in_catalogue(session: Session) -> None:
    """Imports the cards of new and changed files; does nothing if there are none.

    Both files are imported in one transaction. When a file no longer exists, its cards stay and its SKU conflicts
    leave the review list.

    Raises:
        CatalogueFilesError: A file cannot be used; nothing was changed.
        WarehouseError: The database cannot be used.
    """
    now = session.now
    files = find_catalogue_files(session.workspace)
    with session.warehouse.reading() as connection:
        known = store.known_files(connection)
    removed = sorted(known.digests.keys() - {file.name for file in files})
    changed = [file for file in files if known.digests.get(file.name) != file.digest]
    # A SKU conflict may be resolved by now although the file has not changed.
    again = [
        file for file in files if known.has_conflicts and file.name == PRODUCTS_FILE and file not in changed
    ]
    if not (removed or changed or again):
        return
    rows = read_catalogue([*changed, *again])
    with session.warehouse.writing() as connection, transaction(connection):
        store.forget_files(connection, removed)
        for file in (*changed, *again):
            if file.name == PARTNERS_FILE:
                partners = [row for row in rows[file.name] if isinstance(row, CataloguePartnerRow)]
                _enter_partners(connection, session.profile, partners, now=now)
            else:
                products = [row for row in rows[file.name] if isinstance(row, CatalogueProductRow)]
                _enter_products(connection, session.profile, products, now=now)
        for file in changed:
            store.record_file(
                connection, file_name=file.name, digest=file.digest, cards=len(rows[file.name]), now=now
            )


def _enter_partners(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    rows: Sequence[CataloguePartnerRow],
    *,
    now: datetime,
) -> None:
    entered = enter_partners(
        rows,
        [PartnerCard(*card) for card in store.all_partners(connection)],
        match_name=profile.partner_match == "phone_and_name",
        default_partner=profile.default_partner,
    )
    texts = BuyerTexts()
    store.store_catalogue_partners(
        connection,
        created=[partner_row(card, texts) for card in entered.created],
        changed=[partner_row(card, texts) for card in entered.changed],
        joined=entered.joined,
        now=now,
    )


def _enter_products(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    rows: Sequence[CatalogueProductRow],
    *,
    now: datetime,
) -> None:
    skus = Skus(profile.placeholder_skus)
    cards, variants, _links = product_cards(connection)
    entered = enter_products(
        rows, [ProductCard(*card) for card in cards], [ProductVariant(*variant) for variant in variants], skus
    )
    store.store_catalogue_products(
        connection,
        created=[card_row(card, skus) for card in entered.created],
        changed=[card_row(card, skus) for card in entered.changed],
        conflicts=[
            {"catalogue_id": conflict.catalogue_id, "details": _details(conflict)}
            for conflict in entered.conflicts
        ],
        now=now,
    )


def _details(conflict: CatalogueConflict) -> str:
    """What is wrong with a SKU and what to do, in words."""
    if conflict.product_id is None:
        sentence = sentences.CARD_NOT_MADE
    elif conflict.carrier_variant_id is not None:
        sentence = sentences.SKU_OF_A_VARIANT
    elif conflict.carrier_product_id is not None:
        sentence = sentences.SKU_OF_ANOTHER_CARD
    else:
        sentence = sentences.CARD_HAS_VARIANTS
    return sentence.english.format(**asdict(conflict))


def _text(file: CatalogueFile) -> str:
    try:
        return file.content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        problem = CatalogueProblem(line, None, "it is not in UTF-8; save the file as “CSV UTF-8”")
        raise CatalogueFileError(str(file.path), [problem]) from None


def _partners(file: CatalogueFile) -> list[CataloguePartnerRow]:
    from keycrm_pipeline.schemas.catalogue_files import PARTNER_ROWS

    return _validated(file, read_partners_csv, PARTNER_ROWS)


def _products(file: CatalogueFile) -> list[CatalogueProductRow]:
    from keycrm_pipeline.schemas.catalogue_files import PRODUCT_ROWS

    return _validated(file, partial(read_products_csv, skus=Skus(file.placeholder_skus)), PRODUCT_ROWS)


def _validated(
    file: CatalogueFile, read: Callable[[str, str], list[Row]], schema: pa.DataFrameSchema
) -> list[Row]:
    """The rows of a file that passes its schema; otherwise each failed check is reported as a problem of its line."""
    import pandera.polars as pa
    import polars as pl

    rows = read(_text(file), str(file.path))
    columns = list(schema.columns)
    records = [asdict(row) for row in rows]
    frame = pl.DataFrame(
        {name: [record["catalogue_id" if name == "id" else name] for record in records] for name in columns},
        schema={name: pl.Int64 if name == "line" else pl.String for name in columns},
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        problems = [
            CatalogueProblem(rows[case["index"]].line, case["column"], str(case["check"]))
            for case in errors.failure_cases.filter(pl.col("index").is_not_null()).iter_rows(named=True)
        ]
        if not problems:
            # A bug in the program, not a mistake in the file.
            raise
        raise CatalogueFileError(str(file.path), sorted(problems, key=lambda problem: problem.line)) from None
    return rows
