"""The results of the main job: release, internal files, terminal and ledger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from privgan.generator.frozen import tensors_of
from privgan.ledger.ledger import PrivacyLedger
from privgan.pipeline.canaries import FILE as CANARY_FILE
from privgan.pipeline.candidate import AUDIT_FILE, LOG_FILE, REPORT_FILE, RUN_FILE
from privgan.pipeline.scanning import SCAN_FILE
from privgan.release.manifest import MANIFEST_NAME, manifest_mistakes
from privgan.release.signing.signature import SIGNATURE_NAME
from privgan.release.table_files import ALLOWED_FILES, OPTIONAL_FILES
from privgan.synthesizer import load_synthesizer
from privgan.table.files import read_table
from tests.e2e.main_job import (
    ASKS_A_REVIEWER,
    ASKS_REFERENCE_FITS,
    COLUMNS,
    DATASET,
    EPSILON,
    FIT,
    MADE,
    MODELLED,
    RELEASED,
    REPORTS,
    ROWS,
    SEED,
    Place,
    policy_asking_a_reviewer,
    privgan,
)
from tests.thinning import some


class TestRelease:
    @pytest.mark.parametrize("out", ["out", "stepwise"])
    def test_holds_exactly_the_allowed_files(self, place: Place, out: str) -> None:
        folder = place.folder / out / "release"
        signed = {SIGNATURE_NAME} if out == "stepwise" else set()
        assert {
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
        } == RELEASED | signed

    def test_manifest_follows_its_schema_and_states_the_guarantee(
        self, place: Place, release: Path
    ) -> None:
        manifest = json.loads((release / MANIFEST_NAME).read_text(encoding="utf-8"))
        assert manifest_mistakes(manifest) == []
        guarantee = manifest["guarantee"]
        assert (guarantee["epsilon"], guarantee["delta"], guarantee["max_rows_per_unit"]) == (
            EPSILON,
            1e-6,
            1,
        )
        assert guarantee["not_promised"]
        assert guarantee["dataset_total"]["epsilon"] == EPSILON
        assert manifest["dataset"] == DATASET
        assert set(manifest["files"]) == {*ALLOWED_FILES, *OPTIONAL_FILES}
        assert manifest["ledger"]["head"] in {entry.mac for entry in place.ledger.entries()}
        assert privgan("ledger", "verify", "--manifest", release / MANIFEST_NAME).code == 0

    def test_synthetic_table_fits_the_schema(self, place: Place, release: Path) -> None:
        for name in ("synthetic.csv", "synthetic.parquet"):
            checked = privgan("schema", "check", release / name, "--schema", place.schema)
            assert checked.code == 0, checked.out
            assert checked.out == "the table fits the schema\n"  # and no row breaks the constraint
            assert len(read_table(release / name)) == MADE
        assert (
            "constraints[0]"
            in privgan("schema", "check", place.table, "--schema", place.schema).out
        )
        assert "only buyers are asked" in (release / "report.html").read_text(encoding="utf-8")
        assert list(read_table(release / "synthetic.csv").columns) == list(COLUMNS)

    def test_synthetic_values_vary_and_follow_the_table(
        self, release: Path, table: pd.DataFrame
    ) -> None:
        """Half the table's own noise would do.

        The bounds only tell a fitted model from a broken one.
        """
        made = read_table(release / "synthetic.csv")
        for column in ("membership_tier", "converted"):
            real, synthetic = (
                frame[column].str.lower().value_counts(normalize=True) for frame in (table, made)
            )
            assert real.sub(synthetic, fill_value=0).abs().sum() / 2 < 0.2
        assert made["age"].nunique() > 20
        assert abs(pd.to_numeric(made["age"]).mean() - pd.to_numeric(table["age"]).mean()) < 6

    @pytest.mark.parametrize("out", ["out", "stepwise"])
    def test_no_identifier_of_a_customer_leaves(
        self, place: Place, table: pd.DataFrame, out: str
    ) -> None:
        content = {
            path: path.read_bytes()
            for path in (place.folder / out / "release").rglob("*")
            if path.is_file()
        }
        made = read_table(place.folder / out / "release" / "synthetic.parquet")
        for column in ("customer_id", "name", "email"):
            assert not set(made[column]) & set(table[column])
            for value in table[column].unique():
                assert not [
                    path.name for path, data in content.items() if value.encode() in data
                ], column

    def test_report_holds_real_figures(self, release: Path) -> None:
        report = (release / "report.html").read_text(encoding="utf-8")
        for figure in ("ε = 3", DATASET, "add or remove one privacy unit"):
            assert figure in report
        assert "http://" not in report.replace("http://www.w3.org", "")

    @pytest.mark.parametrize("name", some(sorted(RELEASED)))
    def test_a_flipped_byte_fails_verification(
        self, release: Path, tmp_path: Path, name: str
    ) -> None:
        copy = shutil.copytree(release, tmp_path / "copy")
        assert privgan("verify", copy).code == 0
        content = bytearray((copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copy / name).write_bytes(content)
        found = privgan("verify", copy, "--json")
        assert found.code == 1
        assert found.json()["ok"] is False
        assert privgan("report", copy).code == 1


class TestInternal:
    @pytest.mark.parametrize("folder", ["out/internal", "candidate/internal"])
    def test_is_the_owner_s_alone_and_says_so_in_its_names(self, place: Place, folder: str) -> None:
        internal = place.folder / folder
        assert internal.stat().st_mode & 0o777 == 0o700
        files = [path for path in internal.rglob("*") if path.is_file()]
        assert {path.name for path in files} == {
            CANARY_FILE,
            AUDIT_FILE,
            LOG_FILE,
            RUN_FILE,
            SCAN_FILE,
            *REPORTS,
        }
        assert all(path.name.startswith("internal-") for path in files)
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}

    def test_nothing_else_is_left_beside_it(self, place: Place) -> None:
        assert {path.name for path in (place.folder / "out").iterdir()} == {"internal", "release"}

    def test_audit_is_of_both_kinds_of_canaries(self, place: Place) -> None:
        counts = json.loads((place.folder / "out" / "internal" / AUDIT_FILE).read_text())["counts"]
        assert counts["kept_in"] + counts["left_out"] == ROWS
        assert min(counts["kept_in_canaries"], counts["left_out"]) > 250

    def test_log_tells_the_steps_and_no_customer(self, place: Place, table: pd.DataFrame) -> None:
        log = (place.folder / "out" / "internal" / LOG_FILE).read_text(encoding="utf-8")
        assert "claim: ε = 3" in log
        assert "audit: membership" in log
        assert not [name for name in table["name"].unique() if name in log]


class TestTerminal:
    def test_the_verdict_for_a_pipeline_is_the_manifest_s_and_holds_nothing_internal(
        self, place: Place
    ) -> None:
        told = (place.folder / "verdict.xml").read_text(encoding="utf-8")
        manifest = json.loads(
            (place.folder / "out" / "release" / MANIFEST_NAME).read_text(encoding="utf-8")
        )
        assert manifest["policy"]["hash"] in told
        assert "internal_checks: passed" in told
        for word in ("attack.", "fidelity.", "audit.", "artefacts."):
            assert word not in told

    def test_standard_output_holds_the_figures_alone(self, place: Place) -> None:
        told = place.ended["run"].json()
        assert told["status"] == "PASS"
        assert told["candidate"] is None
        assert "ε = 3, δ = 1e-06 for one customer_id with its row" in told["guarantee"]
        assert "[" in place.ended["run"].err  # Progress as plain lines, with the time.
        assert "audit: membership" in place.ended["run"].err

    def test_quiet_says_nothing(self, place: Place) -> None:
        assert place.ended["fit"].err == ""
        assert place.ended["audit"].err == ""

    def test_a_second_run_into_a_release_is_refused(self, place: Place) -> None:
        assert "there is a release already" in place.ended["run again"].err
        assert "there is a release already" in place.ended["release again"].err
        assert place.ledger.account(DATASET).runs == 2


class TestLedger:
    def test_every_run_s_total_is_at_most_what_was_asked(self, place: Place) -> None:
        account = place.ledger.account(DATASET)
        assert (account.runs, account.epsilon) == (2, 2 * EPSILON)
        stages = [entry.body for entry in place.ledger.entries(DATASET) if entry.kind == "stage"]
        assert sum(body["epsilon"] for body in stages) <= 2 * EPSILON
        assert place.ledger.problems() == ()

    def test_every_look_of_the_plan_was_charged_once_before_the_release(
        self, place: Place, release: Path
    ) -> None:
        manifest = json.loads((release / MANIFEST_NAME).read_text(encoding="utf-8"))
        entries = place.ledger.entries(DATASET)
        run = next(entry.run for entry in entries if entry.kind == "run")
        kinds = [entry.kind for entry in entries if entry.run == run]
        charged = [
            entry.body["step"] for entry in entries if entry.run == run and entry.kind == "charge"
        ]
        assert sorted(charged) == sorted(step["name"] for step in manifest["accounting"])
        assert kinds.index("charge") < kinds.index("attempt") < kinds.index("release")

    def test_a_third_run_exceeds_the_lifetime_budget(self, place: Place) -> None:
        refused = privgan(
            "fit", place.table, "--schema", place.schema, *FIT, "--out", place.folder / "third"
        )
        assert refused.code == 4
        assert place.ledger.account(DATASET).runs == 2

    def test_each_new_question_to_the_audit_is_counted_once(self, place: Place) -> None:
        """Counted: the run, the candidate without and with its audit, and another policy.

        Not counted: a repetition, or a release that public gates block already.
        """
        attempts = [
            entry.body for entry in place.ledger.entries(DATASET) if entry.kind == "attempt"
        ]
        assert len(attempts) == 4
        assert len({attempt["policy"] for attempt in attempts}) == 2


class TestPolicyVerdicts:
    def test_a_missing_audit_blocks(self, place: Place) -> None:
        verdict = place.ended["check before audit"].json()
        assert verdict["status"] == "INCONCLUSIVE"
        missing = {
            outcome["fact"] for outcome in verdict["outcomes"] if outcome["status"] == "MISSING"
        }
        assert "audit.verdict" in missing

    def test_a_missing_fact_is_named(self, place: Place) -> None:
        assert "context.reviewer is not known" in place.ended["check without reviewer"].out
        assert "IncompleteError" in place.ended["release without reviewer"].err

    def test_an_epsilon_above_the_policy_fails(self, place: Place) -> None:
        assert (
            "guarantee.epsilon is 3; it must be at most 2.5"
            in place.ended["release above the policy"].err
        )
        assert "PolicyFailedError" in place.ended["release above the policy"].err

    def test_nothing_blocked_was_written(self, place: Place) -> None:
        assert not (place.folder / "no").exists()

    def test_the_context_stands_in_the_manifest(self, place: Place) -> None:
        manifest = json.loads(
            (place.folder / "stepwise" / "release" / MANIFEST_NAME).read_text(encoding="utf-8")
        )
        assert manifest["context"] == {"reviewer": "A. Reviewer", "expiry": "2999-12-31"}


class TestSameSeed:
    """The run in one go and the one step by step had the same ``--seed``."""

    def test_initial_weights_follow_from_the_seed_alone(self, place: Place) -> None:
        """For the same code sizes, which are noisy facts.

        Whatever the noise was, the seed gives the weights.
        """
        assert [start.seed for start in place.started_with] == [SEED, SEED]
        for start in place.started_with:
            same, other = start.again(SEED), start.again(SEED + 1)
            assert all(same[name].equal(weights) for name, weights in start.weights.items())
            assert not other["first.weight"].equal(start.weights["first.weight"])

    def test_noise_is_never_shared(self, place: Place) -> None:
        """The membership tiers, four categories, have the same codes in both runs."""
        first, second = (
            start.measurements.marginals[MODELLED.index("membership_tier")]
            for start in place.started_with
        )
        assert len(first.counts) == len(second.counts)
        assert first.counts.tolist() != second.counts.tolist()

    def test_canaries_are_never_shared(self, place: Place) -> None:
        first, second = (
            json.loads((place.folder / folder / "internal" / CANARY_FILE).read_text())
            for folder in ("out", "candidate")
        )
        for key in ("canary", "left_out", "salt"):
            assert first[key] != second[key]

    def test_batches_are_never_shared(self, place: Place) -> None:
        """With the same noise, batches and fake rows training would end in the same weights."""
        first, second = self.models(place)
        parts, others = (tensors_of(one.model) for one in (first, second))
        assert any(not part.equal(others[name]) for name, part in parts.items())

    def models(self, place: Place) -> tuple[Any, Any]:
        return load_synthesizer(place.folder / "out/release/model"), load_synthesizer(
            place.folder / "stepwise/release/model"
        )


class TestSample:
    def sample(self, release: Path, out: Path, *more: object) -> pd.DataFrame:
        ended = privgan("sample", release, "--out", out, *more)
        assert ended.code == 0, ended.err
        return read_table(out)

    def test_a_release_samples_without_the_ledger(
        self, release: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        monkeypatch.setenv("PRIVGAN_LEDGER", str(tmp_path / "none.sqlite"))
        assert len(self.sample(release, tmp_path / "s.parquet", "--rows", 37)) == 37
        assert not (tmp_path / "none.sqlite").exists()

    def test_default_is_the_planned_row_count(self, release: Path, tmp_path: Path) -> None:
        assert len(self.sample(release, tmp_path / "s.csv")) == ROWS

    def test_the_seed_draws_the_same_rows_again(self, release: Path, tmp_path: Path) -> None:
        one, same, other = (
            self.sample(release, tmp_path / f"{name}.csv", "--rows", 60, "--seed", seed)
            for name, seed in (("one", 3), ("same", 3), ("other", 4))
        )
        assert one.equals(same)
        assert not one["age"].equals(other["age"])

    def test_the_released_table_can_be_drawn_again(self, release: Path, tmp_path: Path) -> None:
        released = read_table(release / "synthetic.parquet")
        drawn = ("--rows", MADE, "--seed", SEED)
        again = self.sample(release, tmp_path / "again.parquet", *drawn, "--balanced")
        plain = self.sample(release, tmp_path / "plain.parquet", *drawn)
        assert again.equals(released)
        assert not plain.equals(released)

    def test_where_holds_in_every_row(self, place: Place, release: Path, tmp_path: Path) -> None:
        where = (
            "membership_tier in (gold, silver) and age >= 40 and spend_12m > 0 and sign_up_date <"
            " 2022-01-01"
        )
        made = self.sample(release, tmp_path / "s.csv", "--rows", 300, "--where", where)
        assert len(made) == 300
        assert set(made["membership_tier"]) == {"gold", "silver"}
        assert pd.to_numeric(made["age"]).min() >= 40
        assert pd.to_numeric(made["spend_12m"]).min() > 0
        assert made["sign_up_date"].max() < "2022-01-01"
        assert privgan("schema", "check", tmp_path / "s.csv", "--schema", place.schema).code == 0

    @pytest.mark.parametrize(
        ("where", "fragment"),
        [
            ("", "--where: the condition is empty"),
            ("age", "nothing follows age"),
            ("age >=", "after age cannot be read"),
            ("age >= old", "'old' is no value of age"),
            ("age >= nan", "'nan' is no value of age"),
            ("agee >= 40", "did you mean 'age'"),
            ("name = Anna", "is invented and cannot be a condition"),
            ("membership_tier = gould", "did you mean 'gold'"),
            ("age >= 40 and", "ends where a comparison is due"),
            ("age is missing", "never missing by the schema"),
            ("membership_tier in gold", "a list in brackets"),
            ('membership_tier = "gold', "cannot be read at character"),
            ("__import__('os').system('x')", "is no column"),
        ],
    )
    def test_bad_where(self, release: Path, tmp_path: Path, where: str, fragment: str) -> None:
        ended = privgan(
            "sample", release, "--rows", 5, "--where", where, "--out", tmp_path / "s.csv"
        )
        assert ended.code == 2, ended.err
        assert fragment in ended.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "where", ["age >= 60 and age < 30", "age > 5000", "membership_tier in ()"]
    )
    def test_where_that_nothing_meets_is_inconclusive(
        self, release: Path, tmp_path: Path, where: str
    ) -> None:
        ended = privgan(
            "sample", release, "--rows", 5, "--where", where, "--out", tmp_path / "s.csv"
        )
        assert ended.code in {2, 3}, ended.err
        assert "--where" in ended.err
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("rows", ["0", "-1"])
    def test_no_rows(self, release: Path, tmp_path: Path, rows: str) -> None:
        assert privgan("sample", release, "--rows", rows, "--out", tmp_path / "s.csv").code == 2
        assert list(tmp_path.iterdir()) == []


class TestRecords:
    def test_verify_and_report(self, place: Place) -> None:
        verified = place.ended["verify"].json()
        assert (verified["ok"], verified["signature"], verified["problems"]) == (True, "signed", [])
        assert [signer["key"] for signer in verified["signers"]] == [
            place.ended["keys"].json()["key"]
        ]
        zipped = place.ended["verify zip"].json()
        assert (zipped["ok"], zipped["signature"]) == (True, "signer unknown")
        told = place.ended["report"].json()
        assert told["guarantee"]["epsilon"] == EPSILON
        assert told["guarantee"]["dataset_total"]["epsilon"] == 2 * EPSILON
        assert (
            Path(place.ended["report of candidate"].json()["internal_report"]).name == REPORT_FILE
        )

    def test_audit_needs_the_table_of_the_candidate(
        self, place: Place, tmp_path: Path, table: pd.DataFrame
    ) -> None:
        table.head(800).to_csv(tmp_path / "other.csv", index=False)
        ended = privgan("audit", place.folder / "candidate", tmp_path / "other.csv", "--quiet")
        assert ended.code == 2
        assert "another table" in ended.err

    def test_purge_removes_what_stays_inside_and_records_it(
        self, place: Place, tmp_path: Path
    ) -> None:
        copy = shutil.copytree(place.folder / "out", tmp_path / "out")
        ended = privgan("purge", copy)
        assert ended.code == 0, ended.err
        assert "8 files removed" in ended.out
        assert {path.name for path in copy.iterdir()} == {"release"}
        assert place.ledger.entries(DATASET)[-1].kind == "purge"
        assert privgan("verify", copy).code == 0
        assert privgan("purge", copy).code == 2


def test_a_blocked_run_leaves_its_candidate_and_no_release(
    place: Place, tmp_path: Path, monkeypatch: Any
) -> None:
    """Paid for, so it stays.

    Two columns and a measured row count, under a policy whose internal gate nothing meets.
    """
    monkeypatch.setenv("PRIVGAN_LEDGER", str(tmp_path / "ledger.sqlite"))
    table, schema, out = tmp_path / "two.csv", tmp_path / "two.yaml", tmp_path / "out"
    read_table(place.table)[["membership_tier", "converted"]].to_csv(table, index=False)
    document = yaml.safe_load(place.schema.read_text(encoding="utf-8"))
    document |= {"dataset": "two-columns", "unit": "row"}
    del document["max_rows_per_unit"], document["constraints"]
    document["columns"] = [
        column
        for column in document["columns"]
        if column["name"] in {"membership_tier", "converted"}
    ]
    schema.write_text(yaml.safe_dump(document), encoding="utf-8")
    job = (
        "run",
        table,
        "--schema",
        schema,
        "--epsilon",
        EPSILON,
        "--effort",
        "quick",
        "--canary-probability",
        "0.5",
        "--out",
        out,
    )
    reviewed = policy_asking_a_reviewer(tmp_path)
    unpaid = privgan(*job, "--policy", reviewed)
    assert unpaid.code == 3, unpaid.err
    assert "verdict: INCONCLUSIVE" in unpaid.out
    assert "context.reviewer is not known" in unpaid.out
    assert not out.exists()
    assert not (tmp_path / "ledger.sqlite").exists()
    short = tmp_path / "short.yaml"
    short.write_text(
        reviewed.read_text().replace(ASKS_A_REVIEWER, ASKS_REFERENCE_FITS), encoding="utf-8"
    )
    ended = privgan(*job, "--policy", short)
    assert ended.code == 3, ended.err
    assert "verdict: INCONCLUSIVE" in ended.out
    assert "attack.reference_model.auc.high is not known" in ended.out
    assert not (out / "release").exists()
    assert {path.name for path in (out / "internal").iterdir()} == {
        "candidate",
        CANARY_FILE,
        AUDIT_FILE,
        LOG_FILE,
        RUN_FILE,
        SCAN_FILE,
        *REPORTS,
    }
    account = PrivacyLedger.open(str(tmp_path / "ledger.sqlite")).account("two-columns")
    assert (account.runs, account.epsilon, account.attempts) == (1, EPSILON, 1)
    weak = tmp_path / "weak.yaml"
    weak.write_text(
        (tmp_path / "reviewed.yaml").read_text().replace("at_most: 10\n", "at_most: 2.5\n"),
        encoding="utf-8",
    )
    assert privgan("check", out, "--policy", weak).code == 1
    assert "holds a candidate already" in privgan(*job, "--policy", "internal-analytics").err
    released = privgan("release", out, "--policy", "internal-analytics", "--out", out)
    assert released.code == 0, released.err
    assert (
        privgan("verify", out).code == 0
    )  # With a measured row count there are two stages to account for.
