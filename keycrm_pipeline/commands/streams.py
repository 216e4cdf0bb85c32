"""Standard streams that cannot carry every letter: a terminal with an old code page, the locale C."""

from __future__ import annotations

import codecs
import io
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
