"""Standard streams that cannot carry every letter, as in a terminal with an old code page, or nothing at all."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TextIO


def is_utf8(stream: TextIO) -> bool:
    """Whether a stream can carry every letter."""
    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (LookupError, TypeError):
        return False


def open_closed_streams() -> None:
    """Gives a command that was started without some standard stream (`2>&-`) one that leads nowhere.

    The next file that it opens, such as the books, would be that stream to every library that writes to it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good


def replace_unprintable_letters() -> None:
    """Makes the standard streams print `?` for a letter that they cannot carry; the command would fail otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not is_utf8(stream):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Gives up what standard output could not carry; Python would try it again at the end, and fail once more."""
    with contextlib.suppress(OSError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
