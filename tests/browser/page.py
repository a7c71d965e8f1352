"""Inspect a page in a real browser: requests, complaints, layout and accessibility."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver

from tests.hostile import MARK

SCREENSHOTS = "PRIVGAN_SCREENSHOTS"
WIDTHS = {"phone": 390, "desk": 1280}
SCHEMES = ("light", "dark")
LOOKS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_HOOK = f"""
window.privganCalled = [];
for (const name of ["alert", "confirm", "prompt", "open", "eval", "fetch"])
  window[name] = (...given) => window.privganCalled.push([name, ...given.map(String)]);
Object.defineProperty(window, "{MARK}", {{
  set: (value) => window.privganCalled.push(["{MARK}", String(value)])}});
"""
_PICTURES = """
return [...document.querySelectorAll("img, svg, canvas, object, [role=img]")].filter((picture) => {
  if (picture.closest("[aria-hidden=true]")) return false;
  if (picture.parentElement && picture.parentElement.closest("svg")) return false;
  const named = document.getElementById(picture.getAttribute("aria-labelledby") || "");
  const text = picture.getAttribute("aria-label") || picture.getAttribute("alt")
    || (named && named.textContent)
    || (picture.querySelector(":scope > title") || {}).textContent || "";
  return !text.trim() || (picture.tagName === "svg" && picture.getAttribute("role") !== "img");
}).map((picture) => picture.outerHTML.slice(0, 200));
"""
_WIDER = """
const wide = document.scrollingElement.clientWidth;
return [...document.querySelectorAll("body *")]
  .filter((part) => part.getBoundingClientRect().right > wide + 1
  && !part.closest(".scroll")).slice(0, 5).map((part) => part.outerHTML.slice(0, 160));
"""
_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]})
  .then((found) => done({violations: found.violations}), (error) => done({error: String(error)}));
"""


@cache
def _axe_source() -> str:
    return files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Page:
    """The page that is open in the browser.

    Attributes:
        driver: The browser.
        url: The page's address.
        name: What its pictures are called.
    """

    driver: WebDriver
    url: str
    name: str

    def complaints(self) -> list[str]:
        """Everything the console says, a refused script included."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requested(self) -> set[str]:
        """The addresses requested since the page was opened, without data addresses."""
        asked = {event["request"]["url"] for event in self._events("Network.requestWillBeSent")}
        return {url for url in asked if not url.startswith("data:")}

    def _events(self, method: str) -> Iterator[Mapping[str, Any]]:
        for entry in self.driver.get_log("performance"):  # type: ignore[no-untyped-call]
            message = json.loads(entry["message"])["message"]
            if message["method"] == method:
                yield message["params"]

    def executed(self) -> list[Any]:
        """Calls that a page's scripts made.

        Calls of a dialogue, or the mark that hostile texts try to set.
        """
        found: list[Any] = self.driver.execute_script("return window.privganCalled")
        return found

    def pictures_without_text(self) -> list[str]:
        """Pictures without a text for screen readers, decoration excepted."""
        found: list[str] = self.driver.execute_script(_PICTURES)
        return found

    def overflow(self) -> tuple[int, list[str]]:
        """How many pixels the page is wider than the screen, and the parts that stick out."""
        wider = self.driver.execute_script(
            "const e = document.scrollingElement; return e.scrollWidth - e.clientWidth"
        )
        return int(wider), self.driver.execute_script(_WIDER) if wider > 0 else []

    def violations(self) -> list[str]:
        """The serious or critical violations that axe-core finds, contrast included."""
        self.driver.execute_script(_axe_source())
        found = self.driver.execute_async_script(_AXE, _TAGS)
        assert "error" not in found, found
        grave = [
            violation
            for violation in found["violations"]
            if violation["impact"] in {"serious", "critical"}
        ]
        return [
            f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
            for each in grave
            for node in each["nodes"]
        ]

    def pdf(self) -> bytes:
        """The page as it is printed."""
        printed = self.driver.execute_cdp_cmd(
            "Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True}
        )
        return base64.b64decode(printed["data"])

    def picture(self) -> bytes:
        """The first screen as PNG; kept where the environment names a folder."""
        image = self.driver.get_screenshot_as_png()
        folder = os.environ.get(SCREENSHOTS)
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{self.name}.png").write_bytes(image)
        return image


@dataclass(frozen=True)
class Browser:
    """Opens pages at a width and in a colour scheme."""

    driver: WebDriver

    def open(
        self,
        url: str,
        name: str,
        width: str | int = "desk",
        scheme: str = "light",
        height: int = 900,
    ) -> Page:
        """Open a page afresh, at a named width or one in pixels.

        What was logged before is forgotten.
        """
        pixels = width if isinstance(width, int) else WIDTHS[width]
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": pixels, "height": height, "deviceScaleFactor": 1, "mobile": width == "phone"},
        )
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # type: ignore[no-untyped-call]
        self.driver.get(url)
        return Page(self.driver, url, f"{name}-{width}-{scheme}")


@contextmanager
def chromium(program: str, driver: str) -> Iterator[Browser]:
    """A headless Chromium, by its own local driver: nothing is ever downloaded.

    Args:
        program: The browser.
        driver: Its driver.
    """
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = program
    flags = [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--hide-scrollbars",
    ]
    flags += [
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-sync",
    ]
    # Chromium's own sandbox needs rights that root in a container does not have; all pages are
    # ours.
    for flag in [*flags, *(["--no-sandbox"] if os.geteuid() == 0 else [])]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(
        options=options,
        service=Service(executable_path=driver, env={**os.environ, "SE_OFFLINE": "true"}),
    )
    try:
        started.set_script_timeout(120)
        started.set_page_load_timeout(120)
        started.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _HOOK})
        yield Browser(started)
    finally:
        started.quit()
