"""Moves finished files into the output directory: whole or not at all, readable by their owner only.

What is not here: the content of the files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from keycrm_pipeline.exports.errors import OutputDirectoryError
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.sentences.failures import NO_SPACE
from keycrm_pipeline.stopping import undisturbed

_STAGE_PREFIX = ".export-"


@contextlib.contextmanager
def stage(directory: Path) -> Iterator[Path]:
    """A private directory inside the output directory, in which the files are written; it is deleted at the end.

    The output directory is created for its owner only (0700) if it does not exist; an existing one keeps its mode,
    since it may be somebody's desktop.

    Raises:
        OutputDirectoryError: The directory cannot be created or written to, or its disk is full.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        # mkdtemp creates it with 0700: unfinished files contain names and phones too.
        staged = Path(tempfile.mkdtemp(prefix=_STAGE_PREFIX, dir=directory))
    except OSError as error:
        raise OutputDirectoryError(directory, error) from None
    try:
        yield staged
    except Exception as error:
        # Every format has a library of its own, and each of them its own error for a full disk.
        if not _is_of_full_disk(error):
            raise
        raise OutputDirectoryError(directory, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _is_of_full_disk(error: Exception) -> bool:
    if isinstance(error, MessageError):
        return False
    return getattr(error, "errno", None) in NO_SPACE or any(
        os.strerror(number) in str(error) for number in NO_SPACE
    )


def put_in_place(staged: Path, directory: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Moves finished files to their names, replacing those of an earlier export, and returns their paths.

    Raises:
        OutputDirectoryError: A file cannot be replaced, for example because Excel holds it open on Windows.
    """
    for name in names:
        file = staged / name
        file.chmod(0o600)
        # Without this, a power cut after the rename could leave an empty file.
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
    try:
        # Stopped between two of them, it would leave the files of two exports beside each other.
        with undisturbed():
            return tuple((staged / name).replace(directory / name) for name in names)
    except OSError as error:
        raise OutputDirectoryError(directory, error) from None
