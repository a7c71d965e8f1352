"""Forgeries of meaning: files match their hashes, but contradict each other."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from privgan.files.limits import MOST_JSON_PARTS
from privgan.release import verify_release
from privgan.release.manifest import FileEntry
from privgan.release.signing.keys import SigningKey
from privgan.release.signing.signature import SIGNATURE_NAME, sign_manifest, signature_file
from privgan.release.signing.trust import make_trust
from privgan.release.verification.released import FIRST_DAYS, MADE_AGAIN, MODEL, Released
from privgan.release.verification.verify import Verification
from privgan.release.versions import versions
from tests.example.making import EXAMPLE
from tests.release.forging import Forgery, Lie, forge, older, put
from tests.thinning import some

RELEASE = EXAMPLE / "release"
FIRST_DAY = FIRST_DAYS[versions()["privgan"]]
DAY_BEFORE = (FIRST_DAY - dt.timedelta(days=1)).isoformat()
PAGE = "report.html: is not what"
UNIT = "one customer_id with its row"


def reported(*path: Any, to: Any) -> Lie:
    """A lie in the report's data alone, from which all its forms are made."""
    return lambda f: put(f.data, *path, to=to)


def stated(*path: Any, to: Any) -> Lie:
    """A lie in the manifest, which the report repeats."""
    return lambda f: f.both(lambda m: put(m, *path, to=to))


def modelled(*path: Any, to: Any) -> Lie:
    """A lie in ``model.json``."""
    return lambda f: put(f.model, *path, to=to)


def judged(fact: str, /, **changes: Any) -> Lie:
    """Another outcome of a gate, under a policy that privgan does not ship."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["policy"].update(name="own")
        outcome = next(found for found in manifest["policy"]["outcomes"] if found["fact"] == fact)
        outcome.update(changes)

    return lambda f: f.both(change)


def stepped(place: int, **changes: Any) -> Lie:
    """The same lie about a step in the plan and in the accounting."""

    def change(manifest: dict[str, Any]) -> None:
        for step in (manifest["plan"]["stages"][0]["steps"][place], manifest["accounting"][place]):
            step.update(changes)

    return lambda f: f.both(change)


def rows(change: Callable[[Any], Any], *, text: bool = True) -> Lie:
    """Other rows in Parquet, and in the CSV file unless that is kept."""

    def lie(f: Forgery) -> None:
        frame = f.frame()
        changed = change(frame)
        f.rows(frame if changed is None else changed, text=text)

    return lie


def cell(column: str, value: Any, row: int = 3) -> Callable[[Any], Any]:
    """One cell of the table."""

    def change(frame: Any) -> None:
        frame.loc[row, column] = value

    return change


def lines(change: Callable[[list[str]], Any]) -> Lie:
    """Other lines of the CSV file."""

    def lie(f: Forgery) -> None:
        found = f.content("synthetic.csv").decode().splitlines(keepends=True)
        change(found)
        f.touched["synthetic.csv"] = "".join(found).encode()

    return lie


def weights(change: Callable[[dict[str, np.ndarray]], Any]) -> Lie:
    """Other weights."""
    return lambda f: f.tensors(change)


def swapped(values: list[Any], first: int, second: int) -> None:
    values[first], values[second] = values[second], values[first]


def without_report(f: Forgery) -> None:
    f.touched["report.json"] = b""
    f.left_out.append("report.json")
    del f.manifest["files"]["report.json"]
    f.touched["report.html"] = f.touched["report.html"].replace(b"\xce\xb5 = 3", b"\xce\xb5 = 0.3")


def several(*lies: Lie) -> Lie:
    return lambda f: [lie(f) for lie in lies]


def rendered_text(name: str, old: str, new: str, count: int = -1) -> Lie:
    return lambda f: f.replace(name, old, new, count)


def first_break(f: Forgery) -> Any:
    return next(
        name
        for name, shape in zip(f.model["columns"], f.data["shapes"], strict=True)
        if len(shape["noisy"]) > 3
    )


def merged(f: Forgery) -> None:
    f.model["columns"]["gender"]["code_of"] = [0] * len(f.model["columns"]["gender"]["code_of"])


def split(f: Forgery) -> None:
    shares = f.model["frequencies"][0]
    shares[0], shares[1] = shares[0] + 0.2, shares[1] + 0.2


def created(change: Callable[[str], str]) -> Lie:
    """Another moment, everywhere."""
    return lambda f: f.both(lambda m: m.update(created=change(m["created"])))


OUT = "network.out.weight"
CODEBOOK = ("codebook.latents", "codebook.conditions", "network.offsets")
# What is told, and a part of what must be said about it.
REPORTED: dict[str, tuple[Lie, str]] = {
    "reach in the report": (
        reported("reach", "certainty", to=0.51),
        "the accounting at reach.certainty",
    ),
    "no reach in the report": (reported("reach", to=None), "the accounting at reach"),
    "no relations in the report": (
        lambda f: f.data.pop("relations"),
        "does not say what the noisy marginals tell",
    ),
    "place of a bin in the report": (
        reported("shapes", 0, "intervals", 0, to=[0.0, 1.0]),
        "shapes[0].intervals",
    ),
    "no places in the report": (reported("shapes", 0, "intervals", to=None), "shapes[0].intervals"),
    "uncorrected associations": (
        reported("trends", "corrected", to=False),
        "not corrected for chance",
    ),
    "epsilon of 0.3 in the report": (
        reported("release", "guarantee", "epsilon", to=0.3),
        "release.guarantee.epsilon",
    ),
    "delta in the report": (
        reported("release", "guarantee", "delta", to=1e-9),
        "release.guarantee.delta",
    ),
    "unit in the report": (
        reported("release", "guarantee", "unit", to="one household"),
        "release.guarantee.unit",
    ),
    "relation in the report": (
        reported("release", "guarantee", "neighbouring_relation", to="swap"),
        "neighbouring_relation",
    ),
    "rows of a customer in the report": (
        reported("release", "guarantee", "max_rows_per_unit", to=9),
        "max_rows_per_unit",
    ),
    "assumed facts in the report": (
        reported("release", "guarantee", "conditional_facts", to=["age.lower"]),
        "conditional_facts",
    ),
    "total in the report": (
        reported("release", "guarantee", "dataset_total", "runs", to=2),
        "dataset_total.runs",
    ),
    "promises in the report": (
        lambda f: f.data["release"]["guarantee"]["not_promised"].pop(),
        "release.guarantee.not_promised",
    ),
    "canaries in the report": (
        reported("release", "canaries", "probability", to=0.5),
        "canaries.probability",
    ),
    "recipient in the report": (
        reported("release", "context", "recipient", to="Anybody"),
        "context.recipient",
    ),
    "expiry in the report": (
        reported("release", "context", "expiry", to="2999-01-01"),
        "context.expiry",
    ),
    "day in the report": (
        reported("release", "created", to="2026-11-01T00:00:00Z"),
        "release.created",
    ),
    "head of the ledger in the report": (
        reported("release", "ledger", "head", to="0" * 64),
        "ledger.head",
    ),
    "plan in the report": (reported("release", "plan", "rows", to=90_000), "release.plan.rows"),
    "accounting in the report": (
        reported("release", "accounting", 0, "epsilon", to=0.001),
        "accounting[0].epsilon",
    ),
    "policy's name in the report": (reported("policy", "name", to="public-release"), "policy.name"),
    "outcome in the report": (
        reported("policy", "outcomes", 0, "threshold", to=3),
        "outcomes[0].threshold",
    ),
    "hash of the policy in the report": (reported("policy", "hash", to="0" * 64), "policy.hash"),
    "role in the report": (
        reported("schema", "columns", 3, "role", to="other"),
        "schema.columns[3].role",
    ),
    "bound in the report": (
        reported("schema", "columns", 3, "upper", to=200),
        "schema.columns[3].upper",
    ),
    "column less in the report": (lambda f: f.data["schema"]["columns"].pop(), "schema.columns"),
    "epsilon of a step in the report": (
        reported("steps", 0, "epsilon", to=0.001),
        "steps[0].epsilon",
    ),
    "noise of a step in the report": (reported("steps", 0, "noise", to=9e3), "steps[0].noise"),
    "step less in the report": (lambda f: f.data["steps"].pop(), "accounting at steps"),
    "epsilon of a kind in the report": (
        reported("groups", 0, "epsilon", to=0.01),
        "groups[0].epsilon",
    ),
    "count of a kind in the report": (reported("groups", 0, "count", to=1), "groups[0].count"),
    "noisy share in the report": (reported("shapes", 0, "noisy", 0, to=0.5), "shapes[0].noisy[0]"),
    "label in the report": (reported("shapes", 1, "labels", 0, to="robot"), "shapes[1].labels[0]"),
    "kind in the report": (reported("shapes", 0, "kind", to="float"), "shapes[0].kind"),
    "column less in the pictures": (lambda f: f.data["shapes"].pop(), "model at shapes"),
    "synthetic share in the report": (
        reported("shapes", 0, "synthetic", 0, to=0.5),
        "synthetic shares of 'age'",
    ),
    "association in the report": (
        reported("trends", "synthetic", 1, 0, to=0.9),
        "associations of the synthetic table",
    ),
    "columns of the associations": (
        lambda f: swapped(f.data["trends"]["columns"], 0, 1),
        "modelled columns",
    ),
    "no associations": (reported("trends", to=None), "holds no associations"),
    "rows in the report": (reported("rows", to=20_000), "says 20000 rows"),
}

# Told after the report was made: its forms and sections are those of the truth.
WRITTEN: dict[str, tuple[Lie, str]] = {
    "epsilon in a section": (
        rendered_text("report.json", '"ε = 3"', '"ε = 0.3"'),
        "section 'answer'",
    ),
    "title": (
        rendered_text("report.json", '"title": "Synthetic', '"title": "Anonymous'),
        "its title",
    ),
    "promise in a section": (
        rendered_text(
            "report.json", "Timing, power and other side channels", "Nothing but side channels", 2
        ),
        "not_promised",
    ),
    "order of sections": (
        lambda f: (
            f.report.update(sections=f.report["sections"][::-1]),
            f.touched.pop("report.json"),
        ),
        "order of its sections",
    ),
    "section less": (
        lambda f: (f.report["sections"].pop(), f.touched.pop("report.json")),
        "order of its sections",
    ),
    "epsilon of 0.3 on the page": (rendered_text("report.html", "ε = 3", "ε = 0.3"), PAGE),
    "unit on the page": (rendered_text("report.html", "its row", "its household"), PAGE),
    "hidden on the page": (
        rendered_text("report.html", "</style>", ".note{display:none}</style>", 1),
        PAGE,
    ),
    "bar on the page": (rendered_text("report.html", 'class="ref"', 'class="syn"', 1), PAGE),
    "sentence more on the page": (
        rendered_text("report.html", "</footer>", "<p>Anonymous.</p></footer>"),
        PAGE,
    ),
    "epsilon in Markdown": (rendered_text("report.md", "ε = 3", "ε = 0.3"), "report.md: is not"),
    "sentence less in Markdown": (
        rendered_text("report.md", "- Timing, power", "- Nothing"),
        "report.md",
    ),
    "another language's page": (
        lambda f: (f.report.update(language="zh"), f.touched.pop("report.json")),
        "section 'answer'",
    ),
    "data left out": (without_report, "report.json: is missing"),
    "cell of the CSV file": (lines(lambda found: found.__setitem__(5, found[6])), "row 5 differs"),
    "row less in the CSV file": (lines(lambda found: found.pop()), "ends before row 2,000"),
    "row more in the CSV file": (lines(lambda found: found.append(found[-1])), "holds rows after"),
    "rows in another order": (lines(lambda found: swapped(found, 7, 8)), "row 7 differs"),
    "other line ends": (
        lines(
            lambda found: found.__setitem__(
                slice(None), [line.replace("\n", "\r\n") for line in found]
            )
        ),
        "not written as this privgan writes",
    ),
}

STATED: dict[str, tuple[Lie, str]] = {
    "another relation": (
        stated("guarantee", "neighbouring_relation", to="swap"),
        "guarantee's neighbouring relation",
    ),
    "another relation in the plan": (
        stated("plan", "neighbouring_relation", to="swap"),
        "plan's neighbouring relation",
    ),
    "canary probability": (stated("canaries", "probability", to=0.1), "and the plan's is 0.2"),
    "canary probability beyond all": (
        several(
            stated("canaries", "probability", to=0.9), stated("plan", "canary_probability", to=0.9)
        ),
        "can be 0 to 0.5",
    ),
    "canary probability of another plan": (
        several(
            stated("canaries", "probability", to=0.1), stated("plan", "canary_probability", to=0.1)
        ),
        "is not the one that",
    ),
    "commitment": (stated("canaries", "commitment", to="none"), "the canaries' commitment"),
    "head of the ledger": (stated("ledger", "head", to="trust me"), "ledger.head is"),
    "total of one run": (
        stated("guarantee", "dataset_total", "delta", to=1e-5),
        "total delta after one run",
    ),
    "version of the accountant": (
        stated("guarantee", "accountant", "version", to="9.9"),
        "and the versions say",
    ),
    "no version of Python": (stated("versions", "python", to=""), "which python made it"),
    "promise less": (
        lambda f: f.both(lambda m: m["guarantee"]["not_promised"].pop()),
        "not promised is not what",
    ),
    "retention": (stated("retention", to="Nothing is kept."), "retention of what stays inside"),
    "expiry before the review": (
        lambda f: f.both(lambda m: m["context"].update(review_date="2999-01-01")),
        "expiry is before context.review_date",
    ),
    "ten million rows": (
        several(stated("plan", "rows", to=10**7), stated("plan", "declared_rows", to=10**7)),
        "whole customers could leave",
    ),
    "more rows": (
        several(stated("plan", "rows", to=40_000), stated("plan", "declared_rows", to=40_000)),
        "is not the one that",
    ),
    "other declared rows": (stated("plan", "declared_rows", to=30_000), "30000 are declared"),
    "several rows a customer": (
        stated("plan", "rows_of_each", to=[0.5, 0.5]),
        "of at most 1 rows each",
    ),
    "stage of another name": (
        lambda f: f.both(
            lambda m: (
                m["plan"]["stages"][0].update(name="x"),
                [s.update(stage="x") for s in m["accounting"]],
            )
        ),
        "its stages are",
    ),
    "plan of another form": (stated("plan", "format", to="privgan.plan/0"), "its format is"),
    "plan of another schema": (
        stated("plan", "schema_fingerprint", to="ab" * 32),
        "made for another schema",
    ),
    "cells": (
        several(
            stated("plan", "settings", "marginals", "max_cells", to=999),
            modelled("max_cells", to=999),
        ),
        "max_cells",
    ),
    "effort": (stated("plan", "effort", to="none"), "cannot be made"),
    "share of the marginals": (stated("plan", "marginal_share", to=0.5), "is not the one that"),
    "bound of the audit": (stated("plan", "audit", "bound", to="a guess"), "plan: is not the one"),
    "critic that never was": (
        lambda f: f.both(lambda m: m["plan"]["settings"].update(critic={"steps": 1})),
        "do not both have a critic",
    ),
    "DP-SGD that was not planned": (
        lambda f: f.both(lambda m: m.update(dp_sgd="unused")),
        "what the manifest says of DP-SGD",
    ),
    "plan that resumes": (stated("plan", "resumable", to=True), "cannot be made"),
    "kind of a step": (stepped(0, kind="free look"), "which no plan has"),
    "name of a step": (stepped(0, name="cells:income"), "is not the one that"),
    "expected error": (stepped(0, expected_error=1e-9), "is not the one that"),
    "noise of a choice": (lambda f: stepped(choice(f), noise=1e6)(f), "and its event has"),
    "rows that were never judged": (judged("synthetic.rows", value=20_000), "has the explanation"),
    "rows judged in words too": (
        judged(
            "synthetic.rows",
            value=20_000,
            explanation="synthetic.rows is 20000, at least 1 as asked.",
        ),
        "the policy judged 20000",
    ),
    "unit that is not declared": (
        judged("guarantee.unit_declared", value=False, threshold=False),
        "judged as False",
    ),
    "explanation": (judged("guarantee.epsilon", explanation="Harmless."), "has the explanation"),
    "condition": (judged("guarantee.epsilon", condition="at most 1"), "has the condition"),
    "columns that break a gate": (
        judged("schema.columns[role=identifier]", columns={"role": ["other"]}),
        "about other columns than it says",
    ),
    "gate on columns that others break": (
        judged(
            "schema.columns[role=identifier]",
            columns={"role": ["sensitive"]},
            fact="schema.columns[role=sensitive]",
        ),
        "columns of the schema",
    ),
    "fact of no kind": (
        judged("ledger.total_epsilon", fact="ledger.total_trust"),
        "no fact that this privgan knows",
    ),
    "fact that never leaves": (
        judged("synthetic.rows", fact="ledger.attempts"),
        "a fact that never leaves",
    ),
    "distance beyond 1": (judged("synthetic.rows", fact="noisy.tvd1"), "which it can never be"),
    "total that was not judged": (
        judged("ledger.total_epsilon", fact="ledger.total_delta"),
        "own facts give 1e-06",
    ),
    "recipient that was not judged": (
        judged("context.recipient", value="Anybody"),
        "the policy judged",
    ),
    "context that nobody gave": (
        judged("context.recipient", fact="context.responsible"),
        "context does not state it",
    ),
    "statement": (
        modelled("guarantee", "statement", to="ε = 0.3 for one customer"),
        "model.json: states",
    ),
    "relation of the model": (
        modelled("guarantee", "neighbouring_relation", to="swap"),
        "claims the neighbouring relation",
    ),
    "rows of the model": (modelled("rows", to=10), "rows is 10"),
    "rows of each of the model": (modelled("rows_of_each", to=[0.5, 0.5]), "rows_of_each is"),
    "cells of the model": (modelled("max_cells", to=100), "max_cells is 100"),
    "width of the model": (modelled("width", to=64), "width is 64"),
    "form of the model": (modelled("format", to="privgan.model/0"), "its format is"),
    "column less in the model": (lambda f: f.model["columns"].popitem(), "encoder is not of"),
    "codes that were never measured": (merged, "the plan does not merge them"),
    "codes with gaps": (
        lambda f: f.model["columns"]["gender"]["code_of"].__setitem__(0, 77),
        "not numbered without gaps",
    ),
    "shares within a code": (
        modelled("columns", "age", "within", 0, to=5.0),
        "within a code do not add up",
    ),
    "noisy shares": (split, "do not add up to 1"),
    "noisy shares that add up": (
        lambda f: swapped(f.model["frequencies"][0], 0, 5),
        "shapes[0].noisy",
    ),
    "noisy shares of too few codes": (
        lambda f: f.model["frequencies"][0].pop(),
        "noisy shares and",
    ),
    "entries of the codebook": (
        weights(lambda t: t.update({name: t[name][:400] for name in CODEBOOK})),
        "entries of the codebook",
    ),
    "shape of a weight": (
        weights(lambda t: t.update({"network.out.bias": t["network.out.bias"][:-1]})),
        "have not the shapes",
    ),
    "weight that is no number": (
        weights(lambda t: t["network.out.bias"].__setitem__(0, np.nan)),
        "no finite number",
    ),
    "condition of no column": (
        weights(lambda t: t["codebook.conditions"].__setitem__((0, 0), 99)),
        "of no column",
    ),
    "created without a zone's sign": (
        created(lambda text: text.replace("+00:00", "Z")),
        "whole seconds of UTC",
    ),
    "created to a millionth": (
        created(lambda text: text.replace("+", ".5+")),
        "whole seconds of UTC",
    ),
    "created before its version": (
        created(lambda text: DAY_BEFORE + text[10:]),
        f"is there since {FIRST_DAY} only",
    ),
    "created before every version": (
        created(lambda text: "1999-01-01" + text[10:]),
        "is there since",
    ),
    "created next year": (created(lambda text: "2999-01-01" + text[10:]), "later than now"),
    "Python of old": (stated("versions", "python", to="1.0"), "python is '1.0', and privgan"),
    "Python that is none": (
        stated("versions", "python", to="snake"),
        "python 'snake' is no version",
    ),
    "numpy of old": (stated("versions", "numpy", to="0.0.1"), "numpy is '0.0.1', and privgan"),
    "torch to come": (stated("versions", "torch", to="99.0"), "torch is '99.0', and privgan"),
    "opendp that is none": (stated("versions", "opendp", to="the best"), "is no version"),
    "text of the context without end": (
        stated("context", "recipient", to="x" * 501),
        "context: $.recipient",
    ),
    "text of the context that is empty": (
        stated("context", "purpose", to=" "),
        "context: $.purpose",
    ),
    "text of the context with a space": (
        stated("context", "purpose", to="churn "),
        "begins or ends with a space",
    ),
    "effort that another plan has": (
        stated("plan", "effort", to="thorough"),
        "is not the one that",
    ),
    "fitting steps": (
        stated("plan", "settings", "generator", "network_steps", to=9_999),
        "network_steps",
    ),
    "half precision": (weights(lambda t: t.update({OUT: t[OUT].astype(np.float16)})), "is of F16"),
    "double precision": (
        weights(lambda t: t.update({OUT: t[OUT].astype(np.float64)})),
        "is of F64",
    ),
    "conditions of 32 bits": (
        weights(lambda t: t.update({CODEBOOK[1]: t[CODEBOOK[1]].astype(np.int32)})),
        "is of I32",
    ),
    "infinite weight": (weights(lambda t: t[OUT].__setitem__((0, 0), np.inf)), "no finite number"),
    "latents of nothing": (weights(lambda t: t[CODEBOOK[0]].fill(0)), "holds zeros alone"),
    "categories that changed places": (
        lambda f: swapped(f.model["columns"]["gender"]["code_of"], 0, 1),
        "not in the order of its cells",
    ),
    "intervals that changed places": (
        lambda f: swapped(f.model["columns"]["age"]["code_of"], 3, 40),
        "not in the order of its cells",
    ),
    "a fraction of a code": (
        lambda f: put(f.model, "columns", "gender", "code_of", 0, to=0.5),
        "whole numbers, and nine decimals",
    ),
    "a share as a text": (
        lambda f: put(f.model, "columns", "gender", "within", 0, to="1.0"),
        "whole numbers, and nine decimals",
    ),
    "a text beside the codes": (
        lambda f: f.model["columns"]["gender"].update(within=[1.0, 1.0, 1.0000000000000002]),
        "whole numbers, and nine decimals",
    ),
    "shares within a code by a little": (
        lambda f: put(f.model, "columns", "gender", "within", 0, to=1.0001),
        "within a code do not add up",
    ),
    "noisy shares by a little": (
        lambda f: f.model["frequencies"][1].__setitem__(0, f.model["frequencies"][1][0] + 1e-6),
        "do not add up to 1",
    ),
    "digits beyond those of a share": (
        lambda f: f.model["frequencies"][1].__setitem__(0, f.model["frequencies"][1][0] + 1e-13),
        "with nine decimals",
    ),
    "Parquet alone": (rows(cell("age", 44), text=False), "synthetic.csv: row 4 differs"),
    "age beyond its bounds": (rows(cell("age", 999)), "is outside"),
    "unknown category": (rows(cell("gender", "robot")), "none of its"),
    "missing where none may be": (rows(cell("gender", None)), "missing where none may be"),
    "name that is not invented": (rows(cell("name", "Ada Lovelace")), "none that is invented"),
    "identifier that is not invented": (rows(cell("customer_id", "K-7")), "none that is invented"),
    "identifier of a real customer": (
        rows(cell("customer_id", "S00471108")),
        "another serial number",
    ),
    "text written as an identifier": (
        rows(cell("customer_id", f"S{int.from_bytes(b'Ada Lovelace')}")),
        "another serial number",
    ),
    "text written into an address": (
        rows(cell("email", f"lee.ash.{int.from_bytes(b'Ada Lovelace')}@example.com")),
        "another serial number",
    ),
    "customer with the number of another": (
        rows(lambda t: cell("customer_id", t.loc[4, "customer_id"])(t)),
        "another serial number",
    ),
    "customer with two rows": (
        rows(
            lambda t: t.__setitem__(
                "customer_id", t["customer_id"].shift(1, fill_value="S00000001")
            )
        ),
        "stands in 2 rows",
    ),
    "decimals": (rows(cell("spend_12m", 1.23456)), "decimals"),
    "moment before all": (
        rows(cell("sign_up_date", np.datetime64("1900-01-01"))),
        "a moment is outside",
    ),
    "other values": (
        rows(lambda t: t.update({"gender": t["gender"].iloc[::-1].to_numpy()})),
        "associations of the synthetic",
    ),
    "row less": (rows(lambda t: t.iloc[:-1]), "has 1,999 rows"),
}


def choice(f: Forgery) -> int:
    steps = f.manifest["accounting"]
    return next(place for place, step in enumerate(steps) if step["name"] == "choice:1")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    if not RELEASE.is_dir():
        pytest.skip("reports/example is not there; 'make example' makes it")
    return shutil.copytree(RELEASE, tmp_path / "release")


def problems(release: Path) -> str:
    found = verify_release(release)
    assert found.ok == (not found.problems)
    return "\n".join(found.problems)


@pytest.mark.parametrize("kind", some([*REPORTED, *STATED], 20))
def test_a_lie_that_every_form_repeats_shows(release: Path, kind: str) -> None:
    lie, told = (REPORTED | STATED)[kind]
    forge(release, lie)
    assert told in problems(release)


@pytest.mark.parametrize("kind", some(WRITTEN, 12))
def test_a_lie_in_one_file_shows(release: Path, kind: str) -> None:
    lie, told = WRITTEN[kind]
    forge(release, lie, rendered=False)
    assert told in problems(release)


def test_what_is_written_again_without_a_lie_raises_no_alarm(release: Path) -> None:
    forge(release, lambda _: None)
    assert problems(release) == ""
    assert verify_release(release).notes == ()


def in_section(old: str, new: str) -> Lie:
    """Another text in the report's sections and in every form of it."""
    return lambda f: f.replace_shown(old, new)


def files(**changed: Callable[[bytes], bytes]) -> Lie:
    """Files changed by hand, by their names without dots."""
    names = {"schema": "schema.yaml", "parquet": "synthetic.parquet"}
    return lambda f: f.touched.update(
        {names[key]: change(f.content(names[key])) for key, change in changed.items()}
    )


def with_bytes_beside(content: bytes) -> bytes:
    """Foreign bytes between a Parquet file's columns and its footer, which no reader looks at."""
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:-footer] + b"REAL CUSTOMER: Ada Lovelace" + content[-footer:]


def with_other_largest_age(content: bytes) -> bytes:
    """Statistics that say that nobody is older than 20, so that readers skip all who are."""
    table = pq.read_table(io.BytesIO(content))
    largest = max(table["age"].to_pylist())
    footer = int.from_bytes(content[-8:-4], "little") + 8
    old, new = (value.to_bytes(8, "little") for value in (largest, 20))
    assert old in content[-footer:]
    return content[:-footer] + content[-footer:].replace(old, new)


BESIDE: dict[str, tuple[Lie, str]] = {
    "a claim in a comment of the schema": (
        files(schema=lambda text: b"# epsilon = 0.01, anonymous\n" + text),
        "holds more than its facts",
    ),
    "bytes beside the columns": (files(parquet=with_bytes_beside), "belong to none of its columns"),
    "largest age": (
        files(parquet=with_other_largest_age),
        "other smallest and largest values of column 'age'",
    ),
    "width of the network": (
        lambda f: f.both(lambda m: m["plan"]["settings"]["generator"].update(width=6000)),
        "plan: is not the one",
    ),
    "accountant of another name": (
        lambda f: f.both(lambda m: m["guarantee"]["accountant"].update(name="NIST")),
        "and is dp-accounting",
    ),
    "accountant that is exact": (
        lambda f: f.both(
            lambda m: m["guarantee"]["accountant"].update(
                version=m["guarantee"]["accountant"]["version"] + " exact"
            )
        ),
        "and is dp-accounting",
    ),
    "one accountant less": (
        lambda f: f.both(lambda m: m["guarantee"]["accountant"].update(epsilon_rdp=None)),
        "not given by both",
    ),
    "versions of others": (
        lambda f: f.both(lambda m: m["versions"].update({"audited by": "NIST"})),
        "versions: are of",
    ),
    "made in a hundred years": (
        lambda f: f.both(lambda m: m.update(created="2126-01-01T00:00:00+00:00")),
        "later than now",
    ),
    "many runs for the price of one": (
        lambda f: f.both(lambda m: m["guarantee"]["dataset_total"].update(runs=50)),
        "which this run alone has",
    ),
}


@pytest.mark.parametrize("kind", some(BESIDE, 9))
def test_what_stands_beside_the_figures_is_no_place_for_a_claim(release: Path, kind: str) -> None:
    lie, told = BESIDE[kind]
    forge(release, lie)
    assert told in problems(release)


@pytest.mark.parametrize(
    "name", some(["schema.yaml", "report.json", "synthetic.parquet", "model/model.json"])
)
def test_to_leave_a_file_out_is_no_way_around(release: Path, name: str) -> None:
    def less(f: Forgery) -> None:
        f.left_out.append(name)
        f.manifest["files"].pop(name, None)

    forge(release, less)
    assert "is missing" in problems(release)


# Told of a release that says that another version made it, so that its report need not be made
# again.
OLDER: dict[str, tuple[Lie, str]] = {
    "epsilon of 0.3 everywhere in the report": (in_section("ε = 3", "ε = 0.3"), "0.3"),
    "delta everywhere in the report": (
        in_section("10⁻⁶", "10⁻⁹"),
        "which its data do not give there",
    ),
    "unit everywhere in the report": (in_section("its row", "its rows (at most 9)"), "shows '9'"),
    "another unit in the report": (in_section(UNIT, "one row"), "protected"),
    "epsilon on the page": (
        rendered_text("report.html", "ε = 3", "ε = 0.3"),
        "report.html: does not show",
    ),
    "epsilon in Markdown": (
        rendered_text("report.md", "ε = 3", "ε = 0.3"),
        "report.md: does not show",
    ),
    "claim more on the page": (
        rendered_text("report.html", "</footer>", "<p>In truth ε = 0.3 at most.</p></footer>"),
        "which is not in its JSON",
    ),
    "sentence more on the page": (
        rendered_text("report.html", "</footer>", f"<p>{'Nobody can be found. ' * 4}</p></footer>"),
        "which is not in its JSON",
    ),
    "claim more in Markdown": (
        lambda f: f.touched.update(
            {"report.md": f.touched["report.md"] + "\nIn truth ε = 0.3\n".encode()}
        ),
        "which is not in its JSON",
    ),
    "hidden on the page": (
        rendered_text("report.html", "</style>", ".note{display:none}</style>", 1),
        "may hide",
    ),
    "moved on the page": (
        rendered_text("report.html", "<footer", '<footer style="position:fixed"', 1),
        "may hide or move",
    ),
    "text of the style": (
        rendered_text("report.html", "</style>", ".n::after{content:'x'}</style>", 1),
        "may hide",
    ),
    "promise less everywhere": (
        lambda f: [
            f.replace(f"report.{form}", "Timing, power", "Nothing") for form in ("html", "md")
        ],
        "does not show",
    ),
    "figure in a section": (in_section("95.3 %", "50.3 %"), "which its data do not give there"),
    "figure on the page": (
        rendered_text("report.html", "95.3\u00a0%", "50.3\u00a0%"),
        "does not show",
    ),
    "section less": (
        lambda f: (
            f.report["sections"].pop(2),
            f.touched.update({"report.json": json.dumps(f.report).encode()}),
        ),
        "lack the answer",
    ),
    "label on the page": (
        rendered_text("report.html", 'aria-label="', 'aria-label="ε = 0.3 ', 1),
        "which is not in its JSON",
    ),
    "data left out": (without_report, "states ε = '0.3'"),
}
OLDER_STATED: dict[str, tuple[Lie, str]] = {
    kind: (REPORTED | STATED)[kind]
    for kind in (
        "epsilon of 0.3 in the report",
        "unit in the report",
        "noisy share in the report",
        "synthetic share in the report",
        "another relation",
        "ten million rows",
        "noise of a choice",
        "weight that is no number",
        "age beyond its bounds",
        "association in the report",
    )
} | {
    "statement": (
        modelled("guarantee", "statement", to=f"ε = 0.3 for {UNIT}"),
        "model.json: states",
    ),
    "unit of the statement": (
        lambda f: put(
            f.model,
            "guarantee",
            "statement",
            to=f.model["guarantee"]["statement"].replace(UNIT, "one row"),
        ),
        "model.json: states",
    ),
    "figure of an explanation": (
        judged("guarantee.epsilon", explanation="guarantee.epsilon is 0.25."),
        "has the explanation",
    ),
}


@pytest.mark.parametrize("kind", some([*OLDER, *OLDER_STATED, "nothing"], 10))
def test_to_claim_another_version_is_no_way_around(release: Path, kind: str) -> None:
    """Nobody vouches for words that this privgan cannot make again."""
    if kind in OLDER:
        older(release, after=OLDER[kind][0])
    else:
        older(release, OLDER_STATED.get(kind, (lambda _: None, ""))[0])
    found = verify_release(release)
    assert not found.ok
    assert any("cannot make again" in problem for problem in found.problems)


def vouched(release: Path) -> Verification:
    """What a check finds with the key of who signed the release."""
    key, content = SigningKey.generate(), (release / "manifest.json").read_bytes()
    manifest = json.loads(content)
    moment = dt.datetime.fromisoformat(manifest["created"])
    signed = sign_manifest(key, manifest["release_id"], content, now=moment)
    (release / SIGNATURE_NAME).write_bytes(signature_file([signed]))
    return verify_release(release, now=moment, trust=make_trust([key.public]))


@pytest.mark.parametrize("kind", some(OLDER_STATED, 10))
def test_a_signer_of_another_version_is_held_to_the_figures(release: Path, kind: str) -> None:
    lie, told = OLDER_STATED[kind]
    older(release, lie)
    assert told in "\n".join(vouched(release).problems)


@pytest.mark.slow
def test_a_release_of_another_version_that_a_believed_key_signed_raises_no_alarm(
    release: Path,
) -> None:
    """Its words are its signer's.

    What it means is compared, and its table may be quoted otherwise.
    """

    def quoted(f: Forgery) -> None:
        found = csv.reader(f.content("synthetic.csv").decode().splitlines())
        text = "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in found)
        f.touched["synthetic.csv"] = text.encode()

    older(release, quoted, after=lambda f: f.replace("report.html", "Timing, power", "Time, power"))
    found = vouched(release)
    assert found.problems == ()
    assert any("its plan and its report were not made again" in note for note in found.notes)


def test_there_are_many_lies() -> None:
    assert len({**REPORTED, **WRITTEN, **STATED, **OLDER}) >= 120


def test_every_version_that_is_made_again_has_a_first_day() -> None:
    """Whoever numbers a new version adds its day, or a moment before it would pass."""
    assert set(FIRST_DAYS) == MADE_AGAIN


def test_a_model_of_as_many_categories_as_the_limits_allow_is_read(tmp_path: Path) -> None:
    """It was held to the parts of a manifest, which 100,000 categories have."""
    content = json.dumps({"frequencies": [0] * (MOST_JSON_PARTS["manifest.json"] + 1)}).encode()
    (tmp_path / "model").mkdir()
    (tmp_path / MODEL).write_bytes(content)
    entry = FileEntry(
        sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), source="measured"
    )
    stated: Any = SimpleNamespace(files={MODEL: entry})
    assert Released(tmp_path, stated).model == json.loads(content)
