"""Every command that opens a release verifies it first: code 1, a finding, nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from privgan.cli.main import execute
from tests.example.making import EXAMPLE
from tests.release.changes import edited, refiled
from tests.release.reader import MOST_GROWTH_KB, MOST_SECONDS, Reader
from tests.release.test_hostile_bundles import BOMBS, Change
from tests.thinning import some

RELEASE = EXAMPLE / "release"
# Of each kind of file one that is made to hang, and one that lies.
CHANGES: dict[str, Change] = {
    **{
        name: BOMBS[name]
        for name in (
            "aliases in aliases",
            "deep blocks of YAML",
            "JSON of ten million lists",
            "a plan of many steps",
            "a report of a million parts",
            "one long header",
            "a hostile schema of Arrow",
            "tensors that overlap",
            "a pipe in place of a file",
            "a pipe in place of the manifest",
            "five thousand files",
        )
    },
    "another epsilon": edited(lambda manifest: manifest["guarantee"].update(epsilon=0.3)),
    "another weight": refiled(
        "model/model.safetensors", lambda content: content[:-4] + b"\0\0\xc0\x7f"
    ),
    "an unlisted change": lambda release: (release / "report.md").write_text("ε = 0.3"),
    "a key twice": lambda release: (release / "manifest.json").write_text("{}"),
}
Command = Callable[[Path, Path], list[str]]
COMMANDS: dict[str, Command] = {
    "sample": lambda release, out: ["sample", str(release), "--rows", "5", "--out", f"{out}/s.csv"],
    "sample of the model": lambda release, out: [
        "sample",
        f"{release}/model",
        "--rows",
        "5",
        "--out",
        f"{out}/s.parquet",
    ],
    "report": lambda release, out: ["report", str(release)],
    "report in JSON": lambda release, out: ["report", str(release), "--json"],
    "report in Chinese": lambda release, out: [
        "report",
        str(release),
        "--lang",
        "zh",
        "--out",
        f"{out}/r.html",
    ],
    "pack": lambda release, out: ["pack", str(release), "--out", f"{out}/r.zip"],
    "encrypt": lambda release, out: [
        "encrypt",
        str(release),
        "--to",
        str(out.parent / "partner"),
        "--out",
        f"{out}/r.age",
    ],
    "sign": lambda release, out: ["sign", str(release), "--key", str(out.parent / "owner.key")],
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    if not RELEASE.is_dir():
        pytest.skip("reports/example is not there; 'make example' makes it")
    with Reader() as found:
        found.verify(RELEASE, "warm")
        yield found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key to sign with, one to encrypt to, and one for what is made."""
    folder = tmp_path_factory.mktemp("commands")
    assert execute(["keys", "create", "owner", "--out", str(folder)]) == 0
    code = execute(["keys", "create", "partner", "--encryption", "--out", str(folder)])
    assert code == 0
    next(folder.glob("partner*pub*")).rename(folder / "partner")
    (folder / "out").mkdir()
    return folder


@pytest.mark.parametrize("command", some(COMMANDS))
def test_a_command_does_nothing_with_a_release_that_is_not_intact(
    reader: Reader, place: Path, tmp_path: Path, command: str
) -> None:
    """Each command meets some of the changes, and each change some of the commands."""
    first = [*COMMANDS].index(command)
    refused(reader, place / "out", tmp_path, command, [*CHANGES][first :: len(COMMANDS)])


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_does_nothing_after_any_change(
    reader: Reader, place: Path, tmp_path: Path, command: str
) -> None:
    refused(reader, place / "out", tmp_path, command, CHANGES)


def refused(reader: Reader, out: Path, folder: Path, command: str, names: Iterable[str]) -> None:
    for name in names:
        release = shutil.copytree(RELEASE, folder / "changed")
        CHANGES[name](release)
        before = sorted(path.name for path in release.iterdir())
        found = reader.run(*COMMANDS[command](release, out))
        assert found.code == 1, (name, found)
        assert "Traceback" not in found.told, name
        assert found.cpu < MOST_SECONDS, (name, found)
        assert found.peak - reader.base < MOST_GROWTH_KB, (name, found)
        assert not list(out.iterdir()), name
        assert sorted(path.name for path in release.iterdir()) == before, name
        shutil.rmtree(release)


@pytest.mark.parametrize("command", some(COMMANDS))
def test_a_command_goes_on_with_one_that_is(
    reader: Reader, place: Path, tmp_path: Path, command: str
) -> None:
    release = shutil.copytree(RELEASE, tmp_path / "release")
    found = reader.run(*COMMANDS[command](release, place / "out"))
    assert found.code == 0, found
    for path in (place / "out").iterdir():
        path.unlink()
