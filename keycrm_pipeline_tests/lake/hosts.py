"""Hosts that share Dagster's storage and lakes, each as a group of processes with directories of its own.

As docs/scaling.md sets them up: a code server for each host with its share of the profiles; one daemon and one page of
Dagster, with neither profiles nor data. What is not here: what becomes of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from keycrm_pipeline.orchestration.dagster_internals import DAEMON_MODULE, DAEMON_VARIABLES
from keycrm_pipeline.orchestration.instance import shipped_configuration
from keycrm_pipeline.orchestration.launch import DEFINITIONS
from keycrm_pipeline_tests.lake.test_real_loads import LakeCommandLine
from keycrm_pipeline_tests.postgres import USER, Server
from keycrm_pipeline_tests.product import PROJECT, free_port, kill_all_of


def write_dagster_yaml(home: Path, port: int) -> None:
    """Writes the settings for several hosts, without containers and S3, for a PostgreSQL with a port of its own."""
    settings = yaml.safe_load((PROJECT / "deploy" / "dagster.distributed.yaml").read_text("utf-8"))
    settings["storage"]["postgres"]["postgres_db"]["port"] = port
    del settings["run_launcher"]
    settings["compute_logs"] = yaml.safe_load(shipped_configuration().read_text("utf-8"))["compute_logs"]
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), "utf-8")


def storage_variables(server: Server, database: str) -> dict[str, str]:
    """Where Dagster's storage is, as `dagster.distributed.yaml` asks for it."""
    return {
        "DAGSTER_POSTGRES_HOST": server.host,
        "DAGSTER_POSTGRES_DB": database,
        "DAGSTER_POSTGRES_USER": USER,
        "DAGSTER_POSTGRES_PASSWORD": "",
    }


@dataclass
class Host(LakeCommandLine):
    """A host with a code server; commands are run on it as well.

    Attributes:
        shared: The directory with the profiles and the lakes, which all hosts have.
        location: Its code location.
        share: The profiles that it is for.
        port: Where its code server listens.
        storage: Where Dagster's storage is, see `storage_variables`.
    """

    shared: Path = Path()
    location: str = ""
    share: str = ""
    port: int = 0
    storage: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """As docs/scaling.md says."""
        return (
            super().environment()
            | self.storage
            | {
                "KEYCRM_PROFILES_DIR": str(self.shared / "profiles"),
                "KEYCRM_LAKE_DATA": str(self.shared / "lakes"),
                "KEYCRM_PROFILES": self.share,
                "KEYCRM_CODE_LOCATION": self.location,
            }
        )

    def begin(self, *, storage_port: int) -> None:
        """Starts its code server; the first time with an empty disk."""
        home = self.directory / "home"
        if not home.exists():
            write_dagster_yaml(home, storage_port)
        run_program(
            self.directory,
            self.environment(),
            *("dagster", "api", "grpc", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--module-name", DEFINITIONS),
        )

    def kill(self) -> None:
        """Kills all of it at once: code server, runs and commands."""
        kill_all_of(self.directory / "home")
        self.end()


class Control:
    """The daemon and Dagster's page.

    Args:
        directory: Their directory.
        storage: Where Dagster's storage is, see `storage_variables`.
        storage_port: Its port.
    """

    def __init__(self, directory: Path, storage: Mapping[str, str], storage_port: int) -> None:
        self.home = directory / "home"
        self._directory = directory
        self._environment = {**storage, "DAGSTER_HOME": str(self.home)}
        self._port = free_port()
        write_dagster_yaml(self.home, storage_port)

    @property
    def address(self) -> str:
        """The address of Dagster's page."""
        return f"http://127.0.0.1:{self._port}"

    def begin(self, hosts: Mapping[str, int]) -> None:
        """Starts both.

        Args:
            hosts: The code locations and the ports of their code servers.
        """
        servers = [
            {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": location}}
            for location, port in hosts.items()
        ]
        workspace = self._directory / "workspace.yaml"
        workspace.write_text(yaml.safe_dump({"load_from": servers}), "utf-8")
        page = ("dagster_webserver", "--workspace", str(workspace), "--port", str(self._port))
        run_program(self._directory, self._environment, *page)
        daemon = (DAEMON_MODULE, "run", "--workspace", str(workspace))
        run_program(self._directory, self._environment | DAEMON_VARIABLES, *daemon)

    def kill(self) -> None:
        """Ends both."""
        kill_all_of(self.home)


def run_program(directory: Path, environment: Mapping[str, str], module: str, *arguments: str) -> None:
    """Starts a module as a program in the background; what it says is in `said`, in its directory."""
    with (directory / "said").open("ab") as said:
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=directory,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
