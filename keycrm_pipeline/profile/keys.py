"""The API key of a profile: where it is looked for, and the file that the page and the commands keep it in.

In this order: `KEYCRM_API_KEY_<NAME>`, the file that `KEYCRM_API_KEY_<NAME>_FILE` names, `KEYCRM_API_KEY`, and
`<data dir>/keys/<name>`. What the environment says comes first, because whoever runs the program may replace a stored
key by it without touching a file.

What is not here: whether KeyCRM accepts the key (`crm`), and who is asked for one (`commands`).
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keycrm_pipeline.profile.models import NAME_PATTERN, SANDBOX, Profile
from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.failures import Cause, cause_of
from keycrm_pipeline.sentences.profiles import Key

KEY_VARIABLE = "KEYCRM_API_KEY"
KEYS_DIRECTORY = "keys"
"""In the data directory. Each file is named after its profile, holds its key, and is for its owner alone."""

_FILE_SUFFIX = "_FILE"
_LONGEST_KEY = 4096
"""Bytes. Keys have some dozens; whoever names a log or a device by mistake is told so."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class MissingKeyError(MessageError):
    """No usable API key is set for a profile; the text says what to do and never contains the key."""


class UnusableKeyError(MissingKeyError):
    """There is something in the place of a profile's API key, but it cannot be used."""


class KeyNotStoredError(MessageError):
    """The key of a profile cannot be stored or removed; the text says why and never contains the key."""


@dataclass(frozen=True)
class FoundKey:
    """A profile's API key.

    Attributes:
        key: The key; it is left out wherever the object is printed.
        place: Where it was found: a variable of the environment, or a file; `sandbox` for the demo shop.
        is_stored: Whether it is the file that `store_key` writes.
    """

    key: str = field(repr=False)
    place: str
    is_stored: bool = False


def key_variable(profile: str) -> str:
    """The environment variable of a profile's API key: KEYCRM_API_KEY_<NAME> in upper case."""
    return f"{KEY_VARIABLE}_{profile.upper()}"


def key_file_variable(profile: str) -> str:
    """The environment variable that names a file with a profile's API key, as Docker secrets do."""
    return f"{key_variable(profile)}{_FILE_SUFFIX}"


def stored_key_path(profile: str, data_directory: Path) -> Path:
    """The file in which a profile's API key is kept, whether it exists or not."""
    return data_directory / KEYS_DIRECTORY / profile


def is_possible_key(key: str) -> bool:
    """Whether a text can be sent in a header; if not, the HTTP client's error would repeat it."""
    return bool(key) and key.isascii() and key.isprintable() and " " not in key


def find_key(profile: Profile, environ: Mapping[str, str], data_directory: Path) -> FoundKey:
    """The profile's API key without surrounding whitespace, and where it was found.

    A variable that is empty counts as absent. The demo shop in this process needs no key and never receives that of
    a real account.

    Raises:
        MissingKeyError: There is none.
        UnusableKeyError: What was found is no key, or others can read the stored one.
    """
    if profile.base_url == SANDBOX:
        return FoundKey(SANDBOX, SANDBOX)
    name = profile.name
    own, file_variable = key_variable(name), key_file_variable(name)
    if key := environ.get(own, "").strip():
        return FoundKey(_checked(name, key, own), own)
    if named := environ.get(file_variable, "").strip():
        if not Path(named).is_absolute():
            # It may be the key itself, so it is not repeated.
            raise UnusableKeyError(
                Key.KEY_PATH_NOT_ABSOLUTE.message(variable=file_variable, profile=name, own=own)
            )
        return FoundKey(_checked(name, _content(name, Path(named)), named), named)
    if key := environ.get(KEY_VARIABLE, "").strip():
        return FoundKey(_checked(name, key, KEY_VARIABLE), KEY_VARIABLE)
    path = stored_key_path(name, data_directory)
    return FoundKey(
        _checked(name, _content(name, path, is_stored=True), str(path)), str(path), is_stored=True
    )


def store_key(profile: str, key: str, data_directory: Path) -> Path:
    """Stores the API key of a profile, in the place of an earlier one, and returns the file.

    The file is complete at every moment, and readable by its owner only from its first byte on. Its directory keeps
    itself out of git, wherever the data directory is.

    Raises:
        KeyNotStoredError: It is not a key, or the file cannot be written.
    """
    _check_name(profile)
    key = key.strip()
    if not is_possible_key(key):
        raise KeyNotStoredError(Key.KEY_NOT_STORED.message(profile=profile))
    path = stored_key_path(profile, data_directory)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        (path.parent / ".gitignore").write_text("*\n", "ascii")
        # mkstemp creates files for their owner only.
        handle, part = tempfile.mkstemp(prefix=f".{profile}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{key}\n")
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(part).unlink()
            raise
    except OSError as error:
        raise KeyNotStoredError(
            Key.KEY_FILE_NOT_WRITTEN.message(profile=profile, path=path, reason=cause_of(error))
        ) from None
    return path


def remove_stored_key(profile: str, data_directory: Path) -> bool:
    """Removes the stored API key of a profile, with what a killed `store_key` left; False if there was none.

    Raises:
        KeyNotStoredError: The file cannot be removed.
    """
    _check_name(profile)
    path = stored_key_path(profile, data_directory)
    try:
        found = path.exists()
        for file in (path, *path.parent.glob(f".{profile}.*")):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise KeyNotStoredError(
            Key.KEY_FILE_NOT_REMOVED.message(profile=profile, path=path, reason=cause_of(error))
        ) from None
    return found


def _check_name(profile: str) -> None:
    """Refuses what is no name of a profile: it becomes part of a path."""
    if not NAME_PATTERN.fullmatch(profile):
        raise KeyNotStoredError(Key.KEY_OF_NO_PROFILE.message(profile=profile))


def _checked(profile: str, key: str, place: str) -> str:
    if not is_possible_key(key):
        raise UnusableKeyError(Key.NO_KEY_AT_PLACE.message(profile=profile, place=place))
    return key


def _content(profile: str, path: Path, *, is_stored: bool = False) -> str:
    """The text of a file with a key.

    Args:
        profile: Name of the profile.
        path: The file.
        is_stored: Whether it is the file that `store_key` writes, which may be missing, and is for its owner only. A
            file that the environment names must be there, and has the permissions that its maker chose: Docker makes
            secrets readable for everybody in a container.

    Raises:
        MissingKeyError: No key is stored.
        UnusableKeyError: It cannot be read, is empty or no file, or others can read it.
    """
    try:
        mode = path.stat().st_mode
        # A pipe that nobody writes to would be waited for without end.
        if not stat.S_ISREG(mode):
            raise _unreadable(profile, path, Cause.IS_NO_FILE.message())
        is_open_to_others = is_stored and bool((mode | path.parent.stat().st_mode) & _OTHERS)
        with path.open("rb") as file:
            content = file.read(_LONGEST_KEY + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise no_key(profile) if is_stored else _unreadable(profile, path, cause_of(error)) from None
    except OSError as error:
        raise _unreadable(profile, path, cause_of(error)) from None
    if is_open_to_others:
        raise UnusableKeyError(
            Key.KEY_OPEN_TO_OTHERS.message(
                profile=profile, path=path, commands=f"chmod 700 {path.parent}; chmod 600 {path}"
            )
        )
    if len(content) > _LONGEST_KEY:
        raise _unreadable(profile, path, Cause.IS_TOO_LONG.message())
    text = content.decode("utf-8", errors="replace").strip()
    if not text:
        raise _unreadable(profile, path, Cause.IS_EMPTY.message())
    return text


def no_key(profile: str) -> MissingKeyError:
    """That no API key is set for a profile."""
    return MissingKeyError(Key.NO_KEY.message(profile=profile, variable=key_variable(profile)))


def _unreadable(profile: str, path: Path, reason: Message) -> UnusableKeyError:
    return UnusableKeyError(Key.KEY_FILE_UNUSABLE.message(profile=profile, path=path, reason=reason))
