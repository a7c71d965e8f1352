"""Check the ways by which rows leave an owner's table; AssertionError on failure."""

from __future__ import annotations

import copy
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from privgan.ledger.ledger import PrivacyLedger
from privgan.owner import owners_table
from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.owner.private_table import PrivateTable, Samples, Sealed
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import fit_table
from privgan.sources import SourceOptions
from privgan.table.schema_file import dump_schema
from tests.coins import RepeatableStream
from tests.sabotage import world
from tests.sabotage.doors import trespasses

SECRET = "Zoltan of Nowhere"
_OWN = {"private_table.py", "owners_table.py"}


def the_source_reads_rows_by_its_doors_only() -> None:
    """The package's source takes rows by the listed exits only."""
    found = list(trespasses())
    assert not found, "; ".join(found)


def rows_are_touched_by_their_table_alone() -> None:
    """In a whole fit nobody but the tables' own modules reads the attribute that holds the rows."""
    with tempfile.TemporaryDirectory() as folder, _watched(PrivateTable), _watched(OwnersTable):
        world.fit(world.table(), RepeatableStream(1), Path(folder))


@contextmanager
def _watched(kind: type) -> Iterator[None]:
    """Fail where code outside the tables' own modules reads the rows."""

    def read(self: Any) -> pd.DataFrame:
        caller = sys._getframe(1).f_code
        name = Path(caller.co_filename).name
        assert name in _OWN, (
            f"{name} took the rows of {kind.__name__} past its exits, in {caller.co_name}"
        )
        return self.__dict__["rows held"]

    def write(self: Any, value: pd.DataFrame) -> None:
        self.__dict__["rows held"] = value

    with mock.patch.object(kind, "_frame", property(read, write), create=True):
        yield


def a_fit_reads_its_table_once() -> None:
    """One reading of the source and one conforming, whatever a fit does with them."""
    read, typed, counts = (
        owners_table.read_source,
        owners_table.conform,
        {"read": 0, "conformed": 0},
    )

    def counting(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            counts[name] += 1
            return plain(*given, **more)

        return counted

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world.table().to_csv(folder / "table.csv", index=False)
        (folder / "schema.yaml").write_text(dump_schema(world.SCHEMA), encoding="utf-8")
        paths = {"table": folder / "table.csv", "schema": folder / "schema.yaml"}
        request = RunRequest(**paths, budget=world.BUDGET, rows=50, effort="tiny")
        ledger = PrivacyLedger.open(str(folder / "ledger.sqlite"))
        with (
            mock.patch.object(owners_table, "read_source", counting("read", read)),
            mock.patch.object(owners_table, "conform", counting("conformed", typed)),
        ):
            fit_table(request, ledger, folder / "out")
    assert counts == {"read": 1, "conformed": 1}, f"a fit looked at its source again: {counts}"


def tables_cannot_be_kept_or_shown() -> None:
    """Neither pickled nor copied, and no value or count in what is printed."""
    frame = pd.DataFrame({"tier": ["gold"] * 731, "spend": 1.0, "left": SECRET})
    read = TableAsRead.read(frame, SourceOptions())
    owned = OwnersTable(frame, world.SCHEMA)
    nobody = np.zeros(len(frame), dtype=bool)
    private = owned.private_table(nobody, RepeatableStream(1))
    samples = Samples(np.zeros((731, 2), dtype=np.int64), np.arange(731))
    for held in (
        read,
        owned,
        private,
        samples,
        owned.real_rows(nobody),
        read.undeclared_texts(world.SCHEMA),
    ):
        assert isinstance(held, Sealed), f"{type(held).__name__} is not sealed"
        for keep in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled"):
                keep(held)
        for text in (repr(held), str(held), f"{held}"):
            assert SECRET not in text, f"{type(held).__name__} shows a value"
            assert "731" not in text, f"{type(held).__name__} shows how many rows it holds"


def an_exit_for_the_ledger_or_the_coins_tells_no_value() -> None:
    """Names go as bytes, customers as numbers, the table as a salted hash.

    Other values of equal customers, equal numbers.
    """
    one, two = (OwnersTable(world.table(seed), world.SCHEMA) for seed in (0, 1))
    assert one.unit_numbers().tolist() == two.unit_numbers().tolist(), (
        "the numbers of customers depend on values"
    )
    assert one.salted_hash("a") != one.salted_hash("b"), "the hash of a table has no salt"
    assert one.salted_hash("a") != two.salted_hash("a"), "the hash does not bind the table"
