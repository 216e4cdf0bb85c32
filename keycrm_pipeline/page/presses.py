"""A button that is pressed twice counts once: a double click sends its form again before the first answer is there.

The second load would read the same days from KeyCRM again, and what the first press has just done would be told as a
mistake: a file that somebody else has changed, a check that is forgotten. What is not here: what a button does.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

SAME_PRESS_SECONDS = 2.0
"""How long after its answer a press is still the same one: until the browser shows that answer."""


class Presses:
    """The answers to forms that are being answered, or were a moment ago, by their digest: a form may hold a key."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[Future[Response], float | None]] = {}
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def answer(self, digest: str, work: Callable[[], Response]) -> Response:
        """The answer to a form: that of the same press if it is one, else what the work returns."""
        mine: Future[Response] = Future()
        with self._lock:
            now = time.monotonic()
            self._answers = {
                known: kept for known, kept in self._answers.items() if kept[1] is None or now < kept[1]
            }
            first, _until = self._answers.setdefault(digest, (mine, None))
        if first is not mine:
            return first.result()
        is_done = False
        try:
            answer = work()
            is_done = answer.status_code < HTTPStatus.BAD_REQUEST
            mine.set_result(answer)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                if is_done:
                    self._answers[digest] = (mine, time.monotonic() + SAME_PRESS_SECONDS)
                else:
                    # Whoever sets right what was wrong may press at once.
                    del self._answers[digest]
        return answer


def pressed_once(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """A function that answers a form, and answers the same press once."""

    @functools.wraps(answer)
    def answered(request: Request) -> Response:
        presses: Presses = request.app.state.presses
        sent = (request.state.visitor, request.url.path, sorted(request.state.form.items()))
        digest = hashlib.sha256(repr(sent).encode()).hexdigest()
        return presses.answer(digest, lambda: answer(request))

    return answered
