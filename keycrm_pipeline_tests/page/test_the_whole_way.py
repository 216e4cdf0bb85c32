"""The whole way of an accountant in a browser, while a real Dagster works: from the key to documents and files.

A new profile with the key of an account, its settings, the load of a month, an order field by field, a tick, an export
that is downloaded and opened, another stage with a rebuild, and a load that is stopped; by mouse on a desktop, and by
keyboard alone on a phone. What is not here: every single page (`test_in_a_browser`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from keycrm_pipeline.profile import Settings
from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.browser import DESKTOP, PHONE, Browser
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.page.site import visited
from keycrm_pipeline_tests.page.test_in_a_browser import faults
from keycrm_pipeline_tests.payloads import line_payload, offer_payload, order_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import kyiv, person
from keycrm_pipeline_tests.product import Product, processes_of, wait_until
from keycrm_pipeline_tests.scripted_api import ScriptedApi

pytestmark = [pytest.mark.process, pytest.mark.browser]

KEY = "the-key-of-the-account"
MOST_TABS = 250
"""More than any page has fields and links."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, without any profile yet."""
    directory = tmp_path_factory.mktemp("product")
    (directory / "profiles").mkdir()
    environment = {
        "KEYCRM_PROFILES_DIR": str(directory / "profiles"),
        "KEYCRM_DATA_DIR": str(directory / "data"),
    }
    started = Product(directory / "home", environment)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        assert processes_of(directory / "home") == []


@pytest.fixture(scope="module")
def account() -> EditableShop:
    """An account with four orders in March 2026.

    801: two cups of 200 and a spoon of 100 hryvnias, 10 % off the order: 500 - 50; an embroidery of 150, which is a
    service, 15 off it as well; delivery of 80. 650 - 65 + 80 = 665 hryvnias, 600 of them paid.
    802 and 803: one article on two products, of 100 and 120 hryvnias; 804: a cup of 200.
    801 and 803 have status 12, «Виконано».
    """
    shop = EditableShop.empty()
    embroidery = offer_payload(70, 7, sku="EMB-1")
    shop.add_product(product_payload(7, "Вишивка", category_id=11), [embroidery])
    olena = person(1, "Олена Тестова", "+380501112233")
    ivan = person(2, "Іван Зразковий", "+380674445566")
    shop.add_order(
        order_payload(
            801,
            kyiv(2026, 3, 2, 14, 30),
            [
                line_payload(name="Чашка", sku="CUP-1", price=200, quantity=2),
                line_payload(name="Ложка", sku="SPOON-9", price=100, quantity=1),
                line_payload(name="Вишивка", offer=embroidery, price=150, quantity=1),
            ],
            olena,
            [payment_payload(71, 600)],
            discount_percent=10,
            shipping_price=80,
            status_id=12,
            manager_id=1,
            source_uuid="ROZ-77",
            buyer_comment="Подзвоніть перед доставкою",
        )
    )
    for number, (name, price, status) in enumerate((("Тарілка", 100, 1), ("Таця", 120, 12)), start=2):
        offer = offer_payload(300 + number, 400 + number, sku="SAME-1", properties=[])
        line = line_payload(name=name, offer=offer, price=price, quantity=1)
        shop.add_order(
            order_payload(800 + number, kyiv(2026, 3, 10), [line], ivan, status_id=status, manager_id=1)
        )
    cup = line_payload(name="Чашка", sku="CUP-1", price=200, quantity=1)
    shop.add_order(order_payload(804, kyiv(2026, 3, 31, 23, 30), [cup], ivan, status_id=1, manager_id=1))
    return shop


@dataclass
class Accountant:
    """Somebody at the page.

    Attributes:
        browser: The browser.
        size: Of the window.
        has_mouse: Whether to click; otherwise everything is done with the keyboard.
    """

    browser: Browser
    size: tuple[int, int]
    has_mouse: bool

    def text(self) -> str:
        """What stands on the page; in one step, because the page replaces what is in it meanwhile."""
        found = str(self.browser.run("return document.querySelector('main')?.innerText ?? ''"))
        return found.replace("\u00a0", " ").replace("\u202f", " ")

    def sees(self, said: str) -> None:
        """Waits until something stands on the page."""
        wait_until(lambda: said in self.text(), f"the page says: {said}")

    def checks_page(self) -> None:
        """The page fits the window, and has no serious fault for people who see or hear it otherwise."""
        assert self.browser.overflow() == []
        assert faults(self.browser) == []

    def element(self, path: str) -> WebElement:
        """The first visible element of an XPath."""
        wait_until(lambda: bool(self._visible(path)), f"there is {path}")
        return self._visible(path)[0]

    def _visible(self, path: str) -> list[WebElement]:
        return [found for found in self.browser.driver.find_elements(By.XPATH, path) if found.is_displayed()]

    def keys(self, *keys: str) -> None:
        """Presses keys."""
        ActionChains(self.browser.driver).send_keys(*keys).perform()

    def _reach(self, wanted: WebElement) -> None:
        """Goes to an element with the Tab key alone, past the menu where it can be skipped."""
        is_inside = "return document.querySelector('main').contains(arguments[0])"
        is_outside = "return !document.querySelector('main').contains(document.activeElement)"
        if self.browser.run(is_inside, wanted) and self.browser.run(is_outside):
            self._tab_to("return document.activeElement.className == 'skip'")
            self.keys(Keys.ENTER)
        self._tab_to("return document.activeElement === arguments[0]", wanted)
        outline = "return getComputedStyle(document.activeElement).outlineStyle"
        assert self.browser.run(outline) == "solid", "the focus can be seen"

    def _tab_to(self, reached: str, *arguments: Any) -> None:
        for _ in range(MOST_TABS):
            if self.browser.run(reached, *arguments):
                return
            self.keys(Keys.TAB)
        raise AssertionError(f"no key leads there: {reached}")

    def _press(self, wanted: WebElement, key: str) -> None:
        if self.has_mouse:
            wanted.click()
        else:
            self._reach(wanted)
            self.keys(key)

    def follows(self, link: str) -> None:
        """Follows a link, by the beginning of its text, and waits for the other page."""
        self._leaves(self.element(f"//a[starts-with(normalize-space(), '{link}')]"))

    def presses(self, button: str) -> None:
        """Presses a button, by the beginning of its text, and waits for the other page."""
        while True:
            try:
                self._leaves(self.element(f"//button[starts-with(normalize-space(), '{button}')]"))
            except StaleElementReferenceException:
                # The progress was replaced just then, with a button in the same place.
                continue
            return

    def _leaves(self, wanted: WebElement) -> None:
        self.browser.run("window.isLeft = false")
        self._press(wanted, Keys.ENTER)
        wait_until(
            lambda: bool(
                self.browser.run("return window.isLeft === undefined && document.readyState === 'complete'")
            ),
            "another page is shown",
        )

    def ticks(self, label: str) -> None:
        """Ticks a box, by its whole label."""
        path = f"//label[normalize-space()='{label}']"
        if self.has_mouse:
            self.element(path).click()
        else:
            self._press(self.element(f"{path}//input"), Keys.SPACE)

    def writes(self, name: str, value: str | date) -> None:
        """Writes into a field in place of what stands there, by its name."""
        field = self.element(f"//*[@name='{name}']")
        if self.has_mouse:
            field.click()
        else:
            self._reach(field)
        if isinstance(value, date):
            # A browser takes a date part by part, in the order of its language.
            order = self.browser.run(
                "return new Intl.DateTimeFormat().formatToParts(new Date()).map((part) => part.type)"
            )
            parts = {"day": f"{value:%d}", "month": f"{value:%m}", "year": f"{value:%Y}"}
            # A click may have landed on the part in the middle.
            self.keys(*[Keys.ARROW_LEFT] * 2, *(parts[part] for part in order if part in parts))
        else:
            all_of_it = (
                ActionChains(self.browser.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL)
            )
            all_of_it.send_keys(value).perform()

    def chooses(self, name: str, option: str) -> None:
        """Chooses from a list, by the option's text."""
        field = self.element(f"//select[@name='{name}']")
        if self.has_mouse:
            Select(field).select_by_visible_text(option)
            return
        self._reach(field)
        # Typing its first word chooses an option.
        self.keys(option.split()[0])

    def facts(self) -> dict[str, str]:
        """The terms of the page's lists with what is said of each."""
        pairs = self.browser.run(
            "return [...document.querySelectorAll('dl:not(.payload) > div')].map((row) => "
            "[row.children[0].innerText, row.children[1].innerText])"
        )
        return {term: " ".join(said.split()) for term, said in pairs}

    def table(self, label: str) -> list[list[str]]:
        """The cells of the table with a label."""
        rows = self.browser.run(
            "return [...document.querySelectorAll(`[aria-label='${arguments[0]}'] tbody tr`)].map((row) => "
            "[...row.children].map((cell) => cell.innerText))",
            label,
        )
        return [[" ".join(cell.split()) for cell in row] for row in rows]


def sent_and_shown(accountant: Accountant, sent: dict[str, Any]) -> None:
    """Every field that KeyCRM sent of an order stands in the page under its name."""
    accountant._press(accountant.element("//summary"), Keys.ENTER)
    wait_until(lambda: "source_uuid" in accountant.text(), "the fields are shown")
    shown = dict(
        accountant.browser.run(
            "return [...document.querySelector('details > dl.payload').children].map((row) => "
            "[row.children[0].innerText, row.children[1].innerText.trim()])"
        )
    )
    # Attachments are not asked for, and the margin is shown only with `show_cost`.
    assert shown.keys() == sent.keys() - {"attachments", "margin_sum"}
    words = {None: "—", True: "так", False: "ні"}
    for name in shown:
        value = sent[name]
        if not isinstance(value, dict | list):
            said = words[value] if value is None or isinstance(value, bool) else str(value)
            assert shown[name] == said, name
    for line in sent["products"]:
        assert line["name"] in shown["products"]


@pytest.mark.parametrize(
    ("name", "size", "has_mouse"),
    [("desk", DESKTOP, True), ("pocket", PHONE, False)],
    ids=["mouse-1280", "keyboard-390"],
)
def test_from_the_key_to_the_documents(
    product: Product,
    account: EditableShop,
    browser: Browser,
    tmp_path: Path,
    name: str,
    size: tuple[int, int],
    has_mouse: bool,
) -> None:
    directory = product.home.parent
    settings = Settings(directory / "profiles", directory / "data")
    me = Accountant(browser, size, has_mouse)
    browser.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    with (
        SandboxServer(ScriptedApi(account, api_key=KEY)) as keycrm,
        visited(
            settings, dagster=product.address, keycrm_url=keycrm.url, clock=lambda: datetime.now(UTC)
        ) as visitor,
    ):
        browser.open(str(visitor.client.base_url), size=size)
        creates_profile(me, name)
        maps(me)
        loads_march(me)
        compares_order(me, account.order(801) or {})
        ticks_off(me)
        exports(me, tmp_path)
        changes_a_stage(me)
        stops_a_load(me)


def creates_profile(me: Accountant, name: str) -> None:
    """A wrong key first: it is refused in words, and the name stays."""
    me.follows("Новий профіль")
    me.checks_page()
    me.writes("name", name)
    me.writes("key", "a-wrong-key")
    me.presses("Перевірити")
    assert "ключ" in me.text()
    me.writes("key", KEY)
    me.presses("Перевірити")
    me.sees("KeyCRM відповів")
    me.checks_page()
    me.writes("start_date", date(2026, 1, 1))
    me.presses("Створити профіль")
    me.sees("Профіль створено")
    # Dagster was asked to read its profiles again, so the job is there at once.
    assert "не відповідає" not in me.text()


def maps(me: Accountant) -> None:
    """The settings of the documents, of services, statuses and users."""
    me.writes("author", "Ірина Бухгалтер")
    me.writes("payment_methods.2.account", "IBAN ФОП")
    me.writes("statuses.stages.12", "Закрито")
    me.ticks("Послуги")
    # All other stages are the names of the statuses.
    me.presses("Заповнити порожні стадії")
    me.sees("Порожнє заповнено")
    me.presses("Зберегти")
    me.sees("Збережено")
    me.checks_page()
    me.follows("Користувачі")
    me.writes("managers.1", "Олена з відділу продажів")
    me.presses("Зберегти")
    me.sees("Збережено")
    # So that the load does not wait for the next minute.
    me.follows("Інше")
    me.writes("requests_per_minute", "600")
    me.presses("Зберегти")
    me.sees("Збережено")


def loads_march(me: Accountant) -> None:
    """Leaves the page while the load runs, which stops nothing."""
    me.follows("Отримати замовлення")
    me.writes("from", date(2026, 3, 1))
    me.writes("to", date(2026, 3, 31))
    me._leaves(me.element("//form[.//input[@name='from']]//button"))
    run = me.browser.driver.current_url
    assert "/runs/" in run
    me.browser.driver.get("about:blank")
    me.browser.driver.get(run)
    me.sees("Створено документів")
    assert "Успішно · 1–31 березня 2026" in me.text()
    facts = me.facts()
    assert (facts["Отримано з KeyCRM"], facts["Створено документів"], facts["Відхилено"]) == ("4", "4", "0")
    # 665 + 100 + 120 + 200.
    assert me.table("Замовлення періоду")[0][:2] == ["UAH", "1 085,00 ₴ 4 замовлення"]
    me.checks_page()


def compares_order(me: Accountant, sent: dict[str, Any]) -> None:
    """What the document of 801 says is what the account sent, and everything else that it sent stands beside it."""
    me.follows("Документи періоду")
    me.writes("text", "ROZ-77")
    me.presses("Показати")
    wait_until(lambda: len(me.table("Документи")) == 1, "the order is found by its number at the source")
    me.follows("801")
    facts = me.facts()
    assert sent["buyer"]["full_name"] == "Олена Тестова"
    expected = {
        "Контрагент": "Олена Тестова +380501112233",
        "Стадія": "Закрито статус KeyCRM: Виконано",
        "Номер у джерелі": "ROZ-77",
        "Автор": "Ірина Бухгалтер",
        "Відповідальний": "Олена з відділу продажів",
        "Банк. рахунок/Каса": "IBAN ФОП",
        "Коментар": "Подзвоніть перед доставкою",
        "Товари": "450,00 ₴",
        "Послуги": "215,00 ₴",
        "у т. ч. знижка": "65,00 ₴",
        "Сума": "665,00 ₴",
    }
    assert {term: facts[term] for term in expected} == expected
    assert facts["Надійшло оплат"].startswith("600,00 ₴")
    assert Decimal(str(sent["grand_total"])) == 665
    assert "Замовлення 801 від 2 бер. 2026, 14:30" in me.text()
    assert [(row[1], row[2], row[4], row[6]) for row in me.table("Товари")] == [
        ("Чашка", "CUP-1", "200,00 ₴", "360,00 ₴"),
        ("Ложка", "SPOON-9", "100,00 ₴", "90,00 ₴"),
    ]
    assert sorted((row[1], row[6]) for row in me.table("Послуги")) == [
        ("Вишивка", "135,00 ₴"),
        ("Послуги доставки", "80,00 ₴"),
    ]
    assert [(row[3], row[6]) for row in me.table("Оплати й витрати")] == [("IBAN ФОП", "600,00 ₴")]
    sent_and_shown(me, sent)
    me.checks_page()


def ticks_off(me: Accountant) -> None:
    """The two products of one article are two products: the card was checked."""
    me.follows("Потребує уваги")
    me.sees("Один артикул, різні товари · 1")
    me.presses("Перевірено")
    me.sees("Відзначено.")
    assert "Один артикул" not in me.text()


def exports(me: Accountant, downloads: Path) -> None:
    """The workbook of March has four documents, whose sums are those of the account."""
    me.follows("Файли")
    me.writes("from", date(2026, 3, 1))
    me.writes("to", date(2026, 3, 31))
    me.chooses("format", "Книга Excel (xlsx)")
    me.presses("Вивантажити")
    me.sees("До готових файлів")
    me.follows("До готових файлів")
    me._press(me.element("//a[starts-with(normalize-space(), 'Завантажити')]"), Keys.ENTER)
    wait_until(lambda: bool(list(downloads.glob("*.xlsx"))), "the file is downloaded")
    (file,) = downloads.glob("*.xlsx")
    workbook = openpyxl.load_workbook(file, read_only=True)
    rows = [list(row) for row in workbook["Замовлення"].iter_rows(values_only=True)]
    workbook.close()
    heading = next(row for row in rows if "Сума документа" in row)
    number, stage, total = (heading.index(title) for title in ("Номер", "Стадія", "Сума документа"))
    documents = {
        row[number]: (row[stage], Decimal(str(row[total]))) for row in rows if isinstance(row[number], int)
    }
    assert documents == {
        801: ("Закрито", Decimal(665)),
        802: ("Новий", Decimal(100)),
        803: ("Закрито", Decimal(120)),
        804: ("Новий", Decimal(200)),
    }


def changes_a_stage(me: Accountant) -> None:
    """«Виконано» becomes another stage: the two orders of this status are changed, and no other."""
    me.follows("Налаштування")
    me.writes("statuses.stages.12", "Продано")
    me.presses("Зберегти")
    me.sees("Збережено")
    me.follows("переформування")
    me.presses("Показати, що зміниться")
    me.sees("Пораховано")
    facts = me.facts()
    assert (facts["Зміниться документів"], facts["Без змін"]) == ("2", "2")
    (stages,) = me.table("Що змінюється в документах")
    assert stages[1:] == ["2", "801, 803"]
    me.checks_page()
    me.presses("Переформувати")
    me.sees("Успішно")
    facts = me.facts()
    assert (facts["Змінено"], facts["Без змін"]) == ("2", "2")
    me.follows("Документи")
    assert {row[0]: row[3] for row in me.table("Документи")} == {
        "801": "Продано",
        "802": "Новий",
        "803": "Продано",
        "804": "Новий",
    }


def stops_a_load(me: Accountant) -> None:
    """With one request a minute the load cannot end by itself meanwhile; nothing failed."""
    me.follows("Налаштування")
    me.follows("Інше")
    me.writes("requests_per_minute", "1")
    me.presses("Зберегти")
    me.sees("Збережено")
    me.follows("Отримати замовлення")
    me.presses("Вчора")
    me.sees("Триває")
    me.presses("Зупинити")
    me.sees("Зупинено")
    assert "Не вдалося" not in me.text()
