"""Opens workbooks that people lay beside a profile, such as the accounting catalogue and registers.

What is not here: what their cells mean (`accounting`).
"""

from __future__ import annotations

import io


class NotAWorkbookError(ValueError):
    """The bytes are no workbook."""


def cells_of_workbook(content: bytes) -> list[tuple[int, list[str]]]:
    """The rows of the first sheet that are not blank, as the texts that the sheet shows for them.

    Raises:
        NotAWorkbookError: The bytes are no workbook.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, ValueError):
        raise NotAWorkbookError from None
    cells = [(number, [_text_of_cell(value) for value in row]) for number, row in enumerate(rows, start=1)]
    return [(number, row) for number, row in cells if any(cell.strip() for cell in row)]


def _text_of_cell(value: object) -> str:
    """A workbook keeps every number with a decimal point; one without decimals is shown without."""
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)
