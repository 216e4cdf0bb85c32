"""In which order the tests run, and what every process that they start has in its environment.

Fixtures are with the tests that use them.
"""

from __future__ import annotations

import os

import pytest

# Pandera looks for hypothesis, which people do not have, and that would load trio: half a second of every process.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"

FIRST = (
    "faults/test_backfill.py",
    "faults/test_queue.py",
    "faults/test_outages.py",
    "faults/test_answers.py",
    # Whoever has one test left takes a file to do after it: behind the two that wait for minutes, small ones.
    "sandbox/test_dice.py",
    "reports/test_wording.py",
    "faults/test_processes.py",
    "test_packaging.py",
    "commands/test_load.py",
    "warehouse/test_compaction.py",
    "test_event_storage.py",
)
"""Those that take longest, of which the first mostly wait: begun last, they would leave the processors idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts those first that take longest; whole files stay together, as `--dist loadfile` hands them out."""
    places = {f"keycrm_pipeline_tests/{path}": place for place, path in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
