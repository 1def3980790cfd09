"""What the pools of workers share, wherever the workers are: a queue, and who has which task."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Generic, TypeVar

from lamcts._finding import source_digest
from lamcts.errors import ProblemError
from lamcts.executors._base import Task
from lamcts.history import TrialState
from lamcts.outcome import Judge, Outcome
from lamcts.problem import ProblemRef

__all__ = ["Pool", "PoolWorker"]


class PoolWorker:
    """A worker as the coordinator sees it: it has one task at a time."""

    def __init__(self) -> None:
        self.ready = False
        self.task: Task | None = None
        self._since = 0.0

    @property
    def idle(self) -> bool:
        """Whether it can take a task."""
        return self.ready and self.task is None

    @property
    def busy_for(self) -> float:
        """Seconds since it took its task; 0 when it has none."""
        return time.monotonic() - self._since if self.task else 0.0

    def take(self, task: Task) -> None:
        """Begin a task."""
        self.task, self._since = task, time.monotonic()


Worker = TypeVar("Worker", bound=PoolWorker)


class Pool(Generic[Worker]):
    """Hands the tasks of a queue to the workers that are free.

    Args:
        trial_timeout: Seconds after which a trial is ended.
        judge: Tells whether a trial that reports is to end.
    """

    def __init__(self, trial_timeout: float | None, judge: Judge | None) -> None:
        self._trial_timeout = trial_timeout
        self._judge = judge
        self._queue: deque[Task] = deque()
        self._workers: list[Worker] = []
        self._failed_starts = 0  # in a row
        self._worked = False  # a worker has been ready, so the problem can be built

    def submit(self, task: Task) -> None:
        """Queue a task for the first worker that is free."""
        self._queue.append(task)
        self._dispatch()

    def withdraw(self) -> int:
        """Forget the tasks that no worker has. Returns how many are being evaluated."""
        self._queue.clear()
        return sum(worker.task is not None for worker in self._workers)

    def _dispatch(self) -> None:
        for worker in self._workers:
            if self._queue and worker.idle:
                worker.take(self._queue.popleft())

    def _ready(self, worker: Worker) -> None:
        """A worker has built its evaluator."""
        worker.ready = self._worked = True
        self._failed_starts = 0

    def _failed_start(self, why: str, most: int) -> None:
        """A worker could not start.

        Raises:
            ProblemError: So many could not, one after another, that none will.
        """
        self._failed_starts += 1
        if self._failed_starts >= most:
            raise ProblemError(why)

    def _problem_message(self, problem: ProblemRef) -> dict[str, Any]:
        """What a worker builds its evaluator from, and whether it asks before it goes on."""
        asks = self._judge is not None
        digest = source_digest(problem.ref)
        return {"ref": problem.ref, "kwargs": problem.kwargs, "digest": digest, "asks": asks}

    def _verdict(self, report: tuple[int, int, float]) -> bool:
        """Whether the trial that sent this report is to end."""
        return self._judge is not None and self._judge(*report)

    def _overdue(self, worker: Worker) -> Outcome | None:
        """The outcome of a trial that has run too long."""
        if self._trial_timeout is None or worker.busy_for <= self._trial_timeout:
            return None
        return Outcome(
            TrialState.TIMEOUT,
            error=f"ran longer than the trial time-out of {self._trial_timeout:g} s",
            seconds=worker.busy_for,
        )
