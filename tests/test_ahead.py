"""Trials made ready before an outcome comes: where workers would wait, and nowhere else."""

from __future__ import annotations

import time
from typing import Any

import pytest

import lamcts
from lamcts import prepare
from lamcts.config import RunConfig
from lamcts.executors import Task
from lamcts.history import TrialState
from lamcts.outcome import Outcome
from lamcts.run import Run


class Bowl(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def evaluate(self, x: Any) -> float:
        return float(x @ x)


class Pretending:
    """Outcomes at once, said to have taken a while. Keeps how many trials were there to choose."""

    def __init__(self, slots: int, seconds: float) -> None:
        self.slots = slots
        self.in_flight: list[int] = []
        self._seconds = seconds
        self._queue: list[Task] = []

    def submit(self, task: Task) -> None:
        self._queue.append(task)

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        self.in_flight.append(len(self._queue))
        time.sleep(0.03)  # not the coordinator's
        task = self._queue.pop(0)
        return [(task, Outcome(TrialState.COMPLETE, 1.0, seconds=self._seconds))]

    def withdraw(self) -> int:
        return 0

    def close(self) -> None:
        pass


def run(slots: int, seconds: float, **settings: Any) -> tuple[Run, Pretending]:
    config = RunConfig(budget=20, optimizer="random", **settings)
    place = Pretending(slots, seconds)
    evaluator = Bowl()
    proposer = prepare.optimizer(evaluator, config, 0)
    search = Run(evaluator, proposer, place, config, problem="bowl")
    assert search.execute().counts["complete"] == 20
    return search, place


def test_short_trials_are_made_ready_ahead() -> None:
    _, place = run(2, 1e-9)
    assert place.in_flight[0] == 2  # nothing is known of their length yet
    assert set(place.in_flight[1:-3]) == {3}


@pytest.mark.parametrize(
    ("slots", "seconds"),
    [
        (2, 3600.0),  # long: better to hear one outcome more before the next proposal
        (1, 1e-9),  # one worker is to find what no worker does
    ],
)
def test_others_are_not(slots: int, seconds: float) -> None:
    _, place = run(slots, seconds)
    assert max(place.in_flight) == slots


def test_determinism_has_its_own_window() -> None:
    _, place = run(2, 1e-9, deterministic=True)
    assert max(place.in_flight) == 8


def test_overhead_is_the_coordinators_time_alone() -> None:
    search, _ = run(2, 1e-9)
    assert 0.0 < search.overhead < 0.03
