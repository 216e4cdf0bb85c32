"""Every sentence that is stored or raised for people, in English and Ukrainian, each with a code; and reading them.

A module for each subject: why an order is rejected (`reasons`), what needs attention (`review`), why an exchange, an
export or a file failed (`failures`), what the KeyCRM client reports (`client`), mistakes in a profile and with its key
(`profiles`). What is not here: the words of the report (`reports.wording`) and of the exchange page, and which order
gets which sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keycrm_pipeline.sentences.client import Advice, Answer, Client, Fault, RefusalWords, Times, Variable
from keycrm_pipeline.sentences.failures import Cause, Failure
from keycrm_pipeline.sentences.messages import (
    Message,
    MessageError,
    Sentence,
    Sentences,
    as_typed,
    dump_messages,
    left_out,
)
from keycrm_pipeline.sentences.profiles import Allowed, Key, ProfileProblem, Wrong
from keycrm_pipeline.sentences.reasons import Reason, ReasonPart
from keycrm_pipeline.sentences.review import Review, ReviewPart

LISTS: tuple[type[Sentences], ...] = (
    ReasonPart,
    Reason,
    ReviewPart,
    Review,
    Cause,
    Failure,
    Advice,
    Client,
    RefusalWords,
    Times,
    Fault,
    Variable,
    Answer,
    ProfileProblem,
    Wrong,
    Allowed,
    Key,
)
"""All lists of sentences."""

SENTENCES: Mapping[str, Sentences] = {sentence.code: sentence for one in LISTS for sentence in one}
"""Code -> sentence."""


def read_message(stored: str | None) -> Message | None:
    """A stored message; None if there is none, or this version of the program does not know its sentence.

    Args:
        stored: What `Message.dump` or the SQL of the review list wrote.
    """
    return None if stored is None else _message(json.loads(stored))


def read_messages(stored: str | None) -> list[Message | None]:
    """The messages of a stored list; None for those that this version of the program does not know."""
    return [] if stored is None else [_message(one) for one in json.loads(stored)]


def _message(read: Any) -> Message | None:
    if not (isinstance(read, dict) and isinstance(read.get("values"), dict)):
        return None
    sentence = SENTENCES.get(str(read.get("code")))
    if sentence is None or sentence.fields != read["values"].keys():
        return None
    return sentence.message(**{name: _value(value) for name, value in read["values"].items()})


def _value(read: Any) -> Any:
    if isinstance(read, list):
        return [_value(part) for part in read]
    if isinstance(read, dict):
        # A part that this version does not know must not hide the rest.
        return _message(read) or "…"
    return read


__all__ = [
    "LISTS",
    "SENTENCES",
    "Message",
    "MessageError",
    "Sentence",
    "Sentences",
    "as_typed",
    "dump_messages",
    "left_out",
    "read_message",
    "read_messages",
]
