"""Why an exchange failed, in words; and how an unexpected error is reported without personal data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas import failures

_E_MAIL = re.compile(r"\S+@\S+")
_LONG_NUMBER = re.compile(r"\+?\d[\d\s().-]{5,}\d")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|«[^»]*»")
_MOST_CHARACTERS = 300
_MOST_LISTED = 20


def _listed(periods: Sequence[Period]) -> str:
    """Periods in words; only the first ones if there are many."""
    shown = ", ".join(map(str, periods[:_MOST_LISTED]))
    return f"{shown}, …" if len(periods) > _MOST_LISTED else shown


class ExchangeError(Exception):
    """An exchange failed; the text says why and what to do."""


class UnmappedStatusesError(ExchangeError):
    """The profile requires a stage for every status, and some have none (R9)."""

    def __init__(self, statuses: Sequence[tuple[int, str]]) -> None:
        listed = "; ".join(f"{status_id} {name}" for status_id, name in statuses)
        super().__init__(failures.UNMAPPED_STATUSES.english.format(statuses=listed))


class NeverFetchedError(ExchangeError):
    """A stage was run for days whose orders were never fetched from KeyCRM (R1)."""

    def __init__(self, stages: Sequence[str], periods: Sequence[Period], profile: str) -> None:
        super().__init__(
            failures.NEVER_FETCHED.english.format(
                stages=", ".join(stages), days=_listed(periods), profile=profile
            )
        )


class StageSkippedError(ExchangeError):
    """A stage was run for days for which a stage that it needs has not finished since they were fetched."""

    def __init__(self, stages: Sequence[str], skipped: Sequence[str], periods: Sequence[Period]) -> None:
        super().__init__(
            failures.STAGE_SKIPPED.english.format(
                stages=", ".join(stages), skipped=", ".join(skipped), days=_listed(periods)
            )
        )


class CeilingError(ExchangeError):
    """Something exceeds a ceiling of the profile.

    Everything else is done: the counts are in the log, and the pages are forgotten, so that the next attempt gets a
    new list.
    """


class ManyMissingError(CeilingError):
    """More booked orders are absent from KeyCRM's list than the ceiling allows (R11)."""

    def __init__(self, order_ids: Sequence[int], most: int) -> None:
        examples = ", ".join(map(str, order_ids[:_MOST_LISTED]))
        super().__init__(
            failures.MANY_MISSING.english.format(missing=len(order_ids), examples=examples, most=most)
        )


class ManyUnseenError(CeilingError):
    """KeyCRM lists more orders of loaded days that no load has returned than the ceiling allows (R1)."""

    def __init__(self, order_ids: Sequence[int], periods: Sequence[Period], most: int) -> None:
        super().__init__(
            failures.MANY_UNSEEN.english.format(
                unseen=len(order_ids),
                examples=", ".join(map(str, order_ids[:_MOST_LISTED])),
                most=most,
                days=_listed(periods),
            )
        )


class UnknownOrdersError(ExchangeError):
    """KeyCRM has no order of these numbers, and none was ever loaded."""

    def __init__(self, order_ids: Sequence[int]) -> None:
        super().__init__(failures.UNKNOWN_ORDERS.english.format(orders=", ".join(map(str, order_ids))))


class StoppedError(ExchangeError):
    """Somebody stopped the exchange: Ctrl-C in the terminal, or "Terminate" on the page."""

    def __init__(self) -> None:
        super().__init__(failures.STOPPED.english)


class UnexpectedError(ExchangeError):
    """An error that the program did not foresee."""


def scrubbed(text: str) -> str:
    """A text without what may be personal data: quoted values, e-mails, long numbers; at most 300 characters."""
    first_line = text.strip().splitlines()[0] if text.strip() else ""
    for pattern in (_QUOTED, _E_MAIL, _LONG_NUMBER):
        first_line = pattern.sub("…", first_line)
    return first_line[:_MOST_CHARACTERS]


def unexpected(error: BaseException) -> UnexpectedError:
    """The same error in a form that may be shown: kind, place and scrubbed message."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f" at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    what = f"{type(error).__name__}{place}: {scrubbed(str(error))}"
    return UnexpectedError(failures.UNEXPECTED.english.format(what=what))
