"""What a result shows of itself: short, escaped, marked where INTERNAL, never a row."""

from __future__ import annotations

import re
from typing import Any

import pytest

import privgan
from privgan.notebook import INTERNAL, card
from tests.api.world import World, customers, schema

SCRIPT = "<script>alert(1)</script>"
INSIDE = {"draft", "report", "verdict", "account", "blocked", "conformity"}


@pytest.fixture
def shown(world: World) -> dict[str, Any]:
    names = world.names
    return {
        "fitted": names["fitted"],
        "unfitted": privgan.Synthesizer(schema(), epsilon=3),
        "released": privgan.load("out"),
        "schema": schema(),
        "draft": privgan.draft_schema(customers()),
        "conformity": schema().check(customers()),
        "policy": privgan.load_policy("internal-analytics"),
        "plan": privgan.plan(schema(), epsilon=3, public_rows=600),
        "what if": privgan.what_if(schema(), epsilons=[1, 3], public_rows=600),
        "report": names["audited"],
        "blocked": names["result"],
        "verdict": names["result"].verdict,
        "verification": privgan.verify("spoilt"),
        "account": privgan.PrivacyLedger.open("books.sqlite").account("shop"),
    }


def test_each_shows_itself_shortly_and_without_rows(shown: dict[str, Any]) -> None:
    private = {*customers()["customer_id"], *customers()["spend"].dropna().map(str)}
    for name, found in shown.items():
        html, plain = found._repr_html_(), repr(found)
        assert len(plain) < 120, name
        assert len(html) < 20_000, name
        for text in (html, plain):
            words = set(re.split(r"[^\w.]+", text))
            assert not words & private, name
            assert "<script" not in text
        assert (INTERNAL in html) == (name in INSIDE), name


def test_markup_in_names_and_values_is_only_shown() -> None:
    for text in (
        card(SCRIPT),
        card("a", [(SCRIPT, SCRIPT)]),
        card("a", header=[SCRIPT], rows=[[SCRIPT]]),
    ):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    odd = privgan.Schema([privgan.Integer(SCRIPT, 0, 9)], dataset="odd")
    assert "<script" not in odd._repr_html_()
    assert "<script" not in privgan.Synthesizer(odd, epsilon=3)._repr_html_()


def test_of_a_long_table_the_first_rows_are_shown() -> None:
    assert card("a", rows=[[number] for number in range(30)]).endswith(
        "<td>… and 10 more</td></tr></table></div>"
    )


def test_a_policy_shows_what_it_allows() -> None:
    html = privgan.load_policy("internal-analytics")._repr_html_()
    for told in ("Policy internal-analytics", "guarantee.epsilon", "at most 10", "public"):
        assert told in html
