"""What is left of a draft, group by group, and what an answer makes of its facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from privgan.drafting.review import Group, accepted, entries, measured
from privgan.drafting.review_edits import edited, fields
from privgan.drafting.review_file import comments_of, text_with_comments
from privgan.drafting.review_session import Review
from privgan.drafting.unit_proposal import repeating_ids
from privgan.errors import TableError, UsageError
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Kind, OpenCategorical, OpenNumeric, Source
from privgan.schema.schema import Schema
from privgan.table.schema_file import dump_schema, parse_schema
from tests.drafting.reviewed import drafted, shop, visits

DRAFT = parse_schema("""format: privgan.schema/1
dataset: d
unit: row
unit_source: confirm
missing_markers: ["", NA]
missing_markers_source: confirm
columns:
  - {name: mail, kind: email, role: identifier, source: confirm}
  - {name: no, kind: identifier, pattern: "C{:04d}", role: identifier, source: confirm}
  - {name: age, kind: integer, lower: 0, upper: 120, special_values: [-1], format: "000",
      missing: true, source: confirm}
  - {name: tier, kind: categorical, categories: [basic, gold], source: confirm}
  - {name: at, kind: datetime, lower: 2020-01-01, upper: 2021-12-31, zone: UTC, source: confirm}
  - {name: price, kind: float, lower: 0, upper: 99.5, decimals: 1, source: {lower: confirm}}
""")


def entry(schema: Schema, group: Group, column: str = "") -> object:
    return next(each for each in entries(schema)[group] if each.column == column)


def answered(group: Group, column: str, **typed: str) -> Schema:
    return edited(DRAFT, entry(DRAFT, group, column), typed)


def test_every_fact_is_in_one_group() -> None:
    grouped = [
        (each.column, fact)
        for some in entries(DRAFT).values()
        for each in some
        for fact in each.facts
    ]
    named = [f"{column}.{fact}" if column else fact for column, fact in grouped]
    assert sorted(named) == sorted([*DRAFT.facts_from(Source.CONFIRM), "target"])


@pytest.mark.parametrize(
    ("group", "column", "facts"),
    [
        (Group.PII, "mail", ("kind", "role")),
        (Group.PII, "no", ("pattern", "kind", "role")),
        (Group.ROLES, "age", ("role",)),
        (Group.BOUNDS, "age", ("lower", "upper")),
        (Group.BOUNDS, "price", ("lower",)),
        (Group.CATEGORIES, "tier", ("categories",)),
        (Group.SENTINELS, "age", ("special_values",)),
        (Group.MARKERS, "mail", ("missing",)),
        (Group.MARKERS, "", ("missing_markers",)),
        (Group.KINDS, "age", ("format", "kind")),
        (Group.KINDS, "at", ("format", "zone", "kind")),
        (Group.UNIT, "", ("unit",)),
        (Group.TARGET, "", ("target",)),
    ],
)
def test_facts_stand_where_a_person_looks_for_them(
    group: Group, column: str, facts: tuple[str, ...]
) -> None:
    assert entry(DRAFT, group, column).facts == facts


@pytest.mark.parametrize("group", list(Group))
def test_accepting_a_group_declares_its_facts_alone(group: Group) -> None:
    some = entries(DRAFT)[group]
    after = accepted(DRAFT, some)
    assert entries(after)[group] == ()
    others = {name: found for name, found in entries(DRAFT).items() if name is not group}
    assert {name: found for name, found in entries(after).items() if name is not group} == others
    assert after.target == ("tier" if group is Group.TARGET else None)
    assert parse_schema(dump_schema(after)).to_json() == after.to_json()


def test_whether_an_invented_column_is_there_is_never_the_target() -> None:
    text = (
        dump_schema(replace(DRAFT, columns=DRAFT.columns[2:4]))
        + "- {name: fax, kind: text, missing: true, presence: modelled}\n"
    )
    schema = parse_schema(text)
    assert accepted(schema, entries(schema)[Group.TARGET]).target == "tier"


def test_bounds_and_categories_are_left_to_be_measured() -> None:
    after = measured(DRAFT, [*entries(DRAFT)[Group.BOUNDS], *entries(DRAFT)[Group.CATEGORIES]])
    assert isinstance(after.column("age"), OpenNumeric)
    assert after.column("age").special_values == (-1.0,)
    assert isinstance(after.column("tier"), OpenCategorical)
    assert parse_schema(dump_schema(after)).to_json() == after.to_json()
    assert not entries(after)[Group.BOUNDS]
    assert not entries(after)[Group.CATEGORIES]


def test_the_label_of_what_is_not_discovered_is_no_category() -> None:
    tier = replace(DRAFT.column("tier"), categories=("other", "others", "gold"))
    schema = replace(DRAFT, columns=(*DRAFT.columns[:3], tier, *DRAFT.columns[4:]))
    assert measured(schema, entries(schema)[Group.CATEGORIES]).column("tier").other == "any other"


@pytest.mark.parametrize(
    ("group", "column", "typed", "expected"),
    [
        (Group.BOUNDS, "age", {"lower": "18", "upper": "99"}, {"lower": 18.0, "upper": 99.0}),
        (Group.BOUNDS, "at", {"lower": "2019-01-01", "upper": "2022-06-30"}, {}),
        (
            Group.CATEGORIES,
            "tier",
            {"categories": "basic, silver, gold"},
            {"categories": ("basic", "silver", "gold")},
        ),
        (
            Group.CATEGORIES,
            "tier",
            {"categories": '["a, b", "no"]'},
            {"categories": ("a, b", "no")},
        ),
        (Group.SENTINELS, "age", {"special_values": ""}, {"special_values": ()}),
        (Group.SENTINELS, "age", {"special_values": "-1, 999"}, {"special_values": (-1.0, 999.0)}),
        (Group.MARKERS, "age", {"missing": "no"}, {"missing": False}),
        (Group.KINDS, "age", {"kind": "integer", "format": ""}, {"format": ""}),
        (
            Group.KINDS,
            "age",
            {"kind": "float", "format": "0.0##"},
            {"kind": Kind.FLOAT, "lower": 0.0},
        ),
        (
            Group.KINDS,
            "tier",
            {"kind": "ordinal"},
            {"kind": Kind.ORDINAL, "categories": ("basic", "gold")},
        ),
        (Group.KINDS, "age", {"kind": "identifier"}, {"kind": Kind.IDENTIFIER, "pattern": "{}"}),
        (Group.PII, "no", {"kind": "identifier", "pattern": "X{}"}, {"pattern": "X{}"}),
        (
            Group.PII,
            "mail",
            {"kind": "categorical", "role": "identifier"},
            {"other": "other", "kind": Kind.CATEGORICAL},
        ),
        (Group.ROLES, "age", {"role": "quasi-identifier"}, {"role": "quasi-identifier"}),
    ],
)
def test_what_is_typed_takes_the_place_of_the_fact(
    group: Group, column: str, typed: dict[str, str], expected: dict[str, object]
) -> None:
    after = answered(group, column, **typed)
    assert {key: getattr(after.column(column), key) for key in expected} == expected
    assert all(each.column != column for each in entries(after)[group])


@pytest.mark.parametrize(
    ("group", "column", "typed", "told"),
    [
        (
            Group.BOUNDS,
            "age",
            {"lower": "ten", "upper": "99"},
            "lower: found 'ten', allowed: a number",
        ),
        (Group.BOUNDS, "age", {"lower": "99", "upper": "18"}, "lower 99 is not below upper 18"),
        (Group.BOUNDS, "at", {"lower": "soon", "upper": "2022-06-30"}, "must be dates"),
        (Group.CATEGORIES, "tier", {"categories": "gold, gold"}, "non-unique"),
        (
            Group.CATEGORIES,
            "tier",
            {"categories": '["gold"'},
            "categories: the list cannot be read",
        ),
        (
            Group.CATEGORIES,
            "tier",
            {"categories": "[[gold]]"},
            'allowed: a, b, c or ["a", "b", "c"]',
        ),
        (Group.SENTINELS, "age", {"special_values": "never"}, "special_values: found 'never'"),
        (Group.MARKERS, "age", {"missing": "maybe"}, "missing: found 'maybe', allowed: yes or no"),
        (Group.KINDS, "age", {"kind": "numbers"}, "kind: found 'numbers', allowed: categorical"),
        (Group.KINDS, "age", {"kind": "integer", "format": "0.00.0"}, "format"),
        (Group.ROLES, "age", {"role": "secret"}, "allowed: identifier, quasi-identifier"),
        (
            Group.UNIT,
            "",
            {"unit": "age", "max_rows_per_unit": "2"},
            "allowed: row, or a column of kind identifier",
        ),
        (
            Group.UNIT,
            "",
            {"unit": "no", "max_rows_per_unit": "many"},
            "max_rows_per_unit: found 'many'",
        ),
        (
            Group.TARGET,
            "",
            {"target": "mail"},
            "allowed: a categorical, ordinal, boolean or numeric column",
        ),
    ],
)
def test_an_answer_that_cannot_be_is_refused_with_the_reason(
    group: Group, column: str, typed: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError) as refused:
        answered(group, column, **typed)
    assert told in str(refused.value)
    assert "line " not in str(refused.value)


def test_the_fields_of_an_entry_are_typed_back_as_they_stand() -> None:
    for group, some in entries(DRAFT).items():
        for each in some:
            typed = fields(DRAFT, each)
            if group is Group.TARGET:
                typed = {"target": "tier"}
            after = edited(
                DRAFT,
                each,
                {fact: text for fact, text in typed.items() if fact != "max_rows_per_unit"},
            )
            assert after.to_json() == accepted(DRAFT, [each]).to_json(), (group, each)


def test_an_id_that_repeats_is_proposed_with_the_largest_number_of_rows() -> None:
    frame = visits()
    schema = drafted(frame)
    schema = replace(schema, unit=PrivacyUnit(), unit_source=Source.CONFIRM)
    found = repeating_ids(frame, schema)
    assert [(each.name, each.largest, each.unit.max_rows) for each in found] == [
        ("customer_id", 4, 5)
    ]


@pytest.mark.parametrize(
    "values", [["C1"] * 600, [f"C{n}" for n in range(600)], [f"C{n % 20}" for n in range(600)]]
)
def test_an_id_that_names_few_or_all_rows_is_not_proposed(values: list[str]) -> None:
    frame = visits().assign(customer_id=values)
    assert not repeating_ids(frame, replace(drafted(frame), unit=PrivacyUnit()))


TEXT = """# On top.
# Declined: a at most b
format: privgan.schema/1
dataset: d
unit: row
# Above the first.
columns:
  - {name: a, kind: boolean}
    # Behind a.
# Of b.
  - name: b
    # Inside b.
    kind: boolean
# At the end.
"""


def test_comments_on_their_own_lines_are_kept() -> None:
    schema, comments = parse_schema(TEXT), comments_of(TEXT, 2)
    assert comments.declined == ("a at most b",)
    text = text_with_comments(schema, comments.with_declined(["b\nat most a"]), done=True)
    assert parse_schema(text) == schema
    lines = text.splitlines()
    assert lines[:4] == [
        "# On top.",
        "# Above the first.",
        "# Declined: a at most b",
        "# Declined: b\\nat most a",
    ]
    assert lines[lines.index("- name: b") - 1] in {"# Of b.", "# Inside b."}
    assert lines[-1] == "# At the end."
    assert text_with_comments(schema, comments_of(text, 2), done=True) == text


def test_comments_of_a_file_whose_columns_are_not_told_apart_go_on_top() -> None:
    text = TEXT.replace("- name: b", "- role: other").replace(
        "kind: boolean\n# At", "kind: boolean\n    name: b\n# At"
    )
    comments = comments_of(text, 2)
    assert comments.columns == {}
    assert {"# On top.", "# Of b.", "# At the end."} <= set(comments.head)


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    frame, path = shop(), tmp_path / "s.yaml"
    path.write_text(dump_schema(drafted(frame)))
    review = Review(path, frame)
    review.accept(review.left(Group.BOUNDS))
    path.write_text(path.read_text() + "# Somebody else.\n")
    with pytest.raises(UsageError, match="was changed while it was reviewed"):
        review.save()
    assert path.read_text().endswith("# Somebody else.\n")
    assert [file.name for file in tmp_path.iterdir()] == ["s.yaml"]


def test_the_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    frame, path, link = shop(), tmp_path / "s.yaml", tmp_path / "link.yaml"
    path.write_text(dump_schema(drafted(frame)))
    path.chmod(0o640)
    link.symlink_to(path)
    review = Review(link, frame)
    review.accept(review.left(Group.BOUNDS))
    review.save()
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert not entries(parse_schema(path.read_text()))[Group.BOUNDS]


def test_a_table_without_the_schema_s_columns_is_refused(tmp_path: Path) -> None:
    frame, path = shop(), tmp_path / "s.yaml"
    path.write_text(dump_schema(drafted(frame)))
    with pytest.raises(TableError, match="not in the table once each: tier"):
        Review(path, frame.drop(columns="tier"))


def test_rows_stay_the_unit_only_with_a_waiver_for_each_id_that_repeats(tmp_path: Path) -> None:
    frame, path = visits(), tmp_path / "s.yaml"
    schema = drafted(frame)
    path.write_text(dump_schema(schema))
    review = Review(path, frame)
    review.accept(review.left(Group.UNIT))
    assert review.schema.unit.column == "customer_id"
    assert review.repeating_identifiers() == ("customer_id",)
    review.keep_rows(review.repeating_identifiers())
    assert review.schema.unit.column is None
    assert review.schema.facts_from(Source.ASSUMED_PUBLIC) == ("customer_id.repeats",)


def test_rare_categories_and_exact_bounds_are_pointed_out(tmp_path: Path) -> None:
    frame, path = visits(), tmp_path / "s.yaml"
    schema = drafted(frame)
    columns = [
        replace(column, upper=199.0) if column.name == "pages" else column
        for column in schema.columns
    ]
    path.write_text(dump_schema(replace(schema, columns=tuple(columns))))
    review = Review(path, frame)
    review.accept(review.left(Group.UNIT))
    told = {
        each.column: review.told(each)
        for group in (Group.BOUNDS, Group.CATEGORIES)
        for each in review.left(group)
    }
    assert "of fewer than 10: tv (" in told["device"]
    assert "upper is the exact value of" in told["pages"]
    assert review.rare_categories() == 1
