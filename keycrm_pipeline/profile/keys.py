"""The API key of a profile, which comes from the environment and never from a file."""

from __future__ import annotations

from collections.abc import Mapping

from keycrm_pipeline.profile.models import SANDBOX, Profile

KEY_VARIABLE = "KEYCRM_API_KEY"


class MissingKeyError(Exception):
    """No usable API key is set for a profile; the text says where to set it."""

    def __init__(self, profile: str, what: str = "No API key is set") -> None:
        super().__init__(
            f"{what} for profile {profile}. Take the key from KeyCRM (Налаштування - Основні - API-ключ) and set "
            f"it in the environment variable {key_variable(profile)}, or in {KEY_VARIABLE} for all profiles."
        )


def key_variable(profile: str) -> str:
    """The environment variable of a profile's API key: KEYCRM_API_KEY_<NAME> in upper case."""
    return f"{KEY_VARIABLE}_{profile.upper()}"


def api_key(profile: Profile, environ: Mapping[str, str]) -> str:
    """The profile's API key: KEYCRM_API_KEY_<NAME>, else KEYCRM_API_KEY, without surrounding whitespace.

    The demo shop in this process needs none and never receives the key of a real account.

    Raises:
        MissingKeyError: Neither is set, or the value cannot be a key.
    """
    if profile.base_url == SANDBOX:
        return SANDBOX
    for variable in (key_variable(profile.name), KEY_VARIABLE):
        key = environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            # It cannot be sent in a header, and the HTTP client's error would repeat the key.
            raise MissingKeyError(
                profile.name,
                f"{variable} contains spaces or characters that no API key has and cannot be used",
            )
        if key:
            return key
    raise MissingKeyError(profile.name)
