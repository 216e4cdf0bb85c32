"""Imports the cards of the accounting catalogue before an exchange matches anything (R12).

The files are in `<profiles dir>/<profile>/catalogue/`: `products` and `partners`, each as `.csv` or as `.xlsx`, both
optional. A file that has not changed since it was imported is not read again. What a row becomes is decided in
`accounting.catalogue_cards`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keycrm_pipeline.accounting.catalogue_cards import CatalogueConflict, enter_partners, enter_products
from keycrm_pipeline.accounting.catalogue_files import (
    WORKBOOK,
    CatalogueFileError,
    CataloguePartnerRow,
    CatalogueProblem,
    CatalogueProductRow,
    Cells,
    cells_of_csv,
    read_partners,
    read_products,
)
from keycrm_pipeline.accounting.names import Skus
from keycrm_pipeline.accounting.partners import BuyerTexts, PartnerCard
from keycrm_pipeline.accounting.products import ProductCard, ProductVariant
from keycrm_pipeline.pipeline.absence import is_absent
from keycrm_pipeline.pipeline.partners import partner_row
from keycrm_pipeline.pipeline.products import card_row
from keycrm_pipeline.pipeline.workbooks import NotAWorkbookError, cells_of_workbook
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.catalogue import CatalogueFailure, CatalogueMistake
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.review import Review
from keycrm_pipeline.warehouse import catalogue_files as store
from keycrm_pipeline.warehouse.cards import product_cards
from keycrm_pipeline.warehouse.connection import transaction

if TYPE_CHECKING:
    import duckdb
    import pandera.polars as pa

PARTNERS = "partners"
PRODUCTS = "products"
KINDS_OF_FILES = (".csv", WORKBOOK)

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
        """`products.csv`, `partners.xlsx` and so on."""
        return self.path.name

    @property
    def cards(self) -> str:
        """`products` or `partners`."""
        return self.path.stem

    @property
    def digest(self) -> str:
        """SHA-256 of its content, and of what decides how it is read."""
        return hashlib.sha256(self.content + repr(self.placeholder_skus).encode()).hexdigest()


def find_catalogue_files(workspace: Workspace) -> list[CatalogueFile]:
    """The files that exist, partners first.

    Raises:
        CatalogueFilesError: A file cannot be opened, or there are two of the same cards.
    """
    found: list[CatalogueFile] = []
    for cards in (PARTNERS, PRODUCTS):
        of_cards: list[CatalogueFile] = []
        for kind in KINDS_OF_FILES:
            path = workspace.catalogue_directory / f"{cards}{kind}"
            try:
                of_cards.append(CatalogueFile(path, path.read_bytes(), workspace.profile.placeholder_skus))
            except OSError as error:
                if is_absent(path, error):
                    continue
                raise CatalogueFilesError(
                    CatalogueFailure.CATALOGUE_FILE_NOT_READ.message(file=path, reason=cause_of(error))
                ) from None
        if len(of_cards) > 1:
            first, second = (file.name for file in of_cards)
            raise CatalogueFilesError(
                CatalogueFailure.SAME_CARDS_IN_TWO_FILES.message(
                    directory=workspace.catalogue_directory, first=first, second=second
                )
            )
        found += of_cards
    return found


def read_catalogue(files: Sequence[CatalogueFile]) -> Mapping[str, Sequence[CatalogueRow]]:
    """The validated rows of each file, by file name.

    Raises:
        CatalogueFilesError: Lists every problem of every file: line, column and what to do.
    """
    rows: dict[str, Sequence[CatalogueRow]] = {}
    errors: list[Message] = []
    for file in files:
        try:
            rows[file.name] = _partners(file) if file.cards == PARTNERS else _products(file)
        except CatalogueFileError as error:
            errors.append(error.message)
    if errors:
        raise CatalogueFilesError(CatalogueFailure.CATALOGUE_FILES_WRONG.message(files=errors))
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
    again = [file for file in files if known.has_conflicts and file.cards == PRODUCTS and file not in changed]
    if not (removed or changed or again):
        return
    rows = read_catalogue([*changed, *again])
    with session.warehouse.writing() as connection, transaction(connection):
        store.forget_files(connection, removed)
        for file in (*changed, *again):
            if file.cards == PARTNERS:
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
            {"catalogue_id": conflict.catalogue_id, "details": str(details), "details_coded": details.dump()}
            for conflict in entered.conflicts
            for details in (_details(conflict),)
        ],
        now=now,
    )


def _details(conflict: CatalogueConflict) -> Message:
    """What is wrong with a SKU and what to do."""
    if conflict.product_id is None:
        sentence = Review.CARD_NOT_MADE
    elif conflict.carrier_variant_id is not None:
        sentence = Review.SKU_OF_A_VARIANT
    elif conflict.carrier_product_id is not None:
        sentence = Review.SKU_OF_ANOTHER_CARD
    else:
        sentence = Review.CARD_HAS_VARIANTS
    return sentence.message(**{name: getattr(conflict, name) for name in sentence.fields})


def _cells(file: CatalogueFile) -> Cells:
    if file.name.endswith(WORKBOOK):
        return _cells_of_workbook(file)
    try:
        return cells_of_csv(file.content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = file.content.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, line, CatalogueMistake.CATALOGUE_NOT_UTF8) from None


def _cells_of_workbook(file: CatalogueFile) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet that are not blank, as the texts that the sheet shows for them."""
    try:
        return cells_of_workbook(file.content)
    except NotAWorkbookError:
        raise _unreadable(file, 1, CatalogueMistake.NOT_A_WORKBOOK) from None


def _unreadable(file: CatalogueFile, line: int, mistake: CatalogueMistake) -> CatalogueFileError:
    return CatalogueFileError(str(file.path), [CatalogueProblem(line, None, mistake.message())])


def _partners(file: CatalogueFile) -> list[CataloguePartnerRow]:
    from keycrm_pipeline.schemas.catalogue_files import PARTNER_ROWS

    return _validated(file, read_partners(_cells(file), str(file.path)), PARTNER_ROWS)


def _products(file: CatalogueFile) -> list[CatalogueProductRow]:
    from keycrm_pipeline.schemas.catalogue_files import PRODUCT_ROWS

    skus = Skus(file.placeholder_skus)
    return _validated(file, read_products(_cells(file), str(file.path), skus), PRODUCT_ROWS)


def _validated(file: CatalogueFile, rows: list[Row], schema: pa.DataFrameSchema) -> list[Row]:
    """The rows of a file that passes its schema; otherwise each failed check is reported as a problem of its line."""
    import pandera.polars as pa
    import polars as pl

    from keycrm_pipeline.schemas.catalogue_files import LINE, TEXT, failed_check

    records = [asdict(row) for row in rows]
    frame = pl.DataFrame(
        {
            name: [record["catalogue_id" if name == "id" else name] for record in records]
            for name in schema.columns
        },
        schema={name: LINE if name == "line" else TEXT for name in schema.columns},
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        problems = [
            CatalogueProblem(rows[index].line, column, failed_check(str(check)))
            for index, column, check in cases.select("index", "column", "check").iter_rows()
            if index is not None
        ]
        if not problems:
            # A bug in the program, not a mistake in the file.
            raise
        raise CatalogueFileError(str(file.path), sorted(problems, key=lambda problem: problem.line)) from None
    return rows
