"""The commands about finished releases and keys: output, files and exit codes."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from privgan.release import write_release
from privgan.release.signing.keys import load_public_key
from tests.release.making import FACTS, contents_of, passed

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """An unsigned release that does not expire."""
    return write_release(
        tmp_path / "release", contents_of(tmp_path), replace(FACTS, context={}), passed()
    )


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "keys"
    monkeypatch.setenv("PRIVGAN_KEYS", str(folder))
    monkeypatch.delenv("PRIVGAN_KEY_PASSPHRASE", raising=False)
    for name in ("acme", "officer"):
        assert execute(["keys", "create", name]) == 0
    return folder


def told(capsys: Capture, *arguments: object, code: int = 0) -> Any:
    """Run a command and give its standard output as JSON."""
    capsys.readouterr()
    assert execute([*map(str, arguments), "--json"]) == code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys: Capture, *arguments: object) -> str:
    capsys.readouterr()
    assert execute([*map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return err


def test_keys_are_listed_shown_and_succeeded(keys: Path, tmp_path: Path, capsys: Capture) -> None:
    made = told(capsys, "keys", "create", "new", "--out", tmp_path / "else")
    assert (
        told(capsys, "keys", "show", made["public"])["key"]
        == made["key"]
        == load_public_key(Path(made["public"])).id
    )
    assert [row["name"] for row in told(capsys, "keys", "list")] == ["acme", "officer"]
    rotated = told(capsys, "keys", "rotate", "acme", "acme-2027")
    assert Path(rotated["rotation"]).parent == keys
    assert "is there already" in refused(capsys, "keys", "rotate", "acme", "acme-2027")
    assert execute(["keys", "list"]) == 0
    assert "private half here" in capsys.readouterr().out
    assert execute(["keys", "list", "--dir", str(tmp_path / "none")]) == 0
    assert "holds no signing key" in capsys.readouterr().out


def test_a_passphrase_comes_from_the_environment_or_a_terminal(
    keys: Path, release: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "terminal" in refused(capsys, "keys", "create", "locked", "--passphrase")
    monkeypatch.setenv("PRIVGAN_KEY_PASSPHRASE", "open sesame")
    told(capsys, "keys", "create", "locked")
    assert b"ENCRYPTED" in (keys / "locked.key").read_bytes()
    monkeypatch.delenv("PRIVGAN_KEY_PASSPHRASE")
    assert "$PRIVGAN_KEY_PASSPHRASE" in refused(capsys, "sign", release, "--key", "locked")
    monkeypatch.setenv("PRIVGAN_KEY_PASSPHRASE", "wrong")
    assert "passphrase is another" in refused(capsys, "sign", release, "--key", "locked")
    monkeypatch.setenv("PRIVGAN_KEY_PASSPHRASE", "open sesame")
    told(capsys, "sign", release, "--key", "locked")


def test_sign_verify_revoke(keys: Path, release: Path, tmp_path: Path, capsys: Capture) -> None:
    assert told(capsys, "verify", release)["signature"] == "unsigned"
    assert not told(capsys, "verify", release, "--key", "acme", code=1)["ok"]
    told(capsys, "sign", release, "--key", "acme")
    unknown = told(capsys, "verify", release)
    assert (unknown["ok"], unknown["signed"], unknown["signature"]) == (
        True,
        False,
        "signer unknown",
    )
    assert told(capsys, "verify", release, "--key", "acme")["signed"]
    assert (
        told(capsys, "verify", release, "--key", keys / "officer.pub", code=1)["signature"]
        == "signer unknown"
    )
    told(capsys, "sign", release, "--key", "officer")
    assert "has signed it already" in refused(capsys, "sign", release, "--key", "officer")
    listed = tmp_path / "revoked.json"
    revoke = (
        "keys",
        "revoke",
        "acme",
        "--by",
        "officer",
        "--why",
        "laptop stolen",
        "--list",
        listed,
    )
    assert told(capsys, *revoke)["entries"] == 1
    assert told(capsys, *revoke, "--reason", "retired", "--since", "2026-01-01")["entries"] == 2
    found = told(
        capsys, "verify", release, "--key", "acme", "--key", "officer", "--revoked", listed, code=1
    )
    assert "laptop stolen" in found["problems"][0]
    assert "is signed by key" in refused(capsys, *revoke[:3], "--by", "acme", *revoke[5:])
    assert "empty" in refused(capsys, *revoke[:6], " ", *revoke[7:])
    assert execute(["verify", str(release), "--key", "acme"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "intact, signed"


def test_a_key_ends_and_what_it_signed_is_kept(
    keys: Path,
    release: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    """Rotate, sign, retire: with --keep and --successor all stays valid, without them nothing."""
    told(capsys, "sign", release, "--key", "acme")
    told(capsys, "keys", "rotate", "acme", "next")
    rotation, manifest = keys / "next.rotation.json", release / "manifest.json"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    packed = told(capsys, "pack", release)["zip"]
    ways = [release, manifest, packed, release.parent]
    for number, (place, successor) in enumerate(zip(ways, [rotation, "next"] * 2, strict=True)):
        listed, by = tmp_path / f"{number}.json", ("--by", "next", "--why", "new year")
        revoke = ("keys", "revoke", "acme", *by, "--reason", "superseded", "--list", listed)
        made = told(capsys, *revoke, "--keep", place, "--successor", successor)
        assert (made["kept"], len(made["successor"])) == ([digest], 64)
        trust = ("--key", "acme", "--rotation", rotation, "--revoked", listed)
        found = told(capsys, "verify", release, *trust)
        assert (found["problems"], found["signed"]) == ([], True)
        told(capsys, *revoke)
        assert not told(capsys, "verify", release, *trust, code=1)["signed"]
    revoke = ("keys", "revoke", "acme", *by, "--list", tmp_path / "new.json")
    keep = ("--keep", release)
    assert "keeps no signature" in refused(capsys, *revoke, *keep)
    retired = (*revoke, "--reason", "retired")
    assert "no successor" in refused(capsys, *retired, "--successor", rotation)
    assert "a day to come" in refused(capsys, *retired, "--since", "2999-01-01")
    assert "bears no valid signature" in refused(capsys, *retired, "--since", "2020-01-01", *keep)
    assert "no release whose" in refused(capsys, *retired, "--keep", keys)
    other = ("keys", "revoke", "officer", *revoke[3:], "--reason", "retired", *keep)
    assert "bears no valid signature" in refused(capsys, *other)
    itself = ("keys", "revoke", "acme", "--by", "acme", *revoke[5:], "--reason", "retired", *keep)
    assert "can keep nothing" in refused(capsys, *itself)
    assert not (tmp_path / "new.json").exists()


def test_what_is_intact_but_not_as_asked_is_not_told_as_tampering(
    keys: Path, release: Path, capsys: Capture
) -> None:
    assert execute(["sign", str(release), "--key", "acme"]) == 0
    for asked in (["--key", "officer"], ["--policy", "public-release"]):
        capsys.readouterr()
        assert execute(["verify", str(release), *asked]) == 1
        assert "intact, but NOT what was asked for" in capsys.readouterr().out
    (release / "schema.yaml").write_bytes(b"changed")
    assert execute(["verify", str(release), "--key", "officer"]) == 1
    assert "NOT INTACT" in capsys.readouterr().out


def test_signing_says_that_an_older_zip_lacks_the_signature(
    keys: Path, release: Path, capsys: Capture
) -> None:
    told(capsys, "pack", release)
    capsys.readouterr()
    assert execute(["sign", str(release), "--key", "acme"]) == 0
    assert "does not hold this signature" in capsys.readouterr().err


def test_a_successor_is_believed(keys: Path, release: Path, capsys: Capture) -> None:
    told(capsys, "keys", "rotate", "acme", "next")
    told(capsys, "sign", release, "--key", "next")
    assert told(
        capsys, "verify", release, "--key", "acme", "--rotation", keys / "next.rotation.json"
    )["signed"]


def test_pack_and_verify_a_zip(keys: Path, release: Path, tmp_path: Path, capsys: Capture) -> None:
    packed = told(capsys, "pack", release)["zip"]
    assert packed == str(release.parent / "release.zip")
    assert told(capsys, "verify", packed)["ok"]
    assert "is there already" in refused(capsys, "pack", release)
    (release / "schema.yaml").write_text("x")
    assert execute(["pack", str(release), "--out", str(tmp_path / "bad.zip")]) == 1
    assert not os.path.lexists(tmp_path / "bad.zip")


def test_encrypt_and_decrypt(keys: Path, release: Path, tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("pyrage", reason="the extra 'encryption' is not installed")
    pair = told(capsys, "keys", "create", "partner", "--encryption")
    assert pair["key"].startswith("age1")
    told(capsys, "sign", release, "--key", "acme")
    target = tmp_path / "release.zip.age"
    sent = told(
        capsys, "encrypt", release, "--to", pair["key"], "--to", pair["public"], "--out", target
    )
    assert (sent["recipients"], sent["clear"]) == ([pair["key"]], str(release))
    capsys.readouterr()
    assert (
        execute(["encrypt", str(release), "--to", pair["key"], "--out", str(tmp_path / "b.age")])
        == 0
    )
    assert "the clear release stays in" in capsys.readouterr().out
    got = told(
        capsys,
        "decrypt",
        target,
        "--identity",
        pair["private"],
        "--out",
        tmp_path / "got",
        "--key",
        "acme",
    )
    assert got["signed"]
    wrong = (
        "decrypt",
        target,
        "--identity",
        pair["private"],
        "--out",
        tmp_path / "no",
        "--key",
        "officer",
    )
    assert execute([*map(str, wrong)]) == 1
    assert not os.path.lexists(tmp_path / "no")
    assert "passphrase is for signing keys" in refused(
        capsys, "keys", "create", "p", "--encryption", "--passphrase"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "{release}", "--key", "absent"), "cannot be read"),
        (("verify", "{release}", "--revoked", "{release}/schema.yaml"), "not valid JSON"),
        (
            ("verify", "{release}", "--rotation", "{release}/manifest.json"),
            "is not a privgan.rotation/1",
        ),
        (("verify", "{release}", "--policy", "absent"), "absent"),
        (("sign", "{release}", "--key", "{release}/schema.yaml"), "schema.yaml"),
        (("sign", "{release}"), "--key"),
        (("keys", "show", "{release}/schema.yaml"), "is not a public key"),
        (("keys", "create", "../x"), "must be 1 to 64"),
        (("encrypt", "{release}", "--to", "age1x", "--out", "{release}/x"), "age1x"),
        (
            (
                "decrypt",
                "{release}/schema.yaml",
                "--identity",
                "{release}/absent",
                "--out",
                "{release}/x",
            ),
            "absent",
        ),
    ],
)
def test_bad_input_is_told(
    release: Path, keys: Path, arguments: tuple[str, ...], message: str, capsys: Capture
) -> None:
    before = {str(path) for path in release.rglob("*")}
    assert message in refused(capsys, *(part.format(release=release) for part in arguments))
    assert {str(path) for path in release.rglob("*")} == before


def test_a_policy_under_a_shipped_name_is_refused_before_a_fit_is_paid_for(
    tmp_path: Path, capsys: Capture, workspace: Any, ledger_path: Path
) -> None:
    from privgan.policy.policy_file import shipped_policies

    own = tmp_path / "own.yaml"
    own.write_text(
        shipped_policies()["internal-analytics"]
        .read_text(encoding="utf-8")
        .replace("at_most: 10\n", "at_most: 99\n")
    )
    workspace.options["--policy"] = str(own)
    assert workspace.execute() == 2
    assert "give it a name or a version of its own" in capsys.readouterr().err
    assert not ledger_path.exists()


def test_a_zip_that_is_there_already_is_told_before_a_fit_is_paid_for(
    capsys: Capture, workspace: Any, ledger_path: Path, keys: Path
) -> None:
    workspace.out.mkdir()
    (workspace.out / "release.zip").write_text("mine")
    run = [
        "run",
        str(workspace.table),
        *(part for option in workspace.options.items() for part in option),
    ]
    assert "is there already" in refused(capsys, *run, "--zip")
    assert "cannot be read" in refused(capsys, *run, "--key", "absent")
    assert not ledger_path.exists()
