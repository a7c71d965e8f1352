"""Ways round the doors of an owner's table."""

from __future__ import annotations

import copyreg
from typing import Any

from privgan.domain.encoding import Encoder
from privgan.errors import InternalError
from privgan.ledger.runs import RunLedger
from privgan.measurement import measure
from privgan.measurement.looks import Looks, counts_of
from privgan.owner.owners_table import OwnersTable, TableAsRead
from privgan.owner.private_table import CodedRows, PrivateTable, Sealed
from privgan.pipeline import fitting
from privgan.pipeline import run as running
from privgan.planning.plan import PlanStep
from privgan.privacy.events import DiscreteGaussian
from privgan.privacy.mechanisms import CountHistogram
from privgan.privacy.receipts import Receipt, mint
from privgan.sources import SourceOptions
from tests.sabotage import checks, doors
from tests.sabotage.registry import Patch, variant


@variant("L13", checks.every_look_is_charged_before, "looks and planned steps differ")
def rows_without_their_receipt(patch: Patch) -> None:
    """The private table hands out codes and redeems nothing."""
    patch.setattr(
        PrivateTable, "codes", lambda self, receipt, encode: CodedRows(self._encoded(encode))
    )


@variant("L13", checks.every_look_is_charged_before, "an unpaid look")
def unpaid_look(patch: Patch) -> None:
    """A fit helps itself to the audit's rows."""
    plain = fitting.draw_canaries

    def looking(customers: Any, probability: float, coins: Any) -> Any:
        drawn = plain(customers, probability, coins)
        OwnersTable(*_LAST).real_rows(drawn.left_out)
        return drawn

    made = OwnersTable.__init__

    def noting(self: OwnersTable, frame: Any, schema: Any) -> None:
        _LAST[:] = [frame, schema]
        made(self, frame, schema)

    patch.setattr(OwnersTable, "__init__", noting)
    patch.setattr(fitting, "draw_canaries", looking)


_LAST: list[Any] = []


@variant("L12", checks.every_look_is_charged_before, "used before")
def one_receipt_for_two_looks(patch: Patch) -> None:
    """The receipt of a marginal serves the next one too."""
    charged, kept = Looks._charged, list[Receipt]()

    def sparing(self: Looks, step: PlanStep) -> Receipt:
        if not step.name.startswith("marginal:"):
            return charged(self, step)
        kept.append(kept[-1] if kept else charged(self, step))
        return kept[-1]

    patch.setattr(Looks, "_charged", sparing)


@variant("L13", checks.every_look_is_charged_before, "before extra was charged")
def look_with_a_receipt_of_its_own(patch: Patch) -> None:
    """A look more than planned mints its receipt itself."""
    one_way = fitting.measure_one_way

    def more(looks: Looks, encoder: Encoder, plan: Any, *known: Any) -> Any:
        event = DiscreteGaussian(5.0, 1)
        looks.table.rows(mint(dataset=looks.table.dataset, step="extra", event=event))
        return one_way(looks, encoder, plan, *known)

    patch.setattr(fitting, "measure_one_way", more)


@variant("L25", checks.every_look_is_charged_before, "not what the approved plan says")
def look_charged_less_than_its_event(patch: Patch) -> None:
    """A look is charged as if it had ten times its noise."""
    charge = RunLedger.charge

    def cheap(self: RunLedger, step: str, event: Any) -> Receipt:
        if isinstance(event, DiscreteGaussian):
            event = DiscreteGaussian(10 * event.standard_deviation, event.sensitivity)
        return charge(self, step, event)

    patch.setattr(RunLedger, "charge", cheap)


@variant("L12, L13", checks.noise_drawn_is_noise_charged, "drawn")
def two_releases_for_one_look(patch: Patch) -> None:
    """The codes of one look are kept, and a second marginal is made of them."""
    released = measure._released

    def twice(looks: Looks, encoder: Encoder, step: PlanStep, clique: Any) -> Any:
        kept = list[Any]()
        plain = Looks.codes

        def keeping(self: Looks, asked: PlanStep, of: Encoder) -> Any:
            kept.append(plain(self, asked, of))
            return kept[-1]

        patch.setattr(Looks, "codes", keeping)
        made = released(looks, encoder, step, clique)
        patch.setattr(Looks, "codes", plain)
        assert isinstance(step.mechanism, CountHistogram)
        step.mechanism.release(counts_of(kept[-1], (0,), encoder.sizes), looks.coins)
        return made

    patch.setattr(measure, "_released", twice)


@variant(
    "L13",
    checks.rows_are_touched_by_their_table_alone,
    "took the rows of PrivateTable past its exits",
)
def frame_read_past_the_door(patch: Patch) -> None:
    """Measuring reads the attribute that holds the rows."""
    encoder_of = fitting.measure_encoder

    def peeking(looks: Looks, schema: Any, plan: Any, *more: Any) -> Encoder:
        looks.table._frame.describe()
        return encoder_of(looks, schema, plan, *more)

    patch.setattr(fitting, "measure_encoder", peeking)


@variant(
    "L13",
    checks.rows_are_touched_by_their_table_alone,
    "took the rows of OwnersTable past its exits",
)
def owners_frame_read_by_the_fit(patch: Patch) -> None:
    """A fit reads the rows of all customers, the left-out ones too."""
    reserved = fitting._reserved

    def peeking(table: OwnersTable, *more: Any) -> Any:
        len(getattr(table, "_fra" + "me"))
        return reserved(table, *more)

    patch.setattr(fitting, "_reserved", peeking)


@variant("L13, L17", checks.a_fit_reads_its_table_once, "looked at its source again")
def source_read_again(patch: Patch) -> None:
    """After the fit the source is read again."""
    write = running.write_candidate

    def reading(candidate: Any, fitted: Any, ledger: Any, **more: Any) -> Any:
        TableAsRead.read(candidate.folder.parent / "table.csv", SourceOptions())
        return write(candidate, fitted, ledger, **more)

    patch.setattr(running, "write_candidate", reading)


@variant("L13", checks.a_fit_reads_its_table_once, "looked at its source again")
def table_conformed_again(patch: Patch) -> None:
    """The table as read is kept, and gives a second table."""
    conforming, kept = TableAsRead.conforming, list[TableAsRead]()

    def keeping(self: TableAsRead, schema: Any, **more: Any) -> OwnersTable:
        kept.append(self)
        return conforming(self, schema, **more)

    fit = running.fit

    def again(table: OwnersTable, *more: Any) -> Any:
        return fit(conforming(kept[-1], table.schema), *more)

    patch.setattr(TableAsRead, "conforming", keeping)
    patch.setattr(running, "fit", again)


@variant("L33", checks.tables_cannot_be_kept_or_shown, "DID NOT RAISE")
def tables_pickled(patch: Patch) -> None:
    """A table is pickled and copied as any object is."""
    patch.setattr(
        Sealed, "__reduce__", lambda self: (copyreg.__newobj__, (type(self),), vars(self))
    )  # type: ignore[attr-defined]


@variant("L31", checks.tables_cannot_be_kept_or_shown, "shows a value")
def rows_in_what_is_printed(patch: Patch) -> None:
    """A table shows its rows."""
    patch.setattr(Sealed, "__repr__", lambda self: str(vars(self)))


@variant("L31", checks.tables_cannot_be_kept_or_shown, "shows how many rows")
def row_count_in_what_is_printed(patch: Patch) -> None:
    """A table shows how many rows it holds."""
    patch.setattr(OwnersTable, "__repr__", lambda self: f"OwnersTable({len(self._frame)} rows)")


@variant("L31, L32", checks.an_exit_for_the_ledger_or_the_coins_tells_no_value, "has no salt")
def hash_without_salt(patch: Patch) -> None:
    """The hash of the table in the canaries' list can be made by whoever guesses the table."""
    salted = OwnersTable.salted_hash
    patch.setattr(OwnersTable, "salted_hash", lambda self, salt: salted(self, ""))


@variant("L13", checks.an_exit_for_the_ledger_or_the_coins_tells_no_value, "depend on values")
def customers_numbered_by_their_values(patch: Patch) -> None:
    """The numbers of customers are ranks of their values."""

    def ranks(self: OwnersTable) -> Any:
        return self._frame["spend"].rank(method="first").to_numpy().astype(int)

    patch.setattr(OwnersTable, "unit_numbers", ranks)


# --- ways that stand in the source, whether or not anything runs them
# ---------------------------------------------


def _written_into(patch: Patch, module: str, code: str) -> None:
    """Add code to a module's source, as the check reads it."""
    if module not in doors.SOURCES:
        raise InternalError(f"{module} is no module of the package")
    patch.setitem(doors.SOURCES, module, f"{doors.SOURCES[module]}\n\n{code}\n")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "judging.py.*reads _frame")
def attribute_named_in_the_source(patch: Patch) -> None:
    """The audit's caller reads the attribute that holds the rows."""
    _written_into(patch, "pipeline/judging.py", "def more(table):\n    return table._frame.head()")


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "reads by its name")
def attribute_named_by_a_text(patch: Patch) -> None:
    """The same, with the attribute's name as a text."""
    _written_into(
        patch, "pipeline/judging.py", "def more(table):\n    return getattr(table, '_frame')"
    )


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "reads __dict__")
def attribute_of_the_dictionary(patch: Patch) -> None:
    """The same, by way of the object's dictionary."""
    _written_into(
        patch,
        "generator/mixture.py",
        "def more(samples):\n    return list(samples.__dict__.values())[0]",
    )


@variant("L13, L17", checks.the_source_reads_rows_by_its_doors_only, "calls read_source")
def source_read_by_another(patch: Patch) -> None:
    """The report reads the source by itself."""
    code = "def more(request):\n    return read_source(request.table, request.source).frame()"
    _written_into(patch, "pipeline/reporting.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "calls read_csv")
def file_read_by_another(patch: Patch) -> None:
    """The planner reads the table's file by itself."""
    _written_into(
        patch, "planning/planner.py", "def more(path):\n    return len(pd.read_csv(path))"
    )


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "scanning.py.*bare frame")
def frame_handed_to_a_new_look(patch: Patch) -> None:
    """A new look takes the rows as a frame and needs no receipt."""
    _written_into(
        patch,
        "pipeline/scanning.py",
        "def more(frame: pd.DataFrame) -> dict[str, int]:\n    return {}",
    )


@variant(
    "L13, L31",
    checks.the_source_reads_rows_by_its_doors_only,
    "releasing.py.*uses the exit real_rows",
)
def audits_exit_used_for_a_release(patch: Patch) -> None:
    """A release takes the audit's rows."""
    _written_into(
        patch,
        "pipeline/releasing.py",
        "def more(table, canaries):\n    return table.real_rows(canaries)",
    )


@variant(
    "L13",
    checks.the_source_reads_rows_by_its_doors_only,
    "writing.py.*uses the exit undeclared_texts",
)
def patterns_used_to_write(patch: Patch) -> None:
    """What writes a candidate asks for the texts that must not leave."""
    _written_into(
        patch,
        "pipeline/writing.py",
        "def more(read, schema):\n    return read.undeclared_texts(schema)",
    )


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "refine.py.*uses the exit codes")
def receipt_shown_elsewhere(patch: Patch) -> None:
    """The critic shows a receipt for codes of its own."""
    code = "def more(table, receipt, encoder):\n    return table.codes(receipt, encoder.encode)"
    _written_into(patch, "generator/refine.py", code)


@variant("L12", checks.the_source_reads_rows_by_its_doors_only, "fitting.py.*calls mint")
def receipt_minted_elsewhere(patch: Patch) -> None:
    """The fit makes receipts by itself."""
    code = "def more(job, event):\n    return mint(dataset=job.plan.dataset, step='x', event=event)"
    _written_into(patch, "pipeline/fitting.py", code)


@variant("L13", checks.the_source_reads_rows_by_its_doors_only, "white_box.py.*calls Samples")
def samples_made_elsewhere(patch: Patch) -> None:
    """Samples are made of the audit's codes."""
    _written_into(
        patch,
        "pipeline/white_box.py",
        "def more(codes):\n    return Samples(codes, range(len(codes)))",
    )


@variant("L13, L31", checks.the_source_reads_rows_by_its_doors_only, "manifest.py.*holds RealRows")
def rows_held_by_a_release(patch: Patch) -> None:
    """The manifest's module knows the type in which real rows travel."""
    _written_into(patch, "release/manifest.py", "from privgan.owner.owners_table import RealRows")
