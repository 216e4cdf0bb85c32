"""Standard streams that cannot carry every letter, as in a terminal with an old code page, or nothing at all."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO


def is_utf8(stream: TextIO) -> bool:
    """Whether a stream can carry every letter."""
    try:
        return codecs.lookup(stream.encoding).name == "utf-8"
    except (LookupError, TypeError):
        return False


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
