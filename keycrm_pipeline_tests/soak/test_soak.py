"""A few days of `make soak`, with everything that happens in it: the books are those of a fresh load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

EVENTS = (
    "backup",
    "clock ahead",
    "clock behind",
    "full disk",
    "history deleted",
    "kill",
    "read only disk",
    "restored backup",
)


def test_a_few_days_of_the_year(tmp_path: Path) -> None:
    """The machine is on every second day, with every fault: no row differs, and no file of a deleted run is left."""
    program = [sys.executable, "-m", "keycrm_pipeline_tests.soak"]
    scale = ["--days", "4", "--every", "2", "--kills", "1"]
    done = subprocess.run(
        [*program, *scale, "--json", "--directory", str(tmp_path / "soak")],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-4000:]
    result = json.loads(done.stdout)
    assert {table: rows[:5] for table, rows in result["differences"].items() if rows} == {}
    assert done.returncode == 0
    assert [event for event in EVENTS if not result["happened"].get(event)] == []
    last = result["measures"][-1]
    # A file for each run, and the few of the installation.
    assert last["history_files"] < last["runs"] + 15
    assert last["handles"] < result["measures"][0]["handles"] + 30
