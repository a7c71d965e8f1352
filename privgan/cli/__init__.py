"""The command line: library calls only. The only package that imports click."""

from privgan.cli.main import main

__all__ = ["main"]
