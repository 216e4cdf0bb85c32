"""Creates a virtual environment with the locked dependencies and this package; quick when nothing has changed.

Run by `scripts/setup.sh` with any Python 3.11 to 3.13, before anything is installed: standard library only.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STAMP = "keycrm-pipeline.stamp"
"""Written last, so that an interrupted setup starts over."""


def environment_hash(lock: Path) -> str:
    """A hash of everything that determines the environment: lock, metadata, Python version, project directory."""
    digest = hashlib.sha256()
    for part in (
        lock.read_bytes(),
        (PROJECT / "pyproject.toml").read_bytes(),
        f"{sys.version_info.major}.{sys.version_info.minor}".encode(),
        os.fsencode(PROJECT),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def is_working(python: Path) -> bool:
    """Whether the environment's Python starts; it does not if the Python it was created from was removed."""
    try:
        return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        return False


def base_python() -> str:
    """The Python behind this environment, which cannot recreate itself with its own Python."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def make_environment(environment: Path, base: str) -> None:
    """Creates an empty environment, replacing an existing one.

    Raises:
        SystemExit: This Python cannot create it; the text says what to install.
    """
    question = "import venv, ensurepip"
    if subprocess.run([base, "-c", question], check=False, capture_output=True).returncode != 0:  # noqa: S603
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SystemExit(
            f"{base} has no venv module: install it (on Debian or Ubuntu: "
            f"sudo apt install python{version}-venv) and try again."
        )
    made = subprocess.run([base, "-m", "venv", "--clear", environment], check=False)  # noqa: S603
    if made.returncode != 0:
        raise SystemExit(f"{base} could not create the environment {environment}: see the lines above.")


def install(python: Path, lock: Path) -> None:
    """Installs the locked dependencies by hash, then this package in editable mode.

    Raises:
        SystemExit: pip failed; the text says what may help.
    """
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    steps: tuple[list[str | Path], ...] = (
        [*pip, "--no-compile", "--require-hashes", "--requirement", lock],
        # Without an isolated build, which would download packages that are not in the lock.
        [*pip, "--no-deps", "--no-build-isolation", "--editable", PROJECT],
    )
    for command in steps:
        if subprocess.run(command, check=False, cwd=PROJECT).returncode != 0:  # noqa: S603
            raise SystemExit(
                "The dependencies could not be installed: see the lines above. Check that the package index is "
                "reachable and the disk is not full, and try again."
            )
    # pip compiles one file at a time; this uses all processors. Some libraries contain files for other Python versions,
    # which cannot be compiled and are not needed: those errors are hidden.
    libraries = subprocess.run(  # noqa: S603
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run(  # noqa: S603
        [python, "-m", "compileall", "-q", "-q", "-j", "0", libraries], check=False, capture_output=True
    )


def main() -> None:
    """Creates or updates the environment named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", help="directory of the environment, in the project")
    parser.add_argument("lock", help="file with the locked dependencies, in the project")
    arguments = parser.parse_args()
    environment, lock = PROJECT / arguments.environment, PROJECT / arguments.lock
    python, stamp = environment / "bin" / "python", environment / STAMP
    wanted = environment_hash(lock)
    if stamp.exists() and stamp.read_text("ascii") == wanted and is_working(python):
        return
    base = base_python()
    print(
        f"Setting up {environment.name} with the locked dependencies; this takes a minute or two.", flush=True
    )
    make_environment(environment, base)
    install(python, lock)
    stamp.write_text(wanted, "ascii")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted; the next start sets up again from scratch.")
