"""What an accountant reads on the pages, with the figures of the small shop worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from keycrm_pipeline.crm.errors import RequestRefused
from keycrm_pipeline.profile import Settings
from keycrm_pipeline.run.lock import held
from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.page.shops import SETTINGS, small_shop, write_profile
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, rows_of, text_of, visited
from keycrm_pipeline_tests.payloads import line_payload, offer_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, kyiv, make_books, person

SHOP = "/profiles/shop"


def plain(text: str) -> str:
    """With ordinary blanks in numbers."""
    return text.replace("\u00a0", " ")


def found(visitor: Visitor, **fields: str) -> list[str]:
    """The numbers of the orders that the form of the list finds."""
    answer = visitor.send(f"{SHOP}/documents", f"{SHOP}/documents", **fields)
    page = visitor.page(answer.headers["location"])
    if not page.xpath("//div[@aria-label='Документи']/table"):
        assert "Таких документів немає." in text_of(page)
        return []
    return [row[0] for row in rows_of(page, "Документи")]


# Профілі


def test_the_profiles(visitor: Visitor) -> None:
    """The last exchange is of 1 April, 12:00 in Kyiv; 503 and 505 wait; 4 to 31 March were never loaded: 28 days."""
    text = plain(text_of(visitor.page("/")))
    assert "Останній обмін 1 квіт. 2026, 12:00, завантаження за період: Успішно" in text
    assert "Потребує уваги 2" in text
    assert "Не завантажено днів 28" in text
    assert visitor.page("/").xpath("//article//a[contains(@href, 'asset-groups/shop')]")


def test_no_days_are_counted_while_none_is_loaded(tmp_path: Path) -> None:
    """The only load failed: «Не завантажено днів 0» would read as if all were there."""
    books = make_books(tmp_path)
    write_profile(books)
    books.api.faults.refusal_status = 403
    with pytest.raises(RequestRefused):
        books.load()
    with visited(books.settings) as visitor:
        text = plain(text_of(visitor.page("/")))
        assert "завантаження за період: Не вдалося" in text
        assert "Не завантажено днів" not in text


def test_a_profile_with_a_mistake_is_shown_with_it_and_the_others_work(tmp_path: Path) -> None:
    small_shop(tmp_path)
    (tmp_path / "broken.yaml").write_text("start_date: 2026-01-01\ncurency: UAH\n", "utf-8")
    with visited(Settings(tmp_path, tmp_path)) as visitor:
        text = text_of(visitor.page("/"))
        assert "broken.yaml" in text
        assert "curency: такого налаштування немає. Можливо, мало бути currency." in text
        assert "Успішно" in text
        assert visitor.get("/profiles/broken/documents").status_code == 409
        assert visitor.get("/profiles/other/documents").status_code == 404
        assert visitor.get("/profiles/..%2f..%2fetc/documents").status_code == 404


def test_a_profile_that_loaded_nothing_leads_to_its_first_load(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    with visited(Settings(tmp_path, tmp_path)) as visitor:
        assert "Ще нічого не завантажено" in text_of(visitor.page("/"))
        for name in ("documents", "partners", "products", "attention", "exchanges", "documents/1"):
            page = visitor.page(f"{SHOP}/{name}")
            assert "Ще нічого не завантажено" in text_of(page)
            assert page.xpath("//main//a/@href")[0] == f"{SHOP}/load"
        assert visitor.get(f"{SHOP}/files").status_code == 200
    assert not (tmp_path / "shop.duckdb").exists()


def test_a_file_that_is_being_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB lets nobody read meanwhile; the page says so instead of hanging."""
    books = small_shop(tmp_path)
    monkeypatch.setattr("keycrm_pipeline.page.shops.WAIT_SECONDS", 0.0)
    with visited(books.settings) as visitor, Warehouse(books.warehouse.path, "Europe/Kyiv").writing():
        answer = visitor.get(f"{SHOP}/documents")
        assert answer.status_code == 503
        assert "Базу зараз записують" in answer.text
        assert "Базу зараз записують; оновіть сторінку за кілька секунд." in text_of(visitor.page("/"))
        # An exchange holds the lock of its profile: its progress is one click away.
        with held(books.workspace.lock, "a run"):
            (shown,) = visitor.page("/").xpath("//main//dd[a]/a")
            assert (shown.text_content(), shown.get("href")) == ("Обмін триває", f"{SHOP}/load")


def test_the_file_is_closed_after_each_page(tmp_path: Path) -> None:
    """A load must be able to write as soon as a page is shown."""
    books = small_shop(tmp_path)
    with visited(books.settings) as visitor:
        for name in ("documents", "documents/501", "partners/1", "products/1", "attention", "exchanges"):
            visitor.page(f"{SHOP}/{name}")
            with Warehouse(books.warehouse.path, "Europe/Kyiv", wait_seconds=0).writing():
                pass


# Документи


def test_the_list_of_documents(visitor: Visitor) -> None:
    """Newest day first; totals 270 + 100 + 105 + 100 = 575 hryvnias."""
    page = visitor.page(f"{SHOP}/documents")
    rows = rows_of(page, "Документи")
    assert [row[0] for row in rows] == ["504", "503", "502", "501"]
    assert plain(" | ".join(rows[3])) == (
        "501 | 2 бер. 2026 | Олена Тестова | Нове | Інтернет-магазин ROZ-77 | olena | 270,00 ₴ | 270,00 ₴"
    )
    assert "розбіжність 5,00" in plain(rows[1][6])
    assert "4 замовлення на 575,00 ₴" in plain(text_of(page))


@pytest.mark.parametrize(
    ("fields", "numbers"),
    [
        ({"from": "2026-03-03"}, ["504"]),
        ({"to": "02.03.2026"}, ["503", "502", "501"]),
        ({"from": "2026-03-02", "to": "2026-03-02", "stage": "Закрито"}, ["502"]),
        ({"responsible": "olena"}, ["501"]),
        ({"organisation": "ФОП Коваленко О. П."}, ["501"]),
        ({"difference": "1"}, ["503"]),
        ({"source": "1"}, ["504", "503", "502", "501"]),
        ({"source": "2"}, []),
        ({"text": "501"}, ["501"]),
        ({"text": "roz-77"}, ["501"]),
        ({"text": "20450000000001"}, ["502"]),
        ({"text": "spoon-9"}, ["501"]),
        ({"text": "тестова"}, ["504", "501"]),
        ({"text": "(050) 111-22-33"}, ["504", "501"]),
        ({"text": "+38 067 444 55 66"}, ["503", "502"]),
        ({"text": "44 55"}, []),
        ({"text": "тестова", "from": "2026-03-03"}, ["504"]),
        ({"text": "100%"}, []),
        ({"text": "_"}, []),
        ({"text": "'; DROP TABLE accounting.orders; --"}, []),
        ({"partner": "2"}, ["503", "502"]),
        ({"product": "2"}, ["501"]),
    ],
    ids=str,
)
def test_what_the_form_finds(visitor: Visitor, fields: dict[str, str], numbers: list[str]) -> None:
    assert found(visitor, **fields) == numbers


def test_a_day_that_does_not_exist_is_told(visitor: Visitor) -> None:
    page = visitor.page(f"{SHOP}/documents?from=2026-02-30")
    assert "Перший день: такої дати немає. Напишіть день так: 26.10.2026." in text_of(page)


def test_a_search_that_was_forgotten_is_told(visitor: Visitor) -> None:
    """After a restart of the page an old address must not silently show everything."""
    text = text_of(visitor.page(f"{SHOP}/documents?search=unknown"))
    assert "Цей пошук уже забуто" in text


def test_an_order_as_the_accountant_knows_it(visitor: Visitor) -> None:
    """10 % off 300 hryvnias is 30: 20 for two cups, 10 for the spoon, none of it on the lines themselves."""
    page = visitor.page(f"{SHOP}/documents/501")
    text = plain(text_of(page))
    for expected in (
        "Замовлення 501 від 2 бер. 2026, 10:00",
        "Контрагент Олена Тестова +380501112233",
        "Стадія Нове",
        "Номер у джерелі ROZ-77",
        "Відповідальний olena",
        "Банк. рахунок/Каса IBAN ФОП",
        "Організація ФОП Коваленко О. П.",
        "Коментар Подзвоніть",
        "у т. ч. знижка 30,00 ₴",
        "Сума 270,00 ₴",
        "Надійшло оплат 270,00 ₴ Оплачено",
        "Знижка на все замовлення в KeyCRM: 10 %",
    ):
        assert expected in text
    goods = [plain(" | ".join(row)) for row in rows_of(page, "Товари")]
    assert goods == [
        "1 | Чашка | CUP-1 | 2 шт | 100,00 ₴ | 20,00 ₴ рядка 0,00 ₴, частка замовлення 20,00 ₴ | 180,00 ₴",
        "2 | Ложка | SPOON-9 | 1 шт | 100,00 ₴ | 10,00 ₴ рядка 0,00 ₴, частка замовлення 10,00 ₴ | 90,00 ₴",
    ]
    ((paid_at, kind, _method, account, state, receipt, amount),) = rows_of(page, "Оплати й витрати")
    assert (kind, state, receipt, plain(amount)) == ("Оплата", "Проведено", "—", "270,00 ₴")
    assert "Заокруглення" not in text
    assert account == "IBAN ФОП ФОП Коваленко О. П."
    assert paid_at
    assert "Послуг немає." in text
    assert page.xpath("//a[text()='Відкрити в KeyCRM']/@href") == [
        "https://shop.keycrm.example/app/orders/view/501"
    ]
    payload = page.xpath("//details")[0]
    assert "source_uuid ROZ-77" in text_of(payload)
    assert "Історія статусів" in text
    assert "отримано 1 квіт. 2026, 12:00" in text


def test_receipts_kinds_and_rounded_cash_of_an_order(tmp_path: Path) -> None:
    """100.20 paid with 60 by card and 40 in cash: 0.20 less is rounding, and the receipt of the card is there."""
    methods = {1: {"kind": "cash"}, 3: {"kind": "card", "receipt": "own"}}
    books = make_books(tmp_path, payment_methods=methods)
    by_card = payment_payload(
        71, 60, payment_method_id=3, fiscal_result={"fiscal_code": "QWERTY"}, fiscal_status="done"
    )
    books.order(
        501,
        lines=[line_payload(price=Decimal("100.20"))],
        payments=[by_card, payment_payload(72, 40, payment_method_id=1)],
    )
    books.load(MARCH_2)
    write_profile(books, accounts={}, organisations={}, payment_methods=methods)
    with visited(books.settings) as visitor:
        page = visitor.page(f"{SHOP}/documents/501")
        assert "Заокруглення -0,20 ₴" in plain(text_of(page)).replace("−", "-")
        payments = rows_of(page, "Оплати й витрати")
        assert [(row[2], row[5]) for row in payments] == [
            ("LiqPay картка", "є done видає магазин"),
            ("Готівка готівка", "—"),
        ]
        assert "QWERTY" in text_of(page)


def test_what_changed_in_an_order(tmp_path: Path) -> None:
    """A payment comes and is cancelled, a line goes: each in words, dated by KeyCRM and by the exchange."""
    books = make_books(tmp_path, **SETTINGS)
    cup = line_payload(id=11, name="Чашка", price=100, quantity=2)
    spoon = line_payload(id=12, name="Ложка", price=70)
    paid = payment_payload(71, 270, payment_date="2026-04-01T06:30:00.000000Z")
    books.order(501, lines=[cup, spoon])
    books.load(MARCH_2)
    books.order(501, lines=[cup, spoon], payments=[paid], updated_at="2026-04-01T06:31:00.000000Z")
    books.load(MARCH_2)
    books.order(
        501,
        lines=[{**cup, "quantity": 1}],
        payments=[{**paid, "status": "canceled", "updated_at": "2026-04-01T08:15:00.000000Z"}],
        status_id=19,
        updated_at="2026-04-01T08:16:00.000000Z",
        status_changed_at="2026-04-01T08:16:00.000000Z",
        shipping={"tracking_code": "20450000000009", "shipping_status": "return", "delivery_service": None},
    )
    books.load(MARCH_2)
    write_profile(books)
    with visited(books.settings) as visitor:
        page = visitor.page(f"{SHOP}/documents/501")
    (history,) = page.xpath("//section[@aria-labelledby='h-movements']")
    entries = [plain(text_of(entry)) for entry in history.xpath(".//li")]
    seen = "у KeyCRM 1 квіт. 2026, 11:16; отримано 1 квіт. 2026, 14:00"
    assert entries == [
        "Документ створено отримано 1 квіт. 2026, 12:00",
        "Надійшла оплата: 270,00 ₴ (Рахунок ФОП (IBAN)) у KeyCRM 1 квіт. 2026, 09:30; отримано 1 квіт. 2026, 13:00",
        "Оплату скасовано: 270,00 ₴ (Рахунок ФОП (IBAN)) у KeyCRM 1 квіт. 2026, 11:15; отримано 1 квіт. 2026, 14:00",
        f"Вилучено рядок: Ложка, 1 на 70,00 ₴ {seen}",
        f"Змінено рядок: Чашка, було 2 на 200,00 ₴, стало 1 на 100,00 ₴ {seen}",
        f"Суму замовлення змінено: було 270,00 ₴, стало 100,00 ₴ {seen}",
        f"Замовлення скасовано: Новий → Скасовано {seen}",
        f"Посилку відправлено: ТТН (ЕН) 20450000000009 {seen}",
        f"Посилку не отримано: ТТН (ЕН) 20450000000009 {seen}",
    ]
    assert "Скасована оплата — це або гроші, віддані покупцеві, або виправлена помилка" in text_of(history)


def test_another_day_of_payment_and_an_order_that_vanished(tmp_path: Path) -> None:
    """The payment of 1 April is of 30 March now; then the order is gone from KeyCRM, which gives no time of it."""
    books = make_books(tmp_path, **SETTINGS)
    paid = payment_payload(71, 100, payment_date="2026-04-01T06:30:00.000000Z")
    books.order(501, payments=[paid], updated_at="2026-04-01T06:31:00.000000Z")
    books.order(502)
    books.load(MARCH_2)
    paid = {
        **paid,
        "payment_date": "2026-03-30T06:30:00.000000Z",
        "updated_at": "2026-04-01T07:15:00.000000Z",
    }
    books.order(501, payments=[paid], updated_at="2026-04-01T07:16:00.000000Z")
    books.load(MARCH_2)
    books.shop.delete_order(501)
    books.load(MARCH_2)
    write_profile(books)
    with visited(books.settings) as visitor:
        page = visitor.page(f"{SHOP}/documents/501")
    (history,) = page.xpath("//section[@aria-labelledby='h-movements']")
    assert [plain(text_of(entry)) for entry in history.xpath(".//li")] == [
        "Документ створено отримано 1 квіт. 2026, 12:00",
        "Дату оплати змінено: 100,00 ₴, було 1 квіт. 2026, стало 30 бер. 2026 (Рахунок ФОП (IBAN)) "
        "у KeyCRM 1 квіт. 2026, 10:15; отримано 1 квіт. 2026, 13:00",
        "Замовлення зникло з KeyCRM отримано 1 квіт. 2026, 14:00",
    ]


def test_a_rejected_order_has_its_reason_and_what_was_sent(visitor: Visitor) -> None:
    text = text_of(visitor.page(f"{SHOP}/documents/505"))
    assert "Замовлення відхилено: Не число: grand_total «скільки завгодно»." in text
    assert "скільки завгодно" in text
    assert "Реквізити" not in text


@pytest.mark.parametrize("number", ["999", "0", "9223372036854775807", "9" * 30, "9" * 4000, "-1", "x"])
@pytest.mark.parametrize("cards", ["documents", "partners", "products"])
def test_an_unknown_number(visitor: Visitor, cards: str, number: str) -> None:
    assert visitor.get(f"{SHOP}/{cards}/{number}").status_code == 404


# Контрагенти, Номенклатура


def test_partners(visitor: Visitor) -> None:
    rows = [" | ".join(row) for row in rows_of(visitor.page(f"{SHOP}/partners"), "Контрагенти")]
    assert [plain(row) for row in rows] == [
        "2 | Іван Зразковий | +380674445566 | — | 2 | 2 бер. 2026 | створив обмін",
        "1 | Олена Тестова | +380501112233 | — | 2 | 3 бер. 2026 | створив обмін",
    ]
    card = visitor.page(f"{SHOP}/partners/1")
    assert "Покупці KeyCRM 1" in text_of(card)
    assert [row[0] for row in rows_of(card, "Замовлення контрагента")] == ["504", "501"]
    assert "2 замовлення на 370,00 ₴" in plain(text_of(card))
    assert visitor.get(f"{SHOP}/partners/77").status_code == 404


def test_products(visitor: Visitor) -> None:
    rows = rows_of(visitor.page(f"{SHOP}/products"), "Номенклатура")
    assert [(row[1], row[3]) for row in rows] == [
        ("Чашка керамічна", "—"),
        ("Ложка", "SPOON-9"),
        ("Чашка", "CUP-1"),
    ]
    card = visitor.page(f"{SHOP}/products/2")
    assert [row[0] for row in rows_of(card, "Замовлення з цією карткою")] == ["501"]
    assert visitor.get(f"{SHOP}/products/77").status_code == 404


@pytest.mark.parametrize(
    ("cards", "text", "names"),
    [
        ("partners", "зразк", ["Іван Зразковий"]),
        ("partners", "0501112233", ["Олена Тестова"]),
        ("partners", "ніхто", []),
        ("products", "ложк", ["Ложка"]),
        ("products", "cup-1", ["Чашка"]),
    ],
)
def test_cards_are_searched(visitor: Visitor, cards: str, text: str, names: list[str]) -> None:
    address = visitor.send(f"{SHOP}/cards/{cards}", f"{SHOP}/{cards}", text=text).headers["location"]
    assert text not in address
    page = visitor.page(address)
    assert [text_of(link) for link in page.xpath("//tbody/tr/th[@scope='row']")] == names


def test_the_words_of_quincefin(tmp_path: Path) -> None:
    """With `words: quincefin`, the page speaks as that system does; a buyer called so keeps the name."""
    books = make_books(tmp_path, **SETTINGS)
    books.order(501, buyer=person(1, "Контрагент Автор"))
    books.load(MARCH_2)
    write_profile(books, words="quincefin")
    with visited(books.settings) as visitor:
        order = text_of(visitor.page(f"{SHOP}/documents/501"))
        for expected in (
            "Партнер Контрагент Автор",
            "Зовнішній номер",
            "Користувач Оператор",
            "Партнери Товар",
        ):
            assert expected in order
        for name in ("documents/501", "partners", "products", "attention"):
            text = text_of(visitor.page(f"{SHOP}/{name}")).replace("Контрагент Автор", "")
            assert "онтрагент" not in text
            assert "оменклатур" not in text


# Потребує уваги


def test_what_needs_attention(visitor: Visitor) -> None:
    page = visitor.page(f"{SHOP}/attention")
    text = plain(text_of(page))
    assert "Замовлення 503: у KeyCRM розбіжність 5,00 ₴" in text
    assert "Відхилені замовлення · 1" in text
    assert "Не число: grand_total «скільки завгодно»." in text
    assert page.xpath(f"//main//a[@href='{SHOP}/documents/503']")
    assert page.xpath(f"//main//a[@href='{SHOP}/documents/505']")


def test_a_status_without_a_stage_leads_to_the_settings(tmp_path: Path) -> None:
    books = make_books(tmp_path, **SETTINGS)
    books.order(501, status_id=2)
    books.load(MARCH_2)
    write_profile(books)
    with visited(books.settings) as visitor:
        (link,) = visitor.page(f"{SHOP}/attention").xpath("//section//a[text()='Налаштування']/@href")
        assert "Наявність підтверджено № 2" in text_of(visitor.page(link))


def test_where_a_parcel_is_stands_in_words(tmp_path: Path) -> None:
    """KeyCRM's list of these states is open: one that is not known is shown as it came."""
    books = make_books(tmp_path, **SETTINGS)
    for order_id, state in ((501, "cash_received"), (502, "teleported")):
        books.order(order_id, shipping={"tracking_code": "2045", "shipping_status": state})
    books.load(MARCH_2)
    write_profile(books)
    with visited(books.settings) as visitor:
        assert "післяплату отримано" in text_of(visitor.page(f"{SHOP}/documents/501").xpath("//dl")[0])
        assert "teleported" in text_of(visitor.page(f"{SHOP}/documents/502").xpath("//dl")[0])


def test_a_manager_without_a_user_is_named(tmp_path: Path) -> None:
    """KeyCRM lists number 3 as Тарас Зразченко. What is stored, which Dagster shows as well, has the number alone."""
    books = make_books(tmp_path, **SETTINGS)
    books.order(501, manager_id=3)
    books.order(502, manager_id=99)
    books.load(MARCH_2)
    write_profile(books)
    with visited(books.settings) as visitor:
        text = text_of(visitor.page(f"{SHOP}/attention"))
    assert "Менеджеру 3 у профілі не відповідає жоден користувач" in text
    assert "У KeyCRM це Тарас Зразченко." in text
    assert text.count("У KeyCRM це") == 1
    stored = books.query("SELECT details, details_coded::VARCHAR FROM ops.review")
    assert "Зразченко" not in str(stored)


def test_a_checked_card_is_ticked_off(tmp_path: Path) -> None:
    """Two products of KeyCRM with one article share a card; a person has looked at it."""
    books = make_books(tmp_path, **SETTINGS)
    for number, name in enumerate(("Чашка", "Тарілка"), start=1):
        offer = offer_payload(300 + number, 400 + number, sku="SAME-1", properties=[])
        books.order(500 + number, buyer=person(number), lines=[line_payload(name=name, offer=offer)])
    books.load(MARCH_2)
    write_profile(books)
    ((product_id,),) = books.query("SELECT subject FROM ops.review WHERE kind = 'shared_sku'")
    with visited(books.settings) as visitor:
        path = f"{SHOP}/attention"
        assert "Один артикул, різні товари · 1" in text_of(visitor.page(path))
        assert visitor.send(path, path, product="9999").status_code == 422
        assert visitor.send(path, path, product="x'; --").status_code == 422
        done = visitor.send(path, path, product=product_id)
        page = visitor.page(done.headers["location"])
        assert "Відзначено." in text_of(page)
        assert "Один артикул" not in text_of(page)
        assert visitor.send(path, f"{SHOP}/load", product=product_id).headers["location"].endswith("?done=1")
        # Somebody else, who still sees it.
        visitor.client.cookies.clear()
        assert visitor.send(path, f"{SHOP}/load", product=product_id).status_code == 422
    assert books.review("shared_sku") == []


def test_new_names_are_taken_over_without_a_terminal(
    tmp_path: Path, dagster: tuple[str, NotedDagster]
) -> None:
    """A product renamed in KeyCRM: the button starts the job that asks KeyCRM again and renames the cards."""
    books = make_books(tmp_path, **SETTINGS)
    offer = offer_payload(301, 401, sku="CUP", properties=[])
    books.shop.add_product(product_payload(401, "Чашка", has_offers=True, sku="CUP"), [offer])
    books.order(501, lines=[line_payload(name="Чашка", offer=offer)])
    books.load(MARCH_2)
    path = f"{SHOP}/attention"
    address, noted = dagster
    write_profile(books)
    with visited(books.settings, dagster=address) as visitor:
        assert "Взяти всі нові назви" not in text_of(visitor.page(path))
        books.shop.add_product(product_payload(401, "Чашка велика", has_offers=True, sku="CUP"), [offer])
        books.catalogue()
        assert "«Чашка», а в KeyCRM товар перейменовано на «Чашка велика»" in text_of(visitor.page(path))
        sent = visitor.send(f"{path}/rename", path)
    (launched,) = noted.launched
    assert sent.headers["location"] == f"{SHOP}/runs/00000000-0000-4000-8000-000000000001"
    assert launched["selector"]["jobName"] == "shop_catalogue"
    assert launched["runConfigData"] == {"ops": {"shop__catalogue": {"config": {"rename": True}}}}


# Обміни


def test_the_exchange_log(visitor: Visitor) -> None:
    ((number, started, kind, result, *counts),) = rows_of(visitor.page(f"{SHOP}/exchanges"), "Обміни")
    assert (number, started, result) == ("1", "1 квіт. 2026, 12:00", "Успішно")
    assert kind == "Завантаження за період 2–3 березня 2026"
    assert counts[:5] == ["5", "4", "0", "0", "1"]


def test_a_killed_exchange_does_not_run_for_ever(tmp_path: Path) -> None:
    books = small_shop(tmp_path)
    with books.warehouse.writing() as connection:
        connection.execute("UPDATE ops.exchanges SET status = 'running', finished_at = NULL")
    with visited(books.settings) as visitor:
        assert "Обірвано" in text_of(visitor.page("/"))
        assert rows_of(visitor.page(f"{SHOP}/exchanges"), "Обміни")[0][3] == "Обірвано"


def test_the_list_goes_on_after_fifty(tmp_path: Path) -> None:
    """120 orders of three days: three pages of 50, 50 and 20, each order once, newest first."""
    books = make_books(tmp_path, **SETTINGS)
    for number in range(120):
        books.order(1000 + number, kyiv(2026, 3, 2 + number % 3), buyer=person(1))
    books.load(MARCH_2, kyiv(2026, 3, 4).date())
    write_profile(books)
    pages = []
    with visited(books.settings) as visitor:
        address: str | None = f"{SHOP}/documents?stage=%D0%9D%D0%BE%D0%B2%D0%B5"
        while address:
            page = visitor.page(address)
            pages.append([int(row[0]) for row in rows_of(page, "Документи")])
            assert "120 замовлень на 12 000,00 ₴" in plain(text_of(page))
            address = next(iter(page.xpath("//a[@rel='next']/@href")), None)
        assert visitor.page(f"{SHOP}/documents?after=nonsense").xpath("//a[@rel='next']")
    assert [len(page) for page in pages] == [50, 50, 20]
    expected = sorted(range(1000, 1120), key=lambda number: ((number - 1000) % 3, number), reverse=True)
    assert [number for page in pages for number in page] == expected
