"""An evaluator that does what its point says, loaded by path in worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lamcts


class Tasks(lamcts.Evaluator):
    """The first coordinate chooses what happens."""

    space = lamcts.spaces.MultiDiscrete([11, 1000])

    def __init__(self, notes: str = ".") -> None:
        self.notes = Path(notes)

    def evaluate(self, x: Any) -> Any:
        what, argument = int(x[0]), int(x[1])
        (self.notes / f"pid-{os.getpid()}").touch()
        if what == 0:
            return float(argument)
        if what == 1:
            time.sleep(argument / 10)
            return 0.0
        if what == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if what == 3:
            raise KeyError("no such thing")
        if what == 4:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
            (self.notes / f"pid-{child.pid}").touch()
            time.sleep(300)
        if what == 5:
            print("chatter")
            return int(os.environ["OMP_NUM_THREADS"])
        if what == 6:
            assert self.trial.folder is not None
            (self.trial.folder / "left.txt").write_text(f"{self.trial.number}")
            return lamcts.Evaluation(1.0, {"nan": float("nan")}, {"left": "left.txt"})
        if what == 8:  # a child of its holds so many megabytes
            code = f"import time; held = bytearray({argument}_000_000); time.sleep(300)"
            subprocess.run([sys.executable, "-c", code], check=True)
        if what == 9:
            return float(os.environ.get("CUDA_VISIBLE_DEVICES", -1))
        if what == 10:
            for step in range(argument):
                time.sleep(0.02)
                self.report(step, 0.0)
            return 0.0
        os._exit(7)
