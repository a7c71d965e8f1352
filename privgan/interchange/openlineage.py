"""Write the run event of a release in OpenLineage 2-0-2, with a facet for the guarantee.

Source: the OpenLineage specification; the facet follows
``privgan/formats/guarantee_facet.schema.json``.
"""

from __future__ import annotations

import uuid
from typing import Any

from privgan.files.json_types import JsonDict
from privgan.interchange.croissant import data_type
from privgan.interchange.outcome import Exported, VerifiedRelease

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_SCHEMA = f"{_SPEC}/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
_VERSION = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_WORDS = f"{_SPEC}/facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet"
_ENGINE = f"{_SPEC}/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
_FACET = "urn:privgan:formats:guarantee_facet:1"
_NAMESPACE = "privgan"
_RUNS = uuid.uuid5(uuid.NAMESPACE_URL, "urn:privgan:release")
_STATED = (
    "epsilon",
    "delta",
    "unit",
    "max_rows_per_unit",
    "neighbouring_relation",
    "conditional_facts",
    "not_promised",
)


def write_openlineage(release: VerifiedRelease) -> Exported:
    """Write the COMPLETE event of a release's run.

    The same release always gives the same event.
    """
    manifest = release.manifest
    version = str(manifest["versions"].get("privgan", ""))
    producer = f"urn:privgan:{version}"
    dataset = manifest["dataset"]
    event = {
        "eventType": "COMPLETE",
        "eventTime": manifest["created"],
        "producer": producer,
        "schemaURL": _EVENT,
        "run": {
            "runId": str(uuid.uuid5(_RUNS, manifest["release_id"])),
            "facets": {
                "processing_engine": _facet(producer, _ENGINE, name="privgan", version=version)
            },
        },
        "job": {"namespace": _NAMESPACE, "name": f"{dataset}.release", "facets": {}},
        "inputs": [{"namespace": _NAMESPACE, "name": dataset, "facets": {}}],
        "outputs": [
            {
                "namespace": _NAMESPACE,
                "name": f"{dataset}/{release.table}",
                "facets": _facets(release, producer),
            }
        ],
    }
    return Exported.of_json(event)


def _facet(producer: str, schema: str, **facts: Any) -> JsonDict:
    return {"_producer": producer, "_schemaURL": schema, **facts}


def _facets(release: VerifiedRelease, producer: str) -> JsonDict:
    return {
        "schema": _facet(producer, _SCHEMA, fields=_fields(release)),
        "version": _facet(producer, _VERSION, datasetVersion=release.manifest["release_id"]),
        "documentation": _facet(producer, _WORDS, description=release.statement),
        "privgan_guarantee": _guarantee(release, producer),
    }


def _fields(release: VerifiedRelease) -> list[JsonDict]:
    return [
        {
            "name": column.name,
            "type": data_type(column, as_written=False).removeprefix("sc:").upper(),
            **({"description": column.description} if column.description else {}),
        }
        for column in release.schema.columns
    ]


def _guarantee(release: VerifiedRelease, producer: str) -> JsonDict:
    stated, manifest = release.guarantee, release.manifest
    return _facet(
        producer,
        _FACET,
        **{key: stated[key] for key in _STATED},
        statement=release.statement,
        accountant=stated["accountant"]["name"],
        policy=f"{manifest['policy']['name']} {manifest['policy']['version']}",
        releaseId=manifest["release_id"],
        sha256=manifest["files"][release.table]["sha256"],
    )
