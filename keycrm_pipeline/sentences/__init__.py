"""Every sentence that is stored or raised for people, in English and Ukrainian, each with a code; and reading them.

A module for each subject: why an order is rejected (`reasons`), what needs attention (`review`), why an exchange, an
export or a file failed (`failures`), what the KeyCRM client reports (`client`), mistakes in a profile and with its key
(`profiles`) and in the files of the accounting catalogue (`catalogue`), why an order is not exported
(`exports`), the steps of the month's end (`month`). What is not here: the words of the report
(`reports.wording`) and of the exchange page, and which order gets which sentence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.sentences.catalogue import CatalogueFailure, CatalogueMistake
from keycrm_pipeline.sentences.client import Advice, Answer, Client, Fault, RefusalWords, Times, Variable
from keycrm_pipeline.sentences.exports import (
    ClosedChangeWords,
    ColumnMistake,
    ExportFailure,
    HeldBackCause,
    HeldBackDetail,
)
from keycrm_pipeline.sentences.failures import Cause, Failure, FailurePart, Hint, Trial
from keycrm_pipeline.sentences.messages import (
    Message,
    MessageError,
    Sentence,
    Sentences,
    ShowTyped,
    as_typed,
    dump_messages,
    without_typed,
)
from keycrm_pipeline.sentences.month import MonthWords
from keycrm_pipeline.sentences.profiles import Allowed, Key, ProfileProblem, Wrong
from keycrm_pipeline.sentences.rates import RateFailure, RateMistake
from keycrm_pipeline.sentences.reasons import Reason, ReasonPart
from keycrm_pipeline.sentences.registers import RegisterFailure, RegisterMistake
from keycrm_pipeline.sentences.review import Review, ReviewPart

LISTS: tuple[type[Sentences], ...] = (
    ReasonPart,
    Reason,
    ReviewPart,
    Review,
    Cause,
    Hint,
    FailurePart,
    Trial,
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
    CatalogueFailure,
    CatalogueMistake,
    RegisterFailure,
    RegisterMistake,
    RateFailure,
    RateMistake,
    HeldBackCause,
    HeldBackDetail,
    ClosedChangeWords,
    ExportFailure,
    ColumnMistake,
    MonthWords,
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


def stored_text(
    text: str | None, coded: str | None, write: Formatter | None, typed: ShowTyped = as_typed
) -> str:
    """What a table stores as text and as message, for a reader; empty if it stores neither.

    A row that an earlier version wrote has no message, and one of a newer version may have one that this version does
    not know: their English text is shown, to those who may see what somebody typed.

    Args:
        text: The stored text.
        coded: The stored message.
        write: Writes it in its language; None for the plain English text.
        typed: How what somebody typed is shown.
    """
    message = read_message(coded)
    if message is not None:
        return message.plain(typed) if write is None else message.text(write, typed)
    return typed(text) if text else ""


def stored_texts(
    texts: Sequence[str] | None, coded: str | None, write: Formatter | None, typed: ShowTyped = as_typed
) -> list[str]:
    """The same for a list of texts, and the list of their messages."""
    messages = json.loads(coded) if coded is not None else []
    return [
        stored_text(text, None if message is None else json.dumps(message), write, typed)
        for text, message in zip_longest(texts or (), messages)
    ]


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
    "ShowTyped",
    "as_typed",
    "dump_messages",
    "read_message",
    "stored_text",
    "stored_texts",
    "without_typed",
]
