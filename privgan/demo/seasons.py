"""Measure time as the shop does: busy months, weekdays and hours count for more.

An order rate is constant in shop time. One unit is an average day. Days count from the launch.

>>> round(float(shop_time(365) - shop_time(0)))
365
"""

from __future__ import annotations

from functools import cache

import numpy

from privgan.demo import order_parameters as q
from privgan.demo import parameters as p
from privgan.demo.network import Codes, Table

LAUNCH = numpy.datetime64(p.LAUNCH_DATE)
TODAY = int((numpy.datetime64(p.REFERENCE_DATE) - LAUNCH).astype(int))  # day of reference
MONTHS = 12
_HOURS = 24
_MINUTES = 60
_MONDAY = 3  # 1970-01-01, day 0 of numpy's calendar, was a Thursday


@cache
def day_factors() -> Table:
    """Factor of each day from the launch to the reference date [days]: month times weekday."""
    days = LAUNCH + numpy.arange(TODAY + 1)
    weekday = (days.astype(int) + _MONDAY) % len(q.WEEKDAY_FACTOR)
    factors: Table = (
        numpy.array(q.MONTH_FACTOR)[month_of(days)] * numpy.array(q.WEEKDAY_FACTOR)[weekday]
    )
    return factors


def shop_time(day: Codes | int) -> Table:
    """Shop time at the start of each day."""
    start: Table = _clock()[_HOURS * numpy.asarray(day)]
    return start


def moments(time: Table) -> Codes:
    """Calendar moments of shop times, to the minute, as ``datetime64[m]``."""
    hours = numpy.interp(time, _clock(), numpy.arange(len(_clock())))
    moment: Codes = LAUNCH.astype("datetime64[m]") + (_MINUTES * hours).astype(numpy.int64)
    return moment


def month_of(moment: Codes) -> Codes:
    """Month of each moment, 0 for January."""
    month: Codes = moment.astype("datetime64[M]").astype(numpy.int64) % MONTHS
    return month


def month_starts() -> Codes:
    """First day of each month from the launch on, and the day after the last [months + 1]."""
    first, last = LAUNCH.astype("datetime64[M]"), numpy.datetime64(p.REFERENCE_DATE, "M")
    starts = numpy.arange(first, last + 1).astype("datetime64[D]")
    return numpy.append((starts - LAUNCH).astype(numpy.int64), TODAY + 1)


@cache
def _clock() -> Table:
    """Shop time at the start of each hour, and at the end of the last [hours + 1]."""
    pace = numpy.outer(day_factors(), q.HOUR_SHARE).ravel()
    return numpy.concatenate([[0.0], numpy.cumsum(pace)])
