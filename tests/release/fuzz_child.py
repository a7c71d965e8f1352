"""``python -m tests.release.fuzz_child``: verify folders and zip files in a child.

One is named on each line; it reports what that took.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time

from privgan.cli.main import execute


def _used() -> tuple[float, int]:
    """CPU seconds and peak kilobytes, of this process and of those that it waited for."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    seconds = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    return seconds, max(own.ru_maxrss, others.ru_maxrss)


def main() -> None:
    for line in sys.stdin:
        out, before, begun = io.StringIO(), _used()[0], time.monotonic()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = execute(json.loads(line))
        seconds, peak = _used()
        found = {
            "code": code,
            "cpu": seconds - before,
            "wall": time.monotonic() - begun,
            "peak": peak,
            "told": out.getvalue(),
        }
        sys.__stdout__.write(json.dumps(found) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    main()
