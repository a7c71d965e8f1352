"""Derive from a schema what the two parts of its histories hold: customers and events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from privgan.domain.regions import columns_of
from privgan.errors import InternalError
from privgan.parts.number_classes import NumberClasses
from privgan.parts.part import Part, public
from privgan.privacy.budget import PrivacyUnit
from privgan.schema.columns import Column, Discrete, Kind, Numeric
from privgan.schema.constraints import AtMost, Constraint, WhenThen
from privgan.schema.history import HistoryFacts
from privgan.schema.schema import Schema, choose_target
from privgan.schema.tasks import ranked_by

CUSTOMERS, EVENTS = "customers", "events"
# Shares of the model's budget, tried on CDNOW alone; the rest measures single columns of the rows,
# for the report.
SHARES = {CUSTOMERS: 0.35, EVENTS: 0.6}
_SEVERAL = 2
# With more columns of its own an event does not look at the one before: pairs would cost too much.
_MOST_REMEMBERED = 6
_STEP_DECIMALS, _MEAN_DECIMALS = 3, 1
# Up to so many events, and events that are left, each number is a class by itself.
_COUNTS_ALONE, _LEFTS_ALONE, _MOST_LEFT = 10, 4, 9
# An event looks at coarser classes of its customer's number of events.
_COARSE_ALONE, _MOST_COARSE, _COARSE_WIDTH = 4, 40, 0.5


@dataclass(frozen=True)
class HistoryForm:
    """The views of a schema's histories, and the names of their columns.

    Args:
        schema: The public facts, with a history and no open column.
        usual_told: Whether a customer's row tells usual values although an event looks at the one
            before; it did in 0.5.
    """

    schema: Schema
    usual_told: bool = False

    @classmethod
    def with_customers(cls, schema: Schema, columns: Collection[str]) -> HistoryForm:
        """The form of this or an earlier version whose customers' part has some columns."""
        earlier = cls(schema, usual_told=True)
        return earlier if set(earlier.customers.schema.names) == set(columns) else cls(schema)

    @property
    def facts(self) -> HistoryFacts:
        """The order and the history, as the schema states them."""
        if self.schema.history is None:
            raise InternalError("the schema has no history")
        return self.schema.history

    @cached_property
    def order(self) -> Column:
        """The column that orders a customer's rows."""
        return self.schema.column(self.facts.order)

    @cached_property
    def constants(self) -> tuple[Column, ...]:
        """The columns that hold one value for all rows of a customer."""
        return tuple(part for part in self.schema.modelled if part.name in self.facts.constant)

    @cached_property
    def own(self) -> tuple[Column, ...]:
        """The columns of an event by itself, its place in time left out."""
        left_out = {self.order.name, *self.facts.constant}
        return tuple(part for part in self.schema.modelled if part.name not in left_out)

    @cached_property
    def numbers(self) -> tuple[Numeric, ...]:
        """The numeric ones of an event's own columns."""
        return tuple(part for part in self.own if isinstance(part, Numeric))

    @cached_property
    def averaged(self) -> tuple[Numeric, ...]:
        """The numeric ones of which a customer's row tells the mean."""
        return self.numbers

    @cached_property
    def spreads(self) -> tuple[Numeric, ...]:
        """The numeric ones of which it is modelled how much they vary within a customer."""
        return tuple(part for part in self.numbers if part.name in self.facts.spread)

    @cached_property
    def classes(self) -> tuple[Discrete, ...]:
        """The discrete ones of an event's own columns."""
        return tuple(part for part in self.own if isinstance(part, Discrete))

    @cached_property
    def usuals(self) -> tuple[Discrete, ...]:
        """The discrete ones of which a customer's row tells the most frequent value.

        None where an event looks at the one before: with both, pairs of columns say twice that a
        value comes again, and all customers drift to what is usual in most.
        """
        return self.classes if self.usual_told or not self.remembered else ()

    @property
    def alike(self) -> tuple[str, ...]:
        """Names of the columns in which two events that exchange their numbers are equal."""
        return tuple(part.name for part in (*self.constants, *self.classes))

    @property
    def is_told_alone(self) -> bool:
        """Whether a customer's summaries tell all of an event that is its only one."""
        return len(self.averaged) + len(self.usuals) == len(self.own)

    @property
    def lenders(self) -> dict[str, tuple[str, str]]:
        """By column of the rows the part and column whose codes it has."""
        of_events = {part.name: (EVENTS, part.name) for part in (self.order, *self.own)}
        return of_events | {part.name: (CUSTOMERS, part.name) for part in self.constants}

    @cached_property
    def remembered(self) -> tuple[Column, ...]:
        """The own columns of which an event looks at the value of the event before."""
        known = (*self.numbers, *self.classes)
        return known if len(self.own) <= _MOST_REMEMBERED else ()

    @cached_property
    def counts(self) -> NumberClasses:
        """Classes of the number of a customer's events."""
        return NumberClasses(1, _COUNTS_ALONE, self.facts.longest)

    @cached_property
    def coarse_counts(self) -> NumberClasses:
        """Classes of that number as an event looks at it."""
        most = min(_MOST_COARSE, self.facts.longest)
        return NumberClasses(1, _COARSE_ALONE, most, _COARSE_WIDTH)

    @cached_property
    def lefts(self) -> NumberClasses:
        """Classes of the number of events that follow an event."""
        return NumberClasses(0, _LEFTS_ALONE, min(_MOST_LEFT, self.facts.longest - 1))

    @property
    def count(self) -> str:
        """Name of the number of a customer's events."""
        return self._free("number of events")

    @property
    def first(self) -> str:
        """Name of the first event's place in time."""
        return self._free("first")

    @property
    def last(self) -> str:
        """Name of the last event's place in time; missing where there is one event alone."""
        return self._free("last")

    @property
    def left(self) -> str:
        """Name of the number of events that follow an event."""
        return self._free("events left")

    @property
    def step(self) -> str:
        """Name of an event's step in time: 1 where it and all that follow are evenly spaced."""
        return self._free("step")

    @cached_property
    def step_column(self) -> Numeric:
        """The step, which is missing where it is determined."""
        return Numeric(
            name=self.step,
            kind=Kind.FLOAT,
            lower=0.0,
            upper=float(self.facts.longest),
            decimals=_STEP_DECIMALS,
            special_values=(0.0,),
            missing=True,
        )

    @property
    def deals(self) -> bool:
        """Whether numbers are dealt anew before events exchange them."""
        return False

    def mean(self, column: Column) -> str:
        """Name of a numeric column's mean over a customer's events."""
        return self._free(f"mean {column.name}")

    def spread(self, column: Column) -> str:
        """Name of a numeric column's standard deviation over a customer's events."""
        return self._free(f"spread {column.name}")

    def usual(self, column: Column) -> str:
        """Name of a discrete column's most frequent value of a customer's events."""
        return self._free(f"usual {column.name}")

    def before(self, column: Column) -> str:
        """Name of a column's value at the event before."""
        return self._free(f"{column.name} before")

    def _free(self, name: str) -> str:
        """A name that no column of the table has."""
        while name in self.schema.names:
            name += "*"
        return name

    @cached_property
    def customers(self) -> Part:
        """One row a customer: what is constant, and summaries of all of its events."""
        columns = (*map(public, self.constants), *self.summaries)
        one = PrivacyUnit(column=self.schema.unit.column)
        return Part(
            name=CUSTOMERS,
            schema=self._view(columns, one, self._customers_target(), self.rules),
            share=SHARES[CUSTOMERS],
        )

    @cached_property
    def events(self) -> Part:
        """A row for each event: context, the step in time, and the event's own columns."""
        lent = {name: (CUSTOMERS, name) for name in self.lent_by_customers}
        part = self._events(EVENTS, CUSTOMERS, lent)
        known = (name for name in part.context if name != self.order.name)
        drawn = (self.step, self.order.name, *(column.name for column in self.own))
        return replace(part, share=SHARES[EVENTS], chain=(*known, *drawn))

    def _events(self, name: str, parent: str, lent: Mapping[str, tuple[str, str]]) -> Part:
        """The part of the events, without its share.

        Args:
            name: The part's name.
            parent: The part of the customers.
            lent: By column that customers lend the part and column whose codes it has.
        """
        context = (*self.lent, *self._numbers(), public(self.order), *self._before())
        columns = (*context, self.step_column, *map(public, self.own))
        before = {self.before(part): (name, part.name) for part in self.remembered}
        return Part(
            name=name,
            schema=self._view(columns, self.schema.unit, self._events_target(), ()),
            context=tuple(part.name for part in context),
            parent=parent,
            share=0.0,
            least=_SEVERAL if self.is_told_alone else 1,
            borrowed={**lent, **before},
            ranked=ranked_by(self.schema.tasks),
        )

    @property
    def parts(self) -> tuple[Part, Part]:
        """Customers and events."""
        return self.customers, self.events

    def _view(
        self,
        columns: tuple[Column, ...],
        unit: PrivacyUnit,
        target: str,
        rules: tuple[Constraint, ...],
    ) -> Schema:
        return Schema(
            dataset=self.schema.dataset,
            unit=unit,
            columns=columns,
            target=target,
            constraints=rules,
        )

    def _customers_target(self) -> str:
        """The column that the customers' other columns are mainly to tell of."""
        target = self.schema.target
        return target if target in self.facts.constant else self.count

    def _events_target(self) -> str:
        """The own column of an event that its context is mainly to tell of."""
        names = {part.name for part in self.own}
        target = self.schema.target
        return target if target in names else choose_target(self.own) or self.step

    @property
    def rules(self) -> tuple[Constraint, ...]:
        """What a customer's row holds: the last event is not before the first."""
        count, last = f"'{self.count}'", f"'{self.last}'"
        return (
            AtMost(low=self.first, high=self.last),
            WhenThen(when=f"{count} = 1", then=f"{last} is missing"),
            WhenThen(when=f"{count} >= 2", then=f"{last} is not missing"),
            *(
                WhenThen(when=f"{count} = 1", then=f"'{self.spread(part)}' is missing")
                for part in self.spreads
            ),
            *(rule for rule in self.schema.constraints if self._is_of_constants(rule)),
        )

    def _is_of_constants(self, rule: Constraint) -> bool:
        return set(columns_of(rule, self.schema)) <= set(self.facts.constant)

    @cached_property
    def summaries(self) -> tuple[Column, ...]:
        """What a customer's row tells of its events."""
        return (
            Discrete(name=self.count, kind=Kind.ORDINAL, categories=self.counts.labels),
            replace(public(self.order), name=self.first),
            replace(public(self.order), name=self.last, missing=True),
            *map(self._mean, self.averaged),
            *map(self._spread, self.spreads),
            *map(self._usual, self.usuals),
        )

    @cached_property
    def lent(self) -> tuple[Column, ...]:
        """The columns of a customer that its events look at, but for their number."""
        others = {self.count, self.first, self.last}
        told = (part for part in self.summaries if part.name not in others)
        return (*map(public, self.constants), *told)

    @property
    def lent_by_customers(self) -> tuple[str, ...]:
        """Names of these columns."""
        return tuple(part.name for part in self.lent)

    def _mean(self, column: Numeric) -> Column:
        return Numeric(
            name=self.mean(column),
            kind=Kind.FLOAT,
            lower=column.lower,
            upper=column.upper,
            decimals=mean_decimals(column),
            missing=column.missing or bool(column.special_values),
        )

    def _spread(self, column: Numeric) -> Column:
        return Numeric(
            name=self.spread(column),
            kind=Kind.FLOAT,
            lower=0.0,
            upper=(column.upper - column.lower) / 2,  # Half of the values at either bound.
            decimals=mean_decimals(column),
            missing=True,
        )

    def _usual(self, column: Discrete) -> Column:
        return replace(public(column), name=self.usual(column))

    def _numbers(self) -> tuple[Column, ...]:
        named = ((self.count, self.coarse_counts), (self.left, self.lefts))
        return tuple(
            Discrete(name=name, kind=Kind.ORDINAL, categories=found.labels) for name, found in named
        )

    def _before(self) -> tuple[Column, ...]:
        return tuple(
            replace(public(part), name=self.before(part), missing=True) for part in self.remembered
        )


def mean_decimals(column: Numeric) -> int:
    """Digits of a column's means: of cents no more, so that their cells are the column's own."""
    return max(column.decimals, _MEAN_DECIMALS)
