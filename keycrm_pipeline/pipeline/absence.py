"""Tells a file or folder that nobody has laid beside a profile from one that cannot be reached.

What is not here: what each kind of file does when it cannot be read (`rates`, `registers`, `catalogue_files`).
"""

from __future__ import annotations

from pathlib import Path


def is_absent(path: Path, error: OSError) -> bool:
    """Whether there is no such file or folder; a link whose disk is away was not removed by anybody.

    Args:
        path: What could not be opened.
        error: What the operating system said.
    """
    return isinstance(error, FileNotFoundError | NotADirectoryError) and not path.is_symlink()
