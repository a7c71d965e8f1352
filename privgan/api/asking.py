"""What a fit is asked for, checked argument by argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from privgan.api.budget import AskedBudget, Rates
from privgan.api.inputs import PathLike, chosen, context_of, number, policy_of, schema_of, whole
from privgan.domain.predicates import Predicate, parse_predicates
from privgan.errors import UsageError
from privgan.files.documents import did_you_mean, shown
from privgan.naming import parameter
from privgan.pipeline.request import RunRequest
from privgan.pipeline.run import Judging, plan_for
from privgan.pipeline.run import schema_of as schema_asked
from privgan.planning.planner import MINIMUM_ROWS
from privgan.policy.context import Context
from privgan.policy.policy import Policy
from privgan.privacy.budget import PrivacyBudget
from privgan.schema.schema import Schema

EFFORTS, ON_VIOLATION = ("quick", "standard", "thorough"), ("refuse", "clamp")
GENERATORS = ("auto", "mixture", "network", "gan")
LARGEST_SEED = 2**63 - 1
_MAY_BE_LEFT_OUT = frozenset(
    {"rows", "public_rows", "canary_probability", "dp_sgd_share", "target"}
)
SchemaLike = Schema | PathLike | Mapping[str, Any]


class FitOptions(TypedDict, total=False):
    """What a fit can be asked for beside table and schema; ``Synthesizer`` describes each."""

    epsilon: float | None
    delta: float | None
    max_attack_advantage: float | None
    max_tpr: Rates | None
    public_rows: int | None
    rows: int | None
    effort: str
    seed: int
    target: str | None
    on_violation: str
    generator: str
    dp_sgd_share: float | None
    canary_probability: float | None
    resumable: bool


def asked_request(schema: SchemaLike, options: FitOptions) -> RunRequest:
    """The request of a fit, still without its table.

    Args:
        schema: A Schema, the path of a schema file, its YAML text, or a dictionary.
        options: What is asked for.

    Raises:
        UsageError: when an argument means nothing; it is named.
        DocumentError: when the schema is wrong, with every mistake.
    """
    given: dict[str, Any] = {**options}
    ways = ("epsilon", "delta", "max_attack_advantage", "max_tpr")
    budget = AskedBudget(**{way: given.pop(way, None) for way in ways})
    checked: dict[str, Any] = {name: _checked(name, value) for name, value in given.items()}
    request = RunRequest(
        table=None, schema=schema_of(schema), budget=PrivacyBudget(epsilon=1.0), **checked
    )
    facts = schema_asked(request)
    return replace(
        request, budget=budget.budget(lambda tried: plan_for(replace(request, budget=tried), facts))
    )


def _checked(name: str, value: Any) -> Any:
    if name not in FitOptions.__annotations__:
        near = did_you_mean(name, list(FitOptions.__annotations__))
        raise UsageError(f"{shown(name)} is no parameter of a fit{near}")
    if value is None and name in _MAY_BE_LEFT_OUT:
        return None
    if name in {"rows", "public_rows"}:
        return whole(name, value, least=MINIMUM_ROWS if name == "public_rows" else 1)
    if name == "seed":
        return whole(name, value, least=0, most=LARGEST_SEED)
    if name in {"dp_sgd_share", "canary_probability"}:
        return number(name, value)
    choices = {"effort": EFFORTS, "generator": GENERATORS, "on_violation": ON_VIOLATION}
    return chosen(name, value, choices[name]) if name in choices else value


def judging_beforehand(
    policy: Policy | PathLike | None, context: Context | PathLike | None, waivers: PathLike | None
) -> Judging | None:
    """How a fit is judged before anything is charged; None where no policy is given."""
    if policy is None:
        if context is not None or waivers is not None:
            told = (
                f"{parameter('context')} and {parameter('waivers')} go with {parameter('policy')}"
            )
            raise UsageError(f"{told}: without one nothing is judged")
        return None
    return Judging(policy=policy_of(policy, waivers), context=context_of(context))


def conditions_of(where: str | None, schema: Schema) -> tuple[Predicate, ...]:
    """The predicates that a text states; none where none is given."""
    if where is None:
        return ()
    if not isinstance(where, str):
        raise UsageError(
            f"{parameter('where')} is {shown(where)}; give text such as 'segment = gold'"
        )
    return parse_predicates(where, schema)
