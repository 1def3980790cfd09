"""The problem of the crash tests: deterministic, optionally slow, loaded by path."""

from __future__ import annotations

import os
import time
from typing import Any

import lamcts


class Sphere(lamcts.Evaluator):
    """Distance from a corner; each trial takes ``seconds`` and adds its process to ``pids``."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def __init__(self, seconds: float = 0.0, pids: str = "") -> None:
        self.seconds = seconds
        self.pids = pids

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        if self.pids:
            with open(self.pids, "a", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        return lamcts.Evaluation(float(((x - 0.3) ** 2).sum()), metrics={"radius": float(x @ x)})
