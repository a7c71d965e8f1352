"""The pages over a real socket."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from privgan.cli.main import execute
from privgan.errors import UsageError
from privgan.release.verification.verify import verify_release
from privgan.serve.server import Server, make_server
from tests.serve.conftest import Shelf


@pytest.fixture
def server(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running server of a shelf with one release, a toy that a process apart would not know."""
    monkeypatch.setattr("privgan.serve.server.verify_apart", verify_release)
    shelf.add("one", dataset="socket-customers")
    with make_server(shelf.root) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(
    server: Server, method: str, target: str, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, server.application.guard.home[:-1] + target, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def raw(server: Server, sent: bytes) -> bytes:
    with socket.create_connection(
        ("127.0.0.1", server.server_address[1]), timeout=10
    ) as connection:
        with contextlib.suppress(OSError):  # The server may have hung up on what is broken.
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_pages_and_files_arrive_whole(
    server: Server, shelf: Shelf, capfd: pytest.CaptureFixture[str]
) -> None:
    response, content = ask(server, "GET", "/")
    assert response.status == 200
    assert b"socket-customers" in content
    assert response.headers["Server"] == "privgan"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    identity = server.application.library.releases()[0].id
    response, content = ask(server, "GET", f"/release/{identity}/file/synthetic.parquet")
    assert content == (shelf.root / "one" / "synthetic.parquet").read_bytes()
    head, nothing = ask(server, "HEAD", f"/release/{identity}/file/synthetic.parquet")
    assert nothing == b""
    assert head.headers["Content-Length"] == str(len(content))
    assert capfd.readouterr() == ("", ""), "an address holds the key"


def test_it_listens_on_this_machine_alone(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_refused(method: str, server: Server) -> None:
    response, _ = ask(server, method, "/")
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_foreign_name_is_refused(server: Server) -> None:
    response, content = ask(server, "GET", "/", Host="evil.invalid")
    assert response.status == 421
    assert b"socket-customers" not in content


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"<script>alert(1)</script> / HTTP/1.1\r\n\r\n",
        b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil\r\n\r\n",
    ],
)
def test_broken_requests_get_no_page_and_break_nothing(sent: bytes, server: Server) -> None:
    answer = raw(server, sent)
    assert b"socket-customers" not in answer
    assert b"<script>" not in answer
    assert b" 200 " not in answer.split(b"\r\n")[0]
    assert ask(server, "GET", "/")[0].status == 200


def test_a_second_request_is_never_read_from_a_body(server: Server) -> None:
    smuggled = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.server_address[1]
    answer = raw(
        server, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n" + smuggled
    )
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_taken_port_and_a_missing_folder_are_told(
    server: Server, shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    port = server.server_address[1]
    with pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 cannot be used"):
        make_server(shelf.root, port=port)
    assert execute(["serve", str(shelf.root), "--port", str(port)]) == 2
    assert execute(["serve", str(shelf.root / "missing"), "--port", "0"]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_the_command_tells_the_address_and_ends_by_ctrl_c(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_server: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", stop)
    assert execute(["serve", str(shelf.root), "--port", "0"]) == 0
    told = capsys.readouterr()
    assert "http://127.0.0.1:" in told.out
    assert "/k/" in told.out
    assert "CONFIDENTIAL" not in told.err
    assert execute(["serve", str(shelf.root), "--port", "0", "--internal"]) == 0
    assert "CONFIDENTIAL" in capsys.readouterr().err


def test_a_ledger_that_is_not_there_is_told_at_the_start(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        execute(
            ["serve", str(shelf.root), "--port", "0", "--ledger", str(tmp_path / "none.sqlite")]
        )
        == 2
    )
    assert "none.sqlite" in capsys.readouterr().err
