"""Run a search that kills itself at a named point of the N-th write of a kind.

Usage: python killed_run.py FOLDER OPTIONS, where OPTIONS is JSON: the arguments of
`lamcts.search`, of the problem and, as ``kill``, ``[point, kind, n]``. A folder that holds a run is
resumed. The number of each trial is printed when its outcome is acknowledged.
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
from lamcts.problem import ProblemRef
from lamcts.storage import _events, _folder, _log

PROBLEM = Path(__file__).with_name("sphere.py")


def die() -> None:
    """End as ``kill -9`` would."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str, kind: str, n: int) -> None:
    """Patch the writer so that it dies before, within or after the n-th event of a kind.

    ``unsynced`` is after the write and before the fsync.
    """
    append, seen = _log.RunLog.append, [0]

    def armed(self: Any, name: str, /, **fields: Any) -> None:
        seen[0] += name == kind
        now = name == kind and seen[0] == n
        if now and point == "before":
            die()
        if now and point == "torn":
            line = _events.seal({"v": 1, "event": name, "time": 0.0, **fields})
            self._file.write(line[: len(line) // 2])
            die()
        if now and point == "unsynced":
            _log.os.fsync = lambda descriptor: die()  # type: ignore[attr-defined]
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


class Acknowledge(lamcts.Callback):
    """Says which outcomes are on the disk by now, as far as the run can promise."""

    def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
        os.write(1, f"{trial.number}\n".encode())


def main() -> None:
    """Arm, then run or resume."""
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    kill = options.pop("kill", None)
    settings = {name: options.pop(name) for name in ("seconds", "pids") if name in options}
    if kill and kill[0] == "best":
        arm_best(kill[2])
    elif kill:
        arm(*kill)
    options["callbacks"] = [Acknowledge()]
    if (folder / storage.RUN_FILE).exists():
        lamcts.resume(folder, callbacks=options["callbacks"])
    else:
        lamcts.search(ProblemRef(str(PROBLEM), settings), folder=folder, **options)


if __name__ == "__main__":
    main()
