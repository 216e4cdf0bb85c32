"""Mistakes in a profile file, described for a shop owner: file, key, what is wrong, what is allowed.

Text that may be a secret or a person's name is never repeated.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.profile.keys import key_variable
from keycrm_pipeline.profile.models import Profile
from keycrm_pipeline.sentences import Message, MessageError, Sentences
from keycrm_pipeline.sentences.messages import writable
from keycrm_pipeline.sentences.profiles import Allowed, ProfileProblem, Wrong

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
        allowed: What is allowed instead, or what to do; None when `what` is enough.
    """

    key: str
    what: Message
    allowed: Message | None = None

    @property
    def message(self) -> Message:
        """The mistake in one line, with the path of the setting."""
        of_setting: dict[str, str] = {"key": self.key} if self.key else {}
        if self.allowed is None:
            sentence = ProfileProblem.PROBLEM_OF_SETTING if self.key else ProfileProblem.PROBLEM
            return sentence.message(what=self.what, **of_setting)
        sentence = ProfileProblem.PROBLEM_OF_SETTING_ALLOWED if self.key else ProfileProblem.PROBLEM_ALLOWED
        return sentence.message(what=self.what, allowed=self.allowed, **of_setting)

    def __str__(self) -> str:
        """The mistake in one line, in English."""
        return str(self.message)

    def text(self, write: Formatter) -> str:
        """The mistake in one line, in the language of a formatter."""
        return self.message.text(write)


class ProfileError(MessageError):
    """A profile file that cannot be used; the text names the file, each key and what is allowed.

    Attributes:
        file: The file, or the profiles directory if that is missing.
        problems: Every mistake found in it.
    """

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__(
            ProfileProblem.UNUSABLE_PROFILE.message(
                file=file, problems=[problem.message for problem in self.problems]
            )
        )

    @property
    def file_name(self) -> str:
        """The name of the file for people to recognise; unlike `file` it can always be written."""
        return writable(self.file.name)


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


def _found(setting: str, value: object) -> Message:
    """What the file contains, without text that may be a secret or a person's name."""
    if isinstance(value, bool | int | float):
        return Wrong.IS_VALUE.message(value=shown(value))
    if isinstance(value, str):
        return (
            Wrong.IS_QUOTED.message(value=shown(value))
            if setting in _SHOWN_FOUND
            else Wrong.IS_TEXT.message()
        )
    return Wrong.IS_LIST.message() if isinstance(value, list | tuple) else Wrong.IS_SECTION.message()


_ALLOWED: Final[Mapping[str, tuple[Sentences, Mapping[str, str]]]] = {
    "int_type": (Allowed.ONLY_WHOLE_NUMBER, {}),
    "bool_type": (Allowed.ONLY_TRUE_OR_FALSE, {}),
    "string_type": (Allowed.ONLY_TEXT, {}),
    "string_too_short": (Allowed.NOT_BLANK, {}),
    "dict_type": (Allowed.ONLY_SECTION, {}),
    "tuple_type": (Allowed.ONLY_LIST, {}),
    "literal_error": (Allowed.ONE_OF, {"values": "expected"}),
    "greater_than": (Allowed.ABOVE, {"value": "gt"}),
    "greater_than_equal": (Allowed.AT_LEAST, {"value": "ge"}),
    "decimal_type": (Allowed.ONLY_SUM, {}),
    "decimal_parsing": (Allowed.ONLY_SUM, {}),
    "decimal_max_places": (Allowed.DECIMALS_AT_MOST, {"value": "decimal_places"}),
    "less_than_equal": (Allowed.AT_MOST, {"value": "le"}),
    "string_pattern_mismatch": (Allowed.MATCHING, {"pattern": "pattern"}),
}
"""pydantic's type of error -> what is allowed, and the name in pydantic's context of each of its values."""

_ALLOWED_PATTERN = {"currency": Allowed.CURRENCY_CODE}


def _wrong_id(value: object) -> Message:
    """A key of a mapping that must be an id; what is not a number is not repeated: it may be a person's name."""
    if isinstance(value, int):
        return Wrong.NOT_AN_ID.message(value=shown(value))
    if isinstance(value, str) and value.isdecimal():
        return Wrong.NOT_AN_ID.message(value=f"«{value}»")
    return Wrong.ONE_IS_NOT_AN_ID.message()


def _unknown(location: Sequence[int | str], profile: str) -> tuple[Message, Message]:
    """What is wrong with a setting that does not exist, and what is allowed."""
    setting = str(location[-1])
    if _SECRET_SETTINGS.fullmatch(setting):
        return Wrong.SECRET_IN_FILE.message(), Allowed.STORE_THE_KEY.message(
            profile=profile, variable=key_variable(profile)
        )
    allowed = _settings_at(location[:-1])
    near = difflib.get_close_matches(setting, allowed, n=1)
    return Wrong.NO_SUCH_SETTING.message(), (
        Allowed.PERHAPS.message(setting=near[0]) if near else Allowed.SETTINGS.message(settings=allowed)
    )


def problem_of(error: ErrorDetails, profile: str) -> Problem:
    """One of pydantic's errors, described for a shop owner."""
    location = error["loc"]
    kind = error["type"]
    value = error.get("input")
    context = error.get("ctx", {})
    key = ".".join(map(shown, location))
    setting = shown(location[-1]) if location else ""
    if kind == "setting":
        return Problem(key, context["what"], context["allowed"])
    if kind == "missing":
        added = Allowed.ADD_START_DATE.message() if key == "start_date" else None
        return Problem(key, Wrong.IS_MISSING.message(), added)
    if setting == "[key]":
        return Problem(".".join(map(shown, location[:-2])), _wrong_id(value), Allowed.IDS.message())
    if kind in {"extra_forbidden", "invalid_key"}:
        return Problem(key, *_unknown(location, profile))
    if kind in {"model_type", "model_attributes_type"}:
        below = Allowed.SETTINGS_BELOW.message(settings=_settings_at(location))
        return Problem(key, _found(setting, value), below)
    if kind == "string_pattern_mismatch" and setting in _ALLOWED_PATTERN:
        return Problem(key, _found(setting, value), _ALLOWED_PATTERN[setting].message())
    if kind not in _ALLOWED:
        return Problem(key, Wrong.WRONG_OTHERWISE.message(text=error["msg"]))
    sentence, names = _ALLOWED[kind]
    # pydantic joins the last choice with "or".
    values = {name: str(context[source]).replace(" or ", ", ") for name, source in names.items()}
    allowed = sentence.message(**values)
    is_blank = kind == "string_too_short"
    return Problem(key, Wrong.IS_BLANK.message() if is_blank else _found(setting, value), allowed)
