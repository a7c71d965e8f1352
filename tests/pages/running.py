"""Run the blocks of a page in a folder of their own, as a reader would type them.

``privgan`` runs in this process, all else in a shell. Python blocks of one page share their names;
those with ``>>>`` are doctests, in which ``…`` stands for any text.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from privgan.cli.main import execute
from tests.pages.matching import agrees, first_difference
from tests.pages.reading import ROOT, Block

SHELL_SECONDS = 120
TOLD_LINES = 40
_WARNING = re.compile(r"^\S+: \w*Warning: .*\n(?:  .*\n)?", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of a console block, and what the page says that it prints; None where nothing."""

    command: str
    shown: str | None
    where: str


@dataclass
class Desk:
    """Somebody's folder: runs the blocks of one page, one after another.

    Attributes:
        folder: Where commands run.
        shared: A folder in which commands were run before; None where there is none.
        done: What these printed, by command: they are not run again, but their files copied.
        names: What Python blocks have defined.
    """

    folder: Path
    shared: Path | None = None
    done: Mapping[str, str] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        """Run a block; fail with its place where the page says something else.

        A block with the rule ``file=NAME`` is written to that file.
        """
        if block.language == "console":
            self._console(block)
        elif block.language == "python":
            self._python(block)
        elif "file" in block.rules:
            path = self.folder / block.rules["file"]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")

    def _console(self, block: Block) -> None:
        steps = list(console_steps(block))
        for step in steps:
            wanted = int(block.rules.get("code", 0)) if step is steps[-1] else 0
            answers = block.rules.get("answers", "").split(",") if step is steps[-1] else []
            code, printed = self.typed(step.command, answers)
            told = f"{step.where}: $ {step.command}\n{_cut(printed)}"
            assert code == wanted, f"ended with {code}, not {wanted}: {told}"
            if step.shown is not None and not agrees(step.shown, printed):
                line = first_difference(step.shown, printed)
                pytest.fail(
                    f"the page shows {line!r}, which was not printed: {told}", pytrace=False
                )

    def typed(self, command: str, answers: list[str] | None = None) -> tuple[int, str]:
        """Exit code and printed text of a command."""
        if (plain := on_one_line(command)) in self.done and self.shared:
            shutil.copytree(self.shared, self.folder, dirs_exist_ok=True)
            return 0, self.done[plain]
        with contextlib.chdir(self.folder):
            if command.startswith("privgan ") and not re.search(r" [|>] | && ", command):
                return _called(shlex.split(on_one_line(command), comments=True)[1:], answers or [])
            return _shell(command)

    def _python(self, block: Block) -> None:
        with contextlib.chdir(self.folder):
            if ">>> " in block.text:
                self._doctest(block)
            else:
                exec(compile(block.text, block.where, "exec"), self.names)

    def _doctest(self, block: Block) -> None:
        text = block.text.replace("…", "...")
        test = doctest.DocTestParser().get_doctest(text, {}, block.page, block.page, block.line)
        test.globs = self.names
        out = io.StringIO()
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        runner = doctest.DocTestRunner(optionflags=flags)
        assert runner.run(test, out=out.write, clear_globs=False).failed == 0, out.getvalue()


def _cut(printed: str) -> str:
    lines = printed.splitlines()
    more = [f"({len(lines) - TOLD_LINES} lines more)"] if len(lines) > TOLD_LINES else []
    return "\n".join([*lines[:TOLD_LINES], *more])


def on_one_line(command: str) -> str:
    """A command without its line breaks."""
    return re.sub(r"\s*\\\n\s*", " ", command)


def console_steps(block: Block) -> Iterator[Step]:
    """The commands of a console block: a line ``$ …``, gone on where it ends with a backslash."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        found = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?(.*)", part, re.DOTALL)
        assert found is not None
        shown = found[2] if found[2].strip() else None
        yield Step(command=found[1].rstrip(), shown=shown, where=block.where)


def _called(arguments: list[str], answers: list[str]) -> tuple[int, str]:
    """``privgan`` in this process; answers are typed on what it takes for a terminal."""
    waiting, out = iter(answers), io.StringIO()

    def answer(prompt: str = "") -> str:
        given = next(waiting)
        out.write(f"{prompt}{given}\n")
        return given

    with pytest.MonkeyPatch.context() as patch:
        if any(answers):
            patch.setattr("privgan.cli.schema_review.has_terminal", lambda: True)
            patch.setattr("click.termui.visible_prompt_func", answer)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = execute(arguments)
    return code, _WARNING.sub("", out.getvalue())


def _shell(command: str) -> tuple[int, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env=env,
        timeout=SHELL_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
