"""Returns freed memory to the system, and keeps Python's garbage collector from running in vain.

What is not here: DuckDB's own memory (`warehouse.connection`), and how much is processed at once (`warehouse.batches`).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Iterator

_TRIM_THRESHOLD = -1
"""`M_TRIM_THRESHOLD` of `mallopt`, as malloc.h of the GNU C library has it."""

_GIVEN_BACK_AT = 128 * 1024
"""Free bytes at the end of a heap above which they are returned: the library's own initial value."""


def give_freed_memory_back() -> None:
    """Makes the C library return freed memory to the system for as long as the process lives.

    Each thread that fetches pages has a heap of its own. The GNU C library raises the threshold at which a heap
    shrinks to twice the largest block that was freed, here a page of orders: after some hundred pages each of sixteen
    heaps kept several megabytes until the end of the load (measured: a load of a year takes 425 MB, and 460 MB without
    this). Setting the threshold keeps it constant. Other C libraries do not have this setting.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_TRIM_THRESHOLD, _GIVEN_BACK_AT)


@contextlib.contextmanager
def without_search_for_cycles() -> Iterator[None]:
    """Turns the cyclic garbage collector off while many objects are created that are all needed to the end.

    It would examine all of them again and again: a quarter of the time that 100,000 buyers take.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
