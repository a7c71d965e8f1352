"""The frozen synthesizer, without a fit: its files, damaged files, all conditions.

The files hold no row.
"""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from privgan.domain.cells import cells_of
from privgan.domain.encoding import ColumnCode, Encoder, identity_code, merged_code
from privgan.domain.predicates import parse_predicates
from privgan.errors import UsageError
from privgan.generator.conditions import condition_codes
from privgan.generator.frozen import FrozenMixture
from privgan.generator.networks import Generator
from privgan.measurement.marginals import Marginal, Measurements, exact_counts
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Invented, Kind, Numeric, Temporal
from privgan.schema.schema import Schema
from privgan.synthesizer import FACTS, WEIGHTS, Synthesizer, load_synthesizer
from privgan.table.conform import conform, violations
from privgan.table.schema_file import dump_schema, parse_schema
from tests.constrained import said_guarantee

CANARY_TEXT, CANARY_NUMBER, CANARY_DAY = "Xyzzy-Qwerty", 817.43, "2020-07-19"
_COLUMNS: tuple[Column, ...] = (
    Invented(name="id", kind=Kind.IDENTIFIER, pattern="S{:06d}"),
    Invented(name="email", kind=Kind.EMAIL),
    Discrete(name="tier", kind=Kind.ORDINAL, categories=("low", "mid", "high"), missing=True),
    Discrete(name="size", kind=Kind.CATEGORICAL, categories=("1", "2", "10")),
    Discrete(name="churned", kind=Kind.BOOLEAN, categories=("False", "True"), missing=True),
    Numeric(
        name="spend",
        kind=Kind.FLOAT,
        lower=-10,
        upper=2_000,
        decimals=2,
        special_values=(0.0,),
        missing=True,
    ),
    Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=95),
    Temporal(
        name="since",
        kind=Kind.DATE,
        lower=dt.datetime(2015, 1, 1),
        upper=dt.datetime(2021, 12, 31),
        format="%Y-%m-%d",
        missing=True,
    ),
    Temporal(
        name="seen",
        kind=Kind.DATETIME,
        lower=dt.datetime(2021, 1, 1),
        upper=dt.datetime(2021, 1, 2),
        format="%Y-%m-%d %H:%M:%S",
    ),
)
SCHEMA = parse_schema(dump_schema(Schema(dataset="small", unit=PrivacyUnit(), columns=_COLUMNS)))


def _table(rows: int = 800) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = np.datetime64("2015-01-01") + rng.integers(0, 2_500, rows)
    seconds = np.datetime64("2021-01-01T00:00:00") + rng.integers(0, 86_400, rows).astype(
        "timedelta64[s]"
    )
    frame = pd.DataFrame(
        {
            "id": [CANARY_TEXT, *map(str, range(rows - 1))],
            "email": [f"{CANARY_TEXT}@real.org"] * rows,
            "tier": rng.choice(["low", "mid", "high", ""], rows),
            "size": rng.choice(["1", "2", "10"], rows, p=[0.7, 0.2, 0.1]),
            "churned": rng.choice(["True", "false", ""], rows),
            "spend": np.where(
                rng.random(rows) < 0.3,
                "0",
                np.char.mod("%.2f", rng.gamma(2, 40, rows).clip(0, 300)),
            ),
            "age": rng.integers(18, 96, rows).astype(str),
            "since": np.datetime_as_string(days.astype("datetime64[D]")),
            "seen": [str(moment).replace("T", " ") for moment in seconds],
        }
    )
    frame.loc[0, ["spend", "since"]] = [f"{CANARY_NUMBER}", CANARY_DAY]
    frame.loc[5:20, ["spend", "since"]] = ""
    return frame


def _code(column: Column, values: pd.Series, rng: np.random.Generator) -> ColumnCode:
    cells = cells_of(column, 64)
    if cells.size <= 48:
        return identity_code(cells)
    noisy = np.bincount(cells.encode(values), minlength=cells.size) + rng.normal(0, 5, cells.size)
    return merged_code(cells, np.maximum(noisy, 0) / np.maximum(noisy, 0).sum(), max_codes=12)


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    """Measured with noise on a table that holds the canaries.

    The network is as it was initialised.
    """
    frame, rng = conform(_table(), SCHEMA), np.random.default_rng(1)
    encoder = Encoder(tuple(_code(column, frame[column.name], rng) for column in SCHEMA.modelled))
    codes = encoder.encode(frame)
    marginals = [
        Marginal(
            clique=(index,),
            counts=exact_counts(codes, (index,), encoder.sizes) + rng.normal(0, 5, size),
            standard_deviation=5.0,
        )
        for index, size in enumerate(encoder.sizes)
    ]
    found = Measurements(encoder.sizes, marginals)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Generator(encoder.sizes, latent=4, width=16, entries=200).eval()
    return Synthesizer(
        schema=SCHEMA,
        encoder=encoder,
        model=FrozenMixture(
            network,
            torch.randn(200, 4, generator=torch.Generator().manual_seed(0)),
            condition_codes(found, 200),
        ),
        frequencies=tuple(found.frequencies()),
        max_cells=64,
        rows=777,
        rows_of_each=(1.0,),
        guarantee=said_guarantee(epsilon=2.0),
    )


@pytest.fixture
def folder(synthesizer: Synthesizer, tmp_path: Path) -> Path:
    synthesizer.save(tmp_path / "model")
    return tmp_path / "model"


# --- files ----------------------------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(synthesizer: Synthesizer, folder: Path) -> None:
    again = load_synthesizer(str(folder))
    assert again.schema == SCHEMA
    assert (again.rows, again.max_cells, again.guarantee) == (777, 64, synthesizer.guarantee)
    assert (again.model.condition_codes == synthesizer.model.condition_codes).all()
    for seed in range(3):
        pd.testing.assert_frame_equal(
            again.sample(900, seed=seed), synthesizer.sample(900, seed=seed)
        )
    assert len(again.sample()) == 777


def test_saving_twice_writes_the_same_bytes(
    synthesizer: Synthesizer, folder: Path, tmp_path: Path
) -> None:
    load_synthesizer(folder).save(tmp_path / "again")
    first, second = (
        json.loads((place / FACTS).read_text()) for place in (folder, tmp_path / "again")
    )
    assert first.keys() == second.keys()
    assert first["columns"].keys() == second["columns"].keys()
    assert (folder / WEIGHTS).read_bytes() == (tmp_path / "again" / WEIGHTS).read_bytes()


def test_the_files_hold_no_value_that_is_not_in_the_schema(folder: Path) -> None:
    held = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    assert sorted(path.name for path in folder.iterdir()) == [FACTS, WEIGHTS]
    for canary in (CANARY_TEXT, "real.org", f"{CANARY_NUMBER}", CANARY_DAY):
        assert canary.encode() not in held
    assert np.float32(CANARY_NUMBER).tobytes() not in held
    assert np.float64(CANARY_NUMBER).tobytes() not in held
    assert b"high" in held


def test_the_files_hold_nothing_but_what_is_named(folder: Path) -> None:
    facts = json.loads((folder / FACTS).read_text())
    assert sorted(facts) == sorted(
        [
            "format",
            "rows",
            "rows_of_each",
            "max_cells",
            "latent",
            "width",
            "guarantee",
            "schema",
            "columns",
            "frequencies",
        ]
    )
    assert {key for column in facts["columns"].values() for key in column} == {"code_of", "within"}


@pytest.mark.parametrize(
    "damage",
    [
        "no facts",
        "no weights",
        "cut facts",
        "cut weights",
        "pickle",
        "condition elsewhere",
        "version",
        "list",
        "lacks columns",
        "other width",
        "other column",
    ],
)
def test_damaged_models_are_told(folder: Path, damage: str) -> None:
    facts = json.loads((folder / FACTS).read_text())
    if damage.startswith("no "):
        (folder / {"no facts": FACTS, "no weights": WEIGHTS}[damage]).unlink()
    elif damage.startswith("cut"):
        path = folder / {"cut facts": FACTS, "cut weights": WEIGHTS}[damage]
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "pickle":
        torch.save({"network.first.weight": torch.zeros(1)}, folder / WEIGHTS)
    elif damage == "condition elsewhere":
        # Every part has its shape; only the network's pass shows that they do not fit.
        weights = load_file(folder / WEIGHTS)
        save_file(
            weights | {"codebook.conditions": torch.full_like(weights["codebook.conditions"], 99)},
            folder / WEIGHTS,
        )
    else:
        changed: object = {
            "version": facts | {"format": "privgan.model/9"},
            "list": [facts],
            "lacks columns": {key: value for key, value in facts.items() if key != "columns"},
            "other width": facts | {"width": 3},
            "other column": (
                facts | {"columns": {name + "x": part for name, part in facts["columns"].items()}}
            ),
        }[damage]
        (folder / FACTS).write_text(json.dumps(changed))
    with pytest.raises(UsageError, match="model"):
        load_synthesizer(folder)


# --- samples --------------------------------------------------------------------------------------


def test_samples_conform_and_have_the_schemas_types_and_order(synthesizer: Synthesizer) -> None:
    sample = synthesizer.sample(4_000, seed=1)
    assert violations(sample, SCHEMA) == ()
    assert list(sample.columns) == list(SCHEMA.names)
    kinds = {name: str(sample[name].dtype) for name in SCHEMA.names}
    assert kinds["size"] == "int64"
    assert kinds["churned"] == "boolean"
    assert kinds["spend"] == "float64"
    assert kinds["age"] == "int64"
    assert kinds["since"].startswith("datetime64")
    for column in SCHEMA.columns:
        assert sample[column.name].isna().any() == column.missing, column.name
    assert sample["id"].is_unique
    assert not sample["email"].str.contains("real").any()
    np.testing.assert_allclose(sample["spend"].dropna(), sample["spend"].dropna().round(2))


def test_sampling_reads_no_file(synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("sampling opened a file")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    assert len(synthesizer.sample(10)) == 10


def test_chunks_are_as_large_as_asked_and_depend_on_the_seed_alone(
    synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privgan.synthesizer.CHUNK", 64)
    torch.manual_seed(1)
    first = list(synthesizer.chunks(130, seed=3))
    torch.manual_seed(2)
    again = list(synthesizer.chunks(130, seed=3))
    assert [len(chunk) for chunk in first] == [64, 64, 2]
    pd.testing.assert_frame_equal(pd.concat(first), pd.concat(again))
    assert pd.concat(first)["id"].tolist() == [f"S{serial:06d}" for serial in range(1, 131)]


@pytest.mark.parametrize("rows", [0, -3, 10**15])
def test_no_rows_and_more_than_memory_holds_are_refused(
    synthesizer: Synthesizer, rows: int
) -> None:
    with pytest.raises(UsageError, match="rows is"):
        synthesizer.sample(rows)


@pytest.mark.parametrize(
    ("where", "query"),
    [
        ("tier = high", "tier == 'high'"),
        ("tier >= mid", "tier in ['mid', 'high']"),
        ("tier != low and size = 10", "tier in ['mid', 'high'] and size == 10"),
        ("tier is missing and churned is missing", "tier.isna() and churned.isna()"),
        ("tier is not missing and spend is missing", "tier.notna() and spend.isna()"),
        ("size in (2, 10) and age < 30", "size in [2, 10] and age < 30"),
        ("churned = true and spend = 0", "churned == True and spend == 0"),
        ("spend < 0", "spend < 0"),
        ("spend > 0 and spend <= 12.34", "0 < spend <= 12.34"),
        ("spend >= 1000 and age = 95", "spend >= 1000 and age == 95"),
        ("since = 2019-02-03", "'2019-02-03' <= since <= '2019-02-03'"),
        ("since >= 2020-01-01 and since < 2020-02-01", "'2020-01-01' <= since < '2020-02-01'"),
        (
            "seen > 2021-01-01T12:00:00 and seen <= 2021-01-01T12:10:00",
            "'2021-01-01 12:00:00' < seen <= '2021-01-01 12:10:00'",
        ),
        (
            "since is missing and seen >= 2021-01-01T23:00:00",
            "since.isna() and seen >= '2021-01-01 23:00:00'",
        ),
    ],
)
def test_every_row_meets_its_conditions(synthesizer: Synthesizer, where: str, query: str) -> None:
    rows = synthesizer.sample(500, seed=2, where=parse_predicates(where, SCHEMA))
    assert len(rows) == 500
    assert len(rows.query(query, engine="python")) == 500
    assert violations(rows, SCHEMA) == ()


def test_a_condition_leaves_the_other_columns_as_they_are(synthesizer: Synthesizer) -> None:
    rows = synthesizer.sample(3_000, seed=2, where=parse_predicates("age = 40", SCHEMA))
    assert set(rows["size"]) == {1, 2, 10}
    assert rows["tier"].isna().any()
    assert rows["since"].nunique() > 300


@pytest.mark.parametrize(
    "where", ["age = 33.5", "tier = low and tier = high", "age < 20 and age > 90", "spend > 5000"]
)
def test_impossible_conditions_are_told_and_not_tried_for_ever(
    synthesizer: Synthesizer, where: str
) -> None:
    with pytest.raises(UsageError, match="where: no row can meet the condition"):
        synthesizer.sample(10, where=parse_predicates(where, SCHEMA))
