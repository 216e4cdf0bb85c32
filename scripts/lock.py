"""Chooses the versions of all dependencies anew and writes them, with their hashes, into the two locks.

Run by `make lock`. The resolver comes into a throw-away environment of its own. No address of a package index
gets into a lock: everybody installs from the index that their pip uses.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCKS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("--group", "dev"),
    # The same versions, and what only the measurements need beside them.
    "requirements-bench.lock": ("--group", "dev", "--group", "bench", "--constraints", "requirements.lock"),
}
"""Lock -> what goes into it; the later one builds on the earlier one."""

OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"),
    *("--no-emit-index-url", "--no-header", "--no-strip-extras", "--quiet"),
)
"""One lock for every system and every Python from 3.11 on."""


def main() -> None:
    """Writes both locks.

    Raises:
        SystemExit: The resolver failed; its own words are above.
    """
    with tempfile.TemporaryDirectory() as directory:
        python = str(Path(directory) / "bin" / "python")
        # The project's own Python, and arguments that stand in this file.
        commands = [
            [sys.executable, "-m", "venv", directory],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"],
        ]
        commands += [
            [
                *[python, "-m", "uv", "pip", "compile", "pyproject.toml", "--output-file", lock],
                *contents,
                *OPTIONS,
            ]
            for lock, contents in LOCKS.items()
        ]
        for command in commands:
            if subprocess.run(command, cwd=PROJECT, check=False).returncode != 0:  # noqa: S603
                raise SystemExit("The locks are as they were, or only the first is new: see the lines above.")
    print("Written: " + ", ".join(LOCKS) + ". Run `make test` before you commit them.")


if __name__ == "__main__":
    main()
