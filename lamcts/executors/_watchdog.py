"""Ends the workers when the coordinator is gone: a small process that waits for its death.

Run as a script, in a session of its own. It reads lines ``+PID`` and ``-PID`` (a worker was
started, has ended) from a pipe whose other end only the coordinator holds. However the
coordinator dies, the pipe closes; then the process groups of the workers left are killed, with
all they started. A thread in the worker could not do that while an evaluation holds the
interpreter's lock, and a signal at the parent's death would spare the worker's own children.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys


def main() -> None:
    """Read worker ids until the pipe closes, then end those that are left."""
    alive: set[int] = set()
    for line in sys.stdin:
        change = alive.add if line[0] == "+" else alive.discard
        change(int(line[1:]))
    for pid in alive:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
