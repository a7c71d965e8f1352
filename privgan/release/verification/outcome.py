"""Check the policy of a release and recompute the outcomes of its public gates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from privgan.errors import UsageError
from privgan.metric import Exposure
from privgan.policy.column_gates import ColumnComparison, ColumnGate
from privgan.policy.facts import FactValue, fact_vocabulary
from privgan.policy.policy import UNWAIVABLE, Comparison, Gate, Policy, Scope, Threshold, Waiver
from privgan.policy.policy_file import load_policy, shipped_policies
from privgan.policy.schema_facts import column_facts, schema_facts
from privgan.policy.verdict import GateStatus, Outcome
from privgan.release.manifest import Manifest
from privgan.release.marginal_files import cells_of_each
from privgan.release.stated_policy import StatedOutcome, StatedPolicy, StatedWaiver
from privgan.release.table_files import MARGINALS
from privgan.release.verification.consistency import stated_facts
from privgan.release.verification.integrity import shown
from privgan.release.verification.numbers_in_text import numbers_in
from privgan.release.verification.released import SCHEMA, Released
from privgan.schema.schema import Schema

_COMPARISONS = frozenset(Comparison)


def policy_problems(manifest: Manifest, given: Policy | None) -> Iterator[str]:
    """Compare a manifest's policy with the policy itself, and outcomes with their rules.

    Args:
        manifest: The manifest.
        given: The policy that the release must have been judged by; None to know shipped ones by
            their names alone.
    """
    stated = manifest.policy
    yield from _outcome_problems(stated, manifest.created)
    policy = given or shipped_policy(stated.name, stated.version)
    if policy is None:
        return
    named = shown(f"{policy.name} {policy.version}")
    if (policy.name, policy.version) != (stated.name, stated.version):
        found = shown(f"{stated.name} {stated.version}")
        yield f"policy: is {found}, and was to be {named}"
    elif not _is(policy, stated):
        yield f"policy: is called {named}, and is another one: its hash is not that policy's"
    elif not _follows(policy, stated):
        yield f"policy: the outcomes are not those of the public gates of {named}"


def _follows(policy: Policy, stated: StatedPolicy) -> bool:
    """Whether the outcomes are those of the policy's public gates, in order."""
    rules = [rule.to_json() for rule in policy.rules if rule.scope is Scope.PUBLIC]
    return len(rules) == len(stated.outcomes) and all(
        rule == {key: outcome.raw.get(key) for key in rule}
        for rule, outcome in zip(rules, stated.outcomes, strict=True)
    )


def shipped_policy(name: str, version: str) -> Policy | None:
    """The shipped policy of a name and version; None for an unknown one."""
    if name not in shipped_policies():
        return None
    policy = load_policy(name)
    return policy if policy.version == version else None


def check_impostor(name: str, version: str, fingerprint: str) -> None:
    """Check that a policy with a shipped policy's name and version equals it.

    A release under an impostor would not verify.

    Args:
        name: The policy's name.
        version: Its version.
        fingerprint: Its fingerprint without waivers.

    Raises:
        UsageError: It is such a policy.
    """
    shipped = shipped_policy(name, version)
    if shipped is not None and shipped.own_fingerprint() != fingerprint:
        raise UsageError(
            f"the policy calls itself {name} {version}, and is not the one that privgan ships under"
            " that name; give it a name or a version of its own"
        )


def _is(policy: Policy, stated: StatedPolicy) -> bool:
    """Whether a policy has the stated hash.

    With waivers, the hash covers those of its public gates.
    """
    return policy.own_fingerprint() == stated.own_hash and (
        not policy.waivers or policy.public_fingerprint() == stated.hash
    )


def _outcome_problems(stated: StatedPolicy, created: str) -> Iterator[str]:
    waived = False
    for outcome in stated.outcomes:
        fact = shown(outcome.fact)
        if outcome.status != GateStatus.PASS:
            waived = True
            yield from (
                f"policy: {fact} {problem}" for problem in _waiver_problems(outcome, created)
            )
        elif not _holds(outcome.comparison, outcome.threshold, outcome.value):
            condition = shown(f"{outcome.comparison} {outcome.threshold}")
            yield (
                f"policy: {fact} is {shown(outcome.value)}, which is not {condition}, and is said"
                " to pass"
            )
    if waived != (stated.public_checks == "passed with waivers"):
        yield "policy: whether public gates were waived is not what their outcomes say"
    if waived and stated.own_hash == stated.hash:
        yield "policy: a gate is said to be waived, and the policy's hash is that without waivers"


def _waiver_problems(outcome: StatedOutcome, created: str) -> Iterator[str]:
    waiver = outcome.waiver
    if outcome.fact in UNWAIVABLE:
        yield f"did not pass, and cannot be waived: {UNWAIVABLE[outcome.fact]}"
    if waiver is None:
        yield "did not pass, and nobody waived it"
        return
    try:
        ended = dt.date.fromisoformat(waiver.until) < dt.date.fromisoformat(created[:10])
    except ValueError:
        yield f"is waived until {shown(waiver.until)}, which is no day"
        return
    if ended:
        yield f"is waived until {shown(waiver.until)}, before the release was made"


def _holds(comparison: str, threshold: Any, value: Any) -> bool:
    """Whether a value passes; for a gate on columns, the number of columns that break it."""
    if comparison not in _COMPARISONS:
        return value == 0
    limit: Threshold = tuple(threshold) if isinstance(threshold, list) else threshold
    gate = Gate(
        fact="",
        comparison=Comparison(comparison),
        threshold=limit,
        scope=Scope.PUBLIC,
        reason="",
        advice="",
    )
    try:
        return gate.holds(value)
    except (TypeError, ValueError):
        return False


_Facts: TypeAlias = Mapping[str, FactValue]
_TEXTS = ("reason", "advice", "reason_zh", "advice_zh", "clause")
_COLUMN_COMPARISONS = frozenset(ColumnComparison)


def outcome_problems(released: Released) -> Iterator[str]:
    """Outcomes that differ from those of the release's own facts, a sentence each."""
    derived = _derived(released)
    for outcome in released.manifest.policy.outcomes:
        fact = shown(outcome.fact)
        if outcome.comparison in _COLUMN_COMPARISONS:
            found = _column_problems(outcome, released)
        else:
            found = _fact_problems(outcome, derived, released)
        yield from (f"policy: {fact} {problem}" for problem in found)
        if outcome.status == GateStatus.PASS and outcome.waiver:
            yield f"policy: {fact} passed, and is said to be waived"


def _derived(released: Released) -> dict[str, FactValue]:
    """Every fact that follows from schema, guarantee, context and day."""
    manifest = released.manifest
    context = manifest.context
    found: dict[str, FactValue] = {
        **stated_facts(manifest.guarantee),
        "accounting.complete": True,
        **{f"context.{name}": value for name, value in context.items()},
    }
    if released.holds(SCHEMA):
        found |= schema_facts(released.schema)
    if released.holds(MARGINALS):
        found["marginals.number"] = len(cells_of_each(released.marginals))
    made = dt.date.fromisoformat(manifest.created[:10])
    for fact, name in (
        ("context.not_expired", "expiry"),
        ("context.review_not_due", "next_review"),
    ):
        last = dt.date.fromisoformat(context[name]) if name in context else None
        # A release may be judged before midnight and written after it.
        if last is not None and last != made - dt.timedelta(days=1):
            found[fact] = made <= last
    return found


def _derived_problems(fact: str, value: Any, derived: _Facts) -> Iterator[str]:
    """Compare a judged value with the release's own facts."""
    if fact.startswith("context.") and fact not in derived and value is not None:
        yield f"is judged as {shown(value)}, and the context does not state it"
    elif fact in derived and value != derived[fact]:
        meant = shown(derived[fact])
        yield f"is judged as {shown(value)}, and the release's own facts give {meant}"


def _fact_problems(outcome: StatedOutcome, derived: _Facts, released: Released) -> Iterator[str]:
    fact, value = outcome.fact, outcome.value
    known = fact_vocabulary().get(fact)
    if known is None:
        if released.ours:
            yield "is no fact that this privgan knows"
    elif known.exposure is not Exposure.PUBLIC:
        yield "is a fact that never leaves, and its outcome did"
    elif value is not None:
        if not known.type.fits(value):
            yield f"is {shown(value)}, and must be a {known.type.value}"
            return
        yield from _bound_problems(value, known.minimum, known.maximum)
    yield from _derived_problems(fact, value, derived)
    yield from _text_problems(outcome, _gate(outcome), (), released)


def _bound_problems(value: Any, minimum: float | None, maximum: float | None) -> Iterator[str]:
    if isinstance(value, bool | str):
        return
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        yield f"is {shown(value)}, which it can never be"


def _column_problems(outcome: StatedOutcome, released: Released) -> Iterator[str]:
    gate = _column_gate(outcome)
    if gate.fact != outcome.fact:
        yield f"is about other columns than it says: {shown(gate.fact)}"
    schema: Schema | None = released.schema if released.holds(SCHEMA) else None
    breaking = gate.breaking(column_facts(schema)) if schema else ()
    if schema and outcome.value != len(breaking):
        told = f"is broken by {shown(outcome.value)} columns"
        yield f"{told}, and by {len(breaking)} columns of the schema"
    yield from _text_problems(outcome, gate, breaking, released)


def _text_problems(
    outcome: StatedOutcome, gate: Gate | ColumnGate, breaking: Sequence[str], released: Released
) -> Iterator[str]:
    """Compare condition and explanation with the rest of an outcome."""
    waiver = outcome.waiver
    meant = Outcome(
        gate=gate,
        status=GateStatus(outcome.status),
        value=outcome.value,
        breaking=tuple(breaking),
        waiver=_waiver(waiver) if waiver else None,
    ).to_json()
    for name, said in (("condition", outcome.condition), ("explanation", outcome.explanation)):
        if said == meant[name]:
            continue
        told = (*(str(part) for part in meant.values()), str(breaking))
        if released.ours or numbers_in(said) - numbers_in(" ".join(told)):
            yield f"has the {name} {shown(said)}, and its figures give {shown(meant[name])}"


def _waiver(stated: StatedWaiver) -> Waiver:
    until = dt.date.fromisoformat(stated.until)
    return Waiver(fact="", who=stated.who, why=stated.why, until=until)


def _gate(outcome: StatedOutcome) -> Gate:
    written = outcome.threshold
    threshold: Threshold = tuple(written) if isinstance(written, list) else written
    return Gate(
        fact=outcome.fact,
        comparison=Comparison(outcome.comparison),
        threshold=threshold,
        scope=Scope.PUBLIC,
        **_texts(outcome),
    )


def _column_gate(outcome: StatedOutcome) -> ColumnGate:
    chosen = outcome.raw["columns"]
    return ColumnGate(
        names=tuple(chosen.get("name", ())),
        roles=tuple(chosen.get("role", ())),
        kinds=tuple(chosen.get("kind", ())),
        comparison=ColumnComparison(outcome.comparison),
        threshold=outcome.threshold,
        **_texts(outcome),
    )


def _texts(outcome: StatedOutcome) -> dict[str, Any]:
    return {name: outcome.text(name) for name in _TEXTS}
