"""Every check passes on the code as it is, and every way of breaking it is caught: a variant that slips through is a failure."""

from collections.abc import Callable, Iterator

import pytest

from privgan.errors import PrivganError
from tests.sabotage import checks, world
from tests.sabotage.variants import ALL, Variant


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with world.quick():
        yield


@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_the_code_as_it_is_passes(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("variant", ALL, ids=lambda variant: variant.name)
def test_every_variant_is_caught(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its check and for its reason: an error of another kind would only show that the variant itself is broken."""
    variant.break_it(monkeypatch)
    with pytest.raises((AssertionError, PrivganError, pytest.fail.Exception), match=variant.tells):
        variant.check()
