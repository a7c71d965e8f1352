"""Draw canaries before the first look: by public chance, left out by a fair coin."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.owner.owners_table import OwnersTable
from privgan.privacy.randomness import SecretStream

FILE = "internal-canaries.json"
_MASKS = ("canary", "left_out")


@dataclass(frozen=True, eq=False)
class Canaries:
    """The canaries and which of them are left out. INTERNAL.

    Attributes:
        canary: Whether each row's customer is a canary [rows], bool.
        left_out: Whether it is left out of everything the release depends on [rows], bool.
        salt: Random text of the commitment, in hexadecimal.
    """

    canary: np.ndarray
    left_out: np.ndarray
    salt: str

    @property
    def commitment(self) -> str:
        """A salted commitment to the whole list, for the manifest.

        It reveals nothing without the salt.
        """
        body = (
            self.salt.encode()
            + np.packbits(self.canary).tobytes()
            + np.packbits(self.left_out).tobytes()
        )
        return hashlib.sha256(body).hexdigest()

    def save(self, folder: Path, table: OwnersTable) -> None:
        """Write the list with mode 0600, and a salted hash of its table."""
        path = folder / FILE
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        data: dict[str, Any] = {
            "table": table.salted_hash(self.salt),
            "canary": np.packbits(self.canary).tobytes().hex(),
            "left_out": np.packbits(self.left_out).tobytes().hex(),
            "salt": self.salt,
        }
        with os.fdopen(handle, "w") as file:
            json.dump(data, file)


def draw_canaries(customers: np.ndarray, probability: float, coins: SecretStream) -> Canaries:
    """Draw independent coins for each customer, with all of its rows.

    Args:
        customers: Whose each row is [rows], as numbers from 0 without gaps.
        probability: Public probability of being a canary.
        coins: Secret coins.
    """
    number = int(customers.max(initial=-1)) + 1
    canary = coins.bernoulli(probability, number)
    left_out = canary & coins.bernoulli(0.5, number)
    return Canaries(canary[customers], left_out[customers], coins.words(4).tobytes().hex())


@dataclass(frozen=True, eq=False)
class CanaryList:
    """The list of canaries as its file holds it, by the places of their rows. INTERNAL.

    Attributes:
        path: The file.
        data: What it holds.
    """

    path: Path
    data: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> CanaryList:
        """Read the list of an internal folder; UsageError where there is none."""
        path = folder / FILE
        if not path.exists():
            tables = f"{parameter('real')}, {parameter('holdout')} and {parameter('synthetic')}"
            raise UsageError(
                f"{path}: the list of canaries is missing; audit with {tables} instead"
            )
        return cls(path, json.loads(path.read_text()))

    def of(self, table: OwnersTable) -> Canaries:
        """The canaries of the same table in the same order.

        Args:
            table: The same table, before or after facts of its schema were measured.

        Raises:
            UsageError: when the list belongs to another table.
        """
        data = self.data
        if data["table"] != table.salted_hash(data["salt"]):
            raise UsageError(
                f"{self.path}: belongs to another table than the one given, or to another order of"
                " its rows; give that one"
            )
        canary, left_out = (_unpacked(data[key], table.row_count()) for key in _MASKS)
        return Canaries(canary, left_out, data["salt"])


def load_canaries(folder: Path, table: OwnersTable) -> Canaries:
    """Read the list back for the same table in the same order.

    Raises:
        UsageError: when there is no list, or it belongs to another table.
    """
    return CanaryList.read(folder).of(table)


def _unpacked(text: str, rows: int) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8))[:rows].astype(bool)
