"""Single settings are changed in the text of a profile; everything else stays as a person wrote it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from keycrm_pipeline.profile import ProfileError, Settings, editing
from keycrm_pipeline.profile.editing import (
    FileChangedError,
    NotEditableError,
    NotWrittenError,
    ProfileFile,
    Setting,
    Value,
    read_profile_file,
    with_changes,
    write_profile_file,
)

DEMO = (resources.files("keycrm_pipeline.profile") / "demo.yaml").read_text("utf-8")


def file_of(text: str) -> ProfileFile:
    return ProfileFile("shop", Path("shop.yaml"), text.encode("utf-8"))


def edited(text: str, **changes: Value) -> str:
    """The text with settings changed; `statuses__stages__12` names one in a section."""
    return changed(
        text,
        {
            tuple(int(part) if part.isdecimal() else part for part in name.split("__")): value
            for name, value in changes.items()
        },
    )


def changed(text: str, changes: Mapping[Setting, Value]) -> str:
    return with_changes(file_of(text), changes).content.decode("utf-8")


def differing(before: str, after: str) -> tuple[list[str], list[str]]:
    """Lines that only one of two texts has, in order."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


START = "start_date: 2024-01-01\n"


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        # A value in place; the comment behind it, quotes and blanks stay.
        ("author:   Оксана  # хто веде\n", {"author": "Ірина"}, "author:   Ірина  # хто веде\n"),
        ("author: 'Оксана'\n", {"author": "Д'Артаньян"}, "author: 'Д''Артаньян'\n"),
        ('author: "Оксана"\n', {"author": 'ТОВ "Вишня"'}, 'author: "ТОВ \\"Вишня\\""\n'),
        ("", {"author": "два\u2028рядки"}, 'author: "два\\u2028рядки"\n'),
        ("author: >-\n  Оксана\n  Іванівна\n\n# далі\n", {"author": "Ірина"}, "author: Ірина\n\n# далі\n"),
        ("author: Оксана\n  Іванівна\n", {"author": "Ірина"}, "author: Ірина\n"),
        ("author: # ще немає\n", {"author": "Ірина"}, "author: Ірина # ще немає\n"),
        # Text that YAML would read as something else is put in quotes.
        ("", {"author": "12:30"}, 'author: "12:30"\n'),
        ("", {"author": "06:45"}, 'author: "06:45"\n'),
        ("", {"author": "no"}, 'author: "no"\n'),
        ("", {"author": "a: b # c"}, 'author: "a: b # c"\n'),
        ("", {"author": "1.50"}, 'author: "1.50"\n'),
        ("", {"delivery_service": "Доставка, {1}"}, "delivery_service: Доставка, {1}\n"),
        # Removed: the line goes, but one with a comment becomes a comment.
        ("author: Оксана\naccount: Каса\n", {"author": None}, "account: Каса\n"),
        ("author: Оксана # так\naccount: Каса\n", {"author": None}, "# author: Оксана # так\naccount: Каса\n"),
        # New, behind the last entry of its section, as deep as that.
        ("managers:\n    1: anna # Анна\n    # кінець\n", {"managers__2": "b"},
         "managers:\n    1: anna # Анна\n    2: b\n    # кінець\n"),
        # What `init` proposes as comments is used, and what stands behind it stays.
        (
            "managers:\n  # 1: \"Анна\"  # Власниця\n  # 2: \"Богдан\"\n# Інше\nauthor: А\n",
            {"managers__1": "anna"},
            "managers:\n  1: anna  # Власниця\n  # 2: \"Богдан\"\n# Інше\nauthor: А\n",
        ),
        (
            "managers:\n  1: anna # Анна\n  2: b\n",
            {"managers__1": None},
            "managers:\n  # 1: anna # Анна\n  2: b\n",
        ),
        ("managers:\n  # 1: anna # Анна\n  2: b\n", {"managers__1": "c"}, "managers:\n  1: c # Анна\n  2: b\n"),
        # A sentence that happens to name a setting is no proposal.
        ("# author: хто веде облік\n", {"author": "А"}, "# author: хто веде облік\nauthor: А\n"),
        # Sections that are not there, and empty ones.
        ("", {"statuses__stages__12": "Закрито"}, "statuses:\n  stages:\n    12: Закрито\n"),
        ("statuses: {}\n", {"statuses__stages__12": "Закрито"}, "statuses: {stages: {12: Закрито}}\n"),
        ("managers: ~ # ніхто\n", {"managers__2": "b"}, "managers: # ніхто\n  2: b\n"),
        ("managers:\n  1: a\n", {"managers__1": None}, "managers:\n"),
        # Between brackets.
        ("managers: {1: a, 2: b}\n", {"managers__1": None, "managers__3": "c, d"}, 'managers: {2: b, 3: "c, d"}\n'),
        ("managers: {1: a, 2: b}\n", {"managers__2": None}, "managers: {1: a}\n"),
        # Lists keep the lines of the items that stay.
        ("service_categories: [7, 9] # послуги\n", {"service_categories": [9, 12]},
         "service_categories: [9, 12] # послуги\n"),
        ("service_categories:\n- 7 # Доставка\n- 9\n", {"service_categories": [7, 12]},
         "service_categories:\n- 7 # Доставка\n- 12\n"),
        ("service_categories:\n  - 7 # Доставка\n  - 9\n", {"service_categories": [9]},
         "service_categories:\n  # - 7 # Доставка\n  - 9\n"),
        ("service_categories: [\n  7, # Доставка\n  9 # Монтаж\n]\n", {"service_categories": [7, 12]},
         "service_categories: [\n  7, # Доставка\n  12 # Монтаж\n]\n"),
        ("placeholder_skus: [a, b]\n", {"placeholder_skus": ["b", "a", "c"]}, "placeholder_skus: [b, a, c]\n"),
        # Another kind of value.
        ("statuses:\n  load: all # усі\n", {"statuses__load": [1, 12]}, "statuses:\n  load: [1, 12] # усі\n"),
        ("statuses:\n  load:\n    - 1 # Новий\n    - 12\n  stages: {}\n", {"statuses__load": "all"},
         "statuses:\n  load: all\n    # - 1 # Новий\n    # - 12\n  stages: {}\n"),
        ("statuses:\n  load:\n  - 1\n  - 12\n  stages: {}\n", {"statuses__load": "all"},
         "statuses:\n  load: all\n  stages: {}\n"),
        ("statuses: {load: [1, 12]}\n", {"statuses__load": "all"}, "statuses: {load: all}\n"),
        ("", {"source_number_in_comment": True, "requests_per_minute": 60},
         "source_number_in_comment: true\nrequests_per_minute: 60\n"),
    ],
)  # fmt: skip
def test_one_change_touches_one_place(
    before: str, changes: dict[str, Value], after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edited(START + before, **changes) == START + after
    # The same in a file from Windows, without a final line break, and with a byte order mark.
    windows = ("\ufeff" + START + before).replace("\n", "\r\n")
    assert edited(windows, **changes) == ("\ufeff" + START + after).replace("\n", "\r\n")
    cut = edited((START + before).removesuffix("\n"), **changes)
    assert cut.removesuffix("\n") == (START + after).removesuffix("\n")
    # And where PyYAML was built without libyaml.
    monkeypatch.setattr(editing, "_LOADER", yaml.SafeLoader)
    assert edited(START + before, **changes) == START + after


def test_of_many_changes_the_one_that_cannot_be_made_is_named() -> None:
    text = START + "author: &name Оксана\naccounts:\n  2: *name\n"
    with pytest.raises(NotEditableError) as refused:
        edited(text, accounts__1="Каса", author="Ірина", accounts__3="Інша")
    assert refused.value.setting == ("author",)


def test_a_proposed_payment_method_is_used_setting_by_setting() -> None:
    """What `init` proposes as a comment becomes the entry, of which only what was entered counts."""
    text = (
        "start_date: 2024-01-01\n"
        "payment_methods:\n"
        '  # 5: {account: "Післяплата", kind: cash_on_delivery}\n'
        '  # 6: {account: "Каса"}  # has no name in KeyCRM\n'
    )
    first = edited(text, payment_methods__5__kind="cash_on_delivery")
    assert first == text.replace(
        '  # 5: {account: "Післяплата", kind: cash_on_delivery}\n', "  5:\n    kind: cash_on_delivery\n"
    )
    both = edited(first, payment_methods__5__receipt="by_carrier", payment_methods__6__account="Сейф")
    assert both == first.replace(
        "    kind: cash_on_delivery\n", "    kind: cash_on_delivery\n    receipt: by_carrier\n"
    ).replace('  # 6: {account: "Каса"}', "  6:\n    account: Сейф")


def test_the_demo_profile_changes_in_the_lines_that_were_asked_for_alone() -> None:
    after = edited(
        DEMO,
        start_date=date(2025, 2, 1),
        author="Марія",
        payment_methods__1=None,
        payment_methods__5__receipt="own",
        payment_methods__6__receipt="own",
        managers__5="olena_k",
        managers__6="new",
        statuses__load=[1, 12],
        statuses__stages__22="Повернення",
        service_categories=[7, 8],
    )
    gone, new = differing(DEMO, after)
    assert gone == [
        "start_date: 2023-01-01",
        "author: Оператор обміну",
        "  1: {account: Каса магазину, kind: cash} # Готівка",
        "  5: {account: Розрахунки з НоваПей, kind: cash_on_delivery, receipt: by_carrier} # Післяплата",
        "  6: {account: Пром-оплата, kind: marketplace} # Пром-оплата",
        "service_categories: [7] # Послуги",
        "  5: olena",
        "  load: all",
    ]
    assert new == [
        "start_date: 2025-02-01",
        "author: Марія",
        "  # 1: {account: Каса магазину, kind: cash} # Готівка",
        "  5: {account: Розрахунки з НоваПей, kind: cash_on_delivery, receipt: own} # Післяплата",
        "  6: {account: Пром-оплата, kind: marketplace, receipt: own} # Пром-оплата",
        "service_categories: [7, 8] # Послуги",
        "  5: olena_k",
        "  6: new",
        "  load: [1, 12]",
        "    22: Повернення",
    ]


def test_what_is_said_already_changes_nothing() -> None:
    assert edited(DEMO, author="Оператор обміну", statuses__load="all", service_categories=[7]) == DEMO
    assert edited(DEMO, managers__77=None, keycrm_url=None) == DEMO


@pytest.mark.parametrize(
    ("text", "setting", "value"),
    [
        # The text of one setting is that of another one.
        ("author: &name Оксана\ndefault_partner: *name\n", ("author",), "Ірина"),
        ("author: &name Оксана\ndefault_partner: *name\n", ("default_partner",), "Ірина"),
        ("managers: &people\n  1: a\naccounts: *people\n", ("managers", 1), "b"),
        ("managers: &people\n  1: a\naccounts:\n  <<: *people\n  2: b\n", ("accounts", 1), None),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, setting: Setting, value: Value) -> None:
    with pytest.raises(NotEditableError) as refused:
        changed(START + text, {setting: value})
    assert ".".join(map(str, setting)) in str(refused.value)


def test_a_file_with_an_anchor_can_be_changed_elsewhere() -> None:
    text = START + "managers: &people\n  1: a\naccounts:\n  <<: *people\n  2: b\n"
    assert edited(text, accounts__1="Каса", author="А") == text + "  1: Каса\nauthor: А\n"


def test_the_outcome_is_checked_as_a_file_is() -> None:
    """Every mistake is reported with its setting, and nothing is returned."""
    with pytest.raises(ProfileError) as refused:
        edited(DEMO, schedule__daily_at="04:00", requests_per_minute=0, timezone="Kyiv/Europe", author="А")
    assert sorted(problem.key for problem in refused.value.problems) == [
        "requests_per_minute",
        "schedule.daily_at",
        "timezone",
    ]
    with pytest.raises(ProfileError):
        changed("start_date: 2024-01-01\nmanagers:\n\t1: a\n", {("author",): "А"})
    with pytest.raises(ProfileError):
        with_changes(ProfileFile("shop", Path("shop.yaml"), b"author: \xff"), {("author",): "А"})


# Files as people write them, at random.

_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1).map(
    str.strip
)
_NAMES = _TEXT.filter(bool)
_IDS = st.integers(1, 40)
_COMMENTS = st.sampled_from(["", " # примітка", "  # 5: щось", " #"])
_BETWEEN = st.sampled_from(["", "\n", "# рядок\n", '  # 7: "Сім"\n', "# author: хто\n"])


@st.composite
def _scalars(draw: st.DrawFn, value: str) -> str:
    """A text as it may stand in a file."""
    written = draw(st.sampled_from([value, f"'{value.replace(chr(39), chr(39) * 2)}'"]))
    try:
        is_same = yaml.safe_load(f"[{written}]") == [value] and yaml.safe_load(f"k: {written} # c") == {
            "k": value
        }
    except (yaml.YAMLError, ValueError):
        is_same = False
    return written if is_same else str(yaml.safe_dump([value], default_flow_style=True, width=10**6))[1:-2]


@st.composite
def _sections(draw: st.DrawFn, name: str, indent: str = "") -> str:
    entries = draw(st.dictionaries(_IDS, _NAMES, max_size=4))
    if draw(st.booleans()):
        inside = ", ".join([f"{key}: {draw(_scalars(text))}" for key, text in entries.items()])
        return f"{indent}{name}: {{{inside}}}{draw(_COMMENTS)}\n"
    step = draw(st.sampled_from([" ", "  ", "    "]))
    lines = "".join(
        draw(_BETWEEN) + f"{indent}{step}{key}: {draw(_scalars(text))}{draw(_COMMENTS)}\n"
        for key, text in entries.items()
    )
    return f"{indent}{name}:{draw(_COMMENTS)}\n{lines}"


@st.composite
def _lists(draw: st.DrawFn, name: str, indent: str = "") -> str:
    items = draw(st.lists(_IDS, min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        return f"{indent}{name}: {items}{draw(_COMMENTS)}\n"
    step = draw(st.sampled_from(["", "  "]))
    return f"{indent}{name}:{draw(_COMMENTS)}\n" + "".join(
        f"{indent}{step}- {item}{draw(_COMMENTS)}\n" for item in items
    )


@st.composite
def profiles(draw: st.DrawFn) -> str:
    """A valid profile in some of the ways in which one can be written."""
    parts = ["start_date: 2024-01-01" + draw(_COMMENTS) + "\n"]
    parts += [
        f"{name}: {draw(_scalars(draw(_NAMES)))}{draw(_COMMENTS)}\n"
        for name in ("author", "account")
        if draw(st.booleans())
    ]
    parts += [draw(_sections(name)) for name in ("managers", "accounts") if draw(st.booleans())]
    if draw(st.booleans()):
        parts.append(draw(_lists("service_categories")))
    if draw(st.booleans()):
        inner = [draw(_lists("load", "  ")), draw(_sections("stages", "  "))]
        parts.append(f"statuses:{draw(_COMMENTS)}\n" + "".join(draw(st.permutations(inner))))
    text = "".join(draw(_BETWEEN) + part for part in draw(st.permutations(parts))) + draw(_BETWEEN)
    text = draw(st.sampled_from(["\n", "\r\n"])).join(text.split("\n"))
    text = text.rstrip() if draw(st.booleans()) else text
    return draw(st.sampled_from(["", "\ufeff"])) + text


_CHANGES = st.one_of(
    st.tuples(st.sampled_from([("author",), ("account",)]), _NAMES | st.none()),
    st.tuples(
        st.tuples(st.sampled_from(["managers", "accounts"]), _IDS), _NAMES | st.none()
    ),
    st.tuples(st.tuples(st.just("statuses"), st.just("stages"), _IDS), _NAMES | st.none()),
    st.tuples(
        st.sampled_from([("service_categories",), ("statuses", "load")]),
        st.lists(_IDS, min_size=1, max_size=4, unique=True) | st.none(),
    ),
)  # fmt: skip


def _value_of(text: str, setting: Setting) -> object:
    found: Any = yaml.safe_load(text.removeprefix("\ufeff"))
    for part in setting:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _words_of_comments(text: str) -> int:
    return text.count("примітка") + text.count("# рядок")


@hypothesis_settings(deadline=None)
@given(profiles(), st.lists(_CHANGES, min_size=1, max_size=5))
def test_a_changed_setting_has_its_value_and_every_other_line_stays(
    text: str, changes: list[tuple[Setting, Value]]
) -> None:
    """One change after another, as a person saves again and again."""
    for setting, value in changes:
        before = text
        text = changed(before, {setting: value})
        assert _value_of(text, setting) == value
        if _value_of(before, setting) == value:
            assert text == before
        # The lines of the setting itself aside, the file is the same, in the same order.
        old, new = before.splitlines(keepends=True), text.splitlines(keepends=True)
        first = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
        if first is not None:
            tail = 0
            while tail < min(len(old), len(new)) - first and old[-1 - tail] == new[-1 - tail]:
                tail += 1
            touched = max(len(old), len(new)) - first - tail
            # An entry with the headings of its section; of a list its items, and those that are comments by now.
            assert touched <= (
                2 + 4 * (1 + len(changes)) if isinstance(value or [], list) and len(setting) < 3 else 4
            )
        # At most the heading of a proposal that was used is gone: its own comment stays behind it.
        assert _words_of_comments(text) == _words_of_comments(before)


# The file on disk.


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "shop.yaml").write_text(START + "author: Оксана # хто\n", "utf-8")
    return Settings(tmp_path, tmp_path / "data")


def test_a_saved_file_keeps_its_mode_and_leaves_nothing_beside_it(settings: Settings) -> None:
    path = settings.profiles_directory / "shop.yaml"
    path.chmod(0o640)
    read = read_profile_file("shop", settings)
    write_profile_file(read, with_changes(read, {("author",): "Ірина"}))
    assert path.read_text("utf-8") == START + "author: Ірина # хто\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [path.name for path in settings.profiles_directory.iterdir()] == ["shop.yaml"]


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_file_that_changed_meanwhile_is_left_alone(settings: Settings, is_gone: bool) -> None:
    path = settings.profiles_directory / "shop.yaml"
    read = read_profile_file("shop", settings)
    new = with_changes(read, {("author",): "Ірина"})
    if is_gone:
        path.unlink()
    else:
        path.write_text(START + "author: Марія\n", "utf-8")
    with pytest.raises(FileChangedError):
        write_profile_file(read, new)
    assert is_gone or path.read_text("utf-8") == START + "author: Марія\n"


def test_a_link_to_a_file_elsewhere_is_written_through(settings: Settings, tmp_path: Path) -> None:
    link = settings.profiles_directory / "shop.yaml"
    (tmp_path / "kept").mkdir()
    target = link.rename(tmp_path / "kept" / "own.yaml")
    link.symlink_to("kept/own.yaml")
    read = read_profile_file("shop", settings)
    write_profile_file(read, with_changes(read, {("author",): "Ірина"}))
    assert link.is_symlink()
    assert "Ірина" in target.read_text("utf-8")


def test_a_link_into_the_package_becomes_a_file_and_the_package_stays(settings: Settings) -> None:
    link = settings.profiles_directory / "demo.yaml"
    package = Path(str(resources.files("keycrm_pipeline.profile"))) / "demo.yaml"
    link.symlink_to(package)
    read = read_profile_file("demo", settings)
    write_profile_file(read, with_changes(read, {("author",): "Ірина"}))
    assert not link.is_symlink()
    assert "author: Ірина" in link.read_text("utf-8")
    assert package.read_text("utf-8") == DEMO


def test_a_file_that_cannot_be_written_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk; the tests may run as a user who may write everywhere."""
    read = read_profile_file("shop", settings)
    new = with_changes(read, {("author",): "Ірина"})

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotWrittenError, match="No space left on device"):
        write_profile_file(read, new)
    assert [path.name for path in settings.profiles_directory.iterdir()] == ["shop.yaml"]
    assert "Оксана" in read.path.read_text("utf-8")
