"""How long a run takes before it does anything: its process loads the definitions of all profiles first."""

import subprocess
import sys
from pathlib import Path

import pytest

from keycrm_pipeline.orchestration.definitions import _code_location as definitions

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
