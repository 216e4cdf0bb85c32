"""`make bench-lake`: the same work in a file and in a lake, in turns, and how many times as much the lake takes.

CPU seconds are those of the program, and of PostgreSQL for it, both on this machine; the limits are for their sum. It
prints a table and writes nothing. What is not here: the work itself (`measurements`, `waiting`).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import psutil

from keycrm_pipeline_tests.benchmarks.measurements import environment_of
from keycrm_pipeline_tests.benchmarks.waiting import COMMAND, cpu_seconds, shop
from keycrm_pipeline_tests.postgres import Server, query, started

ROUNDS = 5
LARGE_ROUNDS = 3
"""Each with a database of its own."""

ORDERS_A_DAY = 1000
FIRST_SMALL_DAY = date(2026, 6, 1)
MEASUREMENTS = (sys.executable, "-m", "keycrm_pipeline_tests.benchmarks.measurements")

Environment = Mapping[str, str]
Work = Callable[[str, int], tuple[Sequence[str], Environment]]
"""Engine, and number of the round -> the command, and its environment."""


@dataclass(frozen=True)
class Used:
    """CPU seconds of one piece of work: those of the program, and of PostgreSQL for it."""

    program: float
    catalogue: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.program + self.catalogue


@dataclass(frozen=True)
class Row:
    """A line of the table: what was done, how many times as much a lake may take, and what both took."""

    what: str
    most: float | None
    file: Sequence[Used]
    lake: Sequence[Used]

    def print(self) -> None:
        """Prints it: medians, their ratio, and whether the limit is kept."""
        file, lake = (median(one.total for one in used) for used in (self.file, self.lake))
        catalogue = median(one.catalogue for one in self.lake)
        ratio = lake / file
        limit = "" if self.most is None else f"{self.most:.1f} x"
        kept = "" if self.most is None else "yes" if ratio <= self.most else "**no**"
        print(
            f"| {self.what} | {file:.2f} | {lake:.2f}, of which PostgreSQL {catalogue:.2f} | {ratio:.1f} x | {limit} | "
            f"{kept} |",
            flush=True,
        )


class Catalogue:
    """A running PostgreSQL, and the CPU seconds that it has used."""

    def __init__(self, server: Server) -> None:
        ((data,),) = query(server.words(), "SHOW data_directory")
        number = (Path(data) / "postmaster.pid").read_text("ascii").splitlines()[0]
        self._postmaster = psutil.Process(int(number))

    def cpu_seconds(self) -> float:
        """Of the server and of all sessions so far, those that have ended too."""
        times = self._postmaster.cpu_times()
        ended = times.children_user + times.children_system
        alive = [child.cpu_times() for child in self._postmaster.children(recursive=True)]
        return float(times.user + times.system + ended + sum(one.user + one.system for one in alive))


def _measured(catalogue: Catalogue, command: Sequence[str], environment: Environment) -> Used:
    before = catalogue.cpu_seconds()
    program = cpu_seconds(command, environment)
    return Used(program, catalogue.cpu_seconds() - before)


def _in_turns(
    catalogue: Catalogue,
    what: str,
    most: float | None,
    work: Work,
    *,
    rounds: int = ROUNDS,
    less: float = 0.0,
) -> None:
    """Runs a command for the file and for the lake, one after the other in each round, and prints the medians.

    Args:
        catalogue: The running PostgreSQL.
        what: What is done.
        most: How many times as much a lake may take; None for no limit.
        work: The command of an engine and a round, and its environment.
        rounds: How many times it is done.
        less: CPU seconds of the program that are no part of it.
    """
    used: dict[str, list[Used]] = {"file": [], "lake": []}
    for round_ in range(rounds):
        for engine, each in used.items():
            whole = _measured(catalogue, *work(engine, round_))
            each.append(Used(whole.program - less, whole.catalogue))
    Row(what, most, used["file"], used["lake"]).print()


def _with_lake(environment: Environment, server: Server, directory: Path) -> dict[str, str]:
    return {
        **environment,
        "KEYCRM_LAKE_CATALOG": server.new_database(),
        "KEYCRM_LAKE_DATA": str(directory / "lake"),
    }


def large_books(directory: Path, server: Server, catalogue: Catalogue, orders: int) -> None:
    """A first load and a rebuild of many orders: local work alone, without the making of the orders."""
    sizes = (str(orders), str(ORDERS_A_DAY))
    made = cpu_seconds((*MEASUREMENTS, "write_pages", str(directory), *sizes), os.environ)
    places: dict[str, list[tuple[Path, Environment]]] = {"file": [], "lake": []}
    for round_ in range(LARGE_ROUNDS):
        for engine, each in places.items():
            place = directory / f"{engine}_{round_}"
            place.mkdir()
            each.append((place, _with_lake(os.environ, server, place) if engine == "lake" else os.environ))

    def measurement(name: str, *arguments: str) -> Work:
        def work(engine: str, round_: int) -> tuple[Sequence[str], Environment]:
            place, environment = places[engine][round_]
            return (*MEASUREMENTS, name, str(place), *arguments), environment

        return work

    first_load, rebuild = measurement("first_load", *sizes), measurement("rebuild", sizes[0])
    _in_turns(catalogue, f"first load of {orders:,} orders", 1.5, first_load, rounds=LARGE_ROUNDS, less=made)
    _in_turns(catalogue, f"rebuild of these {orders:,} orders", 1.5, rebuild, rounds=LARGE_ROUNDS)


def small_books(directory: Path, server: Server, catalogue: Catalogue) -> None:
    """What a shop does every day, as whole commands: new days, a day again, and a look."""
    with shop(directory / "small", 600, days=ROUNDS + 1, first_day=FIRST_SMALL_DAY) as variables:
        profile = (Path(variables["KEYCRM_PROFILES_DIR"]) / "bench.yaml").read_text("utf-8")
        with environment_of(directory / "small_lake", f"{profile}database: lake\n") as of_lake:
            places = {"file": variables, "lake": _with_lake(of_lake, server, directory / "small_lake")}

            def load(round_: int) -> Sequence[str]:
                day = str(FIRST_SMALL_DAY + timedelta(days=round_))
                return (*COMMAND, "load", "--from", day, "--to", day, "--json")

            # The first one makes the database and Dagster's history.
            for environment in places.values():
                cpu_seconds(load(0), environment)

            def in_places(command: Callable[[int], Sequence[str]]) -> Work:
                return lambda engine, round_: (command(round_), places[engine])

            new_day, same_day = in_places(lambda round_: load(round_ + 1)), in_places(lambda _: load(ROUNDS))
            _in_turns(catalogue, "`load` of a new day, 50 orders", 3.0, new_day)
            _in_turns(catalogue, "the same day again", 3.0, same_day)
            _in_turns(
                catalogue, "`status` (at most a second)", None, in_places(lambda _: (*COMMAND, "status"))
            )


def main() -> None:
    """Measures everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=50_000, help="orders of the large books")
    orders = parser.parse_args().orders
    # Whoever has a lake of their own would otherwise measure it in place of the file.
    os.environ.pop("KEYCRM_LAKE_CATALOG", None)
    with started() as server, tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        catalogue = Catalogue(server)
        print(
            "| CPU seconds of | File | Lake | Ratio | Must reach at most | Reached |\n|---|---|---|---|---|---|"
        )
        small_books(directory, server, catalogue)
        large_books(directory, server, catalogue, orders)


if __name__ == "__main__":
    main()
