"""Updates all dependencies to their newest allowed versions and writes these, with hashes, to the two locks.

Run by `make lock`. The resolver is installed in a temporary environment. The locks contain no address of a package
index: everybody installs from the index that their pip uses.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCKS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("--group", "dev"),
    # The same versions, and what only the benchmarks need in addition.
    "requirements-bench.lock": ("--group", "dev", "--group", "bench", "--constraints", "requirements.lock"),
}
"""Lock -> options that select its contents; the second lock builds on the first."""

OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"),
    *("--no-emit-index-url", "--no-header", "--no-strip-extras", "--quiet"),
)
"""One lock for all systems and Python versions from 3.11 on."""


def main() -> None:
    """Writes both locks.

    Raises:
        SystemExit: The resolver failed; its own message is above.
    """
    with tempfile.TemporaryDirectory() as directory:
        python = str(Path(directory) / "bin" / "python")
        # The project's own Python, and arguments from this file.
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
                raise SystemExit("At most the first lock was updated: see the lines above.")
    print("Updated " + " and ".join(LOCKS) + ". Run `make test` before you commit them.")


if __name__ == "__main__":
    main()
