"""Keys: their files, successors and revocation, and a signature that openssl alone checks."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from privgan.errors import UsageError, VerificationError
from privgan.release import verify_release
from privgan.release.signing.keys import (
    SigningKey,
    create_keys,
    find_key,
    load_public_key,
    load_signing_key,
    public_keys_in,
)
from privgan.release.signing.revocation import Reason, Revocation
from privgan.release.signing.sign import sign_release
from privgan.release.signing.signature import (
    SIGNATURE_NAME,
    read_signatures,
    sign_manifest,
    signature_file,
)
from privgan.release.signing.statements import (
    make_revocations,
    make_rotation,
    read_revocations,
    read_rotation,
)
from privgan.release.signing.trust import Trust, make_trust
from tests.release.changes import NOW, edited

DAY = NOW.date()
OPENSSL = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def none() -> None:
    return None


def rotation(folder: Path, old: SigningKey, new: SigningKey, day: dt.date = DAY) -> Any:
    path = folder / f"{new.public.id}.json"
    path.write_bytes(make_rotation(old, new.public, day))
    return read_rotation(path)


def revoked(folder: Path, issuer: SigningKey, *entries: Revocation) -> Any:
    path = folder / "revoked.json"
    path.write_bytes(make_revocations(issuer, entries, now=NOW))
    return read_revocations(path)


def entry(key: SigningKey, reason: Reason = Reason.COMPROMISED, since: dt.date = DAY) -> Revocation:
    return Revocation(key=key.public.id, reason=reason, since=since, why="laptop stolen")


def check(release: Path, trust: Trust) -> Any:
    return verify_release(release, now=NOW, trust=trust)


class TestFiles:
    def test_private_half_is_the_owner_s_alone(self, tmp_path: Path) -> None:
        private, public = create_keys(tmp_path / "keys", "acme")
        assert (private.name, public.name) == ("acme.key", "acme.pub")
        assert private.stat().st_mode & 0o777 == 0o600
        assert private.parent.stat().st_mode & 0o777 == 0o700
        assert private.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
        key = load_signing_key(private, none)
        assert key.public == load_public_key(public)
        assert repr(key) == f"SigningKey({key.public.id})"
        assert public_keys_in(private.parent) == {"acme": key.public}
        assert sorted(path.name for path in private.parent.iterdir()) == ["acme.key", "acme.pub"]

    def test_a_key_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        private, _ = create_keys(tmp_path, "acme")
        private.chmod(0o640)
        with pytest.raises(UsageError, match="chmod 600"):
            load_signing_key(private, none)

    def test_nothing_is_overwritten_and_both_are_written_or_none(self, tmp_path: Path) -> None:
        create_keys(tmp_path, "acme")
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(UsageError, match="never overwritten"):
            create_keys(tmp_path, "acme")
        (tmp_path / "other.pub").write_text("mine")
        with pytest.raises(UsageError, match="never overwritten"):
            create_keys(tmp_path, "other")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before | {
            "other.pub": b"mine"
        }

    @pytest.mark.parametrize(
        "name", ["", "..", "a/b", "/x", "a b", "-x", "é", "x" * 65, "a\0", ".hidden"]
    )
    def test_a_name_that_is_a_path_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match="must be 1 to 64"):
            create_keys(tmp_path, name)
        assert list(tmp_path.iterdir()) == []

    def test_a_passphrase_encrypts_the_file(self, tmp_path: Path) -> None:
        private, public = create_keys(tmp_path, "acme", "pässphrase".encode())
        assert b"ENCRYPTED" in private.read_bytes()
        assert load_signing_key(private, lambda: "pässphrase".encode()).public == load_public_key(
            public
        )
        with pytest.raises(UsageError, match="give its passphrase"):
            load_signing_key(private, none)
        with pytest.raises(UsageError, match="passphrase is another"):
            load_signing_key(private, lambda: b"wrong")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"hello",
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            b"\xff" * 99,
            b"x" * 99_999,
        ],
    )
    def test_what_is_no_key_is_refused(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "k"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(UsageError, match=str(path)):
            load_signing_key(path, none)
        with pytest.raises(UsageError, match=str(path)):
            load_public_key(path)

    def test_the_halves_are_not_taken_for_each_other(self, tmp_path: Path) -> None:
        private, public = create_keys(tmp_path, "acme")
        with pytest.raises(UsageError, match=r"ends in \.pub"):
            load_public_key(private)
        public.chmod(0o600)
        with pytest.raises(
            UsageError, match=r"is a public key; give the private one, a file like acme\.key"
        ):
            load_signing_key(public, none)
        with pytest.raises(UsageError, match="cannot be read"):
            load_public_key(tmp_path / "absent")

    def test_keys_have_names_in_the_keys_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRIVGAN_KEYS", str(tmp_path))
        private, _ = create_keys(tmp_path, "acme")
        assert find_key("acme", ".key") == private
        assert find_key("absent", ".key") == Path("absent")

    @OPENSSL
    def test_keys_of_another_kind_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "x25519.key"
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "x25519", "-out", path],
            check=True,
            capture_output=True,
        )
        path.chmod(0o600)
        with pytest.raises(UsageError, match="another kind"):
            load_signing_key(path, none)


class TestSigning:
    def test_an_officer_signs_later_beside_the_owner(
        self, signed: Path, signer: SigningKey
    ) -> None:
        officer = SigningKey.generate()
        before = (signed / "manifest.json").read_bytes()
        sign_release(signed, officer, now=NOW)
        assert (signed / "manifest.json").read_bytes() == before
        for keys in ([signer], [officer], [signer, officer]):
            found = check(signed, make_trust([key.public for key in keys]))
            assert (found.problems, found.signed) == ((), True)
            assert [one.key for one in found.signers if one.believed] == [
                one.key for one in found.signers if one.key in {key.public.id for key in keys}
            ]
        assert len(read_signatures((signed / SIGNATURE_NAME).read_bytes())) == 2
        with pytest.raises(UsageError, match="has signed it already"):
            sign_release(signed, officer, now=NOW)

    def test_an_unsigned_release_is_signed_later(self, release: Path, signer: SigningKey) -> None:
        with pytest.raises(UsageError):
            verify_release(release.parent / "absent")
        assert not check(release, make_trust([signer.public])).ok
        sign_release(release, signer, now=NOW)
        assert check(release, make_trust([signer.public])).signed

    @pytest.mark.parametrize(
        ("days", "told"), [(-400, "before the manifest was made"), (2, "later than now"), (0.9, "")]
    )
    def test_a_signature_states_a_day_between_the_manifest_s_and_ours(
        self, release: Path, days: float, told: str
    ) -> None:
        """A key that was retired signs on a day when it was not yet."""
        sign_release(release, (key := SigningKey.generate()), now=NOW)
        content = (release / "manifest.json").read_bytes()
        signature = sign_manifest(
            key, json.loads(content)["release_id"], content, now=NOW + dt.timedelta(days=days)
        )
        (release / SIGNATURE_NAME).write_bytes(signature_file([signature]))
        problems = check(release, make_trust([key.public])).problems
        assert len(problems) == bool(told)
        assert all(told in problem for problem in problems)

    def test_what_is_not_intact_is_not_signed(self, release: Path, signer: SigningKey) -> None:
        edited(lambda m: m["guarantee"].update(epsilon=0.1))(release)
        with pytest.raises(VerificationError, match="is not signed"):
            sign_release(release, signer, now=NOW)
        assert not (release / SIGNATURE_NAME).exists()

    @OPENSSL
    @pytest.mark.parametrize("number", [1, 2])
    def test_openssl_alone_checks_a_signature(
        self, tmp_path: Path, signed: Path, signer: SigningKey, number: int
    ) -> None:
        """The commands of privgan/release/signing.md, as they stand there."""
        officer = SigningKey.generate()
        sign_release(signed, officer, now=NOW)
        key = [signer, officer][number - 1]
        (tmp_path / "acme.pub").write_bytes(key.public.pem())
        readme = (Path(__file__).parents[2] / "privgan/release/signing.md").read_text()
        script = readme.partition("<!-- openssl -->\n```sh\n")[2].partition("```")[0]
        assert "openssl pkeyutl" in script
        script = script.replace("N=1", f"N={number}").replace(
            "acme.pub", str(tmp_path / "acme.pub")
        )

        def run() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["sh", "-eu", "-c", script], cwd=signed, capture_output=True, text=True, check=False
            )

        done = run()
        assert done.returncode == 0, done.stderr
        assert "Signature Verified Successfully" in done.stdout
        assert key.public.id in done.stdout
        for name in ("statement", "signature"):
            (signed / name).unlink(missing_ok=True)
        edited(lambda m: m.update(retention="Forever."))(signed)
        assert run().returncode != 0
        (tmp_path / "acme.pub").write_bytes(SigningKey.generate().public.pem())
        assert "Verification Failure" in run().stdout + run().stderr

    @OPENSSL
    def test_the_id_is_what_openssl_and_sha256sum_give(self, tmp_path: Path) -> None:
        _, public = create_keys(tmp_path, "acme")
        der = subprocess.run(
            ["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"],
            check=True,
            capture_output=True,
        )
        assert hashlib.sha256(der.stdout).hexdigest() == load_public_key(public).id

    @OPENSSL
    def test_a_key_of_openssl_signs(self, tmp_path: Path, release: Path) -> None:
        path = tmp_path / "own.key"
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "ed25519", "-out", path],
            check=True,
            capture_output=True,
        )
        path.chmod(0o600)
        key = load_signing_key(path, none)
        sign_release(release, key, now=NOW)
        assert check(release, make_trust([key.public])).signed


class TestTrust:
    def test_a_successor_is_believed_through_its_chain(
        self, tmp_path: Path, signed: Path, signer: SigningKey
    ) -> None:
        first, second, other = SigningKey.generate(), SigningKey.generate(), SigningKey.generate()
        chain = [rotation(tmp_path, second, signer), rotation(tmp_path, first, second)]
        assert check(signed, make_trust([first.public], chain)).signed
        assert not check(signed, make_trust([first.public], chain[:1])).ok
        lost = check(signed, make_trust([other.public], chain))
        assert not lost.ok
        assert "is itself not believed" in "\n".join(lost.problems)

    def test_a_compromised_key_is_refused_whatever_day_it_states(
        self, tmp_path: Path, signed: Path, signer: SigningKey
    ) -> None:
        officer = SigningKey.generate()
        part = revoked(tmp_path, officer, entry(signer, since=DAY + dt.timedelta(days=999)))
        found = check(signed, make_trust([signer.public, officer.public], (), [part]))
        assert not found.ok
        assert not found.signed
        assert "laptop stolen" in "\n".join(found.problems)

    def test_a_compromised_key_names_no_successor(
        self, tmp_path: Path, signed: Path, signer: SigningKey
    ) -> None:
        """A thief makes a successor, and a list that revokes nobody of interest."""
        old, officer = SigningKey.generate(), SigningKey.generate()
        stolen = rotation(tmp_path, old, signer)
        honest = revoked(tmp_path, officer, entry(old))
        assert check(signed, make_trust([old.public], [stolen])).signed
        assert not check(
            signed, make_trust([old.public, officer.public], [stolen], [honest])
        ).signed
        thief = revoked(tmp_path, signer, entry(SigningKey.generate()))
        assert not check(
            signed, make_trust([old.public, officer.public], [stolen], [honest, thief])
        ).signed

    def test_a_list_of_somebody_unknown_does_not_pass_silently(
        self, tmp_path: Path, signed: Path, signer: SigningKey
    ) -> None:
        part = revoked(tmp_path, SigningKey.generate(), entry(SigningKey.generate()))
        found = check(signed, make_trust([signer.public], (), [part]))
        assert not found.ok
        assert "which was not given" in found.problems[0]

    @pytest.mark.parametrize(
        "change", ["entry", "why", "issuer", "newer", "extra", "empty", "twice", "day"]
    )
    def test_a_changed_list_is_refused(
        self, tmp_path: Path, signer: SigningKey, change: str
    ) -> None:
        path = tmp_path / "revoked.json"
        path.write_bytes(make_revocations(signer, [entry(signer), entry(SigningKey.generate())]))
        data = json.loads(path.read_text())
        if change == "entry":
            data["entries"].pop()
        elif change == "why":
            data["entries"][0]["why"] = "other"
        elif change == "issuer":
            data["issuer"] = json.loads(make_revocations(SigningKey.generate(), [entry(signer)]))[
                "issuer"
            ]
        elif change == "newer":
            data["format"] = "privgan.revocations/3"
        elif change == "extra":
            data["note"] = "x"
        elif change == "empty":
            data["entries"] = []
        elif change == "day":
            data["entries"][0]["since"] = "2026-02-30"
        text = json.dumps(data)
        path.write_text(
            text if change != "twice" else text.replace('"format"', '"format": "x", "format"')
        )
        with pytest.raises(UsageError, match=r"revoked\.json"):
            read_revocations(path)

    def test_a_changed_rotation_is_refused(self, tmp_path: Path, signer: SigningKey) -> None:
        path = tmp_path / "rotation.json"
        path.write_bytes(make_rotation(signer, SigningKey.generate().public, DAY))
        text = path.read_text()
        path.write_text(text.replace(DAY.isoformat(), "2027-01-01"))
        with pytest.raises(UsageError, match="was changed"):
            read_rotation(path)
        path.write_text(text)
        with pytest.raises(UsageError, match=r"is not a privgan\.revocations/2"):
            read_revocations(path)


def test_two_successors_of_one_key_show(tmp_path: Path) -> None:
    """Whoever stole a key names a successor too."""
    old, new, other = (SigningKey.generate() for _ in range(3))
    ours, theirs = rotation(tmp_path, old, new), rotation(tmp_path, old, other)
    assert make_trust([old.public], [ours, ours]).problems == ()
    (problem,) = make_trust([old.public], [ours, theirs]).problems
    assert "names 2 successors" in problem
