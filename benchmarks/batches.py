"""What many workers cost in quality: one point at a time, batches, workers that never wait.

    python benchmarks/batches.py [--functions ackley,bbob-f9] [--size 8] [--seeds 10] [--jobs 2]

All three spend the same evaluations. A batch is told when all of it is evaluated; workers are told
their own evaluation as it ends, and its time is lognormal with a standard deviation of half the
logarithm. Each figure is the distance from the optimum: median (quartiles) over seeds, and how many
times the median of one point at a time it is. Takes about four seconds a run.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from lamcts._threads import THREAD_LIMITS
from lamcts.benchmark.clock import run_asynchronously
from lamcts.benchmark.meter import BudgetSpent, Meter
from lamcts.benchmark.suites import find_case
from lamcts.errors import LamctsError
from lamcts.optimizers import make_optimizer
from lamcts.outcome import Outcome

FUNCTIONS = (
    "ackley,levy,rastrigin,rosenbrock,griewank,michalewicz,styblinski-tang,schwefel,"
    "rotated-ackley,bbob-f9,bbob-f10,bbob-f14"
)
WAYS = ("one at a time", "batches", "workers")
SPREAD = 0.5  # of the logarithm of an evaluation's time


class Setting(NamedTuple):
    """One run."""

    function: str
    way: str
    seed: int
    size: int
    dim: int
    budget: int


class Timed(Meter):
    """A meter whose evaluations last a random time."""

    rng: np.random.Generator

    def look(self, x: object) -> Outcome:
        """Evaluate a point, and say how long it took."""
        seconds = float(np.exp(SPREAD * self.rng.standard_normal()))
        return replace(super().look(x), metrics={"seconds": seconds})


def search(setting: Setting) -> list[float]:
    """Distances from the optimum after each evaluation."""
    evaluator = find_case(setting.function).build(1, {"dim": setting.dim})
    meter = Timed(evaluator, setting.budget)
    meter.rng = np.random.default_rng(setting.seed)
    direction = evaluator.direction
    optimizer = make_optimizer("lamcts", evaluator.space, direction=direction, seed=setting.seed)
    try:
        if setting.way == "workers":
            run_asynchronously(optimizer, meter, "seconds", setting.size)
        while True:
            trials = optimizer.ask(setting.size if setting.way == "batches" else 1)
            for trial, outcome in [(trial, meter.evaluate(trial.x)) for trial in trials]:
                optimizer.tell(trial, outcome.to_tell())
    except BudgetSpent:
        pass
    best = np.full(setting.budget, np.nan)
    for evaluations, value in meter.trace:
        best[evaluations - 1 :] = value
    optimum: float = getattr(evaluator, "optimum_value", np.nan)
    return [abs(float(value) - optimum) for value in best]


def main() -> None:
    """Run all settings and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--functions", default=FUNCTIONS, help="of lamcts bench --list")
    parser.add_argument("--dim", type=int, default=20)
    parser.add_argument("--size", type=int, default=8, help="of a batch; also the workers")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--checkpoints", default="200,500,1000")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    places = [int(n) for n in given.checkpoints.split(",")]
    functions = given.functions.split(",")
    try:
        for function in functions:
            find_case(function).build(1, {"dim": given.dim})
    except LamctsError as error:
        parser.error(str(error))
    settings = [
        Setting(function, way, seed, given.size, given.dim, max(places))
        for function in functions
        for way in WAYS
        for seed in range(given.seeds)
    ]
    print("| function, evaluations | " + " | ".join(WAYS) + " |\n|" + " --- |" * (1 + len(WAYS)))
    shape = (len(WAYS), given.seeds, max(places))
    with get_context("spawn").Pool(given.jobs) as pool:
        runs = pool.imap(search, settings)
        for function in functions:
            found = [next(runs) for _ in range(shape[0] * shape[1])]
            show(function, np.array(found).reshape(shape), places)


def show(function: str, distances: np.ndarray, places: list[int]) -> None:
    """Print a function's rows, of distances (ways, seeds, evaluations)."""
    for place in places:
        low, middle, high = np.quantile(distances[:, :, place - 1], (0.25, 0.5, 0.75), axis=1)
        cells = [f"{m:.3g} ({a:.3g} to {b:.3g})" for a, m, b in zip(low, middle, high, strict=True)]
        for i in range(1, len(WAYS)):
            cells[i] += f", {middle[i] / middle[0]:.2g}"
        print(f"| {function}, {place:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    limits = dict.fromkeys(THREAD_LIMITS, "1")
    if not limits.keys() <= os.environ.keys():  # they are read when numpy is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], {**limits, **os.environ})
    main()
