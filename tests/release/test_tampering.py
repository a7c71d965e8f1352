"""Every kind of tampering shows, each for its own reason; untouched releases pass."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privgan.policy.policy import Scope
from privgan.policy.policy_file import load_policy
from privgan.release import verify_release, write_release
from privgan.release.bundle import WriteOptions
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.trust import make_trust
from privgan.release.verification import integrity
from privgan.release.verification.verify import SignatureStatus, Verification
from privgan.table.schema_file import parse_schema
from tests.release.changes import (
    NOW,
    Change,
    edited,
    flipped_base64,
    manifest_text,
    refiled,
    resigned,
    rewritten,
    signature_text,
    text,
)
from tests.release.making import guaranteed
from tests.thinning import some

SHIPPED = load_policy("internal-analytics")


def event_of(manifest: dict[str, Any], **changes: Any) -> None:
    """The same lie in the plan and in the accounting."""
    for step in (manifest["accounting"][0], manifest["plan"]["stages"][0]["steps"][0]):
        step["event"]["of"].update(changes)


def both(manifest: dict[str, Any], event: Any) -> None:
    manifest["accounting"][0]["event"] = manifest["plan"]["stages"][0]["steps"][0]["event"] = event


def deep(levels: int) -> Any:
    event: Any = {"event": "gaussian", "noise_multiplier": 1.0}
    for _ in range(levels):
        event = {"event": "composed", "of": [event]}
    return event


def slow(manifest: dict[str, Any]) -> None:
    """A thousandth of a second to write, half a minute and gigabytes to account for."""
    event = {"event": "discrete_gaussian", "standard_deviation": 1e5, "sensitivity": 1}
    both(manifest, {"event": "repeated", "count": 10**12, "of": event})


def smaller_claim(manifest: dict[str, Any], epsilon: float) -> None:
    """A smaller ε wherever it is claimed."""
    manifest["guarantee"].update(epsilon=epsilon)
    manifest["guarantee"]["accountant"].update(epsilon_pld=None, epsilon_rdp=None)
    manifest["plan"].update(epsilon=epsilon)
    manifest["plan"]["stages"][0].update(epsilon=epsilon)
    manifest["policy"]["outcomes"][0].update(value=epsilon)


def shipped(manifest: dict[str, Any], **changes: Any) -> None:
    """A shipped policy's name, version, hash and gates in place of the release's own."""
    gates = [gate.to_json() for gate in SHIPPED.gates if gate.scope is Scope.PUBLIC]
    values = {"at_most": 0.0, "at_least": 10.0, "equals": True}
    filled = {"status": "PASS", "condition": "x", "explanation": "x"}
    outcomes = [
        gate | filled | {"value": values[gate["comparison"]]}
        for gate in gates
        if gate["fact"] != "guarantee.epsilon"
    ]
    first = next(gate for gate in gates if gate["fact"] == "guarantee.epsilon")
    outcomes.insert(0, first | filled | {"value": manifest["guarantee"]["epsilon"]})
    for outcome in outcomes:
        if outcome["fact"] == "guarantee.delta":
            outcome["value"] = manifest["guarantee"]["delta"]
        if outcome["fact"] == "synthetic.rows":
            outcome["value"] = 300
    named = {
        "name": SHIPPED.name,
        "version": SHIPPED.version,
        "hash": SHIPPED.fingerprint(),
        "own_hash": SHIPPED.fingerprint(),
    }
    manifest["policy"].update({**named, "outcomes": outcomes} | changes)


UNCOUNTED = "cannot be worked out"
# Each line holds the line before twice: written out it would fill any memory.
ALIASES = b"a: &a [x, x]\n" + b"".join(
    b"%c: &%c [*%c, *%c]\n" % (i, i, i - 1, i - 1) for i in range(98, 122)
)


def waived(
    m: dict[str, Any],
    *,
    until: str = "2027-01-01",
    waiver: bool = True,
    hashed: bool = True,
    said: bool = True,
) -> None:
    """A public gate that did not pass, and a person's word that it need not."""
    outcome = m["policy"]["outcomes"][0]
    outcome.update(status="WAIVED", threshold=1.0, condition="at most 1")
    told = "guarantee.epsilon is 3; it must be at most 1. Waived by A. Officer until {}: A test."
    outcome.update(explanation=told.format(until))
    if waiver:
        outcome["waiver"] = {"who": "A. Officer", "why": "A test.", "until": until}
    if hashed:
        m["policy"].update(own_hash=m["policy"]["hash"], hash="ef" * 32)
    if said:
        m["policy"].update(public_checks="passed with waivers")


# What is done, and a part of what must be said about it.
STATEMENTS: dict[str, tuple[Change, str]] = {
    "smaller epsilon everywhere": (edited(lambda m: smaller_claim(m, 1.0)), "cost ε"),
    "more noise than there was": (edited(lambda m: event_of(m, standard_deviation=40.0)), "alone"),
    "less noise": (edited(lambda m: event_of(m, standard_deviation=0.5)), "alone"),
    "noise of another accounting": (
        edited(lambda m: m["accounting"][0]["event"].update(count=1)),
        "exactly the plan's steps",
    ),
    "step left out": (edited(lambda m: m["accounting"].pop()), "exactly the plan's steps"),
    "step left out of both": (
        edited(lambda m: (m["accounting"].pop(), m["plan"]["stages"][0]["steps"].pop())),
        "epsilon_pld is stated",
    ),
    "step listed twice": (
        edited(lambda m: m["accounting"].append(m["accounting"][0])),
        "exactly the plan's steps",
    ),
    "plan that lists its steps again": (
        edited(lambda m: m["plan"]["stages"][0].update(steps=m["plan"]["stages"][0]["steps"] * 21)),
        "exactly the plan's steps",
    ),
    "counts that no row changes": (edited(lambda m: event_of(m, sensitivity=0)), UNCOUNTED),
    "total below the run": (
        edited(
            lambda m: m["guarantee"].update(dataset_total={"epsilon": 0, "delta": 1, "runs": 1})
        ),
        "total epsilon is below",
    ),
    "total delta below the run": (
        edited(
            lambda m: m["guarantee"].update(dataset_total={"epsilon": 9, "delta": 0, "runs": 1})
        ),
        "total delta is below",
    ),
    "moment that is none": (
        edited(lambda m: m.update(created="2026-99-99T99:99:99Z")),
        "there is no moment",
    ),
    "no accountant's figure": (
        edited(lambda m: m["guarantee"]["accountant"].update(epsilon_pld=None, epsilon_rdp=None)),
        "neither accountant",
    ),
    "step of no stage": (
        edited(lambda m: m["accounting"][0].update(stage="free")),
        "exactly the plan's steps",
    ),
    "plan of another epsilon": (edited(lambda m: m["plan"].update(epsilon=2.0)), "the plan's 2"),
    "plan of another delta": (edited(lambda m: m["plan"].update(delta=1e-9)), "the plan's 1e-09"),
    "stages of more than is claimed": (
        edited(lambda m: m["plan"]["stages"][0].update(epsilon=4.0)),
        "together",
    ),
    "stage of a larger delta": (
        edited(lambda m: m["plan"]["stages"][0].update(delta=1e-3)),
        "together",
    ),
    "accountant's figure": (
        edited(lambda m: m["guarantee"]["accountant"].update(epsilon_rdp=2.5)),
        "epsilon_rdp is stated",
    ),
    "epsilon of one step": (edited(lambda m: m["accounting"][0].update(epsilon=0.01)), "alone"),
    "no plan": (edited(lambda m: m.update(plan={})), UNCOUNTED),
    "unknown event": (edited(lambda m: both(m, {"event": "magic"})), UNCOUNTED),
    "event without noise": (edited(lambda m: both(m, {"event": "gaussian"})), UNCOUNTED),
    "negative noise": (edited(lambda m: event_of(m, standard_deviation=-4.0)), UNCOUNTED),
    "endless repetition": (
        edited(lambda m: both(m, {"event": "repeated", "count": 10**30, "of": deep(0)})),
        UNCOUNTED,
    ),
    "noise that fills any memory": (
        edited(lambda m: event_of(m, standard_deviation=1e10)),
        UNCOUNTED,
    ),
    "noise and repetition that take minutes": (edited(slow), UNCOUNTED),
    "integer beyond a float": (
        manifest_text('"epsilon": 3.0', f'"epsilon": 1{"0" * 400}'),
        "too large a number",
    ),
    "no repetition": (
        edited(lambda m: both(m, {"event": "repeated", "count": 0, "of": deep(0)})),
        UNCOUNTED,
    ),
    "deep event": (edited(lambda m: both(m, deep(25))), UNCOUNTED),
    "release of rows as they are": (edited(lambda m: both(m, {"event": "non_private"})), "alone"),
    "undeclared field": (
        edited(lambda m: m["plan"].update(exact_rows=2998)),
        "a field that no manifest has",
    ),
    "value beyond its gate": (
        edited(lambda m: m["policy"]["outcomes"][0].update(threshold=1.0)),
        "is said to pass",
    ),
    "threshold of another type": (
        edited(lambda m: m["policy"]["outcomes"][0].update(threshold="much")),
        "is said to pass",
    ),
    "value that was not judged": (
        edited(lambda m: m["policy"]["outcomes"][0].update(value=2.0)),
        "the policy judged",
    ),
    "swapped policy": (
        edited(lambda m: shipped(m, hash="ab" * 32, own_hash="ab" * 32)),
        "hash is not that policy's",
    ),
    "gate left out of a shipped policy": (
        edited(lambda m: (shipped(m), m["policy"]["outcomes"].pop())),
        "not those of the public gates",
    ),
    "loosened gate of a shipped policy": (
        edited(lambda m: (shipped(m), m["policy"]["outcomes"][0].update(threshold=99))),
        "not those of the public gates",
    ),
    "gate waived by nobody": (edited(lambda m: waived(m, waiver=False)), "nobody waived it"),
    "waiver that had ended": (
        edited(lambda m: waived(m, until="2026-11-20")),
        "before the release was made",
    ),
    "waiver until no day": (edited(lambda m: waived(m, until="2026-02-30")), "which is no day"),
    "waiver that the hash does not know": (
        edited(lambda m: waived(m, hashed=False)),
        "hash is that without waivers",
    ),
    "waiver that is not said": (
        edited(lambda m: waived(m, said=False)),
        "not what their outcomes say",
    ),
    "columns that break a gate": (
        edited(
            lambda m: m["policy"]["outcomes"][0].update(
                comparison="dropped", value=2, threshold=True
            )
        ),
        "is said to pass",
    ),
    "schema with fresh hash": (
        text("schema.yaml", "upper: 999", "upper: 99"),
        "fingerprint is another",
    ),
    "schema that is none": (refiled("schema.yaml", lambda _: b"[]"), "is not a schema"),
    "schema of aliases": (refiled("schema.yaml", lambda _: ALIASES), "is not a schema"),
    "source of a fact": (
        edited(lambda m: m["schema_sources"]["b"].update(categories="declared")),
        "schema_sources",
    ),
    "assumption forgotten everywhere": (
        edited(lambda m: m["guarantee"].update(conditional_facts=[], conditional_text="")),
        "guarantee.conditional_facts",
    ),
    "another data set": (
        edited(lambda m: (m.update(dataset="x"), m["plan"].update(dataset="x"))),
        "dataset is 'x'",
    ),
    "another unit": (
        edited(lambda m: m["guarantee"].update(unit="one household")),
        "guarantee.unit",
    ),
    "another contribution bound": (
        edited(lambda m: m["guarantee"].update(max_rows_per_unit=9)),
        "max_rows_per_unit",
    ),
    "model of another schema": (
        text("model/model.json", "upper: 999", "upper: 99"),
        "was made for another schema",
    ),
    "model of another claim": (
        text("model/model.json", '"epsilon": 3.0', '"epsilon": 1.0'),
        "claims epsilon 1.0",
    ),
    "model that is none": (refiled("model/model.json", lambda _: b"{}"), "is not a model"),
    "model with a field of its own": (
        refiled(
            "model/model.json", lambda c: json.dumps(json.loads(c) | {"rows_seen": [1]}).encode()
        ),
        "rows_seen",
    ),
    "tensors that are none": (
        refiled("model/model.safetensors", lambda _: b"\x80\x04." * 30),
        "not what its name says",
    ),
    "report of another release": (text("report.html", "r1", "r2"), "report of another release"),
    "table with another column": (
        refiled("synthetic.csv", lambda c: b"a,customer\n" + c),
        "columns are not the schema's",
    ),
    "table that is none": (
        refiled("synthetic.parquet", lambda _: b"a,b\n1,x\n"),
        "not what its name says",
    ),
    "dropped expiry judged before": (
        edited(lambda m: m["context"].update(expiry="2026-11-20")),
        "expired on 2026-11-20",
    ),
    "number too large": (manifest_text('"epsilon": 3.0', '"epsilon": 1e999'), "too large a number"),
    "not a number": (manifest_text('"epsilon": 3.0', '"epsilon": NaN'), "NaN is not a JSON number"),
    "half a character": (
        manifest_text('"dataset": "customers"', '"dataset": "\\ud800"'),
        "not valid JSON",
    ),
    "byte order mark": (rewritten(b"\xef\xbb\xbf{}"), "not valid JSON"),
    "other encoding": (rewritten("{}".encode("utf-16")), "not valid JSON"),
    "newer version": (
        edited(lambda m: m.update(format="privgan.manifest/2")),
        "verify it with a newer privgan",
    ),
    "release id with a line end": (edited(lambda m: m.update(release_id="r1\nx")), "release_id"),
}

SIGNATURES: dict[str, tuple[Change, str]] = {
    "flipped bit of the signature": (
        signature_text(
            lambda t: "\n".join([*t.splitlines()[:6], flipped_base64(t.splitlines()[6])]) + "\n"
        ),
        "is not valid",
    ),
    "another day": (
        signature_text(lambda t: t.replace("signed: 20", "signed: 19")),
        "is not valid",
    ),
    "another hash": (
        signature_text(lambda t: t.replace("manifest-sha256: ", "manifest-sha256: 0")[:-1]),
        "seven lines",
    ),
    "another key's id": (
        signature_text(lambda t: t.replace("key: ", "key: " + "0" * 64 + "#", 1)),
        "seven lines",
    ),
    "removed": (lambda r: (r / "manifest.sig").unlink(), "bears no signature of it"),
    "emptied": (signature_text(lambda _: ""), "seven lines"),
    "one more byte": (signature_text(lambda t: t + "\n"), "seven lines"),
    "one byte less": (signature_text(lambda t: t[:-1]), "seven lines"),
    "more text": (signature_text(lambda t: t + "trust me"), "more after signature 1"),
    "twice": (signature_text(lambda t: f"{t}\n{t}"), "one key signs it twice"),
    "line ends of Windows": (signature_text(lambda t: t.replace("\n", "\r\n")), "seven lines"),
    "newer version": (
        signature_text(lambda t: t.replace("version 1", "version 2")),
        "a newer privgan",
    ),
    "no ASCII": (signature_text(lambda t: t.replace("release", "rеlease")), "not plain ASCII"),
    "another algorithm's length": (signature_text(lambda t: t.replace("==", "")), "seven lines"),
    "very long": (signature_text(lambda t: t * 500), "larger than any signature file"),
    "renamed": (lambda r: (r / "manifest.sig").rename(r / "manifest.asc"), "does not list it"),
    "link": (
        lambda r: (
            (r / "manifest.sig").rename(r.parent / "x"),
            (r / "manifest.sig").symlink_to(r.parent / "x"),
        ),
        "is a link",
    ),
    "of a changed manifest": (
        edited(lambda m: m.update(retention="Forever.")),
        "signed another manifest",
    ),
}

NAMES = {
    "upwards": "../secret",
    "absolute": "/etc/passwd",
    "backslash": "..\\secret",
    "NUL": "schema.yaml\0.txt",
    "capitals": "Schema.yaml",
    "composed otherwise": "sche\u0301ma.yaml",
    "look-alike": "s\u0441hema.yaml",
    "right to left": "\u202elmay.amehcs",
    "space at the end": "schema.yaml ",
    "dot at the end": "schema.yaml.",
    "double slash": "model//model.json",
    "stream": "schema.yaml:hidden",
    "very long": "x" * 5_000,
    "device": "CON",
}


def check(release: Path, *keys: SigningKey) -> Verification:
    return verify_release(release, now=NOW, trust=make_trust([key.public for key in keys]))


@pytest.mark.parametrize("kind", some(STATEMENTS))
def test_a_statement_that_does_not_hold_shows(release: Path, kind: str) -> None:
    """Whoever can write all files lists fresh hashes.

    What is said does not hold together any more.
    """
    change, told = STATEMENTS[kind]
    assert check(release).problems == ()
    change(release)
    found = check(release)
    assert not found.ok
    assert told in "\n".join(found.problems)


@pytest.mark.parametrize("kind", SIGNATURES)
@pytest.mark.parametrize("given", [False, True], ids=["no key", "key"])
def test_a_changed_signature_shows_with_and_without_the_key(
    signed: Path, signer: SigningKey, kind: str, given: bool
) -> None:
    change, told = SIGNATURES[kind]
    keys = (signer,) if given else ()
    assert check(signed, *keys).problems == ()
    change(signed)
    found = check(signed, *keys)
    assert not found.ok
    assert not found.signed
    assert told in "\n".join(found.problems)


@pytest.mark.parametrize("kind", list(STATEMENTS)[::8])
def test_a_statement_changed_after_signing_shows_by_the_signature_too(
    signed: Path, signer: SigningKey, kind: str
) -> None:
    STATEMENTS[kind][0](signed)
    found = check(signed, signer)
    assert not found.signed
    assert any(
        "none of the given keys" in problem or "manifest.sig" in problem
        for problem in found.problems
    )


def test_a_manifest_signed_again_under_another_key_shows(signed: Path, signer: SigningKey) -> None:
    mallory = SigningKey.generate()
    resigned(signed, mallory, named=False)
    assert "bears no signature of it" in "\n".join(check(signed).problems)
    resigned(signed, mallory)
    blind = check(signed)  # All is consistent: without a key only the signer's name tells.
    assert (blind.ok, blind.signed, blind.signature) == (True, False, SignatureStatus.UNKNOWN)
    assert [one.key for one in blind.signers] == [mallory.public.id]
    found = check(signed, signer)
    assert not found.ok
    assert mallory.public.id in "\n".join(found.problems)


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_names_that_lead_elsewhere_are_never_opened(
    release: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (release.parent / "secret").write_bytes((release / "schema.yaml").read_bytes())
    edited(lambda m: m["files"].update({name: dict(m["files"]["schema.yaml"])}))(release)
    opened: list[str] = []
    plain = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, *rest, **more: (opened.append(str(path)), plain(path, *rest, **more))[1],
    )
    found = check(release)
    assert any("no release may hold it" in problem for problem in found.problems)
    assert all(
        Path(path).resolve().is_relative_to(release.resolve()) and name not in path
        for path in opened
    )


@pytest.mark.parametrize(
    "name",
    [
        name
        for kind, name in NAMES.items()
        if kind not in {"upwards", "absolute", "NUL", "double slash", "very long"}
    ],
)
def test_files_of_such_names_show(release: Path, name: str) -> None:
    (release / name).write_bytes(b"x")
    (problem,) = check(release).problems
    assert "does not list it" in problem
    assert problem.isascii()


def test_a_manifest_without_end_is_not_read(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "LARGEST_MANIFEST", 1_000)
    assert check(release).problems == ("manifest.json: is larger than any manifest (1,000 bytes)",)


def test_a_waiver_that_holds_raises_no_alarm(release: Path) -> None:
    edited(waived)(release)
    assert check(release).problems == ()


def test_the_shipped_policy_itself_raises_no_alarm(release: Path) -> None:
    edited(shipped)(release)
    assert check(release).problems == ()
    assert not any("its text was not compared" in note for note in check(release).notes)


def test_the_policy_that_was_expected_is_compared(release: Path) -> None:
    found = verify_release(release, now=NOW, policy=SHIPPED)
    assert found.problems == (
        f"policy: is 'own 1.0', and was to be 'internal-analytics {SHIPPED.version}'",
    )
    assert any("its text was not compared" in note for note in check(release).notes)


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fixed")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), file=st.integers(0, 8), bit=st.integers(0, 7))
def test_one_flipped_bit_anywhere_shows(
    fixed: Path, signed: Path, place: float, file: int, bit: int
) -> None:
    kept = fixed / "release"
    if not kept.exists():
        shutil.copytree(signed, kept)
    names = sorted(path for path in kept.rglob("*") if path.is_file())
    assert len(names) == 9
    content = names[file].read_bytes()
    changed = bytearray(content)
    changed[int(place * len(content))] ^= 1 << bit
    names[file].write_bytes(changed)
    try:
        assert not check(kept).ok
    finally:
        names[file].write_bytes(content)


def test_the_bits_were_flipped_back(fixed: Path) -> None:
    assert check(fixed / "release").problems == ()


COLUMN_NAMES = [
    ("a", "b"),
    ("年龄", "等级"),
    ("=1+1", "<b>&amp;</b>"),
    ("a b\u202e", 'naïve, "quoted"'),
    ("x" * 200, "NULL"),
]


@pytest.mark.parametrize("number", some(range(24), 8))
def test_what_nobody_touched_raises_no_alarm(
    tmp_path: Path, number: int, facts: Any, verdict: Any, contents: Any
) -> None:
    names = COLUMN_NAMES[number % len(COLUMN_NAMES)]
    columns = [{"name": names[0], "kind": "integer", "lower": 0, "upper": 99_999}]
    columns.append(
        {
            "name": names[1],
            "kind": "categorical",
            "categories": ["x", "y", "<script>", "=cmd"],
            "missing": bool(number % 2),
        }
    )  # type: ignore[dict-item]
    head = {
        "format": "privgan.schema/1",
        "dataset": f"d-{number}",
        "unit": "row",
        "columns": columns,
    }
    schema = parse_schema(json.dumps(head, ensure_ascii=bool(number % 3)))
    context = [
        {},
        {"recipient": "Nörthwind\u202e", "purpose": "=cmd|x"},
        {"expiry": "2026-11-21"},
        {"reviewer": "A"},
    ][number % 4]
    figures = facts.guarantee.accountant
    if number % 5 == 0:
        figures = replace(figures, epsilon_rdp=None)
    facts = replace(
        guaranteed(facts, conditional_facts=(), accountant=figures),
        dataset=schema.dataset,
        release_id=f"release-{number}",
        schema_fingerprint=schema.fingerprint(),
        schema_sources={
            column.name: {fact: str(source) for fact, source in column.sources.items()}
            for column in schema.columns
        },
        plan=facts.plan | {"dataset": schema.dataset},
        context=context,
        created="2026-11-21T04:00:00Z" if number % 2 else facts.created,
    )
    rows = [1, 3, 300, 2_000][number % 4]
    key = SigningKey.generate() if number % 3 else None
    files = contents(tmp_path, facts, json.dumps(head, ensure_ascii=bool(number % 3)), rows)
    target = write_release(
        tmp_path / ("out" if number % 2 else "外 <release>"),
        files,
        facts,
        verdict(),
        WriteOptions(key=key, now=NOW),
    )
    found = check(target, *([key] if key else []))
    assert found.problems == ()
    assert found.signed is (key is not None)
    assert check(target).signature is (SignatureStatus.UNKNOWN if key else SignatureStatus.UNSIGNED)
