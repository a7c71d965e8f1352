"""Features of a small table, computed by hand, whichever way and in whichever order it comes."""

from __future__ import annotations

import io
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from privgan.features.aggregates import feature_query
from privgan.features.building import build_features
from privgan.owner.owners_table import TableAsRead
from privgan.sources import SourceOptions
from privgan.table.violations import broken_constraints
from tests.features.purchases import EVENTS, FEATURES, SCHEMA, built, schema, values


def events() -> pd.DataFrame:
    """The events as text."""
    return pd.read_csv(io.StringIO(EVENTS), dtype=str, keep_default_na=False)


def typed() -> pd.DataFrame:
    """The events with types of their own."""
    frame = pd.read_csv(io.StringIO(EVENTS), parse_dates=["day", "shipped"])
    return frame.assign(paid=frame["paid"].eq("y").map({True: "y", False: "n"}))


def test_features_are_those_computed_by_hand() -> None:
    table = built(events())
    assert values(table.source.frame()) == FEATURES
    assert table.violations == ()
    assert table.source.said == ("a pandas frame: 12 events, 3 customers",)


def test_features_fit_the_schema_and_hold_its_constraints() -> None:
    read = TableAsRead.read(events(), SourceOptions(), schema())
    held = read.check(schema())
    assert (held.violations, held.broken, held.over_limit) == ((), (), 0)
    frame = built(events()).source.frame()
    assert broken_constraints(frame.assign(recency=frame["tenure"] + 1), schema()) == ((0, 3),)


@pytest.mark.parametrize("form", ["csv", "gz", "parquet", "sqlite", "duckdb", "folder", "typed"])
def test_every_source_gives_the_same_features(form: str, tmp_path: Path) -> None:
    assert values(built(_written(form, tmp_path)).source.frame()) == FEATURES


def _written(form: str, folder: Path) -> Path | pd.DataFrame:
    frame, path = events(), folder / f"events.{form}"
    if form == "typed":
        return typed()
    if form == "folder":
        path.mkdir()
        for place, part in enumerate((frame.iloc[:5], frame.iloc[5:])):
            part.to_csv(path / f"{place}.csv", index=False)
    elif form == "parquet":
        typed().to_parquet(path)
    elif form == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            typed().assign(day=frame["day"], shipped=frame["shipped"]).to_sql(
                "events", connection, index=False
            )
    elif form == "duckdb":
        with closing(duckdb.connect(str(path))) as connection:
            connection.register("frame", typed())
            connection.execute("CREATE TABLE events AS SELECT * FROM frame")
    elif form == "gz":
        path = folder / "events.csv.gz"
        frame.to_csv(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def test_the_order_of_the_events_does_not_matter() -> None:
    for seed in range(5):
        shuffled = events().sample(frac=1, random_state=seed)
        assert values(built(shuffled).source.frame()) == FEATURES


def test_a_customers_features_do_not_depend_on_other_customers() -> None:
    whole = built(events()).source.frame().set_index("customer")
    for name in whole.index:
        alone = built(events().query("customer == @name")).source.frame().set_index("customer")
        pd.testing.assert_frame_equal(alone, whole.loc[[name]], check_dtype=False)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privgan.sources.streams.BATCH", 2)
    assert values(built(events()).source.frame()) == FEATURES


def test_the_query_holds_words_of_its_own_alone() -> None:
    """No text of the schema stands in it, and no window over customers."""
    sql = feature_query(schema()).sql
    own = r"customer|moment|day|events|part\d+|c\d+|m|v|\d+"
    keys = "SELECT|AS|FROM|GROUP|BY|HAVING|ORDER|FILTER|WHERE|AND|IS|NOT|NULL|DISTINCT|DOUBLE|CAST"
    calls = "count|sum|min|max|arg_min|arg_max|coalesce"
    assert [
        word for word in re.findall(r"\w+", sql) if not re.fullmatch(f"{own}|{keys}|{calls}", word)
    ] == []
    assert set(re.sub(r"\w", "", sql)) <= set(" (),*>={}:'")
    assert sql.count("GROUP BY customer") == sql.count("SELECT") == 1


def test_columns_may_have_the_names_that_the_query_uses() -> None:
    frame = events().rename(columns={"amount": "moment", "channel": "c0", "day": "customer; --"})
    text = SCHEMA.replace("amount", "moment").replace("channel,", "c0,")
    text = text.replace("channel =", "c0 =").replace("top: channel", "top: c0")
    text = text.replace("day,", "'customer; --',").replace("day}", "'customer; --'}")
    text = text.replace("time: day", "time: 'customer; --'")
    table = build_features(frame, SourceOptions(), schema(text.replace("_moment", "_amount")))
    assert values(table.source.frame()) == FEATURES
