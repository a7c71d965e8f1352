"""Serve pages on 127.0.0.1 to the holder of the printed key; one thread a request."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore, Timer, get_ident
from typing import Any, ClassVar

from privgan.errors import UsageError
from privgan.naming import parameter
from privgan.release.signing.trust import Trust
from privgan.release.verification.apart import verify_apart
from privgan.serve.application import Application
from privgan.serve.exchange import TEXT, Guard, Request, Response
from privgan.serve.library import Library

ADDRESS = "127.0.0.1"
_SECONDS = 30  # To send a request, and between two parts of it.
_MOST_AT_ONCE = 64  # A browser opens 6.


def make_server(
    root: Path,
    *,
    port: int = 0,
    internal: bool = False,
    ledger: str | None = None,
    trust: Trust | None = None,
) -> Server:
    """Make a server for a folder of releases, bound to 127.0.0.1 only; not running yet.

    Args:
        root: The folder.
        port: The port; 0 for a free one.
        internal: Whether internal reports are shown.
        ledger: The owner's ledger; None to show none.
        trust: Whose signatures are believed.

    Raises:
        UsageError: There is no such folder, or the port is taken.
    """
    library = Library(root, internal=internal, trust=trust, check=verify_apart)
    try:
        server = Server((ADDRESS, port), _Handler)
    except (OSError, OverflowError) as error:
        told = getattr(error, "strerror", None) or error
        raise UsageError(
            f"port {port} of {ADDRESS} cannot be used: {told}; name another with"
            f" {parameter('port')}"
        ) from error
    server.application = Application(
        library=library, guard=Guard(port=server.server_address[1]), ledger=ledger
    )
    return server


class Server(ThreadingHTTPServer):
    """The standard library's server, with the pages to show."""

    daemon_threads = True
    application: Application

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._places = BoundedSemaphore(_MOST_AT_ONCE)
        self.late: dict[int, Timer] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a new thread; refuse a client with too many connections."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one request, which must arrive within the time limit."""
        late = Timer(_SECONDS, _break_off, [request])
        late.daemon = True
        late.start()
        self.late[get_ident()] = late
        try:
            super().process_request_thread(request, client_address)
        finally:
            late.cancel()
            self.late.pop(get_ident(), None)
            self._places.release()

    def heard(self) -> None:
        """Note that the whole request of this thread arrived in time."""
        self.late[get_ident()].cancel()

    @property
    def address(self) -> str:
        """The address to open in a browser; it holds the key."""
        return self.application.guard.address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing of a broken connection."""


def _break_off(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[int] = _SECONDS
    server: Server

    def version_string(self) -> str:
        """The server's name, without versions of its libraries."""
        return "privgan"

    def __getattr__(self, name: str) -> Callable[[], None]:
        # The base class looks up do_GET, do_POST, …; every method gets the same answer path.
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        self.server.heard()
        names = {name.lower() for name in self.headers}
        headers = {name: ", ".join(self.headers.get_all(name, [])) for name in names}
        response = self.server.application.respond(
            Request(method=self.command, target=self.path, headers=headers)
        )
        with contextlib.ExitStack() as stack:
            if response.file is not None:
                stack.callback(response.file.close)
            self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        # A body that was sent along is not read: the connection ends, so that it is no next
        # request.
        self.close_connection = True
        for name, value in {**response.headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if response.file is not None:
            shutil.copyfileobj(response.file, self.wfile)
        else:
            self.wfile.write(response.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an unreadable request with the usual headers, and nothing of its content."""
        self.command = getattr(self, "command", None) or "GET"
        body = b"The request cannot be read."
        self._send(Response(status=int(code), kind=TEXT, body=body, size=len(body)))

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: addresses may hold the key."""
