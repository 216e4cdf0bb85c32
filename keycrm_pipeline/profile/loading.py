"""Reads the YAML of one profile or all of them, and refuses profiles that share a database file.

Whatever a file holds, it is refused in words, and the other profiles are loaded: one shop must not stop another.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from keycrm_pipeline.profile.models import NAME_PATTERN, Profile
from keycrm_pipeline.profile.problems import Problem, ProfileError, problem_of, shown
from keycrm_pipeline.profile.workspace import CHOICE_VARIABLE, PROFILES_VARIABLE, Settings, Workspace
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.failures import cause_of
from keycrm_pipeline.sentences.profiles import Allowed, Wrong

_MOST_BYTES = 1024 * 1024
"""Largest file; one with a line for everything in an account of ten thousand products has a third of it."""

_MOST_NODES = 100_000
"""Most keys and values, where each alias counts as all that it stands for: a few lines can stand for billions."""

_MOST_DIGITS = 18
"""Of a whole number: as many as KeyCRM's ids and DuckDB's columns have."""

_NO_TEXT = ("Cc", "Cs")
"""Unicode's categories of control characters and of halves of a character."""


class _WrongYamlError(yaml.MarkedYAMLError):
    """A mistake that PyYAML would not notice; its sentence takes the number of the line."""

    def __init__(self, sentence: Wrong, mark: yaml.Mark, **values: str) -> None:
        super().__init__(problem_mark=mark)
        self.what = sentence.message(line=mark.line + 1, **values)


class _ProfileLoader(yaml.SafeLoader):
    """YAML without silent losses or surprises.

    A duplicate key, a key that only a comma in a value has made, an impossible date, a number that cannot be read, a
    character that no text has and an alias of what contains it are errors, each with its line.
    """

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None and _count_nodes(node, {}) > _MOST_NODES:
            raise _WrongYamlError(Wrong.TOO_MANY_ALIASES_AT, node.start_mark)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        # What PyYAML lets through: a number of too many digits, a tag that does not fit its value.
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise _WrongYamlError(Wrong.VALUE_NOT_READ_AT, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if node.flow_style and _has_no_colon(key_node, value):
                raise _WrongYamlError(Wrong.KEY_WITHOUT_COLON, key_node.start_mark, key=shown(key))
            if isinstance(key, Hashable) and key in seen:
                raise _WrongYamlError(Wrong.KEY_TWICE, key_node.start_mark, key=shown(key))
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_short_number(self, node: yaml.ScalarNode) -> int:
        number: int = super().construct_yaml_int(node)
        if abs(number) >= 10**_MOST_DIGITS:
            raise _WrongYamlError(Wrong.TOO_MANY_DIGITS_AT, node.start_mark, most=str(_MOST_DIGITS))
        return number

    def construct_existing_day(self, node: yaml.ScalarNode) -> object:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            raise _WrongYamlError(Wrong.NO_SUCH_DATE_AT, node.start_mark) from None


_ProfileLoader.add_constructor("tag:yaml.org,2002:int", _ProfileLoader.construct_short_number)
_ProfileLoader.add_constructor("tag:yaml.org,2002:timestamp", _ProfileLoader.construct_existing_day)


def _has_no_colon(key: yaml.Node, value: yaml.Node) -> bool:
    """Whether a key stands alone, as the 5 of `{fee_percent: 1,5}`, which would be 1 without a word."""
    end, start = key.end_mark, value.start_mark
    return start.index == value.end_mark.index and ":" not in (end.buffer or ":")[end.pointer : start.pointer]


def _count_nodes(node: yaml.Node, counted: dict[int, int | None]) -> int:
    """How many keys and values a node stands for, each alias in full.

    Args:
        node: The node.
        counted: By the id of a node; None while its parts are being counted.

    Raises:
        _WrongYamlError: It contains itself, or a text with a character that no text has.
    """
    if isinstance(node, yaml.ScalarNode):
        if any(unicodedata.category(letter) in _NO_TEXT and letter not in "\t\n\r" for letter in node.value):
            raise _WrongYamlError(Wrong.NO_TEXT_AT, node.start_mark)
        return 1
    known = counted.get(id(node), 0)
    if known is None:
        raise _WrongYamlError(Wrong.ALIAS_OF_ITSELF_AT, node.start_mark)
    if known == 0:
        counted[id(node)] = None
        is_list = isinstance(node, yaml.SequenceNode)
        parts = node.value if is_list else [part for pair in node.value for part in pair]
        known = 1 + sum(_count_nodes(part, counted) for part in parts)
        counted[id(node)] = known
    return known


def _refused(path: Path, what: Message, allowed: Message | None = None, *, key: str = "") -> ProfileError:
    """A profile with a single mistake."""
    return ProfileError(path, [Problem(key, what, allowed)])


def _without_empty(value: Any) -> Any:
    """Drops keys without a value, so that a key whose entries are all commented out counts as absent.

    But for the name of an organisation, which alone says that there is one.
    """
    if not isinstance(value, dict):
        return value
    kept = {key: _without_empty(part) for key, part in value.items() if part is not None}
    if isinstance(organisations := value.get("organisations"), dict):
        named = {name: {} if part is None else part for name, part in organisations.items()}
        kept["organisations"] = _without_empty(named)
    return kept


def _content(path: Path) -> bytes:
    """The bytes of a profile file.

    Raises:
        OSError: It cannot be read.
        ProfileError: It is a device or a pipe, on which reading would wait for ever, or too large for a profile.
    """
    described = path.stat()
    if not stat.S_ISREG(described.st_mode):
        raise _refused(path, Wrong.NOT_A_FILE.message())
    if described.st_size > _MOST_BYTES:
        raise _refused(path, Wrong.TOO_LARGE.message(kilobytes=_MOST_BYTES // 1024))
    return path.read_bytes()


def _read(path: Path) -> dict[Any, Any]:
    """The keys and values of a file.

    Raises:
        ProfileError: It is missing, unreadable, or not YAML with keys and values.
    """
    try:
        content = _content(path)
    except FileNotFoundError:
        known = list(_names_in(path.parent))
        raise _refused(
            path,
            Wrong.FILE_ABSENT.message(profiles=known) if known else Wrong.FILE_ABSENT_AS_ALL.message(),
            Allowed.CREATE_PROFILE.message(profile=path.stem, variable=PROFILES_VARIABLE),
        ) from None
    except OSError as error:
        raise _refused(path, Wrong.FILE_NOT_READ.message(reason=cause_of(error))) from None
    return settings_of_text(read_text(content, path), path)


def read_text(content: bytes, path: Path) -> str:
    """The text of a profile file, without a byte order mark.

    Raises:
        ProfileError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(path, Wrong.NOT_UTF8.message(), Allowed.SAVE_AS_UTF8.message()) from None


def settings_of_text(text: str, path: Path) -> dict[Any, Any]:
    """The keys and values of a profile's text, without those that have no value; settings are not checked.

    Raises:
        ProfileError: It is not YAML with keys and values.
    """
    try:
        value = yaml.load(text, Loader=_ProfileLoader)  # noqa: S506 - a subclass of SafeLoader
    except _WrongYamlError as error:
        raise _refused(path, error.what, Allowed.SEE_DEMO.message()) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise _refused(path, _not_yaml(error), Allowed.SEE_DEMO.message()) from None
    value = _without_empty({} if value is None else value)
    if not isinstance(value, dict):
        raise _refused(path, Wrong.NO_KEYS_AND_VALUES.message(), Allowed.SEE_DEMO.message())
    return value


def _not_yaml(error: Exception) -> Message:
    mark = error.problem_mark or error.context_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if mark is None:
        return Wrong.NOT_YAML.message()
    return Wrong.NOT_YAML_AT.message(line=mark.line + 1, text=str(getattr(error, "problem", "")))


def _load_alone(name: str, settings: Settings) -> Profile:
    """Reads one profile without checking the others.

    Raises:
        ProfileError: The name or the file is invalid.
    """
    path = settings.profiles_directory / f"{name}.yaml"
    try:
        return _load_file(name, path)
    except ProfileError:
        raise
    except Exception:  # noqa: BLE001 - a file that nobody foresaw must not stop the other profiles
        raise _refused(path, Wrong.NOT_A_PROFILE.message(), Allowed.SEE_DEMO.message()) from None


def _load_file(name: str, path: Path) -> Profile:
    if not NAME_PATTERN.fullmatch(name):
        raise _refused(
            path,
            Wrong.NOT_A_NAME.message(name=shown(name)),
            Allowed.FILE_NAME.message(),
        )
    content = _read(path)
    if "name" in content:
        raise _refused(path, Wrong.NAME_IN_FILE.message(), Allowed.REMOVE_LINE.message(), key="name")
    return profile_of({**content, "name": name}, path)


def profile_of(content: Mapping[Any, Any], path: Path) -> Profile:
    """A profile whose settings were already read, from whatever file.

    Args:
        content: The settings, and the profile's `name`; a key without a value counts as absent.
        path: The file they stand in, for the error.

    Raises:
        ProfileError: A setting is wrong.
    """
    content = _without_empty(dict(content))
    try:
        return Profile.model_validate(content)
    except ValidationError as error:
        name = str(content.get("name", ""))
        raise ProfileError(
            path, [problem_of(detail, name) for detail in error.errors(include_url=False)]
        ) from None


def _shared_file(name: str, others: Sequence[str], settings: Settings) -> ProfileError:
    return _refused(
        settings.profiles_directory / f"{name}.yaml",
        Wrong.SAME_DATABASE.message(profiles=others),
        Allowed.OWN_DATABASE.message(),
        key="database",
    )


def load_profile(name: str, settings: Settings) -> Profile:
    """Reads one profile.

    A key without a value counts as absent.

    Raises:
        ProfileError: The name or the file is invalid, another profile uses the same database file, or the profile is
            not among those of this installation.
    """
    profile = _load_alone(name, settings)
    if settings.chosen is not None and name not in settings.chosen:
        # Its books are elsewhere: here they would be begun a second time.
        raise _refused(
            settings.profiles_directory / f"{name}.yaml",
            Wrong.OF_ANOTHER_INSTALLATION.message(variable=CHOICE_VARIABLE, profiles=list(settings.chosen)),
            Allowed.WORK_WHERE_BOOKS_ARE.message(variable=CHOICE_VARIABLE),
        )
    own = _real_path(Workspace(profile, settings))
    others = [
        other
        for other in _names_in(settings.profiles_directory)
        if other != name and _real_path_of(other, settings) == own
    ]
    if others:
        raise _shared_file(name, others, settings)
    return profile


def _files_in(directory: Path, suffix: str) -> list[Path]:
    """The files with that ending, none if there is no such directory; hidden ones are leftovers of editors."""
    try:
        paths = sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _refused(directory, Wrong.FILE_NOT_READ.message(reason=cause_of(error))) from None
    return [path for path in paths if path.suffix == suffix and not path.name.startswith(".")]


def _names_in(directory: Path) -> list[str]:
    return [path.stem for path in _files_in(directory, ".yaml")]


def profile_names(settings: Settings) -> list[str]:
    """The names of all profiles of this installation, valid or not, in order; one that is named has perhaps no file.

    Raises:
        ProfileError: The directory cannot be read.
    """
    return list(settings.chosen or _names_in(settings.profiles_directory))


def load_profiles(settings: Settings) -> tuple[list[Profile], list[ProfileError]]:
    """All valid profiles of this installation, sorted by name, and the errors of the others.

    Two profiles with the same database file are both refused: only a person knows which one it belongs to. A
    directory that is missing or cannot be read and a file that ends in .yml are errors too: they would be ignored
    silently.
    """
    directory = settings.profiles_directory
    if not directory.is_dir():
        return [], [
            _refused(
                directory,
                Wrong.NO_DIRECTORY.message(),
                Allowed.CREATE_DIRECTORY.message(variable=PROFILES_VARIABLE),
            )
        ]
    profiles: list[Profile] = []
    try:
        wrongly_named = _files_in(directory, ".yml")
    except ProfileError as error:
        return [], [error]
    errors: list[ProfileError] = [
        _refused(path, Wrong.WRONG_ENDING.message(), Allowed.RENAME.message(file=f"{path.stem}.yaml"))
        for path in wrongly_named
    ]
    for name in profile_names(settings):
        try:
            profiles.append(_load_alone(name, settings))
        except ProfileError as error:
            errors.append(error)
    users: dict[str, list[str]] = {}
    for profile in profiles:
        users.setdefault(_real_path(Workspace(profile, settings)), []).append(profile.name)
    shared = {name: names for names in users.values() if len(names) > 1 for name in names}
    errors += [
        _shared_file(name, [other for other in names if other != name], settings)
        for name, names in shared.items()
    ]
    return [profile for profile in profiles if profile.name not in shared], errors


def _real_path(workspace: Workspace) -> str:
    """The file with links and dots resolved, to detect two profiles that use the same one."""
    return os.path.realpath(workspace.database)


def _real_path_of(name: str, settings: Settings) -> str | None:
    """The database file of another profile; None if that profile is invalid and so writes nowhere."""
    try:
        text = _content(settings.profiles_directory / f"{name}.yaml")
        # A quoted key may hide the word behind escapes.
        if b"database" in text or b"\\" in text:
            return _real_path(Workspace(_load_alone(name, settings), settings))
    except (OSError, ProfileError):
        return None
    # Reading twenty profiles in full would noticeably slow down every command.
    return os.path.realpath(settings.data_directory / f"{name}.duckdb")
