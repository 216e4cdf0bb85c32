"""A copy of a profile's file to try a rebuild on, and the comparison of documents and movements before and after.

What is not here: the rebuild itself, and where the copy is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keycrm_pipeline.warehouse.connection import Warehouse, for_the_owner_only
from keycrm_pipeline.warehouse.errors import DiskFullError
from keycrm_pipeline.warehouse.moving import copy_books
from keycrm_pipeline.warehouse.statements import single_row, statement

PARTS = (
    "stage",
    "responsible",
    "account",
    "organisation",
    "partner",
    "comment",
    "sums",
    "goods",
    "services",
    "payments",
)
"""Parts of a document that are told apart, in the order of the document; the rest is `other`."""


@dataclass(frozen=True)
class PartChanges:
    """Documents in which one part changes: how many, and the numbers of the first five."""

    orders: int
    examples: tuple[int, ...]


@dataclass(frozen=True)
class MovementChanges:
    """What became of the movements of orders (R14); one that differs is removed and added.

    Attributes:
        added: Movements that are new.
        removed: Movements that are no longer there.
        examples: Numbers of the first five orders.
    """

    added: int
    removed: int
    examples: tuple[int, ...]


@dataclass(frozen=True)
class DocumentChanges:
    """What became of all documents.

    Attributes:
        created: Documents that are new.
        updated: Documents that changed.
        unchanged: Documents that stayed as they were.
        leaving: Documents that are no longer there.
        parts: Part of a document, one of `PARTS` or `other` -> changes of it; parts without a change are left out.
    """

    created: int
    updated: int
    unchanged: int
    leaving: int
    parts: Mapping[str, PartChanges]


def copy_to_file(warehouse: Warehouse, copy: Path) -> None:
    """Copies the books as they are between two writes; nobody can write to a file meanwhile, which takes a moment.

    Raises:
        WarehouseError: There are no books yet, they are busy or unreadable, or the disk has no room for a copy.
    """
    if warehouse.lake is not None:
        copy_books(warehouse, Warehouse(copy, warehouse.timezone))
        return
    with warehouse.reading(), for_the_owner_only():
        log = warehouse.path.with_name(f"{warehouse.path.name}.wal")
        if shutil.disk_usage(copy.parent).free < warehouse.path.stat().st_size:
            raise DiskFullError(copy)
        shutil.copyfile(warehouse.path, copy)
        if log.exists():
            shutil.copyfile(log, copy.with_name(f"{copy.name}.wal"))


def remember_documents(connection: duckdb.DuckDBPyConnection) -> None:
    """Notes in the copy what its documents and movements are like."""
    connection.execute(statement("trial", "remember").format(documents=statement("trial", "documents")))
    connection.execute(statement("trial", "remember_movements"))


def compare_movements(connection: duckdb.DuckDBPyConnection) -> MovementChanges:
    """What became of the movements since `remember_documents`."""
    added, removed, examples = single_row(connection.execute(statement("trial", "compare_movements")))
    return MovementChanges(added, removed, tuple(examples))


def compare_documents(connection: duckdb.DuckDBPyConnection) -> DocumentChanges:
    """What became of the documents since `remember_documents`."""
    connection.execute(
        statement("trial", "compare").format(
            documents=statement("trial", "documents"),
            differences=", ".join(
                f"coalesce(earlier.{part} <> later.{part}, false) AS {part}" for part in PARTS
            ),
        )
    )
    found = {
        part: single_row(connection.execute(statement("trial", "differing").format(name=part)))
        for part in PARTS
    }
    found["other"] = single_row(
        connection.execute(statement("trial", "otherwise").format(names=" OR ".join(PARTS)))
    )
    created, updated, unchanged, leaving = single_row(connection.execute(statement("trial", "counts")))
    return DocumentChanges(
        created,
        updated,
        unchanged,
        leaving,
        parts={part: PartChanges(orders, tuple(ids)) for part, (orders, ids) in found.items() if orders},
    )
