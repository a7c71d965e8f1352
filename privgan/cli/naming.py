"""Name parameters as command-line options, and calls as commands."""

from __future__ import annotations

from collections.abc import Mapping

from privgan.naming import PythonNames

# The command of each call that the library's messages name.
COMMANDS: Mapping[str, str] = {
    "Draft.confirm": "schema review",
    "PrivacyLedger.accept": "ledger accept",
    "PrivacyLedger.accept_customers": "ledger accept",
    "PrivacyLedger.accept_restored": "ledger accept --restored",
    "PrivacyLedger.clear": "ledger clear",
    "PrivacyLedger.entries": "ledger show",
    "PrivacyLedger.open": "ledger init",
    "PrivacyLedger.repair_clock": "ledger repair-clock",
    "PrivacyLedger.set_lifetime": "ledger budget",
    "Synthesizer.fit": "fit",
    "Synthesizer.chunks": "sample",
    "Synthesizer.resume": "resume",
    "privgan.check": "check",
    "privgan.create_keys": "keys create",
    "privgan.pack": "pack",
    "privgan.report": "report",
    "privgan.run": "run",
    "privgan.sign": "sign",
}

# Options whose names differ from the parameters'.
OPTIONS: Mapping[tuple[str, str], str] = {
    ("PrivacyLedger.accept", "columns"): "--schema FILE",
    ("PrivacyLedger.set_lifetime", "kind"): "--filter {}",
    ("PrivacyLedger.accept_customers", "other"): "--same-customers-as {}",
}


class CommandLineNames(PythonNames):
    """Names as they are typed: ``--on-violation clamp``, ``'privgan fit'``."""

    def parameter(self, name: str, value: str) -> str:
        """The option of a parameter, with a value for it."""
        return f"--{name.strip('_').replace('_', '-')} {value}".rstrip()

    def call(self, name: str, positional: tuple[str, ...], named: dict[str, str]) -> str:
        """The command of a call, quoted where it stands alone."""
        command = f"privgan {COMMANDS[name]}"
        options = [
            (
                OPTIONS[name, key].format(value)
                if (name, key) in OPTIONS
                else self.parameter(key, value)
            )
            for key, value in named.items()
        ]
        return " ".join([command, *positional, *options]) if positional or named else f"'{command}'"
