"""Exports follow other tools' rules, describe the released rows, and hold public facts only."""

from __future__ import annotations

import json
import shutil
import uuid
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from privgan.errors import UsageError, VerificationError
from privgan.files.documents import json_schema
from privgan.interchange.exporting import FORMS, export
from privgan.release.pack import pack_release
from tests.interchange.making import SCHEMA, make_release


def document(release: Path, form: str, **options: Any) -> Any:
    return json.loads(export(release, form, **options).text)


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_release_is_not_described(form: str, release: Path) -> None:
    with (release / "synthetic.csv").open("a") as file:
        file.write("x\n")
    with pytest.raises(VerificationError, match=r"synthetic\.csv"):
        export(release, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_zip_file_says_what_its_folder_says(form: str, release: Path, tmp_path: Path) -> None:
    packed = pack_release(release, tmp_path / "release.zip")
    assert export(packed, form) == export(release, form)


def _rows(release: Path) -> list[dict[str, Any]]:
    """The released rows as JSON has them: moments as their column writes them."""
    frame = pd.read_parquet(release / "synthetic.parquet").head(100)
    for name, pattern in (("joined", "%Y-%m-%d"), ("seen", "%Y-%m-%d %H:%M:%S")):
        frame[name] = frame[name].dt.strftime(pattern)
    return json.loads(frame.to_json(orient="records"))  # type: ignore[no-any-return]


def test_released_rows_hold_to_the_json_schema(release: Path) -> None:
    schema = document(release, "json-schema")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    rows = _rows(release)
    assert [error.message for row in rows for error in validator.iter_errors(row)] == []
    for name, wrong in (
        ("age", 17),
        ("age", 20.5),
        ("score", -5),
        ("tier", "bronze"),
        ("children", "1"),
        ("customer_id", "K1"),
    ):
        assert list(validator.iter_errors(rows[0] | {name: wrong})), name
    assert list(validator.iter_errors({k: v for k, v in rows[0].items() if k != "tier"}))
    assert list(validator.iter_errors(rows[0] | {"tier": None}))


def test_released_rows_hold_to_the_pandera_schema(release: Path) -> None:
    pandera = pytest.importorskip("pandera.pandas")
    text = export(release, "pandera").text
    schema = pandera.DataFrameSchema.from_yaml(text)
    stored = pd.read_parquet(release / "synthetic.parquet")
    read = pd.read_csv(release / "synthetic.csv", keep_default_na=False, na_values=[""])
    read["region"] = read["region"].str.removeprefix("'")
    for frame in (stored, read):
        assert len(schema.validate(frame)) == len(frame)
    for name, wrong in (
        ("age", 17),
        ("spend", 5001.0),
        ("tier", "bronze"),
        ("joined", pd.Timestamp("1999-01-01")),
    ):
        with pytest.raises(pandera.errors.SchemaError):
            schema.validate(stored.assign(**{name: wrong}))


def test_an_open_end_of_time_holds_to_the_pandera_schema(tmp_path: Path) -> None:
    pandera = pytest.importorskip("pandera.pandas")
    path = tmp_path / "schema.yaml"
    path.write_text(
        "format: privgan.schema/1\ndataset: d\nunit: row\ncolumns:\n- {name: until, kind: date,"
        " lower: 2020-01-01, upper: 2025-01-01, special_values: ['9999-12-31']}\n"
    )
    frame = pd.DataFrame({"until": np.array(["2020-01-01", "9999-12-31"], dtype="datetime64[s]")})
    assert len(pandera.DataFrameSchema.from_yaml(export(path, "pandera").text).validate(frame)) == 2


def test_the_croissant_document_lists_the_files_and_the_promise(release: Path) -> None:
    found = document(release, "croissant", license_name="CC-BY-4.0")
    assert found["license"] == "CC-BY-4.0"
    for part in found["distribution"]:
        content = (release / part["contentUrl"]).read_bytes()
        assert (part["sha256"], part["contentSize"]) == (
            sha256(content).hexdigest(),
            f"{len(content)} B",
        )
    types = {
        field["name"]: field["dataType"].removeprefix("sc:")
        for field in found["recordSet"][0]["field"]
    }
    assert tuple(types) == SCHEMA.names
    assert {types[name] for name in ("age", "score", "children")} == {"Integer"}
    wanted = {
        "spend": "Float",
        "active": "Boolean",
        "consents": "Text",
        "joined": "Date",
        "seen": "DateTime",
        "tier": "Text",
    }
    assert {name: types[name] for name in wanted} == wanted
    assert "ε = 3, δ = 1e-06 for one customer_id" in found["description"]
    assert found["rai:dataLimitations"] == [
        "That a run happened stays hidden.",
        "No customer under 18.",
    ]
    assert "Modelled and sensitive: spend." in found["rai:personalSensitiveInformation"]
    assert found["rai:dataUseCases"] == ["Testing a new shop."]


@pytest.mark.slow
@pytest.mark.parametrize("parquet", [True, False])
def test_mlcroissant_reads_the_document_and_the_rows(parquet: bool, tmp_path: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    release = make_release(tmp_path, parquet=parquet)
    folder = shutil.copytree(release, tmp_path / "shown")
    document_path = folder / "croissant.json"
    document_path.write_text(export(release, "croissant", "CC-BY-4.0").text, encoding="utf-8")
    dataset = mlcroissant.Dataset(document_path)
    issues = dataset.metadata.issues
    assert not issues.errors
    assert {text.split('"')[1].split("/")[-1] for text in issues.warnings} == {"citeAs", "version"}
    records = [record for record, _ in zip(dataset.records("rows"), range(40), strict=False)]
    stored = pd.read_parquet(tmp_path / "rows.parquet")
    for record, row in zip(records, stored.itertuples(), strict=False):
        assert record["rows/customer_id"].decode() == row.customer_id
        assert record["rows/spend"] == row.spend
        assert record["rows/score"] == row.score
        assert record["rows/joined"] == row.joined
        assert (record["rows/age"] is None or pd.isna(record["rows/age"])) == pd.isna(row.age)


def test_the_lineage_event_tells_the_guarantee(release: Path) -> None:
    event = document(release, "openlineage")
    uuid.UUID(event["run"]["runId"])
    facets = event["outputs"][0]["facets"]
    facet = facets["privgan_guarantee"]
    assert (
        list(Draft202012Validator(json_schema("privgan.guarantee_facet/1")).iter_errors(facet))
        == []
    )
    assert facet["_schemaURL"] == json_schema("privgan.guarantee_facet/1")["$id"]
    assert (facet["epsilon"], facet["delta"], facet["unit"]) == (3.0, 1e-06, str(SCHEMA.unit))
    assert facet["sha256"] == sha256((release / "synthetic.parquet").read_bytes()).hexdigest()
    assert [part["name"] for part in facets["schema"]["fields"]] == list(SCHEMA.names)


def test_openlineage_takes_the_event_as_its_own(release: Path) -> None:
    event_v2 = pytest.importorskip("openlineage.client.event_v2")
    facet_v2 = pytest.importorskip("openlineage.client.facet_v2")
    import attr

    event = document(release, "openlineage")
    output, engine = event["outputs"][0], event["run"]["facets"]["processing_engine"]
    made = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(
            event["run"]["runId"],
            {
                "processing_engine": _as_theirs(
                    facet_v2.processing_engine_run.ProcessingEngineRunFacet, engine
                )
            },
        ),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"]),
        inputs=[event_v2.InputDataset(part["namespace"], part["name"]) for part in event["inputs"]],
        outputs=[
            event_v2.OutputDataset(
                output["namespace"],
                output["name"],
                {
                    "version": _as_theirs(
                        facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
                        output["facets"]["version"],
                    ),
                    "documentation": _as_theirs(
                        facet_v2.documentation_dataset.DocumentationDatasetFacet,
                        output["facets"]["documentation"],
                    ),
                },
            )
        ],
    )
    assert made.schemaURL == event["schemaURL"]
    theirs = attr.asdict(made)
    assert theirs["run"]["runId"] == event["run"]["runId"]
    schema = facet_v2.schema_dataset
    fields = [
        schema.SchemaDatasetFacetFields(**part) for part in output["facets"]["schema"]["fields"]
    ]
    assert (
        schema.SchemaDatasetFacet(fields=fields)._get_schema()
        == output["facets"]["schema"]["_schemaURL"]
    )


def _as_theirs(kind: type, facet: dict[str, Any]) -> Any:
    """A facet as the library's own class; the address of its rules must be the class's."""
    made = kind(**{key: value for key, value in facet.items() if not key.startswith("_")})
    assert made._get_schema() == facet["_schemaURL"]
    return made


def test_a_licence_goes_only_with_croissant(release: Path) -> None:
    with pytest.raises(UsageError, match="license goes only with to='croissant'"):
        export(release, "sdv", "MIT")


def test_nothing_but_public_fields_leaves(release: Path) -> None:
    """No noisy figure, no ledger, no gate's value.

    What an export says stands in schema or manifest as public.
    """
    manifest = json.loads((release / "manifest.json").read_text())
    kept_back = [manifest["ledger"]["head"], manifest["schema_fingerprint"]]
    for form in FORMS:
        text = export(release, form).text
        assert not any(part in text for part in kept_back), form
        assert "noise_multiplier" not in text
