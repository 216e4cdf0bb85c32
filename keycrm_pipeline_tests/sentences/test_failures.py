"""Why something failed is told in Ukrainian, too: each error as it is really raised.

Those of the client are in `crm/test_errors.py`, those of a profile in `profile/test_problems.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.profile import MissingKeyError, Profile, find_key, store_key
from keycrm_pipeline.profile.keys import no_key
from keycrm_pipeline.run.errors import StoppedError, UnmappedStatusesError, unexpected
from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.warehouse.errors import (
    DatabaseBusyError,
    DatabaseMissingError,
    DatabaseNewerError,
    DatabaseUnreadableError,
    DirectoryUnusableError,
    DiskFullError,
    FileForbiddenError,
)

UK = Formatter("uk")

_NAMES = re.compile(
    r"KEYCRM_API_KEY\S*|`keycrm-pipeline key --profile kyiv`|KEYCRM_DATA_DIR|"
    r"KeyCRM|DuckDB|API|SQL|/data/shop\.duckdb|python3|PID|kyiv|statuses\.\w+|false|ValueError"
)
"""What is the same in every language."""


def test_own_errors_are_told_in_ukrainian() -> None:
    """Killed, stopped, a held file, a full disk, statuses without a stage: with their values, and no English left."""
    path = Path("/data/shop.duckdb")
    errors = [
        StoppedError(),
        UnmappedStatusesError([(7, "Очікує {оплати}"), (8, "Відвантажено")]),
        DatabaseBusyError(path, "python3 (PID 12)", 60.0),
        DatabaseBusyError(path, None, 60.0),
        DatabaseUnreadableError(path, Cause.NOT_UNDERSTOOD.message(kind="ValueError")),
        FileForbiddenError(path),
        DatabaseMissingError(path),
        DatabaseNewerError(path, 9, 6),
        DiskFullError(path),
        DirectoryUnusableError(path, PermissionError(13, "Permission denied")),
        DirectoryUnusableError(path, FileExistsError(17, "File exists")),
        no_key("kyiv"),
        unexpected(ValueError("«x»")),
    ]
    translated = [error.message.text(UK) for error in errors]
    assert translated[1] == (
        "Ці статуси не мають стадії в профілі (statuses.stages): 7 Очікує {оплати}; 8 Відвантажено. Зіставте їх або "
        "поставте statuses.require_mapping: false. Нічого не завантажено."
    )
    assert "тримає інша програма (python3 (PID 12)). Чекали 60 с." in translated[2]
    assert "тримає інша програма (невідомо яка)." in translated[3]
    for text in translated:
        assert re.findall("[A-Za-z]{3,}", _NAMES.sub("", text)) == [], text


@pytest.mark.parametrize(
    ("variable", "content", "mode", "words"),
    [
        ("KEYCRM_API_KEY_KYIV", "two words", 0o600, "(KEYCRM_API_KEY_KYIV) містить пробіли або знаки"),
        ("KEYCRM_API_KEY_KYIV_FILE", "key", 0o600, "У змінній середовища KEYCRM_API_KEY_KYIV_FILE має бути"),
        ("KEYCRM_API_KEY_KYIV_FILE", "/no/such/file", 0o600, "непридатний: такого файлу немає."),
        (
            "",
            "key",
            0o640,
            "можуть прочитати інші користувачі цього комп'ютера. Закрийте його командами: chmod 700 ",
        ),
    ],
)
def test_why_a_key_is_not_used_is_told_in_ukrainian(
    tmp_path: Path, variable: str, content: str, mode: int, words: str
) -> None:
    """As the profile really raises it."""
    store_key("kyiv", "key", tmp_path).chmod(mode)
    profile = Profile.model_validate({"name": "kyiv", "start_date": "2024-01-01"})
    with pytest.raises(MissingKeyError) as caught:
        find_key(profile, {variable: content}, tmp_path)
    assert words in caught.value.message.text(UK)


def test_an_unforeseen_error_shows_where_it_arose_and_nothing_of_its_text() -> None:
    """Its text may quote a buyer; nothing marks what it quotes, so none of it gets into a log, Dagster or a page."""

    def read() -> None:
        raise ValueError("Ім'янко Олена +380501234567 olena@shop.example Bearer SECRET")

    with pytest.raises(ValueError, match="olena") as caught:
        read()
    told = unexpected(caught.value)
    assert str(told).startswith("Unexpected ValueError at test_failures.py:")
    for text in (str(told), told.message.text(UK), told.message.dump()):
        assert not re.search("Ім'янко|380|olena|SECRET", text)
    assert told.message.text(UK).startswith("Непередбачена помилка ValueError, test_failures.py:")
