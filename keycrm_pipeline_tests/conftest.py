"""The order in which tests run, and the environment of every process that they start.

What is not here: fixtures, which are in the `conftest.py` next to the tests that use them, and builders, which are in
modules with a name of their own.
"""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec

import pytest

from keycrm_pipeline_tests.product import AS_INSTALLED

# Pandera imports hypothesis if it is installed, and its plugin would import trio: half a second for every process.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"

# Commands speak English in tests, whoever runs them, unless a test asks for another language.
os.environ |= {"LANG": "C.UTF-8"}
for _variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
    os.environ.pop(_variable, None)


# A shell that starts the tests in the background has Ctrl-C ignored, and what they start would ignore it too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Tests of the lake need DuckDB's extensions, which are in an environment of their own: `make test-distributed`.
collect_ignore = [] if find_spec("duckdb_extension_ducklake") else ["lake"]


def pytest_report_header() -> list[str]:
    """Says which tests are not among these."""
    return ["Tests of the lake are not here; run `make test-distributed`."] if collect_ignore else []


def pytest_configure(config: pytest.Config) -> None:
    """Programs that tests start see what an installed product has; the processes that run tests see everything."""
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests:
        # Before a command that a test runs in this process loads pandera without pandas, see `run.imports`.
        import pandera.pandas  # noqa: F401
        from hypothesis import HealthCheck, settings

        # How fast a busy machine makes up an example proves nothing about the product.
        settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.load_profile("unhurried")

        os.environ["PYTHONPATH"] = os.pathsep.join(
            [str(AS_INSTALLED), *filter(None, [os.environ.get("PYTHONPATH")])]
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts modules first whose tests mostly wait for processes: started last, they would leave the processors idle.

    Modules stay together, since `--dist loadfile` hands out whole ones.
    """
    items.sort(key=lambda item: item.get_closest_marker("process") is None)
