"""Reads single fields of KeyCRM's reference rows as they may come: numbers as text, `[]` for nothing, 1 for true."""

from __future__ import annotations

import re
from typing import Any

_LARGEST = 2**63 - 1
_WHOLE = re.compile(r"-?[0-9]{1,19}")


def text(value: Any) -> str | None:
    """A trimmed text; None for nothing, blanks, and the `[]` that stands for an empty object."""
    if value is None or isinstance(value, list | dict | bool):
        return None
    return str(value).strip() or None


def whole(value: Any) -> int | None:
    """A whole number that a BIGINT holds, also when it came as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if not isinstance(value, int):
        match = _WHOLE.fullmatch(text(value) or "")
        if match is None:
            return None
        value = int(match[0])
    return value if -_LARGEST - 1 <= value <= _LARGEST else None


def flag(value: Any) -> bool:
    """Whether a field says yes: true, 1, or either as text."""
    return value is True or text(value) in ("1", "true")
