"""A workspace with a small valid table and schema that a test then spoils."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from privgan.cli.main import execute

CANARY, NUMBER = "Zephyrine", "918273645"  # Private values: they must never be told.
ROWS = 60

SCHEMA = """\
format: privgan.schema/1
dataset: small-customers
unit: customer_id
max_rows_per_unit: 1
missing_markers: ["", "NA"]
columns:
  - {name: customer_id, kind: identifier, role: identifier, pattern: "C{:06d}"}
  - {name: full_name, kind: name, role: identifier}
  - {name: age, kind: integer, lower: 18, upper: 99}
  - {name: spend, kind: float, lower: 0, upper: 5000, decimals: 2, special_values: [0], \
missing: true}
  - {name: tier, kind: categorical, categories: [basic, silver, gold]}
  - {name: joined, kind: date, lower: 2015-01-01, upper: 2025-12-31}
  - {name: active, kind: boolean}
"""


def small_table() -> pd.DataFrame:
    """Rows that fit the schema, as text; the names hold the canary."""
    return pd.DataFrame(
        {
            "customer_id": [f"C{serial:06d}" for serial in range(ROWS)],
            "full_name": [f"{CANARY} {serial}" for serial in range(ROWS)],
            "age": [str(18 + serial % 80) for serial in range(ROWS)],
            "spend": ["" if serial % 7 == 0 else f"{serial * 3.25:.2f}" for serial in range(ROWS)],
            "tier": [["basic", "silver", "gold"][serial % 3] for serial in range(ROWS)],
            "joined": [f"20{15 + serial % 10}-03-{1 + serial % 28:02d}" for serial in range(ROWS)],
            "active": [str(serial % 2 == 0) for serial in range(ROWS)],
        }
    )


@dataclass
class Workspace:
    """A folder with a table and a schema, and the command to run on them.

    Attributes:
        folder: Where everything lies.
        monkeypatch: For cases that spoil the machine and not a file.
        options: Options of ``privgan run``; a test may change or add some.
        table_name: The table's file in the folder.
        command: Another command in place of ``privgan run``; ``{here}`` stands for the folder.
    """

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    options: dict[str, str] = field(default_factory=dict)
    table_name: str = "table.csv"
    command: Sequence[str] = ()

    canary, number = CANARY, NUMBER

    @property
    def table(self) -> Path:
        """The table."""
        return self.folder / "table.csv"

    @property
    def schema(self) -> Path:
        """The schema."""
        return self.folder / "schema.yaml"

    @property
    def out(self) -> Path:
        """The output folder, which does not exist yet."""
        return self.folder / "out"

    def __post_init__(self) -> None:
        self.write_table(small_table())
        self.schema.write_text(SCHEMA, encoding="utf-8")
        self.options = {
            "--schema": str(self.schema),
            "--policy": "internal-analytics",
            "--epsilon": "3",
            "--out": str(self.out),
        } | self.options

    def rows(self) -> pd.DataFrame:
        """The valid table, as text."""
        return small_table()

    def write_table(self, frame: pd.DataFrame, sep: str = ",") -> None:
        """Write another table in place of the valid one."""
        frame.to_csv(self.table, index=False, sep=sep)

    def with_cells(self, column: str, value: str, rows: Sequence[int] = (3,)) -> None:
        """Replace some cells of the valid table."""
        frame = small_table()
        frame.loc[list(rows), column] = value
        self.write_table(frame)

    def with_text(self, text: str | bytes) -> None:
        """Replace the whole table file."""
        self.table.write_bytes(text if isinstance(text, bytes) else text.encode())

    def with_schema(self, changes: Mapping[str, str]) -> None:
        """Replace pieces of the valid schema's text."""
        text = SCHEMA
        for old, new in changes.items():
            assert old in text, f"the schema has no {old!r}"
            text = text.replace(old, new)
        self.schema.write_text(text, encoding="utf-8")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def execute(self, *arguments: str) -> int:
        """Run the command line in this process.

        The arguments, else the case's command, else ``privgan run``.
        """
        run = [
            "run",
            str(self.folder / self.table_name),
            *(part for option in self.options.items() for part in option),
        ]
        return execute(
            list(arguments) or [part.format(here=self.folder) for part in self.command] or run
        )

    def files(self) -> set[str]:
        """All files and folders, to see what a command wrote."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger_path: Path) -> Workspace:
    """The valid table and schema, with a ledger of their own."""
    return Workspace(folder=tmp_path, monkeypatch=monkeypatch)
