"""The exchange report as a document: what it says, and what must never be in it."""

from __future__ import annotations

import re
import stat
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from lxml import html

from keycrm_pipeline.language import Language
from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.reports.page import order_address, render_report, write_report
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DatabaseMissingError
from keycrm_pipeline_tests.documents import MADE_AT, Item, Payment
from keycrm_pipeline_tests.reports.booked_shop import LOST_STATUS, BookedShop, books_in
from keycrm_pipeline_tests.reports.march import MARCH


def render(warehouse: Warehouse, language: Language = "uk", period: Period = MARCH) -> str:
    return render_report(
        books_in(warehouse),
        period,
        now=MADE_AT,
        language=language,
    )


def text_of(element: html.HtmlElement) -> str:
    """The text of an element with single plain spaces."""
    return " ".join(element.text_content().split())


def section(document: str, key: str) -> html.HtmlElement:
    return html.fromstring(document).get_element_by_id(key)


def rows(document: str, key: str) -> list[list[str]]:
    """The texts of the cells of all tables of a section."""
    return [
        [text_of(cell) for cell in row.xpath("./td")] for row in section(document, key).xpath(".//tr[td]")
    ]


@pytest.fixture(scope="module")
def ukrainian(march: Warehouse) -> str:
    return render(march)


@pytest.fixture(scope="module")
def english(march: Warehouse) -> str:
    return render(march, "en")


def test_figures_against_the_period_before(ukrainian: str) -> None:
    """Sales of 2 320 compared with 600 in the previous 31 days: up by 286,7 %."""
    assert ["Продажі", "2 320,00 ₴", "+286,7 %", "600,00 ₴"] in rows(ukrainian, "figures")
    assert ["Скасовано замовлень", "1", "нове", "0"] in rows(ukrainian, "figures")


def test_each_sum_has_its_own_word(ukrainian: str, english: str) -> None:
    """Sales and cancelled are all orders, so are exported and held back: 1003 does not add up, 1007 was rejected."""
    assert rows(ukrainian, "figures")[:11] == [
        ["Продажі", "5", "2 320,00 ₴"],  # 875 + 1000 + 205 + 90 + 150
        ["Скасовано", "1", "400,00 ₴"],
        ["Разом замовлень", "6", "2 720,00 ₴"],
        ["Вивантажено", "5", "2 515,00 ₴"],
        ["Не вивантажено", "1", "205,00 ₴"],
        ["з розбіжністю в KeyCRM", "1", "205,00 ₴"],
        ["Продажі", "1", "60,00 EUR"],
        ["Скасовано", "0", "0,00 EUR"],
        ["Разом замовлень", "1", "60,00 EUR"],
        ["Вивантажено", "1", "60,00 EUR"],
        ["Не вивантажено", "0", "0,00 EUR"],
    ]
    assert "Відхилено, тому немає в жодній із цих сум: 1 замовлення." in text_of(
        section(ukrainian, "figures")
    )
    assert [row[0] for row in rows(english, "figures")[:5]] == [
        "Sales",
        "Cancelled",
        "All orders",
        "Exported",
        "Held back",
    ]


def test_returned_parcels_of_cancelled_orders_are_counted(shop: BookedShop) -> None:
    """A parcel that nobody collected comes back, and its order is cancelled: the delivery showed none of them."""
    shop.order(1, MARCH.first, [Item("100"), Item("70", None, kind="delivery")])
    shop.order(2, MARCH.first, [Item("50")], status_id=LOST_STATUS, shipping_status="returned")
    shop.order(3, MARCH.first, [Item("30")], shipping_status="refused")
    shop.order(
        4, MARCH.first, [Item("9")], status_id=LOST_STATUS, shipping_status="return", delivery_service="Meest"
    )
    # Cancelled before it was sent: neither a sale nor a returned parcel.
    shop.order(5, MARCH.first, [Item("9")], status_id=LOST_STATUS, delivery_service="Самовивіз")
    document = render(shop.save())
    assert rows(document, "delivery") == [
        ["Нова пошта", "2", "2", "1", "70,00 ₴"],
        ["Meest", "0", "1", "0", "0,00 ₴"],
        ["Разом", "2", "3", "1", "70,00 ₴"],
    ]
    assert "Неотримані посилки" in text_of(section(document, "delivery"))


def test_english(english: str) -> None:
    """The same figures in English notation."""
    assert 'lang="en"' in english
    assert ["Sales", "₴2,320.00", "+286.7%", "₴600.00"] in rows(english, "figures")
    assert "1–31 March 2026" in english


def test_currencies_have_their_own_totals(ukrainian: str) -> None:
    """Each currency of the sources adds up to the sales in that currency."""
    totals = [row for row in rows(ukrainian, "sources") if row[0] == "Разом"]
    assert totals == [["Разом", "2 320,00 ₴", "", "5"], ["Разом", "60,00 EUR", "", "1"]]


def test_products_end_at_the_sales(ukrainian: str) -> None:
    """With delivery and differences the table of products adds up to the sales."""
    written = rows(ukrainian, "products")
    assert ["Футболка базова TS-1", "1 500,00 ₴", "64,7 %", "3", "20,00 ₴"] in written
    assert ["Доставка", "75,00 ₴", "3,2 %", "", "—"] in written
    assert ["Разом", "2 320,00 ₴", "", "", "20,00 ₴"] in written


def test_what_is_due(ukrainian: str) -> None:
    """Payments due by age, including cash on delivery; the returned parcel is mentioned separately."""
    assert ["до 7 днів", "1", "1 000,00 ₴", "1", "1 000,00 ₴"] in rows(ukrainian, "due")
    assert "Не враховано неотриманих посилок: 1 замовлення, 90,00 ₴." in text_of(section(ukrainian, "due"))


def test_rounded_cash_is_told_below_what_is_due(shop: BookedShop) -> None:
    """100.20 for which 100.00 was paid in cash: all orders are paid, and where 0.20 went is said."""
    shop.order(1, MARCH.first, [Item("100.20")], [Payment("100")], rounding=Decimal("-0.20"))
    shown = text_of(section(render(shop.save()), "due")).replace("\N{MINUS SIGN}", "-")
    assert "Усі замовлення оплачено." in shown
    assert "Заокруглення готівки (1 замовлення): -0,20 ₴; це не борг." in shown.replace("\xa0", " ")


def test_repeat_buyers_are_counts(ukrainian: str) -> None:
    """Three buyers, one of them bought before the period, two more than once in it."""
    lead = text_of(section(ukrainian, "buyers"))
    assert (
        "Покупців за період: 3. Купували раніше: 1 (33,3 %). Замовили в періоді більш як раз: 2 (66,7 %)."
        in lead
    )


def test_exchanges(ukrainian: str) -> None:
    """The failed exchange comes first, with its error and without the contacts in it."""
    first = rows(ukrainian, "exchanges")[0]
    assert first[0] == "2"
    assert first[3] == "помилка KeyCRM answered 401. Call … or …."
    assert first[-1] == "1:15"
    assert "owner@example.com" not in ukrainian
    assert "050 000" not in ukrainian


def test_orders_lead_to_keycrm(ukrainian: str) -> None:
    """Rows about an order link to it; rows about a name have no link."""
    links = {text_of(link): link.get("href") for link in section(ukrainian, "review").xpath(".//td/a")}
    assert links == {"1003": "https://kramnytsia.keycrm.app/app/orders/view/1003"}
    assert [link.get("href") for link in section(ukrainian, "rejected").xpath(".//a")] == [
        "https://kramnytsia.keycrm.app/app/orders/view/1007"
    ]


def test_rejected_records_say_why(ukrainian: str, english: str) -> None:
    """Every reason is in the row of the order, in the language of the report."""
    assert rows(ukrainian, "rejected") == [
        [
            "1007",
            "6 бер. 2026",
            "Рядок 2: кількість не є числом «два». У замовленні немає покупця, а в профілі не вказано контрагента для "
            "таких замовлень (default_partner).",
            "31 бер. 2026",
        ]
    ]
    assert rows(english, "rejected")[0][2] == (
        "Line 2: the quantity is not a number «два». The order has no buyer, and the profile has no default partner "
        "(default_partner)."
    )


def test_the_review_list_speaks_the_language_of_the_report(ukrainian: str, english: str) -> None:
    """The details and what to do, not only the headings."""
    assert [row[1] for row in rows(ukrainian, "review")] == [
        "Назву «Чашка» мають кілька карток (2, 5), і її вживають рядки без артикулу: береться перша картка. "
        "Перейменуйте решту або дайте товару артикул у KeyCRM.",
        "Замовлення 1003: у KeyCRM розбіжність 20,00 ₴ між підсумковою сумою і сумою рядків. Документ "
        "завантажено як є, він не вивантажується. Перевірте в KeyCRM знижки замовлення.",
    ]
    assert "its total differs from its lines by ₴20.00." in rows(english, "review")[1][1]


def test_a_day_that_was_never_loaded_is_told(ukrainian: str) -> None:
    """31 March was not loaded: the report says so before any figure."""
    notice = text_of(html.fromstring(ukrainian).find_class("notice")[0])
    assert notice == "Завантажено не всі дні періоду: бракує 1 дня. Цифри неповні. Відсутні: 31 бер. 2026."


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("https://shop.keycrm.app", "https://shop.keycrm.app/app/orders/view/5"),
        ("https://shop.keycrm.app/", "https://shop.keycrm.app/app/orders/view/5"),
        ("https://crm.example.com/o/{order_id}?tab=1", "https://crm.example.com/o/5?tab=1"),
        (None, None),
        ("", None),
        ("javascript:alert({order_id})", None),
    ],
)
def test_order_address(setting: str | None, address: str | None) -> None:
    """The setting is an address or a pattern with the order's number; a script is not linked."""
    assert order_address(setting, 5) == address


def test_without_an_address_numbers_are_plain(march: Warehouse) -> None:
    """A profile without keycrm_url gets a report without links to orders."""
    document = render_report(
        books_in(march, keycrm_url=None),
        MARCH,
        now=MADE_AT,
    )
    assert section(document, "rejected").xpath(".//a") == []
    assert rows(document, "rejected")[0][0] == "1007"


@pytest.mark.parametrize("language", ["uk", "en"])
def test_nothing_is_fetched(march: Warehouse, language: Language) -> None:
    """The file is self-contained: no scripts, pictures, fonts or styles from elsewhere."""
    page = html.fromstring(render(march, language))
    assert page.xpath("//script | //img | //iframe | //object") == []
    assert [link.get("href") for link in page.xpath("//link")] == ["data:,"]
    assert "url(http" not in html.tostring(page, encoding="unicode")
    assert "@import" not in html.tostring(page, encoding="unicode")


def test_identifiers_are_unique(ukrainian: str) -> None:
    """Several charts in one page do not cut each other off."""
    identifiers = re.findall(r'\bid="([^"]+)"', ukrainian)
    assert len(identifiers) == len(set(identifiers))
    used = set(re.findall(r"url\(#([^)]+)\)", ukrainian)) | set(re.findall(r'href="#([^"]+)"', ukrainian))
    assert used - set(identifiers) == set()


def test_markup_in_names_is_shown_not_obeyed(shop: BookedShop) -> None:
    """A product named with tags, a source with quotes, a stage with a script: all shown as typed."""
    bad = '<script>alert("x")</script><b>&amp;</b>'
    shop.card(1, bad, category=bad, sku=bad)
    shop.source(1, bad)
    shop.order(1, MARCH.first, [Item("10")], responsible=bad, delivery_service=bad)
    shop.review("ambiguous_product_name", bad, bad)
    shop.rejected(2, MARCH.first, bad)
    document = render(shop.save())
    page = html.fromstring(document)
    assert page.xpath("//script") == []
    assert bad in {row[0] for row in rows(document, "sources")}
    assert f"{bad} {bad}" in {row[0] for row in rows(document, "products")}


def test_control_characters_of_a_name_do_not_reach_the_document(shop: BookedShop) -> None:
    """Some browsers show nothing after a zero byte."""
    shop.source(1, "Са\x00й\x07т")
    shop.order(1, MARCH.first, [Item("10")])
    document = render(shop.save())
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", document)
    assert "Сайт" in {row[0] for row in rows(document, "sources")}


def test_an_empty_database(shop: BookedShop) -> None:
    """A shop that loaded nothing gets a page that says so, once, and no table of zeros."""
    document = render(shop.save())
    page = html.fromstring(document)
    assert "Цей період ще не завантажували." in text_of(page)
    assert "Обміну ще не було" in text_of(page)
    assert text_of(page).count("За цей період замовлень немає.") == 1
    assert page.xpath("//table | //svg") == []


def test_a_loaded_period_without_orders(shop: BookedShop) -> None:
    """Loaded with no orders is not the same as never loaded (R1)."""
    shop.loaded(Period(date(2026, 1, 29), MARCH.last))
    document = render(shop.save())
    assert "ще не завантажували" not in document
    assert "За цей період замовлень немає." in document


def test_an_empty_period_after_a_full_one(march: Warehouse) -> None:
    """Nothing was sold in April: zeros compared with March, and no division by zero."""
    document = render(march, period=Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert ["Продажі", "0,00 ₴", "−100,0 %", "2 320,00 ₴"] in rows(document, "figures")


def test_one_order(shop: BookedShop) -> None:
    """A shop of a single order on a single day has a report with a chart of one bar."""
    shop.order(1, MARCH.first, [Item("10.50")], payments=[Payment("10.50")])
    shop.loaded(Period(MARCH.first - DAY, MARCH.first))
    document = render(shop.save(), period=Period(MARCH.first, MARCH.first))
    assert ["Продажі", "10,50 ₴", "нове", "0,00 ₴"] in rows(document, "figures")
    assert "Усі замовлення оплачено." in document


def test_a_period_before_that_was_never_loaded_is_not_zero(shop: BookedShop) -> None:
    """0,00 ₴ and "new" would claim that the shop sold nothing then, which is unknown (R1)."""
    shop.order(1, MARCH.first, [Item("10.50")], payments=[Payment("10.50")])
    shop.loaded(MARCH)
    document = render(shop.save())
    assert ["Продажі", "10,50 ₴"] in rows(document, "figures")
    headings = [text_of(cell) for cell in section(document, "figures").xpath(".//thead//th")]
    assert headings == ["Показник", "Замовлень", "Сума", "Показник", "Період"]
    body = html.fromstring(document).find("body")
    assert {text_of(change) for change in body.find_class("change")} == {""}
    page = text_of(body)
    assert "Попередній період, 29 січня – 28 лютого 2026, не завантажували, тому порівняння немає." in page
    assert {"нове", "порівняно", "попередній"} & set(page.split()) == set()


def test_only_cancelled_orders(shop: BookedShop) -> None:
    """Zero sales and a cancelled order: no share of nothing, and no error."""
    shop.order(1, MARCH.first, [Item("10")], status_id=19)
    document = render(shop.save())
    assert ["Скасовано замовлень", "1"] in rows(document, "figures")
    assert "Скасовано 100,0 % замовлень періоду. " in text_of(section(document, "lost"))


def test_three_years(shop: BookedShop) -> None:
    """A long period is drawn by weeks and keeps its total."""
    first = date(2023, 1, 1)
    for number in range(1, 1100, 7):
        shop.order(number, first + timedelta(days=number), [Item("1")])
    document = render(shop.save(), period=Period(first, date(2025, 12, 31)))
    assert "Тиждень від" in text_of(section(document, "days"))
    total = [row for row in rows(document, "days") if row[0] == "Разом"]
    assert total == [["Разом", "157", "0", "157,00 ₴"]]  # the 158th order is of 2026


def test_tables_that_are_cut_keep_their_total(shop: BookedShop) -> None:
    """Of 200 products the first are listed, the rest is one row, and the total includes all."""
    for number in range(1, 201):
        shop.card(number, f"Товар {number:03}")
    shop.order(1, MARCH.first, [Item(str(number), number) for number in range(1, 201)])
    written = rows(render(shop.save()), "products")
    assert written[-1][1] == "20 100,00 ₴"  # 1 + 2 + … + 200
    named = [Decimal(row[1].removesuffix(" ₴").replace(" ", "").replace(",", ".")) for row in written[:-1]]
    assert sum(named) == Decimal(20100)
    assert len(written) < 40


def test_no_database(tmp_path: Path) -> None:
    """A profile without a load has no database: the error says so, and no file is created."""
    missing = tmp_path / "none.duckdb"
    with pytest.raises(DatabaseMissingError, match="nothing was loaded"):
        render(Warehouse(missing, "Europe/Kyiv"))
    assert not missing.exists()


def test_rendering_twice_gives_the_same_document(march: Warehouse, ukrainian: str) -> None:
    """Two reports of the same data at the same time are identical."""
    assert render(march) == ukrainian


def test_the_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    """Only the owner can read a report; nothing is half-written and nothing left over."""
    path = tmp_path / "reports" / "shop.html"
    write_report(path, "старий")
    path.chmod(0o644)
    write_report(path, "новий")
    assert path.read_text("utf-8") == "новий"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_report(tmp_path: Path) -> None:
    """A text that cannot be stored leaves yesterday's report and no temporary file."""
    path = tmp_path / "shop.html"
    write_report(path, "старий")
    with pytest.raises(UnicodeEncodeError):
        write_report(path, "\ud800")
    assert path.read_text("utf-8") == "старий"
    assert list(tmp_path.iterdir()) == [path]
