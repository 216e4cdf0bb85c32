"""The password of the page: its file, and how often it may be tried."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from keycrm_pipeline.page.passwords import (
    MOST_ATTEMPTS,
    MOST_ATTEMPTS_OF_ALL,
    WAIT,
    Attempts,
    read_password,
    write_password,
)
from keycrm_pipeline.page.settings import PageError
from keycrm_pipeline_tests.page.site import NOW

PASSWORD = "довгий пароль"


def test_the_right_password_matches_and_no_other(tmp_path: Path) -> None:
    """The file holds a hash with a salt of its own, readable by its owner alone, and not the password."""
    path = tmp_path / "sub" / "password"
    write_password(path, PASSWORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    line = path.read_text("ascii")
    assert line.startswith("scrypt$32768$8$1$")
    assert read_password(path).matches(PASSWORD)
    for wrong in ("", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1]):
        assert not read_password(path).matches(wrong)
    write_password(path, PASSWORD)
    assert path.read_text("ascii") != line


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="at least 10 characters"):
        write_password(tmp_path / "password", "123456789")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "password"
    write_password(path, PASSWORD)
    path.chmod(0o640)
    with pytest.raises(PageError, match="chmod 600"):
        read_password(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        PASSWORD,
        "scrypt$32768$8$1$AAAA",
        "scrypt$x$8$1$AAAA$AAAA",
        "scrypt$32768$8$1$AAAA$",
        "scrypt$1073741824$8$1$AAAA$AAAA",
        "md5$32768$8$1$AAAA$AAAA",
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    """Never a traceback at the login, and never a hash that anything matches."""
    path = tmp_path / "password"
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    with pytest.raises(PageError, match=r"damaged|cannot be read"):
        read_password(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="--set-password"):
        read_password(tmp_path / "password")


def test_wrong_passwords_make_an_address_wait_a_quarter_of_an_hour() -> None:
    attempts = Attempts()
    for _ in range(MOST_ATTEMPTS):
        assert not attempts.must_wait("10.0.0.1", NOW)
        attempts.record_wrong("10.0.0.1", NOW)
    assert attempts.must_wait("10.0.0.1", NOW + WAIT - timedelta(seconds=1))
    assert not attempts.must_wait("10.0.0.2", NOW)
    assert not attempts.must_wait("10.0.0.1", NOW + WAIT)


def test_many_addresses_together_wait_too() -> None:
    """A proxy may be told any address; the password is not to be guessed from a thousand of them."""
    attempts = Attempts()
    for number in range(MOST_ATTEMPTS_OF_ALL):
        attempts.record_wrong(f"10.0.{number}.1", NOW)
    assert attempts.must_wait("10.9.9.9", NOW)
    assert not attempts.must_wait("10.9.9.9", NOW + WAIT)
