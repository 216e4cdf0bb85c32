"""Writes new profile files: that of the demo shop, and for `init` what it found in an account.

What is not here: reading them (`loading`), and the text of a new profile (`commands.init`).
"""

from __future__ import annotations

import contextlib
import os
from importlib import resources
from pathlib import Path

from keycrm_pipeline.profile.problems import Problem, ProfileError
from keycrm_pipeline.profile.workspace import PROFILES_VARIABLE, Settings
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.profiles import Allowed, Wrong

DEMO = "demo"
"""The profile of the demo shop."""

_SCHEMA = "profile.schema.json"
_SCHEMA_IN_REPOSITORY = f"../keycrm_pipeline/profile/{_SCHEMA}"
"""How the demo profile names the JSON Schema for editors: as seen from `profiles/` in the repository."""


def create_private_file(path: Path, text: str) -> None:
    """Writes a new file that only its owner can read, since profiles contain managers' names.

    Raises:
        FileExistsError: There is a file already; it is left alone.
        OSError: It cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write_demo_profile(settings: Settings) -> Path:
    """Writes the profile of the demo shop, unless there is one, and returns its path.

    Raises:
        ProfileError: It cannot be written.
    """
    package = resources.files("keycrm_pipeline.profile")
    text = package.joinpath("demo.yaml").read_text("utf-8")
    path = settings.profiles_directory / f"{DEMO}.yaml"
    try:
        create_private_file(path, text.replace(_SCHEMA_IN_REPOSITORY, str(package.joinpath(_SCHEMA))))
    except FileExistsError:
        pass
    except OSError as error:
        problem = Problem(
            "",
            Wrong.FILE_NOT_WRITTEN.message(reason=cause_of(error)),
            Allowed.SET_VARIABLE.message(variable=PROFILES_VARIABLE),
        )
        raise ProfileError(path, [problem]) from None
    return path
