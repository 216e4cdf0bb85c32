"""The two languages say the same things."""

from __future__ import annotations

from string import Formatter as FieldParser

from keycrm_pipeline.kinds import SERVICE, SERVICE_LINE_NAMES
from keycrm_pipeline.reports.wording import PLURALS, WORDS
from keycrm_pipeline.schemas.ops import EXCHANGE_KINDS, EXCHANGE_STATUSES


def fields(text: str) -> set[str]:
    return {field for _, field, _, _ in FieldParser().parse(text) if field}


def test_both_languages_count_the_same_words() -> None:
    """Both languages have the forms of the same words, so that no report fails over a missing one."""
    assert set(PLURALS["uk"]) == set(PLURALS["en"])
    assert all(len(forms) == 3 for forms in PLURALS["uk"].values())
    assert all(len(forms) == 2 for forms in PLURALS["en"].values())


def test_both_languages_fill_in_the_same_values() -> None:
    """Both languages show the same values."""
    different = {key for key, words in WORDS.items() if fields(words.ukrainian) != fields(words.english)}
    assert different == set()


def test_every_kind_has_words() -> None:
    """A new kind of exchange or service line must not show up as its English key."""
    needed = {f"item_{kind}" for kind in SERVICE_LINE_NAMES if kind != SERVICE}
    needed |= {f"exchange_{kind}" for kind in EXCHANGE_KINDS} | set(EXCHANGE_STATUSES)
    assert needed - set(WORDS) == set()
