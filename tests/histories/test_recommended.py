"""A customer's next event: told by the last one and by what is constant, of the model alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from privgan.domain.cells import cells_of
from privgan.domain.encoding import Encoder, identity_code
from privgan.errors import TableError, UsageError
from privgan.generator.frozen_network import FrozenNetwork
from privgan.generator.mixture import Mixture
from privgan.generator.part_model import PartModel
from privgan.parts.history_form import HistoryForm
from privgan.parts.part import Part
from privgan.pipeline.recommending import recommend
from privgan.schema.schema import Schema
from privgan.synthesizer import Synthesizer
from privgan.table.schema_file import parse_schema
from tests.constrained import random_network, said_guarantee
from tests.histories.purchases import SCHEMA

_CELLS = 8
PAST = pd.DataFrame(
    {
        "customer": ["c2", "c1", "c1", "c2", "c3"],
        "day": ["2024-05-01", "2024-03-02", "2024-02-01", "2024-04-01", "2024-06-01"],
        "segment": ["gold", "basic", "basic", "gold", "gold"],
        "channel": ["web", "shop", "app", "shop", "web"],
        "amount": [10.0, 20.0, 30.0, 40.0, 10.0],
    }
)


@dataclass(frozen=True, kw_only=True)
class FixedPart(PartModel):
    """A part whose distribution is given."""

    fixed: Mixture

    @property
    def distribution(self) -> Mixture:
        """The given mixture."""
        return self.fixed


def _part(part: Part, seed: int) -> FixedPart:
    rng = np.random.default_rng(seed)
    encoder = Encoder(
        tuple(identity_code(cells_of(column, _CELLS)) for column in part.schema.columns)
    )
    fixed = Mixture([rng.dirichlet(np.full(size, 0.4), 9) for size in encoder.sizes])
    return FixedPart(
        part=part,
        encoder=encoder,
        model=None,  # type: ignore[arg-type]
        frequencies=(),
        max_cells=_CELLS,
        rows=100,
        fixed=fixed,
    )


def _model(schema: Schema | None = None) -> Synthesizer:
    schema = schema or parse_schema(SCHEMA)
    parts = tuple(_part(part, seed) for seed, part in enumerate(HistoryForm(schema).parts))
    return Synthesizer(
        schema=schema,
        encoder=Encoder(()),
        model=None,
        frequencies=(),
        max_cells=_CELLS,
        rows=100,
        rows_of_each=(1.0,),
        guarantee=said_guarantee(),
        parts=parts,
    )


def _told(model: Synthesizer, past: pd.DataFrame, **more: bool) -> pd.DataFrame:
    found = recommend(model, past, "channel", 3, **more)
    assert found.exact
    return found.frame.pivot(index="customer", columns="value", values="probability").fillna(0.0)


def _expected(model: Synthesizer, known: dict[str, object]) -> np.ndarray:
    """Bayes' rule by the events' own tables: entries by what is known, then the channel."""
    events = model.parts[1]
    assert isinstance(events, FixedPart)
    weights = np.ones(events.fixed.entries)
    for name, value in known.items():
        place = events.encoder.names.index(name)
        code = events.encoder.columns[place].encode(pd.Series([value]))[0]
        weights = weights * events.fixed.probabilities[place][:, code]
    shares = events.fixed.probabilities[events.encoder.names.index("channel")]
    found: np.ndarray = weights @ shares / weights.sum()
    return found


def test_the_last_event_and_what_is_constant_tell_the_next() -> None:
    model = _model()
    told = _told(model, PAST)
    for customer, segment, channel, amount in (
        ("c1", "basic", "shop", 20.0),
        ("c2", "gold", "web", 10.0),
    ):
        known = {"segment": segment, "channel before": channel, "amount before": amount}
        expected = _expected(model, known)
        assert np.abs(told.loc[customer, ["shop", "web", "app"]] - expected).max() < 1e-6
    assert told.loc["c2"].equals(told.loc["c3"].rename("c2")), "the last event alone tells"


def test_rows_in_any_order_and_unknown_columns() -> None:
    model = _model()
    told = _told(model, PAST)
    mixed = _told(model, PAST.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(told, mixed)
    expected = _expected(model, {"channel before": "web"})
    alone = _told(model, PAST[["customer", "day", "channel"]])
    assert np.abs(alone.loc["c2", ["shop", "web", "app"]] - expected).max() < 1e-6
    nothing = _told(model, PAST[["customer", "day"]])
    assert np.abs(nothing.loc["c1", ["shop", "web", "app"]] - _expected(model, {})).max() < 1e-6


def test_what_the_past_holds_is_left_out_where_that_is_asked() -> None:
    model = _model()
    told, new = _told(model, PAST), _told(model, PAST, new=True)
    assert new.loc["c1", "web"] == 1.0
    assert new.loc["c2", "app"] == 1.0
    rest = told.loc["c3", ["shop", "app"]]
    assert np.allclose(new.loc["c3", ["shop", "app"]], rest / rest.sum(), atol=1e-6)
    assert new.loc["c3", "web"] == 0.0


def test_where_events_do_not_look_back_the_past_stands_for_means_and_usual_values() -> None:
    """With more than six columns of its own an event looks at its customer alone."""
    more = "".join(f"  - {{name: x{number}, kind: boolean}}\n" for number in range(6))
    model = _model(parse_schema(SCHEMA.rstrip("\n") + "\n" + more))
    told = _told(model, PAST)
    known = {"segment": "gold", "usual channel": "shop", "mean amount": 25.0}
    expected = _expected(model, known)
    assert np.abs(told.loc["c2", ["shop", "web", "app"]] - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("past", "column", "error", "told"),
    [
        (PAST, "segment", UsageError, "'segment' is constant within a customer"),
        (PAST, "customer", UsageError, "'customer' is invented and not modelled"),
        (PAST, "amount", UsageError, "'amount' is float; allowed: categorical"),
        (PAST.drop(columns="day"), "channel", UsageError, "'day', which orders them, is not there"),
        (PAST.drop(columns="customer"), "channel", UsageError, "which says whose each event is"),
        (PAST.assign(chanel="web"), "channel", UsageError, "no column 'chanel'; did you mean"),
        (PAST.assign(day=["2024-01-01", None] * 2 + [None]), "channel", UsageError, "rows 2, 4, 5"),
        (PAST.assign(channel="fax"), "channel", TableError, "profile: the profiles do not fit"),
        (PAST.iloc[:0], "channel", TableError, "the table has no rows"),
    ],
)
def test_bad_input(past: pd.DataFrame, column: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told) as found:
        recommend(_model(), past, column, 3)
    assert found.value.exit_code == 2  # type: ignore[attr-defined]


def test_a_network_of_events_is_refused() -> None:
    model = _model()
    customers, events = model.parts
    network = FrozenNetwork.of(random_network(events.encoder.sizes))
    drawn = replace(
        model,
        parts=(
            customers,
            PartModel(
                part=events.part,
                encoder=events.encoder,
                model=network,
                frequencies=(),
                max_cells=_CELLS,
                rows=100,
            ),
        ),
    )
    with pytest.raises(UsageError, match="a network draws the events of this model"):
        recommend(drawn, PAST, "channel", 3)
