"""Questions to what was fitted and released; releases whose noisy marginals were changed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import privgan
from privgan.answers.answer import Origin
from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.release.manifest import Manifest
from privgan.release.table_files import MARGINAL_COUNTS, MARGINALS
from privgan.release.verification.marginals import marginal_problems
from privgan.release.verification.released import Released
from tests.api.world import World
from tests.release.changes import edited, refiled


@pytest.mark.slow
def test_a_release_answers_as_its_fit_does(world: World) -> None:
    released, fitted = privgan.load("out"), privgan.load("candidate")
    for question in ("share(segment = gold)", "mean(age) by segment", "median(joined)"):
        found = released.ask(question)
        assert found.figures[0].origin is Origin.MEASURED
        assert all(one.low is not None for one in found.figures)
    assert fitted.ask("count()").target == "table"
    wider = released.ask("share(segment = gold)", target="population").figures[0]
    assert wider.errors is not None
    assert wider.errors.sampling > 0


def test_a_model_alone_answers_without_an_interval(world: World, tmp_path: Path) -> None:
    folder = privgan.load("out").save(tmp_path / "model")
    (figure,) = privgan.load(folder).ask("share(segment = gold)").figures
    assert (figure.origin, figure.low) == (Origin.MODEL, None)


def test_others_read_the_counts_without_privgan(world: World) -> None:
    about = json.loads(Path("out/release", MARGINALS).read_text(encoding="utf-8"))
    counts = pd.read_csv(Path("out/release", MARGINAL_COUNTS))
    stated = [each for part in about["parts"] for each in part["marginals"]]
    place = next(
        at
        for at, each in enumerate(stated)
        if each["columns"] == ["segment"] and each["counted"] == "codes"
    )
    noisy = counts[counts.marginal == place]["count"].to_numpy()
    assert noisy.shape == tuple(stated[place]["sizes"])
    assert abs(noisy.sum() / about["counted"] - 600) < 200


def test_the_command_ends_with_its_codes(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert execute(["ask", "candidate", "share(segment = gold)", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["origin"] == "measured"
    for name in ("a.csv", "a.svg", "a.json"):
        out = tmp_path / name
        assert execute(["ask", "candidate", "mean(age) by segment", "--out", str(out)]) == 0
        assert "gold" in out.read_text(encoding="utf-8")
        assert execute(["ask", "candidate", "count()", "--out", str(out)]) == 2
    assert execute(["ask", "candidate", "count()", "--out", "a.png"]) == 2
    assert execute(["ask", "candidate", "mean(nobody)"]) == 2
    assert execute(["ask", "nowhere", "count()"]) == 2


def test_marginals_of_another_model_are_refused(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "candidate"
    shutil.copytree("candidate", folder)
    path = folder / MARGINAL_COUNTS
    path.write_text(path.read_text(encoding="utf-8").rpartition("\n")[0], encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"):
        privgan.load(folder).ask("count()")


Figures = pd.DataFrame


def _noise_stated_less(about: Any, counts: Figures) -> None:
    about["parts"][0]["marginals"][-1]["noise"] /= 2


def _all_even(about: Any, counts: Figures) -> None:
    """All counts as they would be if every row were like every other: no noise at all."""
    stated = about["parts"][0]["marginals"]
    for place, each in enumerate(stated):
        cells = int(np.prod(each["sizes"]))
        counts.loc[counts.marginal == place, "count"] = 600 * 840 // cells


def _one_more(about: Any, counts: Figures) -> None:
    about["parts"][0]["marginals"].append(about["parts"][0]["marginals"][-1])
    last = counts[counts.marginal == counts.marginal.max()]
    for cell, count in zip(last["cell"], last["count"], strict=True):
        counts.loc[len(counts)] = [last["marginal"].iloc[0] + 1, cell, count]


def _of_no_step(about: Any, counts: Figures) -> None:
    about["parts"][0]["marginals"][-1]["step"] = "marginal:extra"


def _with_a_remark(about: Any, counts: Figures) -> None:
    about["parts"][0]["columns"][0]["kind"] = "integer "


def _shares_moved(about: Any, counts: Figures) -> None:
    stated = about["parts"][0]["marginals"]
    place = next(at for at, each in enumerate(stated) if each["step"] == "marginal:segment")
    first = counts.index[counts.marginal == place]
    counts.loc[first[0], "count"] += 9
    counts.loc[first[1], "count"] -= 9


FORGERIES: list[tuple[Callable[[Any, Figures], None], str]] = [
    (_noise_stated_less, "the noise is said to be"),
    (_all_even, "more closely than their noise allows"),
    (_one_more, "were paid for|there twice|other cells"),
    (_of_no_step, "is no step of the plan"),
    (_with_a_remark, "is not written as privgan writes it"),
    (_shares_moved, "are not what the marginals give"),
]


@pytest.mark.parametrize(("forge", "told"), FORGERIES, ids=[part[1] for part in FORGERIES])
def test_changed_marginals_do_not_verify(
    world: World, tmp_path: Path, forge: Callable[[Any, Figures], None], told: str
) -> None:
    assert not _problems(Path("out/release"))
    folder = tmp_path / "release"
    shutil.copytree("out/release", folder)
    about = json.loads((folder / MARGINALS).read_text(encoding="utf-8"))
    counts = pd.read_csv(folder / MARGINAL_COUNTS)
    forge(about, counts)
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    table = counts.astype("int64").to_csv(index=False, lineterminator="\n")
    refiled(MARGINALS, lambda _: text.encode())(folder)
    refiled(MARGINAL_COUNTS, lambda _: table.encode())(folder)
    assert re.search(told, "; ".join(_problems(folder)))


def _problems(folder: Path) -> list[str]:
    manifest = Manifest.from_json(json.loads((folder / "manifest.json").read_text("utf-8")))
    try:
        return list(marginal_problems(Released(folder, manifest)))
    except (ValueError, LookupError) as error:
        return [str(error)]


def test_a_release_without_marginals_verifies(world: World, tmp_path: Path) -> None:
    """As those of 0.5.0 and before."""
    folder = tmp_path / "release"
    shutil.copytree("out/release", folder)
    shutil.rmtree(folder / "marginals")

    def forget(manifest: dict[str, Any]) -> None:
        for name in (MARGINALS, MARGINAL_COUNTS):
            del manifest["files"][name]

    edited(forget)(folder)
    assert not _problems(folder)
    found = privgan.verify(folder)
    # The report speaks of what was taken away; nothing else is missed.
    assert all("report" in problem for problem in found.problems)
