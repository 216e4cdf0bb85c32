"""The lock of a profile: one for a database however it is reached, and what is written beside it."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.run import lock
from keycrm_pipeline.warehouse.errors import DirectoryUnusableError, FileForbiddenError
from keycrm_pipeline_tests.product import script_at_work

_HOLD = """
import sys
from pathlib import Path
from keycrm_pipeline.run import lock
from keycrm_pipeline_tests.product import script_at_work
with lock.held(Path(sys.argv[1]), "of-another-process"):
    print("held", flush=True)
    sys.stdin.read()
"""


def workspace(directory: Path, name: str, database: str) -> Workspace:
    profile = Profile.model_validate({"name": name, "start_date": date(2026, 1, 1), "database": database})
    return Workspace(profile, Settings(directory / "profiles", directory / name))


def test_a_link_to_a_database_shares_its_lock(tmp_path: Path) -> None:
    """Two installations that reach one file, one of them by a link, would write into it at once."""
    target = workspace(tmp_path, "target", str(tmp_path / "disk" / "shop.duckdb"))
    target.database.parent.mkdir()
    target.database.touch()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "shop.duckdb").symlink_to(target.database)
    by_link = workspace(tmp_path, "linked", "shop.duckdb")
    assert by_link.database != target.database
    with script_at_work(_HOLD, str(by_link.lock), says="held") as process:
        assert lock.is_held(target.lock)
        assert "of-another-process" in lock.holder(target.lock)
        process.communicate("")
    assert not lock.is_held(target.lock)


def test_a_lock_of_another_user_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load as root leaves one; the directory, which is right, must not be what the error speaks of."""
    path = tmp_path / "shop.duckdb.lock"

    def refuse(*_arguments: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(DirectoryUnusableError, match=str(tmp_path)), lock.held(path, "run-1"):
        pass
    path.touch()
    with (
        pytest.raises(FileForbiddenError, match=r"The file \S+shop\.duckdb\.lock cannot be opened"),
        lock.held(path, "run-1"),
    ):
        pass


def test_the_holder_is_not_written_through_a_link(tmp_path: Path) -> None:
    """Whoever may write into the directory could otherwise choose a file of yours to be overwritten."""
    precious = tmp_path / "precious"
    precious.write_text("keep me", "utf-8")
    path = tmp_path / "shop.duckdb.lock"
    holder = tmp_path / "shop.duckdb.lock.holder"
    holder.symlink_to(precious)
    with lock.held(path, "run-1"):
        assert not holder.is_symlink()
        assert stat.S_ISREG(holder.stat().st_mode)
        assert "run-1" in lock.holder(path)
    assert precious.read_text("utf-8") == "keep me"
    assert not holder.exists()
