"""A restored ledger is used only after a person accepted it; lost entries are charged."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest

from privgan.cli.main import execute
from privgan.errors import BudgetExceededError, UsageError
from privgan.ledger import store
from privgan.ledger.filter import Filter, response_rdp
from privgan.ledger.ledger import PrivacyLedger, RunFacts
from privgan.ledger.restored import Spent
from privgan.privacy.budget import PrivacyBudget
from privgan.privacy.events import DiscreteGaussian

BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)
LIFETIME = PrivacyBudget(epsilon=6.0, delta=1e-5)
EVENT = DiscreteGaussian(20.0, 1)
PERSON = {"who": "A. Officer", "why": "disk lost"}


def _run(ledger: PrivacyLedger, dataset: str = "a") -> str:
    with ledger.run(dataset, BUDGET, secret=True) as run:
        run.approve("model", {"one": EVENT}, BUDGET)
        run.charge("one", EVENT)
    return run.identity


def _cut(ledger: PrivacyLedger, place: Any) -> PrivacyLedger:
    """Two more runs, which are then lost."""
    kept = len(ledger.entries())
    _run(ledger)
    _run(ledger)
    place.tamper(f"delete from entries where sequence > {kept}")
    return PrivacyLedger.open(place.url)


def test_the_rest_of_the_budget_is_charged_unless_stated(ledger: PrivacyLedger, place: Any) -> None:
    for name in ("a", "stated", "nothing", "endless"):
        if name != "endless":
            ledger.set_lifetime(name, LIFETIME)
        _run(ledger, name)
    lost = ledger.head(), len(ledger.entries())
    again = _cut(ledger, place)
    anchored = again.anchored()
    again.accept_restored(
        {"stated": Spent(epsilon=2.0, delta=2e-6), "nothing": Spent(epsilon=0.0)}, **PERSON
    )
    assert again.problems() == ()
    spent = {name: again.account(name).epsilon for name in ("a", "stated", "nothing", "endless")}
    assert spent == {"a": 6.0, "stated": 3.0, "nothing": 1.0, "endless": math.inf}
    assert again.account("a").delta == pytest.approx(1e-5)
    assert again.account("stated").delta == pytest.approx(3e-6)
    assert again.account("a").runs == 2  # What was lost counts as one more.
    gap = next(entry for entry in again.entries() if entry.kind == "gap")
    assert (gap.body["found_mac"], gap.body["found_sequence"]) == lost
    assert (gap.body["anchor_sequence"], gap.body["anchor_mac"]) == (
        anchored.sequence,
        anchored.mac,
    )
    assert (gap.body["who"], gap.body["why"]) == ("A. Officer", "disk lost")
    with pytest.raises(BudgetExceededError):
        _run(again, "a")
    with pytest.raises(UsageError, match="already spent"):
        again.set_lifetime("endless", LIFETIME)
    for name in ("stated", "nothing"):
        _run(again, name)
    with pytest.raises(UsageError, match="there is nothing to accept"):
        again.accept_restored({}, **PERSON)


@pytest.mark.parametrize("damage", ["cut", "missing", "damaged"])
def test_each_way_of_losing_the_end_can_be_accepted(
    ledger: PrivacyLedger, place: Any, damage: str
) -> None:
    ledger.set_lifetime("a", LIFETIME)
    _run(ledger)
    if damage == "cut":
        _cut(ledger, place)
    elif damage == "missing":
        place.anchor.unlink()
    else:
        place.anchor.write_text("x")
    again = PrivacyLedger.open(place.url)
    with pytest.raises(UsageError, match=r"see PrivacyLedger\.accept_restored"):
        _run(again)
    again.accept_restored({"a": Spent(epsilon=1.0, delta=1e-6)}, **PERSON)
    _run(again)
    assert again.account("a").epsilon == 3.0


def test_a_chain_that_is_not_whole_or_an_empty_ledger_is_not_accepted_like_that(
    ledger: PrivacyLedger, place: Any
) -> None:
    _run(ledger)
    place.tamper(
        "update entries set body = '{}' where sequence = 2",
        "delete from entries where sequence = 4",
    )
    again = PrivacyLedger.open(place.url)
    with pytest.raises(UsageError, match="chain is not whole"):
        again.accept_restored({}, **PERSON)
    place.tamper("delete from entries")
    with pytest.raises(UsageError, match="knows no data set that could be charged"):
        again.accept_restored({}, **PERSON)
    assert again.entries() == ()
    again.accept_restored({"lost": Spent(epsilon=3.0, delta=1e-6)}, **PERSON)
    assert again.account("lost").epsilon == 3.0
    with pytest.raises(UsageError, match="a person must answer"):
        again.accept_restored({}, who="", why="x")


def test_runs_and_candidates_of_before_the_gap_do_not_go_on(
    ledger: PrivacyLedger, place: Any
) -> None:
    """They may have been resumed, closed or released in the lost entries."""
    identity = _run(ledger)
    with ledger.run("a", BUDGET, secret=True) as open_run:
        open_run.approve("model", {"one": EVENT}, BUDGET)
    again = _cut(ledger, place)
    again.accept_restored({"a": Spent(epsilon=0.0)}, **PERSON)
    for act in (
        lambda: again.release("a", identity, {}, stated=again.account("a")),
        lambda: again.judge("a", identity, limit=9, policy="p", evidence="e"),
        lambda: again.record("a", identity, "candidate", {}),
        lambda: open_run.charge("one", EVENT),
        lambda: open_run.checkpoint(lineage=1, step=0, digest="d", clean=False),
    ):
        with pytest.raises(
            UsageError, match=r"began before entry .* by which a restored ledger was accepted"
        ):
            act()
    again.record("a", identity, "purge", {"files": 1})
    again.judge("a", _run(again), limit=9, policy="p", evidence="e")


def test_the_rdp_filter_counts_what_is_lost(ledger: PrivacyLedger, place: Any) -> None:
    for name in ("unstated", "stated"):
        ledger.set_lifetime(name, LIFETIME, Filter.RDP)
    again = _cut(ledger, place)
    again.accept_restored({"stated": Spent(epsilon=1.0, delta=1e-6)}, **PERSON)
    unstated, stated = again.account("unstated"), again.account("stated")
    assert unstated.rdp is not None
    assert stated.rdp is not None
    assert (unstated.rdp_cost.rdp, unstated.rdp_cost.discovery_delta) == (
        unstated.rdp.allowance,
        unstated.rdp.discovery_delta,
    )
    assert stated.rdp_cost.rdp == pytest.approx(response_rdp(1.0, stated.rdp.order))
    assert stated.rdp_cost.discovery_delta == 1e-6
    planned = {"about": RunFacts(planned=[EVENT])}
    with pytest.raises(BudgetExceededError), again.run("unstated", BUDGET, secret=True, **planned):
        pass
    with again.run("stated", BUDGET, secret=True, **planned):
        pass
    again.set_lifetime("unstated", PrivacyBudget(epsilon=9.0, delta=1e-5))
    with pytest.raises(BudgetExceededError), again.run("unstated", BUDGET, secret=True, **planned):
        pass


@pytest.mark.parametrize("kind", Filter)
def test_a_budget_that_the_lost_entries_raised_is_not_spent_twice(
    ledger: PrivacyLedger, place: Any, kind: Filter
) -> None:
    raised, planned = PrivacyBudget(epsilon=20.0, delta=3e-5), {"about": RunFacts(planned=[EVENT])}
    for name in ("unstated", "stated"):
        ledger.set_lifetime(name, LIFETIME, kind)
    kept = len(ledger.entries())
    for name in ("unstated", "stated"):
        ledger.set_lifetime(name, raised)
        with ledger.run(name, PrivacyBudget(epsilon=8.0, delta=1e-6), secret=True, **planned):
            pass
    place.tamper(f"delete from entries where sequence > {kept}")
    again = PrivacyLedger.open(place.url)
    again.accept_restored({"stated": Spent(epsilon=8.0, delta=1e-6)}, **PERSON)
    for name in ("unstated", "stated"):
        again.set_lifetime(name, raised)
    with pytest.raises(BudgetExceededError), again.run("unstated", BUDGET, secret=True, **planned):
        pass
    assert again.account("unstated").epsilon >= 20.0
    assert again.account("stated").epsilon == 8.0
    if kind is Filter.SUM:
        with again.run("stated", PrivacyBudget(epsilon=12.0, delta=1e-6), secret=True):
            pass
    # Whoever knows better puts the copy back once more.
    place.tamper(f"delete from entries where sequence > {kept}")
    again = PrivacyLedger.open(place.url)
    again.accept_restored(
        {name: Spent(epsilon=8.0, delta=1e-6) for name in ("unstated", "stated")}, **PERSON
    )
    assert again.account("unstated").epsilon == 8.0


def test_the_command_tells_what_an_unstated_charge_means(
    ledger: PrivacyLedger, place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        ledger.set_lifetime(name, LIFETIME)
    _cut(ledger, place)
    person = ("--who", "A. Officer", "--why", "disk lost", "--ledger", place.url)
    assert execute(["ledger", "accept", "--restored", "--spent", "two=0", *person]) == 0
    told = {line.partition(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "raising its budget leaves nothing either" in told["one"]
    assert "raising" not in told["two"]


def test_the_rdp_of_a_randomised_response_is_exact_and_the_most_of_any_pure_mechanism() -> None:
    for epsilon in (0.0, 0.01, 0.5, 2.0, 30.0):
        yes = 1 / (1 + math.exp(-epsilon))
        one, two = np.array([yes, 1 - yes]), np.array([1 - yes, yes])
        for order in (2, 7, 64):
            found = response_rdp(epsilon, order)
            assert found <= min(epsilon, order * epsilon**2 / 2) + 1e-12
            if epsilon < 10:
                assert found == pytest.approx(
                    math.log((one**order * two ** (1 - order)).sum()) / (order - 1), abs=1e-9
                )
                share = order / (2 * order - 1)
                laplace = share * math.exp((order - 1) * epsilon) + (1 - share) * math.exp(
                    -order * epsilon
                )
                assert math.log(laplace) / (order - 1) <= found + 1e-9


def test_the_commands(
    ledger: PrivacyLedger, place: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger.set_lifetime("acme", LIFETIME)
    _run(ledger, "acme")
    where = ("--who", "A. Officer", "--why", "disk lost", "--ledger", place.url)
    assert execute(["ledger", "accept", "--restored", *where]) == 2
    assert "nothing to accept" in capsys.readouterr().err
    _cut(ledger, place)
    for wrong, text in (
        (["acme", "--restored"], "about the whole ledger"),
        ([], "give one of --schema, --same-customers-as and --restored"),
        (["acme", "--schema", "x", "--restored"], "give one of"),
        (["acme", "--same-customers-as", "b", "--spent", "a=1"], "--restored only"),
        (["--same-customers-as", "b"], "DATASET is missing"),
        (["--restored", "--spent", "acme"], "write DATASET=EPSILON,DELTA"),
        (["--restored", "--spent", "acme=x"], "write DATASET=EPSILON,DELTA"),
        (["--restored", "--spent", "acme=2"], "has a δ too"),
        (["--restored", "--spent", "acme=-1"], "0 or more"),
        (["--restored", "--spent", "acme=nan,1e-6"], "0 or more"),
        (["--restored", "--spent", "acme=0", "--spent", "acme=1,1e-6"], "twice"),
        (["--restored", "--spent", "A b=0"], "no data set's name"),
    ):
        assert execute(["ledger", "accept", *wrong, *where]) == 2
        assert text in capsys.readouterr().err
    assert execute(["ledger", "accept", "--restored", "--spent", "acme=2,1e-6", *where]) == 0
    assert "acme: ε = 3, δ = 2e-06 spent; ε = 3" in capsys.readouterr().out
    assert execute(["ledger", "verify", "--ledger", place.url]) == 0
    assert execute(["ledger", "show", "--ledger", place.url]) == 0
    shown = capsys.readouterr().out
    assert "gap" in shown
    assert "restored" in shown
    assert "\n: " not in shown
    assert execute(["ledger", "show", "--json", "--ledger", place.url]) == 0


def test_reports_and_books_bear_the_new_kinds(ledger: PrivacyLedger, place: Any) -> None:
    from privgan.pipeline.reporting import _flat
    from privgan.report.ledger_line import ledger_line
    from privgan.serve.books import read_books

    ledger.set_lifetime("a", LIFETIME)
    _run(ledger)
    again = _cut(ledger, place)
    again.accept_restored({"b": Spent(epsilon=1.0, delta=1e-6)}, **PERSON)
    flat = [_flat(dict(vars(entry))) for entry in again.entries("a")]
    assert [step.total for step in ledger_line(flat, 6.0).steps] == [1.0, 6.0]
    assert ledger_line(flat, 6.0).steps[-1].run == "restored"
    books = read_books(place.url)
    assert books.problems == ()
    assert [account.dataset for account in books.accounts] == ["a", "b"]
    assert [account.left for account in books.accounts] == [0.0, None]
    assert {"gap", "restored"} <= {line.kind for line in books.lines}
    assert all(line.who for line in books.lines if line.kind in {"gap", "restored"})


# --- the clock


def test_a_clock_that_stood_in_the_future_is_repaired_with_a_record(
    ledger: PrivacyLedger,
    place: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [dt.datetime(2031, 5, 1, 12, tzinfo=dt.UTC)]
    monkeypatch.setattr(store, "utc_now", lambda: now[0])
    _run(ledger)
    now[0] = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    command = [
        "ledger",
        "repair-clock",
        "--who",
        "A. Officer",
        "--why",
        "host7",
        "--ledger",
        place.url,
    ]
    with pytest.raises(UsageError, match=r"repair that: PrivacyLedger\.repair_clock"):
        _run(ledger)
    assert execute([*command[:3], "", *command[4:]]) == 2
    assert execute(command) == 0
    assert "time goes on from 2026-05-01T12:00:00" in capsys.readouterr().out
    entry = ledger.entries()[-1]
    assert (entry.kind, entry.time[:10], entry.body["was"][:10]) == (
        "clock",
        "2026-05-01",
        "2031-05-01",
    )
    assert (entry.body["who"], entry.body["why"]) == ("A. Officer", "host7")
    _run(ledger)
    assert ledger.problems() == ()
    assert execute(command) == 2
    assert "nothing is to repair" in capsys.readouterr().err
    now[0] -= dt.timedelta(minutes=6)
    with pytest.raises(UsageError, match="runs backwards"):
        _run(ledger)
