"""Events that are not as the schema says: a clear error or a stated rule, and nothing half-made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from privgan.cli.main import execute
from privgan.errors import TableError
from privgan.owner.owners_table import TableAsRead
from privgan.schema.schema import Schema
from privgan.sources import SourceOptions
from tests.features.purchases import built, schema

TEXT = """\
format: privgan.schema/1
dataset: clicks
unit: customer
events:
  time: seen
  cutoff: 2024-07-01
  columns:
    - {name: customer, kind: identifier}
    - {name: seen, kind: datetime, format: "%Y-%m-%dT%H:%M:%S%z", zone: Europe/Berlin}
    - {name: amount, kind: float, decimals: 2}
    - {name: channel, kind: categorical, categories: [web, shop]}
features:
  - {name: clicks, count: events}
  - {name: spend, sum: amount}
  - {name: last_amount, last: amount}
  - {name: last_seen, last: seen}
columns:
  - {name: customer, kind: identifier}
  - {name: clicks, kind: integer, lower: 0, upper: 200000}
  - {name: spend, kind: float, lower: -1000, upper: 1000, decimals: 2}
  - {name: last_amount, kind: float, lower: -1000, upper: 1000, decimals: 2, missing: true}
  - {name: last_seen, kind: datetime, lower: 2020-01-01, upper: 2024-06-30T23:59:59,
      zone: Europe/Berlin}
"""
CLICKS = schema(TEXT)
LEFT_OUT = schema(TEXT.replace("time: seen", "time: seen\n  without_customer: left_out"))


def events(**changed: list[object]) -> pd.DataFrame:
    """Three good events of two customers, with some columns changed."""
    columns: dict[str, list[object]] = {
        "customer": ["a", "a", "b"],
        "seen": ["2024-06-01T12:00:00+02:00", "2024-06-02T12:00:00Z", "2024-06-03T00:30:00+09:00"],
        "amount": ["1.50", "-0.25", "3.00"],
        "channel": ["web", "shop", "web"],
    }
    return pd.DataFrame({**columns, **changed})


def read(frame: pd.DataFrame, facts: Schema = CLICKS) -> TableAsRead:
    """Events as a run reads them."""
    return TableAsRead.read(frame, SourceOptions(), facts)


def test_zones_that_vary_are_told_in_the_zone_of_the_schema() -> None:
    frame = built(events(), CLICKS).source.frame()
    assert frame["last_seen"].astype(str).tolist() == ["2024-06-02 14:00:00", "2024-06-02 17:30:00"]


@pytest.mark.parametrize("seen", ["2024-06-30T23:59:59+02:00", "2024-07-01T06:59:59+09:00"])
def test_the_cut_off_is_told_in_the_zone_of_the_schema(seen: str) -> None:
    later = "2024-06-30T22:00:00Z"  # Midnight in Berlin.
    frame = built(events(seen=[seen, later, seen]), CLICKS).source.frame()
    assert frame["clicks"].tolist() == [1, 1]


REFUSED = [
    ({"seen": ["2024-06-01T12:00:00+02:00", "soon", ""]}, r"events.seen': text that is no moment"),
    (
        {"seen": ["2024-06-01T12:00:00+02:00", "", ""]},
        r"events.seen': a value is missing .* 2 rows",
    ),
    ({"seen": ["2024-06-01T12:00:00"] * 3}, r"no customer has an event .*no moment of the form"),
    ({"amount": ["1.50", "", "3.00"]}, r"events.amount': a value is missing where none may be"),
    ({"amount": ["1.50", "secret", "3"]}, r"events.amount': text where a number is expected in 1"),
    ({"amount": ["1.505", "2", "3"]}, r"events.amount': more than 2 decimals in 1 row"),
    ({"amount": ["1e300", "2", "3"]}, r"events.amount': a value outside"),
    ({"channel": ["web", "fax", "web"]}, r"events.channel': a value is none of the 2 categories"),
    ({"customer": ["a", "", None]}, r"events.customer': an event has no customer.* in 2 rows"),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_without_a_value(place: int) -> None:
    changed, told = REFUSED[place]
    with pytest.raises(TableError, match=f"(?s){told}") as refused:
        read(events(**changed)).conforming(CLICKS)
    assert "secret" not in str(refused.value)


def test_on_demand_unreadable_values_are_missing_and_such_times_leave_an_event_out() -> None:
    amounts = ["1.50", "what", "3.00"]
    seen = ["2024-06-01T12:00:00Z", "2024-06-02T12:00:00Z", "never"]
    table = built(events(amount=amounts, seen=seen, customer=["a", "a", "a"]), CLICKS)
    frame = table.source.frame()
    assert frame[["clicks", "spend", "last_amount"]].to_numpy().tolist() == [[2, 1.5, 1.5]]
    assert len(table.violations) == 2
    read(events(amount=amounts)).conforming(CLICKS, on_violation="clamp")


def test_events_without_a_customer_are_refused_or_left_out() -> None:
    nameless = events(customer=["a", "", None])
    with pytest.raises(TableError, match="without_customer: left_out"):
        read(nameless).conforming(CLICKS, on_violation="clamp")
    table = read(nameless, LEFT_OUT)
    assert table.said[1] == "a pandas frame: 2 events without a customer are left out"
    assert table.conforming(LEFT_OUT).row_count() == 1


def test_ties_in_time_are_ordered_by_the_value() -> None:
    seen = ["2024-06-01T12:00:00Z"] * 3
    for amounts in (["1", "2", "3"], ["3", "2", "1"], ["2", "3", "1"]):
        frame = built(events(seen=seen, amount=amounts, customer=["a"] * 3), CLICKS).source.frame()
        assert frame["last_amount"].tolist() == [3.0]


def test_one_customer_may_have_a_hundred_thousand_events() -> None:
    rows = 100_000
    many = pd.DataFrame(
        {
            "customer": ["a"] * rows + ["b"],
            "seen": ["2024-06-01T12:00:00Z"] * (rows + 1),
            "amount": [0.01, -0.01] * (rows // 2) + [5.0],
            "channel": ["web"] * (rows + 1),
        }
    )
    frame = built(many, CLICKS).source.frame()
    assert frame[["clicks", "spend"]].to_numpy().tolist() == [[rows, 0.0], [1, 5.0]]


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(TableError, match="the events have no column 'amount'; did you mean"):
        built(events().rename(columns={"amount": "amounts"}), CLICKS)


def test_events_after_the_cut_off_alone_make_no_customer() -> None:
    late = events(seen=["2024-08-01T12:00:00Z"] * 3)
    with pytest.raises(TableError, match=r"no customer has an event .*check events.cutoff"):
        built(late, CLICKS)


def test_an_empty_file_of_events_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    events().head(0).to_csv(path, index=False)
    with pytest.raises(TableError, match="no rows"):
        built(path, CLICKS)


def test_parts_with_different_columns_are_told(tmp_path: Path) -> None:
    events().to_csv(tmp_path / "1.csv", index=False)
    events().drop(columns="amount").to_csv(tmp_path / "2.csv", index=False)
    with pytest.raises(TableError, match=r"1.csv and .*2.csv: have different columns .*'amount'"):
        built(tmp_path, CLICKS)


def _files(folder: Path, frame: pd.DataFrame, text: str = TEXT) -> list[str]:
    (folder / "schema.yaml").write_text(text, encoding="utf-8")
    frame.to_csv(folder / "events.csv", index=False)
    return [str(folder / "events.csv"), "--schema", str(folder / "schema.yaml")]


def test_the_command_shows_the_owner_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, out = _files(tmp_path, events()), tmp_path / "features.csv"
    assert execute(["features", *files, "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8").splitlines() == [
        "customer,clicks,spend,last_amount,last_seen",
        "a,2,1.25,-0.25,2024-06-02 14:00:00",
        "b,1,3.0,3.0,2024-06-02 17:30:00",
    ]
    assert out.stat().st_mode & 0o077 == 0
    assert "2 customers. INTERNAL" in capsys.readouterr().out
    assert execute(["features", *files, "--out", str(out)]) == 2  # It is there already.


def test_the_table_is_shown_whatever_is_still_to_be_measured(tmp_path: Path) -> None:
    bounds = "lower: -1000, upper: 1000, decimals: 2}"
    text = TEXT.replace(bounds, "decimals: 2, source: {lower: measured, upper: measured}}", 1)
    text += 'constraints: [{when: "spend < 0", then: "clicks >= 1"}]\n'
    files, out = _files(tmp_path, events(), text), tmp_path / "features.csv"
    assert execute(["features", *files, "--out", str(out)]) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3


def test_the_command_tells_what_departs_and_writes_it_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, out = _files(tmp_path, events(amount=["2000", "1", "1"])), tmp_path / "features.parquet"
    assert execute(["features", *files, "--out", str(out)]) == 2
    assert "column 'spend': a value outside -1000 to 1000 in 1 row" in capsys.readouterr().out
    assert pd.read_parquet(out)["spend"].tolist() == [2001.0, 1.0]


BAD_COMMANDS = [
    (events(seen=["2024-06-01T12:00:00Z", "x", "y"]), TEXT, "no moment of the form"),
    (events(customer=["a", "", "b"]), TEXT, "an event has no customer"),
    (
        events(),
        TEXT.replace("unit: customer", "unit: customer\nmax_rows_per_unit: 3"),
        "allowed: 1",
    ),
    (events(), TEXT.replace("count: events", "count: events, where: customers > 1"), "no column"),
    (events(), TEXT.replace("sum: amount", "sum_over_all: amount"), "unknown key"),
]


@pytest.mark.parametrize("place", range(len(BAD_COMMANDS)))
def test_a_run_refuses_with_code_2_and_leaves_nothing(
    place: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame, text, told = BAD_COMMANDS[place]
    monkeypatch.setenv("PRIVGAN_LEDGER", str(tmp_path / "ledger.sqlite"))
    files = _files(tmp_path, frame, text)
    options = ["--policy", "internal-analytics", "--epsilon", "2", "--public-rows", "2000"]
    assert execute(["run", *files, *options, "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "ledger.sqlite").exists()


def test_features_of_a_schema_without_events_are_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns: [{name: x, kind: boolean}]\n"
    files = _files(tmp_path, events(), text)
    assert execute(["features", *files, "--out", str(tmp_path / "f.csv")]) == 2
    assert "has no events and features" in capsys.readouterr().err


def test_schema_check_takes_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["schema", "check", *_files(tmp_path, events())]) == 0
    assert execute(["schema", "check", *_files(tmp_path, events(channel=["web", "fax", ""]))]) == 2
    told = capsys.readouterr().out
    assert "column 'events.channel': a value is none of the 2 categories in 1 row" in told
