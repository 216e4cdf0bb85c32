"""In which language a request is answered: that of its profile, else one for everybody who opens the page.

What is not here: the messages (`language`), and how they are shown (`rendering`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from keycrm_pipeline.language import LANGUAGES, Language, speaking
from keycrm_pipeline.page.shops import NotFoundError, page_settings, workspace_of
from keycrm_pipeline.profile import DEFAULT_TIMEZONE, ProfileError, Settings, language_of_zone, load_profiles
from keycrm_pipeline.words import WordSet


def spoken(answer: Callable[..., Response]) -> Callable[..., Response]:
    """A function that answers a request, its first argument, in the language of that request."""

    @functools.wraps(answer)
    def answered(request: Request, *more: object) -> Response:
        with speaking(*_speech_of(request)):
            return answer(request, *more)

    return answered


def _speech_of(request: Request) -> tuple[Language, WordSet]:
    if "profile" in request.path_params:
        try:
            profile = workspace_of(request).profile
        except (NotFoundError, ProfileError):
            # The page says so in the language of those that belong to no profile.
            pass
        else:
            return profile.own_language, profile.words
    accepted = request.headers.get("accept-language", "")
    return language_without_profile(page_settings(request).settings, accepted), "bas"


def language_without_profile(settings: Settings, accepted: str) -> Language:
    """The language of pages that belong to no profile, such as the list of profiles.

    That of the profiles when they have one in common: whoever keeps these books reads it, whereas many browsers in
    Ukraine name English alone. Otherwise the browser decides.

    Args:
        settings: Where the profiles are.
        accepted: The browser's `Accept-Language`; may be empty.
    """
    valid, _errors = load_profiles(settings)
    in_common = {profile.own_language for profile in valid}
    if len(in_common) == 1:
        return in_common.pop()
    return _preferred(accepted) or language_of_zone(DEFAULT_TIMEZONE)


def _preferred(accepted: str) -> Language | None:
    """Which of our languages a browser would rather have; None if it names neither."""
    found: dict[Language, float] = {}
    for entry in accepted.lower().split(","):
        tag, *parameters = (part.strip() for part in entry.split(";"))
        for language in LANGUAGES:
            if tag.partition("-")[0] == language:
                found[language] = max(found.get(language, 0), _weight(parameters))
    return max(found, key=lambda language: found[language], default=None)


def _weight(parameters: list[str]) -> float:
    try:
        return float(next((text[2:] for text in parameters if text.startswith("q=")), "1"))
    except ValueError:
        return 0
