"""Disks of a test's own: one that is read-only, and one that gets full. Only root may mount them.

What is not here: what a test does on them.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a disk")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine does not let root mount a disk: {done.stderr.strip()}")


@contextlib.contextmanager
def _mounted(place: Path) -> Iterator[Path]:
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextlib.contextmanager
def read_only(directory: Path, place: Path) -> Iterator[Path]:
    """What is in a directory, seen at `place` as on a read-only disk."""
    place.mkdir()
    _mount("--bind", str(directory), str(place))
    with _mounted(place):
        _mount("-o", "remount,bind,ro", str(place))
        yield place


@contextlib.contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """An empty disk of that size."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place))
    with _mounted(place):
        yield place


def fill(disk: Path) -> None:
    """Leaves no room on a disk."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
