"""Whatever a profile file holds, it is refused in words, and the other profiles are loaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keycrm_pipeline.profile import Profile, Settings, Workspace, load_profile, load_profiles
from keycrm_pipeline_tests.profile.files import START, problems_of, write

DIGITS = "9" * 4300

HOSTILE = (
    *(
        f"-{DIGITS}0",
        f"{DIGITS}0",
        "0x" + "f" * 5000,
        "1e999",
        ".inf",
        "-.inf",
        ".nan",
        "1:1:1:1",
        "0b",
        "1_",
    ),
    *("~", "''", "'~nosuchuser/x'", "'~'", "'~/'", "/", "..", ".", "'a/..'", "/dev/zero", "':memory:'"),
    *('"\\0"', '"a\\0b"', '"\\ud800"', '"\\e[31m"', '"\\uffff"', '"{x}"', '"%s"', '"\\u202e"'),
    *("2024-02-30", "2024-13-01 25:61:61", "9999-12-31", "0000-00-00", "2024-01-01T00:00:00+99:99"),
    *("!!int x", "!!bool x", "!!float x", "!!timestamp x", "!!binary '*'", "!!set {a, b}", "!!omap [a: 1]"),
    *("!!python/object:os.system x", "!unknown x", "!!null x", "!!map x", "!!seq x", "!!str {a: b}"),
    *(
        "&a [*a]",
        "&a {a: *a}",
        "*nobody",
        "<<",
        "=",
        "? [a]",
        "{[a]: b}",
        "{<<: 1}",
        "{<<: [1]}",
        "&a {<<: *a}",
    ),
    *("[" * 50 + "]" * 50, "{a: " * 50 + "}" * 50, "'" + "x" * 300 + "'", "'" + "x/" * 2000 + "'"),
    *("yes", "on", "null", "true", "[1, 1]", "{1: 1}", "{true: x}", "{~: ~}", "[~]", "[[]]", "{}", "[]"),
    *("team:", '"team:\\n"', "a@b.c", "'@'", "https://[", "http://a:b@c", "https://x:99999999999", "Europe"),
)
"""Values in YAML that broke something, or could."""

KEYS = (
    *Profile.model_fields,
    "load",
    "stages",
    "every_minutes",
    "command",
    "webhook",
    "columns",
    "requisites",
    "1",
)


@st.composite
def _values(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.sampled_from(("hostile", "hostile", "text", "list", "map"))) if depth else "hostile"
    if kind == "hostile":
        return draw(st.sampled_from(HOSTILE))
    if kind == "text":
        return draw(st.text(max_size=20))
    parts = draw(st.lists(_values(depth - 1), max_size=3))
    if kind == "list":
        return f"[{', '.join(parts)}]"
    return "{" + ", ".join(f"{draw(st.sampled_from((*KEYS, *HOSTILE)))}: {part}" for part in parts) + "}"


@st.composite
def _files(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    lines = draw(st.dictionaries(st.sampled_from(KEYS), _values(), max_size=6))
    start = draw(st.sampled_from(("", START)))
    return (start + "".join(f"{key}: {value}\n" for key, value in lines.items())).encode(
        "utf-8", "surrogatepass"
    )


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=_files())
def test_one_bad_profile_never_stops_another(places: Settings, content: bytes) -> None:
    """Its mistakes are sentences that can be printed, and a profile that is taken has files of its own."""
    write(places, START, "good")
    path = places.profiles_directory / "shop.yaml"
    path.write_bytes(content)
    profiles, errors = load_profiles(places)
    names = [profile.name for profile in profiles]
    assert "good" in names
    assert len(names) + len(errors) == 2
    for error in errors:
        assert error.file == path
        str(error).encode("utf-8")
        assert error.problems
        assert len(str(error)) < 20_000
    for profile in profiles:
        workspace = Workspace(profile, places)
        assert not workspace.lock.exists()
        assert not workspace.database.is_dir()
        workspace.catalogue_directory.exists()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("~nosuchuser/x", "the home directory that ~ stands for is not known"),
        ('"a\\0b"', "line 2: it contains a character that no text has"),
        ('"\\ud800"', "line 2: it contains a character that no text has"),
        ("&a [*a]", "line 2: an alias (*) of what contains it"),
        ("&a {b: *a}", "line 2: an alias (*) of what contains it"),
        ("&a {<<: *a}", "line 2: an alias (*) of what contains it"),
        (f"{DIGITS}0", "line 2: this value cannot be read"),
        ("0x" + "f" * 5000, "line 2: a number of more than 18 digits"),
        ("1000000000000000000", "line 2: a number of more than 18 digits"),
        ("!!timestamp soon", "line 2: this value cannot be read"),
        ("..", "it is a directory"),
        ("/", "it is a directory"),
        ("x" * 250, "it is longer than the name of a file may be"),
    ],
)
def test_a_database_that_is_none(places: Settings, value: str, said: str) -> None:
    """Each of these once stopped all profiles, or waited for the first load to fail."""
    assert said in " ".join(problems_of(places, f"{START}database: {value}\n").values())


def test_a_home_that_is_not_known(places: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service may run without HOME, as a user that has no entry of its own."""

    def unknown(_path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)
    assert "is not known" in problems_of(places, f"{START}database: ~/shop.duckdb\n")["database"]


def test_a_few_lines_that_stand_for_billions(places: Settings) -> None:
    """Ten aliases of ten aliases and so on would fill the memory."""
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))]
    assert "stand for more than a profile has" in str(problems_of(places, START + "\n".join(lines)))
    merged = [
        "a0: &a0 {x: 1}",
        *(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)),
    ]
    assert "stand for more than a profile has" in str(problems_of(places, START + "\n".join(merged)))


def test_aliases_are_useful(places: Settings) -> None:
    """Two settings may share their lines."""
    write(places, f"{START}accounts: &names {{1: a, 2: b}}\nmanagers: *names\n")
    assert load_profile("shop", places).managers == {1: "a", 2: "b"}


def test_what_is_no_file_or_too_large(places: Settings) -> None:
    """A pipe would be waited for, and a log that was renamed by mistake would be read for minutes."""
    write(places, START, "good")
    os.mkfifo(places.profiles_directory / "pipe.yaml")
    (places.profiles_directory / "directory.yaml").mkdir()
    (places.profiles_directory / "device.yaml").symlink_to("/dev/zero")
    (places.profiles_directory / "loop.yaml").symlink_to("loop.yaml")
    write(places, "#" * (1024 * 1024 + 1), "large")
    profiles, errors = load_profiles(places)
    assert [profile.name for profile in profiles] == ["good"]
    assert sorted(error.file.stem for error in errors) == ["device", "directory", "large", "loop", "pipe"]
    assert load_profile("good", places).name == "good"


def test_a_file_whose_name_is_no_text(places: Settings) -> None:
    """Its name cannot be written, but it is told."""
    (places.profiles_directory / os.fsdecode(b"\xff.yaml")).write_text(START)
    _profiles, (error,) = load_profiles(places)
    assert "?.yaml" in str(error)
    assert error.file_name == "?.yaml"
