"""Describe a release in Croissant 1.0 (JSON-LD) with its RAI 1.0 extension.

Croissant is the MLCommons vocabulary for data sets.

Source: the Croissant format specification 1.0 and the Croissant RAI specification 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.interchange.outcome import Exported, VerifiedRelease, is_plain_boolean
from privgan.naming import parameter
from privgan.release.verification.released import CSV, PARQUET
from privgan.schema.columns import (
    Column,
    Discrete,
    Kind,
    Numeric,
    OpenNumeric,
    OpenTemporal,
    Role,
    Temporal,
)

_CROISSANT, _RAI = "http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"
_CONTEXT: JsonMapping = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_FORMS = {
    ".csv": "text/csv",
    ".parquet": "application/x-parquet",
    ".yaml": "application/yaml",
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
}
_OTHER_FORM = "application/octet-stream"
_ROWS = "rows"
_BIASES = (
    "Noise covers what few had: rare values and rare combinations are told wrongly, or not at all."
)
_SOURCE = (
    "Drawn from a model that was fitted to a private table with differential privacy; no row is a"
    " real one."
)


def write_croissant(release: VerifiedRelease, license_name: str | None = None) -> Exported:
    """Write a release's Croissant document, to lie in its folder or beside its files.

    Args:
        release: The release.
        license_name: A licence's URL or SPDX name; a release states none itself.
    """
    manifest = release.manifest
    data: JsonDict = {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": [_CROISSANT, _RAI],
        "name": manifest["dataset"],
        "description": f"Synthetic table of {manifest['dataset']!r}. {release.statement}.",
        "datePublished": manifest["created"],
        "identifier": manifest["release_id"],
        "isLiveDataset": False,
        **({"license": license_name} if license_name else {}),
        **dict(_responsible(release)),
        "distribution": [_file(name, entry) for name, entry in sorted(manifest["files"].items())],
        "recordSet": [_records(release)],
    }
    notes = (
        ()
        if license_name
        else (f"a release states no licence; give one with {parameter('license')}",)
    )
    return Exported.of_json(data, notes)


def _responsible(release: VerifiedRelease) -> Iterator[tuple[str, Any]]:
    """Yield the responsible-AI fields, from the manifest's own words."""
    context = release.manifest["context"]
    yield "rai:dataCollection", _SOURCE
    yield "rai:dataBiases", [_BIASES, *_said(context, "bias_examination")]
    yield (
        "rai:dataLimitations",
        [*release.guarantee["not_promised"], *_said(context, "known_gaps", "suitability")],
    )
    yield (
        "rai:personalSensitiveInformation",
        [f"Differential privacy: {release.statement}.", *_personal(release)],
    )
    uses = _said(context, "purpose")
    if uses:
        yield "rai:dataUseCases", uses
    yield "rai:dataReleaseMaintenancePlan", release.manifest["retention"]


def _said(context: Mapping[str, str], *keys: str) -> list[str]:
    return [context[key] for key in keys if context.get(key)]


def _personal(release: VerifiedRelease) -> Iterator[str]:
    """Name the invented, the sensitive and the quasi-identifying columns, a sentence each."""
    columns = release.schema.columns
    parts = {
        "Invented afresh, never copied": [column.name for column in columns if column.invented],
        "Modelled and sensitive": [
            column.name for column in columns if column.role is Role.SENSITIVE
        ],
        "Modelled and quasi-identifying": [
            column.name for column in columns if column.role is Role.QUASI_IDENTIFIER
        ],
    }
    yield from (f"{words}: {', '.join(names)}." for words, names in parts.items() if names)


def _file(name: str, entry: JsonMapping) -> JsonDict:
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{entry['bytes']} B",
        "encodingFormat": _FORMS.get(PurePosixPath(name).suffix, _OTHER_FORM),
        "sha256": entry["sha256"],
    }


def _records(release: VerifiedRelease) -> JsonDict:
    unit = release.schema.unit
    key = (
        {"key": {"@id": f"{_ROWS}/{unit.column}"}}
        if unit.column is not None and unit.max_rows == 1
        else {}
    )
    return {
        "@type": "cr:RecordSet",
        "@id": _ROWS,
        "name": _ROWS,
        "description": "The synthetic rows.",
        **key,
        "field": [_field(column, release.table) for column in release.schema.columns],
    }


def _field(column: Column, table: str) -> JsonDict:
    written = table == CSV and isinstance(column, Temporal | OpenTemporal)
    source = {"fileObject": {"@id": table}, "extract": {"column": column.name}}
    return {
        "@type": "cr:Field",
        "@id": f"{_ROWS}/{column.name}",
        "name": column.name,
        **({"description": column.description} if column.description else {}),
        "dataType": data_type(column, as_written=table != PARQUET),
        "source": (
            source
            | (
                {"format": column.format}
                if written and isinstance(column, Temporal | OpenTemporal)
                else {}
            )
        ),
    }


def data_type(column: Column, *, as_written: bool) -> str:
    """The schema.org type of a column's values.

    Args:
        column: The column.
        as_written: Whether numbers stand in the file as the column's format writes them.
    """
    if isinstance(column, Discrete):
        if is_plain_boolean(column):
            return "sc:Boolean"
        return "sc:Integer" if column.integral else "sc:Text"
    if isinstance(column, Numeric | OpenNumeric):
        if column.format and as_written:
            return "sc:Text"
        return "sc:Integer" if column.kind is Kind.INTEGER else "sc:Float"
    if isinstance(column, Temporal | OpenTemporal):
        return "sc:Date" if column.kind is Kind.DATE else "sc:DateTime"
    return "sc:Text"
