"""Run a check in a separate process of bounded time and memory.

C++ code that reads a foreign file, such as pyarrow, may crash, hang or allocate without end. Here
that ends the child alone. Question and answer are JSON, so nothing of the answer is run.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from privgan.errors import PrivganError, VerificationError
from privgan.files.limits import GUARDED_MEGABYTES, GUARDED_SECONDS, LARGEST_REPLY, MB

_ARGUMENTS = "import sys, json; request = json.load(sys.stdin); sys.path[:] = request['path']; "
_BOOT = _ARGUMENTS + "from privgan.release.verification.sandbox import answer; answer(request)"
# One thread: the stacks of a pool count as memory. Arrow's own allocator aborts where it gets
# nothing; the system's says so.
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
}
_GRACE = 4.0  # Seconds for starting Python and importing the function's module.
_BUSY = 4.0  # Seconds by the clock for one of the processor, on a machine with other work.


class GuardedError(VerificationError):
    """The separate process found an error, or gave no answer."""


def run_guarded(
    function: Callable[..., Any],
    *arguments: Any,
    seconds: float = GUARDED_SECONDS,
    megabytes: int = GUARDED_MEGABYTES,
) -> Any:
    """Run a function in a separate process and return its value.

    The function must stand at the top of a module, and should import what it needs inside itself.
    It gets its arguments as JSON values (a path as text), and returns JSON values.

    Args:
        function: The function.
        arguments: Its arguments: JSON values, and paths.
        seconds: The most time of the processor that it may take; four times as much by the clock.
        megabytes: The most memory that it may take beyond that of Python and the function's module.

    Raises:
        GuardedError: It takes too much, dies, or raises; a PrivganError's own words are kept.
    """
    request = {
        "path": [os.path.abspath(path) for path in sys.path if path],
        "function": f"{function.__module__}:{function.__qualname__}",
        "arguments": [str(value) if isinstance(value, Path) else value for value in arguments],
        "seconds": seconds,
        "megabytes": megabytes,
    }
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as reply:
        question.write(json.dumps(request).encode())
        question.seek(0)
        code = _run(question, reply, _BUSY * (seconds + _GRACE))
        reply.seek(0)
        content = reply.read(LARGEST_REPLY + 1)
    return _value(content, code, seconds, megabytes)


def _run(question: IO[bytes], reply: IO[bytes], seconds: float) -> int | None:
    """The child's exit code; None where it took too long."""
    # -P: the current folder may be a hostile release, and a json.py in it must not be imported.
    command = [sys.executable, "-P", "-c", _BOOT]
    environment = {**os.environ, **_QUIET}
    with subprocess.Popen(
        command, stdin=question, stdout=reply, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        try:
            return child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            child.kill()


def _reply(content: bytes) -> Any:
    """The child's answer; None where it is too large or no JSON."""
    try:
        return json.loads(content) if len(content) <= LARGEST_REPLY else None
    except (ValueError, RecursionError):
        return None


def _value(content: bytes, code: int | None, seconds: float, megabytes: int) -> Any:
    if code is None or code == -signal.SIGXCPU:
        raise GuardedError(f"cannot be read in {seconds:g} seconds")
    reply = _reply(content)
    if code or not isinstance(reply, dict):
        how = f"signal {-code}" if code < 0 else f"code {code}"
        raise GuardedError(f"cannot be read: the process that read it ended with {how}")
    if "problem" in reply:
        raise GuardedError(str(reply["problem"]))
    if reply.get("failed") == MemoryError.__name__:
        raise GuardedError(f"cannot be read with {megabytes} MB of memory")
    if "failed" in reply:
        raise GuardedError(f"cannot be read ({reply['failed']})")
    return reply["value"]


def answer(request: dict[str, Any]) -> None:
    """Run the requested function in the child, under limits, and write its value."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # A library's prints are no part of the answer.
    module, _, name = request["function"].partition(":")
    function = getattr(import_module(module), name)
    _limit(request["seconds"], request["megabytes"])
    try:
        reply: dict[str, Any] = {"value": function(*request["arguments"])}
    except PrivganError as error:
        reply = {"problem": str(error)}
    except Exception as error:
        reply = {"failed": MemoryError.__name__ if _lacks_memory(error) else type(error).__name__}
    out.write(json.dumps(reply).encode())
    out.close()
    os._exit(0)  # Exit without the libraries' cleanup, which a foreign file may have broken.


def _lacks_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "ArrowMemoryError"


def _limit(seconds: float, megabytes: int) -> None:
    """Limit core dumps, time and memory, as far as the system knows these limits."""
    most = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: int(seconds) + 1,
        resource.RLIMIT_FSIZE: LARGEST_REPLY + MB,
        resource.RLIMIT_DATA: _memory() + megabytes * MB,
    }
    for kind, limit in most.items():
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with suppress(ValueError, OSError):
            # The soft limit sends a named signal, the hard one kills.
            resource.setrlimit(kind, (limit, limit + 1 if hard == resource.RLIM_INFINITY else hard))


def _memory() -> int:
    """Bytes of memory that this process has already, as Linux counts them; 0 elsewhere."""
    with suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    return 0
