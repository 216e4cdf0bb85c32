"""The files for several hosts, checked as text: no container is started here.

What is not here: that Dagster takes its settings and PostgreSQL (tried by hand, see docs/scaling.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from keycrm_pipeline.orchestration.dagster_internals import DAEMON_VARIABLES, REPOSITORY
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.instance import shipped_configuration
from keycrm_pipeline.profile import DEFAULT_LOCATION
from keycrm_pipeline_tests.orchestration.shop import make_workspace

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path.name for path in DEPLOY.iterdir())
MODULE = "keycrm_pipeline.orchestration.definitions"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text("utf-8"))


def leaves(value: Any) -> Iterator[Any]:
    """The values of a file, however deep they are."""
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def test_the_files_are_these() -> None:
    """A file that is added here is checked here."""
    assert FILES == [
        "Dockerfile", "compose.yaml", "dagster.distributed.yaml", "helm-values.yaml", "workspace.yaml",
    ]  # fmt: skip


def test_dagsters_settings_differ_only_in_what_hosts_need() -> None:
    """A limit that one machine has, several have too: two runs of a profile would meet otherwise."""
    one, several = (
        yaml.safe_load(shipped_configuration().read_text("utf-8")),
        read("dagster.distributed.yaml"),
    )
    assert set(several) - set(one) == {"storage", "run_launcher"}
    assert {key for key in one if one[key] != several[key]} == {"compute_logs"}
    assert several["storage"]["postgres"]["postgres_db"]["scheme"] == "postgresql+psycopg2"


def test_the_chart_gets_the_same_limits() -> None:
    one, chart = yaml.safe_load(shipped_configuration().read_text("utf-8")), read("helm-values.yaml")
    assert (
        chart["dagsterDaemon"]["runCoordinator"]["config"]["customRunCoordinator"] == one["run_coordinator"]
    )
    assert chart["additionalInstanceConfig"]["concurrency"] == one["concurrency"]
    assert chart["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"
    assert chart["runLauncher"]["type"] == "K8sRunLauncher"


def test_the_daemon_lets_backfills_wait() -> None:
    """For a code location that is away; by default Dagster gives them up."""
    assert read("helm-values.yaml")["dagsterDaemon"]["env"] == DAEMON_VARIABLES
    assert DAEMON_VARIABLES.items() <= read("compose.yaml")["services"]["daemon"]["environment"].items()


@pytest.mark.parametrize("name", FILES)
def test_every_variable_is_one_that_the_program_reads(name: str) -> None:
    """A name with a mistake would be ignored silently, and a shard would load all profiles."""
    text = (DEPLOY / name).read_text("utf-8")
    documented = (ROOT / "docs" / "settings.md").read_text("utf-8")
    storage = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.distributed.yaml").read_text("utf-8")))
    ours = set(re.findall(r"\bKEYCRM_[A-Z_]+\b", text)) - {"KEYCRM_API_KEY_"}
    assert {variable for variable in ours - storage if f"`{variable}`" not in documented} == set()
    assert set(re.findall(r"\bDAGSTER_POSTGRES_[A-Z]+\b", text)) <= storage


def test_the_storages_variables_reach_every_service() -> None:
    """A service without one would not start, and a run would die before it could say anything."""
    storage = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.distributed.yaml").read_text("utf-8")))
    services = read("compose.yaml")["services"]
    for name in set(services) - {"postgres"}:
        assert storage <= set(services[name]["environment"]), name
    context = json.loads(services["shops"]["environment"]["DAGSTER_CONTAINER_CONTEXT"])["docker"]
    assert storage <= set(context["env_vars"])
    # Those without a value are taken from the daemon, which starts the containers.
    taken = {variable for variable in context["env_vars"] if "=" not in variable}
    assert taken <= set(services["daemon"]["environment"])


def test_runs_get_what_their_code_location_has() -> None:
    """The same books, and the same share of the profiles."""
    compose = read("compose.yaml")
    shops = compose["services"]["shops"]
    context = json.loads(shops["environment"]["DAGSTER_CONTAINER_CONTEXT"])["docker"]
    given = dict(variable.split("=", 1) for variable in context["env_vars"] if "=" in variable)
    assert given == {key: value for key, value in shops["environment"].items() if key in given}
    assert set(given) == {"KEYCRM_CODE_LOCATION", "KEYCRM_PROFILES", "KEYCRM_OUTPUT"}
    mounted = {volume.removesuffix(":ro") for volume in context["container_kwargs"]["volumes"]}
    assert mounted == {f"{compose['name']}_{volume}" for volume in shops["volumes"]}
    assert context["networks"] == [f"{compose['name']}_default"]
    assert set(compose["volumes"]) >= {volume.partition(":")[0] for volume in shops["volumes"]}


def test_services_find_each_other(tmp_path: Path) -> None:
    """The module exists, and the names are those by which the exchange page starts jobs."""
    compose, (location,) = read("compose.yaml")["services"], read("workspace.yaml")["load_from"]
    server = location["grpc_server"]
    assert server["location_name"] == DEFAULT_LOCATION
    assert server["host"] in compose
    command = compose[server["host"]]["command"]
    assert command[command.index("--port") + 1] == str(server["port"])
    assert command[command.index("--module-name") + 1] == MODULE == build_definitions.__module__
    (deployment,) = read("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    assert deployment["dagsterApiGrpcArgs"] == ["--module-name", MODULE]
    assert {"name": "KEYCRM_CODE_LOCATION", "value": deployment["name"]} in deployment["env"]
    workspace = make_workspace(tmp_path)
    built = build_definitions([workspace.profile], workspace.settings)
    assert built.get_repository_def().name == REPOSITORY


def test_nothing_is_open_to_the_network() -> None:
    """Dagster's page has no login, and Docker opens a port past the host's firewall."""
    services = read("compose.yaml")["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_is_written_down() -> None:
    """A password that stands in a file of the project is everybody's."""
    for name in ("compose.yaml", "dagster.distributed.yaml", "helm-values.yaml"):
        keys = re.findall(
            r"^\s*(\w*(?:password|secret_access|api_key)\w*): *(.+)$",
            (DEPLOY / name).read_text("utf-8"),
            re.I | re.M,
        )
        assert [value for _key, value in keys if not value.startswith(("${", "{env:", "*", "false"))] == []


def test_the_image_is_of_the_lock_and_runs_as_nobody_special() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    stages = text.split("\nFROM ")
    assert "--require-hashes --requirement requirements-distributed.lock" in stages[1]
    last = stages[-1]
    assert "USER keycrm" in last
    assert last.index("USER keycrm") < last.index("CMD ")
    # Nothing is fetched after the build: neither at the start nor by a package manager in the last stage.
    assert not re.search(r"\b(pip|apt-get|curl|wget)\b", last)
    for copied in re.findall(r"^COPY (?:--chown=\w+ )?([^-].*) \S+$", text, re.MULTILINE):
        assert all((ROOT / path).exists() for path in copied.split()), copied
    for volume in ("profiles", "data"):
        assert f"/srv/keycrm/{volume}" in last
    assert {10001} == {
        value for value in leaves(read("helm-values.yaml")) if isinstance(value, int) and value > 10000
    }
    assert "--uid 10001" in last


def test_the_second_lock_has_what_the_services_import() -> None:
    """And a DuckDB for which the extensions of the lake are out."""

    def versions(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text("utf-8")
        assert "http" not in re.sub(r"^[a-z0-9-]*http[a-z0-9-]*==|via .*|#.*", "", text, flags=re.M)
        return dict(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE))

    second = versions("requirements-distributed.lock")
    assert {
        "dagster-postgres",
        "dagster-docker",
        "dagster-k8s",
        "dagster-aws",
        "s3fs",
        "psycopg2-binary",
    } <= set(second)
    extensions = {name for name in second if name.startswith("duckdb-extension")}
    assert len(extensions) == 4
    assert {second[name] for name in extensions} == {second["duckdb"]}
    assert not set(second) & {"pytest", "mypy", "ruff"}
