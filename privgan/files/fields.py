"""Declare the allow-list: the source of every field in every file of a release.

A field that is not declared cannot be written. Each declaration is a tree that follows the JSON
value. A mapping names its keys, ``Each`` stands for any public name, and a list for its items. A
leaf is the field's source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from privgan.errors import InternalError
from privgan.files.field_sources import Again, Declaration, Each, FieldSource, Stated

# How many wrong fields are looked for, and how much of their names is told.
_MOST_TOLD, _LONGEST_PATH = 100, 200

PUBLIC, MEASURED, SYNTHETIC, PROCESS = FieldSource
_FACT = Stated((PUBLIC, MEASURED))


def _named(source: FieldSource, names: str) -> dict[str, Declaration]:
    return dict.fromkeys(names.split(), source)


# Events hold the plan's parameters.
# They derive from the budget, the schema and the declared or noisy row count.
_EVENT: dict[str, Declaration] = {
    **_named(
        PUBLIC,
        "event epsilon sensitivity noise_multiplier noise_parameter sample_rate count delta"
        " standard_deviation",
    ),
    "of": Again(),
}
# Without a public row count, stage 2 is planned from the noisy one, which is paid for.
_STEP: dict[str, Declaration] = {
    **_named(PUBLIC, "name kind"),
    **_named(MEASURED, "noise expected_error"),
    "event": _EVENT,
}
_SETTINGS: dict[str, Declaration] = {
    "marginals": {
        **_named(
            PUBLIC,
            "max_codes largest_identity largest_marginal max_candidates widest choices_per_fit",
        ),
        **_named(PUBLIC, "largest_triple triple_cells"),
        **_named(MEASURED, "max_cells"),
    },
    "generator": {
        **_named(
            PUBLIC,
            "latent width entries fake_rows network_steps round_steps learning_rate"
            " offset_learning_rate",
        ),
        **_named(MEASURED, "final_steps"),
    },
    "network": {
        **_named(
            MEASURED,
            "steps sample_rate expected_batch_size noise_multiplier learning_rate"
            " checkpoint_interval",
        ),
        **_named(
            PUBLIC,
            "max_grad_norm width distil_steps distil_rows distil_learning_rate raking_rounds",
        ),
    },
    "critic": {
        **_named(
            MEASURED,
            "steps sample_rate expected_batch_size noise_multiplier learning_rate"
            " checkpoint_interval",
        ),
        **_named(
            PUBLIC,
            "max_grad_norm width steps_per_generator_step generator_learning_rate"
            " marginal_weight distil_steps distil_rows distil_learning_rate generator_steps"
            " generator_rows",
        ),
    },
}
_PLAN: dict[str, Declaration] = {
    **_named(
        PUBLIC,
        "format dataset schema_fingerprint unit neighbouring_relation epsilon delta declared_rows",
    ),
    **_named(PUBLIC, "canary_probability effort resumable"),
    **_named(MEASURED, "kind marginal_share rows rows_of_each"),
    "table_rows": Each(MEASURED),
    "audit": _named(PUBLIC, "score bound"),
    "stages": {
        **_named(PUBLIC, "name epsilon delta"),
        "steps": _STEP,
        "cost": _named(MEASURED, "epsilon delta epsilon_pld epsilon_rdp discovery_delta"),
    },
    "settings": _SETTINGS,
    "parts": {
        **_named(PUBLIC, "name share schema_fingerprint max_rows_per_unit"),
        **_named(MEASURED, "rows rows_of_each kind marginal_share"),
        "settings": _SETTINGS,
    },
}
_ACCOUNTING: dict[str, Declaration] = {**_STEP, "epsilon": MEASURED, "stage": PUBLIC}
# How a customer's row is made from its events: definitions, and nothing of the events.
_EVENTS: dict[str, Declaration] = {
    **_named(PUBLIC, "time cutoff without_customer"),
    "columns": _named(
        PUBLIC,
        "name kind missing missing_markers description categories labels decimals format zone",
    ),
}
_DEFINITION = _named(
    PUBLIC,
    "name count any distinct distinct_days sum mean min max first last days_between share top"
    " where days_before days_after description",
)
_FEATURES: dict[str, Declaration] = {"events": _EVENTS, "features": _DEFINITION}
_ABOUT: dict[str, Declaration] = {
    **_FEATURES,
    **_named(PROCESS, "format created release_id retention"),
    **_named(PUBLIC, "dataset schema_fingerprint"),
    "guarantee": {
        **_named(
            PUBLIC,
            "epsilon delta unit neighbouring_relation max_rows_per_unit conditional_facts"
            " conditional_text",
        ),
        "not_promised": PUBLIC,
        "accountant": {
            **_named(PROCESS, "name version"),
            **_named(MEASURED, "epsilon_pld epsilon_rdp"),
        },
        "dataset_total": _named(PROCESS, "epsilon delta runs"),
    },
    "plan": _PLAN,
    "accounting": _ACCOUNTING,
    "schema_sources": Each(Each(PUBLIC)),
    "context": {
        **_named(
            PROCESS,
            "reviewer purpose recipient expiry review_date next_review responsible incident_contact"
            " legal_basis",
        ),
        **_named(
            PROCESS,
            "agreement safeguards retention impact_assessment available_information threat_model",
        ),
        **_named(
            PROCESS,
            "transfer_basis expert expert_qualification method_report data_origin preparation"
            " assumptions",
        ),
        **_named(PROCESS, "suitability bias_examination known_gaps setting"),
    },
    "ledger": _named(PROCESS, "head"),
    "versions": Each(PROCESS),
    "canaries": _named(PUBLIC, "probability") | _named(PROCESS, "commitment"),
    "dp_sgd": MEASURED,
    "tables": {
        **_named(PUBLIC, "name key order"),
        "parent": _named(PUBLIC, "table column"),
        "rows": SYNTHETIC,
        "files": PROCESS,
    },
}
# Only outcomes of public gates may leave. Of internal gates, only that they passed.
_POLICY: dict[str, Declaration] = {
    **_named(PUBLIC, "name version purpose purpose_zh standard hash own_hash"),
    **_named(PROCESS, "status public_checks internal_checks"),
    "outcomes": {
        **_named(
            PUBLIC,
            "fact comparison threshold scope reason advice reason_zh advice_zh clause condition",
        ),
        **_named(PROCESS, "status value explanation"),
        "columns": _named(PUBLIC, "name role kind"),
        "waiver": _named(PROCESS, "who why until"),
    },
}
MANIFEST: Declaration = MappingProxyType(
    {
        **_ABOUT,
        "signer": PROCESS,
        "policy": _POLICY,
        "files": Each({**_named(PROCESS, "sha256 bytes"), "source": PUBLIC}),
    }
)
_SCHEMA_COLUMN: dict[str, Declaration] = {
    **_named(PUBLIC, "name kind role missing description pattern format decimals other"),
    **_named(PUBLIC, "missing_markers zone presence repeats"),
    **dict.fromkeys(("lower", "upper", "categories", "special_values"), _FACT),
}
_CONSTRAINT = _named(PUBLIC, "at_most below when then combinations allowed description")
_SCHEMA: dict[str, Declaration] = {
    **_named(PUBLIC, "dataset unit unit_source max_rows_per_unit target order"),
    **_named(PUBLIC, "missing_markers missing_markers_source"),
    "rare": _named(PUBLIC, "positive positives"),
    "constraints": _CONSTRAINT,
    "history": Each(PUBLIC),
    "tasks": {
        **_named(PUBLIC, "kind target positive treatment outcome treated clusters columns"),
        **_named(PUBLIC, "column new date period horizon"),
    },
    **_FEATURES,
}
_FILE_COLUMN: dict[str, Declaration] = {**_SCHEMA_COLUMN, "labels": PUBLIC, "source": Each(PUBLIC)}
_REPORT_COLUMN = {**_SCHEMA_COLUMN, "empty": PUBLIC, "sources": Each(PUBLIC)}
# A table among several: its keys and what it may hold are public facts, as of one table.
_RELATION: dict[str, Declaration] = {
    **_named(PUBLIC, "name key max_rows_per_unit longest without_parent order"),
    "history": Each(PUBLIC),  # True, or what spreads.
    "parent": _named(PUBLIC, "table column"),
    "constraints": _CONSTRAINT,
}
SCHEMA: Declaration = MappingProxyType(
    {
        **_SCHEMA,
        "format": PUBLIC,
        "target": Each(PUBLIC),  # A name, or what is known of a rare outcome.
        "columns": _FILE_COLUMN,
        "tables": {**_RELATION, "columns": _FILE_COLUMN},
    },
)
_MODEL: dict[str, Declaration] = {
    **_named(PUBLIC, "format width schema"),
    **_named(MEASURED, "max_cells"),
    **_named(MEASURED, "rows rows_of_each"),
    "guarantee": _named(
        PUBLIC,
        "epsilon delta unit max_rows_per_unit neighbouring_relation conditional_facts statement",
    ),
    "columns": Each(_named(MEASURED, "code_of within")),
    "frequencies": MEASURED,
}
# A mixture states its latent dimensions, a network that it is one.
MODEL: Declaration = MappingProxyType({**_MODEL, "latent": PUBLIC})
NETWORK_MODEL: Declaration = MappingProxyType({**_MODEL, "generator": PUBLIC})
# A table in parts states of each what a whole model states of itself.
_PART: dict[str, Declaration] = {
    **_named(MEASURED, "max_cells rows frequencies"),
    **_named(PUBLIC, "format width latent generator"),
    "columns": Each(_named(MEASURED, "code_of within")),
}
PARTS_MODEL: Declaration = MappingProxyType(
    {name: part for name, part in _MODEL.items() if name != "width"} | {"parts": Each(_PART)}
)
# Noisy marginals: what the count mechanisms gave out, and the public grid that they count on.
MARGINALS: Declaration = MappingProxyType(
    {
        **_named(PUBLIC, "format mechanism"),
        "counted": PUBLIC,
        "parts": {
            "name": PUBLIC,
            "columns": {**_named(PUBLIC, "name kind"), **_named(MEASURED, "cells code_of")},
            "marginals": {
                **_named(PUBLIC, "step columns counted sizes"),
                **_named(MEASURED, "noise groups"),
            },
        },
    }
)
_REPORT_STEP: dict[str, Declaration] = {
    **_named(PUBLIC, "name kind count mechanism"),
    **_named(MEASURED, "epsilon noise repeats rate expected_error"),
}
# What noisy marginals tell of a table, or of one of its parts, and the model beside it.
_RELATIONS: dict[str, Declaration] = {
    **_named(PUBLIC, "part target value"),
    "columns": {"column": PUBLIC, **_named(MEASURED, "noise codes weak")},
    "pairs": _named(MEASURED, "first second noise strength noise_share told"),
    "curves": _named(MEASURED, "column labels noisy noise")
    | _named(SYNTHETIC, "synthetic generator"),
}
REPORT: Declaration = MappingProxyType(
    {
        "release": _ABOUT,
        "policy": _POLICY,
        "schema": {
            **_SCHEMA,
            "columns": _REPORT_COLUMN,
            "root": PUBLIC,
            "tables": {**_RELATION, "columns": _REPORT_COLUMN},
        },
        "steps": _REPORT_STEP,
        "groups": _REPORT_STEP,
        "shapes": {
            **_named(PUBLIC, "column kind"),
            **_named(MEASURED, "labels noisy intervals"),
            "synthetic": SYNTHETIC,
        },
        "trends": {**_named(PUBLIC, "columns corrected"), "synthetic": SYNTHETIC},
        "reach": _named(PUBLIC, "certainty advantage hits curve"),
        "marginals": {
            **_named(PUBLIC, "kind number"),
            **_named(MEASURED, "cells least_noise most_noise"),
        },
        **dict.fromkeys(("relations", "relations_of_parts"), _RELATIONS),
        "rows": SYNTHETIC,
    }
)
# The report's own file: its data and their text, as private as the most private datum.
REPORT_FILE: Declaration = MappingProxyType(
    {
        **_named(PROCESS, "format kind language"),
        "title": PUBLIC,
        "data": REPORT,
        "sections": {
            **_named(PUBLIC, "name heading"),
            "blocks": {"kind": PUBLIC, **_named(MEASURED, "heading text items columns rows")},
        },
    }
)
# A Parquet file's only metadata: pyarrow's copy of the columns' names and types.
PARQUET_KEYS = frozenset({"ARROW:schema"})
# Names of tensors in model.safetensors; the generator's weights begin with ``network.``.
TENSORS: Mapping[str, FieldSource] = MappingProxyType(
    {"network.": MEASURED, "codebook.latents": PROCESS, "codebook.conditions": MEASURED}
)


def check_declared(what: str, value: Any, declaration: Declaration) -> None:
    """Check that every field of a value has a declared source.

    Args:
        what: The file's name, for the message.
        value: A JSON value.
        declaration: Where each of its fields comes from.

    Raises:
        InternalError: naming the fields, never their values.
    """
    wrong = (path for path, source in fields_of(value, declaration) if source is None)
    unknown = list(dict.fromkeys(path[:_LONGEST_PATH] for path in islice(wrong, _MOST_TOLD)))
    if unknown:
        raise InternalError(
            f"{what}: the fields {', '.join(unknown[:8])} have no declared source; "
            "a release is built only from what privgan/files/fields.py declares"
        )


def fields_of(
    value: Any, declaration: Declaration, path: str = ""
) -> Iterator[tuple[str, FieldSource | Stated | None]]:
    """Every field of a JSON value with its declared source, None for an undeclared one.

    Args:
        value: A JSON value.
        declaration: What is declared for it.
        path: Where it lies; ``*`` stands for any key, ``[]`` for any item.
    """
    yield from _fields(value, declaration, path, declaration)


def _fields(
    value: Any, declaration: Declaration, path: str, around: Declaration
) -> Iterator[tuple[str, FieldSource | Stated | None]]:
    declaration, path = _resolved(value, declaration, path, around)
    if isinstance(value, list | tuple):
        for item in value:
            yield from _fields(item, declaration, f"{path}[]", around)
    elif isinstance(declaration, FieldSource | Stated):
        yield path, None if isinstance(value, Mapping) else declaration
    elif isinstance(value, Mapping) and not isinstance(declaration, Again):
        for key, part in value.items():
            yield from _of_key(str(key), part, declaration, path)
    elif value is not None:
        yield path, None


def _resolved(
    value: Any, declaration: Declaration, path: str, around: Declaration
) -> tuple[Declaration, str]:
    """Replace ``Again`` by the declaration around, and ``Each`` by its part for a single value."""
    if isinstance(declaration, Again):
        declaration = around
    if isinstance(declaration, Each) and not isinstance(value, Mapping):
        return declaration.of, f"{path}.*"
    return declaration, path


def _of_key(
    key: str, part: Any, declaration: Each | Mapping[str, Declaration], path: str
) -> Iterator[tuple[str, FieldSource | Stated | None]]:
    if isinstance(declaration, Each):
        yield from _fields(part, declaration.of, f"{path}.*".lstrip("."), declaration)
    elif key in declaration:
        yield from _fields(part, declaration[key], f"{path}.{key}".lstrip("."), declaration)
    else:
        yield f"{path}.{key}".lstrip("."), None


def declared_fields(declaration: Declaration, path: str = "") -> Iterator[str]:
    """The path of every declared field, without marks for list items.

    An event inside an event counts once.
    """
    if isinstance(declaration, Each):
        yield from declared_fields(declaration.of, f"{path}.*".lstrip("."))
    elif isinstance(declaration, Mapping):
        for key, part in declaration.items():
            yield from declared_fields(part, f"{path}.{key}".lstrip("."))
    elif not isinstance(declaration, Again):
        yield path
