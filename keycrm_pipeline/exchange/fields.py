"""Reads single fields of KeyCRM's reference rows as they may come: numbers as text, `[]` for nothing, 1 for true."""

from __future__ import annotations

from typing import Any


def text(value: Any) -> str | None:
    """A trimmed text; None for nothing, blanks, and the `[]` that stands for an empty object."""
    if value is None or isinstance(value, list | dict | bool):
        return None
    return str(value).strip() or None


def whole(value: Any) -> int | None:
    """A whole number, also when it came as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    shown = text(value)
    return int(shown) if shown is not None and shown.isascii() and shown.lstrip("-").isdigit() else None


def flag(value: Any) -> bool:
    """Whether a field says yes: true, 1, or either as text."""
    return value is True or text(value) in ("1", "true")
