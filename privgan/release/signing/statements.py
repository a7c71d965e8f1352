"""Make and read signed JSON statements about keys: rotations and revocation lists."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from privgan.errors import UsageError
from privgan.files.documents import json_schema
from privgan.files.json_types import JsonDict, JsonMapping
from privgan.files.strict_json import read_json
from privgan.release.signing.keys import PublicKey, SigningKey, WeakKeyError, read_small
from privgan.release.signing.revocation import Reason, Revocation, RevocationList, Rotation

ROTATION_FORMAT, REVOCATIONS_FORMAT = "privgan.rotation/1", "privgan.revocations/2"
# Version 1 says of no manifest and no successor that it stays valid; so it keeps none.
_READ = {
    ROTATION_FORMAT: (ROTATION_FORMAT,),
    REVOCATIONS_FORMAT: ("privgan.revocations/1", REVOCATIONS_FORMAT),
}
_FORMAT = re.compile(r"(privgan\.[a-z]{1,40})/([0-9]{1,6})\Z")
_LARGEST = 1 << 20


def make_rotation(old: SigningKey, new: PublicKey, date: dt.date) -> bytes:
    """Make the statement in which an old key names its successor."""
    body = {
        "format": ROTATION_FORMAT,
        "old": _base64(old.public.raw),
        "new": _base64(new.raw),
        "date": date.isoformat(),
    }
    return _signed(body, old)


def make_revocations(
    issuer: SigningKey,
    entries: Sequence[Revocation],
    *,
    now: dt.datetime | None = None,
) -> bytes:
    """Make a signed revocation list."""
    issued = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
    body = {
        "format": REVOCATIONS_FORMAT,
        "issuer": _base64(issuer.public.raw),
        "issued": issued.isoformat(timespec="seconds"),
        "entries": [_written(entry) for entry in entries],
    }
    return _signed(body, issuer)


def _written(entry: Revocation) -> JsonDict:
    return {
        "key": entry.key,
        "reason": str(entry.reason),
        "since": entry.since.isoformat(),
        "why": entry.why,
        **({"kept": list(entry.kept)} if entry.kept else {}),
        **({"successor": entry.successor} if entry.successor else {}),
    }


def read_rotation(path: Path) -> Rotation:
    """Read a rotation; UsageError where it is invalid or was changed."""
    data = _read(path, ROTATION_FORMAT, signer="old")
    old, new = _key(path, data["old"]), _key(path, data["new"])
    return Rotation(old=old, new=new, date=_day(path, data["date"]))


def read_revocations(path: Path) -> RevocationList:
    """Read a revocation list; UsageError where it is invalid or was changed."""
    data = _read(path, REVOCATIONS_FORMAT, signer="issuer")
    try:
        issued = dt.datetime.fromisoformat(data["issued"])
    except ValueError as error:
        raise UsageError(f"{path}: there is no moment {data['issued']}") from error
    entries = tuple(_entry(path, part) for part in data["entries"])
    return RevocationList(issuer=_key(path, data["issuer"]), issued=issued, entries=entries)


def _entry(path: Path, part: JsonMapping) -> Revocation:
    day = _day(path, part["since"])
    try:
        return Revocation(
            key=part["key"],
            reason=Reason(part["reason"]),
            since=day,
            why=part["why"],
            kept=tuple(part.get("kept", ())),
            successor=part.get("successor", ""),
        )
    except ValueError as error:
        raise UsageError(f"{path}: its entry on key {part['key']} is not valid: {error}") from error


def _read(path: Path, format_name: str, *, signer: str) -> JsonDict:
    from jsonschema import Draft202012Validator

    try:
        data = read_json(read_small(path, _LARGEST))
    except ValueError as error:
        raise UsageError(f"{path}: is not valid JSON: {error}") from error
    _check_version(path, data, format_name)
    validator = Draft202012Validator(json_schema(format_name))
    errors = sorted(validator.iter_errors(data), key=lambda error: error.json_path)
    if errors:
        told = f"{errors[0].json_path}: {errors[0].message[:200]}"
        raise UsageError(f"{path}: is not a {format_name}: {told}")
    body = {key: value for key, value in data.items() if key != "signature"}
    key = _key(path, data[signer])
    if not key.vouches(base64.b64decode(data["signature"]), _statement(body)):
        told = f"its signature is not that of the key it names as {signer}"
        raise UsageError(f"{path}: was changed: {told}")
    return body


def _check_version(path: Path, data: Any, format_name: str) -> None:
    found = data.get("format") if isinstance(data, dict) else None
    match = _FORMAT.match(found) if isinstance(found, str) else None
    known = _READ[format_name]
    if match and match.group(1) == format_name.partition("/")[0] and found not in known:
        told = f"has the format {found}, this privgan reads {' and '.join(known)}"
        raise UsageError(f"{path}: {told}; use a newer privgan")


def _signed(body: JsonMapping, key: SigningKey) -> bytes:
    whole = {**body, "signature": _base64(key.sign(_statement(body)))}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()


def _statement(body: JsonMapping) -> bytes:
    """The signed bytes: the format's name, then the body in canonical form.

    No other statement of privgan begins with that name.
    """
    written = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{body['format']}\n{written}\n".encode()


def _key(path: Path, text: str) -> PublicKey:
    try:
        return PublicKey(base64.b64decode(text))
    except WeakKeyError as error:
        raise UsageError(f"{path}: names a public key that nobody may use: {error}") from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _day(path: Path, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{path}: there is no day {text}") from error
