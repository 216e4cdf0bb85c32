"""`make bench`: runs every measurement, prints ratios, and writes the table that docs/benchmarks.md shows.

Takes some twenty minutes on two cores. `--quick` measures a tenth of the sizes in about two minutes and
writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


def measure(name: str, directory: Path, *arguments: int, module: str = "measurements") -> dict[str, Any]:
    """Runs one measurement of a module in a process of its own."""
    command = [
        sys.executable, "-m", f"keycrm_pipeline_tests.benchmarks.{module}", name, str(directory),
        *map(str, arguments),
    ]  # fmt: skip
    return _last_line(name, command)


def measure_dlt(pages: Path, directory: Path) -> dict[str, Any]:
    """Loads the same pages with dlt."""
    script = Path(__file__).with_name("dlt_load.py")
    return _last_line("dlt", [sys.executable, str(script), str(pages), str(directory)])


def _last_line(name: str, command: Sequence[str]) -> dict[str, Any]:
    print(f"  {name} {' '.join(command[5:])}", file=sys.stderr, flush=True)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


Row = tuple[str, str, str, str]
"""What, must reach at most, measured, reached."""


def run(directory: Path, scale: int) -> list[Row]:
    """All measurements at `1 / scale` of their size: what, must reach, measured, reached."""
    rows: list[Row] = []

    def row(what: str, limit: str, measured: str, reached: bool) -> None:
        rows.append((what, limit, measured, "yes" if reached else "**no**"))
        print(f"{what}: {measured} ({limit}) {'ok' if reached else 'NOT REACHED'}", flush=True)

    paced = measure("paced_load", directory, 5000 // scale)
    row(
        f"Requests for {paced['orders']:,} orders of a range",
        "ceil(N/50) + 10",
        f"{paced['requests']} = {paced['floor_requests']} + {paced['requests'] - paced['floor_requests']}",
        paced["requests"] <= paced["floor_requests"] + 10,
    )
    ratio = paced["seconds"] / paced["floor_seconds"]
    row(
        "Load against a server with 2 s a page and 60 requests a minute",
        "1.05 x the budget's floor, no 429",
        f"{paced['seconds']:.1f} s = {ratio:.3f} x floor, {paced['refusals']} refusals",
        ratio <= 1.05 and paced["refusals"] == 0,
    )
    orders = 100_000 // scale
    ours = measure("first_load", directory, orders, 1000)
    pages = measure("write_pages", directory, min(orders, 20_000), 1000)
    dlt = measure_dlt(Path(pages["file"]), directory)
    dlt_rate = min(orders, 20_000) / dlt["seconds"]
    our_rate = orders / ours["seconds"]
    row(
        f"Local work of a first load, {orders:,} orders of {pages['bytes_an_order'] / 1000:.1f} KB",
        "10 x dlt's rate",
        f"{our_rate:,.0f} orders/s (storing {ours['store_seconds']:.1f} s, deriving {ours['derive_seconds']:.1f} s), "
        f"dlt {dlt_rate:,.0f}/s: {our_rate / dlt_rate:.1f} x",
        our_rate >= 10 * dlt_rate,
    )
    small, large = 10_000, 1_000_000 // scale
    measure("first_load", directory, small, 1000)
    rebuilt_small = measure("rebuild", directory, small)
    measure("first_load", directory, large, 1000)
    rebuilt = measure("rebuild", directory, large)
    growth = (rebuilt["seconds"] / large) / (rebuilt_small["seconds"] / small)
    row(
        f"Rebuild of all accounting tables from raw, {large:,} orders",
        "60 s, 3 GB, linear",
        f"{rebuilt['seconds']:.1f} s, {rebuilt['megabytes'] / 1000:.1f} GB, "
        f"{growth:.2f} x the time an order of {small:,} orders",
        rebuilt["seconds"] <= 60 / scale and rebuilt["megabytes"] <= 3000 and growth <= 1.2,
    )
    again = measure("rebuild_with_versions", directory, 20_000 // scale, 5)
    unchanged, ratio = again["unchanged"] / again["one_version"], again["read_again"] / again["one_version"]
    row(
        f"Rebuild of {again['orders']:,} orders with {again['earlier_versions']:,} earlier versions, CPU time",
        "2 x without them",
        f"{again['unchanged']:.1f} s, {unchanged:.2f} x; by other rules {again['read_again']:.1f} s, {ratio:.2f} x",
        max(unchanged, ratio) <= 2,
    )
    read = measure("read_orders", directory, large)
    ratio = read["seconds"] / read["duckdb_seconds"]
    row(
        f"Header columns of {read['orders']:,} orders as a pandas frame",
        "1.5 x DuckDB alone",
        f"{read['seconds']:.2f} s, {ratio:.2f} x",
        ratio <= 1.5,
    )
    alone = measure("reload_day", directory, 0, 3000)
    next_to_many = measure("reload_day", directory, large, 3000)
    ratio = next_to_many["seconds"] / alone["seconds"]
    row(
        f"Reload of one day (3,000 orders, a tenth changed) next to {large:,} orders",
        "1.5 x the same next to none",
        f"{next_to_many['seconds']:.2f} s, {ratio:.2f} x",
        ratio <= 1.5,
    )
    grown = measure("file_growth", directory, 50 // scale, 0)
    changing = measure("file_growth", directory, 50 // scale, 1)
    ratio = grown["last_megabytes"] / grown["first_megabytes"]
    changing_ratio = changing["last_megabytes"] / changing["first_megabytes"]
    row(
        f"File size after {grown['reloads']} reloads of the same 30 days",
        "1.3 x the first load's",
        f"{grown['last_megabytes']:.1f} MB, {ratio:.2f} x (with a twentieth of the orders changed each time "
        f"{changing_ratio:.2f} x)",
        max(ratio, changing_ratio) <= 1.3,
    )
    year = measure("range_run", directory, 365 // scale, 100)
    row(
        f"Range run over {year['days']} days, {year['orders']:,} orders: Dagster's own share",
        "150 ms a day",
        f"{year['dagster_milliseconds_a_day']:.0f} ms a day ({year['seconds']:.0f} s in all)",
        year["dagster_milliseconds_a_day"] <= 150,
    )
    loads = [measure("memory_of_load", directory, days, 100) for days in (31, 365 // scale, 1096 // scale)]
    megabytes = [load["megabytes"] for load in loads]
    row(
        "Memory of `keycrm-pipeline load`, the whole process, of "
        + ", ".join(f"{load['orders']:,}" for load in loads)
        + " orders",
        "400 MB, flat",
        f"{', '.join(map(str, megabytes))} MB: {max(megabytes) / megabytes[0]:.2f} x",
        max(megabytes) <= min(400, 1.3 * megabytes[0]),
    )
    answered = measure("status", directory)
    row(
        "`keycrm-pipeline status`, the whole process",
        "1 s, no Dagster import",
        f"{answered['seconds']:.2f} s, Dagster {'imported' if answered['imports_dagster'] else 'not imported'}",
        answered["seconds"] < 1 and not answered["imports_dagster"],
    )
    validated = measure("definitions", directory, 1, 20)
    ratio = validated["many_seconds"] / validated["few_seconds"]
    row(
        "`dagster definitions validate`, 1 profile and 20",
        "20 cost 2 x 1",
        f"{validated['few_seconds']:.1f} s and {validated['many_seconds']:.1f} s: {ratio:.2f} x",
        ratio <= 2,
    )
    return rows


def run_waiting(directory: Path) -> list[Row]:
    """What a person waits for, each next to a floor of the same minutes: what, must reach, measured, reached."""
    rows: list[Row] = []

    def row(what: str, most: float, seconds: float, floor: float, floor_is: str) -> None:
        ratio = seconds / floor
        measured = f"{seconds:.2f} s and {floor:.2f} s: {ratio:.2f} x"
        rows.append((what, f"{most} x {floor_is}", measured, "yes" if ratio <= most else "**no**"))
        print(f"{what}: {measured} ({most} x {floor_is})", flush=True)

    load = measure("load_of_a_day", directory, module="waiting")
    row(
        "CPU time of `keycrm-pipeline load` of one day, 50 orders, from a server that answers at once",
        1.3,
        load["load"],
        load["floor"],
        "an empty job of Dagster in the same home",
    )
    answered = measure("answers", directory, module="waiting")
    for command in ("status", "review"):
        row(
            f"CPU time of `keycrm-pipeline {command}`",
            2,
            answered[command],
            answered["floor"],
            "opening the file with DuckDB in Python",
        )
    seconds = measure("check", directory, module="waiting")["seconds"]
    rows.append(
        (
            "`keycrm-pipeline check` with an unused budget of 20 requests a minute",
            "2 s",
            f"{seconds:.1f} s",
            "yes" if seconds < 2 else "**no**",
        )
    )
    definitions = measure("definitions_of_a_run", directory, 1, 100, module="waiting")
    row(
        f"CPU time until a run of one profile has its job, with {definitions['profiles']} profiles",
        1.2,
        definitions["many"],
        definitions["few"],
        "the same with one profile",
    )
    return rows


def table(rows: Sequence[Row], waiting: Sequence[Row]) -> str:
    """The measurements as two Markdown tables, with what they were measured on."""
    machine = (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, DuckDB {metadata.version('duckdb')}, Dagster {metadata.version('dagster')}, "
        f"dlt {metadata.version('dlt')}."
    )
    return f"{machine}\n\n{_lines(rows)}\nWhat a person waits for:\n\n{_lines(waiting)}"


def _lines(rows: Sequence[Row]) -> str:
    lines = ["| What | Must reach at most | Measured | Reached |", "|---|---|---|---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def main() -> None:
    """Measures and writes the table between its marks in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes; writes nothing")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory(prefix="keycrm_bench_") as directory:
        shown = table(run(Path(directory), 10 if quick else 1), run_waiting(Path(directory)))
    print(shown)
    if not quick:
        before, rest = DOCUMENT.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        DOCUMENT.write_text(f"{before}{BEGIN}\n{shown}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
