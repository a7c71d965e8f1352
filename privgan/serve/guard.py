"""Who may ask: this machine's own browser, by the server's own name, with the key."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from privgan.serve.exchange import Request

METHODS = ("GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Refuses what does not come from the owner's browser.

    A page of another site can let its own name point to 127.0.0.1 (DNS rebinding); the Host header gives it away. Other
    users of the machine reach 127.0.0.1 too, whatever the folder's own rights: so each page asks for the key that the
    printed address carries.

    Attributes:
        port: The server's port.
        key: The key, new for each server.
    """

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.port}/?key={self.key}"

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

    def knows(self, request: Request) -> bool:
        """Whether the browser has shown the key before."""
        cookies = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        return any(name == self._cookie_name and self.fits(value) for name, _, value in cookies)

    def fits(self, key: str) -> bool:
        """Whether a key is this server's."""
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.key.encode())

    @property
    def cookie(self) -> str:
        """What the browser keeps once it has shown the key: no script reads it, no other site sends it."""
        return f"{self._cookie_name}={self.key}; HttpOnly; SameSite=Strict; Path=/"

    @property
    def _cookie_name(self) -> str:
        # Cookies do not tell ports apart; two servers must not overwrite each other's.
        return f"privgan-key-{self.port}"
