"""The comparison: dlt loads the same pages into DuckDB, merged by id. Runs in an environment of its own.

Usage: python dlt_load.py PAGES.jsonl DIRECTORY. A line of the file is one page: a JSON array of orders. Prints the
seconds as JSON. Imports nothing of the project, so that dlt's dependencies need not fit ours.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main(pages_file: Path, directory: Path) -> None:
    """Loads all pages with dlt and prints how long it took."""
    import dlt

    @dlt.resource(name="orders", primary_key="id", write_disposition="merge")
    def orders() -> Iterator[list[dict[str, Any]]]:
        with pages_file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)

    pipeline = dlt.pipeline(
        "keycrm_comparison",
        destination=dlt.destinations.duckdb(str(directory / "dlt.duckdb")),
        dataset_name="raw",
        pipelines_dir=str(directory / "pipelines"),
    )
    started = time.perf_counter()
    pipeline.run(orders())
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
