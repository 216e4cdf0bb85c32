"""Memory that the process has freed goes back to the system, and Python looks for cycles when it should."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest

from keycrm_pipeline.run.memory import without_search_for_cycles

PROGRAM = """
import ctypes, threading
from pathlib import Path
from keycrm_pipeline.run.memory import give_freed_memory_back

def in_use():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) // 1024

allocate = ctypes.CDLL(None).malloc
allocate.restype = ctypes.c_void_p
release = ctypes.CDLL(None).free
release.argtypes = [ctypes.c_void_p]

def fetch():
    # A page of orders, then the small things that are made of it.
    release(allocate(16_000_000))
    pieces = [allocate(10_000) for _ in range(1_000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 10_000)
    for piece in pieces:
        release(piece)
    del pieces
    ready.wait()
    go_on.wait()

give_freed_memory_back()
before = in_use()
ready, go_on = threading.Barrier(9), threading.Event()
threads = [threading.Thread(target=fetch) for _ in range(8)]
for thread in threads:
    thread.start()
ready.wait()
print(in_use() - before)
go_on.set()
"""
"""Eight threads that have made and freed 10 MB each; prints the megabytes still held while they live."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="heaps of threads are the GNU C library's")
def test_threads_that_fetch_pages_do_not_keep_what_they_freed() -> None:
    """A load of years kept 90 MB in the heaps of its sixteen threads, besides all that it took later."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 20


def _fail_within() -> None:
    with without_search_for_cycles():
        assert not gc.isenabled()
        raise ValueError("a fault")


@pytest.mark.parametrize("was_enabled", [True, False])
def test_python_looks_for_cycles_again_whatever_happened(was_enabled: bool) -> None:
    """A step that fails must not leave a program behind that never frees what holds itself."""
    before = gc.isenabled()
    try:
        (gc.enable if was_enabled else gc.disable)()
        with pytest.raises(ValueError, match="a fault"):
            _fail_within()
        assert gc.isenabled() is was_enabled
    finally:
        (gc.enable if before else gc.disable)()
