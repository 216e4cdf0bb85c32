"""A writer on another host whose cable is cut: its lock is free after about 20 seconds, and it stores nothing late.

The other host is a network namespace of this machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keycrm_pipeline.warehouse.engines import catalog_lock
from keycrm_pipeline_tests.lake.plain_lake import PlainLake
from keycrm_pipeline_tests.postgres import started

pytestmark = pytest.mark.process


@dataclass(frozen=True)
class OtherHost:
    """A network namespace with one cable to this machine.

    Attributes:
        name: Its name, which is that of both ends of the cable as well.
        gateway: The address of this machine on the cable.
    """

    name: str
    gateway: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command begins with to run there."""
        return ("ip", "netns", "exec", self.name)

    def plug(self, state: str) -> None:
        """Cuts the cable, `down`, or joins it again, `up`; nobody is told of it, as with a real one far away."""
        _run(*self.inside, "ip", "link", "set", "cable", state)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def other_host() -> Iterator[OtherHost]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip(
            "Only root can cut a cable between network namespaces, with the program `ip` of iproute2."
        )
    name = f"kc{secrets.token_hex(4)}"
    # Addresses that are reserved for tests of networks (RFC 2544).
    network = f"198.18.{secrets.randbelow(256)}"
    host = OtherHost(name, f"{network}.1")
    try:
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name)
        _run("ip", "address", "add", f"{host.gateway}/30", "dev", name)
        _run("ip", "link", "set", name, "up")
        _run(*host.inside, "ip", "address", "add", f"{network}.2/30", "dev", "cable")
        host.plug("up")
        yield host
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, stdin=subprocess.DEVNULL)


def test_a_writer_whose_cable_is_cut(other_host: OtherHost, tmp_path: Path) -> None:
    with started(other_host.gateway) as server:
        lake = PlainLake(server.new_database(), tmp_path / "lake")
        lake.create()
        with lake.writer("run-1", *other_host.inside) as late:
            assert late.answer() == "held"
            assert late.do("INSERT INTO sales VALUES (1, 10)") == "done"
            assert late.do("BEGIN") == "done"
            assert late.do("INSERT INTO sales VALUES (2, 20)") == "done"
            other_host.plug("down")
            cut = time.monotonic()
            late.tell("COMMIT")
            with (
                catalog_lock.held(lake, "run-2", wait_seconds=60) as hold,
                lake.attached(hold) as connection,
            ):
                waited = time.monotonic() - cut
                connection.execute("INSERT INTO sales VALUES (2, 21)")
                other_host.plug("up")
                # It has given up on its own by now, or is told now; in either case it has stored nothing.
                assert late.answer().startswith(
                    ("CatalogCutError", "CatalogUnreachableError", "FencedOffError")
                )
                assert late.do("INSERT INTO sales VALUES (2, 20)").startswith("FencedOffError")
            assert 10 < waited < 40, "PostgreSQL's own keep-alives take two hours."
        assert lake.sales() == [(1, 10), (2, 21)]
