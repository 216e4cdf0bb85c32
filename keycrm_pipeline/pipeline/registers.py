"""Reads the registers of carriers, acquirers and banks that lie beside the profile (R15).

The files are in `<profiles dir>/<profile>/registers/`. The books have the rows of the files that are there: one that
changed is read again, and the rows of one that was removed go. A file that cannot be read stops nothing: it is on the
review list, and the rows that it had before stay.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from keycrm_pipeline.accounting.catalogue_files import (
    WORKBOOKS,
    CatalogueFileError,
    CatalogueProblem,
    Cells,
    UnreadableLineError,
    cells_of_csv,
)
from keycrm_pipeline.accounting.registers import RegisterForm, RegisterRow, finds_header, read_register
from keycrm_pipeline.pipeline.absence import is_absent
from keycrm_pipeline.pipeline.workbooks import NotAWorkbookError, cells_of_workbook
from keycrm_pipeline.profile import Profile, RegisterSettings, Workspace
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.registers import RegisterFailure, RegisterMistake
from keycrm_pipeline.warehouse import reconciliation as store
from keycrm_pipeline.warehouse.connection import Warehouse, transaction

if TYPE_CHECKING:
    import duckdb

READING_VERSION = 3
"""To be raised when the same file would give other rows: files are read again only when something has changed."""

TEXTS = (".csv", ".txt")
_SEPARATORS = (";", "\t", ",")
_ENCODINGS = ("utf-8", "cp1251")
"""Of text files, the first that fits: many banks still write as Windows did."""

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NO_FILE_OF_PEOPLE = (".", "~$")
"""How the names of hidden files begin, and of those that Excel makes while a workbook is open."""


@dataclass(frozen=True)
class RegisterFile:
    """A file of a register as it is on disk.

    Attributes:
        path: Where it is.
        content: Its bytes.
        register: Name of its register.
        settings: The register.
        currency: Its currency.
        zone: Time zone of the shop.
    """

    path: Path
    content: bytes
    register: str
    settings: RegisterSettings
    currency: str
    zone: ZoneInfo

    @property
    def name(self) -> str:
        """Its name, without the folder."""
        return legible_name(self.path)

    @property
    def digest(self) -> str:
        """SHA-256 of its content, and of what decides how it is read."""
        settings = self.settings.model_dump_json(exclude={"files"})
        deciding = (self.register, self.currency, self.zone.key, settings, READING_VERSION)
        return hashlib.sha256(self.content + "".join(f"\n{one}" for one in deciding).encode()).hexdigest()


def bring_in_registers(workspace: Workspace, warehouse: Warehouse, *, now: datetime) -> list[Message]:
    """Reads new and changed files, forgets removed ones, and notes what could not be read.

    Args:
        workspace: The profile and its places.
        warehouse: The profile's database; the caller holds the profile's lock.
        now: The time.

    Returns:
        What could not be read: file, column, line, and what to do.

    Raises:
        WarehouseError: The database cannot be used.
    """
    files, problems = find_registers(workspace)
    with warehouse.reading() as connection:
        known = store.register_files(connection)
        told = store.known_problems(connection)
    read: list[tuple[RegisterFile, list[RegisterRow]]] = []
    for file in files:
        if known.get(file.name) == file.digest:
            continue
        try:
            read.append((file, rows_of(file)))
        except CatalogueFileError as error:
            problems[file.name] = error.message
    # A file that could not be opened is still there; of a folder that could not, all are.
    is_read = workspace.registers_directory.name not in problems
    removed = sorted(known.keys() - {file.name for file in files} - problems.keys()) if is_read else []
    if removed or read or problems or told:
        with warehouse.writing() as connection, transaction(connection):
            store.forget_register_files(connection, removed)
            for file, rows in read:
                store.store_register(
                    connection,
                    file_name=file.name,
                    register=file.register,
                    digest=file.digest,
                    rows=[_stored(file, row) for row in rows],
                    now=now,
                )
            _note(connection, workspace.profile, problems, told)
    return list(problems.values())


def _note(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    problems: Mapping[str, Message],
    told: Mapping[str, str],
) -> None:
    """Brings the noted problems of registers up to date; those of transactions stay as long as they are fetched."""
    from keycrm_pipeline.pipeline.external_transactions import EXTERNAL_TRANSACTIONS

    kept = {EXTERNAL_TRANSACTIONS} if profile.reconciliation.external_transactions else set()
    for subject in sorted(told.keys() - problems.keys() - kept):
        store.record_problem(connection, subject, None)
    for subject, problem in problems.items():
        if told.get(subject) != problem.dump():
            store.record_problem(connection, subject, problem)


def find_registers(workspace: Workspace) -> tuple[list[RegisterFile], dict[str, Message]]:
    """The files of the folder by name, and what is wrong with others: name -> what, and what to do."""
    profile = workspace.profile
    registers = profile.reconciliation.registers
    found: list[RegisterFile] = []
    problems: dict[str, Message] = {}
    if not registers:
        return found, problems
    try:
        # A link whose disk is away is a file that cannot be opened, not one that was removed. A pipe is no file.
        paths = sorted(
            path
            for path in workspace.registers_directory.iterdir()
            if path.is_file() or path.is_symlink() or path.is_dir()
        )
    except OSError as error:
        folder = workspace.registers_directory
        if is_absent(folder, error):
            return found, problems
        return found, {
            folder.name: RegisterFailure.REGISTER_NOT_OPENED.message(file=folder, reason=cause_of(error))
        }
    for path in paths:
        if path.name.startswith(_NO_FILE_OF_PEOPLE):
            continue
        if path.is_dir():
            problems[legible_name(path)] = RegisterFailure.REGISTER_IS_FOLDER.message(
                file=path, folder=workspace.registers_directory
            )
            continue
        owners = owners_of(path.name, registers)
        if len(owners) != 1:
            problems[legible_name(path)] = (
                RegisterFailure.REGISTER_OF_SEVERAL.message(file=path, registers=owners)
                if owners
                else RegisterFailure.REGISTER_OF_NONE.message(file=path, registers=list(registers))
            )
            continue
        settings = registers[owners[0]]
        try:
            content = path.read_bytes()
        except OSError as error:
            problems[legible_name(path)] = RegisterFailure.REGISTER_NOT_OPENED.message(
                file=path, reason=cause_of(error)
            )
            continue
        currency = settings.currency or profile.currency
        found.append(RegisterFile(path, content, owners[0], settings, currency, profile.zone))
    return found, problems


def legible_name(path: Path) -> str:
    """The name of a file, with codes for what is no letter: an archive of Windows may be unpacked to such names."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def _comparable(name: str) -> str:
    # An archive of a Mac has й and ї as a letter and a mark.
    return unicodedata.normalize("NFC", name).casefold()


def owners_of(file_name: str, registers: Mapping[str, RegisterSettings]) -> list[str]:
    """The registers that a file belongs to: those that name such files, or else the one with the longest name."""
    name = _comparable(file_name)
    named = [
        register
        for register, settings in registers.items()
        if settings.files is not None and fnmatchcase(name, _comparable(settings.files))
    ]
    if named:
        return named
    by_own_name = [
        register
        for register, settings in registers.items()
        if settings.files is None and name.startswith(_comparable(register))
    ]
    longest = max(map(len, by_own_name), default=0)
    return [register for register in by_own_name if len(register) == longest]


def rows_of(file: RegisterFile) -> list[RegisterRow]:
    """The validated rows of a file.

    Raises:
        CatalogueFileError: Lists every problem of the file: line, column and what to do.
    """
    form = RegisterForm(
        {field: name for field, name in file.settings.columns.model_dump().items() if name is not None},
        is_net=file.settings.sums == "net",
        zone=file.zone,
    )
    rows = read_register(_cells(file, form), str(file.path), form)
    problems = _failed_checks(rows, form)
    if problems:
        raise CatalogueFileError(str(file.path), problems)
    return rows


def _stored(file: RegisterFile, row: RegisterRow) -> dict[str, Any]:
    return {
        "file_name": file.name,
        "line": row.line,
        "register": file.register,
        "row_key": row.row_key,
        "account": file.settings.account,
        "received_day": row.received_day,
        "amount": row.amount,
        "fee": row.fee,
        "currency": file.currency,
        "order_number": row.order_number,
        "waybill": row.waybill,
        "reference": row.reference,
        "text": row.text,
    }


def _cells(file: RegisterFile, form: RegisterForm) -> Cells:
    suffix = file.path.suffix.lower()
    if suffix in WORKBOOKS:
        try:
            return cells_of_workbook(file.content)
        except NotAWorkbookError:
            raise _unreadable(file) from None
    if suffix not in TEXTS:
        raise _unreadable(file)
    text = _text(file)
    first: list[tuple[int, list[str]]] | None = None
    broken: UnreadableLineError | None = None
    for separator in _SEPARATORS:
        cells: list[tuple[int, list[str]]] = []
        try:
            cells.extend(cells_of_csv(text, separator))
        except UnreadableLineError as error:
            # The lines before it were read: if they have the header, this is the separator, and the line is wrong.
            if finds_header(cells, form):
                first, broken = None, error
                break
            broken = broken or error
            continue
        if finds_header(cells, form):
            return cells
        if first is None or _width(cells) > _width(first):
            first = cells
    if broken is not None and (first is None or _width(first) < 2):
        raise CatalogueFileError(str(file.path), [CatalogueProblem(broken.line, None, broken.message)])
    return first or []


def _width(cells: Iterable[tuple[int, Sequence[str]]]) -> int:
    return max((len(values) for _line, values in cells), default=0)


def _text(file: RegisterFile) -> str:
    encodings = ("utf-16",) if file.content.startswith(_UTF_16_MARKS) else _ENCODINGS
    for encoding in encodings:
        try:
            return file.content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable(file)


def _unreadable(file: RegisterFile) -> CatalogueFileError:
    message = RegisterMistake.REGISTER_UNREADABLE.message()
    return CatalogueFileError(str(file.path), [CatalogueProblem(1, None, message)])


def _failed_checks(rows: Sequence[RegisterRow], form: RegisterForm) -> list[CatalogueProblem]:
    """A problem for each value that no register has."""
    import pandera.polars as pa
    import polars as pl

    from keycrm_pipeline.schemas.catalogue_files import failed_check
    from keycrm_pipeline.schemas.registers import REGISTER_ROWS

    if not rows:
        return []
    frame = pl.DataFrame(
        {
            "line": [row.line for row in rows],
            "date": [row.received_day for row in rows],
            "sum": [row.amount for row in rows],
            "fee": [row.fee for row in rows],
            "order": [row.order_number for row in rows],
            "waybill": [row.waybill for row in rows],
            "reference": [row.reference for row in rows],
            "text": [row.text for row in rows],
        },
        schema={name: column.dtype.type for name, column in REGISTER_ROWS.columns.items()},
    )
    try:
        REGISTER_ROWS.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        problems = [
            CatalogueProblem(rows[index].line, form.columns.get(column, column), failed_check(str(check)))
            for index, column, check in cases.select("index", "column", "check").iter_rows()
            if index is not None
        ]
        if not problems:
            # A bug in the program, not a mistake in the file.
            raise
        return sorted(problems, key=lambda problem: problem.line)
    return []
