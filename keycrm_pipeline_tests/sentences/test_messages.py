"""Every sentence exists in both languages with the same values, and a stored one is read again as it was."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import pkgutil
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Formatter as FieldParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keycrm_pipeline import sentences
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import (
    LISTS,
    SENTENCES,
    MessageError,
    Sentences,
    dump_messages,
    read_message,
    stored_texts,
    without_typed,
)
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.sentences.reasons import Reason, ReasonPart
from keycrm_pipeline.sentences.review import Review

UK, EN = Formatter("uk"), Formatter("en")
HOSTILE = "<b>{x}</b> «Ім'янко» {0} %s \\ 0501234567 \u2028 кінець"
"""What a person may type where something else is expected."""


def spaced(text: str) -> str:
    """The text with plain spaces instead of non-breaking ones."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def fields(text: str) -> list[tuple[str, str]]:
    return sorted((name, kind or "") for _, name, kind, _ in FieldParser().parse(text) if name is not None)


def test_every_code_is_that_of_one_sentence() -> None:
    """A stored entry must be read as what it was."""
    every = [sentence for one in LISTS for sentence in one]
    assert len(every) == len(SENTENCES) > 200
    # A sentence written twice in one list would silently be an alias of the first.
    assert [one.__name__ for one in LISTS if len(one) < len(one.__members__)] == []
    for module in pkgutil.iter_modules(sentences.__path__, f"{sentences.__name__}."):
        importlib.import_module(module.name)
    assert {
        one for one in Sentences.__subclasses__() if one.__module__.startswith("keycrm_pipeline.")
    } == set(LISTS)


@pytest.mark.parametrize("code", SENTENCES)
def test_every_sentence_has_the_same_values_in_both_languages(code: str) -> None:
    """Each of them written in the same way; and the Ukrainian one is Ukrainian."""
    sentence = SENTENCES[code]
    assert fields(sentence.english) == fields(sentence.ukrainian)
    words = FieldParser().parse(sentence.ukrainian)
    if re.search("[A-Za-z]{3}", "".join(before for before, *_ in FieldParser().parse(sentence.english))):
        assert re.search("[А-ЯІЇЄа-яіїєґ]|^[0-9 ]*$", "".join(before for before, *_ in words)), (
            sentence.ukrainian
        )


def test_sums_numbers_and_days_are_written_as_the_report_writes_them() -> None:
    difference = Review.ORDER_DIFFERENCE.message(
        order_id=1234567, difference=Decimal("-1234.50"), currency="UAH"
    )
    assert "differs from its lines by -1234.50 UAH." in str(difference)
    assert "Замовлення 1234567: у KeyCRM розбіжність −1 234,50 ₴ між" in spaced(difference.text(UK))
    assert "by −₴1,234.50." in difference.text(EN)
    ahead = Review.DAY_FAR_AHEAD.message(order_id=5, day=date(2028, 3, 4))
    assert "датоване 4 бер. 2028, більш" in ahead.text(UK)
    assert "is dated 2028-03-04, more" in str(ahead)
    missing = Failure.NEVER_FETCHED.message(
        days=[Period(date(2026, 3, 1), date(2026, 3, 3)), Period(date(2026, 4, 5), date(2026, 4, 5))],
        stages=["partners", "orders"],
        profile="shop",
    )
    assert "from KeyCRM: 2026-03-01 to 2026-03-03, 2026-04-05. partners, orders cannot" in str(missing)
    assert "з KeyCRM: 1–3 березня 2026, 5 квітня 2026. Крокам partners, orders" in spaced(missing.text(UK))


def test_what_somebody_typed_is_left_out_for_those_who_must_not_see_it() -> None:
    """Whatever it is; what the program itself says stays."""
    reason = Reason.NOT_A_NUMBER.message(
        values=[
            ReasonPart.FIELD_TEXT.message(field="taxes", text=HOSTILE),
            ReasonPart.FIELD_TEXT.message(field="wrap_price", text="x"),
        ]
    )
    rejected = Review.ORDER_REJECTED.message(
        order_id=5, reasons=[reason, "Line 2: «Ім'янко» of an earlier version."]
    )
    assert reason.plain(without_typed) == "Not a number: taxes «…»; wrap_price «…»."
    assert rejected.text(UK, without_typed) == (
        "Замовлення 5 відхилено: Не число: taxes «…»; wrap_price «…». … Виправте його в KeyCRM: його буде завантажено "
        "під час наступного обміну."
    )
    assert "Ім'янко" in rejected.text(UK)


@given(typed=st.text())
def test_a_stored_message_is_read_again_whatever_was_typed(typed: str) -> None:
    """Braces, quotation marks, line ends and half a kilobyte of them change nothing of the sentence around it."""
    reason = Reason.LINE_QUANTITY_NOT_A_NUMBER.message(line=2, text=typed)
    assert read_message(reason.dump()) == reason
    assert reason.text(UK).startswith("Рядок 2: кількість не є числом «")
    assert "\n" not in reason.text(UK)
    assert len(reason.text(UK)) < 350
    reasons = [reason, Reason.NO_LINES.message()]
    assert stored_texts(list(map(str, reasons)), dump_messages(reasons), UK) == [
        reason.text(UK) for reason in reasons
    ]


@pytest.mark.parametrize(
    "stored",
    [
        '{"code":"of_a_newer_version","values":{}}',
        '{"code":"no_total"}',
        '{"code":"line_unreadable","values":{"row":1}}',
        '"The order has no total."',
        "[]",
        "null",
    ],
)
def test_what_this_version_does_not_know_is_no_message(stored: str) -> None:
    """Its text is shown in its place."""
    assert read_message(stored) is None


def test_a_message_takes_its_values_and_no_others() -> None:
    """A mistake of the program is found where it is made, not by a reader."""
    with pytest.raises(TypeError, match="line_unreadable takes the values"):
        Reason.LINE_UNREADABLE.message()
    with pytest.raises(TypeError, match="holds no bytes"):
        Reason.LINE_UNREADABLE.message(line=b"1")


def test_an_error_can_be_copied_and_sent_to_another_process() -> None:
    """Also one that is made of other values than its message."""

    class FullError(MessageError):
        def __init__(self, path: Path, _other: int) -> None:
            super().__init__(Failure.DISK_FULL.message(path=path))
            self.extra = 7

    error = FullError(Path("/data/shop.duckdb"), 1)
    copied = copy.copy(error)
    assert (str(copied), copied.message, copied.extra) == (str(error), error.message, 7)
    assert "The disk that holds /data/shop.duckdb is full." in str(error)
    sent = pickle.loads(pickle.dumps(MessageError(Failure.STOPPED.message())))  # noqa: S301 - our own bytes
    assert sent.message == Failure.STOPPED.message()
    assert json.loads(sent.message.dump()) == {"code": "stopped", "values": {}}
