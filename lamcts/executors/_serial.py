"""Evaluate in this process, one task at a time."""

from __future__ import annotations

from collections import deque

from lamcts.evaluator import Evaluator
from lamcts.executors._base import Task
from lamcts.outcome import Judge, Outcome, evaluate
from lamcts.spaces import as_space, from_json

__all__ = ["SerialExecutor"]


class SerialExecutor:
    """The executor without machinery: `wait` evaluates the next task, however long it takes.

    Args:
        evaluator: The evaluator itself; it is not closed here, since it was not opened here.
        judge: Tells whether a trial that reports is to end.
    """

    slots = 1

    def __init__(self, evaluator: Evaluator, judge: Judge | None = None) -> None:
        self._evaluator = evaluator
        self._judge = judge
        self._space = as_space(evaluator.space)
        self._queue: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Queue a task."""
        self._queue.append(task)

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        """Evaluate the next task; an evaluation in this process cannot be cut short."""
        if not self._queue:
            return []
        task = self._queue.popleft()
        x = from_json(self._space, task.data)
        return [(task, evaluate(self._evaluator, x, task.context, self._judge))]

    def withdraw(self) -> int:
        """Forget the queue; between calls of `wait` nothing is running."""
        self._queue.clear()
        return 0

    def close(self) -> None:
        """Forget the queue."""
        self._queue.clear()
