"""`make soak`: lives through the year, compares the books with a fresh load, and prints what grew.

Ends with 1 if a row differs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from keycrm_pipeline.period import DAY
from keycrm_pipeline_tests.soak.measures import Measure, differences
from keycrm_pipeline_tests.soak.year import SHOP, Scale, Year

MOST_EXAMPLES = 5
"""Of rows that differ, for each table."""


def main() -> int:
    """Returns the exit code."""
    usual = Scale()
    parser = argparse.ArgumentParser(prog="python -m keycrm_pipeline_tests.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=usual.days)
    parser.add_argument(
        "--every", type=int, default=usual.every, help="days from one start of the machine to the next"
    )
    parser.add_argument("--passes", type=int, default=usual.passes, help="passes of `changes` a day")
    parser.add_argument(
        "--busy-days",
        type=int,
        default=usual.busy_days,
        help="days at the end with a pass every quarter of an hour",
    )
    parser.add_argument("--orders-per-day", type=int, default=usual.orders_per_day)
    parser.add_argument("--kills", type=int, default=usual.kills)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument(
        "--directory", type=Path, help="where the installation is left; by default it is removed"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    directory = chosen.directory or Path(tempfile.mkdtemp(prefix="soak"))
    directory.mkdir(parents=True, exist_ok=True)
    scale = Scale(
        days=chosen.days,
        every=chosen.every,
        passes=chosen.passes,
        busy_days=chosen.busy_days,
        orders_per_day=chosen.orders_per_day,
        kills=chosen.kills,
        seed=chosen.seed,
    )
    began = time.perf_counter()
    try:
        year = Year(directory, scale)
        year.run()
        fresh = directory / "fresh.duckdb"
        year.load_afresh(fresh)
        rows = differences(
            directory / "data" / f"{SHOP}.duckdb",
            fresh,
            scale.first_day - 7 * DAY,
            scale.first_day + (scale.days - 1) * DAY,
        )
    finally:
        if chosen.directory is None:
            shutil.rmtree(directory, ignore_errors=True)
    seconds = time.perf_counter() - began
    if chosen.json:
        print(
            json.dumps(
                {
                    "seconds": round(seconds),
                    "happened": dict(year.happened),
                    "measures": [asdict(each) for each in year.measures],
                    "differences": rows,
                },
                default=str,
            )
        )
    else:
        _print(year, rows, seconds)
    return 1 if any(rows.values()) else 0


def _print(year: Year, rows: Mapping[str, Sequence[str]], seconds: float) -> None:
    print(f"{year.scale.days} days in {seconds / 60:.0f} minutes.")
    for what, number in sorted(year.happened.items()):
        print(f"  {number:5}  {what}")
    print(
        "\n| Day | Orders | Exchanges | Database, MB | Files in data | History, MB | Files in it | Runs in it ",
        end="",
    )
    print("| Handles | Threads | Memory, MB | Seconds a pass |")
    print("|---" * 12 + "|")
    for each in year.measures:
        print(_row(each))
    print("\nRows that differ from a fresh load:")
    for table, differing in rows.items():
        print(f"  {len(differing):5}  {table}")
        for row in differing[:MOST_EXAMPLES]:
            print(f"         {row}")


def _row(each: Measure) -> str:
    cells = (
        each.day,
        each.orders,
        each.exchanges,
        f"{each.database_bytes / 1e6:.1f}",
        each.data_files,
        f"{each.history_bytes / 1e6:.1f}",
        each.history_files,
        each.runs,
        each.handles,
        each.threads,
        f"{each.memory_bytes / 1e6:.0f}",
        f"{each.pass_seconds:.2f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
