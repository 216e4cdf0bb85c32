"""Opens workbooks that people lay beside a profile, such as the accounting catalogue and registers.

This file is also run as a program of its own, so it imports nothing of the project. What is not here: what the cells
mean (`accounting`).
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import subprocess
import sys
from datetime import timedelta

MOST_MEMORY = 4 * 2**30
"""Bytes that a workbook may take while it is opened: a cell that was filled by mistake may be the last of a billion."""

LONGEST = timedelta(minutes=5)
"""How long a workbook may take to be opened; a million rows take less than a minute."""


class NotAWorkbookError(ValueError):
    """The bytes are no workbook, or one that cannot be opened."""


def cells_of_workbook(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet that are not blank, as the texts that the sheet shows for them.

    In a process of its own: some damaged files, such as half a copy of an `.xls`, end the process that opens them.

    Raises:
        NotAWorkbookError: The bytes are no workbook, or take too much memory or time.
    """
    try:
        opened = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-P", __file__],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST.total_seconds(),
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise NotAWorkbookError from None
    return [(number, row) for number, row in json.loads(opened.stdout)]


def _cells(content: bytes) -> list[tuple[int, list[str]]]:
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    rows = enumerate(sheet.to_python(skip_empty_area=False), start=1)
    cells = ((number, [_text_of_cell(value) for value in row]) for number, row in rows)
    return [(number, row) for number, row in cells if any(cell.strip() for cell in row)]


def _text_of_cell(value: object) -> str:
    """A workbook keeps every number with a decimal point; one without decimals is shown without."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


if __name__ == "__main__":
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    json.dump(_cells(sys.stdin.buffer.read()), sys.stdout)
