"""Commands in Ukrainian: who chooses the language, and what a person then reads, with values worked out by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keycrm_pipeline_tests.commands.place import KEY, MARCH_4, Account, Place
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

MOMENT = datetime(2024, 3, 4, 10, tzinfo=UTC)
UKRAINIAN = {"LANG": "uk_UA.UTF-8"}


@pytest.fixture
def ukrainian(place: Place) -> Place:
    """A place whose environment is Ukrainian."""
    place.variables.update(UKRAINIAN)
    return place


def fill(books: Books) -> None:
    """Twelve orders of 100 hryvnias and one of 1 250.50, a cancelled one of 40, and one without a total."""
    for order_id in range(1, 13):
        books.order(order_id, MOMENT)
    books.order(13, MOMENT, lines=[{"name": "Ваза", "price": 1250.5}])
    books.order(14, MOMENT, status_id=19, lines=[{"name": "Ваза", "price": 40}])
    books.order(15, MOMENT, grand_total=None)
    books.load(MARCH_4)


def lines(text: str) -> list[str]:
    """The lines of an output, without the blanks of its columns."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_status(books: Books, ukrainian: Place) -> None:
    """Words of the glossary, 2 450.50 with a comma, 13 замовлень and 1 замовлення, the day in words."""
    fill(books)
    shown = lines(ukrainian.run("status").stdout)
    assert shown[1:11] == [
        "Обмін 1 (shop, за період, 4 березня 2024): успішно",
        "Отримано з KeyCRM замовлень 15",
        "створено 14",
        "оновлено 0",
        "без змін 0",
        "відхилено 1",
        "Нові картки контрагентів 1",
        "Нові картки номенклатури 2",
        shown[9],
        shown[10],
    ]
    assert shown[9].startswith("Запитів до KeyCRM ")
    assert shown[10].endswith(" с")
    assert [line for line in shown if "UAH" in line] == [
        "Продажі, UAH 2 450,50 13 замовлень",
        "Скасовано, UAH 40,00 1 замовлення",
        "Разом замовлень, UAH 2 490,50 14 замовлень",
        "Вивантажено, UAH 2 490,50 14 замовлень",
        "Не вивантажено, UAH 0,00 0 замовлень",
    ]
    assert "Відхилених замовлень: 1." in shown
    assert "Потребує уваги (дивіться `keycrm-pipeline review`):" in shown
    assert "1 Відхилені замовлення" in shown


def test_the_sums_of_the_terminal_are_written_as_in_the_report(books: Books, ukrainian: Place) -> None:
    """The same sum of sales in both, sign by sign."""
    fill(books)
    report = ukrainian.run("report", "--from", "04.03.2024", "--to", "04.03.2024")
    page = Path(report.stdout.strip()).read_text("utf-8")
    sum_of_sales = "2\u00a0450,50"
    assert sum_of_sales in ukrainian.run("status").stdout
    assert f"{sum_of_sales}\u00a0₴" in page


def test_review(books: Books, ukrainian: Place) -> None:
    """The kind, when it was first seen, and the sentence."""
    fill(books)
    title, entry = lines(ukrainian.run("review", "--kind", "rejected_order").stdout)
    assert title == "Відхилені замовлення (rejected_order):"
    assert entry.startswith("1 квіт. 2026 Замовлення 15 відхилено: ")
    assert entry.endswith("Виправте його в KeyCRM: його буде завантажено під час наступного обміну.")


def test_what_a_rebuild_would_change(books: Books, ukrainian: Place) -> None:
    """The author of the profile is another one now: in all 14 documents."""
    fill(books)
    ukrainian.write_profile(author="Ірина")
    shown = lines(ukrainian.run("rebuild", "--dry-run").stdout)
    assert shown == [
        "Що зробило б переформування; нічого не змінено:",
        "Створено документів 0",
        "змінено 14",
        "без змін 0",
        "вийде з обліку 0",
        "Записів історії змін додано 0",
        "вилучено 0",
        "Відхилено замовлень 1",
        "Нові картки контрагентів 0",
        "Нові картки номенклатури 0",
        "Що зміниться в документах:",
        "14 відповідальний або автор, наприклад 1, 2, 3, 4, 5",
    ]


def test_nothing_was_loaded_yet(ukrainian: Place) -> None:
    """A new shop owner learns how to begin."""
    ukrainian.write_profile()
    assert ukrainian.run("status").stdout.startswith(
        "Для профілю shop ще нічого не завантажено. Завантажте період:"
    )


def test_a_load(account: Account, ukrainian: Place) -> None:
    """The summary that a load prints; what is stored about it is in English, whoever reads it."""
    ukrainian.variables["KEYCRM_API_KEY"] = KEY
    ukrainian.write_profile(base_url=account.url, requests_per_minute=600)
    account.order(1)
    account.order(2, grand_total=None)
    result = ukrainian.run("load", "--from", "04.03.2024", "--to", "04.03.2024")
    assert result.exit_code == 0
    shown = lines(result.stdout)
    assert shown[0] == "Обмін 1 (shop, за період, 4 березня 2024): успішно"
    assert "Продажі, UAH 100,00 1 замовлення" in shown
    _, printed = ukrainian.json("review", "--kind", "rejected_order")
    assert printed["review"][0]["details"].startswith("Order 2 could not be loaded: The order has no total")


def test_a_failed_load(account: Account, ukrainian: Place) -> None:
    """Why it failed, in Ukrainian on the terminal; JSON stays English, because programs read it."""
    ukrainian.variables["KEYCRM_API_KEY"] = "another-key"
    ukrainian.write_profile(base_url=account.url, requests_per_minute=600)
    result = ukrainian.run("load", "--from", "04.03.2024", "--to", "04.03.2024")
    assert result.exit_code == 1
    assert "Помилка: KeyCRM не приймає ключ API" in result.stderr
    code, printed = ukrainian.json("load", "--from", "04.03.2024", "--to", "04.03.2024")
    assert (code, printed["error"][:27]) == (1, "KeyCRM refused the API key ")


def test_the_profile_that_init_writes(account: Account, ukrainian: Place) -> None:
    """Every comment is Ukrainian; the file is valid and names its language only if somebody chose it."""
    ukrainian.variables["KEYCRM_API_KEY"] = KEY
    result = ukrainian.run(
        "init", "--profile", "shop", "--base-url", account.url, "--requests-per-minute", "600", "--yes"
    )
    assert result.exit_code == 0
    assert "Ключа API в ньому немає: тримайте його там, де його знайдено, у KEYCRM_API_KEY." in result.stdout
    text = (ukrainian.directory / "profiles" / "shop.yaml").read_text("utf-8")
    assert (
        "# Часовий пояс: від нього залежить, до якого дня належить замовлення.\ntimezone: Europe/Kyiv\n"
        in text
    )
    assert "# Мова того, що читають люди про цей магазин: uk або en.\n# language: uk\n" in text
    assert "  # Статус -> стадія в обліковій системі.\n  stages:\n" in text
    comments = [
        line for line in text.splitlines() if line.startswith("# ") and ": " not in line.partition("# ")[2]
    ]
    assert [line for line in comments if not any("а" <= letter <= "я" for letter in line)] == []
    assert ukrainian.profile().language is None
    chosen = ukrainian.run(
        *("init", "--profile", "other", "--base-url", account.url, "--yes", "--lang", "en"),
    )
    assert chosen.exit_code == 0
    assert "\nlanguage: en\n" in (ukrainian.directory / "profiles" / "other.yaml").read_text("utf-8")


def test_check(account: Account, ukrainian: Place) -> None:
    """The lists with Ukrainian heads, and what is not mapped yet."""
    ukrainian.variables["KEYCRM_API_KEY"] = KEY
    ukrainian.write_profile(base_url=account.url, requests_per_minute=600)
    shown = ukrainian.run("check").stdout
    assert "Статуси (statuses.stages)" in shown
    assert "Не зіставлено, тому діють типові значення:" in shown
    assert "не має стадії (statuses.stages)." in shown
    assert "Профіль shop готовий: ключ і з'єднання працюють." in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["load", "--from", "30.02.2026"], "Такої дати немає: 30 лютого 2026."),
        (["load", "--from", "01.03.2026"], "Бракує параметра '--to'."),
        (["load", "--from", "1.3.2026", "--to", "28.2.2026"], "а закінчується раніше"),
        (["lod"], "Немає команди 'lod'."),
        (["review", "--kind", "nothing"], "Немає виду nothing. Є такі: unmapped_status,"),
        (["status", "--profile", "other"], "такого файлу немає (наявні профілі: shop)"),
    ],
)
def test_wrong_usage(ukrainian: Place, arguments: list[str], words: str) -> None:
    """Our errors and those of click alike."""
    ukrainian.write_profile()
    result = ukrainian.run(*arguments)
    assert result.exit_code == 2
    assert "Помилка: " in result.stderr
    assert words in result.stderr


def help_of(*arguments: str, **variables: str) -> str:
    """The help in a process of its own, as a person calls it."""
    return subprocess.run(
        [sys.executable, "-m", "keycrm_pipeline", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def test_help() -> None:
    """By the environment, or by --lang, which stands anywhere."""
    shown = help_of("--help", **UKRAINIAN)
    assert shown.startswith("Використання: ")
    assert "\nКоманди:\n  up         Запускає обидві сторінки" in shown
    shown = help_of("load", "--help", "--lang", "uk")
    assert "Завантажує період, обидва дні включно, і показує підсумок обміну." in shown
    assert "Перший день, наприклад 26.10.2026.  [обов'язково]" in shown
    assert help_of("load", "--help", "--lang=en", **UKRAINIAN).startswith("Usage: ")


@pytest.mark.parametrize(
    ("settings", "locale", "option", "is_ukrainian"),
    [
        # Each decides where the stronger ones say nothing.
        ({"language": "en"}, "uk_UA.UTF-8", "uk", True),
        ({"language": "uk"}, "uk_UA.UTF-8", "en", False),
        ({"language": "uk"}, "en_US.UTF-8", None, True),
        ({"language": "en"}, "uk_UA.UTF-8", None, False),
        ({}, "en_US.UTF-8", None, False),
        ({"timezone": "Europe/Warsaw"}, "uk_UA.UTF-8", None, True),
        ({}, "", None, True),
        ({"timezone": "Europe/Warsaw"}, "", None, False),
        ({}, "pl_PL.UTF-8", None, True),
    ],
)
def test_who_chooses(
    place: Place, settings: dict[str, str], locale: str, option: str | None, is_ukrainian: bool
) -> None:
    """--lang, then the profile's file, then the environment, then the profile's time zone."""
    place.variables["LANG"] = locale
    place.write_profile(**settings)
    shown = place.run("status", *(["--lang", option] if option else [])).stdout
    assert shown.startswith(
        "Для профілю shop" if is_ukrainian else "Nothing has been loaded yet for profile shop"
    )


def test_a_command_leaves_no_language_behind(ukrainian: Place) -> None:
    """Whoever runs a command in a process of their own goes on in their own language."""
    ukrainian.write_profile()
    ukrainian.run("status")
    ukrainian.variables.clear()
    assert "LANGUAGE" not in os.environ
    assert ukrainian.run("status", "--lang", "en").stdout.startswith("Nothing has been loaded")


def test_the_report_is_in_the_language_of_its_shop(books: Books, place: Place) -> None:
    """The terminal speaks English here, the shop is in Kyiv; --lang changes both."""
    fill(books)
    for options, language in (((), "uk"), (("--lang", "en"), "en")):
        written = place.run("report", "--from", "04.03.2024", "--to", "04.03.2024", *options)
        assert f'<html lang="{language}"' in Path(written.stdout.strip()).read_text("utf-8")


def test_words_of_quincefin(books: Books, ukrainian: Place) -> None:
    """`words: quincefin` in the profile: партнер and товар in the terminal too."""
    fill(books)
    ukrainian.write_profile(words="quincefin")
    shown = lines(ukrainian.run("status").stdout)
    assert "Нові картки партнерів 1" in shown
    assert "Нові картки товару 2" in shown
