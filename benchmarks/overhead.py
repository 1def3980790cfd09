"""What a suggestion costs: CPU time of ask and tell, and memory, as runs grow.

    python benchmarks/overhead.py [--quick]

Each line is a fresh process with one thread that minimises Rastrigin's function, shifted, with the
default settings. Times are CPU times without the objective; median and 90 % are those of the
second half of a run. Takes about ten minutes, ``--quick`` half a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from lamcts._threads import THREAD_LIMITS

RUNS = [
    (20, 200),
    (20, 1_000),
    (20, 2_000),
    (20, 50_000),
    (20, 100_000),
    (100, 1_000),
    (1_000, 1_000),
    (1_000, 2_000),
]
QUICK = [(20, 200), (20, 1_000), (20, 5_000), (100, 1_000)]
REPLAYED, REPLAYED_QUICK = 20_000, 2_000


def search(dim: int, evaluations: int) -> dict[str, Any]:
    """One run: milliseconds a trial, seconds in all, memory, and what was found."""
    import numpy as np

    from lamcts.benchmark.meter import peak_mb
    from lamcts.functions import make_function
    from lamcts.optimizers import make_optimizer

    function = make_function("rastrigin", dim=dim, shift_seed=1)
    optimizer = make_optimizer("lamcts", function.space, seed=0)
    milliseconds = np.empty(evaluations)
    for i in range(evaluations):
        start = time.process_time()
        [trial] = optimizer.ask()
        asked = time.process_time()
        value = float(function.f(trial.x[None])[0])
        evaluated = time.process_time()
        optimizer.tell(trial, value)
        milliseconds[i] = 1e3 * (time.process_time() - evaluated + asked - start)
    half = milliseconds[evaluations // 2 :]
    peak = peak_mb()
    rng = np.random.default_rng(0)
    draws = (function.codec.decode(function.codec.sample(rng, 1)) for _ in range(evaluations))
    return {
        "dimensions": dim,
        "evaluations": evaluations,
        "median ms": round(float(np.median(half)), 2),
        "90 % ms": round(float(np.quantile(half, 0.9)), 2),
        "CPU s": round(float(milliseconds.sum()) / 1e3, 1),
        "peak MB": peak and round(peak),
        "value": float(f"{optimizer.best.value:.3g}"),
        "random search's": float(f"{min(function.f(V)[0] for V in draws):.3g}"),
    }


def replay(dim: int, trials: int) -> dict[str, Any]:
    """Tell a new optimizer a run of another, as resuming does."""
    from lamcts.functions import make_function
    from lamcts.optimizers import make_optimizer

    function = make_function("rastrigin", dim=dim, shift_seed=1)
    first = make_optimizer("lamcts", function.space, seed=0)
    for _ in range(trials):
        [trial] = first.ask()
        first.tell(trial, float(function.f(trial.x[None])[0]))
    recorded = first.trials
    start = time.process_time()
    second = make_optimizer("lamcts", function.space, seed=0)
    for trial in recorded:
        second.tell(second.replay(trial.number, trial.x, trial.info), trial.value or 0.0)
    seconds = time.process_time() - start
    assert list(first.ask()[0].x) == list(second.ask()[0].x)
    return {"dimensions": dim, "trials replayed": trials, "CPU s": round(seconds, 2)}


def imports(*_: int) -> dict[str, Any]:
    """What it takes to import the package, and what a process has used at its first suggestion."""
    from lamcts.optimizers import make_optimizer
    from lamcts.spaces import Box

    make_optimizer("lamcts", Box(0.0, 1.0, shape=(20,)), seed=0).ask()
    used = time.process_time()
    from lamcts.benchmark.meter import peak_mb  # afterwards: it brings numpy and more

    peak = peak_mb()
    package = "import time; t = time.process_time(); import lamcts; print(time.process_time() - t)"
    seconds = subprocess.run([sys.executable, "-c", package], capture_output=True, check=True)
    return {
        "import lamcts, CPU s": round(float(seconds.stdout), 3),
        "first suggestion, CPU s": round(used, 2),
        "peak MB": peak and round(peak),
    }


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "search": search,
    "replay": replay,
    "imports": imports,
}


def measure(what: str, *numbers: int) -> dict[str, Any]:
    """The figures of one measurement, made in a process of its own with one thread."""
    out = subprocess.run(
        [sys.executable, __file__, "--one", what, *map(str, numbers)],
        env={**os.environ, **dict.fromkeys(THREAD_LIMITS, "1")},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, Any] = json.loads(out.stdout)
    return figures


def show(figures: dict[str, Any], *, head: bool = True) -> None:
    """Print a row of a Markdown table, after its head if that is new."""
    if head:
        print("\n| " + " | ".join(figures) + " |\n|" + " ---: |" * len(figures))
    cells = (f"{v:,}" if isinstance(v, int) else f"{v:g}" for v in figures.values())
    print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measure all settings one after another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="short runs only")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, *numbers = options.one
        print(json.dumps(MEASURES[what](*map(int, numbers))))
        return
    show(measure("imports"))
    for i, (dim, evaluations) in enumerate(QUICK if options.quick else RUNS):
        show(measure("search", dim, evaluations), head=i == 0)
    show(measure("replay", 20, REPLAYED_QUICK if options.quick else REPLAYED))


if __name__ == "__main__":
    main()
