"""Define the options for judging and releasing a candidate."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privgan.cli.keys import signing_key
from privgan.cli.verdicts import read_context, read_policy

if TYPE_CHECKING:
    from privgan.pipeline.run import Judging


@dataclass(frozen=True, kw_only=True)
class JudgingOptions:
    """The options of one command.

    Attributes:
        policy_name: The policy's name or file.
        context_path: The context's file, or None.
        waivers_path: The waivers' file, or None.
        language: The language of the reports.
        key_name: The key that signs the manifest, or None.
    """

    policy_name: str
    context_path: Path | None
    waivers_path: Path | None
    language: str = "en"
    key_name: str | None = None

    @classmethod
    def taken(cls, options: dict[str, Any]) -> JudgingOptions:
        """Take the options out of a command's options."""
        names = [
            item.name for item in fields(cls) if item.name in options or item.default is MISSING
        ]
        return cls(**{name: options.pop(name) for name in names})

    def judging(self) -> Judging:
        """Read policy, context and key from their files."""
        from privgan.pipeline.run import Judging

        key = signing_key(self.key_name) if self.key_name else None
        policy, context = (
            read_policy(self.policy_name, self.waivers_path),
            read_context(self.context_path),
        )
        return Judging(policy=policy, context=context, key=key, language=self.language)
