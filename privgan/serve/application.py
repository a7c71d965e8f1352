"""Route requests to responses. No path is ever made from an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from privgan.files.safe_open import size_and_digest
from privgan.serve.exchange import (
    BINARY,
    CSS,
    DOWNLOAD_POLICY,
    METHODS,
    REPORT_POLICY,
    TEXT,
    Guard,
    Request,
    Response,
)
from privgan.serve.library import Held, Library
from privgan.serve.pages import render, style

REPORT = "report.html"
_LONGEST = 2_000
_MISSING = "There is no such page."
_NO_KEY = (
    "Only the one who started the server sees its pages: open the whole address that was printed"
    " there."
)


@dataclass(frozen=True, kw_only=True)
class Application:
    """The pages of one folder of releases.

    Attributes:
        library: The releases.
        guard: Who may ask.
        ledger: The owner's ledger, by path or URL; None to show none.
    """

    library: Library
    guard: Guard
    ledger: str | None = None

    def respond(self, request: Request) -> Response:
        """Answer a request.

        No request can change anything, or read outside the folder.
        """
        refused = self.guard.refusal(request)
        if refused:
            status, reason = refused
            return _refused(status, reason, {"Allow": ", ".join(METHODS)} if status == 405 else {})
        if len(request.target) > _LONGEST:
            return _refused(414, "The address is too long.")
        try:
            parts, query = _address(request.target)
        except ValueError:
            return _refused(400, "The address cannot be read.")
        return self._answer(parts, query)

    def _answer(self, parts: list[str], query: Mapping[str, str]) -> Response:
        if parts == ["favicon.ico"]:  # The browser asks for it by itself, without the key.
            return Response(status=204, kind=TEXT)
        inside = self.guard.inside(parts)
        if inside is None:
            return _refused(403, _NO_KEY)
        if not inside:
            return Response(status=303, kind=TEXT, extra={"Location": self.guard.home})
        if inside == ["style.css"]:
            return Response.page(style(), kind=CSS)
        try:
            return self._route(inside, query)
        except Exception:  # Without a reply the owner would learn nothing.
            return self._problem(
                500, "This page cannot be shown: a release that it tells of cannot be read."
            )

    def _route(self, parts: list[str], query: Mapping[str, str]) -> Response:
        pages: Mapping[str, Callable[[list[str], Mapping[str, str]], Response | None]] = {
            "": self._list,
            "release": self._release,
            "compare": self._compare,
            "ledger": self._ledger,
            "internal": self._internal,
        }
        page = pages.get(parts[0])
        found = page(parts[1:], query) if page else None
        return found or self._problem(404, _MISSING)

    def _list(self, parts: list[str], _: Mapping[str, str]) -> Response | None:
        if parts:
            return None
        return self._page(
            "list", "Releases", releases=self._releases(), insides=self.library.insides()
        )

    def _release(self, parts: list[str], _: Mapping[str, str]) -> Response | None:
        held = self._one(parts[0]) if parts else None
        if held is None:
            return None
        if len(parts) == 1:
            return self._release_page(held)
        if len(parts) == 3 and parts[1] == "file":
            return self._file(held, parts[2])
        return None

    def _release_page(self, held: Held) -> Response:
        title = held.manifest["dataset"] if held.manifest else held.name
        return self._page("release", title, held=held, manifest=held.manifest, report=REPORT)

    def _releases(self) -> list[Held]:
        return [self._presentable(held) for held in self.library.releases()]

    def _one(self, identity: str) -> Held | None:
        held = self.library.release(identity)
        return held and self._presentable(held)

    def _presentable(self, held: Held) -> Held:
        """The release; a broken one where its own page cannot be made.

        An example is a figure beyond all floats.
        """
        try:
            self._release_page(held)
        except Exception as error:
            return held.broken(error)
        return held

    def _file(self, held: Held, name: str) -> Response | None:
        """One of the release's files; its hash is checked on the bytes sent."""
        if not held.ok:
            return self._problem(409, "This release is not intact; nothing of it is handed out.")
        if name not in held.files:
            return None
        try:
            file = held.open(name)
        except OSError:
            return None
        size, digest = size_and_digest(file)
        entry = held.verification.manifest["files"].get(name)
        if entry is not None and entry["sha256"] != digest:
            file.close()
            return self._problem(
                409, "This file was changed a moment ago; nothing of it is handed out."
            )
        if name == REPORT:
            return Response(file=file, size=size, policy=REPORT_POLICY)
        download = {"Content-Disposition": f'attachment; filename="{name.rsplit("/", 1)[-1]}"'}
        return Response(file=file, size=size, kind=BINARY, policy=DOWNLOAD_POLICY, extra=download)

    def _compare(self, parts: list[str], query: Mapping[str, str]) -> Response | None:
        if parts:
            return None
        first, second = (self._one(query.get(side, "")) for side in ("first", "second"))
        if first is None or second is None:
            return self._page(
                "choose",
                "Compare two releases",
                releases=[held for held in self._releases() if held.ok],
            )
        if not (first.ok and second.ok):
            return self._problem(
                409,
                "A release that is not intact is not compared: what it says cannot be relied on.",
            )
        from privgan.serve.compare import compare
        from privgan.serve.shapes import shapes_of

        sections, shapes = compare(first, second), shapes_of(first, second)
        return self._page(
            "compare", "Two releases", first=first, second=second, sections=sections, shapes=shapes
        )

    def _ledger(self, parts: list[str], _: Mapping[str, str]) -> Response | None:
        if parts or self.ledger is None:
            return None
        from privgan.serve.books import read_books

        return self._page("ledger", "Ledger", confidential=True, books=read_books(self.ledger))

    def _internal(self, parts: list[str], _: Mapping[str, str]) -> Response | None:
        """INTERNAL: a report that stays inside.

        None unless the library was opened with internal reports.
        """
        inside = next(
            (inside for inside in self.library.insides() if parts[:1] == [inside.id]), None
        )
        if inside is None or len(parts) != 2 or parts[1] not in inside.reports:
            return None
        try:
            file = inside.open(parts[1])
        except OSError:
            return None
        size, _digest = size_and_digest(file)
        if parts[1].endswith(".html"):
            return Response(file=file, size=size, policy=REPORT_POLICY)
        download = {"Content-Disposition": f'attachment; filename="{parts[1]}"'}
        return Response(file=file, size=size, kind=BINARY, policy=DOWNLOAD_POLICY, extra=download)

    def _problem(self, status: int, reason: str) -> Response:
        return Response.page(self._render("problem", "Not shown", reason=reason), status=status)

    def _page(
        self, template: str, title: str, *, confidential: bool = False, **values: Any
    ) -> Response:
        secret = confidential or self.library.internal
        shown = self._render(
            template, title, confidential=secret, ledger=self.ledger is not None, **values
        )
        return Response.page(shown)

    def _render(
        self,
        template: str,
        title: str,
        *,
        confidential: bool = False,
        ledger: bool = False,
        **values: Any,
    ) -> str:
        return render(
            template,
            title=title,
            home=self.guard.home,
            confidential=confidential,
            ledger=ledger,
            **values,
        )


def _address(target: str) -> tuple[list[str], dict[str, str]]:
    """The decoded parts of a path, and the first value of each query field."""
    address = urlsplit(target)
    query = parse_qs(address.query, max_num_fields=8)
    parts = [unquote(part, errors="strict") for part in address.path.split("/")[1:]]
    return parts, {name: values[0] for name, values in query.items()}


def _refused(status: int, reason: str, extra: Mapping[str, str] | None = None) -> Response:
    """A sentence without a link, for a requester who has not shown the key."""
    return Response(
        status=status, kind=TEXT, body=reason.encode(), size=len(reason.encode()), extra=extra or {}
    )
