"""Which runs count as alive: real processes hold the marks of their runs, and some of them are killed."""

from __future__ import annotations

import stat
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from keycrm_pipeline.run.marks import abandoned, is_marked, marked
from keycrm_pipeline.warehouse.errors import DirectoryUnusableError
from keycrm_pipeline_tests.product import script_at_work

_MARK = """
import sys
from pathlib import Path
from keycrm_pipeline.run.marks import marked
from keycrm_pipeline_tests.product import script_at_work
with marked(Path(sys.argv[1]), sys.argv[2]):
    print("marked", flush=True)
    sys.stdin.read()
"""


def run_of_another_process(directory: Path, run_id: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A process that holds a mark until its standard input is closed."""
    return script_at_work(_MARK, str(directory), run_id, says="marked")


def test_a_run_is_alive_until_its_process_ends_it(tmp_path: Path) -> None:
    """A run that lives is never ended by others, and one that ended in order leaves nothing behind."""
    marks = tmp_path / "runs"
    assert list(abandoned(marks)) == []
    with run_of_another_process(marks, "run-1") as process:
        assert is_marked(marks, "run-1")
        assert list(abandoned(marks)) == []
        process.communicate("")
    assert not is_marked(marks, "run-1")
    assert list(abandoned(marks)) == []
    assert list(marks.iterdir()) == []


def test_a_killed_run_is_found_once(tmp_path: Path) -> None:
    """Two hosts that share the directory, or two sensors, do not both report its end."""
    marks = tmp_path / "runs"
    with run_of_another_process(marks, "lives"), run_of_another_process(marks, "run-1") as process:
        process.kill()
        process.wait()
        assert not is_marked(marks, "run-1")
        first = abandoned(marks)
        assert next(first) == "run-1"
        assert list(abandoned(marks)) == []
        assert list(first) == []
        assert list(abandoned(marks)) == []
        assert [path.name for path in marks.iterdir()] == ["lives"]


def test_a_mark_whose_run_could_not_be_ended_stays(tmp_path: Path) -> None:
    """While Dagster's database cannot be reached, nothing is forgotten: the next look finds the run again."""
    marks = tmp_path / "runs"
    with run_of_another_process(marks, "run-1") as process:
        process.kill()
        process.wait()
    for run_id in abandoned(marks):
        assert run_id == "run-1"
        break
    assert list(abandoned(marks)) == ["run-1"]


def test_a_run_goes_on_without_a_mark(tmp_path: Path) -> None:
    """What keeps the mark from being written keeps the run from its work too, and the run says so in words."""
    (tmp_path / "runs").write_text("no directory", "utf-8")
    with marked(tmp_path / "runs", "run-1"):
        assert not is_marked(tmp_path / "runs", "run-1")


def test_marks_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """As after a load that ran once with more rights; a dead run would block its profile for ever."""
    (tmp_path / "runs").symlink_to(tmp_path / "runs")
    with pytest.raises(
        DirectoryUnusableError, match=f"The data directory {tmp_path}/runs cannot be written to"
    ):
        list(abandoned(tmp_path / "runs"))
    assert list(abandoned(tmp_path / "never made")) == []


def test_marks_are_for_their_owner_only(tmp_path: Path) -> None:
    with marked(tmp_path / "runs", "run-1"):
        assert stat.S_IMODE((tmp_path / "runs").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "runs" / "run-1").stat().st_mode) == 0o600
