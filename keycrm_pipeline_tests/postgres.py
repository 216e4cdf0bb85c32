"""A PostgreSQL of the system, started for tests: on loopback, in a directory of its own, gone at their end.

It is as the system's package makes it, but for two things: it does not wait for the disk, since nothing of it has to
survive, and it asks nobody for a password, since only this machine reaches it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

_MISSING = (
    "These tests need PostgreSQL, and it is not there. Install it once with "
    "`apt-get install -y --no-install-recommends postgresql`, then run the tests again."
)
USER = "postgres"


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        host: The address at which it listens.
        port: Its port.
    """

    host: str
    port: int

    def words(self, database: str = "postgres") -> str:
        """What libpq needs to connect to a database."""
        return f"host={self.host} port={self.port} user={USER} dbname={database}"

    def new_database(self) -> str:
        """Creates an empty database, and returns what libpq needs to connect to it."""
        name = f"test_{secrets.token_hex(6)}"
        query(self.words(), f"CREATE DATABASE {name}")
        return self.words(name)


def query(words: str, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """The rows of a statement, run in a session of its own; none if it has none."""
    with contextlib.closing(psycopg2.connect(words)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql, list(values) or None)
            return list(cursor.fetchall()) if cursor.description else []


def programs() -> Path:
    """The directory of the newest PostgreSQL; a test that needs one fails where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_the_path = shutil.which("initdb")
    if not found and on_the_path is None:
        pytest.fail(_MISSING)
    return found[-1].parent if found else Path(str(on_the_path)).parent


@contextlib.contextmanager
def started(host: str = "127.0.0.1") -> Iterator[Server]:
    """A server that listens at one address of this machine."""
    directory = Path(tempfile.mkdtemp(prefix="keycrm-postgres-"))
    # PostgreSQL refuses to run as root.
    is_root = os.geteuid() == 0
    as_user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if is_root else {}
    if is_root:
        shutil.chown(directory, USER, USER)
    with socket.socket() as free:
        free.bind((host, 0))
        port = free.getsockname()[1]
    data = directory / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs() / program, "-D", data, *arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            **as_user,
        )
        assert done.returncode == 0, done.stderr

    settings = f"-h {host} -p {port} -k {directory} -c fsync=off -c full_page_writes=off"
    try:
        run("initdb", "--auth=trust", f"--username={USER}", "--no-sync", "--encoding=UTF8", "--locale=C")
        with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.write("host all all samenet trust\n")
        run("pg_ctl", "--wait", "start", "--log", str(directory / "log"), "--options", settings)
        yield Server(host, port)
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "--wait", "stop", "--mode", "immediate")
        shutil.rmtree(directory, ignore_errors=True)
