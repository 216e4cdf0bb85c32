"""Changes single settings in the text of a profile file; every other line stays as a person wrote it.

The text is changed in place, at the marks of the parser that reads profiles, instead of being written anew: comments,
order, quotes, indentation and line ends stay. Afterwards it is read again, and only a text that says exactly what was
asked for is used. So an anchor, a merge key or anything else in which one text has several meanings is refused rather
than damaged.

What is not here: which settings can be changed where (`page.setting_fields`), and what is a valid value (`models`).
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import re
import stat
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from keycrm_pipeline.profile.document_settings import NOT_BOOKED
from keycrm_pipeline.profile.loading import profile_of, read_text, settings_of_text
from keycrm_pipeline.profile.models import DOCUMENT_SETTINGS, Profile
from keycrm_pipeline.profile.problems import ProfileError
from keycrm_pipeline.profile.workspace import Settings

Setting = tuple[str | int, ...]
"""Where a setting stands, such as `("statuses", "stages", 12)`."""

Scalar = str | int | bool | Decimal | date
Value = Scalar | Sequence[Scalar] | None
"""What a setting is changed to; None removes it, so that its default holds again."""

_BOM = "\ufeff"
_STEP = 2
"""Columns by which a new section is indented."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""What finds the places in a text. libyaml is ten times as fast where it is there; its marks count characters too."""

_BREAK = re.compile(r"\r\n|\n|\r")
_LIKE_A_NUMBER = re.compile(r"[\d.:_+-]+")
"""A text that some reader of YAML takes for a number or a time, such as 06:45."""

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"
_WRITING = threading.Lock()
"""Two people who save at the same moment must not both find the file that they have read."""


class NotEditableError(Exception):
    """The file is written in a way in which the setting cannot be changed without changing something else.

    Attributes:
        setting: The setting.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        super().__init__(
            f"{dotted(setting)} cannot be changed here without changing other parts of the file, such as an anchor "
            "that several settings share. Change it in the file with a text editor."
        )


class FileChangedError(Exception):
    """The file on disk is no longer the one that was read; nothing was written."""


class NotWrittenError(Exception):
    """The file cannot be written; the text says why, and the old file is as it was."""


@dataclass(frozen=True)
class ProfileFile:
    """A profile file as it was read.

    Attributes:
        name: Name of the profile.
        path: Where it is.
        content: Its bytes.
    """

    name: str
    path: Path
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def text(self) -> str:
        """The text, without a byte order mark.

        Raises:
            ProfileError: It is not UTF-8.
        """
        return read_text(self.content, self.path)

    @cached_property
    def settings(self) -> dict[Any, Any]:
        """What stands in the file, without defaults; a key without a value counts as absent.

        Raises:
            ProfileError: It is not YAML with keys and values.
        """
        return settings_of_text(self.text, self.path)

    @cached_property
    def profile(self) -> Profile:
        """The profile that it describes.

        Raises:
            ProfileError: The file has a mistake.
        """
        return profile_of({**self.settings, "name": self.name}, self.path)


def dotted(setting: Setting) -> str:
    """A setting as errors name it, such as `statuses.stages.12`."""
    return ".".join(map(str, setting))


def changes_documents(setting: Setting) -> bool:
    """Whether what is booked already follows a change of the setting at a `rebuild`."""
    if setting[-1] in NOT_BOOKED:
        return False
    return any(dotted(setting[:depth]) in DOCUMENT_SETTINGS for depth in range(1, len(setting) + 1))


def read_profile_file(name: str, settings: Settings) -> ProfileFile:
    """Reads a profile file without judging it.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read.
    """
    path = settings.profiles_directory / f"{name}.yaml"
    return ProfileFile(name, path, path.read_bytes())


def with_changes(file: ProfileFile, changes: Mapping[Setting, Value]) -> ProfileFile:
    """The file with some settings changed, checked as every profile is; nothing is written.

    Args:
        file: The file.
        changes: Setting -> its new value. A value that the file has already changes nothing.

    Raises:
        ProfileError: The outcome would be a profile with mistakes, or the file is one already.
        NotEditableError: A setting cannot be changed without changing something else.
    """
    wanted = copy.deepcopy(file.settings)
    for setting, value in changes.items():
        _put(wanted, setting, value)
    profile_of({**wanted, "name": file.name}, file.path)
    # What is removed goes last: its line shows where the new ones belong.
    ordered = sorted(changes.items(), key=lambda change: change[1] is None)
    text = _with_values(
        file, [change for change in ordered if _of(file.settings, change[0]) != _plain(change[1])]
    )
    bom = _BOM if file.content.startswith(_BOM.encode("utf-8")) else ""
    return replace(file, content=(bom + text).encode("utf-8"))


def write_profile_file(read: ProfileFile, new: ProfileFile) -> None:
    """Puts a changed file in the place of the one that was read; at every moment one of the two is there, complete.

    A link to a file elsewhere stays, and that file is replaced. Only a link to a profile inside this package, as the
    repository has one, becomes a file of its own: what is installed is never written to.

    Raises:
        FileChangedError: The file on disk is no longer the one that was read.
        NotWrittenError: It cannot be written.
    """
    target = read.path
    real = Path(os.path.realpath(target))
    package = Path(os.path.realpath(str(resources.files("keycrm_pipeline"))))
    if not real.is_relative_to(package):
        target = real
    with _WRITING:
        try:
            if read.path.read_bytes() != read.content:
                raise FileChangedError
            mode = stat.S_IMODE(read.path.stat().st_mode) | stat.S_IWUSR
            _write(target, new.content, mode)
        except FileNotFoundError:
            raise FileChangedError from None
        except OSError as error:
            raise NotWrittenError(f"{read.path} cannot be written: {error.strerror}.") from None


def _write(target: Path, content: bytes, mode: int) -> None:
    # Hidden, so that a part that a power failure left is no profile.
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _with_values(
    file: ProfileFile, changes: Sequence[tuple[Setting, Value]], *, checks_each: bool = False
) -> str:
    """The text with all changes, read again to see that it says what is wanted.

    Args:
        file: The file.
        changes: The changes, in order.
        checks_each: Whether it is read again after each, to find the one that is to blame; slower.

    Raises:
        NotEditableError: It would not say what is wanted; the error names the first setting that is to blame.
    """
    text = file.text
    wanted = copy.deepcopy(file.settings)
    for number, (setting, value) in enumerate(changes, start=1):
        _put(wanted, setting, value)
        try:
            text = _with_value(text, setting, value)
            is_checked = checks_each or number == len(changes)
            is_right = not is_checked or (
                _without_empty(settings_of_text(text, file.path)) == _without_empty(wanted)
            )
        except (ProfileError, yaml.YAMLError):
            is_right = False
        if not is_right:
            if not checks_each:
                _with_values(file, changes, checks_each=True)
            raise NotEditableError(setting)
    return text


# What the file says, as keys and values.


def _plain(value: Value) -> object:
    """A value as the file's own values are read."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _of(content: Mapping[Any, Any], setting: Setting) -> object:
    found: object = content
    for part in setting:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(content: dict[Any, Any], setting: Setting, value: Value) -> None:
    section = content
    for part in setting[:-1]:
        if section.get(part) is None:
            if value is None:
                return
            section[part] = {}
        section = section[part]
        if not isinstance(section, dict):
            raise NotEditableError(setting)
    if value is None:
        section.pop(setting[-1], None)
    else:
        section[setting[-1]] = copy.copy(_plain(value))


def _without_empty(value: Any) -> Any:
    """Drops empty sections: one whose entries are all comments is absent."""
    if not isinstance(value, dict):
        return value
    parts = {key: _without_empty(part) for key, part in value.items()}
    return {key: part for key, part in parts.items() if part not in (None, {})}


# The text.


def _with_value(text: str, setting: Setting, value: Value) -> str:
    """The text with one setting changed; whether it then says what is wanted is checked by the caller."""
    node = yaml.compose(text, Loader=_LOADER)
    if node is None:
        return text if value is None else _new_line(text, len(text), _entry_lines(setting, value, 0, text))
    begin = 0
    for depth, part in enumerate(setting):
        if not isinstance(node, yaml.MappingNode):
            raise NotEditableError(setting)
        found = _entry(node, part)
        rest = setting[depth:]
        if found is None:
            return text if value is None else _inserted(text, node, begin, rest, value)
        key, node_of_value = found
        if len(rest) == 1:
            if value is None:
                return _removed(text, node, key, node_of_value)
            return _replaced(text, key, node_of_value, value, in_flow=bool(node.flow_style))
        if node_of_value.tag == _NULL:
            return text if value is None else _filled(text, node, key, node_of_value, rest[1:], value)
        node, begin = node_of_value, _after_colon(text, key)
    raise NotEditableError(setting)


def _entry(node: yaml.MappingNode, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE and _read_scalar(key) == part:
            return key, value
    return None


def _read_scalar(node: yaml.Node) -> object:
    return yaml.SafeLoader("").construct_object(node, deep=True)


def _inserted(text: str, node: yaml.MappingNode, begin: int, setting: Setting, value: Value) -> str:
    """The text with a setting that was not there: where it is proposed as a comment, else as the last of its section.

    Args:
        text: The text.
        node: The section.
        begin: Where the section begins, with the comments above its first entry.
        setting: The setting within the section.
        value: Its value.
    """
    if node.flow_style:
        return _appended_in_flow(text, node, [last for _key, last in node.value], _flow_entry(setting, value))
    column = node.value[0][0].start_mark.column
    entries = [(key.start_mark.index, _last_index(text, last)) for key, last in node.value]
    proposal = _proposal(text, begin, node.end_mark.index, setting, column, entries)
    if proposal is not None:
        return _uncommented(text, proposal, setting, value, column)
    end = _line_end(text, _last_index(text, node))
    return _new_line(text, end, _entry_lines(setting, value, column, text))


def _filled(
    text: str, parent: yaml.MappingNode, key: yaml.Node, empty: yaml.Node, setting: Setting, value: Value
) -> str:
    """The text with the first entry of a section that is there without any."""
    start, end = empty.start_mark.index, empty.end_mark.index
    colon = _after_colon(text, key)
    if parent.flow_style:
        return f"{text[:colon]} {{{_flow_entry(setting, value)}}}{text[end:]}"
    if end > start:
        # `~` or `null`.
        text = text[:colon] + text[end:]
    column = key.start_mark.column
    begin = stop = _line_end(text, colon)
    deeper = None
    # Up to the next line that is neither blank nor a comment.
    while stop < len(text):
        following = _line_end(text, stop + len(_break_at(text, stop)))
        line = text[stop:following].strip()
        if line and not line.startswith("#"):
            break
        stop = following
    for line in text[begin:stop].splitlines():
        hash_column = len(line) - len(line.lstrip())
        if line.strip() and hash_column > column:
            deeper = hash_column
            break
    own = deeper or column + _STEP
    proposal = _proposal(text, begin, stop, setting, own)
    if proposal is not None:
        return _uncommented(text, proposal, setting, value, own)
    return _new_line(text, begin, _entry_lines(setting, value, own, text))


def _proposal(
    text: str,
    begin: int,
    stop: int,
    setting: Setting,
    column: int,
    entries: Sequence[tuple[int, int]] = (),
) -> tuple[int, int] | None:
    """Where the setting stands as a comment, as `init` writes what can be mapped: beginning and end of the line.

    Args:
        text: The text.
        begin: Where to look from.
        stop: Where to look to.
        setting: The setting within its section.
        column: Column of the section's entries.
        entries: Beginning and end of entries; a comment inside of one belongs to that.
    """
    # A comment that proposes a section with settings of its own is recognised by an id alone.
    if len(setting) != 1 and not isinstance(setting[0], int):
        return None
    pattern = re.compile(
        rf"^[ ]{{{column}}}#[ ]?{re.escape(str(setting[0]))}:(?:[ ][^\r\n]*)?$", re.MULTILINE
    )
    for found in pattern.finditer(text.replace("\r", "\n"), begin, stop):
        if not any(first < found.start() < last for first, last in entries):
            return found.span()
    return None


def _uncommented(text: str, proposal: tuple[int, int], setting: Setting, value: Value, column: int) -> str:
    """The text with a proposed entry used, and the comment behind it kept; a sentence that names a setting stays."""
    begin, end = proposal
    lines = _entry_lines(setting, value, column, text)
    if not isinstance(setting[0], int):
        return _new_line(text, end, lines)
    entry = text[begin:end].lstrip(" #")
    tail = ""
    with contextlib.suppress(yaml.YAMLError):
        node = yaml.compose(entry, Loader=_LOADER)
        if isinstance(node, yaml.MappingNode):
            tail = entry[node.value[-1][1].end_mark.index :]
    return text[:begin] + lines + tail.rstrip() + text[end:]


def _removed(text: str, parent: yaml.MappingNode, key: yaml.Node, value: yaml.Node) -> str:
    if parent.flow_style:
        spans = [(first.start_mark.index, last.end_mark.index) for first, last in parent.value]
        return _without_in_flow(text, spans, key.start_mark.index)
    return _without_lines(text, key.start_mark, max(_after_colon(text, key), _last_index(text, value)))


def _replaced(text: str, key: yaml.Node, node: yaml.Node, value: Value, *, in_flow: bool) -> str:
    colon = _after_colon(text, key)
    if isinstance(node, yaml.SequenceNode) and isinstance(value, Sequence) and not isinstance(value, str):
        return _with_items(text, node, list(value))
    written = (
        _flow_value(value) if not isinstance(value, str) else _text(value, _style(node), in_flow=in_flow)
    )
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        kept = _without_lines(text, node.start_mark, _last_index(text, node))
        return f"{kept[:colon]} {written}{kept[colon:]}"
    start, end = node.start_mark.index, node.end_mark.index
    if end == start:
        return f"{text[:colon]} {written}{text[colon:]}"
    end = start + len(text[start:end].rstrip())
    return text[:start] + written + text[end:]


def _with_items(text: str, node: yaml.SequenceNode, wanted: list[Scalar]) -> str:
    """The text with the items of a list changed: those that stay keep their lines."""
    before = [_read_scalar(item) for item in node.value]
    kept = [item for item in before if item in wanted]
    if kept != wanted[: len(kept)] or len(set(map(str, before))) != len(before):
        # In another order: each place gets its new item.
        kept = before[: len(wanted)]
        for item, new in reversed(list(zip(node.value, wanted, strict=False))):
            if _read_scalar(item) != new:
                end = item.start_mark.index + len(text[item.start_mark.index : item.end_mark.index].rstrip())
                text = text[: item.start_mark.index] + _flow_value(new) + text[end:]
        node = _same(text, node)
        gone = node.value[len(wanted) :]
    else:
        gone = [item for item, old in zip(node.value, before, strict=True) if old not in wanted]
    added = wanted[len(kept) :]
    # What is added stands behind the last item, so that comes first: marks before it stay true.
    if added:
        if node.flow_style:
            text = _appended_in_flow(text, node, node.value, ", ".join(map(_flow_value, added)))
        else:
            indent = " " * (node.start_mark.column)
            lines = _newline(text).join(f"{indent}- {_flow_value(item)}" for item in added)
            text = _new_line(text, _line_end(text, _last_index(text, node)), lines)
    for item in reversed(gone):
        if node.flow_style:
            now = _same(text, node)
            spans = [(part.start_mark.index, part.end_mark.index) for part in now.value]
            text = _without_in_flow(text, spans, item.start_mark.index)
        else:
            text = _without_lines(text, item.start_mark, _last_index(text, item))
    return text


def _same(text: str, node: yaml.SequenceNode) -> yaml.SequenceNode:
    """The list that begins where another one did, in a text that was changed behind its beginning."""
    waiting: list[Any] = [yaml.compose(text, Loader=_LOADER)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, yaml.SequenceNode) and part.start_mark.index == node.start_mark.index:
            return part
        if isinstance(part, yaml.MappingNode):
            waiting += [value for _key, value in part.value]
    raise yaml.YAMLError


def _appended_in_flow(text: str, node: yaml.CollectionNode, items: Sequence[yaml.Node], new: str) -> str:
    if not items:
        # Behind the opening bracket, which an anchor or a tag may precede.
        place = text.index("[" if isinstance(node, yaml.SequenceNode) else "{", node.start_mark.index) + 1
        return text[:place] + new + text[place:]
    place = items[-1].end_mark.index
    return f"{text[:place]}, {new}{text[place:]}"


def _without_in_flow(text: str, spans: Sequence[tuple[int, int]], start: int) -> str:
    """The text without the item that begins at a place, between brackets, and without its comma; comments stay.

    Args:
        text: The text.
        spans: Beginning and end of every item.
        start: Where the item begins.
    """
    place = [begin for begin, _end in spans].index(start)
    begin, end = spans[place]
    comma = re.compile(r"[ ]*,[ ]*").match(text, end)
    if comma:
        return text[:begin] + text[comma.end() :]
    if place and "#" not in text[spans[place - 1][1] : begin]:
        begin = spans[place - 1][1]
    return text[:begin] + text[end:]


def _without_lines(text: str, mark: yaml.Mark, last: int) -> str:
    """The text without some lines; with a comment in them they become comments, so that it is not lost."""
    begin = mark.index - mark.column
    end = _line_end(text, last)
    lines = text[begin:end]
    if "#" not in lines:
        return text[:begin] + text[end + len(_break_at(text, end)) :]
    commented = re.sub(
        r"(?m)^([ ]*)(?=[^ #\r\n])",
        lambda found: (
            " " * min(len(found[1]), mark.column) + "# " + " " * max(0, len(found[1]) - mark.column)
        ),
        lines,
    )
    return text[:begin] + commented + text[end:]


def _last_index(text: str, node: yaml.Node) -> int:
    """Where the content of a node ends, without what stands between it and the next one."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(node, yaml.MappingNode):
            return max(_after_colon(text, last[0]), _last_index(text, last[1]))
        return _last_index(text, last)
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _after_colon(text: str, key: yaml.Node) -> int:
    return text.index(":", key.end_mark.index) + 1


def _break_at(text: str, place: int) -> str:
    found = _BREAK.match(text, place)
    return found[0] if found else ""


def _line_end(text: str, place: int) -> int:
    """Where the line ends that contains a place, without its line break."""
    found = _BREAK.search(text, place)
    return found.start() if found else len(text)


def _newline(text: str) -> str:
    """The line break that the file uses."""
    found = _BREAK.search(text)
    return found[0] if found else "\n"


def _new_line(text: str, end: int, lines: str) -> str:
    """The text with lines behind the one that ends at a place."""
    if end == len(text) and (not text or text.endswith(("\n", "\r"))):
        return text + lines + _newline(text)
    return text[:end] + _newline(text) + lines + text[end:]


def _entry_lines(setting: Setting, value: Value, column: int, text: str) -> str:
    lines = []
    for depth, part in enumerate(setting):
        key = f"{' ' * (column + depth * _STEP)}{_flow_value(part)}:"
        lines.append(key if depth + 1 < len(setting) else f"{key} {_block_value(value)}")
    return _newline(text).join(lines)


def _flow_entry(setting: Setting, value: Value) -> str:
    key, *rest = map(_flow_value, setting)
    written = _flow_value(value)
    for part in reversed(rest):
        written = f"{{{part}: {written}}}"
    return f"{key}: {written}"


def _style(node: yaml.Node) -> str | None:
    return node.style if isinstance(node, yaml.ScalarNode) else None


def _block_value(value: Value) -> str:
    return _text(value, None, in_flow=False) if isinstance(value, str) else _flow_value(value)


def _flow_value(value: Value) -> str:
    """A value as it can stand anywhere, also between brackets."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, None, in_flow=True)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_flow_value, value))}]"
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(value: str, style: str | None, *, in_flow: bool) -> str:
    """A text in quotes of the given style, or without them where YAML reads it as the same text."""
    quoted = "".join(
        sign if sign.isprintable() else json.dumps(sign)[1:-1]
        for sign in json.dumps(value, ensure_ascii=False)
    )
    if not value.isprintable():
        return quoted
    if style is None and _LIKE_A_NUMBER.fullmatch(value):
        return quoted
    written = {'"': quoted, "'": "'" + value.replace("'", "''") + "'"}.get(style or "", value)
    for candidate in (written, quoted):
        around = f"[{candidate}]" if in_flow else f"- {candidate} # a comment"
        with contextlib.suppress(yaml.YAMLError, ValueError):
            if yaml.safe_load(around) == [value]:
                return candidate
    return quoted
