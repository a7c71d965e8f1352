"""Who may ask: this machine's own browser, by the server's own name, with the key."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from privgan.serve.exchange import Request

METHODS = ("GET", "HEAD")
_FIRST = "k"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Refuses what does not come from the owner's browser.

    A page of another site can let its own name point to 127.0.0.1 (DNS rebinding); the Host header gives it away. Other
    users of the machine reach 127.0.0.1 too, whatever the folder's own rights: so every address begins with the key that the
    terminal shows. A cookie would not do: the browser sends it to all other ports of 127.0.0.1 as well, whoever listens there.

    Attributes:
        port: The server's port.
        key: The key, new for each server.
    """

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.port}{self.home}"

    @property
    def home(self) -> str:
        """How the path of every page begins."""
        return f"/{_FIRST}/{self.key}/"

    def refusal(self, request: Request) -> tuple[int, str] | None:
        """Status and reason where a request is refused; None where it is let in."""
        if request.method not in METHODS:
            return 405, "These pages can only be read."
        names = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"} | ({"127.0.0.1", "localhost"} if self.port == 80 else set())
        if request.headers.get("host", "").lower() not in names:
            return 421, f"This server is http://127.0.0.1:{self.port}/ and answers to no other name."
        if not request.target.startswith("/") or request.target.startswith("//"):
            return 400, "The address is no path of this server."
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return 403, "Another site asked for this page; open it from the address that the terminal shows."
        return None

    def inside(self, parts: Sequence[str]) -> list[str] | None:
        """What follows the key in a path; None where the path does not begin with this server's key.

        Args:
            parts: The path's parts, decoded.
        """
        return list(parts[2:]) if len(parts) > 1 and parts[0] == _FIRST and self._fits(parts[1]) else None

    def _fits(self, key: str) -> bool:
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.key.encode())
