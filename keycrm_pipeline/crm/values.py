"""What each form of a field's value means, and the reader of single values in Python.

The same values are read in two places: here, where one row is at hand (the day an order is filed under, reference
lists, the catalogue), and by the macros of `warehouse/sql/validation.sql`, which type a million orders at once. A test
compares them in a real DuckDB. *Blanks* are all characters for which `str.isspace` holds; they never count at either
end of a value.

| Kind | Form | Meaning |
|---|---|---|
| any | `null`, a missing key, blanks, `[]`, `{}` | nothing |
| any | a JSON number | its decimal text: `12`, `12.0`, `12.5`; from 10^16 and below 10^-4 `1e+16`, `1e-05` |
| any | `true`, `false` | the texts `true`, `false` |
| text | anything else | itself without the blanks around it; an object or a filled list as compact JSON |
| id | digits, with a minus or a fraction of zeros: `12`, `"12.0"`, `" 12 "`, `-3` | the whole number |
| id | `12.5`, `"1e3"`, `"+12"`, digits of another script, beyond 64 bits | no id |
| number | `12`, `"12.50"`, `".5"`, `"+5"`, `"1e-05"`, `"1E3"` | the decimal number |
| number | `"1,5"`, `"1 000"`, `"1_000"`, `"NaN"`, `"Infinity"`, digits of another script, a boolean | unreadable |
| flag | `true`, `1`, `"True"`, `"1"` | yes |
| flag | anything else | no |
| date | `2026-03-02`, `2026-03-02T10:00`, `2026-03-02 10:00:00`, `…T10:00:00.123456` | UTC; of a day, midnight |
| date | a time followed by `Z` or `+02:00` (up to 14:59 either way) | the moment in that zone |
| date | `2026-3-2`, `… Europe/Kyiv`, `… UTC`, `+0200`, `24:00`, `infinity`, 30 February, a number | unreadable |
| date | before the year 2 or after 30 December 9998 | unreadable: it has no day in some time zones |
| options | a list of objects with `name` and `value` | `Колір: Червоний; Розмір: M`, in the order given |
| options | an option without a value | left out |
| options | a value without an option | the value alone |
| options | blanks inside of a name or value; characters without width | one blank; removed |
| options | anything but a list; a member that is not an object | nothing |

Numbers are read by the macros alone. An order in which a number, an id or a date that the books use is filled and
unreadable is rejected (R10). What the parts of an order may look like is in `shapes`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_LARGEST = 2**63 - 1
_WHOLE = re.compile(r"(-?[0-9]{1,19})(?:\.0+)?")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?"
)
_FIRST_MOMENT = datetime(2, 1, 1, tzinfo=UTC)
_LAST_MOMENT = datetime(9998, 12, 31, tzinfo=UTC)
"""Within these a moment has a day in every time zone."""


def text(value: Any) -> str | None:
    """The text of a value without the blanks around it; None for nothing."""
    if isinstance(value, str):
        written = value.strip()
    elif value is None:
        return None
    elif isinstance(value, Decimal):
        written = str(float(value))
    else:
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
    return None if written in ("", "[]", "{}") else written


def plain_text(value: Any) -> str | None:
    """The text of a value that is a name or the like; None for a list or an object, which is none."""
    return None if isinstance(value, dict | list) else text(value)


def whole(value: Any) -> int | None:
    """A whole number that a BIGINT holds; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        match = _WHOLE.fullmatch(text(value) or "")
        if match is None:
            return None
        number = int(match[1])
    return number if -_LARGEST - 1 <= number <= _LARGEST else None


def flag(value: Any) -> bool:
    """Whether a field says yes."""
    return (text(value) or "").lower() in ("1", "true")


def parse_instant(value: Any) -> datetime | None:
    """A moment, aware and in UTC; None when there is none or it cannot be read."""
    written = text(value) or ""
    if _INSTANT.fullmatch(written) is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is not UTC:
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _FIRST_MOMENT <= moment <= _LAST_MOMENT else None


def options(properties: Any) -> list[tuple[str | None, str | None]]:
    """Names and values of the options of a line or an offer, for `accounting.names.characteristics`."""
    if not isinstance(properties, list):
        return []
    return [
        (text(option.get("name")), text(option.get("value")))
        for option in properties
        if isinstance(option, dict)
    ]
