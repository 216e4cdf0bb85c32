"""What a command loads: exempt from garbage collection, and without pandas, which it has no use for."""

from __future__ import annotations

import gc
import subprocess
import sys

from keycrm_pipeline.run.imports import loading_for_good

PROGRAM = """
import sys
from keycrm_pipeline.run.imports import without_pandas

with without_pandas():
    import duckdb
    import pandera.polars as pa
    import polars as pl

    schema = pa.DataFrameSchema({"price": pa.Column(pl.Int64, checks=pa.Check.ge(0))})
    frame = duckdb.connect().execute("SELECT CAST(? AS BIGINT) AS price", [12]).pl()
    print(schema.validate(frame)["price"].to_list(), "pandas" in sys.modules)
import pandas
print("pandas" in sys.modules)
"""


def test_frames_are_read_and_checked_without_pandas() -> None:
    """DuckDB and pandera work as if it were not installed; who asks for it afterwards gets it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[12] False", "True"]


def test_what_was_loaded_for_good_is_not_looked_at_again() -> None:
    """Python looks for cycles again after it, but no longer among what was loaded."""
    try:
        with loading_for_good():
            assert not gc.isenabled()
            kept = [object]
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert not any(found is kept for found in gc.get_objects())
    finally:
        gc.unfreeze()
