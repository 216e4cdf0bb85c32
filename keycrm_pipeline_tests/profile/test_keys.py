"""Where the API key of a profile comes from, how it is stored, and what is said when there is none."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from keycrm_pipeline.profile import (
    KeyNotStoredError,
    MissingKeyError,
    Settings,
    find_key,
    remove_stored_key,
    store_key,
    stored_key_path,
)
from keycrm_pipeline_tests.profile.files import START, read

SHOP = "KEYCRM_API_KEY_SHOP"
SHOP_FILE = "KEYCRM_API_KEY_SHOP_FILE"
COMMON = "KEYCRM_API_KEY"


def found(places: Settings, environ: dict[str, str]) -> tuple[str, str]:
    """Key and place of profile `shop`."""
    key = find_key(read(places, START), environ, places.data_directory)
    return key.key, key.place


def refusal(places: Settings, environ: dict[str, str]) -> str:
    """What is said when profile `shop` has no usable key."""
    with pytest.raises(MissingKeyError) as caught:
        found(places, environ)
    return str(caught.value)


def test_the_order_of_the_places(places: Settings, tmp_path: Path) -> None:
    """Its own variable, the file of its own, the common variable, the stored key; an empty variable is none."""
    secret = tmp_path / "secret"
    secret.write_text(" of-a-file \n", "ascii")
    secret.chmod(0o444)
    path = store_key("shop", "stored", places.data_directory)
    environ = {SHOP: " own \n", SHOP_FILE: str(secret), COMMON: "common"}
    assert found(places, environ) == ("own", SHOP)
    assert found(places, {**environ, SHOP: " "}) == ("of-a-file", str(secret))
    assert found(places, {COMMON: "common", SHOP_FILE: ""}) == ("common", COMMON)
    assert found(places, {COMMON: " "}) == ("stored", str(path))
    assert find_key(read(places, START), {}, places.data_directory).is_stored


def test_a_missing_key_says_where_to_set_it(places: Settings) -> None:
    """The command, both variables, and where the key is in KeyCRM."""
    said = refusal(places, {COMMON: "  ", "KEYCRM_API_KEY_OTHER": "x"})
    assert "`keycrm-pipeline key --profile shop`" in said
    assert f"{SHOP}, or in {COMMON} for all" in said
    assert "Налаштування - Основні - API-ключ" in said


@pytest.mark.parametrize("value", ["abc def", "пароль", "abc\ndef", "abc\x00"])
def test_an_impossible_key_is_refused_and_not_repeated(places: Settings, tmp_path: Path, value: str) -> None:
    """Text copied along with the key would otherwise appear in the HTTP client's own error."""
    secret = tmp_path / "secret"
    secret.write_text(value, "utf-8")
    for environ, place in (({SHOP: value}, SHOP), ({SHOP_FILE: str(secret)}, str(secret))):
        said = refusal(places, environ)
        assert f"The API key of profile shop in {place} contains spaces or characters" in said
        assert value not in said
    with pytest.raises(KeyNotStoredError) as caught:
        store_key("shop", value, places.data_directory)
    assert value not in str(caught.value)
    assert not stored_key_path("shop", places.data_directory).exists()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.exists, "there is no such file"),
        (lambda path: path.write_text(" \n", "ascii"), "it is empty"),
        (Path.mkdir, "it is not a file"),
        (os.mkfifo, "it is not a file"),
        (lambda path: path.write_bytes(b"k" * 5000), "it is too long"),
    ],
    ids=["missing", "empty", "directory", "pipe", "log"],
)
def test_a_file_of_the_environment_that_holds_no_key(
    places: Settings, tmp_path: Path, make: object, reason: str
) -> None:
    """The file, the profile and the reason; the key of all profiles is not used in its place."""
    path = tmp_path / "secret"
    assert callable(make)
    make(path)
    assert refusal(places, {SHOP_FILE: str(path), COMMON: "common"}) == (
        f"The file {path} must hold the API key of profile shop, but cannot be used: {reason}."
    )


def test_a_file_of_the_environment_that_may_not_be_read(
    places: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As systemd and Docker make them for another user."""
    path, profile = tmp_path / "secret", read(places, START)
    path.touch()

    def denied(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(MissingKeyError, match=r"cannot be used: permission denied\."):
        find_key(profile, {SHOP_FILE: str(path)}, places.data_directory)


def test_a_key_in_place_of_a_file_is_not_repeated(places: Settings) -> None:
    """Somebody sets the key in the variable that names its file."""
    said = refusal(places, {SHOP_FILE: "the-key-itself"})
    assert "the-key-itself" not in said
    assert said == (
        f"The environment variable {SHOP_FILE} must hold the absolute path of a file with the API key of profile "
        f"shop. The key itself belongs in {SHOP}."
    )


def test_the_demo_shop_needs_no_key_and_receives_none(places: Settings) -> None:
    """The key of a real account is not passed to the demo shop, wherever it is."""
    profile = read(places, f"{START}base_url: sandbox\n")
    store_key("shop", "real", places.data_directory)
    for environ in ({}, {COMMON: "real"}, {SHOP_FILE: "/no/such/file"}):
        assert find_key(profile, environ, places.data_directory).key == "sandbox"


def test_a_found_key_is_not_printed(places: Settings) -> None:
    """Neither in a message that shows the object, nor in a traceback with variables."""
    assert "own" not in repr(find_key(read(places, START), {SHOP: "own"}, places.data_directory))


def modes(path: Path) -> tuple[int, int]:
    """Permissions of a stored key's directory and file."""
    return stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(path.stat().st_mode)


def test_a_stored_key_is_for_its_owner_alone(places: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask is, and before the first byte is written; an existing directory is closed."""
    written: list[int] = []
    fdopen = os.fdopen

    def watched(handle: int, *arguments: object, **more: object) -> object:
        written.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return fdopen(handle, *arguments, **more)  # type: ignore[call-overload]

    directory = places.data_directory / "keys"
    directory.mkdir(parents=True, mode=0o755)
    monkeypatch.setattr(os, "fdopen", watched)
    before = os.umask(0)
    try:
        path = store_key("shop", " first\n", places.data_directory)
        assert modes(path) == (0o700, 0o600)
        assert store_key("shop", "second", places.data_directory) == path == directory / "shop"
    finally:
        os.umask(before)
    assert written == [0o600, 0o600]
    assert modes(path) == (0o700, 0o600)
    assert found(places, {})[0] == "second"
    assert sorted(file.name for file in directory.iterdir()) == [".gitignore", "shop"]


@pytest.mark.parametrize(("part", "mode"), [("file", 0o640), ("file", 0o604), ("directory", 0o750)])
def test_a_stored_key_that_others_can_read_is_refused(places: Settings, part: str, mode: int) -> None:
    """The sentence says how to close it; after that the key is used."""
    path = store_key("shop", "stored", places.data_directory)
    (path if part == "file" else path.parent).chmod(mode)
    said = refusal(places, {})
    assert said.startswith(
        "The API key of profile shop was not used, because others on this machine can read"
    )
    commands = f"chmod 700 {path.parent}; chmod 600 {path}"
    assert commands in said
    subprocess.run(["sh", "-c", commands], check=True)
    assert found(places, {})[0] == "stored"


def test_a_stored_key_that_is_broken(places: Settings) -> None:
    """An empty file is no absent one: somebody meant to store a key."""
    path = store_key("shop", "stored", places.data_directory)
    path.write_text("", "ascii")
    assert refusal(places, {}) == (
        f"The file {path} must hold the API key of profile shop, but cannot be used: it is empty."
    )


def test_storing_that_fails_keeps_the_earlier_key(places: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the earlier key is whole, and no part of the new one is left."""
    path = store_key("shop", "first", places.data_directory)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyNotStoredError, match=rf"cannot be stored in {path}: the disk is full\."):
        store_key("shop", "second", places.data_directory)
    assert found(places, {})[0] == "first"
    assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", "shop"]


def test_removing_a_stored_key(places: Settings) -> None:
    """It is gone, with what a killed program left of it; the keys of other profiles stay."""
    path = store_key("shop", "stored", places.data_directory)
    other = store_key("shop2", "other", places.data_directory)
    (path.parent / ".shop.killed").write_text("half", "ascii")
    assert remove_stored_key("shop", places.data_directory)
    assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", other.name]
    assert refusal(places, {}).startswith("No API key is set for profile shop.")
    assert not remove_stored_key("shop", places.data_directory)


@pytest.mark.parametrize("name", ["../shop", "Shop", "", ".gitignore", "a/b"])
def test_a_name_that_is_no_profile_reaches_no_file(places: Settings, name: str) -> None:
    """The name becomes part of a path, and the page takes it from a form."""
    for change in (
        lambda: store_key(name, "key", places.data_directory),
        lambda: remove_stored_key(name, places.data_directory),
    ):
        with pytest.raises(KeyNotStoredError, match="is not a valid profile name"):
            change()
    assert not places.data_directory.exists()


def test_a_stored_key_stays_out_of_git(places: Settings) -> None:
    """Also where the data directory is part of somebody's own repository."""
    store_key("shop", "stored", places.data_directory)
    places.data_directory.joinpath("notes").touch()
    git = ["git", "-C", str(places.data_directory)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    listed = subprocess.run([*git, "ls-files"], check=True, capture_output=True, text=True).stdout
    assert listed.split() == ["notes"]
