"""Two tables with one name are told apart by keyed hashes of their columns."""

import pytest

from privgan.errors import UsageError
from privgan.ledger.ledger import PrivacyLedger, RunFacts
from privgan.privacy.budget import PrivacyBudget

BUDGET = PrivacyBudget(epsilon=0.1)


def _run(ledger: PrivacyLedger, *columns: str, dataset: str = "a") -> None:
    with ledger.run(dataset, BUDGET, secret=True, about=RunFacts(columns=columns)):
        pass


def test_another_table_under_the_same_name_is_refused_with_the_way_out(
    ledger: PrivacyLedger,
) -> None:
    _run(ledger, "age", "segment", "balance")
    before = ledger.head()
    with pytest.raises(
        UsageError,
        match=(
            r"shares 20% .*'dataset:' name of its own.*PrivacyLedger.accept\('a', columns='NAMES'"
        ),
    ):
        _run(ledger, "age", "engine", "colour")
    assert ledger.head() == before
    _run(ledger, "age", "engine", "colour", dataset="b")


def test_a_table_that_grows_stays_the_same(ledger: PrivacyLedger) -> None:
    _run(ledger, "age", "segment")
    _run(ledger, "age", "segment", "balance", "city")
    with pytest.raises(UsageError, match="shares 29%"):
        _run(ledger, "age", "balance", "colour", "engine", "doors")
    _run(ledger, "balance", "city")


def test_a_person_accepts_other_columns(ledger: PrivacyLedger) -> None:
    _run(ledger, "age", "segment")
    ledger.accept("a", ["alter", "kundenart"], who="A. Officer", why="translated")
    _run(ledger, "alter", "kundenart")
    _run(ledger, "age", "segment")
    accepted = next(entry for entry in ledger.entries("a") if entry.kind == "accept")
    assert (accepted.body["who"], accepted.body["why"]) == ("A. Officer", "translated")


def test_no_column_name_stands_in_the_ledger_and_the_hashes_depend_on_its_key(
    ledger: PrivacyLedger, tmp_path_factory
) -> None:
    _run(ledger, "favourite_colour")
    other = PrivacyLedger.open(str(tmp_path_factory.mktemp("other") / "ledger.sqlite"))
    _run(other, "favourite_colour")
    hashes = [found.entries("a")[-1].body["columns"] for found in (ledger, other)]
    assert hashes[0] != hashes[1]
    assert "favourite" not in str(ledger.entries())


def test_a_run_that_names_no_columns_is_not_compared(ledger: PrivacyLedger) -> None:
    _run(ledger)
    _run(ledger, "age")
    _run(ledger)


def test_a_new_data_set_is_recorded_as_announced_unless_a_person_introduced_it(
    ledger: PrivacyLedger,
) -> None:
    ledger.introduce("known")
    assert not ledger.account("a").known
    for dataset in ("known", "a", "a"):
        _run(ledger, dataset=dataset)
    assert [entry.dataset for entry in ledger.entries() if entry.kind == "announced"] == ["a"]
    assert ledger.account("a").known
    assert not ledger.account("a").initialised
