"""Mistakes in a profile file, described for a shop owner: file, key, what is wrong, what is allowed.

Text that may be a secret or a person's name is never repeated.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from keycrm_pipeline.profile.keys import key_variable
from keycrm_pipeline.profile.models import Profile

_SECRET_SETTINGS = re.compile(r"(?:.*[_-])?(?:key|apikey|token|secret|password|bearer)", re.IGNORECASE)

_SHOWN_FOUND: Final = frozenset(
    {"currency", "daily_at", "load", "name", "partner_match", "timezone", "weekday"}
)
"""Settings whose invalid text may be quoted in an error. Others may hold a person's name or a pasted secret."""

_MOST_SHOWN = 60
"""Longest quote of an invalid value in an error, in characters."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a profile file.

    Attributes:
        key: Path of the setting, such as `statuses.load`; empty for the file as a whole.
        what: What is wrong, as a sentence without a full stop.
        allowed: What is allowed instead, or what to do; empty when `what` is enough.
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
        file: The file, or the profiles directory if that is missing.
        problems: Every mistake found in it.
    """

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__(file, self.problems)

    def __str__(self) -> str:
        """All mistakes, one per line."""
        return "\n  - ".join([f"The profile {self.file} cannot be used:", *map(str, self.problems)])


def shown(value: object) -> str:
    """A value as written in YAML, shortened."""
    written = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _section_at(location: Sequence[int | str]) -> type[BaseModel] | None:
    """The model of the section at a location in the file."""
    model: type[BaseModel] = Profile
    parts = iter(location)
    for part in parts:
        field = model.model_fields.get(str(part))
        annotation = None if field is None else field.annotation
        if get_origin(annotation) is dict:
            # The key of an entry is a name of the shop's own, and below it stand the settings of the entry.
            annotation = get_args(annotation)[1] if next(parts, None) is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        model = annotation
    return model


def _settings_at(location: Sequence[int | str]) -> list[str]:
    section = _section_at(location)
    return (
        [] if section is None else [name for name in section.model_fields if (*location, name) != ("name",)]
    )


def _found(setting: str, value: object) -> str:
    """What the file contains, without text that may be a secret or a person's name."""
    if isinstance(value, bool | int | float):
        return f"it is {shown(value)}"
    if isinstance(value, str):
        return f"it is «{shown(value)}»" if setting in _SHOWN_FOUND else "it is text"
    return "it is a list" if isinstance(value, list | tuple) else "it contains keys and values"


_ALLOWED = {
    "int_type": "It must be a whole number, without quotes",
    "bool_type": "It must be true or false, without quotes",
    "string_type": "It must be text; put it in quotes if it looks like a number, a date, yes or no",
    "string_too_short": "It must be text that is not blank",
    "dict_type": "It must have lines of `key: value`, indented below it",
    "tuple_type": "It must be a list such as [7, 12]",
    "literal_error": "It must be one of these: {expected}",
    "greater_than": "It must be above {gt}",
    "greater_than_equal": "The minimum is {ge}",
    "decimal_type": "It must be a sum such as 1000000 or 1000000.50, without quotes",
    "decimal_parsing": "It must be a sum such as 1000000 or 1000000.50, without quotes",
    "decimal_max_places": "It has {decimal_places} decimals at most",
    "less_than_equal": "The maximum is {le}",
    "string_pattern_mismatch": "It must match {pattern}",
}
"""What is allowed, by pydantic's type of error; `{}` are filled from pydantic's context."""

_ALLOWED_PATTERN = {"currency": "It must be three capital letters such as UAH"}


def problem_of(error: ErrorDetails, profile: str) -> Problem:
    """One of pydantic's errors, described for a shop owner."""
    location = error["loc"]
    kind = error["type"]
    value = error.get("input")
    context = error.get("ctx", {})
    key = ".".join(map(str, location))
    setting = str(location[-1]) if location else ""
    if kind == "setting":
        return Problem(key, str(context["what"]), f"Allowed: {context['allowed']}")
    if kind == "missing":
        return Problem(
            key, "it is missing", "Add a line such as start_date: 2024-01-01" if key == "start_date" else ""
        )
    if setting == "[key]":
        # Something that is not a number is not repeated: it may be a person's name.
        written = f"«{value}»" if isinstance(value, str) and value.isdecimal() else "one of them"
        return Problem(
            ".".join(map(str, location[:-2])),
            f"{shown(value) if isinstance(value, int) else written} is not a valid id",
            "Ids are whole numbers from 1 on, without quotes; `keycrm-pipeline check` lists them",
        )
    if kind in {"extra_forbidden", "invalid_key"}:
        if _SECRET_SETTINGS.fullmatch(setting):
            return Problem(
                key,
                "a key or password must not be in a file",
                f"Store the API key with `keycrm-pipeline key --profile {profile}`, or set it in the environment "
                f"variable {key_variable(profile)}",
            )
        allowed = _settings_at(location[:-1])
        near = difflib.get_close_matches(setting, allowed, n=1)
        return Problem(
            key,
            "there is no such setting",
            f"Perhaps it should be {near[0]}" if near else f"Allowed: {', '.join(allowed)}",
        )
    if kind in {"model_type", "model_attributes_type"}:
        return Problem(key, _found(setting, value), f"Allowed below it: {', '.join(_settings_at(location))}")
    allowed_here = _ALLOWED_PATTERN.get(setting) if kind == "string_pattern_mismatch" else None
    allowed_here = allowed_here or _ALLOWED.get(kind, error["msg"]).format_map(context)
    return Problem(key, "it is blank" if kind == "string_too_short" else _found(setting, value), allowed_here)
