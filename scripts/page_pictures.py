"""Takes the pictures of the exchange page that the documentation shows.

    python scripts/page_pictures.py http://127.0.0.1:3001 [--only rebuild …]

The address is that of `make run` in a new directory, once it has loaded the demo shop; the profile `demo` is changed on
the way. `connection` shows the profile `keyed`, which must have a key, and `login` a page with a password. What is not
here: pictures of a file that was changed meanwhile and of Dagster's page, and looking at them.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from selenium.webdriver.common.by import By

from keycrm_pipeline_tests.browser import PHONE, Browser, opened_browser
from keycrm_pipeline_tests.product import wait_until

ASSETS = Path(__file__).resolve().parent.parent / "docs" / "assets"
WIDTH = 1280
DEMO = "/profiles/demo"


@dataclass(frozen=True)
class Photographer:
    """A browser at the page.

    Attributes:
        browser: The browser.
        address: The address of the page.
    """

    browser: Browser
    address: str

    def open(self, path: str, size: tuple[int, int] = (WIDTH, 760)) -> None:
        """Opens a page."""
        self.browser.open(f"{self.address}{path}", size=size)

    def take(self, name: str, height: int = 760, width: int = WIDTH) -> None:
        """Writes what the window shows to `page-<name>.png`."""
        driver = self.browser.driver
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        answer = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        (ASSETS / f"page-{name}.png").write_bytes(base64.b64decode(answer["data"]))

    def press(self, label: str) -> None:
        """Presses a button by the beginning of its text."""
        self.browser.driver.find_element(
            By.XPATH, f"//button[starts-with(normalize-space(), '{label}')]"
        ).click()

    def write(self, name: str, text: str) -> None:
        """Writes into a field in place of what stands there."""
        field = self.browser.driver.find_element(By.NAME, name)
        field.clear()
        field.send_keys(text)

    def sees(self, said: str) -> None:
        """Waits until something stands on the page."""
        wait_until(
            lambda: said in str(self.browser.run("return document.querySelector('main')?.innerText ?? ''")),
            said,
        )

    def first_link(self, path: str, selector: str) -> str:
        """Path of the first link of a page."""
        self.open(path)
        found = self.browser.driver.find_element(By.CSS_SELECTOR, selector).get_attribute("href")
        return str(found).removeprefix(self.address)


def profiles(camera: Photographer) -> None:
    """The list of profiles."""
    camera.open("/")
    camera.take("profiles", 420)


def documents(camera: Photographer) -> None:
    """The orders, on a computer and on a phone."""
    camera.open(f"{DEMO}/documents")
    camera.take("documents")
    camera.open(f"{DEMO}/documents", PHONE)
    camera.take("documents-phone", 844, 390)


def order(camera: Photographer) -> None:
    """The newest order."""
    camera.open(camera.first_link(f"{DEMO}/documents", "tbody th a"))
    camera.take("order", 1180)


def cards(camera: Photographer) -> None:
    """The partners and the products, and one of each."""
    partner = camera.first_link(f"{DEMO}/partners", "tbody th a")
    camera.take("partners", 620)
    camera.open(partner)
    camera.take("partner", 620)
    product = camera.first_link(f"{DEMO}/products", "tbody th a")
    camera.take("products", 620)
    camera.open(product)
    camera.take("product", 620)


def attention(camera: Photographer) -> None:
    """What needs attention, on a computer and on a phone."""
    camera.open(f"{DEMO}/attention")
    camera.take("attention")
    camera.open(f"{DEMO}/attention", PHONE)
    camera.take("attention-phone", 844, 390)


def files(camera: Photographer) -> None:
    """The files, after an export was made."""
    camera.open(f"{DEMO}/files")
    camera.press("Вивантажити")
    camera.sees("До готових файлів")
    camera.open(f"{DEMO}/files")
    camera.take("files")


def load(camera: Photographer) -> None:
    """The form, a load under way and its summary."""
    camera.open(f"{DEMO}/load")
    camera.take("load", 560)
    camera.press("Минулий місяць")
    camera.sees("Замовлень переглянуто")
    camera.take("progress", 520)
    camera.sees("Створено документів")
    camera.take("summary", 720)


def exchanges(camera: Photographer) -> None:
    """The log."""
    camera.open(f"{DEMO}/exchanges")
    camera.take("exchanges", 520)


def month(camera: Photographer) -> None:
    """The end of the last month."""
    camera.open(f"{DEMO}/month")
    camera.take("month", 900)


def reconciliation(camera: Photographer) -> None:
    """Payments beside the money, on a computer and on a phone."""
    camera.open(f"{DEMO}/reconciliation")
    camera.take("reconciliation", 900)
    camera.open(f"{DEMO}/reconciliation", PHONE)
    camera.take("reconciliation-phone", 844, 390)


def settings(camera: Photographer) -> None:
    """The pages of settings, and a value that is refused."""
    camera.open(f"{DEMO}/settings/orders")
    camera.take("settings-orders", 1180)
    camera.browser.run("document.querySelector('h3').scrollIntoView()")
    camera.take("settings-statuses")
    camera.open(f"{DEMO}/settings/schedule")
    camera.write("schedule.daily_at", "04:15")
    camera.write("recent.days", "21")
    camera.press("Зберегти")
    camera.sees("Не збережено")
    camera.take("settings-schedule")
    camera.open(f"{DEMO}/settings/organisations")
    camera.take("settings-organisations", 900)
    camera.open(f"{DEMO}/settings/other")
    camera.take("settings-other", 1180)
    camera.open(f"{DEMO}/settings/file")
    camera.take("settings-file", 900)
    camera.open(f"{DEMO}/settings/orders", PHONE)
    camera.browser.run("document.querySelector('fieldset').scrollIntoView()")
    camera.take("settings-phone", 844, 390)


def rebuild(camera: Photographer) -> None:
    """What another stage would change."""
    camera.open(f"{DEMO}/settings/orders")
    camera.write("statuses.stages.12", "Продано")
    camera.press("Зберегти")
    camera.sees("Збережено.")
    camera.open(f"{DEMO}/rebuild")
    camera.press("Показати, що зміниться")
    camera.sees("Пораховано")
    camera.take("rebuild", 640)


def new_profile(camera: Photographer) -> None:
    """The steps to a new profile of the demo shop."""
    for width, height, suffix in ((390, 844, "-phone"), (WIDTH, 620, "")):
        camera.open("/new-profile", (width, height))
        camera.write("name", "my_shop")
        camera.take(f"new-profile{suffix}", height, width)
    camera.browser.driver.find_element(By.CSS_SELECTOR, "[value=sandbox]").click()
    camera.press("Перевірити")
    camera.sees("KeyCRM відповів")
    camera.take("new-profile-read")


def connection(camera: Photographer) -> None:
    """The key of a profile `keyed`, which has to be there: the demo shop needs none."""
    camera.open("/profiles/keyed/connection")
    camera.take("connection", 420)


def login(camera: Photographer) -> None:
    """Where the password is asked for; the address has to be that of a page with one."""
    camera.open("/")
    camera.take("login", 420)


PICTURES: dict[str, Callable[[Photographer], None]] = {
    picture.__name__: picture
    for picture in (
        profiles, documents, order, cards, attention, files, load, exchanges, month, reconciliation, settings,
        rebuild, new_profile, connection, login
    )
}  # fmt: skip


def main() -> None:
    """Takes all pictures, or some."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("address")
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, opened_browser(Path(directory)) as browser:
        for name in asked.only:
            PICTURES[name](Photographer(browser, asked.address.rstrip("/")))
            print(name, flush=True)


if __name__ == "__main__":
    main()
