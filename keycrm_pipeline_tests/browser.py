"""A real browser for tests that look at a page: headless Chromium of the system, driven by selenium.

What a page requests from the network and writes to its console is recorded, so that a test can assert that there
was nothing of either.
"""

from __future__ import annotations

import base64
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
PHONE = (390, 844)
"""A common phone, in CSS pixels."""
DESKTOP = (1280, 900)

_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-features=BackForwardCache,RenderDocument",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
_MISSING = (
    "This test looks at the page in a real browser, and {path} is not there. Install it once with "
    "`apt-get install -y chromium chromium-driver`, then run the tests again."
)


@dataclass
class Browser:
    """A browser window, and what its page did.

    Attributes:
        driver: Selenium's driver, for what is not here.
    """

    driver: webdriver.Chrome

    def open(self, address: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Opens a page at a width and height in CSS pixels, in light or dark; drops what was recorded."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600},
        )
        self.emulate(media="", dark=dark)
        self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        self.driver.get(address)

    def emulate(self, *, media: str, dark: bool) -> None:
        """Makes the page believe in a medium (`print`, or empty for the screen) and a colour scheme."""
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {
                "media": media,
                "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
            },
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script of the test returns."""
        return self.driver.execute_script(script, *arguments)

    def overflow(self) -> list[str]:
        """Elements that stick out of the window to the right, boxes that scroll by themselves left aside."""
        return list(
            self.run(
                """
                const wide = document.documentElement.clientWidth + 1;
                const inside = (node) => {
                  for (let up = node.parentElement; up; up = up.parentElement) {
                    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return true;
                  }
                  return false;
                };
                const found = [...document.body.querySelectorAll('*')].filter(
                  (node) => node.getBoundingClientRect().right > wide && !inside(node)
                ).map((node) => node.outerHTML.slice(0, 120));
                if (document.documentElement.scrollWidth > wide) found.push('the page itself');
                return found;
                """
            )
        )

    def console_errors(self) -> list[str]:
        """What the page complained about since it was opened."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> list[str]:
        """Addresses the page asked for since it was opened, but for itself and what stands inside it."""
        found = []
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        for entry in entries:
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            address = message["params"]["request"]["url"]
            if address != self.driver.current_url and not address.startswith(("data:", "about:", "chrome")):
                found.append(address)
        return found

    def print_pdf(self, path: Path) -> None:
        """The page as it comes from a printer, on the paper and with the margins that the page asks for."""
        result = self.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        path.write_bytes(base64.b64decode(result["data"]))

    def picture(self, path: Path, *, seconds: float = 30) -> None:
        """The whole page as PNG, for people to look at."""
        command = {"format": "png", "captureBeyondViewport": True}
        deadline = time.monotonic() + seconds
        while True:
            try:
                result = self.driver.execute_cdp_cmd("Page.captureScreenshot", command)
                break
            except WebDriverException as error:
                # Just after a navigation Chromium may still be swapping the old page for the new one.
                if "Not attached" not in str(error.msg) or time.monotonic() > deadline:
                    raise
        path.write_bytes(base64.b64decode(result["data"]))


def start_browser(user_data: Path, *, seconds: float = 60) -> webdriver.Chrome:
    """Starts the system's Chromium with an empty profile, trying again until the time is over.

    Raises:
        FileNotFoundError: The browser or its driver is not installed; the text says how to install them.
    """
    for path in (CHROMIUM, CHROMEDRIVER):
        if not path.exists():
            raise FileNotFoundError(_MISSING.format(path=path))
    deadline = time.monotonic() + seconds
    attempt = 0
    while True:
        attempt += 1
        options = Options()
        options.binary_location = str(CHROMIUM)
        # The browser's own start page fetches much; starting on the empty one keeps it out of the records.
        for switch in (*_SWITCHES, f"--user-data-dir={user_data / str(attempt)}", "about:blank"):
            options.add_argument(switch)
        # That of a Ukrainian accountant; otherwise the browser would name English.
        options.add_experimental_option("prefs", {"intl.accept_languages": "uk,en"})
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        try:
            return webdriver.Chrome(options=options, service=Service(str(CHROMEDRIVER)))
        except WebDriverException:
            # A machine that runs many tests at once may be too slow for the first start.
            if time.monotonic() > deadline:
                raise


@contextlib.contextmanager
def opened_browser(directory: Path) -> Iterator[Browser]:
    """A browser that keeps its files in a directory; when none is installed, the test fails and says what to do."""
    try:
        driver = start_browser(directory)
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
