"""LibreOffice of the system without a window: opens files as users do, and saves what it made of them.

Each instance has a profile of its own, so neither the user's settings nor another test can disturb it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_SECONDS = 120
"""Longest time of a conversion; usually it takes a few seconds."""

_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""
"""Formulas are computed when a workbook is opened, instead of shown with the values that it was saved with."""

EACH_SHEET_AS_CSV = "csv:Text - txt - csv (StarCalc):59,34,76,1,,0,false,false,false,false,false,-1"
"""Semicolon, quotes, UTF-8; values instead of what cells show; a file per sheet, `<name>-<sheet>.csv`."""

_MISSING = (
    "This test opens files in LibreOffice, and it is not there. Install it once with "
    "`apt-get install -y --no-install-recommends libreoffice-calc`, then run the tests again."
)


class LibreOffice:
    """Converts files with the program `soffice`, found on the path."""

    def __init__(self, profile: Path) -> None:
        """Skips the test when the program is missing, except on CI, where it has to be there.

        Args:
            profile: Directory for its own settings; created here.
        """
        program = shutil.which("soffice")
        if program is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(_MISSING)
        self._program = program
        self._profile = profile
        settings = profile / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS, encoding="utf-8")

    def convert(self, files: Sequence[Path], to: str, directory: Path, *, read_as: str | None = None) -> None:
        """Opens files and saves each in another format, under its name with the ending of that format.

        Args:
            files: The files.
            to: The format: an ending, or an ending and the options of a filter, as `EACH_SHEET_AS_CSV`.
            directory: Where the results go.
            read_as: How to read the files, as in the dialog of an import; by default as their ending says.

        Raises:
            AssertionError: It failed, or did not end in time; with its output.
        """
        command = [
            *(self._program, f"-env:UserInstallation={self._profile.as_uri()}", "--headless"),
            *(() if read_as is None else (f"--infilter={read_as}",)),
            *("--convert-to", to, "--outdir", str(directory), *map(str, files)),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        assert ended.returncode == 0, ended.stderr
        assert "Error" not in ended.stderr, ended.stderr
