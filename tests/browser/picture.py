"""``python -m tests.browser.picture``: take the README's picture of the example's report."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from PIL import Image

from tests.browser.page import Browser, chromium

ROOT = Path(__file__).parents[2]
REPORT, PICTURE = (
    ROOT / "reports" / "example" / "release" / "report.html",
    ROOT / "reports" / "report.png",
)
WIDTH, HEIGHT = 900, 1020


def take(browser: Browser, report: Path, picture: Path) -> None:
    """The beginning of a report, in few colours so that the file stays small.

    Args:
        browser: The browser.
        report: The report.
        picture: The PNG file to write.
    """
    image = browser.open(
        report.resolve().as_uri(), "readme", WIDTH, "light", height=HEIGHT
    ).picture()
    Image.open(io.BytesIO(image)).convert("RGB").quantize(256).save(picture, optimize=True)


if __name__ == "__main__":
    with chromium(
        shutil.which("chromium") or "chromium", shutil.which("chromedriver") or "chromedriver"
    ) as running:
        take(running, REPORT, PICTURE)
