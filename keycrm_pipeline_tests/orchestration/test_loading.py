"""How long a run takes before it does anything: its process loads the definitions of all profiles first."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution import context_creation_job

from keycrm_pipeline.orchestration.definitions import _code_location as definitions
from keycrm_pipeline.orchestration.profile_assets import period_tags
from keycrm_pipeline.period import Period

PROFILE = "base_url: sandbox\nstart_date: 2026-03-01\n"


def test_definitions_load_nothing_that_only_some_run_needs() -> None:
    """A backfill starts a process each month, and the daemon loads all definitions again each minute."""
    script = (
        "import sys, keycrm_pipeline.orchestration.definitions;"
        "heavy = ('babel', 'httpx', 'jinja2', 'numpy', 'pandera', 'polars', 'pyarrow', 'xlsxwriter');"
        "print([name for name in heavy if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("is_started_by_up", [True, False])
def test_a_run_fails_without_a_traceback_on_the_terminal_of_up(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    is_started_by_up: bool,
) -> None:
    """A line of `up` says what became of it, in words; elsewhere what a run prints is what people look for."""
    monkeypatch.delenv("KEYCRM_STARTED_BY_UP", raising=False)
    if is_started_by_up:
        monkeypatch.setenv("KEYCRM_STARTED_BY_UP", "true")
    # Undone after the test: it is for the whole process.
    loggers = vars(context_creation_job)
    monkeypatch.setitem(loggers, "default_system_loggers", loggers["default_system_loggers"])
    monkeypatch.setenv("KEYCRM_PROFILES_DIR", str(tmp_path))
    monkeypatch.setenv("KEYCRM_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "one.yaml").write_text(f"{PROFILE}statuses: {{require_mapping: true}}\n", "utf-8")
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            definitions()
            .resolve_job_def("one_load")
            .execute_in_process(
                instance=instance,
                tags=period_tags(Period(date(2026, 3, 1), date(2026, 3, 1))),
                raise_on_error=False,
            )
        )
    assert not result.success
    assert any(event.is_step_failure for event in result.all_events)
    written = capfd.readouterr()
    assert written.out == ""
    assert ("STEP_FAILURE" in written.err) is not is_started_by_up
    assert (written.err == "") is is_started_by_up


def test_a_profile_written_meanwhile_is_there_at_the_next_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page shows a new shop, a changed setting and a mistake once it loads again, without a restart."""
    monkeypatch.setenv("KEYCRM_PROFILES_DIR", str(tmp_path))
    monkeypatch.setenv("KEYCRM_DATA_DIR", str(tmp_path / "data"))

    def shops() -> set[str]:
        loaded = definitions()
        assert definitions() is loaded  # Dagster asks twice, and builds once
        return {key.path[0] for key in loaded.resolve_asset_graph().get_all_asset_keys()}

    (tmp_path / "one.yaml").write_text(PROFILE, "utf-8")
    assert shops() == {"one"}
    (tmp_path / "two.yaml").write_text(PROFILE, "utf-8")
    assert shops() == {"one", "two"}
    (tmp_path / "two.yaml").write_text(PROFILE + "no_such_setting: 1\n", "utf-8")
    assert shops() == {"one", "refused_profiles"}
    (tmp_path / "two.yaml").unlink()
    (tmp_path / "one.yaml").write_text(PROFILE + "owners: [books@example.com]\n", "utf-8")
    first = definitions()
    (tmp_path / "one.yaml").write_text(PROFILE, "utf-8")
    assert definitions() is not first
