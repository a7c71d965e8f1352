"""Releases of former versions verify by their figures, claims and promises."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from privgan.release import verify_release
from privgan.release.verification.released import FIRST_DAYS, MADE_AGAIN, SAME_WORDS
from privgan.release.versions import versions
from tests.release.forging import Forgery, Lie, put
from tests.thinning import some

ROOT = Path(__file__).parents[2]
# The commit whose example release a version made.
EXAMPLES = {"0.1.0": "84244ed", "0.2.0": "0f13471", "0.3.0": "727b9a7", "0.4.0": "32048f3"}
Unpacked = Callable[[str], Path]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """The example release of a version, from the history; skipped where that is not at hand."""
    folder = tmp_path_factory.mktemp("former")

    def unpack(version: str) -> Path:
        if version in SAME_WORDS:
            pytest.skip(f"{version} is this version")
        place = folder / version
        if not place.exists():
            asked = [
                "git",
                "-C",
                str(ROOT),
                "archive",
                EXAMPLES[version],
                "reports/example/release",
            ]
            try:
                made = subprocess.run(asked, capture_output=True, check=True).stdout
            except (OSError, subprocess.CalledProcessError):
                pytest.skip(f"the history does not hold {EXAMPLES[version]}")
            with tarfile.open(fileobj=io.BytesIO(made)) as archive:
                archive.extractall(place, filter="data")
        return place / "reports" / "example" / "release"

    return unpack


@pytest.mark.parametrize("version", some(EXAMPLES))
def test_a_release_of_a_former_version_verifies(version: str, unpacked: Unpacked) -> None:
    found = verify_release(unpacked(version))
    assert found.problems == ()
    assert found.manifest["versions"]["privgan"] == version
    assert any("its words were not" in note for note in found.notes), (
        "what was not compared is told"
    )


def test_this_version_writes_its_own_words_and_every_former_one_is_known() -> None:
    assert {versions()["privgan"]} == SAME_WORDS
    assert set(EXAMPLES) <= set(FIRST_DAYS) <= MADE_AGAIN


def everywhere(old: str, new: str) -> Lie:
    """Another text wherever a reader sees it; the data stay."""
    return lambda f: f.replace_shown(old, new)


def on(name: str, old: str, new: str) -> Lie:
    """Another text in one file."""
    return lambda f: f.replace(name, old, new, 1)


def told_again(*path: Any, to: Any) -> Lie:
    """A lie in the data, from which every form is made again."""

    def lie(forgery: Forgery) -> None:
        put(forgery.data, *path, to=to)
        forgery.render()

    return lie


LIES: dict[str, tuple[Lie, str]] = {
    "figure everywhere": (
        everywhere("95.3 %", "50.3 %"),
        "shows '50.3', which its data do not give",
    ),
    "figure on the page": (on("report.html", "95.3 %", "50.3 %"), "report.html: shows '50.3'"),
    "figure in Markdown": (on("report.md", "20.1 %", "2.61 %"), "report.md: shows '2.61'"),
    "epsilon everywhere": (everywhere("ε = 3", "ε = 0.3"), "states ε = '0.3', and its data do not"),
    "delta on the page": (on("report.html", "δ = 1 × 10⁻⁶", "δ = 1 × 10⁻⁹"), "report.html: "),
    "claim more": (
        on("report.html", "</footer>", "<p>In truth ε = 1.</p></footer>"),
        "states ε = '1'",
    ),
    "promise less": (
        everywhere("Timing, power", "Nothing, nothing"),
        "does not say 'Timing, power",
    ),
    "another release": (
        lambda f: f.replace("report.md", f.manifest["release_id"], "r2"),
        "does not name release",
    ),
    "hidden on the page": (
        on("report.html", "</style>", ".note{display:none}</style>"),
        "its style is none that privgan wrote",
    ),
    "moved on the page": (
        on("report.html", "<footer", '<footer style="position:fixed"'),
        "an element's style may hide or move",
    ),
    "moved in another spelling": (
        on("report.html", "<footer", '<footer\nSTYLE="position:fixed"'),
        "an element's style may hide or move",
    ),
    "sheet of another medium": (
        on("report.html", "</head>", '<style media="all">main{display:none}</style></head>'),
        "its style is none that privgan wrote",
    ),
    "hidden by an attribute": (
        on("report.html", "<main", "<main hidden"),
        "'main hidden' stands in no page that privgan writes",
    ),
    "another kind of element": (
        on("report.html", "<footer", "<marquee>safe</marquee><footer"),
        "holds what a report may not hold: <marquee>",
    ),
    "noisy share": (
        lambda f: put(f.data, "shapes", 0, "noisy", 0, to=0.5),
        "says otherwise than schema and model",
    ),
    "synthetic share": (told_again("shapes", 1, "synthetic", 0, to=0.9), "the synthetic shares of"),
    "association": (
        told_again("trends", "synthetic", 3, 1, to=0.77),
        "the associations of the synthetic",
    ),
    "step": (
        lambda f: put(f.data, "steps", 0, "epsilon", to=0.01),
        "says otherwise than the accounting",
    ),
    "reach": (
        lambda f: f.data.update(
            reach={"certainty": 0.51, "advantage": 0.02, "hits": 0.011, "curve": [0.5] * 41}
        ),
        "says otherwise than the accounting at reach",
    ),
    "place of a bin": (
        lambda f: f.data["shapes"][0].update(
            intervals=[[0, 1]] * len(f.data["shapes"][0]["labels"])
        ),
        "says otherwise than schema and model",
    ),
    "corrected associations": (
        told_again("trends", to=None),
        "holds no associations of the synthetic table",
    ),
}


@pytest.mark.parametrize("kind", some(LIES))
def test_a_former_version_is_no_way_around_a_figure(
    kind: str, unpacked: Unpacked, tmp_path: Path
) -> None:
    lie, told = LIES[kind]
    release = tmp_path / "release"
    shutil.copytree(unpacked("0.2.0"), release)
    forgery = Forgery.of(release)
    lie(forgery)
    forgery.write()
    problems = "\n".join(verify_release(release).problems)
    assert told in problems
