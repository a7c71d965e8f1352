"""Forge a release's meaning: every hash is fresh, and derived content is written again."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from safetensors.numpy import load_file, save_file

from privgan.report.json_text import shareable_of
from privgan.report.render import render_shareable
from privgan.table.files import csv_text
from privgan.table.schema_file import load_schema
from tests.release.changes import seal

Lie = Callable[["Forgery"], Any]
OLDER = "0.0.8"


@dataclass
class Forgery:
    """A release in the hands of somebody who can write all files.

    Attributes:
        folder: The release.
        manifest: Its manifest; written at the end.
        report: Its ``report.json``; the other forms are rendered again from its data.
        model: Its ``model.json``.
        touched: Files that were changed by hand.
        left_out: Files that are removed.
        rendered: Whether the report's forms and sections are made again from its data.
    """

    folder: Path
    manifest: dict[str, Any]
    report: dict[str, Any]
    model: dict[str, Any]
    rendered: bool = True
    touched: dict[str, bytes] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path) -> Forgery:
        """Take a release."""
        names = ("manifest.json", "report.json", "model/model.json")
        read = (json.loads((folder / name).read_text()) for name in names)
        return cls(folder, *read)

    @property
    def data(self) -> dict[str, Any]:
        """The report's data."""
        found: dict[str, Any] = self.report["data"]
        return found

    def told_everywhere(self) -> None:
        """The report says what the manifest says."""
        more = {"policy", "files", "signer"}
        told = {key: value for key, value in self.manifest.items() if key not in more}
        self.data.update(copy.deepcopy({"release": told, "policy": self.manifest["policy"]}))

    def both(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """The same lie in the manifest and in the report."""
        change(self.manifest)
        self.told_everywhere()

    def content(self, name: str) -> bytes:
        """A file as it will be written."""
        return self.touched.get(name) or (self.folder / name).read_bytes()

    def replace(self, name: str, old: str, new: str, count: int = -1) -> None:
        """Replace a text in a file."""
        text = self.content(name).decode()
        assert old in text, old
        self.touched[name] = text.replace(old, new, count).encode()

    def replace_shown(self, old: str, new: str) -> None:
        """Replace a text wherever a reader of the report sees it, and leave its data."""
        report = json.loads(self.content("report.json"))
        sections = json.dumps(report["sections"], ensure_ascii=False)
        assert old in sections, old
        report["sections"] = json.loads(sections.replace(old, new))
        self.touched["report.json"] = json.dumps(report, indent=1, ensure_ascii=False).encode()
        for name in ("report.html", "report.md"):
            if old in self.content(name).decode():
                self.replace(name, old, new)

    def frame(self) -> pd.DataFrame:
        """The synthetic rows."""
        return pq.read_table(self.folder / "synthetic.parquet").to_pandas()

    def rows(self, frame: pd.DataFrame, *, text: bool = True) -> None:
        """Other synthetic rows, in both files."""
        path = self.folder / "synthetic.parquet"
        kept = pq.read_schema(path)
        import pyarrow as pa

        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).cast(kept), path)
        self.touched["synthetic.parquet"] = path.read_bytes()
        if text:
            schema = load_schema(self.folder / "schema.yaml")
            types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
            shown = pq.read_table(path).to_pandas(types_mapper=types.get)
            written = csv_text(shown, schema, header=True)
            self.touched["synthetic.csv"] = written.encode()

    def tensors(self, change: Callable[[dict[str, np.ndarray]], Any]) -> None:
        """Other weights."""
        path = self.folder / "model/model.safetensors"
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)
        self.touched["model/model.safetensors"] = path.read_bytes()

    def render(self) -> None:
        """Every form of the report, from its data."""
        for form in ("html", "md", "json"):
            made = render_shareable(shareable_of(self.report), form, self.report["language"])
            self.touched[f"report.{form}"] = made.encode()

    def write(self) -> None:
        """Write everything with fresh hashes."""
        for name, value in (("report.json", self.report), ("model/model.json", self.model)):
            text = json.dumps(value, indent=1, ensure_ascii=False)
            self.touched.setdefault(name, text.encode())
        for name, content in self.touched.items():
            (self.folder / name).write_bytes(content)
            if name in self.manifest["files"]:
                entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                self.manifest["files"][name].update(entry)
        for name in self.left_out:
            (self.folder / name).unlink()
        text = json.dumps(self.manifest, indent=2, ensure_ascii=False)
        (self.folder / "manifest.json").write_text(text)
        seal(self.folder)


def forge(folder: Path, lie: Lie, *, rendered: bool = True) -> None:
    """Tell a lie and write all files anew.

    Args:
        folder: The release.
        lie: Changes manifest, report, model or files.
        rendered: Whether the report's forms are made after the lie was told, or before it.
    """
    forgery = Forgery.of(folder)
    if rendered:
        lie(forgery)
        forgery.render()
    else:
        forgery.render()
        lie(forgery)
    forgery.write()


def older(folder: Path, lie: Lie = lambda _: None, *, after: Lie = lambda _: None) -> None:
    """A release that says that another version made it.

    Args:
        folder: The release.
        lie: Told before the report is rendered.
        after: Told when it was rendered.
    """
    forgery = Forgery.of(folder)
    forgery.both(lambda m: m["versions"].update(privgan=OLDER))
    lie(forgery)
    forgery.render()
    after(forgery)
    forgery.write()


def at(value: Any, *path: Any) -> Any:
    """A part of a JSON value."""
    for key in path:
        value = value[key]
    return value


def put(value: Any, *path: Any, to: Any) -> None:
    """Change a part of a JSON value, which is there."""
    *before, last = path
    holder = at(value, *before)
    assert isinstance(holder, list | Mapping)
    assert not isinstance(holder, Mapping) or last in holder, path
    holder[last] = to
