"""Every check passes on the code as it is, and every way of breaking it is caught."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from privgan.errors import PrivganError
from tests.sabotage import checks, world
from tests.sabotage.variants import ALL, Variant

README = Path(__file__).with_name("README.md")


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with world.quick():
        yield


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_the_code_as_it_is_passes(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("variant", ALL, ids=lambda variant: variant.name)
def test_every_variant_is_caught(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its check and for its reason.

    An error of another kind would only show that the variant itself is broken.
    """
    variant.break_it(monkeypatch)
    with pytest.raises((AssertionError, PrivganError, pytest.fail.Exception), match=variant.tells):
        variant.check()


def test_the_readme_lists_every_variant() -> None:
    """Its table is made from the list; on a difference, replace it by what this test expects."""
    lines = [
        f"| `{one.name}` | {one.what} | {one.patterns} | {one.check.__name__} |" for one in ALL
    ]
    written = [
        line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    assert written == lines
    assert len({one.name for one in ALL}) == len(ALL) >= 20


def test_every_check_is_needed() -> None:
    """A check that no variant fails could be one that cannot fail."""
    used = {one.check for one in ALL}
    assert set(checks.ALL) == used
