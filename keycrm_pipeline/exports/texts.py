"""Makes text safe for the program that opens a file: no control characters, no formulas.

What is not here: quoting and escaping, which the library of each format does.
"""

from __future__ import annotations

import re

import polars as pl

_CONTROL_CHARACTERS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]"
"""Not allowed in XML 1.0, and many CSV readers end the text there. Tabs and line ends stay."""

_FORMULA_START = r"^[=+\-@\t\r\n＝＋－＠]"
"""Characters that may start a formula in a spreadsheet; the full-width forms do in some languages."""

_SIGNED_NUMBER = r"^[+-][0-9]+([.,][0-9]+)?$"
"""A sign followed by digits is a number, never a formula, so a phone `+380501234567` stays as it is."""

_CONTROL = re.compile(_CONTROL_CHARACTERS)
_FORMULA = re.compile(_FORMULA_START)
_NUMBER = re.compile(_SIGNED_NUMBER)


def without_control_characters(text: str) -> str:
    """The text without characters that XML forbids."""
    return _CONTROL.sub("", text)


def shortened(text: str, most: int) -> str:
    """The text cut to `most` characters, the last one being an ellipsis if something was cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula; a sign followed by digits is a number."""
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)


def harmless_text(text: str) -> str:
    """The text for CSV, with an apostrophe in front if a spreadsheet could take it for a formula."""
    return f"'{text}" if looks_like_formula(text) else text


def clean_column(name: str) -> pl.Expr:
    """A text column without control characters."""
    return pl.col(name).str.replace_all(_CONTROL_CHARACTERS, "")


def harmless_column(column: pl.Expr) -> pl.Expr:
    """A text column for CSV, each value as by `harmless_text`."""
    is_formula = column.str.contains(_FORMULA_START) & ~column.str.contains(_SIGNED_NUMBER)
    return pl.when(is_formula).then(pl.concat_str(pl.lit("'"), column)).otherwise(column)
