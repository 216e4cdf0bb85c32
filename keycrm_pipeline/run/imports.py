"""What a command loads, and how: imports are a third of the time of a small load.

What is not here: which module imports what; slow libraries are imported where they are used.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from keycrm_pipeline.run.memory import without_search_for_cycles


@contextlib.contextmanager
def loading_for_good() -> Iterator[None]:
    """Exempts what is imported inside from garbage collection for as long as the process lives.

    Dagster, polars and pandera create some hundred thousand objects (measured: saves a sixth of the CPU time of a load
    of one day, 7.0 to 5.9 s).
    """
    with without_search_for_cycles():
        yield
    gc.freeze()


class _NoPandas(MetaPathFinder):
    """Answers every import of pandas as if it were not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raises for pandas and its modules; for all others, the next finder is asked."""
        del path, target
        if fullname.partition(".")[0] == "pandas":
            # The words by which pandera recognises that it is not installed.
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)
        return None


@contextlib.contextmanager
def without_pandas() -> Iterator[None]:
    """Keeps libraries from loading pandas in a command, which has no use for it.

    DuckDB imports it at the first query with a parameter, to see whether the value is one of pandas' own, and pandera
    when it is imported itself (duckdb 1.5.6, pandera 0.35; measured: 44 MB and 0.4 s of the CPU time of any load).

    For commands only: pandera cannot check frames of pandas in this process any more. A process that has already
    loaded pandas keeps it.
    """
    if "pandas" in sys.modules:
        yield
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
