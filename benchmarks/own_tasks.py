"""The tasks of docs/own-task.md: LA-MCTS, random search and an untuned network, side by side.

    python benchmarks/own_tasks.py run cv --budget 40 --seeds 0 1 2 3 4 --out results.jsonl
    python benchmarks/own_tasks.py table results.jsonl

A line of the results is one search, with the best value after every trial; or the untuned network.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import lamcts
from lamcts.problem import load_problem

PROBLEMS = Path(__file__).parents[1] / "problems"
EPOCHS = {"cv": 3, "nlp": 2}  # of a trial
TRAINING = {"learning_rate": 3e-3, "weight_decay": 1e-2}
#: What one would begin with: two stages of residual blocks; two layers of a Transformer.
UNTUNED: dict[str, dict[str, Any]] = {
    "cv": {
        **{"width": 3, "stages": 2, "depth": 1, "kernel": 0, "block": 1, "squeeze": 0},
        **{"attention": 0, "dropout": 0.0, "crop": 0, "label_smoothing": 0.0, **TRAINING},
    },
    "nlp": {
        **{"kind": 0, "layers": 2, "width": 2, "heads": 1, "ffn": 4.0, "positions": 1},
        **{"dropout": 0.1, "batch_size": 32, **TRAINING},
    },
}


def main() -> None:
    """Run searches, or print the table of some that were run."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("task", choices=sorted(UNTUNED))
    running.add_argument("--budget", type=int, default=40)
    running.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    running.add_argument("--out", type=Path, required=True)
    table = commands.add_parser("table")
    table.add_argument("results", type=Path)
    given = parser.parse_args()
    if given.command == "table":
        print_table(given.results)
        return
    if 0 in given.seeds:
        append(given.out, untuned(given.task))
    for seed in given.seeds:
        for optimizer in ("lamcts", "random"):
            append(given.out, searched(given.task, optimizer, seed, given.budget))


def problem(task: str) -> Any:
    """The problem of a task, with few epochs a trial."""
    return load_problem(PROBLEMS / f"my_{task}_task.py", epochs=EPOCHS[task])


def untuned(task: str) -> dict[str, Any]:
    """The figures of the network one would begin with."""
    evaluator, x = problem(task), UNTUNED[task]
    tested = next(iter(evaluator.test(x).values()))
    return {
        **{"task": task, "optimizer": "untuned", "direction": evaluator.direction},
        **{"best": [evaluator.evaluate(x).value], "test": tested, "cost": evaluator.cost(x)},
    }


def searched(task: str, optimizer: str, seed: int, budget: int) -> dict[str, Any]:
    """The figures of a search."""
    started = time.process_time()
    evaluator = problem(task)
    result = lamcts.search(evaluator, budget=budget, seed=seed, optimizer=optimizer)
    best = np.maximum if result.direction == "maximize" else np.minimum
    values = [trial.value for trial in result.trials if trial.value is not None]
    return {
        **{"task": task, "optimizer": optimizer, "direction": result.direction, "seed": seed},
        **{"best": best.accumulate(values).tolist(), "test": result.test["test_score"]},
        **{"x": evaluator.describe(result.best.x), "cpu_seconds": time.process_time() - started},
    }


def append(file: Path, row: dict[str, Any]) -> None:
    """Add a line to a file of results."""
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def print_table(file: Path) -> None:
    """Medians and ranges over the seeds after as many trials, and who is ahead how often."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for task in sorted({row["task"] for row in rows}):
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.get("seed", 0)):
            if row["task"] == task:
                found[row["optimizer"]].append(row)
        trials = min(len(row["best"]) for row in found["lamcts"] + found["random"])
        best = {name: [row["best"][:trials][-1] for row in of] for name, of in found.items()}
        for name, values in best.items():
            print(f"{task}, {trials} trials, {name:<8} {_spread(values)}")
        greater = found["lamcts"][0]["direction"] == "maximize"
        pairs = list(zip(best["lamcts"], best["random"], strict=False))
        won = sum(ours > theirs if greater else ours < theirs for ours, theirs in pairs)
        print(f"{task}: lamcts is ahead of random search in {won} of {len(pairs)} seeds")


def _spread(values: list[float]) -> str:
    return f"{median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
