"""Asynchronous search in simulated time: evaluations last as long as their table says.

Workers never wait: one that has finished gets the next trial, proposed with what is known then.
The optimizer's own time is not counted; on tables of trained networks it is nothing beside theirs.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from lamcts.benchmark.meter import Meter
    from lamcts.history import Trial
    from lamcts.optimizers import Optimizer
    from lamcts.outcome import Outcome

__all__ = ["check_clock", "run_asynchronously"]


def check_clock(evaluator: object, problem: str) -> str:
    """The metric that holds the seconds an evaluation took.

    Raises:
        InvalidArgument: The problem has none.
    """
    metric = getattr(evaluator, "clock", None)
    if metric is None:
        raise InvalidArgument(f"--clock: {problem} has no training times; leave it out")
    return str(metric)


def run_asynchronously(optimizer: Optimizer, meter: Meter, metric: str, workers: int) -> None:
    """Search with so many simulated workers until the meter's budget is spent.

    Args:
        optimizer: What proposes.
        meter: Counts the evaluations, in the order in which they end, and notes the time.
        metric: Seconds of an evaluation.
        workers: How many trials run at a time.

    Raises:
        BudgetSpent: By the meter.
    """
    running: list[tuple[float, int, Trial, Outcome]] = []
    while True:
        while len(running) < workers and (asked := optimizer.ask(1)):
            (trial,) = asked
            outcome = meter.look(trial.x)
            ends = meter.clock + outcome.metrics.get(metric, 0.0)
            heapq.heappush(running, (ends, trial.number, trial, outcome))
        if not running:
            return
        meter.clock, _, trial, outcome = heapq.heappop(running)
        meter.count(outcome, trial.x)
        optimizer.tell(trial, outcome.to_tell())
