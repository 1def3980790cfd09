"""Simulated time: who is free when, and what the best was by then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.benchmark.clock import run_asynchronously
from lamcts.benchmark.meter import BudgetSpent, Meter
from lamcts.optimizers import make_optimizer


class Scripted:
    """Asks for the rows in order; notes how many were pending, and the order it was told in."""

    def __init__(self, rows: int) -> None:
        self.left = list(range(rows))
        self.told: list[int] = []
        self.pending = self.most = 0

    def ask(self, n: int) -> list[lamcts.Trial]:
        if not self.left:
            return []
        self.pending += 1
        self.most = max(self.most, self.pending)
        number = self.left.pop(0)
        return [lamcts.Trial(number=number, x={"a": np.array(number)})]

    def tell(self, trial: lamcts.Trial, value: Any) -> None:
        self.pending -= 1
        self.told.append(trial.number)


def timed(tmp_path: Path, seconds: list[float]) -> lamcts.TabularEvaluator:
    """Row a is worth a + 1 and takes so many seconds."""
    rows = [f"{a},{a + 1},{s}" for a, s in enumerate(seconds)]
    file = tmp_path / "timed.csv"
    file.write_text("\n".join(["a,y,s", *rows]))
    return lamcts.TabularEvaluator(file, x=["a"], value="y", seconds="s")


def test_two_workers_by_hand(tmp_path: Path) -> None:
    """0 runs until 5 and 1 until 1; then 2 until 2, 3 until 12; at 5 comes 4, until 7."""
    meter = Meter(timed(tmp_path, [5.0, 1.0, 1.0, 10.0, 2.0]), budget=100)
    optimizer: Any = Scripted(5)
    run_asynchronously(optimizer, meter, "s", 2)
    assert optimizer.told == [1, 2, 0, 4, 3]
    assert optimizer.most == 2
    assert meter.trace == [(1, 2.0), (2, 3.0), (4, 5.0)]
    assert meter.clock == 12.0


@pytest.mark.parametrize("workers", [1, 3])
def test_one_worker_takes_the_sum_and_more_take_less(tmp_path: Path, workers: int) -> None:
    seconds = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0]
    task = timed(tmp_path, seconds)
    meter = Meter(task, budget=6)
    optimizer = make_optimizer("random", task.space, direction="maximize", seed=0)
    with pytest.raises(BudgetSpent):
        run_asynchronously(optimizer, meter, "s", workers)
    assert meter.evaluations == 6
    if workers == 1:
        assert meter.clock == sum(seconds)
    else:  # as Graham's list schedules: no worker waits
        assert max(seconds) <= meter.clock <= sum(seconds) / workers + max(seconds)
