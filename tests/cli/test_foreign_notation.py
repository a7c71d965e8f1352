"""The audit of a copy in another notation finds it, or reports what it could not read."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from privgan.audit.attacks.copied import copied
from privgan.audit.inputs import AuditInputs, AuditTables
from privgan.audit.lower_bounds.ceilings import Claim
from privgan.audit.prepared import prepare
from privgan.cli.main import execute
from privgan.errors import TableError
from privgan.pipeline.foreign_tables import read_foreign
from privgan.sources import SourceOptions
from tests.thinning import some

ROWS = 400
TIERS = ["basic", "gold plus", "Zoë", "x-large"]
Change = Callable[[pd.DataFrame], pd.DataFrame]


def customers(seed: int, count: int = ROWS) -> pd.DataFrame:
    """Rows of one population, as text."""
    generator = np.random.default_rng(seed)
    day = pd.Timestamp("2021-01-01") + pd.to_timedelta(generator.integers(0, 900, count), unit="D")
    moment = day + pd.to_timedelta(generator.integers(0, 86_400, count), unit="s")
    return pd.DataFrame(
        {
            "age": generator.integers(18, 80, count).astype(str),
            "tier": generator.choice(TIERS, count),
            "spend": [f"{value:.2f}" for value in np.exp(generator.normal(7, 1, count))],
            "joined": day.strftime("%Y-%m-%d"),
            "last_seen": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "churn": generator.choice(["Y", "N"], count),
        }
    )


def column(name: str, change: Callable[[str], object]) -> Change:
    """Every value of a column changed."""
    return lambda table: table.assign(**{name: table[name].map(change)})


def day(pattern: str) -> Change:
    """The dates in another notation."""
    return lambda table: table.assign(joined=pd.to_datetime(table["joined"]).dt.strftime(pattern))


def moment(pattern: str) -> Change:
    """The moments in another notation."""
    return lambda table: table.assign(
        last_seen=pd.to_datetime(table["last_seen"]).dt.strftime(pattern)
    )


def counted(name: str, size: int) -> Change:
    """Moments counted since 1970."""
    return lambda table: table.assign(
        **{name: (pd.to_datetime(table[name]).astype("int64") // size).astype(str)}
    )


def continental(text: str) -> str:
    """1,234.50 as 1.234,50."""
    return f"{float(text):,.2f}".translate(str.maketrans(",.", ".,"))


SPELLINGS: dict[str, Change] = {
    "plain": lambda table: table,
    "zero times": column("joined", lambda text: text + " 00:00:00"),
    "zero times with T and Z": column("joined", lambda text: text + "T00:00:00Z"),
    "zero times with fractions and an offset": column(
        "joined", lambda text: text + "T00:00:00.000+00:00"
    ),
    "day first": day("%d/%m/%Y"),
    "month first": day("%m/%d/%Y"),
    "points": day("%d.%m.%Y"),
    "English months": day("%b %d, %Y"),
    "English months in capitals": (
        lambda table: day("%d-%b-%Y")(table).pipe(column("joined", str.upper))
    ),
    "compact": day("%Y%m%d"),
    "two-digit years": day("%d.%m.%y"),
    "twelve hours": moment("%m/%d/%Y %I:%M:%S %p"),
    "moments with T": moment("%Y-%m-%dT%H:%M:%S"),
    "moments with a zone": moment("%Y-%m-%dT%H:%M:%S.000+03:00"),
    "milliseconds since 1970": counted("last_seen", 10**6),
    "seconds since 1970": counted("joined", 10**9),
    "capitals": column("tier", str.upper),
    "spaces": column("tier", lambda text: f"  {text.replace(' ', '   ')} "),
    "decomposed Unicode": column("tier", lambda text: unicodedata.normalize("NFD", text)),
    "spaces and capitals": column("tier", lambda text: f" {text.title()}\u00a0"),
    "true and false": column("churn", lambda text: str(text == "Y")),
    "1 and 0": column("churn", lambda text: str(int(text == "Y"))),
    "yes and no": column("churn", lambda text: {"Y": "yes", "N": "NO"}[text]),
    "1.0 and 0.0": column("churn", lambda text: str(float(text == "Y"))),
    "whole numbers as floats": column("age", lambda text: text + ".0"),
    "dollars": column("spend", lambda text: f"${float(text):,.2f}"),
    "a code of currency": column("spend", lambda text: f"{text} EUR"),
    "decimal commas": column("spend", lambda text: text.replace(".", ",")),
    "continental": column("spend", lambda text: f"{continental(text)} €"),
    "spaces between thousands": column(
        "spend", lambda text: f"{float(text):,.2f}".replace(",", "\u202f")
    ),
    "apostrophes between thousands": column(
        "spend", lambda text: f"{float(text):,.2f}".replace(",", "’")
    ),
    "scientific": column("spend", lambda text: f"{float(text):.12e}"),
    "more decimals": column("spend", lambda text: text + "000"),
    "spaces around numbers": column("spend", lambda text: f" {text} "),
    "other headers": lambda table: table.rename(columns={"age": "AGE", "last_seen": " Last Seen"}),
    "another order of rows": lambda table: table.sample(frac=1, random_state=1),
    "another order of columns": lambda table: table[table.columns[::-1]],
}
LOST: dict[str, tuple[Change, str]] = {
    "unknown moments": (column("joined", lambda text: f"day {text[-2:]}"), "joined"),
    "day or month first": (
        lambda table: table.assign(
            joined=[f"{1 + place % 12:02d}/{1 + place % 11:02d}/2021" for place in range(ROWS)]
        ),
        "joined",
    ),
    "codes for categories": (column("tier", lambda text: str(TIERS.index(text))), "tier"),
    "words for numbers": (
        column("spend", lambda text: "high" if float(text) > 1e3 else "low"),
        "spend",
    ),
    "cents": (column("spend", lambda text: str(round(float(text) * 1e6))), "spend"),
    "an empty column": (column("joined", lambda text: ""), "joined"),
    "words for missing": (column("spend", lambda text: "NaN"), "spend"),
    "infinite": (column("spend", lambda text: "inf"), "spend"),
    "the present moment": (column("last_seen", lambda text: "now"), "last_seen"),
    "a lacking column": (lambda table: table.drop(columns="churn"), "churn"),
    "another column": (lambda table: table.assign(note="x"), "note"),
}


@pytest.fixture
def folder(tmp_path):
    """The real and the hold-out rows."""
    customers(3).to_csv(tmp_path / "real.csv", index=False)
    customers(4).to_csv(tmp_path / "holdout.csv", index=False)
    return tmp_path


def read(folder, synthetic: pd.DataFrame, *, parquet: bool = False) -> AuditTables:
    """The three tables, as the audit reads them."""
    path = folder / ("synthetic.parquet" if parquet else "synthetic.csv")
    synthetic.to_parquet(path) if parquet else synthetic.to_csv(path, index=False)
    paths = {"real": folder / "real.csv", "holdout": folder / "holdout.csv", "synthetic": path}
    return read_foreign(paths, None, source=SourceOptions(sep=","), on_violation="refuse")


def finding(tables: AuditTables) -> str:
    """The basis of the verdict."""
    inputs = AuditInputs(
        schema=tables.schema,
        kept_in=tables.real,
        canary_mask=np.ones(len(tables.real), dtype=bool),
        left_out=tables.holdout,
        synthetic=tables.synthetic,
        epsilon=1.0,
        delta=0.0,
    )
    prepared = prepare(inputs, inputs.canary_mask, Claim(1.0, 0.0), "")
    return copied(prepared.kept_in, prepared.left_out, prepared.synthetic)


@pytest.mark.parametrize("name", some(SPELLINGS, 6))
def test_a_copy_is_found_however_it_is_written(folder, name):
    tables = read(folder, SPELLINGS[name](customers(3)))
    assert tables.legibility.left_out == {}
    assert not any(fact.any for fact in tables.legibility.lost)
    assert finding(tables).startswith(f"copies: {ROWS} of {ROWS} synthetic rows")
    pd.testing.assert_frame_equal(
        tables.synthetic.sort_values(list(tables.synthetic)).reset_index(drop=True),
        tables.real.sort_values(list(tables.real)).reset_index(drop=True),
    )


@pytest.mark.parametrize("name", some(LOST))
def test_what_cannot_be_read_leaves_and_clears_nothing(folder, name):
    change, lost = LOST[name]
    tables = read(folder, change(customers(3)))
    assert list(tables.legibility.left_out) == [lost]
    assert f"column {lost!r} left out" in tables.legibility.reason
    assert lost not in tables.schema.names
    # The other columns still give the copy away.
    assert finding(tables).startswith("copies")


def test_every_change_is_told_with_its_count(folder):
    change = SPELLINGS["zero times with T and Z"]
    copy = SPELLINGS["1 and 0"](change(customers(3)))
    copy.loc[:9, "joined"] = "soon"
    copy.loc[:4, "tier"] = "platinum"
    tables = read(folder, copy)
    told = {
        (item.table, item.column): (item.what, item.values) for item in tables.legibility.normalised
    }
    assert told == {
        ("synthetic", "joined"): ("zero times on dates, a zone", ROWS - 10),
        ("synthetic", "churn"): ("another word for true or false", ROWS),
    }
    lost = {fact.column: fact for fact in tables.legibility.lost if fact.any}
    assert (lost["joined"].unread, lost["tier"].unseen) == (10, 5)
    lines = tables.legibility.lines()
    assert f"synthetic: column 'joined': of {ROWS} values 10 cannot be read" in lines
    assert not any("soon" in line or "platinum" in line for line in lines)  # Never a value.


@pytest.mark.slow
def test_typed_columns_of_parquet(folder):
    table = customers(3)
    moments = pd.to_datetime(table["joined"])
    forms = {
        "dates": moments.dt.date,
        "timestamps": moments,
        "a zone": moments.dt.tz_localize("Asia/Shanghai"),
        "numbers": moments.astype("int64"),
    }
    for name, joined in forms.items():
        typed = table.assign(
            joined=joined, age=table["age"].astype("Int16"), churn=table["churn"] == "Y"
        )
        tables = read(folder, typed.assign(spend=table["spend"].astype("float32")), parquet=True)
        assert tables.legibility.left_out == {}, name
        assert finding(tables).startswith("copies"), name
    tables = read(folder, table.assign(spend=moments), parquet=True)
    assert "400 cannot be read" in tables.legibility.reason


@pytest.mark.slow
def test_a_hold_out_written_otherwise_accuses_nobody(folder):
    """An honest table in the real one's notation.

    The hold-out's notation must not tell the two apart.
    """
    for name in ("zero times", "decimal commas", "capitals", "true and false", "other headers"):
        SPELLINGS[name](customers(4)).to_csv(folder / "holdout.csv", index=False)
        tables = read(folder, customers(5))
        assert {item.table for item in tables.legibility.normalised} == {"holdout"}, name
        assert finding(tables) == "", name
        assert finding(read(folder, customers(3))).startswith("copies"), name


def test_files_that_cannot_be_a_table_are_refused(folder):
    customers(3).to_csv(folder / "other.csv", index=False, sep=";")
    files = {"real": folder / "real.csv", "holdout": folder / "holdout.csv"}
    for text, message in (
        (None, "is sep right"),
        ("age,tier,spend,joined,last_seen,churn\n", "has no rows"),
    ):
        path = folder / "other.csv"
        if text is not None:
            path.write_text(text)
        with pytest.raises(TableError, match=message):
            read_foreign(
                {**files, "synthetic": path},
                None,
                source=SourceOptions(sep=","),
                on_violation="refuse",
            )
    path.write_bytes("age\nß\n".encode("utf-16"))
    with pytest.raises(TableError):
        read_foreign(
            {**files, "synthetic": path}, None, source=SourceOptions(sep=","), on_violation="refuse"
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "verdict", "reason"),
    [
        (SPELLINGS["zero times"], 1, "REFUTED", f"copies: {ROWS} of {ROWS} synthetic rows"),
        (
            lambda table: LOST["unknown moments"][0](customers(5)),
            3,
            "INCONCLUSIVE",
            (
                f"column 'joined' left out: mostly lost: synthetic: column 'joined': of {ROWS}"
                f" values {ROWS} cannot be read"
            ),
        ),
        (lambda table: customers(5), 3, "INCONCLUSIVE", "nothing is claimed"),
    ],
    ids=["copy", "unread", "honest"],
)
def test_the_command_tells_a_copy_from_an_audit_that_cannot_tell(
    folder, capsys, change, code, verdict, reason
):
    change(customers(3)).to_csv(folder / "synthetic.csv", index=False)
    files = [
        part
        for name in ("real", "holdout", "synthetic")
        for part in (f"--{name}", str(folder / f"{name}.csv"))
    ]
    assert execute(["audit", *files, "--quiet", "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == verdict
    assert found["reason"].startswith(reason)
    auc = next(
        item["value"] for item in found["metrics"] if item["name"] == "attack.membership.auc"
    )
    assert (auc == pytest.approx(1.0, abs=1e-3)) is (code == 1)


def test_coins_and_a_claim_do_not_clear_what_was_not_read(folder, capsys):
    """A column read as text gives no verdict.

    With fair coins and a small claim, a table without the unread column would be NOT_REFUTED or
    REFUTED.
    """
    LOST["codes for categories"][0](customers(5)).to_csv(folder / "synthetic.csv", index=False)
    files = [
        part
        for name in ("real", "holdout", "synthetic")
        for part in (f"--{name}", str(folder / f"{name}.csv"))
    ]
    assert execute(["audit", *files, "--quiet", "--fair-coins", "--epsilon", "0.5"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("verdict: INCONCLUSIVE")
    assert lines[1].startswith("reason:  column 'tier' left out")
    assert f"synthetic: column 'tier': of {ROWS} values {ROWS} are categories never seen" in lines
