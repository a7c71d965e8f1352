"""Which keys are believed: those that were given, their successors, less those that a believed key revoked.

A successor is named by a statement that the old key signed. A revocation list is signed as a whole by one key, its
issuer; it counts where the issuer is believed. A key that was *compromised* is never believed, whatever date its
signatures state, because whoever holds it can state any. A key that was *superseded* or *retired* is believed for what
it signed before that day.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from privgan.documents import json_schema
from privgan.errors import UsageError
from privgan.release.keys import PublicKey, SigningKey, read_small
from privgan.release.strict_json import read_json

ROTATION_FORMAT, REVOCATIONS_FORMAT = "privgan.rotation/1", "privgan.revocations/1"
_FORMAT = re.compile(r"(privgan\.[a-z]+)/([0-9]+)\Z")


class Reason(StrEnum):
    """Why a key is revoked."""

    COMPROMISED = "compromised"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """One key that is not to be believed any more.

    Attributes:
        key: The key's id.
        reason: Why, as one of three.
        since: From which day on; of a compromised key all signatures are refused.
        why: Why, in a sentence.
    """

    key: str
    reason: Reason
    since: dt.date
    why: str

    def refuses(self, signed: dt.date) -> bool:
        """Whether it refuses what the key signed on a day, as far as the signer states it."""
        return self.reason is Reason.COMPROMISED or signed >= self.since

    def __str__(self) -> str:
        """The revocation in words."""
        return f"was revoked as {self.reason} since {self.since}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """Revocations that one key vouches for.

    Attributes:
        issuer: Who signed the list.
        issued: When.
        entries: The revocations.
    """

    issuer: PublicKey
    issued: dt.datetime
    entries: tuple[Revocation, ...]


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """An old key that names its successor.

    Attributes:
        old: The key that signed the statement.
        new: Its successor.
        date: When.
    """

    old: PublicKey
    new: PublicKey
    date: dt.date


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whom a verification believes.

    Attributes:
        keys: Id to believed key.
        revoked: Id to what revokes it.
        problems: Lists and rotations that do not count, a sentence each.
    """

    keys: Mapping[str, PublicKey] = field(default_factory=lambda: MappingProxyType({}))
    revoked: Mapping[str, tuple[Revocation, ...]] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[str, ...] = ()

    def refusal(self, key: str, day: dt.date) -> Revocation | None:
        """What refuses a key's statement of a day, or None."""
        return next((entry for entry in self.revoked.get(key, ()) if entry.refuses(day)), None)


def trust_to_json(trust: Trust) -> dict[str, Any]:
    """A trust as JSON values, for a process of its own."""
    revoked = [
        asdict(entry) | {"since": entry.since.isoformat(), "reason": str(entry.reason)}
        for entries in trust.revoked.values()
        for entry in entries
    ]
    keys = [_base64(key.raw) for key in trust.keys.values()]
    return {"keys": keys, "revoked": revoked, "problems": list(trust.problems)}


def trust_from_json(data: Mapping[str, Any]) -> Trust:
    """The trust that ``trust_to_json`` wrote."""
    keys = [_key(text) for text in data["keys"]]
    revoked: dict[str, tuple[Revocation, ...]] = {}
    for part in data["revoked"]:
        since = dt.date.fromisoformat(part["since"])
        entry = Revocation(key=part["key"], reason=Reason(part["reason"]), since=since, why=part["why"])
        revoked[entry.key] = (*revoked.get(entry.key, ()), entry)
    known = {key.id: key for key in keys}
    return Trust(keys=known, revoked=revoked, problems=tuple(data["problems"]))


def make_trust(keys: Sequence[PublicKey], rotations: Sequence[Rotation] = (), lists: Sequence[RevocationList] = ()) -> Trust:
    """Believe keys, follow their rotations, and take off what their lists revoke.

    Args:
        keys: The keys that were given.
        rotations: Statements of succession, in any order.
        lists: Revocation lists.
    """
    problems: list[str] = []
    believed = {key.id: key for key in keys}
    _follow(believed, rotations, Trust())
    revoked: dict[str, tuple[Revocation, ...]] = {}
    for part in lists:
        if part.issuer.id not in believed:
            problems.append(f"a revocation list is signed by key {part.issuer.id}, which was not given; give it with --key")
        for entry in part.entries:
            revoked[entry.key] = (*revoked.get(entry.key, ()), entry)
    known = Trust(revoked=revoked)
    believed = {key.id: key for key in keys}
    _follow(believed, rotations, known)
    followed = {rotation.new.id for rotation in rotations if rotation.old.id in believed and rotation.new.id in believed}
    problems += [
        f"key {rotation.old.id} names key {rotation.new.id} its successor, and is itself not believed"
        for rotation in rotations
        if rotation.new.id not in followed
    ]
    successors: dict[str, set[str]] = {}
    for rotation in rotations:
        successors.setdefault(rotation.old.id, set()).add(rotation.new.id)
    problems += [
        f"key {old} names {len(new)} successors, {', '.join(sorted(new))}; a key has one: ask its owner which"
        for old, new in successors.items()
        if len(new) > 1
    ]
    return Trust(keys=believed, revoked=revoked, problems=tuple(problems))


def _follow(believed: dict[str, PublicKey], rotations: Sequence[Rotation], known: Trust) -> None:
    left = list(rotations)
    while found := [r for r in left if r.old.id in believed and known.refusal(r.old.id, r.date) is None]:
        for rotation in found:
            believed[rotation.new.id] = rotation.new
            left.remove(rotation)


def make_rotation(old: SigningKey, new: PublicKey, date: dt.date) -> bytes:
    """The file in which an old key names its successor."""
    body = {"format": ROTATION_FORMAT, "old": _base64(old.public.raw), "new": _base64(new.raw), "date": date.isoformat()}
    return _signed(body, old)


def make_revocations(issuer: SigningKey, entries: Sequence[Revocation], *, now: dt.datetime | None = None) -> bytes:
    """The file in which an issuer vouches for revocations."""
    issued = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    listed = [asdict(entry) | {"since": entry.since.isoformat(), "reason": str(entry.reason)} for entry in entries]
    body = {
        "format": REVOCATIONS_FORMAT,
        "issuer": _base64(issuer.public.raw),
        "issued": issued.isoformat(timespec="seconds"),
        "entries": listed,
    }
    return _signed(body, issuer)


def read_rotation(path: Path) -> Rotation:
    """Read a statement of succession; UsageError where it is none, or its signature is not the old key's."""
    data = _read(path, ROTATION_FORMAT, signer="old")
    return Rotation(old=_key(data["old"]), new=_key(data["new"]), date=_day(path, data["date"]))


def read_revocations(path: Path) -> RevocationList:
    """Read a revocation list; UsageError where it is none, or its signature is not its issuer's."""
    data = _read(path, REVOCATIONS_FORMAT, signer="issuer")
    entries = tuple(
        Revocation(key=part["key"], reason=Reason(part["reason"]), since=_day(path, part["since"]), why=part["why"])
        for part in data["entries"]
    )
    try:
        issued = dt.datetime.fromisoformat(data["issued"])
    except ValueError as error:
        raise UsageError(f"{path}: there is no moment {data['issued']}") from error
    return RevocationList(issuer=_key(data["issuer"]), issued=issued, entries=entries)


def _read(path: Path, format_name: str, *, signer: str) -> dict[str, Any]:
    from jsonschema import Draft202012Validator

    try:
        data = read_json(read_small(path))
    except ValueError as error:
        raise UsageError(f"{path}: is not valid JSON: {error}") from error
    found = data.get("format") if isinstance(data, dict) else None
    match, wanted = _FORMAT.match(found) if isinstance(found, str) else None, format_name.partition("/")[0]
    if match and match.group(1) == wanted and found != format_name:
        raise UsageError(f"{path}: has the format {found}, this privgan reads {format_name}; use a newer privgan")
    errors = sorted(Draft202012Validator(json_schema(format_name)).iter_errors(data), key=lambda error: error.json_path)
    if errors:
        raise UsageError(f"{path}: is not a {format_name}: {errors[0].json_path}: {errors[0].message[:200]}")
    body = {key: value for key, value in data.items() if key != "signature"}
    if not _key(data[signer]).vouches(base64.b64decode(data["signature"]), _statement(body)):
        raise UsageError(f"{path}: was changed: its signature is not that of the key it names as {signer}")
    return body


def _signed(body: Mapping[str, Any], key: SigningKey) -> bytes:
    whole = {**body, "signature": _base64(key.sign(_statement(body)))}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()


def _statement(body: Mapping[str, Any]) -> bytes:
    """The format's name, which no other statement of ours begins with, and the body in one fixed writing."""
    return f"{body['format']}\n{json.dumps(body, sort_keys=True, separators=(',', ':'), ensure_ascii=True)}\n".encode()


def _key(text: str) -> PublicKey:
    return PublicKey(base64.b64decode(text))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _day(path: Path, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{path}: there is no day {text}") from error
