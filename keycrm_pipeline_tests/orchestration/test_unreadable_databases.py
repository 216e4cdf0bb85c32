"""What a sensor and a schedule do when a database cannot be opened, or holds what nobody foresaw: they report."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.orchestration.schedules import build_schedules
from keycrm_pipeline.orchestration.sensors import build_sensors
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline_tests.orchestration.shop import make_workspace, write_exchange

_KILLED_AFTER_WRITING = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1TB'")
connection.execute("CREATE TABLE main.first (number INTEGER)")
connection.execute("CHECKPOINT")
connection.execute("CREATE TABLE main.second (number INTEGER)")
os._exit(9)
"""


def old_backup_beside_a_newer_log(path: Path) -> None:
    """Power failed while an exchange wrote, and then a backup without its .wal was put in place."""
    backup = path.with_suffix(".backup")
    shutil.copy(path, backup)
    subprocess.run([sys.executable, "-c", _KILLED_AFTER_WRITING, str(path)], check=False)
    assert path.with_name(f"{path.name}.wal").exists()
    shutil.copy(backup, path)


def something_else(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 a workbook that was renamed" * 1000)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 20 * 4096])


def tables_of_somebody_else(path: Path) -> None:
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA ops")
        connection.execute("CREATE VIEW ops.exchanges AS SELECT 'Олена Тестова' AS error")


def a_log_that_fails(path: Path) -> None:
    """All tables are there, and a row of the log cannot be read."""
    with duckdb.connect(str(path)) as connection:
        columns = connection.execute("DESCRIBE ops.exchanges").fetchall()
        connection.execute("DROP TABLE ops.exchanges CASCADE")
        shown = ", ".join(f"CAST('Олена Тестова' AS INTEGER) AS {name}" for name, *_ in columns)
        connection.execute(f"CREATE VIEW ops.exchanges AS SELECT {shown}")


@pytest.mark.parametrize(
    "spoil",
    [old_backup_beside_a_newer_log, something_else, cut_short, tables_of_somebody_else, a_log_that_fails],
)
def test_ticks_report_and_never_fail(
    instance: dg.DagsterInstance, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """The alert is raised once and says what helps; the daily load is still started, and will say the same."""
    told = tmp_path / "told"
    script = (
        "import pathlib, sys; pathlib.Path(sys.argv[1]).open('ab').write(sys.stdin.buffer.read() + b'\\n')"
    )
    workspace = make_workspace(tmp_path, alert={"command": f'{sys.executable} -c "{script}" {told}'})
    write_exchange(workspace, "1")
    spoil(workspace.database)
    assets = ProfileAssets(workspace)
    changes, failures, *_ = build_sensors(assets)
    cursor = None
    for _ in range(2):
        ticked = failures.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))
        cursor = ticked.cursor
    (alert,) = told.read_text("utf-8").splitlines()
    assert str(workspace.database) in alert
    assert "can be repeated" not in alert
    assert "Олена" not in alert
    skipped = changes.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert skipped.skip_message
    assert not skipped.run_requests
    daily = build_schedules(assets)[0]
    at = datetime(2026, 3, 30, 5, 30, tzinfo=UTC)
    loads = daily.evaluate_tick(dg.build_schedule_context(instance=instance, scheduled_execution_time=at))
    assert len(loads.run_requests or ()) == 1


def test_a_log_of_another_copy_is_told_with_what_helps(workspace: Workspace) -> None:
    """Whoever put a backup in place did not know of the .wal; moving it away opens the backup."""
    write_exchange(workspace, "1")
    old_backup_beside_a_newer_log(workspace.database)
    for way in ("reading", "writing"):
        with pytest.raises(WarehouseError, match=r"put back the \.wal of that backup.* move .*wal away"):
            getattr(open_warehouse(workspace), way)().__enter__()
    log = workspace.database.with_name(f"{workspace.database.name}.wal")
    log.rename(log.with_suffix(".away"))
    with open_warehouse(workspace).reading() as connection:
        assert connection.execute("SELECT count(*) FROM ops.exchanges").fetchone() == (1,)
