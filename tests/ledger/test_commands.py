"""The ledger's commands on both databases: made, shown, verified against a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.ledger.ledger import PrivacyLedger
from privgan.privacy.budget import PrivacyBudget

BUDGET = PrivacyBudget(epsilon=1.0, delta=1e-6)


def test_made_shown_and_verified(
    place: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--ledger", place.url)
    assert execute(["ledger", "init", "acme", "--epsilon", "6", "--filter", "rdp", *where]) == 0
    ledger = PrivacyLedger.open(place.url, create=False)
    with ledger.run("acme", BUDGET, secret=True):
        pass
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"ledger": {"head": ledger.head()}}))
    assert execute(["ledger", "show", *where]) == 0
    assert execute(["ledger", "budget", "acme", *where]) == 0
    assert execute(["ledger", "verify", "--manifest", str(manifest), *where]) == 0
    told = capsys.readouterr()
    assert "the chain is whole" in told.out
    assert "not-to-be-told" not in told.out + told.err
    place.tamper("delete from entries where kind = 'run'")
    assert execute(["ledger", "verify", *where]) == 1
    assert "entries were removed from its end" in capsys.readouterr().out
    assert execute(["ledger", "verify", "--manifest", str(manifest), *where]) == 1
    assert "its tail was cut" in capsys.readouterr().out


REORDER = [
    f"update entries set sequence = {new} where sequence = {old}"
    for old, new in ((2, 99), (3, 2), (99, 3))
]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            ["update entries set body = replace(body, '6.0', '9.0') where sequence = 2"],
            "entry 2 was changed",
        ),
        (["delete from entries where sequence = 2"], "entry 2 is missing"),
        (REORDER, "entry 2 does not follow"),
    ],
)
def test_what_was_edited_removed_or_reordered_is_named(
    place: Any, changes: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = PrivacyLedger.open(place.url)
    ledger.introduce("acme")
    ledger.set_lifetime("acme", PrivacyBudget(epsilon=6.0))
    with ledger.run("acme", BUDGET, secret=True):
        pass
    place.tamper(*changes)
    assert execute(["ledger", "verify", "--ledger", place.url]) == 1
    assert text in capsys.readouterr().out
    assert execute(["ledger", "budget", "acme", "--epsilon", "9", "--ledger", place.url]) == 2
