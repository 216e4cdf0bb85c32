"""What makes the project run on a bare machine: locks, environment, start and stop, what a wheel holds.

Covers `Makefile`, `scripts/`, `.ci/run`, `pyproject.toml` and the locks, with real processes. What Dagster makes of
`dagster.yaml` is in `test_instance`.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from keycrm_pipeline_tests.product import PROJECT, free_port, processes_of

pytestmark = pytest.mark.process

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.lock", "requirements-bench.lock")
PROMISED_TARGETS = {"setup", "run", "test", "test-fast", "demo", "lint", "lock", "bench", "clean", "help"}
STOP_WITHIN_SECONDS = 120


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes `scripts/` importable for a test, as it is for the scripts themselves."""
    monkeypatch.syspath_prepend(str(PROJECT / "scripts"))
    yield
    for name in ("demo", "start"):
        sys.modules.pop(name, None)


def pins(lock: str) -> dict[str, tuple[str, bool]]:
    """Package -> its version in a lock, and whether hashes stand with it."""
    entries = re.split(r"\n(?=[a-z0-9])", (PROJECT / lock).read_text("utf-8"))
    found = {}
    for entry in entries:
        name, version = re.match(r"([a-z0-9._-]+)(?:\[[a-z, ]+\])?==([^\s;\\]+)", entry).groups()  # type: ignore[union-attr]
        found[str(canonicalize_name(name))] = (version, "--hash=sha256:" in entry)
    return found


# Locks


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_address(lock: str) -> None:
    """An address of somebody's own index in the lock would break every other machine."""
    assert "://" not in (PROJECT / lock).read_text("utf-8")
    assert [name for name, (_version, hashed) in pins(lock).items() if not hashed] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_within_its_bounds(lock: str) -> None:
    """A dependency added to pyproject.toml and not to the lock is missing after `make setup`."""
    groups = METADATA["dependency-groups"]
    wanted = [*METADATA["project"]["dependencies"], *groups["dev"]]
    if "bench" in lock:
        wanted += groups["bench"]
    locked = pins(lock)
    for requirement in map(Requirement, wanted):
        version, _hashed = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} and {version} in {lock}"


def test_what_dependencies_need_is_locked_too() -> None:
    """With hashes, pip refuses to install whatever a locked package needs and the lock does not have."""
    locked = pins("requirements.lock")
    wanted = [*METADATA["project"]["dependencies"], *METADATA["dependency-groups"]["dev"]]
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


def test_both_locks_agree() -> None:
    """Measurements are of the versions that people run."""
    measured = pins("requirements-bench.lock")
    assert {name: measured.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


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


def test_nothing_that_is_made_while_running_is_committed() -> None:
    """Data, keys' history and environments stay out of the repository."""
    ignored = set((PROJECT / ".gitignore").read_text("utf-8").split())
    assert {".venv/", ".venv-*/", ".dagster_home/", "data/"} <= ignored


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


def set_up(project: Path, path: Path | str, *, python: str = "") -> tuple[int, str, str]:
    """Runs the setup of a project with nothing on the PATH but `path`; exit code, and what was said on both streams."""
    done = subprocess.run(
        ["/bin/sh", project / "scripts" / "setup.sh", "ready", "small.lock"],
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
# A Python 3.12 of {base} whose venv and pip only write down that they were called.
case "$1 $2" in
    "-c "*) echo "3.12 {base}" ;;
    "-m venv") rm -rf "$4" && mkdir -p "$4/bin" && cp "{base}" "$4/bin/python" ;;
    "-m pip") echo "$*" >>"{log}"; [ ! -e "{log}.fails" ] ;;
esac
"""


@pytest.fixture
def log(bare_path: Path) -> Path:
    """What pip was called with, by a Python that is found on the PATH; while `log.fails` exists, pip fails."""
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


def test_the_environment_is_made_by_pip_from_the_lock(project: Path, bare_path: Path, log: Path) -> None:
    """python3 is too old and python3.12 is taken; everything is installed by hash, and nothing beside the lock."""
    put_program(bare_path / "python3", "#!/bin/sh\nexit 1\n")
    said = "Setting up ready with the locked dependencies and Python 3.12; this takes a minute or two.\n"
    assert set_up(project, bare_path) == (0, said, "")
    first, second = log.read_text("utf-8").splitlines()
    assert first.endswith(" --require-hashes --requirement small.lock")
    assert second.endswith(" --no-deps --no-build-isolation --editable .")


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


def test_the_lock_is_all_that_pip_needs() -> None:
    """`pip install --require-hashes -r requirements.lock` by hand: here all is there already, so it asks no index."""
    asked = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-index"),
            *("--require-hashes", "--requirement", PROJECT / "requirements.lock"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr


def test_a_wheel_holds_all_that_runs(tmp_path: Path) -> None:
    """SQL, templates and the schema of the profile are files next to the code, easily left out of a wheel."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    shutil.copytree(
        PROJECT / "keycrm_pipeline",
        source / "keycrm_pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    build = "import setuptools.build_meta as backend; print(backend.build_wheel('.'))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (wheel,) = source.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = PROJECT / "keycrm_pipeline"
    written = {
        str(path.relative_to(PROJECT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == written
    assert "keycrm_pipeline/py.typed" in held


def test_dagster_loads_the_definitions_by_name() -> None:
    """The page, the daemon and `dagster` commands without arguments load the same module."""
    (location,) = yaml.safe_load((PROJECT / "workspace.yaml").read_text("utf-8"))["load_from"]
    assert location["python_module"]["module_name"] == "keycrm_pipeline.orchestration.definitions"
    assert METADATA["tool"]["dagster"]["module_name"] == "keycrm_pipeline.orchestration.definitions"


# Demo and start


@pytest.mark.usefixtures("scripts")
@pytest.mark.parametrize(
    ("now", "first_day", "last_day"),
    [
        # 23:30 in London is 01:30 of the next day in Kyiv.
        ("2026-11-24T23:30+00:00", "2026-10-27", "2026-11-25"),
        ("2026-11-24T12:00+00:00", "2026-10-26", "2026-11-24"),
        # The night of 29 March has no 03:00 to 04:00 in Kyiv: 21:59 UTC is still the 29th, 21:00 is its midnight.
        ("2026-03-29T20:59+00:00", "2026-02-28", "2026-03-29"),
        ("2026-03-29T21:00+00:00", "2026-03-01", "2026-03-30"),
    ],
)
def test_the_demo_month_is_thirty_days_of_the_shop(now: str, first_day: str, last_day: str) -> None:
    """In the evening of another time zone "today" is the shop's today, or the load would be of the future."""
    demo = importlib.import_module("demo")
    command = demo.load_command(ZoneInfo("Europe/Kyiv"), datetime.fromisoformat(now).astimezone(UTC))
    assert command[1:] == ["load", "--profile", "demo", "--from", first_day, "--to", last_day]


class Started:
    """`make run` without make: the start script, with places of its own and no profile."""

    def __init__(self, directory: Path, *, port: int) -> None:
        (directory / "profiles").mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "DAGSTER_HOME": str(directory / "home"),
            "KEYCRM_PROFILES_DIR": str(directory / "profiles"),
            "KEYCRM_DATA_DIR": str(directory / "data"),
        }
        self.process = subprocess.Popen(
            [sys.executable, PROJECT / "scripts" / "start.py", "--port", str(port)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # As a shell does for what it starts in the background.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        )

    def until(self, beginning: str) -> str:
        """Reads on until a line that begins so; all lines read."""
        assert self.process.stdout is not None
        read = ""
        for line in self.process.stdout:
            read += line
            if line.startswith(beginning):
                return read
        raise AssertionError(f"ended before «{beginning}»: {read}")

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
    """A daemon left behind would go on loading; a second one would load everything twice."""
    port = free_port()
    started = Started(places, port=port)
    assert f"Ready: http://127.0.0.1:{port} " in started.until("Ready")
    assert len(processes_of(places / "home")) >= 3

    code, said = Started(places, port=port).rest()
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith(f"Port {port} on 127.0.0.1 is in use by another program")

    code, said = Started(places, port=free_port()).rest()
    assert (code, said.count("\n")) == (1, 1)
    assert f"already running on {places / 'home'} (processes {started.process.pid} " in said

    started.process.send_signal(signal.SIGINT)
    code, said = started.rest()
    assert code == 0
    assert said.endswith("Stopped.\n")
    assert processes_of(places / "home") == []


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
