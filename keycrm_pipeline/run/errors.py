"""Why an exchange failed; and how an error that nobody foresaw is reported without personal data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.failures import Failure, FailurePart
from keycrm_pipeline.sentences.messages import MOST_PERIODS

_MOST_LISTED = 20
_MOST_PLACES = 3
"""Places of an unforeseen error that are named, from the innermost one outwards."""

_PACKAGE = __name__.partition(".")[0]


def _listed(periods: Sequence[Period]) -> Sequence[Period]:
    """The first periods, and one more if there are more: the message then says so."""
    return periods[: MOST_PERIODS + 1]


class ExchangeError(MessageError):
    """An exchange failed; the text says why and what to do."""


class UnmappedStatusesError(ExchangeError):
    """The profile requires a stage for every status, and some have none (R9)."""

    def __init__(self, statuses: Sequence[tuple[int, str]]) -> None:
        listed = [FailurePart.STATUS.message(status_id=status_id, name=name) for status_id, name in statuses]
        super().__init__(Failure.UNMAPPED_STATUSES.message(statuses=listed))


class BooksMovedError(ExchangeError):
    """The books of a profile were moved while an exchange waited for its turn; nothing was written."""

    def __init__(self, profile: str) -> None:
        super().__init__(Failure.BOOKS_MOVED.message(profile=profile))


class NeverFetchedError(ExchangeError):
    """A stage was run for days whose orders were never fetched from KeyCRM (R1)."""

    def __init__(self, stages: Sequence[str], periods: Sequence[Period], profile: str) -> None:
        super().__init__(Failure.NEVER_FETCHED.message(stages=stages, days=_listed(periods), profile=profile))


class StageSkippedError(ExchangeError):
    """A stage was run for days for which a stage that it needs has not finished since they were fetched."""

    def __init__(self, stages: Sequence[str], skipped: Sequence[str], periods: Sequence[Period]) -> None:
        super().__init__(Failure.STAGE_SKIPPED.message(stages=stages, skipped=skipped, days=_listed(periods)))


class CeilingError(ExchangeError):
    """Something exceeds a ceiling of the profile.

    Everything else is done: the counts are in the log, and the pages are forgotten, so that the next attempt gets a
    new list.
    """


class ManyMissingError(CeilingError):
    """More booked orders are absent from KeyCRM's list than the ceiling allows (R11)."""

    def __init__(self, order_ids: Sequence[int], most: int) -> None:
        super().__init__(
            Failure.MANY_MISSING.message(
                missing=len(order_ids), examples=list(order_ids[:_MOST_LISTED]), most=most
            )
        )


class ManyUnseenError(CeilingError):
    """KeyCRM lists more orders of loaded days that no load has returned than the ceiling allows (R1)."""

    def __init__(self, order_ids: Sequence[int], periods: Sequence[Period], most: int) -> None:
        super().__init__(
            Failure.MANY_UNSEEN.message(
                unseen=len(order_ids),
                examples=list(order_ids[:_MOST_LISTED]),
                most=most,
                days=_listed(periods),
            )
        )


class UnknownOrdersError(ExchangeError):
    """KeyCRM has no order of these numbers, and none was ever loaded."""

    def __init__(self, order_ids: Sequence[int]) -> None:
        super().__init__(Failure.UNKNOWN_ORDERS.message(orders=order_ids))


class StoppedError(ExchangeError):
    """Somebody stopped the exchange: Ctrl-C in the terminal, or "Terminate" on the page."""

    def __init__(self) -> None:
        super().__init__(Failure.STOPPED.message())


class UnexpectedError(ExchangeError):
    """An error that the program did not foresee."""


def unexpected(error: BaseException) -> UnexpectedError:
    """The same error in a form that may be shown."""
    return UnexpectedError(Failure.UNEXPECTED.message(**kind_and_places(error)))


def kind_and_places(error: BaseException) -> dict[str, Any]:
    """The kind of an error that nobody foresaw, and where it arose: `kind` and `places` of a sentence.

    Nothing of its text: it may quote a buyer, and nothing in it marks what it quotes.
    """
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        path = PurePath(trace.tb_frame.f_code.co_filename)
        if _PACKAGE in path.parts or trace.tb_next is None:
            places.append(f"{path.name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return {"kind": type(error).__name__, "places": places[: -_MOST_PLACES - 1 : -1] or ["?"]}


def message_of(error: BaseException) -> Message:
    """What an error reports to people: its own message, or that nobody foresaw it."""
    return error.message if isinstance(error, MessageError) else unexpected(error).message
