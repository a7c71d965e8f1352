"""The pages of ``privgan serve`` in a real browser, on real releases of a hostile table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import url_contains
from selenium.webdriver.support.ui import Select, WebDriverWait

from privgan.serve.server import Server
from tests.browser.page import LOOKS, Browser, Page
from tests.browser.serving import serving
from tests.hostile_run import HostileRun

pytestmark = pytest.mark.slow
KINDS = ("list", "release", "broken", "choose", "compare", "ledger", "problem")


@pytest.fixture(scope="module")
def server(hostile_run: HostileRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two intact releases, a broken one and a run's internal reports."""
    root = tmp_path_factory.mktemp("shelf")
    shutil.copytree(hostile_run.out, root / "run")
    shutil.copytree(hostile_run.release, root / "<b onmouseover=alert(1)>second")
    broken = shutil.copytree(hostile_run.release, root / "third")
    (broken / "report.html").write_text("<script>window.privganHacked = 1</script>")
    with serving(root, internal=True, ledger=str(hostile_run.ledger)) as running:
        yield running


@pytest.fixture(scope="module")
def addresses(server: Server) -> Mapping[str, str]:
    """Kind of page to its path after the key."""
    held = server.application.library.releases()
    whole, broken = [each.id for each in held if each.ok], [each.id for each in held if not each.ok]
    assert (len(whole), len(broken)) == (2, 1)
    return {
        "list": "/",
        "release": f"/release/{whole[0]}",
        "broken": f"/release/{broken[0]}",
        "choose": "/compare",
        "compare": f"/compare?first={whole[0]}&second={whole[1]}",
        "ledger": "/ledger",
        "problem": "/ledger?first=1",
        "report": f"/release/{whole[0]}/file/report.html",
        "broken report": f"/release/{broken[0]}/file/report.html",
        "internal report": (
            f"/internal/{server.application.library.insides()[0].id}/internal-report.html"
        ),
    }


def opened(
    browser: Browser,
    server: Server,
    path: str,
    name: str,
    width: str = "desk",
    scheme: str = "light",
) -> Page:
    """A page, by the address that holds the key."""
    return browser.open(server.address[:-1] + path, f"serve-{name}", width, scheme)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_reads_well(
    kind: str,
    width: str,
    scheme: str,
    server: Server,
    addresses: Mapping[str, str],
    browser: Browser,
) -> None:
    page = opened(browser, server, addresses[kind], kind, width, scheme)
    assert page.picture().startswith(b"\x89PNG")
    assert page.executed() == []
    assert page.complaints() == []
    own = page.url.split("/", 3)[2]
    assert {url.split("/", 3)[2] for url in page.requested()} == {own}
    assert page.overflow() == (0, [])
    assert page.pictures_without_text() == []
    assert page.violations() == []


@pytest.mark.parametrize("kind", ["report", "internal report"])
def test_a_served_report_is_shown_and_runs_nothing(
    kind: str, server: Server, addresses: Mapping[str, str], browser: Browser
) -> None:
    page = opened(browser, server, addresses[kind], kind.replace(" ", "-"))
    assert browser.driver.find_element(By.TAG_NAME, "h1").text != ""
    assert page.complaints() == []
    assert {url.split("/", 3)[2] for url in page.requested()} == {page.url.split("/", 3)[2]}


def test_a_report_that_was_changed_is_not_shown(
    server: Server, addresses: Mapping[str, str], browser: Browser
) -> None:
    page = opened(browser, server, addresses["broken report"], "changed")
    assert page.executed() == []
    assert "not intact" in browser.driver.find_element(By.TAG_NAME, "main").text


def test_two_releases_are_chosen_and_compared_by_hand(
    server: Server, addresses: Mapping[str, str], browser: Browser
) -> None:
    page = opened(browser, server, "/", "chosen")
    Select(browser.driver.find_element(By.NAME, "second")).select_by_index(1)
    browser.driver.find_element(By.CSS_SELECTOR, "form button").click()
    WebDriverWait(browser.driver, 30).until(url_contains("/compare?first="))
    assert "of both releases" in browser.driver.page_source
    assert page.complaints() == []


def test_without_the_key_nothing_is_shown(server: Server, browser: Browser) -> None:
    opened(browser, server, "/", "with-key")
    assert browser.driver.get_cookies() == []
    browser.open(f"http://127.0.0.1:{server.server_address[1]}/ledger", "without-key")
    assert "open the whole address" in browser.driver.find_element(By.TAG_NAME, "body").text


def test_another_page_can_neither_frame_nor_read_it(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    browser.driver.get(server.address)
    path = tmp_path / "other.html"
    path.write_text(
        f"<!doctype html><iframe src='{server.address}' id=f></iframe><script>const request = new"
        f" XMLHttpRequest(); request.open('GET', '{server.address}', false);try {{ request.send();"
        " document.title = 'read ' + request.responseText.length } catch { document.title ="
        " 'refused' }</script>"
    )
    page = browser.open(path.as_uri(), "other")
    assert browser.driver.title == "refused"
    assert any("frame" in complaint.lower() for complaint in page.complaints())
