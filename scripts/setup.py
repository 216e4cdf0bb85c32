"""Makes a virtual environment with locked dependencies and this package in it; quick when nothing changed.

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
"""Written last, so that an interrupted setup is done again from the start."""


def environment_hash(lock: Path) -> str:
    """Changes with what decides the environment: lock, metadata, Python, the project's place."""
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
    """Whether the environment's Python starts: it does not after the Python it was made from was removed."""
    try:
        return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603
    except OSError:
        return False


def base_python() -> str:
    """The Python behind this one: an environment cannot be made anew by its own Python."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def make_environment(environment: Path, base: str) -> None:
    """Makes it empty, whatever was there.

    Raises:
        SystemExit: This Python cannot; says what to install.
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
        raise SystemExit(f"{base} could not make the environment {environment}: see the lines above.")


def install(python: Path, lock: Path) -> None:
    """Installs the locked dependencies by hash, then this package from where it is.

    Raises:
        SystemExit: pip failed; says what may help.
    """
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    steps: tuple[list[str | Path], ...] = (
        [*pip, "--no-compile", "--require-hashes", "--requirement", lock],
        # Without a build of its own: nothing may be fetched that the lock does not name.
        [*pip, "--no-deps", "--no-build-isolation", "--editable", PROJECT],
    )
    for command in steps:
        if subprocess.run(command, check=False, cwd=PROJECT).returncode != 0:  # noqa: S603
            raise SystemExit(
                "The dependencies could not be installed: see the lines above. Try again when the package "
                "index can be reached and the disk has room."
            )
    # pip compiles one file after the other; this keeps all processors busy. What some library carries for another
    # Python cannot be compiled, which matters to nobody: its complaint is not shown.
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
    """Makes or renews the environment named on the command line."""
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
        sys.exit("Interrupted; the next start sets up anew.")
