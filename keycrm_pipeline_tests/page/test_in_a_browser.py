"""The page in a real browser: every page at phone and desktop width, in light and dark, by keyboard and on paper."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from keycrm_pipeline_tests.browser import DESKTOP, PHONE, Browser
from keycrm_pipeline_tests.page.shops import ATTACKS, small_shop, write_profile
from keycrm_pipeline_tests.page.site import NotedDagster, noted_dagster, visited
from keycrm_pipeline_tests.payloads import line_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books, person
from keycrm_pipeline_tests.product import wait_until

pytestmark = pytest.mark.browser

AXE = Path(__file__).with_name("axe.min.js")

PAGES = (
    "/",
    "/profiles/shop/load",
    "/profiles/shop/documents",
    "/profiles/shop/documents?difference=1",
    "/profiles/shop/documents?after=2020-01-01_1",
    "/profiles/shop/documents/{order}",
    "/profiles/shop/documents/{rejected}",
    "/profiles/shop/partners",
    "/profiles/shop/partners/1",
    "/profiles/shop/products",
    "/profiles/shop/products/1",
    "/profiles/shop/attention",
    "/profiles/shop/exchanges",
    "/profiles/shop/reconciliation",
    "/profiles/shop/files",
    "/profiles/shop/month",
    "/profiles/shop/settings/orders",
    "/profiles/shop/settings/users",
    "/profiles/shop/settings/organisations",
    "/profiles/shop/settings/schedule",
    "/profiles/shop/settings/other",
    "/profiles/shop/settings/file",
    "/profiles/shop/rebuild",
    "/new-profile",
    "/profiles/shop/connection",
    "/profiles/shop/runs/{run}",
    "/profiles/shop/nothing",
    "/login",
)

_SERIOUS = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then((found) => done(
  found.violations.filter((rule) => ['serious', 'critical'].includes(rule.impact)).map(
    (rule) => rule.id + ': ' + rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')
  )
));
"""


class Site:
    """A served shop and the addresses of its pages."""

    def __init__(self, address: str, books: Books, noted: NotedDagster, orders: tuple[int, int]) -> None:
        self.address = address
        self.noted = noted
        self.orders = orders
        self._books = books

    def path(self, pattern: str) -> str:
        """A page of `PAGES`, with numbers of this shop."""
        ((run_id,),) = self._books.query("SELECT run_id FROM ops.exchanges WHERE exchange_id = 1")
        self.noted.run(run_id, "shop_load", "SUCCESS")
        order, rejected = self.orders
        return self.address + pattern.format(order=order, rejected=rejected, run=run_id)


def _site(books: Books, orders: tuple[int, int]) -> Iterator[Site]:
    with noted_dagster() as (address, noted), visited(books.settings, dagster=address) as visitor:
        yield Site(str(visitor.client.base_url).rstrip("/"), books, noted, orders)


@pytest.fixture(scope="module")
def site(small: Books) -> Iterator[Site]:
    yield from _site(small, (501, 505))


@pytest.fixture(scope="module")
def hostile_site(hostile: Books) -> Iterator[Site]:
    yield from _site(hostile, (601, 651))


def faults(browser: Browser) -> list[str]:
    """Serious faults for people who use a keyboard, a screen reader or poor eyes."""
    # By the debugger: the page's own policy refuses scripts of anybody else.
    browser.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
    return list(browser.driver.execute_async_script(_SERIOUS))


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("pattern", PAGES)
def test_every_page_fits_complains_about_nothing_and_can_be_used_by_everybody(
    browser: Browser, site: Site, pattern: str, size: tuple[int, int]
) -> None:
    for dark in (False, True):
        browser.open(site.path(pattern), size=size, dark=dark)
        assert browser.overflow() == []
        errors = browser.console_errors()
        # The answer 404 to the page itself is what that page is about.
        assert [error for error in errors if "404" not in error] == []
        assert all(request.startswith(site.address) for request in browser.requests())
        assert faults(browser) == []


@pytest.mark.parametrize("pattern", ["documents", "files", "load", "reconciliation"])
def test_forms_fit_the_smallest_phone(browser: Browser, site: Site, pattern: str) -> None:
    """The second of two days was cut off."""
    browser.open(site.path(f"/profiles/shop/{pattern}"), size=(320, 568))
    assert browser.overflow() == []


def test_axe_is_the_file_that_the_notice_names_and_finds_faults(browser: Browser, site: Site) -> None:
    """A checker that finds nothing in a bad page would prove nothing above."""
    digest = hashlib.sha256(AXE.read_bytes()).hexdigest()
    assert digest in AXE.with_name("NOTICE").read_text("utf-8")
    browser.open(site.path("/"))
    browser.run("document.querySelector('main').innerHTML = '<input><p style=\"color:#eee\">x</p>'")
    found = " ".join(faults(browser))
    assert "label" in found


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("pattern", PAGES)
def test_hostile_names_do_nothing_in_a_browser(
    browser: Browser, hostile_site: Site, pattern: str, size: tuple[int, int]
) -> None:
    browser.open(hostile_site.path(pattern), size=size)
    browser.run("for (const part of document.querySelectorAll('details')) part.open = true;")
    assert browser.run("return window.hacked === undefined")
    assert browser.overflow() == []
    assert all(request.startswith(hostile_site.address) for request in browser.requests())


def test_one_long_name_does_not_push_the_sums_out_of_sight(browser: Browser, tmp_path: Path) -> None:
    """A buyer and a product called by addresses of 200 characters: on a computer no table has to be scrolled."""
    address = "https://www.instagram.com/" + "x" * 174
    books = make_books(tmp_path)
    write_profile(books)
    books.order(501, buyer=person(1, address), lines=[line_payload(name=address)])
    books.load()
    with visited(books.settings) as visitor:
        for page in ("documents", "documents/501", "partners", "products"):
            browser.open(str(visitor.client.base_url.join(f"/profiles/shop/{page}")))
            assert address in browser.driver.find_element(By.TAG_NAME, "main").text
            assert browser.run(
                "return [...document.querySelectorAll('.scroll')].every(box => box.scrollWidth <= box.clientWidth)"
            ), page


def test_a_form_with_hostile_text_keeps_it(browser: Browser, hostile_site: Site) -> None:
    browser.open(hostile_site.path("/profiles/shop/documents"))
    for attack in ATTACKS:
        field = browser.driver.find_element(By.NAME, "text")
        field.clear()
        field.send_keys(attack, Keys.ENTER)
        wait_until(
            lambda text=attack: (
                "search=" in browser.driver.current_url  # type: ignore[misc]
                and browser.run("return document.readyState") == "complete"
                and browser.driver.find_element(By.NAME, "text").get_attribute("value") == text
            ),
            "the result is shown",
        )
    assert browser.run("return window.hacked === undefined")


def test_an_order_is_found_by_keyboard_alone(browser: Browser, site: Site) -> None:
    """Skip link first; then the search, Enter, and the link to the order; the focus can be seen everywhere."""
    browser.open(site.path("/profiles/shop/documents"))

    def press(*keys: str) -> None:
        browser.driver.switch_to.active_element.send_keys(*keys)

    def focused() -> str:
        return str(
            browser.run("return document.activeElement.textContent.trim() || document.activeElement.name")
        )

    press(Keys.TAB)
    assert focused() == "До змісту"
    press(Keys.ENTER)
    press(Keys.TAB)
    assert focused() == "text"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press("тестова", Keys.ENTER)
    wait_until(lambda: "search=" in browser.driver.current_url, "the search is shown")
    wait_until(
        lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, "tbody tr")) == 2, "two orders are shown"
    )
    for _ in range(40):
        press(Keys.TAB)
        if focused() == "501":
            break
    press(Keys.ENTER)
    wait_until(lambda: browser.driver.current_url.endswith("/documents/501"), "the order is shown")
    # Back from the order, the search is still there: it was not a form that must be sent again.
    browser.driver.back()
    wait_until(
        lambda: len(browser.driver.find_elements(By.CSS_SELECTOR, "tbody tr")) == 2, "the search is back"
    )


def test_the_progress_moves_by_itself_and_ends(browser: Browser, site: Site, small: Books) -> None:
    """The page asks again until the run has ended, and then no more; «Зупинити» can be pressed all the time until then.

    One press in twenty was lost, because the button was replaced between pressing and letting go.
    """
    ((run_id,),) = small.query("SELECT run_id FROM ops.exchanges WHERE exchange_id = 1")
    path = site.path("/profiles/shop/runs/{run}")
    site.noted.run(run_id, "shop_load", "STARTED", stages=["raw_orders"])
    browser.open(path)

    def shown() -> str:
        return str(browser.run("return document.querySelector('[role=status]').textContent"))

    assert shown().startswith("Триває")
    ActionChains(browser.driver).click_and_hold(browser.driver.find_element(By.ID, "stop")).perform()
    browser.run("document.querySelector('[role=status]').dataset.before = 1")
    wait_until(
        lambda: not browser.run("return document.querySelector('[role=status]').dataset.before"),
        "the page has asked again",
    )
    ActionChains(browser.driver).release().perform()
    wait_until(lambda: site.noted.stopped == [run_id], "the press has reached Dagster")
    site.noted.run(run_id, "shop_load", "SUCCESS", stages=["raw_orders", "orders"])
    wait_until(lambda: shown().startswith("Успішно"), "the end is shown without a press")
    assert browser.driver.find_elements(By.LINK_TEXT, "Документи періоду")
    assert not browser.driver.find_elements(By.ID, "stop")
    assert browser.console_errors() == []


def test_an_order_on_paper(browser: Browser, site: Site) -> None:
    """Black on white also in dark mode, without menus and buttons."""
    browser.open(site.path("/profiles/shop/documents/{order}"), size=(794, 1123), dark=True)
    browser.emulate(media="print", dark=True)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    hidden = browser.run(
        "return [...document.querySelectorAll('nav, button, form')].every((part) => !part.getClientRects().length)"
    )
    assert hidden
    assert browser.overflow() == []


def test_a_stage_is_changed_by_mouse_and_the_author_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """A refused value keeps what was typed; afterwards both are in the profile's file, and nothing else moved."""
    books = small_shop(tmp_path)
    file = books.settings.profiles_directory / "shop.yaml"
    before = file.read_text("utf-8")
    driver = browser.driver

    def text() -> str:
        return str(browser.run("return document.querySelector('main').innerText"))

    def focused() -> str:
        return str(browser.run("return document.activeElement.name || ''"))

    with noted_dagster() as (address, noted), visited(books.settings, dagster=address) as visitor:
        shop = str(visitor.client.base_url).rstrip("/")
        browser.open(f"{shop}/profiles/shop/documents", size=PHONE)
        driver.find_element(By.LINK_TEXT, "Налаштування").click()
        stage = driver.find_element(By.NAME, "statuses.stages.12")
        stage.clear()
        stage.send_keys("Готово")
        driver.find_element(By.XPATH, "//button[text()='Зберегти']").click()
        wait_until(lambda: "Збережено" in text(), "the change is saved")
        assert browser.overflow() == []
        assert faults(browser) == []
        assert "переформування" in text()
        # By keyboard alone: to the field, a wrong currency and Enter, then the right one.
        for _ in range(60):
            driver.switch_to.active_element.send_keys(Keys.TAB)
            if focused() == "author":
                break
        driver.switch_to.active_element.send_keys("Ірина", Keys.TAB)
        while focused() != "currency":
            driver.switch_to.active_element.send_keys(Keys.TAB)
        driver.switch_to.active_element.send_keys("гривня", Keys.ENTER)
        wait_until(lambda: "Не збережено" in text(), "the currency is refused")
        assert browser.overflow() == []
        assert faults(browser) == []
        currency = driver.find_element(By.NAME, "currency")
        assert currency.get_attribute("value") == "гривня"
        assert currency.get_attribute("aria-invalid") == "true"
        assert driver.find_element(By.NAME, "author").get_attribute("value") == "Ірина"
        currency.clear()
        currency.send_keys("EUR", Keys.ENTER)
        wait_until(lambda: "Збережено" in text(), "both are saved")
        assert [error for error in browser.console_errors() if "422" not in error] == []
        wait_until(lambda: noted.reloads == 2, "Dagster was told twice")
    assert (
        file.read_text("utf-8")
        == before.replace("12: Закрито", "12: Готово") + "author: Ірина\ncurrency: EUR\n"
    )
