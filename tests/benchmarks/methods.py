"""List the compared methods: privgan, its ablations and its peers, with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from privgan.errors import UsageError

HERE = Path(__file__).parent
OWN = "privgan"


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to make a synthetic table.

    Attributes:
        name: Its name in every table.
        environment: The environment that its driver runs in; ``privgan`` is the runner's own.
        driver: The driver's file in ``peers``.
        options: Further options of the driver.
        private: Whether it has an ε.
        reads_for_free: What it learns from the private rows without paying; empty where nothing is
            known.
        epsilon_ends_training: Whether ε does nothing but end one and the same training.
        optional: Whether its environment needs what no package index has; it is run where asked
            for by name.
    """

    name: str
    environment: str
    driver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    private: bool = True
    reads_for_free: str = ""
    epsilon_ends_training: bool = False
    optional: bool = False

    @property
    def own(self) -> bool:
        """Whether it is privgan, or an ablation of it."""
        return self.environment == OWN

    @property
    def peer(self) -> bool:
        """Whether it is a private peer: what privgan is measured against."""
        return self.private and not self.own


# What privgan's driver is asked for; `privgan` itself runs as planned. `privgan-marginals` is the
# mixture with the whole budget, as `--generator mixture` makes it.
ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "privgan": {},
    "privgan-marginals": {"marginal_share": 1.0},
    "privgan-hybrid": {"marginal_share": 0.5},
    "privgan-narrow": {"widest": 3},
    "privgan-critic": {"marginal_share": 0.1, "widest": 1},
    "privgan-control": {"marginal_share": 0.5, "dp_sgd_sees_rows": False},
    "privgan-distilled": {"marginal_share": 1.0, "distil": True},
    "privgan-network": {"kind": "network"},
    "privgan-network-alone": {"kind": "network", "marginal_share": 0.1, "widest": 1},
    "privgan-network-control": {"kind": "network", "dp_sgd_sees_rows": False},
    "privgan-gan": {"kind": "gan"},
    "privgan-gan-control": {"kind": "gan", "dp_sgd_sees_rows": False},
}

# Other splits of the network's budget, by the share of DP-SGD in hundredths.
SPLITS: Mapping[str, Mapping[str, Any]] = {
    f"privgan-network-{share}": {"kind": "network", "marginal_share": 1 - share / 100}
    for share in (30, 70)
}

# The planner's choices and what they are held against: each factor or shift changes one public
# function of the plan.
AS_PLANNED = "privgan"
CHOICES: Mapping[str, Mapping[str, float]] = {
    "privgan-codes-more": {"codes": 2.0},
    "privgan-codes-fewer": {"codes": 0.5},
    "privgan-triples-more": {"triples": 0.2},
    "privgan-triples-fewer": {"triples": -0.2},
    "privgan-target-more": {"target": 2.0},
    "privgan-target-none": {"target": 0.0},
}

_DPMM_FREE = "which columns have missing values and one value for them; columns with a single value"
_PEERS = (
    *(
        Method(
            name=f"dpmm-{name}",
            environment="dpmm",
            driver="dpmm_driver.py",
            options={"pipeline": name},
            reads_for_free=_DPMM_FREE,
        )
        for name in ("mst", "privbayes", "aim")
    ),
    Method(
        name="smartnoise-mst",
        environment="smartnoise",
        driver="smartnoise_driver.py",
        options={"synthesizer": "mst"},
    ),
    Method(
        name="smartnoise-mst-sample",
        environment="smartnoise",
        driver="smartnoise_driver.py",
        options={"synthesizer": "mst", "method": "sample"},
    ),
    Method(
        name="smartnoise-dpctgan",
        environment="smartnoise",
        driver="smartnoise_driver.py",
        options={"synthesizer": "dpctgan"},
        reads_for_free=(
            "the share of each category, and which rows have it, for its conditions; opacus warns"
            " of a wrong ε"
        ),
        epsilon_ends_training=True,
    ),
    *(
        Method(
            name=f"dpsynth-{mechanism}",
            environment="dpsynth",
            driver="dpsynth_driver.py",
            options={"mechanism": mechanism},
            optional=True,
        )
        for mechanism in ("aim-gdp", "swift")
    ),
    Method(
        name="tab-pe",
        environment="tab-pe",
        driver="tab_pe_driver.py",
        reads_for_free="the share of each value of the target",
        optional=True,
    ),
    Method(
        name="ctgan",
        environment="ctgan",
        driver="ctgan_driver.py",
        private=False,
        reads_for_free="everything: no privacy",
    ),
)


def _own(options_of: Mapping[str, Mapping[str, Any]]) -> dict[str, Method]:
    """Methods that privgan's driver makes, by their options."""
    return {
        name: Method(name=name, environment=OWN, driver="privgan_driver.py", options=options)
        for name, options in options_of.items()
    }


METHODS: Mapping[str, Method] = _own(ABLATIONS) | {method.name: method for method in _PEERS}
COMPARED = tuple(name for name, method in METHODS.items() if not method.optional)

STUDIED: Mapping[str, Method] = _own(
    {name: {"choices": dict(choices)} for name, choices in CHOICES.items()}
)

# A schema that says what its table is for.
USES: Mapping[str, Method] = _own(
    {
        "privgan-tasks": {"tasks": [{"kind": "response"}, {"kind": "scorecard"}]},
        "privgan-uplift": {"tasks": [{"kind": "uplift", "treatment": "mailed"}]},
    }
)

# Two samples of the truth: what no method can beat.
REAL_ROWS = "real-rows"
GATE: Mapping[str, Method] = {
    REAL_ROWS: Method(
        name=REAL_ROWS,
        environment=OWN,
        driver="real_rows_driver.py",
        private=False,
        reads_for_free="everything: it gives training rows back",
    )
} | _own(SPLITS)
IN_GATE = (
    REAL_ROWS,
    "privgan",
    "privgan-marginals",
    "privgan-distilled",
    "privgan-network",
    *SPLITS,
    "privgan-network-alone",
    "privgan-network-control",
    "privgan-gan",
)


def method_of(name: str) -> Method:
    """The method of a name.

    Raises:
        UsageError: when there is none.
    """
    found = {**METHODS, **STUDIED, **GATE, **USES}
    if name not in found:
        raise UsageError(f"method is {name!r}; allowed: {', '.join(found)}")
    return found[name]
