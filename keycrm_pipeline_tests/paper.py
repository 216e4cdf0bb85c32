"""What stands where on the pages of a PDF, for tests of what comes out of a printer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pypdf import PdfReader


@dataclass(frozen=True)
class Line:
    """The texts that stand next to each other at one height of a page, from left to right.

    Attributes:
        height: Points above the lower edge of the page.
        texts: The texts, for example of the cells of one row.
        font_size: The largest font among them, in the browser's pixels.
    """

    height: float
    texts: tuple[str, ...]
    font_size: int

    @property
    def text(self) -> str:
        """All of them."""
        return " ".join(self.texts)


def read_pages(path: Path) -> list[list[Line]]:
    """The lines of each page, from top to bottom."""
    return [_lines(page) for page in PdfReader(path).pages]


def paper_size(path: Path) -> set[tuple[int, int]]:
    """Width and height of the pages in millimetres; one pair if all are alike."""
    boxes = [page.mediabox for page in PdfReader(path).pages]
    return {(round(float(box.width) / 72 * 25.4), round(float(box.height) / 72 * 25.4)) for box in boxes}


def _lines(page: Any) -> list[Line]:
    rows: dict[float, list[tuple[float, str, int]]] = {}

    def collect(
        text: str, page_matrix: list[float], text_matrix: list[float], _font: object, size: float
    ) -> None:
        # The matrices place the text on the page; their last two numbers are the offset.
        shown = text.strip(" \n")
        if shown:
            height = round(text_matrix[5] * page_matrix[3] + page_matrix[5], 1)
            left = text_matrix[4] * page_matrix[0] + page_matrix[4]
            rows.setdefault(height, []).append((left, shown, round(size)))

    page.extract_text(visitor_text=collect)
    return [
        Line(height, tuple(text for _, text, _ in sorted(found)), max(size for _, _, size in found))
        for height, found in sorted(rows.items(), reverse=True)
    ]
