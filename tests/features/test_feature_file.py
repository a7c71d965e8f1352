"""Events and features in a schema's file: what is read, what comes back, what is refused."""

from __future__ import annotations

import datetime as dt

import pytest

from privgan.errors import DocumentError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.features import FeatureFacts, Measure, Window
from privgan.table.schema_file import dump_schema, parse_schema
from tests.features.purchases import SCHEMA, schema


def test_a_schema_with_features_is_read_as_written() -> None:
    found = schema()
    assert found.unit == PrivacyUnit(column="customer", events=True)
    assert str(found.unit) == "one customer with all its events"
    assert found.events is not None
    assert (found.events.time, found.events.cutoff) == ("day", dt.datetime(2024, 7, 1))
    assert [column.name for column in found.events.columns][:3] == ["customer", "order", "day"]
    assert found.features[0] == FeatureFacts(
        name="events_seen",
        measure=Measure.COUNT,
        of="events",
        description="all before the cut-off",
    )
    assert found.features[-1] == FeatureFacts(
        name="days_to_next",
        measure=Measure.DAYS_BETWEEN,
        of=("cutoff", "first"),
        window=Window(days_after=90),
    )


def test_what_is_written_reads_back_to_the_same_schema() -> None:
    found = schema()
    again = parse_schema(dump_schema(found))
    assert again == found
    assert again.fingerprint() == found.fingerprint()
    assert again.features[3].to_json() == {"name": "ship_days", "distinct_days": "shipped"}


def test_definitions_are_part_of_the_fingerprint() -> None:
    changed = schema(SCHEMA.replace("days_before: 30", "days_before: 31", 1))
    assert changed.fingerprint() != schema().fingerprint()


def test_a_schema_without_features_has_none_of_their_facts() -> None:
    text = "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns: [{name: x, kind: boolean}]\n"
    found = parse_schema(text)
    assert found.feature_facts() == {}
    assert set(found.to_json()) == {
        "dataset",
        "unit",
        "unit_source",
        "max_rows_per_unit",
        "missing_markers",
        "columns",
    }
    assert "events" not in dump_schema(found)


ADDED = "  - {name: events_seen, count: events, description: all before the cut-off}\n"
MISTAKES = [
    ("unit: customer", "unit: row", "events need a unit column"),
    ("unit: customer", "unit: customer\nmax_rows_per_unit: 2", "found 2, allowed: 1"),
    ("time: day", "time: dya", "events.time: found 'dya', allowed: a date or datetime .* 'day'"),
    ("time: day", "time: amount", "events.time: found 'amount'"),
    ("time: day", "time: shipped", "'shipped' may be missing; what orders the events may not"),
    ("cutoff: 2024-07-01", "cutoff: tomorrow", "events.cutoff: found 'tomorrow', allowed: a date"),
    ("cutoff: 2024-07-01", "cutoff: 2024-07-01T00:00:00+02:00", "without a zone"),
    ("  cutoff: 2024-07-01\n", "", "days_before needs events.cutoff"),
    ("  cutoff: 2024-07-01\n", "", "cutoff needs events.cutoff"),
    ("    - {name: customer, kind: identifier}\n", "", "lacks the unit 'customer'"),
    ("{name: customer, kind: identifier}\n    -", "{name: customer, kind: date}\n    -", "unit"),
    ("{name: order,", "{name: day,", "the column 'day' stands twice"),
    (
        "kind: float, decimals: 2, missing: true}\n    - {name: channel",
        "kind: float}\n    - {name: channel",
        "kind float needs decimals",
    ),
    ("kind: date}\n    - {name: amount", "kind: date, format: '%Z'}\n    - {name: amount", "zone"),
    (
        "{name: amount, kind: float, decimals: 2, missing: true}",
        "{name: amount, kind: float, decimals: 2, lower: 0}",
        "unknown key 'lower'",
    ),
    (
        "{name: orders, distinct: order}",
        "{name: order, distinct: order}",
        "'order' is no column that is modelled; did you mean 'orders'",
    ),
    (ADDED, "", "column 'events_seen' has no definition; add it to features"),
    (ADDED, ADDED + ADDED, "the feature 'events_seen' stands twice"),
    ("distinct: order}", "distinct: odrer}", "'odrer' is no column of the events; .* 'order'"),
    ("distinct: order}", "distinct: order, sum: amount}", "found distinct, sum, allowed: one of"),
    ("distinct: order}", "median: amount}", "unknown key 'median'"),
    (", distinct: order}", "}", "found none, allowed: one of count"),
    (
        "sum: amount}\n  - {name: average",
        "sum: channel}\n  - {name: average",
        "'channel' is categorical, allowed: float, integer",
    ),
    ("min: amount}", "min: channel}", "'channel' is categorical, allowed: date, datetime"),
    ("first: product}", "first: order}", "'order' is identifier, allowed"),
    ("joined, first: day", "joined, first: amount", "first fills no date column, allowed: float"),
    ("count: events, where: amount < 0", "count: amount", "count: found 'amount', allowed: events"),
    ("favourite, top: channel", "favourite, top: amount", "'amount' is float, allowed: boolean"),
    ("categories: [shop, web]", "categories: [shop, fax]", "'fax' is no category of 'channel'"),
    (
        "{name: favourite, kind: categorical, categories: [shop, web], missing: true}",
        "{name: favourite, kind: categorical, other: x, source: {categories: measured}}",
        "top is looked for among declared categories",
    ),
    ("share: paid = y}", "share: paid = maybe}", "'maybe' is no category of paid"),
    ("share: paid = y}", "share: remark = y}", "'remark' is no column"),
    ("share: paid = y}", "share: spend > 3}", "'spend' is no column"),
    ("where: amount < 0", "where: amount <", "cannot be read"),
    ("where: amount < 0", "where: product = tea", "measured, not declared"),
    ("where: amount < 0", "where: order = o1", "invented and cannot be a condition"),
    ("[first, cutoff]", "[first, first]", "allowed: two of first, last, cutoff"),
    ("[first, cutoff]", "[first, now]", "allowed: two of first, last, cutoff"),
    ("[first, cutoff]", "first", "days_between: found 'first', allowed: a list"),
    ("sum: amount, days_before: 30", "sum: [amount, amount], days_before: 30", "allowed: text"),
    ("sum: amount, days_before: 30", "sum: amount, days_before: 0", "days_before"),
    ("sum: amount, days_before: 30", "sum: amount, days_before: 3, days_after: 3", "exclude each"),
    ("any: events, days_after: 90", "sum: amount, days_after: 90", "sum fills no boolean column"),
    (
        'kind: boolean, labels: ["no", "yes"]',
        "kind: integer, lower: 0, upper: 1",
        "any fills no integer column, allowed: boolean",
    ),
    (
        "{name: paid_share, kind: float, lower: 0, upper: 1, decimals: 2}",
        "{name: paid_share, kind: integer, lower: 0, upper: 1}",
        "share fills no integer column",
    ),
    (
        "{name: returns, kind: integer, lower: 0, upper: 100}",
        "{name: returns, kind: date, lower: 2020-01-01, upper: 2021-01-01}",
        "count fills no date column",
    ),
    (
        "  - {name: customer, kind: identifier, pattern",
        "  - {name: mail, kind: email}\n  - {name: customer, kind: identifier, pattern",
        "column 'mail' is invented and made from no events",
    ),
    ("time: day", "time: day\n  without_customer: kept", "allowed: left_out"),
]


@pytest.mark.parametrize("place", range(len(MISTAKES)))
def test_mistakes_are_told_with_their_line(place: int) -> None:
    old, new, told = MISTAKES[place]
    assert old in SCHEMA, old
    with pytest.raises(DocumentError, match=f"(?s)line [0-9]+: .*{told}"):
        schema(SCHEMA.replace(old, new, 1))


@pytest.mark.parametrize(("gone", "told"), [("events", "features needs"), ("features", "events")])
def test_events_and_features_go_together(gone: str, told: str) -> None:
    head, _, rest = SCHEMA.partition(f"{gone}:\n")
    rest = rest[rest.index("features:" if gone == "events" else "columns:") :]
    with pytest.raises(DocumentError, match=told):
        schema(f"{head}max_rows_per_unit: 1\n{rest}")


def test_a_moment_keeps_the_zone_of_its_events() -> None:
    text = SCHEMA.replace("{name: day, kind: date}", "{name: day, kind: datetime, zone: UTC}")
    zoned = text.replace(
        "{name: joined, kind: date,", "{name: joined, kind: datetime, zone: Europe/Berlin,"
    )
    with pytest.raises(DocumentError, match=r"has the zone 'Europe/Berlin', and 'day'.*'UTC'"):
        schema(zoned)
    assert schema(zoned.replace("Europe/Berlin", "UTC")).features


def test_more_features_and_categories_than_any_schema_has_are_refused() -> None:
    many = "".join(f"  - {{name: f{number}, count: events}}\n" for number in range(501))
    with pytest.raises(DocumentError, match="features: found 526, allowed: at most 500"):
        schema(SCHEMA.replace("features:\n", f"features:\n{many}"))
    names = ", ".join(f"c{number}" for number in range(201))
    text = SCHEMA.replace("categories: [web, shop, phone], ", "")
    text = text.replace("categories: [shop, web]", f"categories: [{names}]")
    text = text.replace("share: channel = web, where: amount > 0", "share: amount > 1")
    with pytest.raises(DocumentError, match="201 categories, allowed: at most 200"):
        schema(text)
