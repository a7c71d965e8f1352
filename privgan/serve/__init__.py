"""Serve read-only pages of a folder of releases to the owner's own browser."""

from privgan.serve.application import Application
from privgan.serve.exchange import Guard, Request, Response
from privgan.serve.library import Library

__all__ = ["Application", "Guard", "Library", "Request", "Response"]
