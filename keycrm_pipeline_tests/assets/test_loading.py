"""How long a run takes before it does anything: its process loads the definitions of all profiles first."""

import subprocess
import sys


def test_definitions_load_nothing_that_only_some_run_needs() -> None:
    """A backfill starts a process each month, and the daemon loads all definitions anew each minute."""
    script = (
        "import sys, keycrm_pipeline.definitions;"
        "heavy = ('babel', 'httpx', 'jinja2', 'numpy', 'pandera', 'polars', 'pyarrow', 'xlsxwriter');"
        "print([name for name in heavy if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
