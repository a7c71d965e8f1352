"""Define requests and responses without a socket, and guard access."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader

# No scripts, no loading from elsewhere, no sending elsewhere, no framing.
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors"
    " 'none'"
)
# A report embeds its style and pictures; anything else in a file named report.html is inert.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors"
    " 'none'; sandbox"
)
DOWNLOAD_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
HTML, CSS, TEXT, BINARY = (
    "text/html; charset=utf-8",
    "text/css; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/octet-stream",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A browser's request.

    Attributes:
        method: The method, as sent.
        target: Path and query, as sent.
        headers: Header name in lower case to value.
    """

    method: str = "GET"
    target: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response to a browser.

    Attributes:
        status: The HTTP status.
        kind: The content's media type.
        body: The content, where it lies in memory.
        file: The content, where it lies on the disk: open, at its start; whoever sends it closes
            it.
        size: The content's size in bytes.
        policy: The Content-Security-Policy.
        extra: More headers.
    """

    status: int = 200
    kind: str = HTML
    body: bytes = b""
    file: BufferedReader | None = None
    size: int = 0
    policy: str = PAGE_POLICY
    extra: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def page(cls, text: str, *, status: int = 200, kind: str = HTML) -> Response:
        """Make a page in memory."""
        body = text.encode("utf-8", "replace")
        return cls(status=status, body=body, size=len(body), kind=kind)

    @property
    def headers(self) -> dict[str, str]:
        """All headers; every response gets the same protective ones."""
        return {
            "Content-Type": self.kind,
            "Content-Length": str(self.size),
            "Content-Security-Policy": self.policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
            "Cache-Control": "no-store",
            **self.extra,
        }


METHODS = ("GET", "HEAD")
_FIRST = "k"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Refuse requests that do not come from the owner's browser.

    A foreign page can point its name to 127.0.0.1 (DNS rebinding); the Host header reveals it.
    Other users of the machine can reach 127.0.0.1 too, whatever the folder's rights. So every
    address begins with the key that the terminal shows. A cookie would not do: the browser sends it
    to every port of 127.0.0.1.

    Attributes:
        port: The server's port.
        key: The key, new for each server.
    """

    port: int
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://127.0.0.1:{self.port}{self.home}"

    @property
    def home(self) -> str:
        """The start of every page's path."""
        return f"/{_FIRST}/{self.key}/"

    def refusal(self, request: Request) -> tuple[int, str] | None:
        """Status and reason of a refused request; None where it is allowed."""
        if request.method not in METHODS:
            return 405, "These pages can only be read."
        names = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"} | (
            {"127.0.0.1", "localhost"} if self.port == 80 else set()
        )
        if request.headers.get("host", "").lower() not in names:
            return (
                421,
                f"This server is http://127.0.0.1:{self.port}/ and answers to no other name.",
            )
        if not request.target.startswith("/") or request.target.startswith("//"):
            return 400, "The address is no path of this server."
        if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return (
                403,
                (
                    "Another site asked for this page; open it from the address that the terminal"
                    " shows."
                ),
            )
        return None

    def inside(self, parts: Sequence[str]) -> list[str] | None:
        """The path's parts after the key.

        None where the path does not begin with this server's key.

        Args:
            parts: The path's parts, decoded.
        """
        return (
            list(parts[2:])
            if len(parts) > 1 and parts[0] == _FIRST and self._fits(parts[1])
            else None
        )

    def _fits(self, key: str) -> bool:
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.key.encode())
