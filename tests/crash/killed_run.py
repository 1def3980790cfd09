"""Run a search that kills itself at a named point of the N-th write of a kind.

Usage: python killed_run.py FOLDER OPTIONS, where OPTIONS is JSON: the arguments of
`lamcts.search` and, as ``kill``, ``[point, kind, n]``. A folder that holds a run is resumed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import lamcts
from lamcts import storage
from lamcts.storage import _folder, _log

PROBLEM = Path(__file__).with_name("sphere.py")


def die() -> None:
    """End as ``kill -9`` would."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, kind: str, n: int) -> None:
    """Patch the writer so that it dies before, within or after the n-th event of a kind."""
    append, seen = _log.RunLog.append, [0]

    def armed(self: Any, name: str, /, **fields: Any) -> None:
        seen[0] += name == kind
        now = name == kind and seen[0] == n
        if now and point == "before":
            die()
        if now and point == "torn":
            line = storage.encode({"v": 1, "event": name, "time": 0.0, **fields}).encode()
            self._file.write(line[: len(line) // 2])
            die()
        append(self, name, **fields)
        if now and point == "after":
            die()

    _log.RunLog.append = armed  # type: ignore[method-assign]


def arm_best(n: int) -> None:
    """Die between writing ``best.json`` aside and moving it into place."""
    replace, seen = os.replace, [0]

    def armed(source: Path, target: Path) -> None:
        seen[0] += target.name == "best.json"
        if seen[0] == n:
            die()
        replace(source, target)

    _folder.os.replace = armed  # type: ignore[attr-defined]


def main() -> None:
    """Arm, then run or resume."""
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    kill, seconds = options.pop("kill", None), options.pop("seconds", 0.0)
    if kill and kill[0] == "best":
        arm_best(kill[2])
    elif kill:
        arm(*kill)
    if (folder / storage.RUN_FILE).exists():
        lamcts.resume(folder)
    else:
        from lamcts.problem import ProblemRef

        lamcts.search(ProblemRef(str(PROBLEM), {"seconds": seconds}), folder=folder, **options)


if __name__ == "__main__":
    main()
