"""What the page says about the hand-over: changes in the closed period, what an export would contain, the month's end.

The small shop has 501 (270 hryvnias, paid to IBAN ФОП), 502 and 504 (100 each), 503, which does not add up, and 505,
which is rejected; of March, 2 and 3 are loaded.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl

from keycrm_pipeline.exports import export_period
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.page.shops import write_profile
from keycrm_pipeline_tests.page.site import Visitor, rows_of, text_of, visited
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, make_books

SETTINGS: dict[str, Any] = {"language": "uk", "closed_until": date(2026, 3, 31)}


def _closed_shop(directory: Path) -> Books:
    """Order 1 of 2 March, 200 hryvnias, whose line of 50 was dropped after March was closed."""
    books = make_books(directory, **SETTINGS)
    tea = {"id": 11, "name": "Чай", "price": 150}
    books.order(1, lines=[tea, {"id": 12, "name": "Мед", "price": 50}])
    books.load(MARCH_2)
    books.order(1, lines=[tea], updated_at="2026-04-01T08:00:00.000000Z")
    books.load(MARCH_2)
    write_profile(books, **SETTINGS)
    return books


def test_changes_in_the_closed_period_need_attention_until_they_are_exported(tmp_path: Path) -> None:
    """They lead to the order and to the files, and leave the list with the next export of any month."""
    books = _closed_shop(tmp_path)
    with visited(books.settings) as visitor:
        page = visitor.page("/profiles/shop/attention")
        (section,) = page.xpath("//section[@aria-labelledby='closed-period']")
        assert "Замовлення 1 за 2 бер. 2026: сума була 200,00 ₴, стала 150,00 ₴;" in text_of(section)
        assert [text_of(item) for item in section.xpath(".//details//li")] == [
            "Замовлення: Сума товарів: 200,00 → 150,00",
            "Замовлення: Сума документа: 200,00 → 150,00",
            "Товари замовлень, Мед: Увесь рядок: 50,00 → —",
        ]
        assert section.xpath(".//a/@href") == ["/profiles/shop/files", "/profiles/shop/documents/1"]
        april = Period(date(2026, 4, 1), date(2026, 4, 30))
        now = datetime(2026, 4, 2, tzinfo=UTC)
        export_period(books.workspace, april, export_format="csv", directory=tmp_path / "out", now=now)
        assert visitor.page("/profiles/shop/attention").xpath("//*[@id='closed-period']") == []


def test_changes_in_the_closed_period_are_told_in_english_too(tmp_path: Path) -> None:
    """By the names of the columns, as the tables are described."""
    books = _closed_shop(tmp_path)
    write_profile(books, **{**SETTINGS, "language": "en"})
    with visited(books.settings) as visitor:
        (section,) = visitor.page("/profiles/shop/attention").xpath(
            "//section[@aria-labelledby='closed-period']"
        )
    assert [text_of(item) for item in section.xpath(".//details//li")[1:]] == [
        "orders: grand total: 200.00 → 150.00",
        "order lines, Мед: the whole line: 50.00 → —",
    ]


FILES = "/profiles/shop/files"
DAYS = {"from": "2026-03-02", "to": "2026-03-03"}


def test_an_export_is_tried_without_a_file(small: Books, visitor: Visitor) -> None:
    """Without Dagster: three documents are new, two orders are not exported, each reason leads to its orders."""
    page = visitor.shown(visitor.send(f"{FILES}/check", FILES, format="csv", by="order", **DAYS))
    (section,) = page.xpath("//section[@aria-labelledby='h-tried']")
    facts = {text_of(row.find("dt")): text_of(row.find("dd")) for row in section.xpath("./dl/div")}
    assert (facts["Документи"], facts["Ще не вивантажено"], facts["Не вивантажується"]) == ("3", "3", "2")
    items = {text_of(item.find("p")): item.xpath(".//a/text()") for item in section.xpath(".//li")}
    assert items == {
        "Ще не вивантажено · 3": ["501", "502", "504"],
        "Замовлення не пройшло перевірку: виправте його в KeyCRM · 1": ["505"],
        "Сума рядків і послуг не дорівнює сумі замовлення в KeyCRM · 1": ["503"],
    }
    # What was asked for stays in the form, and nothing was written.
    assert page.xpath("//input[@id='export-from']/@value") == ["2026-03-02"]
    assert page.xpath("//select[@id='format']/option[@selected]/@value") == ["csv"]
    assert not small.workspace.exports_directory.exists()
    assert small.rows("ops.hand_overs") == []


def test_a_trial_of_nonsense_is_refused_like_an_export(visitor: Visitor) -> None:
    for wrong in (
        {"format": "pdf"},
        {"format": "csv", "by": "weekday"},
        {"format": "csv", "organisation": "x"},
    ):
        assert visitor.send(f"{FILES}/check", FILES, **DAYS, **wrong).status_code == 422
    assert visitor.send(f"{FILES}/else", FILES, **DAYS).status_code == 404


def test_the_month_with_what_is_open_and_its_money(visitor: Visitor) -> None:
    """Last month unless another is chosen; each open step leads to a list that is there."""
    page = visitor.page("/profiles/shop/month")
    assert page.xpath("//select[@id='month']/option[@selected]/@value") == ["2026-03"]
    steps = rows_of(page, "Перелік кроків")
    assert [row[:2] for row in steps] == [
        ["Дні, яких не завантажено або які ще не минули: 1 березня 2026, 4–31 березня 2026", "не завершено"],
        ["Відхилених замовлень: 1", "не завершено"],
        ["Усі статуси мають стадію, усі менеджери — користувача", "зроблено"],
        ["Чеки не перевіряються: у профілі не вказано, хто їх видає", "не налаштовано"],
        [
            "Оплати не звіряються з надходженнями: у профілі не вказано ні реєстрів, ні банківських операцій",
            "не налаштовано",
        ],
        ["Закритого періоду немає", "не налаштовано"],
        [
            "Не вивантажено (xlsx): нових 3, змінених 0, таких, що більше не вивантажуються, 0, "
            "таких, що треба виправити, 1; вивантажено 0, ще не готових 0",
            "не завершено",
        ],
    ]
    links = page.xpath("//div[@aria-label='Перелік кроків']//a/@href")
    assert len(links) == 3
    for link in links:
        path, _hash, anchor = link.partition("#")
        assert not anchor or visitor.page(path).xpath(f"//*[@id='{anchor}']")
    (form,) = visitor.page(links[-1]).xpath("//form[contains(@action, 'files/export')]")
    assert form.xpath(".//input[@type='date']/@value") == ["2026-03-01", "2026-03-31"]
    assert rows_of(page, "Оплати за рахунками") == [
        ["IBAN ФОП", "ФОП Коваленко О. П.", "1", "270,00 ₴", "0,00 ₴", "0,00 ₴"]
    ]
    chosen = visitor.send("/profiles/shop/month", "/profiles/shop/month", month="2026-02")
    assert "Оплат не було." in text_of(visitor.page(chosen.headers["location"]))
    for wrong in ("2026-05", "2022-12", "х"):
        assert visitor.send("/profiles/shop/month", "/profiles/shop/month", month=wrong).status_code == 404
        assert visitor.get(f"/profiles/shop/month?month={wrong}").status_code == 404


def test_the_workbook_of_a_month_is_made_for_the_answer(small: Books, visitor: Visitor) -> None:
    """It says what the page says, and leaves no file."""
    (link,) = visitor.page("/profiles/shop/month").xpath("//a[contains(@href, '/month/')]/@href")
    answer = visitor.get(link)
    assert answer.headers["content-disposition"] == (
        'attachment; filename="shop_2026-03-01_2026-03-31_month.xlsx"'
    )
    book = openpyxl.load_workbook(BytesIO(answer.content))
    assert book.sheetnames == [
        "Закриття місяця",
        "За організаціями",
        "За рахунками",
        "За датою оплати в KeyCRM",
        "Скасовані оплати",
        "Документи до вивантаження",
        "Зміни в закритому періоді",
    ]
    documents = list(book["Документи до вивантаження"].iter_rows(min_row=2, values_only=True))
    assert [(row[0], row[1]) for row in documents] == [
        (501, "Ще не вивантажено"),
        (502, "Ще не вивантажено"),
        (503, "Не вивантажено"),
        (504, "Ще не вивантажено"),
    ]
    assert not small.workspace.exports_directory.exists()


def test_money_that_does_not_fit_leads_to_the_reconciliation(tmp_path: Path) -> None:
    """100 were paid and 99 came: the step leads to the line of this month."""
    register = {"account": "IBAN ФОП", "columns": {"date": "Дата", "sum": "Сума", "order": "Замовлення"}}
    settings: dict[str, Any] = {
        "language": "uk",
        "accounts": {2: "IBAN ФОП"},
        "reconciliation": {"registers": {"bank": register}},
    }
    books = make_books(tmp_path, **settings)
    payment = payment_payload(71, 100, payment_date="2026-03-02T12:00:00.000000Z")
    books.order(1, payments=[payment])
    (tmp_path / "shop" / "registers").mkdir(parents=True)
    text = "Дата;Сума;Замовлення\n02.03.2026;99,00;1\n"
    (tmp_path / "shop" / "registers" / "bank.csv").write_text(text, "utf-8")
    books.load(MARCH_2)
    write_profile(books, **settings)
    with visited(books.settings) as visitor:
        page = visitor.page("/profiles/shop/month")
        (link,) = [link for link in page.xpath("//main//a/@href") if "/reconciliation?" in link]
        assert link == "/profiles/shop/reconciliation?from=2026-03-01&to=2026-03-31"
        (section,) = visitor.page(link).xpath("//section[@aria-labelledby='h-lines']")
        assert "99,00" in text_of(section)
