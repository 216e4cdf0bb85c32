"""A sentence for people as a code and its values: stored as JSON, and written in a language only when it is read.

A sentence is written once, in both languages, as a member of a list of sentences (`Sentences`); the member's name is
its code. The values stand in braces, and what each of them is decides how it is written:

| In the sentence | The value | Written |
|---|---|---|
| `{order_id}` | an id, a name of ours, a path; a message; a list of them | as it is, a list with commas |
| `{orders:number}` | a number | `1 234,5` |
| `{difference:money currency}` | a sum, whose currency is the value `currency` | `1 234,50 ₴` |
| `{day:day}` | a day | `4 бер. 2026` |
| `{days:periods}` | a list of periods | `1–3 березня 2026, …` |
| `{name:typed}` | what somebody typed, in KeyCRM or in a file | as it is, unless the reader leaves it out |
| `{reasons:sentences}` | messages, or texts of an earlier version | one after the other |
| `{values:parts}` | messages | with semicolons |
| `{files:lines}`, `{problems:indented}`, `{problems:items}` | messages | one below the other |

Marking what somebody typed is what keeps personal data out of Dagster and of the history of its runs: they show a
message without it. What is not here: the sentences themselves, and whose words they use (`words`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import PurePath
from string import Formatter as FieldParser
from typing import Any, TypeVar, Union

from keycrm_pipeline.formatting import Formatter, Language
from keycrm_pipeline.period import Period

LONGEST_TYPED = 300
"""Characters of a typed value that a message keeps, on one line."""

MOST_PERIODS = 20
"""Periods of a list that a message shows; their number may be that of a shop's days."""

Value = Union[str, int, float, bool, None, "Message", Sequence["Value"]]
"""What a message holds: plain values of JSON, messages, and lists of both. A sum is text, and so is a day."""

ShowTyped = Callable[[str], str]
"""How a reader is shown what somebody typed."""


def as_typed(value: str) -> str:
    """Shows what somebody typed as it is: for people of the shop."""
    return value


def without_typed(_value: str) -> str:
    """Leaves out what somebody typed: for Dagster, logs and programs."""
    return "…"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text in both languages, without a code: a heading, a word, advice."""

    english: str
    ukrainian: str

    def text(self, language: Language) -> str:
        """The text in a language."""
        return self.ukrainian if language == "uk" else self.english


class Sentences(Enum):
    """A list of sentences in both languages, with the same values in braces; the name of each is its code."""

    def __init__(self, english: str, ukrainian: str) -> None:
        self.english = english
        self.ukrainian = ukrainian

    @property
    def code(self) -> str:
        """What a stored message is found by; the same in every version of the program."""
        return self.name.lower()

    @property
    def fields(self) -> frozenset[str]:
        """Names of the values."""
        return frozenset(_fields(self.english))

    def message(self, **values: Any) -> Message:
        """This sentence with its values.

        Args:
            values: All of `fields`, and currencies: plain values, `Decimal`, days, periods, paths, messages, and lists
                of these.

        Raises:
            TypeError: A value is missing, unknown, or of another kind.
        """
        kinds = _fields(self.english)
        if values.keys() != kinds.keys():
            raise TypeError(f"{self.code} takes the values {sorted(kinds)}, not {sorted(values)}.")
        return Message(
            self,
            {
                name: _limited(str(value)) if kinds[name] == "typed" else _plain(value)
                for name, value in values.items()
            },
        )


@dataclass(frozen=True)
class Message:
    """A sentence with its values; made by `Sentences.message`.

    Attributes:
        sentence: The sentence.
        values: Name of the value -> the value.
    """

    sentence: Sentences
    values: Mapping[str, Value]

    @property
    def code(self) -> str:
        """The code of the sentence."""
        return self.sentence.code

    def __str__(self) -> str:
        """The English text for logs, columns and programs: numbers, sums and days as in JSON."""
        return _written(self, None, as_typed)

    def text(self, write: Formatter, typed: ShowTyped = as_typed) -> str:
        """The text for people, in the language and the notation of a formatter.

        Args:
            write: Writes numbers, sums and days.
            typed: How what somebody typed is shown.
        """
        return _written(self, write, typed)

    def plain(self, typed: ShowTyped) -> str:
        """The text as in `str`, with what somebody typed shown otherwise."""
        return _written(self, None, typed)

    def as_json(self) -> dict[str, Any]:
        """The code and the values, ready for JSON."""
        return {
            "code": self.code,
            "values": {name: _in_json(value) for name, value in self.values.items()},
        }

    def dump(self) -> str:
        """The code and the values as JSON, the same for equal messages."""
        return dump_messages(self)


def dump_messages(messages: Message | Sequence[Message]) -> str:
    """A message, or a list of them, as JSON."""
    return json.dumps(_in_json(messages), ensure_ascii=False, separators=(",", ":"))


class MessageError(Exception):
    """An error that people see: a message, whose English text is the text of the error.

    Attributes:
        message: The message.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        """The English text."""
        return str(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies it without its `__init__`: errors made of other values than a message can be copied like it."""
        return _copied, (type(self), self.args), self.__dict__


Copied = TypeVar("Copied", bound=MessageError)


def _copied(kind: type[Copied], args: tuple[Any, ...]) -> Copied:
    return kind.__new__(kind, *args)


@cache
def _parts(text: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((before, name, kind or "") for before, name, kind, _ in FieldParser().parse(text))


@cache
def _fields(text: str) -> dict[str, str]:
    """Name of each value -> its kind."""
    fields = {name: kind for _, name, kind in _parts(text) if name is not None}
    currencies = {kind.removeprefix("money ") for kind in fields.values() if kind.startswith("money ")}
    return {**dict.fromkeys(sorted(currencies), ""), **fields}


def _limited(text: str) -> str:
    return " ".join(writable(text).split())[:LONGEST_TYPED]


def writable(text: str) -> str:
    """A text with `?` for what could not be written anywhere: bytes of a file name that are not UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any) -> Value:
    if isinstance(value, str):
        return writable(value)
    if value is None or isinstance(value, bool | int | float | Message):
        return value
    if isinstance(value, Period):
        return [value.first.isoformat(), value.last.isoformat()]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, PurePath):
        return writable(str(value))
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    raise TypeError(f"A message holds no {type(value).__name__}.")


def _in_json(value: Value) -> Any:
    if isinstance(value, Message):
        return value.as_json()
    if isinstance(value, str) or not isinstance(value, Sequence):
        return value
    return [_in_json(part) for part in value]


def _written(message: Message, write: Formatter | None, typed: ShowTyped) -> str:
    sentence = message.sentence
    text = sentence.ukrainian if write is not None and write.language == "uk" else sentence.english
    return "".join(
        before + ("" if name is None else _value(message.values, name, kind, write, typed))
        for before, name, kind in _parts(text)
    )


def _value(
    values: Mapping[str, Value], name: str, kind: str, write: Formatter | None, typed: ShowTyped
) -> str:
    value = values[name]
    if kind == "typed":
        return typed(str(value))
    if kind in _SEPARATORS:
        return _listed(value, kind, write, typed)
    if kind.startswith("money "):
        amount, currency = Decimal(str(value)), str(values[kind.removeprefix("money ")])
        return f"{amount} {currency}" if write is None else write.money(amount, currency)
    if kind == "number":
        return str(value) if write is None else write.number(Decimal(str(value)))
    if kind == "day":
        day = date.fromisoformat(str(value))
        return str(day) if write is None else write.day(day)
    periods = [Period(*map(date.fromisoformat, pair)) for pair in value]  # type: ignore[union-attr, arg-type]
    shown = ", ".join(map(str if write is None else write.period, periods[:MOST_PERIODS]))
    return f"{shown}, …" if len(periods) > MOST_PERIODS else shown


_SEPARATORS = {
    "": ", ",
    "parts": "; ",
    "sentences": " ",
    "lines": "\n",
    "indented": "\n  ",
    "items": "\n  - ",
}
"""Kind of a value -> what stands between the parts of a list."""


def _listed(value: Value, kind: str, write: Formatter | None, typed: ShowTyped) -> str:
    if isinstance(value, Message):
        return _written(value, write, typed)
    if isinstance(value, str):
        # A reason that an earlier version stored as text quotes what somebody typed.
        return typed(value) if kind == "sentences" else value
    if isinstance(value, Sequence):
        return _SEPARATORS[kind].join(_listed(part, kind, write, typed) for part in value)
    return str(value)
