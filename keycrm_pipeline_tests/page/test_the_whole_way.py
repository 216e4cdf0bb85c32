"""The whole product: a day is loaded, an order found and an export opened in a browser, while a real Dagster works."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import openpyxl
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from keycrm_pipeline.profile import Settings
from keycrm_pipeline_tests.browser import PHONE, Browser
from keycrm_pipeline_tests.page.site import visited
from keycrm_pipeline_tests.product import Product, processes_of, wait_until

pytestmark = [pytest.mark.process, pytest.mark.browser]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """Dagster without any profile yet."""
    (tmp_path / "profiles").mkdir()
    environment = {
        "KEYCRM_PROFILES_DIR": str(tmp_path / "profiles"),
        "KEYCRM_DATA_DIR": str(tmp_path / "data"),
    }
    started = Product(tmp_path / "home", environment)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        assert processes_of(tmp_path / "home") == []


def test_from_the_first_press_to_an_opened_workbook(
    product: Product, browser: Browser, tmp_path: Path
) -> None:
    """On a phone; the browser leaves the page while the load runs, which stops nothing."""
    driver = browser.driver
    settings = Settings(tmp_path / "profiles", tmp_path / "data")

    def text() -> str:
        # In one step: the page replaces what is in it meanwhile.
        return str(browser.run("return document.querySelector('main').innerText"))

    def press(label: str) -> None:
        driver.find_element(By.XPATH, f"//button[starts-with(normalize-space(), '{label}')]").click()

    with visited(settings, dagster=product.address, clock=lambda: datetime.now(UTC)) as visitor:
        address = str(visitor.client.base_url).rstrip("/")
        browser.open(f"{address}/", size=PHONE)
        assert "Профілів ще немає" in text()
        driver.find_element(By.LINK_TEXT, "Новий профіль").click()
        driver.find_element(By.NAME, "name").send_keys("shop", Keys.TAB, Keys.ARROW_DOWN)
        assert browser.overflow() == []
        press("Перевірити")
        wait_until(lambda: "KeyCRM відповів" in text(), "the account is shown")
        assert browser.overflow() == []
        press("Створити профіль")
        wait_until(lambda: "Профіль створено" in text(), "the profile is created")
        # Dagster was asked to read its profiles again, so the job is there at once.
        assert "не відповідає" not in text()
        driver.get(f"{address}/")
        assert "Ще нічого не завантажено" in text()
        driver.find_element(By.PARTIAL_LINK_TEXT, "Отримати замовлення").click()
        press("Вчора")
        wait_until(lambda: "/profiles/shop/runs/" in driver.current_url, "the load is shown")
        run = driver.current_url
        driver.get("about:blank")
        driver.get(run)
        wait_until(lambda: "Створено документів" in text(), "the summary is shown")
        assert "Успішно" in text()
        driver.find_element(By.LINK_TEXT, "Документи періоду").click()
        number = driver.find_element(By.CSS_SELECTOR, "tbody th a").text
        field = driver.find_element(By.NAME, "text")
        field.send_keys(number, Keys.ENTER)
        wait_until(lambda: len(driver.find_elements(By.CSS_SELECTOR, "tbody tr")) == 1, "the order is found")
        driver.find_element(By.LINK_TEXT, number).click()
        assert f"Замовлення {number}" in text()
        assert "Реквізити" in text()
        driver.find_element(By.LINK_TEXT, "Файли").click()
        press("Вивантажити")
        wait_until(lambda: "До готових файлів" in text(), "the export is made")
        driver.find_element(By.LINK_TEXT, "До готових файлів").click()
        link = driver.find_element(By.PARTIAL_LINK_TEXT, "Завантажити").get_attribute("href")
        assert link is not None
        content = httpx.get(link, trust_env=False, timeout=60).content
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        numbers = {
            str(cell) for sheet in workbook for row in sheet.iter_rows(values_only=True) for cell in row
        }
        assert number in numbers
        assert browser.overflow() == []
