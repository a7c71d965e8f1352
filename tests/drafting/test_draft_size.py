"""A draft of a large table: a million rows and 40 columns, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROWS, COLUMNS = 1_000_000, 40
MOST_SECONDS, MOST_GIGABYTES = 60.0, 2.0
SCRIPT = """
import resource, sys, time
import numpy as np, pyarrow as pa, pyarrow.compute as pc, pyarrow.csv as csv

rng, rows, path = np.random.default_rng(0), int(sys.argv[1]), sys.argv[2]
text = lambda values: pc.cast(pa.array(values), pa.string())
moments = pa.array(1_500_000_000 + rng.integers(0, 10**8, rows)).cast(pa.timestamp("s"))
makes = [
    lambda: text(np.round(rng.normal(0, 500, rows), 4)),
    lambda: text(rng.integers(0, 10**6, rows)),
    lambda: text(rng.integers(0, 300, rows)),
    lambda: pc.strftime(moments, format="%d/%m/%Y %H:%M:%S"),
    lambda: pc.strftime(moments, format="%Y%m%d"),
    lambda: pc.binary_join_element_wise("$", text(np.round(rng.lognormal(5, 1, rows), 2)), ""),
    lambda: pc.binary_join_element_wise("C", text(rng.integers(10**6, 10**7, rows)), ""),
    lambda: pc.binary_join_element_wise(
        "note no.", text(rng.integers(0, 10**9, rows)), "of somebody", " "
    ),
]
columns = [f"c{place}" for place in range(int(sys.argv[3]))]
made = {name: makes[place % len(makes)]() for place, name in enumerate(columns)}
csv.write_csv(pa.table(made), path)
print(0)
"""
DRAFT = """
import resource, sys, time
import pyarrow as pa, pyarrow.csv as csv
from privgan.drafting.draft import draft_schema

names = [f"c{place}" for place in range(int(sys.argv[3]))]
types = dict.fromkeys(names, pa.string())
options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
drafted = draft_schema(csv.read_csv(sys.argv[2], convert_options=options), "d")
assert len(drafted.schema.columns) == len(names)
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
def test_a_million_rows_are_drafted_within_a_minute_and_two_gigabytes(tmp_path: object) -> None:
    """Seconds of the processor, so that a machine that is busy with other things fails nothing."""
    arguments = [str(ROWS), f"{tmp_path}/large.csv", str(COLUMNS)]
    for script in (SCRIPT, DRAFT):
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
        )
    seconds, gigabytes = map(float, done.stdout.split())
    assert seconds < MOST_SECONDS
    assert gigabytes < MOST_GIGABYTES
