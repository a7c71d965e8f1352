"""A running ``privgan serve`` for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from privgan.serve.server import Server, make_server


@contextmanager
def serving(root: Path, *, internal: bool = False, ledger: str | None = None) -> Iterator[Server]:
    """Serve a folder on a free port until the block ends."""
    with make_server(root, internal=internal, ledger=ledger) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
