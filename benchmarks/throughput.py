"""How busy a run keeps its workers: trials a second against what the workers could do.

    python benchmarks/throughput.py [--executor local|ray] [--workers 2] [--seconds 0.1]

Each evaluation sleeps; with nothing else to do, ``workers / seconds`` trials would end a second.
The start of the workers does not count: the clock runs from the outcome of trial 10 to the last
full round. Several runs, for other programs may be in the way; the best is what the code can do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import lamcts
from lamcts._threads import THREAD_LIMITS
from lamcts.callbacks import Callback
from lamcts.history import Trial
from lamcts.result import Result
from lamcts.run import Run

WARM_UP = 10  # trials


class Sleep(lamcts.Evaluator):
    """A bowl whose evaluation takes a given time and no CPU."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(10,))

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds

    def evaluate(self, x: Any) -> float:
        """Sleep, then the squared length."""
        time.sleep(self.seconds)
        return float(x @ x)


class Clock(Callback):
    """When each outcome came, and what a trial cost beside its evaluation."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.overhead = 0.0

    def on_tell(self, run: Run, trial: Trial) -> None:
        """Note the time."""
        self.times.append(time.monotonic())

    def on_run_end(self, run: Run, result: Result) -> None:
        """Note the overhead."""
        self.overhead = run.overhead


def main() -> None:
    """Measure a few runs and print each one's share of the ideal."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--executor", default="local", choices=["local", "ray"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--optimizer", default="lamcts")
    options = parser.parse_args()
    print("| run | trials/s | of the ideal | overhead, ms a trial |\n|" + " ---: |" * 4)
    for number in range(options.runs):
        clock = Clock()
        with tempfile.TemporaryDirectory() as folder:
            lamcts.search(
                Sleep(options.seconds),
                budget=options.trials,
                seed=number,
                optimizer=options.optimizer,
                executor=options.executor,
                workers=options.workers,
                callbacks=[clock],
                folder=Path(folder) / "run",
            )
        # The last trials run while others are idle: no more are to be begun.
        times = clock.times[WARM_UP : len(clock.times) - options.workers]
        rate = (len(times) - 1) / (times[-1] - times[0])
        share = rate * options.seconds / options.workers
        print(f"| {number} | {rate:.2f} | {share:.1%} | {1e3 * clock.overhead:.1f} |", flush=True)


if __name__ == "__main__":
    limits = dict.fromkeys(THREAD_LIMITS, "1")
    if not limits.keys() <= os.environ.keys():  # they are read when numpy is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**limits, **os.environ})
    main()
