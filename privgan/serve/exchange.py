"""One request and its response, without a socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedReader

# Nothing runs, nothing is loaded from elsewhere, nothing is sent elsewhere, no other page shows this one.
PAGE_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
# A report carries its style and its pictures in itself; whatever else a file named report.html may hold stays powerless.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox"
DOWNLOAD_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
HTML, CSS, TEXT, BINARY = (
    "text/html; charset=utf-8",
    "text/css; charset=utf-8",
    "text/plain; charset=utf-8",
    "application/octet-stream",
)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a browser asks.

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
    """What is answered.

    Attributes:
        status: The HTTP status.
        kind: The content's media type.
        body: The content, where it lies in memory.
        file: The content, where it lies on the disk: open, at its start; whoever sends it closes it.
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
        """A page made in memory."""
        body = text.encode("utf-8", "replace")
        return cls(status=status, body=body, size=len(body), kind=kind)

    @property
    def headers(self) -> dict[str, str]:
        """All headers; the same care for every answer, whatever it holds."""
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
