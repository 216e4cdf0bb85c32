"""What the process does with memory that it has freed, and when Python looks for what it may free.

What is not here: DuckDB's own memory (`warehouse.connection`), and how much a step has in work (`warehouse.batches`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator

_TRIM_THRESHOLD = -1
"""`M_TRIM_THRESHOLD` of `mallopt`, as malloc.h of the GNU C library has it."""

_GIVEN_BACK_AT = 128 * 1024
"""Bytes that lie free at the end of a heap before they are given back: the library's own value before it has grown."""


def give_freed_memory_back() -> None:
    """Lets the C library give freed memory back to the system for as long as the process lives.

    Each thread that fetches pages has a heap of its own. The GNU C library raises the bound at which a heap shrinks to
    twice the largest block that was freed, here a page of orders: after some hundred pages each of sixteen heaps kept
    several megabytes (measured: 80 MB of a load of a year, through all that came after). Naming the bound keeps it
    where it is. Other C libraries have no such setting.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_TRIM_THRESHOLD, _GIVEN_BACK_AT)


@contextlib.contextmanager
def without_search_for_cycles() -> Iterator[None]:
    """Python does not look for objects that hold each other while many are made that are all needed to the end.

    It would look at all of them again and again: a quarter of the time that 100,000 buyers take.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def loading_for_good() -> Iterator[None]:
    """What is imported inside stays as long as the process lives, and Python never looks for cycles in it.

    Dagster, polars and pandera make some hundred thousand objects (measured: a seventh of the CPU time of a load of a
    few days, 6.2 to 5.2 s).
    """
    with without_search_for_cycles():
        yield
    gc.freeze()
