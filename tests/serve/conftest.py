"""Make a folder of small releases without a fit, and the pages that show it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from privgan.policy import Verdict
from privgan.privacy.budget import PrivacyUnit
from privgan.release import ReleaseFacts, write_release
from privgan.schema.columns import Column, Discrete, Kind, Numeric, Source
from privgan.schema.schema import Schema
from privgan.serve import Application, Guard, Library, Request, Response
from privgan.table.files import write_tables
from privgan.table.schema_file import dump_schema, parse_schema
from tests.release.conftest import contents, facts, verdict  # noqa: F401 - fixtures
from tests.release.making import guaranteed

PORT = 8765
SECRET = "Zephyrine-918273645"
ASSUMED = dict.fromkeys(("kind", "missing", "role"), Source.DECLARED) | {
    "categories": Source.ASSUMED_PUBLIC
}
COLUMNS: tuple[Column, ...] = (
    Numeric(name="age", kind=Kind.INTEGER, lower=18, upper=99),
    Discrete(
        name="tier",
        kind=Kind.CATEGORICAL,
        categories=("basic", "gold"),
        missing=True,
        sources=ASSUMED,
    ),
)
DECLARED = (COLUMNS[0], replace(COLUMNS[1], sources={}))


def fitted(schema: Schema, stated: ReleaseFacts) -> ReleaseFacts:
    """What a manifest says, made to fit a schema."""
    parsed = parse_schema(dump_schema(schema))
    claimed = guaranteed(
        stated,
        unit=str(parsed.unit),
        max_rows_per_unit=parsed.unit.max_rows,
        conditional_facts=parsed.facts_from(Source.ASSUMED_PUBLIC),
    )
    return replace(
        claimed,
        schema_fingerprint=parsed.fingerprint(),
        schema_sources={
            column.name: {fact: str(source) for fact, source in column.sources.items()}
            for column in parsed.columns
        },
        plan={**stated.plan, "dataset": parsed.dataset, "unit": str(parsed.unit)},
    )


@dataclass
class Shelf:
    """A folder of releases, and what makes them.

    Attributes:
        root: The folder; a secret lies beside it.
        facts: What their manifests say.
        verdict: Their verdict.
        contents: The files that do not matter here.
    """

    root: Path
    facts: ReleaseFacts
    verdict: Verdict
    contents: Callable[[Path], dict[str, bytes | Path]]

    def add(
        self,
        name: str,
        columns: tuple[Column, ...] = COLUMNS,
        rows: Mapping[str, list[Any]] | None = None,
        **changes: Any,
    ) -> Path:
        """Write a release; changes are facts of its manifest."""
        source = self.root.parent / "source" / name
        source.mkdir(parents=True)
        schema = Schema(
            dataset=changes.get("dataset", self.facts.dataset), unit=PrivacyUnit(), columns=columns
        )
        said = fitted(schema, replace(self.facts, **changes))
        frame = pd.DataFrame(
            rows or {"age": [20, 40, 60, 80], "tier": ["gold", "basic", None, "basic"]}
        )
        write_tables([frame], schema, source / "t.parquet", source / "t.csv")
        text = dump_schema(schema)
        claim = ("epsilon", "delta", "unit", "max_rows_per_unit", "conditional_facts")
        model = {
            "rows": 4,
            "schema": text,
            "guarantee": {key: getattr(said.guarantee, key) for key in claim},
        }
        files = self.contents(source) | {
            "schema.yaml": text.encode(),
            "synthetic.parquet": source / "t.parquet",
            "synthetic.csv": source / "t.csv",
            "model/model.json": json.dumps(model).encode(),
            "report.html": f"<!doctype html><p>{said.release_id}".encode(),
        }
        return write_release(self.root / name, files, said, self.verdict)

    def pages(self, *, internal: bool = False, ledger: str | None = None) -> Pages:
        """The pages of the shelf."""
        library = Library(self.root, internal=internal)
        return Pages(Application(library=library, guard=Guard(port=PORT), ledger=ledger))


@dataclass(frozen=True)
class Pages:
    """What a browser sees."""

    application: Application

    def ask(self, target: str = "/", method: str = "GET", **headers: str) -> Response:
        """Send one request with the right host and key, and other headers where given."""
        return self.bare(self.application.guard.home[:-1] + target, method, **headers)

    def bare(self, target: str, method: str = "GET", **headers: str) -> Response:
        """One request for exactly this target."""
        named = {
            "host": f"127.0.0.1:{PORT}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.application.respond(Request(method=method, target=target, headers=named))

    def text(self, target: str = "/") -> str:
        """A page that must be there."""
        response = self.ask(target)
        assert response.status == 200, response
        return body(response).decode()

    def id(self, name: str) -> str:
        """A release's name in addresses."""
        return next(held.id for held in self.application.library.releases() if held.name == name)


def body(response: Response) -> bytes:
    """What is sent."""
    if response.file is None:
        return response.body
    with response.file as file:
        return file.read()


def rewrite_manifest(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit a manifest as somebody who can rewrite all files would: with a fresh checksum."""
    manifest = json.loads((release / "manifest.json").read_text())
    change(manifest)
    text = json.dumps(manifest).encode()
    (release / "manifest.json").write_bytes(text)
    (release / "manifest.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")


@pytest.fixture
def shelf(
    tmp_path: Path,
    facts: ReleaseFacts,  # noqa: F811 - the fixture
    verdict: Callable[..., Verdict],  # noqa: F811
    contents: Callable[[Path], dict[str, bytes | Path]],  # noqa: F811
) -> Shelf:
    """An empty shelf with a secret beside it."""
    root = tmp_path / "shelf"
    root.mkdir()
    (tmp_path / "secret.txt").write_text(SECRET)
    far = replace(facts, context={"recipient": "Nörthwind", "expiry": "2999-12-31"})
    return Shelf(root=root, facts=far, verdict=verdict(), contents=contents)
