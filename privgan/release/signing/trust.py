"""Compute the trusted keys: given keys and their successors, less revoked ones.

A successor is named by a statement that the old key signed. A revocation list is signed as a whole
by one key, its issuer.

Lists only ever remove trust. An entry refuses all signatures of its key, whatever their dates,
except those that it keeps. Where several entries name a key, each must keep a signature. So no
list, forged or old, can add trust.

A revoked issuer, or one that states a future date, keeps nothing. Its revocations stay in force:
otherwise the end of an officer's key would restore keys that the officer revoked. The price: a
stolen issuer's key can have good keys refused; the refusal names it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType

from privgan.files.json_types import JsonDict, JsonMapping
from privgan.naming import parameter
from privgan.release.signing.keys import PublicKey
from privgan.release.signing.revocation import Reason, Revocation, RevocationList, Rotation

AHEAD = dt.timedelta(days=1)  # Allowed lead of another machine's clock.


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The trusted keys of a verification.

    Attributes:
        keys: Id to believed key.
        revoked: Id to what revokes it.
        problems: Lists and rotations that do not count, a sentence each.
    """

    keys: Mapping[str, PublicKey] = field(default_factory=lambda: MappingProxyType({}))
    revoked: Mapping[str, tuple[Revocation, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    problems: tuple[str, ...] = ()

    def refusals(self, key: str, manifest_sha256: str, day: dt.date) -> tuple[Revocation, ...]:
        """The revocations that refuse a key's signature of a manifest.

        Args:
            key: The key's id.
            manifest_sha256: Of the manifest's exact bytes.
            day: When it was signed, as the signer states it.
        """
        entries = self.revoked.get(key, ())
        return tuple(entry for entry in entries if entry.refuses_signature(manifest_sha256, day))


def trust_to_json(trust: Trust) -> JsonDict:
    """Encode a trust as JSON values, for a separate process."""
    revoked = [
        asdict(entry) | {"since": entry.since.isoformat(), "reason": str(entry.reason)}
        for entries in trust.revoked.values()
        for entry in entries
    ]
    keys = [key.raw.hex() for key in trust.keys.values()]
    return {"keys": keys, "revoked": revoked, "problems": list(trust.problems)}


def trust_from_json(data: JsonMapping) -> Trust:
    """Decode a trust that ``trust_to_json`` wrote."""
    keys = [PublicKey(bytes.fromhex(text)) for text in data["keys"]]
    revoked: dict[str, tuple[Revocation, ...]] = {}
    for part in data["revoked"]:
        named = {"since": dt.date.fromisoformat(part["since"]), "reason": Reason(part["reason"])}
        entry = Revocation(**part | named | {"kept": tuple(part["kept"])})
        revoked[entry.key] = (*revoked.get(entry.key, ()), entry)
    known = {key.id: key for key in keys}
    return Trust(keys=known, revoked=revoked, problems=tuple(data["problems"]))


def make_trust(
    keys: Sequence[PublicKey],
    rotations: Sequence[Rotation] = (),
    lists: Sequence[RevocationList] = (),
    *,
    now: dt.datetime | None = None,
) -> Trust:
    """Trust given keys, follow their rotations, and remove revoked keys.

    Args:
        keys: The keys that were given.
        rotations: Statements of succession, in any order.
        lists: Revocation lists.
        now: When; the clock's time where none is given.
    """
    latest = (now or dt.datetime.now(dt.UTC)) + AHEAD
    known = _followed(keys, rotations, lambda rotation: True)
    late = {part.issuer.id for part in lists if part.issued > latest}
    revoked = _revoked(lists, set(known) - late)
    problems = list(_list_problems(lists, known, latest))

    def counts(rotation: Rotation) -> bool:
        return rotation.date <= latest.date() and _refusal(rotation, revoked) is None

    believed = _followed(keys, rotations, counts)
    problems += _rotation_problems(rotations, believed, revoked, latest.date())
    return Trust(keys=believed, revoked=revoked, problems=tuple(problems))


def _followed(
    keys: Sequence[PublicKey], rotations: Sequence[Rotation], counts: Callable[[Rotation], bool]
) -> dict[str, PublicKey]:
    """The given keys and all successors, by valid rotations."""
    found = {key.id: key for key in keys}
    left = [rotation for rotation in rotations if counts(rotation)]
    while new := [rotation for rotation in left if rotation.old.id in found]:
        found |= {rotation.new.id: rotation.new for rotation in new}
        left = [rotation for rotation in left if rotation not in new]
    return found


def _revoked(
    lists: Sequence[RevocationList],
    keepers: set[str],
) -> dict[str, tuple[Revocation, ...]]:
    """Key id to its revocations.

    Only lists of keepers that nobody revokes can keep signatures.
    """
    ended = {entry.key for part in lists for entry in part.entries}
    found: dict[str, tuple[Revocation, ...]] = {}
    for part in lists:
        issuer = part.issuer.id
        told = f" (so says key {issuer}, which is revoked itself)" if issuer in ended else ""
        for entry in part.entries:
            listed = entry
            if issuer not in keepers - ended:
                why = entry.why if issuer == entry.key else entry.why + told
                listed = replace(entry, why=why, kept=(), successor="")
            found[entry.key] = (*found.get(entry.key, ()), listed)
    return found


def _refusal(
    rotation: Rotation,
    revoked: Mapping[str, tuple[Revocation, ...]],
) -> Revocation | None:
    """The revocation that refuses a rotation, or None."""
    entries = revoked.get(rotation.old.id, ())
    return next((e for e in entries if e.refuses_successor(rotation.new.id, rotation.date)), None)


def _list_problems(
    lists: Sequence[RevocationList],
    known: Mapping[str, PublicKey],
    latest: dt.datetime,
) -> Iterator[str]:
    for part in lists:
        if part.issuer.id not in known:
            told = f"which was not given; give it with {parameter('key')}"
            yield f"a revocation list is signed by key {part.issuer.id}, {told}"
        if part.issued > latest:
            told = f"states {part.issued.isoformat()}, later than now; ask for the list of today"
            yield f"a revocation list of key {part.issuer.id} {told}"


def _rotation_problems(
    rotations: Sequence[Rotation],
    believed: Mapping[str, PublicKey],
    revoked: Mapping[str, tuple[Revocation, ...]],
    today: dt.date,
) -> Iterator[str]:
    successors: dict[str, set[str]] = {}
    for rotation in rotations:
        old, new = rotation.old.id, rotation.new.id
        successors.setdefault(old, set()).add(new)
        refused, names = _refusal(rotation, revoked), f"key {old} names key {new} its successor"
        if rotation.date > today:
            yield f"{names} on {rotation.date}, later than now"
        elif old not in believed:
            yield f"{names}, and is itself not believed"
        elif refused and new not in believed:
            yield f"{names}; that does not count: it {refused}"
    for old, named in successors.items():
        if len(named) > 1:
            told = f"{', '.join(sorted(named))}; a key has one: ask its owner which"
            yield f"key {old} names {len(named)} successors, {told}"
    try:
        TopologicalSorter(successors).prepare()
    except CycleError as error:
        yield f"keys name each other successors in a circle: {', '.join(error.args[1])}"
