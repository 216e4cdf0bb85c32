"""In which order the tests run, and what every process that they start has in its environment.

Fixtures are with the tests that use them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Pandera loads hypothesis where it finds it, and that would load trio: half a second of every process that tests.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"

AS_INSTALLED = Path(__file__).with_name("as_installed")
"""Modules that hide from the programs that tests start what people do not have."""


def pytest_configure(config: pytest.Config) -> None:
    """Programs that tests start find what an installed product has; the processes that run tests find everything."""
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests:
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(AS_INSTALLED), *filter(None, [os.environ.get("PYTHONPATH")])]
        )


FIRST = (
    "faults/test_backfill.py",
    "faults/test_queue.py",
    "faults/test_outages.py",
    "faults/test_answers.py",
    # Whoever has one test left takes a file to do after it: behind the two that wait for minutes, small ones.
    "reports/test_wording.py",
    "faults/test_processes.py",
    "test_packaging.py",
    "commands/test_load.py",
    "warehouse/test_compaction.py",
)
"""Those that take longest, of which the first mostly wait: begun last, they would leave the processors idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those first that take longest; whole files stay together, as `--dist loadfile` hands them out."""
    places = {f"keycrm_pipeline_tests/{path}": place for place, path in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
