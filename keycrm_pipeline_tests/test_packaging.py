"""What makes the project run on a bare machine: locks, environment, start and stop, the built package.

Covers `Makefile`, `scripts/`, `.ci/run`, `pyproject.toml`, the locks and `commands/up.py`, with real processes. What
Dagster makes of `dagster.yaml` is in `test_instance`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keycrm_pipeline.orchestration.instance import shipped_configuration, shipped_workspace
from keycrm_pipeline.profile import DATA_VARIABLE, PROFILES_VARIABLE
from keycrm_pipeline_tests.product import (
    AS_INSTALLED,
    PROJECT,
    Product,
    free_port,
    locations,
    processes_of,
    wait_until,
)

pytestmark = pytest.mark.process

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock")
"""Each has what the one before it has, and more."""
PROMISED_TARGETS = {"setup", "run", "test", "test-fast", "demo", "lint", "lock", "bench", "clean", "help"}
STOP_WITHIN_SECONDS = 120


def pins(lock: str) -> dict[str, tuple[str, bool]]:
    """Package -> its version in a lock, and whether hashes stand with it."""
    entries = re.split(r"\n(?=[a-z0-9])", (PROJECT / lock).read_text("utf-8"))
    found = {}
    for entry in entries:
        name, version = re.match(r"([a-z0-9._-]+)(?:\[[a-z, ]+\])?==([^\s;\\]+)", entry).groups()  # type: ignore[union-attr]
        found[str(canonicalize_name(name))] = (version, "--hash=sha256:" in entry)
    return found


def wanted_of(lock: str) -> list[str]:
    """What a lock has to contain."""
    groups = METADATA["dependency-groups"]
    wanted = [*METADATA["project"]["dependencies"], *groups["setup"]]
    if lock != "requirements.lock":
        wanted += groups["dev"]
    return wanted + groups["bench"] if "bench" in lock else wanted


# Locks


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-uv.lock"])
def test_a_lock_has_hashes_and_no_address(lock: str) -> None:
    """An address of somebody's own index in the lock would break every other machine."""
    assert "://" not in (PROJECT / lock).read_text("utf-8")
    assert [name for name, (_version, hashed) in pins(lock).items() if not hashed] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_within_its_bounds(lock: str) -> None:
    """A dependency added to pyproject.toml and not to the lock is missing after `make setup`."""
    locked = pins(lock)
    for requirement in map(Requirement, wanted_of(lock)):
        version, _hashed = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} and {version} in {lock}"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_what_dependencies_need_is_locked_too(lock: str) -> None:
    """With hashes, pip refuses to install whatever a locked package needs and the lock does not have."""
    locked = pins(lock)
    wanted = wanted_of(lock)
    waiting, seen = [Requirement(line) for line in wanted], set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), *sorted(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        assert key[0] in locked, requirement
        for line in metadata.requires(requirement.name) or ():
            needed = Requirement(line)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    assert len(seen) > len(wanted)


@pytest.mark.parametrize(("lock", "larger"), list(pairwise(LOCKS)))
def test_the_locks_agree(lock: str, larger: str) -> None:
    """Tests and measurements are of the versions that people run."""
    assert pins(lock).items() <= pins(larger).items()


def test_the_product_brings_no_tools_of_development() -> None:
    """They are a fourth of all packages, and pandera would load hypothesis in each exchange, for half a second."""
    tools = {canonicalize_name(Requirement(line).name) for line in METADATA["dependency-groups"]["dev"]}
    assert not tools & pins("requirements.lock").keys()


def test_the_environment_has_the_locked_pip() -> None:
    """That of Python's own venv may be years old, and earlier ones than 26 write files outside of the environment."""
    (locked,) = re.findall(r"^pip==(\S+)", (PROJECT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert metadata.version("pip") == locked
    assert int(locked.partition(".")[0]) >= 26


def test_duckdb_stays_where_its_files_can_be_read() -> None:
    """Files of DuckDB 2 cannot be opened by the tools of 1.x that people have."""
    assert pins("requirements.lock")["duckdb"][0].startswith("1.5.")


# Commands of make


def test_make_lists_its_targets() -> None:
    """Whoever types `make` sees what there is, each with a word about it."""
    listed = subprocess.run(
        ["make", "--no-print-directory", "-C", PROJECT], check=True, capture_output=True, text=True
    ).stdout
    described = dict(re.findall(r"^  make ([a-z-]+) +(\S.+)$", listed, re.MULTILINE))
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE).group(1).split())  # type: ignore[union-attr]
    assert set(described) == phony
    assert phony >= PROMISED_TARGETS


def test_ci_runs_what_people_run() -> None:
    """CI that tests something else than `make test` would pass what people see failing."""
    path = PROJECT / ".ci" / "run"
    text = path.read_text("utf-8")
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", path], check=True)
    steps = (
        "make --no-print-directory setup",
        "make --no-print-directory lint",
        "dagster definitions validate",
    )
    places = [text.index(step) for step in (*steps, "make --no-print-directory test")]
    assert places == sorted(places)


def test_nothing_that_is_made_while_running_is_committed(tmp_path: Path) -> None:
    """Data, people's profiles and catalogues, histories, environments and packages stay out of the repository."""
    made = {
        *(".venv/bin/python", ".venv-bench/bin/python", ".dagster_home/dagster.yaml", "data/demo.duckdb"),
        *("build/lib/a.py", "dist/a.whl", "keycrm_pipeline.egg-info/PKG-INFO"),
        *("profiles/shop.yaml", "profiles/shop/catalogue/products.csv"),
    }
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copy(PROJECT / ".gitignore", tmp_path)
    asked = subprocess.run(
        ["git", "check-ignore", *made, "profiles/demo.yaml", "docs/data.md"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(asked.stdout.split()) == made


def test_imports_point_one_way() -> None:
    """The contracts of pyproject.toml hold: layers, Dagster at the rim, SQL in one place."""
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


# Environment


def set_up(project: Path, path: Path | str, *further: str, python: str = "") -> tuple[int, str, str]:
    """Runs the setup of a project with nothing on the PATH but `path`; exit code, and what was said on both streams."""
    done = subprocess.run(
        ["/bin/sh", project / "scripts" / "setup.sh", "ready", "small.lock", *further],
        env={"PATH": str(path), "PYTHON": python},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def put_program(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(0o700)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The setup next to an empty lock."""
    directory = tmp_path / "project"
    shutil.copytree(PROJECT / "scripts", directory / "scripts")
    (directory / "pyproject.toml").write_text('[project]\nname = "small"\nversion = "1"\n', "utf-8")
    (directory / "small.lock").write_text("", "utf-8")
    return directory


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH with what every system has, and no Python."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("cat", "cksum", "cp", "dirname", "mkdir", "rm"):
        (directory / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return directory


SETS_UP = """#!/bin/sh
# A Python 3.12 of {base} whose venv, pip and uv only write down that they were called.
case "$*" in
    "-c "*) echo "3.12 {base}" ;;
    "-m venv "*) rm -rf "$4" && mkdir -p "$4/bin" && cp "{base}" "$4/bin/python" ;;
    "-m pip config get global.index-url") [ ! -e "{log}.index" ] || cat "{log}.index" ;;
    "-m pip "*"requirements-uv.lock") [ ! -e "{log}.no_uv" ] && mkdir -p ready/installer ;;
    "-m pip "*) echo "$*" >>"{log}"; [ ! -e "{log}.fails" ] ;;
    "-m uv "*) [ -d "$PYTHONPATH" ] && [ ! -e "{log}.fails" ] && echo "$UV_DEFAULT_INDEX $*" >>"{log}" ;;
esac
"""


@pytest.fixture
def log(bare_path: Path) -> Path:
    """What uv or pip was called with, by a Python that is found on the PATH.

    While `log.fails` exists, both fail, while `log.no_uv` does, uv cannot be had; `log.index` is the index of pip.
    """
    path = bare_path.with_name("log")
    put_program(bare_path / "python3.12", SETS_UP.format(base=bare_path / "python3.12", log=path))
    return path


@pytest.mark.parametrize("version", ["Python 3.9.2", "Python 3.14.1"])
def test_a_python_of_another_time_is_refused_in_one_sentence(
    project: Path, bare_path: Path, version: str
) -> None:
    """The machine's Python is too old or too new: what it has, what is needed, how to get it."""
    put_program(bare_path / "python3", f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}"\nexit 1\n')
    code, said, error = set_up(project, bare_path)
    assert (code, said, error.count("\n")) == (1, "", 1)
    assert error.startswith(f"Python 3.11, 3.12 or 3.13 is required, but this machine has {version}: ")


def test_no_python_at_all_is_told(project: Path, bare_path: Path) -> None:
    """Nothing like "python3: not found", which says what failed and not what to do."""
    code, _said, error = set_up(project, bare_path)
    assert code == 1
    assert "this machine has no Python 3: install one" in error


def test_a_named_python_that_is_none_is_refused(project: Path, bare_path: Path) -> None:
    """`make setup PYTHON=python2.7` is not silently done with another one."""
    code, _said, error = set_up(project, bare_path, python="python2.7")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("PYTHON=python2.7 is not Python 3.11, 3.12 or 3.13")


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_the_environment_is_made_from_the_lock(
    project: Path, bare_path: Path, log: Path, installer: str
) -> None:
    """python3 is too old and python3.12 is taken; everything is installed by hash, and nothing beside the lock.

    By uv, with the index that pip is configured for; by pip where uv cannot be had.
    """
    put_program(bare_path / "python3", "#!/bin/sh\nexit 1\n")
    log.with_name("log.index").write_text("https://index.example/simple", "utf-8")
    if installer == "pip":
        log.with_name("log.no_uv").touch()
    said = "Setting up ready with the locked dependencies and Python 3.12; this takes a minute or two.\n"
    assert set_up(project, bare_path) == (0, said, "")
    first, second = log.read_text("utf-8").splitlines()
    begin = {"uv": "https://index.example/simple -m uv pip install ", "pip": "-m pip "}[installer]
    assert first.startswith(begin)
    assert first.endswith(" --require-hashes --requirement small.lock")
    assert second.startswith(begin)
    assert second.endswith(" --no-deps --no-build-isolation --editable .")
    assert not (project / "ready" / "installer").exists()


def test_setup_does_nothing_twice_and_redoes_what_changed(project: Path, bare_path: Path, log: Path) -> None:
    """A second `make run` starts at once; a changed lock, a moved project, a removed Python are noticed."""

    def is_redone(directory: Path = project) -> bool:
        log.unlink(missing_ok=True)
        code, said, error = set_up(directory, bare_path)
        assert (code, error) == (0, "")
        assert log.exists() == bool(said)
        return bool(said)

    assert is_redone()
    assert not is_redone()
    (project / "small.lock").write_text("# changed\n", "utf-8")
    assert is_redone()
    assert not is_redone()
    (project / "pyproject.toml").write_text('[project]\nname = "small"\nversion = "2"\n', "utf-8")
    assert is_redone()
    put_program(project / "ready" / "bin" / "python", "#!/bin/sh\nexit 1\n")
    assert is_redone()
    moved = project.rename(project.with_name("moved"))
    assert is_redone(moved)
    assert not is_redone(moved)


def test_what_the_tests_need_comes_on_top(project: Path, bare_path: Path, log: Path) -> None:
    """`make setup` after `make run` keeps what is there; then `make run` starts at once with all of it."""
    (project / "larger.lock").write_text("", "utf-8")

    def installed(*further: str) -> list[str]:
        log.unlink(missing_ok=True)
        code, _said, error = set_up(project, bare_path, *further)
        assert (code, error) == (0, "")
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        return [line.rpartition(" ")[2] for line in lines]

    assert installed() == ["small.lock", "."]
    kept = project / "ready" / "kept"
    kept.touch()
    assert installed("larger.lock") == ["larger.lock", "."]
    assert (installed("larger.lock"), installed()) == ([], [])
    assert kept.exists()
    (project / "larger.lock").write_text("# changed\n", "utf-8")
    # The product itself is as it was.
    assert installed() == []
    assert installed("larger.lock") == ["larger.lock", "."]
    (project / "small.lock").write_text("# changed\n", "utf-8")
    assert installed() == ["small.lock", "."]
    assert not kept.exists()
    assert installed("larger.lock") == ["larger.lock", "."]

    # What was interrupted may lack anything.
    fails = log.with_name("log.fails")
    fails.touch()
    (project / "larger.lock").write_text("# changed again\n", "utf-8")
    assert set_up(project, bare_path, "larger.lock")[0] == 1
    fails.unlink()
    assert installed() == ["small.lock", "."]


def test_an_interrupted_setup_is_redone(project: Path, bare_path: Path, log: Path) -> None:
    """An environment whose packages did not all arrive may lack anything, so it is made again."""
    set_up(project, bare_path)
    (project / "small.lock").write_text("# changed\n", "utf-8")
    fails = log.with_name("log.fails")
    fails.touch()
    code, _said, error = set_up(project, bare_path)
    assert code == 1
    assert error.startswith("The dependencies could not be installed: see the lines above.")
    fails.unlink()
    code, said, _error = set_up(project, bare_path)
    assert (code, said[:16]) == (0, "Setting up ready")


def test_a_python_without_venv_says_what_to_install(project: Path, bare_path: Path) -> None:
    """Debian's python3 comes without python3-venv."""
    put_program(bare_path / "python3", '#!/bin/sh\n[ "$1" = -c ] && echo "3.12 $0"\n')
    code, _said, error = set_up(project, bare_path)
    assert (code, error.count("\n")) == (1, 1)
    assert "(on Debian or Ubuntu: sudo apt install python3.12-venv)" in error


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_is_all_that_pip_needs(lock: str) -> None:
    """`pip install --require-hashes -r requirements.lock` by hand: here all is there already, so it asks no index."""
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-index"),
            *("--require-hashes", "--requirement", PROJECT / lock),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr


# The built package


@dataclass(frozen=True)
class Built:
    """What `python -m build` makes: a source archive, and a wheel from the unpacked archive."""

    archive: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory = tmp_path_factory.mktemp("built")
    source = directory / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    for name in ("keycrm_pipeline", "keycrm_pipeline_tests"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))

    def build(kind: str, tree: Path) -> Path:
        code = f"import setuptools.build_meta as backend; print(backend.build_{kind}({str(directory)!r}))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tree, check=True, capture_output=True, text=True
        )
        return directory / done.stdout.splitlines()[-1]

    archive = build("sdist", source)
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    return Built(archive, build("wheel", directory / archive.name.removesuffix(".tar.gz")))


@dataclass(frozen=True)
class Installed:
    """The wheel, installed into an environment of its own, which has the dependencies of this one."""

    python: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a shell in which the product was never configured."""
        own = {"PYTHONPATH", "DAGSTER_HOME", PROFILES_VARIABLE, DATA_VARIABLE}
        inherited = {name: value for name, value in os.environ.items() if name not in own}
        # Not this repository, which the tests of other places put there.
        return {**inherited, "PYTHONPATH": str(AS_INSTALLED)}

    def run(self, directory: Path, *arguments: str) -> str:
        """Runs the installed program in a directory; what it printed on standard output."""
        done = subprocess.run(
            [self.python.with_name("keycrm-pipeline"), *arguments],
            cwd=directory,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    directory = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    (libraries,) = directory.glob("lib/python*/site-packages")
    dependencies = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (libraries / "dependencies.pth").write_text("\n".join(dependencies), "utf-8")
    python = directory / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
            *("--no-index", "--no-deps", "--ignore-installed", built.wheel),
        ],
        check=True,
    )
    return Installed(python)


def test_the_packages_hold_all_that_runs_and_nothing_else(built: Built) -> None:
    """SQL, templates, settings of Dagster and the demo profile are files next to the code, easily left out."""
    package = PROJECT / "keycrm_pipeline"
    written = {
        str(path.relative_to(PROJECT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"keycrm_pipeline/py.typed", "keycrm_pipeline/profile/demo.yaml"} < written
    in_wheel = {name for name in zipfile.ZipFile(built.wheel).namelist() if ".dist-info/" not in name}
    assert in_wheel == written
    with tarfile.open(built.archive) as archive:
        in_archive = {
            member.name.partition("/")[2]
            for member in archive
            if member.isfile() and ".egg-info/" not in member.name
        }
    assert in_archive == written | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"}


def test_an_installed_package_loads_a_day(installed: Installed, tmp_path: Path) -> None:
    """In an empty directory, without the repository: a profile, a day of orders, and Dagster as we set it up."""
    code = "import keycrm_pipeline; print(keycrm_pipeline.__file__)"
    found = subprocess.check_output(
        [installed.python, "-c", code], cwd=tmp_path, env=installed.environment, text=True
    )
    assert Path(found).is_relative_to(installed.python.parents[1])
    own, versions = METADATA["project"]["version"], pins("requirements.lock")
    dagster, duckdb = versions["dagster"][0], versions["duckdb"][0]
    said = installed.run(tmp_path, "--version")
    assert said == f"keycrm-pipeline {own} (Dagster {dagster}, DuckDB {duckdb})\n"

    installed.run(tmp_path, "init", "--profile", "shop", "--base-url", "sandbox", "--yes")
    profile, day = tmp_path / "profiles" / "shop.yaml", "2024-03-04"
    text = profile.read_text("utf-8")
    profile.write_text(
        re.sub(r"^start_date: \S+", "start_date: 2024-01-01", text, flags=re.MULTILINE), "utf-8"
    )
    printed = json.loads(installed.run(tmp_path, "load", "--from", day, "--to", day, "--json"))
    assert printed["status"] == "succeeded"
    assert (printed["period_from"], printed["period_to"]) == (day, day)
    assert printed["orders_seen"] == printed["orders_created"] + printed["orders_rejected"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {"profiles", "data", ".dagster_home"}
    assert (tmp_path / "data" / "shop.duckdb").is_file()
    assert (tmp_path / ".dagster_home" / "dagster.yaml").read_bytes() == shipped_configuration().read_bytes()


def test_an_installed_package_is_the_whole_product(installed: Installed, tmp_path: Path) -> None:
    """`up` in an empty directory: the demo shop with its month, the page, the daemon; Ctrl-C ends it."""
    home = tmp_path / ".dagster_home"
    product = Product(home, installed.environment, python=installed.python)
    try:
        product.start()
        assert (home / "dagster.yaml").read_bytes() == shipped_configuration().read_bytes()
        # The page is there before the month, and both go on after it.
        wait_until(lambda: " demo: load, " in product.said(), "the demo month is loaded")
        assert locations(product.address)
        product.stop()
        assert product.wait() == 130, product.said()
    finally:
        product.kill()
    said = product.said()
    assert said.startswith(f"Wrote {tmp_path / 'profiles' / 'demo.yaml'}: the demo shop.\n")
    (ready, loading, loaded) = (
        said.index(words)
        for words in (
            "Ready: ",
            "Loading the demo shop's last 30 days (on the first start only).",
            ": succeeded: ",
        )
    )
    assert ready < loading < loaded
    assert said.endswith("Stopped.\n")
    profile = (tmp_path / "profiles" / "demo.yaml").read_text("utf-8")
    schema = re.match(r"# yaml-language-server: \$schema=(\S+)\n", profile)
    assert schema is not None
    assert Path(schema[1]).is_file()
    assert Path(schema[1]).is_relative_to(installed.python.parents[1])

    status = json.loads(installed.run(tmp_path, "status", "--json"))
    last = status["last_exchange"]
    first, final = date.fromisoformat(last["period_from"]), date.fromisoformat(last["period_to"])
    assert (last["profile"], last["status"], (final - first).days + 1) == ("demo", "succeeded", 30)
    assert last["orders_created"] > 500


def test_a_first_start_that_is_stopped_while_it_loads_is_made_good(tmp_path: Path) -> None:
    """Ctrl-C while the demo month comes ends everything; the next start loads the month."""
    product = Product(tmp_path / ".dagster_home", {}, python=Path(sys.executable))
    loaded = ": succeeded: "
    try:
        product.start()
        wait_until(lambda: "Loading the demo shop" in product.said(), "the load of the demo month has begun")
        wait_until((tmp_path / "data" / "demo.duckdb").exists, "it stores something")
        product.stop()
        assert product.wait() == 130, product.said()
        assert loaded not in product.said()
        assert product.said().endswith("Stopped.\n")
        product.start()
        wait_until(lambda: loaded in product.said(), "the demo month is loaded")
        product.stop()
        assert product.wait() == 130, product.said()
    finally:
        product.kill()


def test_dagster_loads_an_installed_package_by_name(installed: Installed, tmp_path: Path) -> None:
    """`dagster dev` in a directory of one's own shows the profiles there, with the file that the page gives for it."""
    page = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    (written,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "pyproject.toml").write_text(written, "utf-8")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "shop.yaml").write_text("base_url: sandbox\nstart_date: 2024-01-01\n", "utf-8")
    jobs = subprocess.run(
        [installed.python, "-m", "dagster", "job", "list"],
        cwd=tmp_path,
        env=installed.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Job: shop_load\n" in jobs.stdout
    assert tomllib.loads(written)["tool"]["dagster"] == {
        "module_name": METADATA["tool"]["dg"]["project"]["code_location_target_module"],
        "code_location_name": METADATA["tool"]["dg"]["project"]["code_location_name"],
    }


def test_dagster_loads_the_definitions_by_name() -> None:
    """`dagster dev` and `dg dev` in the repository load what `up` starts, under the same name."""
    (location,) = yaml.safe_load(shipped_workspace().read_text("utf-8"))["load_from"]
    project = METADATA["tool"]["dg"]["project"]
    assert location["python_module"] == {
        "module_name": project["code_location_target_module"],
        "location_name": project["code_location_name"],
    }
    assert "dagster" not in METADATA["tool"], "Dagster would prefer it, and dg would not read it"
    assert (PROJECT / "dagster.yaml").samefile(shipped_configuration())
    assert (PROJECT / "profiles" / "demo.yaml").samefile(
        PROJECT / "keycrm_pipeline" / "profile" / "demo.yaml"
    )


# Start and stop


class Started:
    """The command, with places of its own and no profile."""

    def __init__(self, directory: Path, *, port: int) -> None:
        (directory / "profiles").mkdir(exist_ok=True)
        self.environment = {
            **os.environ,
            "DAGSTER_HOME": str(directory / "home"),
            "KEYCRM_PROFILES_DIR": str(directory / "profiles"),
            "KEYCRM_DATA_DIR": str(directory / "data"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "keycrm_pipeline", "up", "--port", str(port)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # As a shell does for what it starts in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )

    def until(self, words: str) -> str:
        """Reads on until a line with these words; all lines read."""
        assert self.process.stdout is not None
        read = ""
        for line in self.process.stdout:
            read += line
            if words in line:
                return read
        raise AssertionError(f"ended before «{words}»: {read}")

    def rest(self) -> tuple[int, str]:
        """Waits for the end; the exit code, and what was said."""
        said, _nothing = self.process.communicate(timeout=STOP_WITHIN_SECONDS)
        return self.process.returncode, said


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for process in processes_of(tmp_path / "home"):
        os.kill(process, signal.SIGKILL)


def test_one_start_at_a_time_and_ctrl_c_ends_everything(places: Path) -> None:
    """A daemon left behind would go on loading; a second one would load everything twice.

    The profiles directory is there and empty: whoever deleted the demo shop does not find it again.
    """
    port = free_port()
    started = Started(places, port=port)
    said = started.until("Ctrl-C stops everything")
    assert f"Ready: the exchange page at http://127.0.0.1:{port + 1}\n" in said
    assert f"Dagster's page at http://127.0.0.1:{port} (" in said
    profiles = httpx.get(f"http://127.0.0.1:{port + 1}/").text
    assert f'href="http://127.0.0.1:{port}"' in profiles
    assert "Профілі" in profiles
    assert "demo" not in said
    assert list((places / "profiles").iterdir()) == []
    assert len(processes_of(places / "home")) >= 4

    code, said = Started(places, port=port).rest()
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(f"Error: Port {port} on 127.0.0.1 is in use by another program")

    code, said = Started(places, port=free_port()).rest()
    assert (code, said.count("\n")) == (1, 1)
    assert f"already running on {places / 'home'} (processes {started.process.pid} " in said

    started.process.send_signal(signal.SIGINT)
    code, said = started.rest()
    assert code == 130
    assert said.endswith("Stopped.\n")
    assert processes_of(places / "home") == []


def test_the_terminal_says_what_ended_and_what_is_missing(places: Path) -> None:
    """A line for an exchange of another terminal, another for a profile without a key, and none of Dagster's own."""
    profiles = places / "profiles"
    profiles.mkdir()
    (profiles / "shop.yaml").write_text("base_url: sandbox\nstart_date: 2024-01-01\n", "utf-8")
    (profiles / "north.yaml").write_text("start_date: 2024-01-01\n", "utf-8")
    started = Started(places, port=free_port())
    said = started.until("Ready")
    assert said.startswith("No API key is set for profile north.")
    assert "Until then nothing is loaded automatically for this profile.\n" in said
    assert "profile shop" not in said
    day = ("--from", "04.03.2024", "--to", "04.03.2024")
    subprocess.run(
        [sys.executable, "-m", "keycrm_pipeline", "load", "--profile", "shop", *day],
        env=started.environment,
        check=True,
        capture_output=True,
    )
    said += started.until("shop: load, 4 March 2024: succeeded: orders ")
    started.process.send_signal(signal.SIGINT)
    said += started.rest()[1]
    assert said.count("shop: load") == 1
    assert "dagster" not in said.lower().replace("dagster's page", "")


def test_status_does_without_dagster(tmp_path: Path) -> None:
    """Loading Dagster takes seconds; `status` answers at once."""
    (tmp_path / "shop.yaml").write_text("start_date: 2024-01-01\n", "utf-8")
    environment: Mapping[str, str] = {
        **os.environ,
        "KEYCRM_PROFILES_DIR": str(tmp_path),
        "KEYCRM_DATA_DIR": str(tmp_path / "data"),
    }
    asked = (
        "import atexit, sys; from keycrm_pipeline.cli import main; "
        "atexit.register(lambda: print('dagster' in sys.modules)); main(['status'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", asked], env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert answer.endswith("False\n")
