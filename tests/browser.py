"""A real browser for tests of the page: Debian's chromium, without a network of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,800",
)


class Browser:
    """What the tests do with a page."""

    def __init__(self, driver: webdriver.Chrome, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads

    def open(self, page: Path, fragment: str = "") -> None:
        # From nothing: else an address that differs in its fragment alone loads nothing.
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(f"{page.as_uri()}{fragment}")

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, still]})

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """Return the texts as they are, hidden ones too."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector)

    def button(self, text: str, within: str = "") -> WebElement:
        # One call, since a page has a button for each of its nodes.
        found = self.run(
            """return [...document.querySelectorAll(arguments[0])].find(
                 one => one.checkVisibility() && one.innerText.trim().startsWith(arguments[1]))""",
            f"{within} button",
            text,
        )
        assert isinstance(found, WebElement), f"no button {text}"
        return found

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def go(self, fragment: str) -> None:
        self.run("location.hash = arguments[0]", fragment)
        self.wait(lambda: self.run("return document.readyState") == "complete")

    def fragment(self) -> str:
        return str(self.run("return location.hash"))

    def wait(self, until: Any) -> Any:
        return WebDriverWait(self.driver, 20, poll_frequency=0.05).until(lambda _: until())

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        told = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.driver.get_screenshot_as_png())


def start_browser(folder: Path) -> Iterator[Browser]:
    """Yield a browser; skip where there is none."""
    binary, driver_binary = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver_binary is None:
        pytest.skip("no chromium and chromedriver on this machine: install Debian's chromium and chromium-driver")
    downloads = folder / "downloads"
    downloads.mkdir()
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    try:
        yield Browser(driver, downloads)
    finally:
        driver.quit()
