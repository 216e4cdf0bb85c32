"""Reads profile files: YAML, one profile or all, and two profiles that would share a database file."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from keycrm_pipeline.profile.models import NAME_PATTERN, Profile
from keycrm_pipeline.profile.problems import Problem, ProfileError, problem_of, shown
from keycrm_pipeline.profile.workspace import PROFILES_VARIABLE, Settings, Workspace


class _ProfileLoader(yaml.SafeLoader):
    """YAML that loses nothing silently: a key that stands twice, or an impossible day, is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {shown(key)} stands twice; the second would win silently",
                    key_node.start_mark,
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_existing_day(self, node: yaml.ScalarNode) -> object:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, "there is no such day", node.start_mark
            ) from None


_ProfileLoader.add_constructor("tag:yaml.org,2002:timestamp", _ProfileLoader.construct_existing_day)


def _without_empty(value: object) -> object:
    """Leaves out keys without a value, so that a key whose entries are all comments counts as left out."""
    if isinstance(value, dict):
        return {key: _without_empty(part) for key, part in value.items() if part is not None}
    return value


def _read(path: Path) -> dict[Any, Any]:
    """The keys and values of a file.

    Raises:
        ProfileError: It is missing, unreadable, or no YAML with keys and values.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        known = ", ".join(_names_in(path.parent)) or "none"
        raise ProfileError(
            path,
            [
                Problem(
                    "",
                    f"there is no such file (profiles there: {known})",
                    f"Make one with `keycrm-pipeline init --profile {path.stem}`, or set {PROFILES_VARIABLE}",
                )
            ],
        ) from None
    except UnicodeDecodeError:
        raise ProfileError(path, [Problem("", "it is not in UTF-8", "Save it as UTF-8 text")]) from None
    except OSError as error:
        raise ProfileError(path, [Problem("", f"it cannot be read: {error.strerror}")]) from None
    try:
        value = yaml.load(text, Loader=_ProfileLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}" if mark else "it is no YAML"
        raise ProfileError(
            path, [Problem("", f"{place}: {error.problem}", "Look at profiles/demo.yaml")]
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise ProfileError(
            path, [Problem("", "it is no YAML that can be read", "Look at profiles/demo.yaml")]
        ) from None
    value = _without_empty({} if value is None else value)
    if not isinstance(value, dict):
        raise ProfileError(path, [Problem("", "it holds no keys and values", "Look at profiles/demo.yaml")])
    return value


def _load_alone(name: str, settings: Settings) -> Profile:
    """Reads one profile without a look at the others."""
    path = settings.profiles_directory / f"{name}.yaml"
    if not NAME_PATTERN.fullmatch(name):
        raise ProfileError(
            path,
            [
                Problem(
                    "",
                    f"«{shown(name)}» is no name of a profile",
                    "The file's name must begin with a-z, hold only a-z, 0-9 and _, and end in .yaml",
                )
            ],
        )
    content = _read(path)
    if "name" in content:
        raise ProfileError(
            path, [Problem("name", "the file's name is the profile's name", "Take this line out")]
        )
    try:
        return Profile.model_validate({**content, "name": name})
    except ValidationError as error:
        raise ProfileError(
            path, [problem_of(detail, name) for detail in error.errors(include_url=False)]
        ) from None


def _shared_file(name: str, others: Sequence[str], settings: Settings) -> ProfileError:
    return ProfileError(
        settings.profiles_directory / f"{name}.yaml",
        [
            Problem(
                "database",
                f"profile {', '.join(others)} has the same file",
                "Each account needs a file of its own, else their orders would be mixed",
            )
        ],
    )


def load_profile(name: str, settings: Settings) -> Profile:
    """Reads one profile.

    A key without a value counts as left out.

    Raises:
        ProfileError: The name or the file has mistakes, or another profile has the same database file.
    """
    profile = _load_alone(name, settings)
    own = _real_path(profile, settings)
    others = [
        other
        for other in _names_in(settings.profiles_directory)
        if other != name and _real_path_of(other, settings) == own
    ]
    if others:
        raise _shared_file(name, others, settings)
    return profile


def _names_in(directory: Path) -> Iterator[str]:
    for path in sorted(directory.glob("*.yaml")):
        # Hidden files are what editors leave behind.
        if not path.name.startswith("."):
            yield path.stem


def profile_names(settings: Settings) -> list[str]:
    """The names of all profiles, good or not, in order."""
    return list(_names_in(settings.profiles_directory))


def load_profiles(settings: Settings) -> tuple[list[Profile], list[ProfileError]]:
    """All profiles of the directory in order of their names, and the mistakes of those that cannot be used.

    Two profiles with one database file are both refused: which of them it belongs to, only a person knows. A
    directory that is missing, and a file that ends in .yml, are mistakes too: they would vanish silently.
    """
    directory = settings.profiles_directory
    if not directory.is_dir():
        missing = Problem("", "there is no such directory", f"Make it, or set {PROFILES_VARIABLE}")
        return [], [ProfileError(directory, [missing])]
    profiles: list[Profile] = []
    errors: list[ProfileError] = [
        ProfileError(path, [Problem("", "its name ends in .yml", f"Rename it to {path.stem}.yaml")])
        for path in sorted(directory.glob("*.yml"))
        if not path.name.startswith(".")
    ]
    for name in profile_names(settings):
        try:
            profiles.append(_load_alone(name, settings))
        except ProfileError as error:
            errors.append(error)
    users: dict[str, list[str]] = {}
    for profile in profiles:
        users.setdefault(_real_path(profile, settings), []).append(profile.name)
    shared = {name: names for names in users.values() if len(names) > 1 for name in names}
    errors += [
        _shared_file(name, [other for other in names if other != name], settings)
        for name, names in shared.items()
    ]
    return [profile for profile in profiles if profile.name not in shared], errors


def _real_path(profile: Profile, settings: Settings) -> str:
    """The file behind links and dots, to tell whether two profiles mean the same one."""
    return os.path.realpath(Workspace(profile, settings).database)


def _real_path_of(name: str, settings: Settings) -> str | None:
    """The database file of another profile; None while that profile has mistakes and so writes nowhere."""
    try:
        text = (settings.profiles_directory / f"{name}.yaml").read_bytes()
        if b"database" in text:
            return _real_path(_load_alone(name, settings), settings)
    except (OSError, ProfileError):
        return None
    # Reading twenty profiles in full would be felt in every command.
    return os.path.realpath(settings.data_directory / f"{name}.duckdb")
