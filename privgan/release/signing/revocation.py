"""Define a key's revocation: its reason, and the signatures that stay valid.

Whoever holds a revoked key can state any date. So no signature by it counts because of its date. It
counts only where the revocation names it: a manifest by its SHA-256, a successor by its id. Both
existed when the list was signed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from privgan.release.signing.keys import PublicKey


class Reason(StrEnum):
    """The reason for a revocation."""

    COMPROMISED = "compromised"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """The revocation of one key.

    Attributes:
        key: The key's id.
        reason: Why, as one of three.
        since: The key's last day; of a compromised key all signatures are refused.
        why: Why, in a sentence.
        kept: SHA-256 of each manifest whose signature by this key stays valid.
        successor: Id of the key that it may name its successor; empty for none.
    """

    key: str
    reason: Reason
    since: dt.date
    why: str
    kept: tuple[str, ...] = ()
    successor: str = ""

    def __post_init__(self) -> None:
        """Check that the facts are consistent; ValueError says what is not."""
        if self.reason is Reason.COMPROMISED and self.kept:
            raise ValueError("a compromised key keeps no signature; the release must be made again")
        if self.reason is not Reason.SUPERSEDED and self.successor:
            raise ValueError(f"a key that is {self.reason} has no successor; a superseded one has")
        if self.successor == self.key:
            raise ValueError("a key cannot be its own successor")

    def refuses_signature(self, manifest_sha256: str, day: dt.date) -> bool:
        """Whether the key's signature of a manifest is refused.

        The day is the signer's claim.
        """
        return manifest_sha256 not in self.kept or day > self.since

    def refuses_successor(self, key: str, day: dt.date) -> bool:
        """Whether the key's naming of a successor is refused.

        The day is the signer's claim.
        """
        return key != self.successor or day > self.since

    def leaves_to_others(self, day: dt.date) -> bool:
        """Whether a refused signature is tolerated where another key vouches."""
        return self.reason is not Reason.COMPROMISED and day <= self.since

    def __str__(self) -> str:
        """The revocation in words."""
        return f"was revoked as {self.reason} since {self.since}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """Revocations that one key signed.

    Attributes:
        issuer: Who signed the list.
        issued: When, as the issuer states it.
        entries: The revocations.
    """

    issuer: PublicKey
    issued: dt.datetime
    entries: tuple[Revocation, ...]


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """A statement in which an old key names its successor.

    Attributes:
        old: The key that signed the statement.
        new: Its successor.
        date: When, as the old key's holder states it.
    """

    old: PublicKey
    new: PublicKey
    date: dt.date
