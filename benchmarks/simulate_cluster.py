"""What to expect of many workers: a run simulated event by event, on a clock that costs nothing.

    python benchmarks/simulate_cluster.py [--mean 10 60 600] [--failures 0.01]
    python benchmarks/simulate_cluster.py --check local|ray

The coordinator is the one of `lamcts.run`: it asks while there is room, waits, hands what is queued
to the workers that are free, and tells the outcomes one after another. How long it takes for a
trial is measured here, with the real optimizer and run file and as many trials pending as there
are workers; the simulation draws from what was measured. ``--check`` compares a simulation with
real runs of two workers.
"""

from __future__ import annotations

import argparse
import heapq
import math
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import lamcts
from lamcts import prepare
from lamcts._threads import THREAD_LIMITS
from lamcts.callbacks import Callback
from lamcts.config import RunConfig
from lamcts.executors import Task
from lamcts.history import Trial, TrialState
from lamcts.outcome import Outcome
from lamcts.run import _IDLE, Run
from lamcts.storage import RunFolder

WORKERS = [1, 8, 64, 512]
RESTART = 10.0  # s until the worker in a dead one's place has loaded the problem
Told = list[tuple[float, float]]  # when an outcome was told, and how long its evaluation took


@dataclass(frozen=True)
class Setting:
    """A cluster and its trials; times in seconds.

    Attributes:
        workers: How many.
        mean: Of an evaluation's time, which is lognormal.
        sd: Its standard deviation.
        failures: The share of evaluations in which the worker dies, half-way on average.
        overhead: What the coordinator needs for a trial, as it was measured for some: half to
            ask and write, half to tell.
        latency: From the coordinator to a worker, and back.
        trials: The budget.
    """

    workers: int
    mean: float
    sd: float
    failures: float = 0.0
    overhead: Sequence[float] = (0.01,)
    latency: float = 0.002
    trials: int = 200


@dataclass
class Simulation:
    """One run. Attributes are what it came to."""

    setting: Setting
    told: Told = field(default_factory=list)
    waits: list[float] = field(default_factory=list)  # of free workers, for a trial
    delays: list[float] = field(default_factory=list)  # of outcomes, to be told
    busy: float = 0.0  # the coordinator
    now: float = 0.0

    def __post_init__(self) -> None:
        """Simulate."""
        s = self.setting
        self._rng = np.random.default_rng(0)
        self._free = [0.0] * s.workers  # since when, for each worker that is known to be free
        self._queue = 0
        self._events: list[tuple[float, str, float]] = []  # (when, what, seconds it took)
        in_flight = evaluated = 0.0
        while len(self.told) < s.trials:
            ahead = s.workers > 1 and bool(self.told) and self.busy > _IDLE * evaluated
            window = min(s.workers + ahead, s.trials - len(self.told))
            while in_flight < window:
                in_flight += 1
                self._ask()
            self.now = max(self.now, self._events[0][0])
            done = []
            while self._events and self._events[0][0] <= self.now:
                when, what, seconds = heapq.heappop(self._events)
                if what == "died":
                    heapq.heappush(self._events, (when + RESTART, "ready", 0.0))
                else:
                    self._free.append(when)
                if what != "ready":
                    done.append((when, what, seconds))
            self._dispatch()
            for when, what, seconds in done:
                if what == "died":  # the trial is written once more and evaluated again
                    self._ask()
                    continue
                self._work()
                in_flight -= 1
                evaluated += seconds
                self.told.append((self.now, seconds))
                self.delays.append(self.now - when)

    def _work(self) -> None:
        seconds = float(self._rng.choice(self.setting.overhead)) / 2
        self.busy += seconds
        self.now += seconds

    def _ask(self) -> None:
        self._work()
        self._queue += 1
        self._dispatch()

    def _dispatch(self) -> None:
        s = self.setting
        while self._queue and self._free:
            self._queue -= 1
            start = self.now + s.latency
            free = self._free.pop(0)
            if len(self.told) < s.trials - s.workers:  # then many wait for nothing to come
                self.waits.append(start - free)
            variance = math.log1p((s.sd / s.mean) ** 2)
            seconds = self._rng.lognormal(math.log(s.mean) - variance / 2, math.sqrt(variance))
            dies = self._rng.random() < s.failures
            seconds *= self._rng.random() if dies else 1.0
            event = (start + seconds + s.latency, "died" if dies else "done", seconds)
            heapq.heappush(self._events, event)


def one_thread() -> None:
    """Start again with one thread for linear algebra, unless the numbers are set."""
    limits = dict.fromkeys(THREAD_LIMITS, "1")
    if not limits.keys() <= os.environ.keys():  # they are read when numpy is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**limits, **os.environ})


def utilisation(told: Sequence[tuple[float, float]], workers: int) -> float:
    """The share of the workers' time that went into evaluations, beside a run's start and end."""
    steady = told[workers : len(told) - workers]
    span = steady[-1][0] - steady[0][0]
    return sum(seconds for _, seconds in steady[1:]) / (workers * span)


class Instant:
    """An executor whose workers take no time: what is left is the coordinator's.

    Attributes:
        costs: Seconds between two waits: for one outcome and one new trial.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.costs: list[float] = []
        self._queue: deque[Task] = deque()
        self._since: float | None = None

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._queue.append(task)

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        """The oldest task's outcome, as if it had taken an hour: so no trial is made ahead."""
        if self._since is not None:
            self.costs.append(time.monotonic() - self._since)
        task = self._queue.popleft()
        value = float(np.square(task.data).sum())
        self._since = time.monotonic()
        return [(task, Outcome(TrialState.COMPLETE, value, seconds=3600.0))]

    def withdraw(self) -> int:
        """Nothing runs between calls."""
        return 0

    def close(self) -> None:
        """Nothing to end."""


class Sleep(lamcts.Evaluator):
    """A bowl whose evaluations take lognormal times and no CPU."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(10,))

    def __init__(self, mean: float = 0.1, sd: float = 0.05) -> None:
        self.mean, self.sd = mean, sd

    def evaluate(self, x: Any) -> float:
        """Sleep as long as the trial's number says, then the squared length."""
        rng = np.random.default_rng(self.trial.number)
        variance = math.log1p((self.sd / self.mean) ** 2)
        time.sleep(rng.lognormal(math.log(self.mean) - variance / 2, math.sqrt(variance)))
        return float(x @ x)


class Notes(Callback):
    """When outcomes were told."""

    def __init__(self) -> None:
        self.told: Told = []

    def on_tell(self, run: Run, trial: Trial) -> None:
        """Note when, and how long the evaluation took."""
        self.told.append((time.monotonic(), trial.seconds or 0.0))


def measure(workers: int, trials: int) -> list[float]:
    """Seconds the coordinator needs for each trial while ``workers`` trials are pending."""
    evaluator = Sleep()
    config = RunConfig(budget=trials)
    proposer = prepare.optimizer(evaluator, config, 0)
    with tempfile.TemporaryDirectory() as folder:
        header = prepare.header(evaluator, None, config, "sleep", 0, [])
        store = RunFolder.create(Path(folder) / "run", header, None)
        place = Instant(workers)
        Run(evaluator, proposer, place, config, problem="sleep", store=store).execute()
        store.close()
    return place.costs[: trials - workers]  # then outcomes only


def check(executor: str, setting: Setting) -> None:
    """Compare a real run with a simulation."""
    costs = measure(setting.workers, setting.trials)  # first: it also loads what either needs
    notes = Notes()
    with tempfile.TemporaryDirectory() as folder:
        lamcts.search(
            Sleep(setting.mean, setting.sd),
            budget=setting.trials,
            seed=0,
            executor=executor,
            workers=setting.workers,
            callbacks=[notes],
            folder=Path(folder) / "run",
        )
    simulated = Simulation(replace(setting, overhead=costs))
    print(
        f"{executor}, {setting.workers} workers, {setting.mean:g} s (sd {setting.sd:g}): "
        f"utilisation {utilisation(notes.told, setting.workers):.1%}, "
        f"simulated {utilisation(simulated.told, setting.workers):.1%} "
        f"with {1e3 * np.mean(costs):.1f} ms a trial",
        flush=True,
    )


def table(means: Sequence[float], spread: float, failures: float, given: float | None) -> None:
    """Print a Markdown table, a line for each number of workers and each time of evaluations."""
    head = ["workers", "evaluation, s", "trials/s", "utilisation", "coordinator busy"]
    head += ["ms a trial", "a free worker waits, ms (95 %)", "an outcome waits, ms (95 %)"]
    print("| " + " | ".join(head) + " |\n|" + " ---: |" * len(head))
    for workers in WORKERS:
        costs = [given / 1e3] if given else measure(workers, max(200, 3 * workers))
        for mean in means:
            trials = max(500, 20 * workers)
            run = Simulation(Setting(workers, mean, spread * mean, failures, costs, trials=trials))
            figures = [
                f"{workers}",
                f"{mean:g}",
                f"{len(run.told) / run.now:.3g}",
                f"{utilisation(run.told, workers):.1%}",
                f"{run.busy / run.now:.1%}",
                f"{1e3 * np.mean(costs):.1f}",
                *(
                    f"{1e3 * np.mean(w):,.0f} ({1e3 * np.quantile(w, 0.95):,.0f})"
                    for w in (run.waits, run.delays)
                ),
            ]
            print("| " + " | ".join(figures) + " |", flush=True)


def main() -> None:
    """Print the table, or the check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mean", type=float, nargs="+", help="seconds of an evaluation")
    parser.add_argument("--spread", type=float, default=0.5, help="standard deviation by mean")
    parser.add_argument("--failures", type=float, default=0.01, help="share of lost evaluations")
    parser.add_argument("--overhead", type=float, help="ms a trial; measured when not given")
    parser.add_argument("--check", choices=["local", "ray"], help="compare with real runs")
    options = parser.parse_args()
    if options.check:
        for mean in options.mean or [0.05, 0.1, 0.3]:
            check(options.check, Setting(2, mean, options.spread * mean))
    else:
        table(options.mean or [10, 60, 600], options.spread, options.failures, options.overhead)


if __name__ == "__main__":
    one_thread()
    main()
