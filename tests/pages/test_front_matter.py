"""What stands beside the pages: make targets that exist, and a citation file that tools read."""

from __future__ import annotations

import re
import tomllib

import yaml
from packaging.version import Version

from tests.pages.reading import ROOT, pages

TOP = {"privgan", "tests", "policies", "reports"}
USUAL = {
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "pyproject.toml",
    "requirements.lock",
}


def test_every_make_target_of_the_pages_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    told = {
        name
        for page in pages()
        for name in re.findall(r"(?:`|^)make (?:[A-Z]+=\S+ )?([a-z-]+)", page.text, re.M)
    }
    assert {"demo", "test", "api"} <= told <= targets


def test_the_citation_has_what_version_1_2_of_its_format_needs() -> None:
    """https://github.com/citation-file-format/citation-file-format, schema 1.2.0."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert cited["cff-version"] == "1.2.0"
    assert all(cited[key] for key in ("message", "title", "authors", "abstract", "keywords"))
    assert all("name" in author or "family-names" in author for author in cited["authors"])
    assert cited["type"] == "software"
    assert cited["license"] == project["license"]
    assert isinstance(cited["version"], str)
    assert Version(cited["version"]) >= Version(project["version"])


def test_nothing_else_stands_at_the_top() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    made = {"build", "dist", "demo-out"}
    assert {name for name in found if (ROOT / name).is_file()} <= USUAL
    assert {name for name in found if (ROOT / name).is_dir()} - made <= TOP
