"""The published copy of a profile's file: readers may keep it open while exchanges write the books.

It is replaced as a whole, never written to: whoever has it open goes on with what they opened. Callers decide when, and
hold the profile's lock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from keycrm_pipeline.sentences.failures import Cause, cause_of
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import PublicationError


def publish(warehouse: Warehouse, target: Path) -> None:
    """Replaces the published copy by the books as they are now.

    Killed at any moment it leaves the earlier copy or the new one, whole. The caller must hold the profile's lock.

    Args:
        warehouse: The profile's database.
        target: The copy.

    Raises:
        PublicationError: It could not be made; the earlier copy is unchanged.
        WarehouseError: The database is busy or unreadable.
    """
    path = warehouse.path
    _remove_killed_copies(target)
    with warehouse.writing() as connection:
        # What a write-ahead log beside the file holds would be missing in its copy.
        connection.execute("CHECKPOINT")
    try:
        size = path.stat().st_size
        if shutil.disk_usage(target.parent).free < size:
            raise PublicationError(target, Cause.NO_ROOM_FOR_COPY.message(megabytes=round(size / 1e6)))
        # From its first byte only its owner can read it.
        handle, unfinished = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        try:
            # Open for reading: a program that wants to write has to wait.
            with warehouse.reading():
                if path.with_name(f"{path.name}.wal").exists():
                    raise PublicationError(target, Cause.WRITTEN_MEANWHILE.message())
                shutil.copyfile(path, unfinished)
            _write_through(Path(unfinished))
            Path(unfinished).replace(target)
            _write_through(target.parent)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except OSError as error:
        raise PublicationError(target, cause_of(error)) from None


def _write_through(path: Path) -> None:
    """Returns once the file, or the names in the directory, are on the disk: a power cut must not leave half a copy."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_killed_copies(target: Path) -> None:
    """Removes what killed processes left; nobody else writes a copy while the caller holds the lock."""
    for left in target.parent.glob(f".{target.name}.????????"):
        with contextlib.suppress(OSError):
            left.unlink()
