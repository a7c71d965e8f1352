"""A retired key's holder cannot regain trust by stating another day.

Each attack has the genuine list at hand, as any verifier must. The thief has the old private half,
writes any day, and adds any file. Each legitimate way beside them still passes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from privgan.release import verify_release
from privgan.release.signing.keys import PublicKey, SigningKey
from privgan.release.signing.revocation import Reason, Revocation, RevocationList, Rotation
from privgan.release.signing.signature import (
    SIGNATURE_NAME,
    Signature,
    sign_manifest,
    signature_file,
)
from privgan.release.signing.statements import (
    make_revocations,
    make_rotation,
    read_revocations,
    read_rotation,
)
from privgan.release.signing.trust import make_trust
from tests.release.changes import NOW, edited
from tests.thinning import some

LATER = NOW + dt.timedelta(days=40)  # When everything is verified.
END = (NOW + dt.timedelta(days=10)).date()  # The old key's last day.
BEFORE, AFTER = NOW + dt.timedelta(days=1), NOW + dt.timedelta(days=20)


@dataclass
class World:
    """A release, its owner's old and new keys, an officer, a thief, and what is handed over."""

    folder: Path
    release: Path
    old: SigningKey = field(default_factory=SigningKey.generate)
    new: SigningKey = field(default_factory=SigningKey.generate)
    officer: SigningKey = field(default_factory=SigningKey.generate)
    thief: SigningKey = field(default_factory=SigningKey.generate)
    given: list[PublicKey] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)
    lists: list[RevocationList] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.given = [self.old.public, self.officer.public]

    @property
    def manifest(self) -> bytes:
        return (self.release / "manifest.json").read_bytes()

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.manifest).hexdigest()

    def sign(self, *keys: SigningKey, at: dt.datetime = BEFORE) -> Sequence[Signature]:
        content = self.manifest
        release = json.loads(content)["release_id"]
        signatures = [sign_manifest(key, release, content, now=at) for key in keys]
        (self.release / SIGNATURE_NAME).write_bytes(signature_file(signatures))
        return signatures

    def rotate(self, old: SigningKey, new: SigningKey, day: dt.date = END) -> None:
        path = self.folder / f"{next(self.numbers)}.json"
        path.write_bytes(make_rotation(old, new.public, day))
        self.rotations.append(read_rotation(path))

    def list_of(self, issuer: SigningKey, *entries: Revocation, at: dt.datetime = AFTER) -> None:
        path = self.folder / f"{next(self.numbers)}.json"
        path.write_bytes(make_revocations(issuer, entries, now=at))
        self.lists.append(read_revocations(path))

    def end(self, key: SigningKey, reason: Reason = Reason.SUPERSEDED, **more: Any) -> Revocation:
        told = {"since": END, "why": "new year", **more}
        return Revocation(key=key.public.id, reason=reason, **told)

    def keep_all(self) -> Revocation:
        """The old key's entry as its owner writes it after a rotation."""
        return self.end(self.old, kept=(self.digest,), successor=self.new.public.id)

    def forge(self) -> None:
        """Another manifest, consistent in itself."""
        edited(lambda manifest: manifest.update(retention="For ever."))(self.release)

    def check(self) -> Any:
        trust = make_trust(self.given, self.rotations, self.lists, now=LATER)
        return verify_release(self.release, now=LATER, trust=trust)


@pytest.fixture
def world(tmp_path: Path, release: Path) -> World:
    return World(tmp_path, release)


def back_dated_signature(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.forge()
    world.sign(world.old)


def back_dated_beside_a_kept_one(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.forge()
    world.sign(world.old)


def back_dated_by_a_retired_key(world: World) -> None:
    world.list_of(world.officer, world.end(world.old, Reason.RETIRED, kept=(world.digest,)))
    world.forge()
    world.sign(world.old)


def kept_but_signed_after_the_end(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.sign(world.old, at=AFTER)


def back_dated_rotation(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.rotate(world.old, world.thief, NOW.date())
    world.sign(world.thief)


def back_dated_rotation_beside_the_successor_s(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.rotate(world.old, world.thief, NOW.date())
    world.sign(world.thief)


def rotation_by_a_retired_key(world: World) -> None:
    world.list_of(world.officer, world.end(world.old, Reason.RETIRED))
    world.rotate(world.old, world.thief, dt.date(2000, 1, 1))
    world.sign(world.thief)


def rotation_through_a_chain(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    middle = SigningKey.generate()
    world.rotate(world.old, middle, NOW.date())
    world.rotate(middle, world.thief, NOW.date())
    world.sign(world.thief)


def rotation_of_a_day_after_the_end(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.rotate(world.old, world.new, AFTER.date())
    world.sign(world.new)


def rotation_of_a_day_to_come(world: World) -> None:
    world.rotate(world.old, world.thief, LATER.date() + dt.timedelta(days=9))
    world.sign(world.thief)


def rotation_in_a_circle(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.given.append(world.new.public)
    world.rotate(world.new, world.old)
    world.rotate(world.old, world.new)
    world.forge()
    world.sign(world.old)


def rotation_of_a_key_to_itself(world: World) -> None:
    world.rotate(world.old, world.old)
    world.sign(world.old)


def own_list_that_keeps_the_forgery(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.forge()
    world.sign(world.old)
    world.list_of(world.old, world.end(world.old, kept=(world.digest,)), at=NOW)


def own_list_alone_that_keeps_the_forgery(world: World) -> None:
    world.forge()
    world.sign(world.old)
    world.list_of(world.old, world.end(world.old, kept=(world.digest,)), at=NOW)


def list_of_the_thief_s_successor(world: World) -> None:
    """The thief's key, named by the old one, says that the old one may name it."""
    world.list_of(world.officer, world.keep_all())
    world.rotate(world.old, world.thief, NOW.date())
    world.list_of(world.thief, world.end(world.old, successor=world.thief.public.id), at=NOW)
    world.sign(world.thief)


def back_dated_list_of_a_retired_officer(world: World) -> None:
    """The officer's retired half keeps a forgery, on a day when the officer was not retired."""
    world.given.append(world.new.public)
    world.list_of(world.new, world.end(world.officer, Reason.RETIRED))
    world.forge()
    world.list_of(world.officer, world.end(world.old, kept=(world.digest,)), at=NOW)
    world.sign(world.old)


def two_officers_revoke_each_other(world: World) -> None:
    world.given.append(world.new.public)
    world.forge()
    kept = world.end(world.old, kept=(world.digest,))
    world.list_of(world.officer, kept, world.end(world.new))
    world.list_of(world.new, kept, world.end(world.officer))
    world.sign(world.old)


def list_of_a_stranger_keeps_the_forgery(world: World) -> None:
    world.forge()
    world.list_of(world.thief, world.end(world.old, kept=(world.digest,)))
    world.sign(world.old)


def list_of_a_day_to_come(world: World) -> None:
    world.forge()
    at = LATER + dt.timedelta(days=3)
    world.list_of(world.officer, world.end(world.old, kept=(world.digest,)), at=at)
    world.sign(world.old)


def one_of_two_entries_keeps(world: World) -> None:
    """An entry that was made before more was known does not outweigh the later one."""
    world.list_of(world.officer, world.keep_all(), world.end(world.old, Reason.RETIRED))
    world.sign(world.old)


def kept_of_a_compromised_key(world: World) -> None:
    world.list_of(world.officer, world.keep_all(), world.end(world.old, Reason.COMPROMISED))
    world.sign(world.old)


def countersigned_by_a_key_that_ended_too(world: World) -> None:
    world.list_of(world.officer, world.end(world.old), world.end(world.new))
    world.given.append(world.new.public)
    world.forge()
    world.sign(world.old, world.new)


def countersigned_by_a_stranger(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.forge()
    world.sign(world.old, world.thief)


def countersigned_by_the_back_dated_successor(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.rotate(world.old, world.thief, NOW.date())
    world.forge()
    world.sign(world.old, world.thief)


def compromised_beside_a_good_signature(world: World) -> None:
    world.list_of(world.officer, world.end(world.old, Reason.COMPROMISED))
    world.sign(world.old, world.officer)


def day_after_the_end_beside_a_good_signature(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.sign(world.old, world.officer, at=AFTER)


def signature_of_the_last_day_to_come(world: World) -> None:
    """A last day that lies ahead gives no time to sign until then."""
    world.list_of(world.officer, world.end(world.old, since=LATER.date() + dt.timedelta(days=99)))
    world.sign(world.old)


def list_of_version_1(world: World) -> None:
    """An old list, which keeps nothing: what was believed before is not any more."""
    from privgan.release.signing.statements import _signed

    body = json.loads(make_revocations(world.officer, [world.end(world.old)], now=AFTER))
    del body["signature"]
    path = world.folder / "old.json"
    path.write_bytes(_signed(body | {"format": "privgan.revocations/1"}, world.officer))
    world.lists.append(read_revocations(path))
    world.sign(world.old)


ATTACKS: list[Callable[[World], None]] = [
    back_dated_signature,
    back_dated_beside_a_kept_one,
    back_dated_by_a_retired_key,
    kept_but_signed_after_the_end,
    back_dated_rotation,
    back_dated_rotation_beside_the_successor_s,
    rotation_by_a_retired_key,
    rotation_through_a_chain,
    rotation_of_a_day_after_the_end,
    rotation_of_a_day_to_come,
    rotation_in_a_circle,
    rotation_of_a_key_to_itself,
    own_list_that_keeps_the_forgery,
    own_list_alone_that_keeps_the_forgery,
    list_of_the_thief_s_successor,
    back_dated_list_of_a_retired_officer,
    two_officers_revoke_each_other,
    list_of_a_stranger_keeps_the_forgery,
    list_of_a_day_to_come,
    one_of_two_entries_keeps,
    kept_of_a_compromised_key,
    countersigned_by_a_key_that_ended_too,
    countersigned_by_a_stranger,
    countersigned_by_the_back_dated_successor,
    compromised_beside_a_good_signature,
    day_after_the_end_beside_a_good_signature,
    signature_of_the_last_day_to_come,
    list_of_version_1,
]


@pytest.mark.parametrize("attack", some(ATTACKS), ids=lambda attack: attack.__name__)
def test_a_forgery_is_refused(world: World, attack: Callable[[World], None]) -> None:
    attack(world)
    found = world.check()
    assert not found.ok
    assert found.problems
    # Every other part of the release is in order: nothing but a key's word is refused.
    assert verify_release(world.release, now=LATER).ok


@pytest.mark.parametrize("attack", ATTACKS[:9], ids=lambda attack: attack.__name__)
def test_without_the_list_it_would_pass(world: World, attack: Callable[[World], None]) -> None:
    """Each of these is refused for the list alone; so the test above can fail."""
    attack(world)
    world.lists.clear()
    assert world.check().signed


def kept(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.sign(world.old)


def kept_by_a_retired_key_on_its_last_day(world: World) -> None:
    end = world.end(world.old, Reason.RETIRED, kept=(world.digest,), since=BEFORE.date())
    world.list_of(world.officer, end)
    world.sign(world.old)


def successor(world: World) -> None:
    world.list_of(world.officer, world.keep_all())
    world.rotate(world.old, world.new)
    world.sign(world.new, at=AFTER)


def successor_keeps_for_itself(world: World) -> None:
    """An owner without an officer: the new key lists the old one, and names itself."""
    world.given = [world.old.public]
    world.rotate(world.old, world.new)
    world.list_of(world.new, world.keep_all())
    world.sign(world.old)


def successor_of_the_successor(world: World) -> None:
    third = SigningKey.generate()
    world.given = [world.old.public]
    world.rotate(world.old, world.new)
    world.rotate(world.new, third, AFTER.date())
    ends = world.end(world.new, successor=third.public.id, since=AFTER.date())
    world.list_of(third, world.keep_all(), ends)
    world.sign(third, at=AFTER)


def countersigned(world: World) -> None:
    world.list_of(world.officer, world.end(world.old))
    world.sign(world.old, world.officer)


def no_list(world: World) -> None:
    world.sign(world.old)


@pytest.mark.parametrize(
    "way",
    [
        kept,
        kept_by_a_retired_key_on_its_last_day,
        successor,
        successor_keeps_for_itself,
        successor_of_the_successor,
        countersigned,
        no_list,
    ],
    ids=lambda way: way.__name__,
)
def test_what_was_signed_in_time_stays_valid(world: World, way: Callable[[World], None]) -> None:
    way(world)
    found = world.check()
    assert (found.problems, found.signed) == ((), True)


def test_a_countersigned_key_that_ended_is_not_itself_believed(world: World) -> None:
    countersigned(world)
    found = world.check()
    assert any(
        f"the signature of key {world.old.public.id} does not count" in note for note in found.notes
    )
    signers = {signer.key: signer.believed for signer in found.signers}
    assert signers == {world.old.public.id: False, world.officer.public.id: True}


def test_no_list_makes_anything_believed(world: World) -> None:
    """Over all sets of lists and rotations: one list more never turns a refusal into a belief."""
    old, new, officer, thief = world.old, world.new, world.officer, world.thief
    world.sign(old)
    for pair in [(old, new), (old, thief), (new, thief), (thief, old)]:
        world.rotate(*pair)
    for issuer in (old, new, officer, thief):
        for key in (old, new, officer):
            successor = next(k for k in (new, thief) if k is not key).public.id
            world.list_of(issuer, world.end(key, kept=(world.digest,), successor=successor))
    signed, changed = BEFORE.date(), 0

    def believed(rotations: Sequence[Rotation], lists: Sequence[RevocationList]) -> set[str]:
        trust = make_trust([old.public, officer.public], rotations, lists, now=LATER)
        return {key for key in trust.keys if not trust.refusals(key, world.digest, signed)}

    for size in range(len(world.rotations) + 1):
        for rotations in itertools.combinations(world.rotations, size):
            for first, second in itertools.permutations(world.lists, 2):
                one, both = believed(rotations, [first]), believed(rotations, [first, second])
                assert both <= one <= believed(rotations, [])
                changed += both != one
    assert changed > 100


def test_a_revoked_issuer_is_named(world: World) -> None:
    """What a stolen issuer's key costs: good keys are refused, and it is told on whose word."""
    world.given.append(world.new.public)
    world.list_of(world.new, world.end(world.officer, Reason.COMPROMISED))
    world.list_of(world.officer, world.end(world.old, Reason.COMPROMISED))
    world.sign(world.old)
    problem, *_ = world.check().problems
    assert f"(so says key {world.officer.public.id}, which is revoked itself)" in problem
