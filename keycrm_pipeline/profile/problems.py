"""Mistakes in a profile file, in the words of a shop owner: file, key, what is wrong, what is allowed.

Texts that may be a secret or a person's name are never repeated.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from keycrm_pipeline.profile.keys import key_variable
from keycrm_pipeline.profile.models import Profile

_SECRET_SETTINGS = re.compile(r"(?:.*[_-])?(?:key|apikey|token|secret|password|bearer)", re.IGNORECASE)

_SHOWN_FOUND: Final = frozenset(
    {"currency", "daily_at", "load", "name", "partner_match", "timezone", "weekday"}
)
"""Settings whose wrong text an error repeats. Others may hold a person's name, or a secret pasted there."""

_MOST_SHOWN = 60
"""Characters of a wrong value that an error repeats."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a profile file.

    Attributes:
        key: Path of the setting, such as `statuses.load`; empty when the whole file is meant.
        what: What is wrong, a sentence without its full stop.
        allowed: What is allowed instead, or what to do; empty when `what` says it all.
    """

    key: str
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        """The mistake in one line."""
        sentence = f"{self.key}: {self.what}" if self.key else self.what
        return f"{sentence}. {self.allowed}." if self.allowed else f"{sentence}."


class ProfileError(Exception):
    """A profile file that cannot be used; the text names the file, each key and what is allowed.

    Attributes:
        file: The file (or the profiles directory, when that is missing).
        problems: Every mistake found in it.
    """

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__(file, self.problems)

    def __str__(self) -> str:
        """All mistakes, one a line."""
        return "\n  - ".join([f"The profile {self.file} cannot be used:", *map(str, self.problems)])


def shown(value: object) -> str:
    """A value as it stands in YAML, shortened."""
    written = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _section_at(location: Sequence[int | str]) -> type[BaseModel] | None:
    """The model of the settings at a place of the file."""
    model: type[BaseModel] = Profile
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            return None
        model = field.annotation
    return model


def _settings_at(location: Sequence[int | str]) -> list[str]:
    section = _section_at(location)
    return (
        [] if section is None else [name for name in section.model_fields if (*location, name) != ("name",)]
    )


def _found(setting: str, value: object) -> str:
    """What stands in the file, without a text that may be a secret or a person's name."""
    if isinstance(value, bool | int | float):
        return f"it is {shown(value)}"
    if isinstance(value, str):
        return f"it is «{shown(value)}»" if setting in _SHOWN_FOUND else "it is text"
    return "it is a list" if isinstance(value, list | tuple) else "it holds keys and values"


_ALLOWED = {
    "int_type": "A whole number is allowed, without quotes",
    "bool_type": "true or false is allowed, without quotes",
    "string_type": "Text is allowed; put it in quotes when it looks like a number, a day, yes or no",
    "string_too_short": "A text is allowed that is not blank",
    "dict_type": "Lines of `key: value` are allowed, indented below it",
    "tuple_type": "A list is allowed, such as [7, 12]",
    "literal_error": "One of these is allowed: {expected}",
    "greater_than_equal": "The least that is allowed is {ge}",
    "less_than_equal": "The most that is allowed is {le}",
    "string_pattern_mismatch": "Allowed is what matches {pattern}",
}
"""What is allowed, by pydantic's kind of error; `{}` are pydantic's own particulars."""

_ALLOWED_PATTERN = {"currency": "Three capital letters are allowed, such as UAH"}


def problem_of(error: ErrorDetails, profile: str) -> Problem:
    """One of pydantic's errors in the words of a shop owner."""
    location = error["loc"]
    kind = error["type"]
    value = error.get("input")
    particulars = error.get("ctx", {})
    key = ".".join(map(str, location))
    setting = str(location[-1]) if location else ""
    if kind == "setting":
        return Problem(key, str(particulars["what"]), f"Allowed: {particulars['allowed']}")
    if kind == "missing":
        return Problem(
            key, "it is missing", "Add a line such as start_date: 2024-01-01" if key == "start_date" else ""
        )
    if setting == "[key]":
        # The id itself is not repeated when it is no number: somebody may have written a person's name there.
        written = f"«{value}»" if isinstance(value, str) and value.isdecimal() else "one of them"
        return Problem(
            ".".join(map(str, location[:-2])),
            f"{written} is no id" if not isinstance(value, int) else f"{shown(value)} is no id",
            "Ids are whole numbers from 1 on, without quotes; `keycrm-pipeline check` lists them",
        )
    if kind in {"extra_forbidden", "invalid_key"}:
        if _SECRET_SETTINGS.fullmatch(setting):
            return Problem(
                key,
                "a key or password must not stand in a file",
                f"The API key belongs in the environment variable {key_variable(profile)}",
            )
        allowed = _settings_at(location[:-1])
        near = difflib.get_close_matches(setting, allowed, n=1)
        return Problem(
            key,
            "there is no such setting",
            f"Write {near[0]}, if you mean that" if near else f"Allowed: {', '.join(allowed)}",
        )
    if kind in {"model_type", "model_attributes_type"}:
        return Problem(
            key, _found(setting, value), f"Below it are allowed: {', '.join(_settings_at(location))}"
        )
    allowed_here = _ALLOWED_PATTERN.get(setting) if kind == "string_pattern_mismatch" else None
    allowed_here = allowed_here or _ALLOWED.get(kind, error["msg"]).format_map(particulars)
    return Problem(key, "it is blank" if kind == "string_too_short" else _found(setting, value), allowed_here)
