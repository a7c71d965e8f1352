"""Ways of reaching rows under other names than those of the doors."""

from __future__ import annotations

from tests.sabotage import checks, doors
from tests.sabotage.registry import Patch, variant

_AS_A_METHOD = """
def leak(self):
    return self._frame
PrivateTable.leak = leak
"""
_BY_A_PATTERN = """
def more(table):
    match table:
        case object(_frame=found):
            return found
"""


def _written_into(patch: Patch, module: str, code: str) -> None:
    patch.setitem(doors.SOURCES, module, f"{doors.SOURCES[module]}\n\n{code}\n")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "reporting.py.*holds TableAsRead")
def table_held_by_its_module(patch: Patch) -> None:
    """The report takes the table's type by its module, under another name."""
    code = (
        "import privgan.owner.owners_table as o\n\n\ndef more(x):\n    return o.TableAsRead.read(x)"
    )
    _written_into(patch, "pipeline/reporting.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "planner.py.*calls draft_schema")
def look_under_another_name(patch: Patch) -> None:
    """The planner drafts a schema by a name of its own."""
    code = "from privgan.drafting.draft import draft_schema as d\n\n\ndef more(x):\n    return d(x)"
    _written_into(patch, "planning/planner.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "planner.py.*calls draft_schema")
def look_by_its_module(patch: Patch) -> None:
    """The planner drafts a schema by the module that does."""
    _written_into(
        patch, "planning/planner.py", "def more(x):\n    return draft.draft_schema(x, 'd')"
    )


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "planner.py.*calls draft_related")
def look_at_related_tables(patch: Patch) -> None:
    """The planner drafts a schema of related tables, and so sees their keys and sizes."""
    code = "from privgan.drafting import related_draft as d\n\n\ndef more(x):\n"
    _written_into(patch, "planning/planner.py", f"{code}    return d.draft_related(x, 'shop')")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "run.py.*holds UndeclaredTables")
def tables_without_a_schema_in_a_run(patch: Patch) -> None:
    """A run holds tables that no schema was checked against."""
    code = "import privgan.owner.undeclared_tables as u\n\n\ndef more(x):\n"
    _written_into(patch, "pipeline/run.py", f"{code}    return u.UndeclaredTables.draft(x, 'shop')")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "reads as a method")
def function_as_a_method(patch: Patch) -> None:
    """A function reads the rows of the object that it is given to."""
    _written_into(patch, "pipeline/fitting.py", _AS_A_METHOD)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "makes a kind of PrivateTable")
def table_of_another_kind(patch: Patch) -> None:
    """A kind of private table gives its rows away."""
    _written_into(patch, "pipeline/fitting.py", "class Spy(private_table.PrivateTable):\n    pass")


@variant("L13, L33", checks.the_source_reads_rows_by_its_doors_only, "reads __getstate__")
def state_of_a_table(patch: Patch) -> None:
    """The fit keeps a table's state."""
    _written_into(patch, "pipeline/fitting.py", "def more(table):\n    return table.__getstate__()")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "names by a text")
def attribute_got_by_its_name(patch: Patch) -> None:
    """The audit's caller makes a function that reads the rows."""
    _written_into(patch, "pipeline/judging.py", "more = operator.attrgetter('_frame')")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "matches what a table holds")
def attribute_matched_by_a_pattern(patch: Patch) -> None:
    """A pattern takes the rows apart."""
    _written_into(patch, "pipeline/judging.py", _BY_A_PATTERN)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "takes the exit rows along")
def exit_taken_along(patch: Patch) -> None:
    """The fit hands the charged exit on, to be used elsewhere."""
    _written_into(patch, "pipeline/fitting.py", "def more(job):\n    return job.table.rows")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "scanning.py.*bare frame, in more")
def frame_handed_to_a_look_that_waits(patch: Patch) -> None:
    """An asynchronous look takes the rows as a frame."""
    code = "async def more(frame: pd.DataFrame) -> None:\n    return None"
    _written_into(patch, "pipeline/scanning.py", code)


@variant(
    "L13, L26", checks.the_source_reads_rows_by_its_doors_only, "network_fit.py.*holds Samples"
)
def samples_held_by_the_free_fit(patch: Patch) -> None:
    """What is free around the network's DP-SGD knows the type in which private codes travel."""
    code = "from privgan.owner.private_table import Samples"
    _written_into(patch, "generator/network_fit.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "private_training.py.*calls batch")
def batch_taken_beside_the_phase(patch: Patch) -> None:
    """Who starts DP-SGD takes a batch for itself."""
    code = "def more(samples):\n    return samples.batch(range(9))"
    _written_into(patch, "pipeline/private_training.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "run.py.*calls build_features")
def features_made_beside_the_door(patch: Patch) -> None:
    """The run makes features of events for itself."""
    code = "def more(x, y, z):\n    return building.build_features(x, y, z)"
    _written_into(patch, "pipeline/run.py", code)


@variant("L13, L31", checks.the_source_reads_rows_by_its_doors_only, "fitting.py.*read_profiles")
def profiles_read_by_a_fit(patch: Patch) -> None:
    """A fit takes rows as profiles, past every receipt."""
    code = (
        "from privgan.table.profiles import read_profiles\n\n\ndef more(x, schema):\n"
        "    return read_profiles(x, schema).cells"
    )
    _written_into(patch, "pipeline/fitting.py", code)


@variant("L13, L31", checks.the_source_reads_rows_by_its_doors_only, "fitting.py.*past_events")
def past_events_read_by_a_fit(patch: Patch) -> None:
    """A fit takes customers' events as a history that is asked about, past every receipt."""
    code = (
        "def more(x, schema):\n    return past_events.read_past_events(x, schema, 'profile').cells"
    )
    _written_into(patch, "pipeline/fitting.py", code)


@variant("L13, L31", checks.the_source_reads_rows_by_its_doors_only, "writing.py.*profiles_of")
def profiles_made_by_a_release(patch: Patch) -> None:
    """What writes a candidate completes rows of the table."""
    code = "def more(frame, schema):\n    return profiles.profiles_of(frame, schema)"
    _written_into(patch, "pipeline/writing.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "fitting.py.*uses the exit summed")
def sums_taken_beside_the_measurement(patch: Patch) -> None:
    """Who fits takes sums of coded rows for itself: the rows, where nothing is summed."""
    code = "def more(codes):\n    return codes.summed(lambda part: part)"
    _written_into(patch, "pipeline/fitting.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "candidates.py.*holds CodedRows")
def coded_rows_held_by_the_candidates(patch: Patch) -> None:
    """What proposes marginals, which is public, knows the type in which private codes travel."""
    code = "from privgan.owner.private_table import CodedRows"
    _written_into(patch, "measurement/candidates.py", code)
