"""Puts finished files where KEYCRM_OUTPUT says as well: a directory or a bucket, for workers whose disk will be gone.

Files are made in the data directory, where the exchange page finds them, and put whole: nobody ever reads half of one.
What is not here: what the files contain.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keycrm_pipeline.profile import OUTPUT_VARIABLE, Settings
from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.exports import ExportFailure
from keycrm_pipeline.sentences.failures import Cause, cause_of

if TYPE_CHECKING:
    from upath import UPath

EXPORTS = "exports"
REPORTS = "reports"
"""Folders of the place, as in the data directory."""

_SECRET = re.compile(r"(?<=://)[^/@]*@")
"""A name and a password in an address."""


class OutputError(MessageError):
    """A file could not be put where KEYCRM_OUTPUT says; the text says why."""


def delivered_to(settings: Settings, folder: str, names: Sequence[str]) -> list[str]:
    """Where `deliver` puts files, as people may see it; nothing when no place is set.

    Args:
        settings: Say the place.
        folder: `exports` or `reports`.
        names: Names of the files.
    """
    if settings.output is None:
        return []
    place = _SECRET.sub("", settings.output).rstrip("/")
    return [f"{place}/{folder}/{name}" for name in names]


def deliver(files: Sequence[Path], settings: Settings, folder: str) -> None:
    """Puts finished files into the place of KEYCRM_OUTPUT, replacing those of the same names; does nothing without one.

    Args:
        files: The files.
        settings: Say the place.
        folder: `exports` or `reports`.

    Raises:
        OutputError: The place cannot be used; the files that were put before stay there.
    """
    for file, shown in zip(
        files, delivered_to(settings, folder, [file.name for file in files]), strict=False
    ):
        try:
            _put(file, settings.output or "", folder)
        except Exception as error:  # noqa: BLE001 - every kind of place has a library and errors of its own
            raise OutputError(
                ExportFailure.NOT_DELIVERED.message(
                    path=shown, variable=OUTPUT_VARIABLE, reason=_reason(error)
                )
            ) from None


def _put(file: Path, place: str, folder: str) -> None:
    # A command that delivers nothing does without it.
    from upath import UPath

    target: UPath = UPath(place) / folder / file.name
    if {"file", "local"} & set(_protocols(target)):
        _put_into_directory(file, Path(target.path).expanduser().absolute())
    else:
        # An object of a bucket is there whole or not at all.
        target.fs.put_file(str(file), target.path)


def _protocols(target: UPath) -> tuple[str, ...]:
    protocol = target.fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _put_into_directory(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, unfinished = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as part:
            part.write(file.read_bytes())
            part.flush()
            os.fsync(part.fileno())
        Path(unfinished).replace(target)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _reason(error: Exception) -> Message:
    """Why a place cannot be used; texts of libraries are left out, since they may quote the address with its secret."""
    if isinstance(error, ImportError):
        return Cause.PACKAGE_ABSENT.message(package="keycrm-pipeline[distributed]")
    if isinstance(error, FileNotFoundError):
        return Cause.NO_SUCH_PLACE.message()
    if isinstance(error, OSError) and error.errno is not None:
        return cause_of(OSError(error.errno, os.strerror(error.errno)))
    return Cause.REFUSED_OTHERWISE.message(kind=type(error).__name__)
