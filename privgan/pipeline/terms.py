"""On what terms a run is made, told before anything else: who is protected, what is predicted, what is taken for granted."""

from __future__ import annotations

from privgan.table.columns import Source
from privgan.table.schema import Schema
from privgan.table.targets import choose_target

_SHOWN = 12


def terms(schema: Schema) -> tuple[str, ...]:
    """The terms in lines; a function of the schema alone."""
    return f"protected: {schema.unit}", f"target: {_target(schema)}", f"assumed public: {_assumed(schema)}"


def _target(schema: Schema) -> str:
    if schema.target is not None:
        return schema.target
    chosen = choose_target(schema.modelled)
    return "none, no column can be predicted" if chosen is None else f"{chosen}, by the fixed rule; the schema names none"


def _assumed(schema: Schema) -> str:
    """The facts that the guarantee is conditional on."""
    facts = schema.facts_from(Source.ASSUMED_PUBLIC)
    if not facts:
        return "no fact; what the schema declares is taken as publicly known"
    more = f" and {len(facts) - _SHOWN} more" if len(facts) > _SHOWN else ""
    return f"{len(facts)} fact{'s' * (len(facts) != 1)}, every ε is conditional on them: {', '.join(facts[:_SHOWN])}{more}"
