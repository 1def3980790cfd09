"""Evaluate on a Ray cluster: one actor for each trial that runs at a time.

Ray places the actors by the resources that a trial needs, ships the problem's folder, and tells of
deaths. The rest is as with worker processes: an actor loads the problem by reference, gets one
task at a time from a queue kept here, and is killed and replaced when its trial takes too long.
Actors belong to the coordinator: they end with it, however it ends, and the cluster stays. What a
killed or lost actor may still send goes nowhere, so each attempt of a trial has one outcome.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from lamcts import __version__
from lamcts.errors import InvalidArgument
from lamcts.executors._actor import Actor
from lamcts.executors._base import Task
from lamcts.executors._cluster import Cluster
from lamcts.executors._pool import Pool, PoolWorker
from lamcts.history import TrialState
from lamcts.outcome import Judge, Outcome
from lamcts.problem import ProblemRef

__all__ = ["RayExecutor"]

_TICK = 0.2  # s between looks for overdue trials
_LOOK = 5.0  # s between looks at what the cluster has room for
_PATIENCE = 30.0  # s without a place for all workers before that is said
_GRACE = 2.0  # s that idle workers have to close their evaluators
_MAX_FAILED_STARTS = 3  # in a row, beside those that the death of a node explains

_log = logging.getLogger(__name__)


class RayExecutor(Pool["_Worker"]):
    """Workers on the machines of a Ray cluster, one trial each at a time.

    Args:
        problem: How a worker builds its evaluator.
        workers: How many; when ``None``, as many as the cluster has room for, also as it grows.
        address: The cluster's: ``"auto"`` for the one this machine belongs to, or ``host:port``.
            By default that in ``RAY_ADDRESS``, or else a cluster of this machine alone, which is
            started here and ends with the executor.
        resources: What one trial needs, ``{"gpu": 1, "cpu": 4}``; by default one CPU. Names
            other than ``cpu``, ``gpu`` and ``memory`` (in bytes) are the cluster's own.
        trial_timeout: Seconds after which an evaluation is ended, with its worker and all that
            it started; the time to load the problem does not count.
        judge: Tells whether a trial that reports is to end.

    Raises:
        DependencyNotInstalled: Ray is missing.
        InvalidArgument: There is no such cluster, or no node has the resources.
        ProblemError: The problem's folder cannot be shipped.
    """

    def __init__(
        self,
        problem: ProblemRef,
        *,
        workers: int | None = None,
        address: str | None = None,
        resources: Mapping[str, float] | None = None,
        trial_timeout: float | None = None,
        judge: Judge | None = None,
    ) -> None:
        super().__init__(trial_timeout, judge)
        self._ref = problem.ref
        self._wanted = workers
        self._room = 0
        self._next_look = 0.0
        self._patience_ends = time.monotonic() + _PATIENCE
        self._cluster = Cluster(address, problem.ref, resources or {})
        try:
            self._ray = self._cluster.ray
            self._actor = self._cluster.actor_class(Actor)
            message = self._problem_message(problem)
            self._message = {**message, "ref": self._cluster.ref, "lamcts": __version__}
            self._grow()
            if not self._room and (workers is None or self._cluster.local):
                raise InvalidArgument(f"resources: no node has them ({self._cluster.describe()})")
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """The number of workers that have a place and are ready; one, before the first is."""
        return max(1, sum(worker.ready for worker in self._workers))

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        """Outcomes that are new, as soon as there is one; none when there are more slots now.

        Raises:
            ProblemError: A worker cannot build the evaluator.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        before = self.slots
        while self._queue or any(worker.task for worker in self._workers):
            left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
            done = self._collect(max(left, 0.0))
            self._grow()
            self._dispatch()
            if done or left <= 0 or self.slots > before:
                return done
        return []

    def close(self) -> None:
        """End all workers: busy ones at once, idle ones when their evaluators are closed."""
        self._queue.clear()
        leaving = [worker.leave() for worker in self._workers if worker.idle]
        if leaving:
            self._ray.wait(leaving, num_returns=len(leaving), timeout=_GRACE)
        for worker in self._workers:
            self._kill(worker)
        self._workers.clear()
        self._cluster.leave()

    def _grow(self) -> None:
        """Start the workers that are missing; those without a place yet wait for one."""
        if time.monotonic() >= self._next_look:
            self._room = self._cluster.room()
            self._next_look = time.monotonic() + _LOOK
        wanted = self._room if self._wanted is None else self._wanted
        while len(self._workers) < wanted:
            self._workers.append(_Worker(self._actor.remote(), self._message))
        ready = sum(worker.ready for worker in self._workers)
        if ready < wanted and time.monotonic() > self._patience_ends:
            self._patience_ends = float("inf")  # said once
            _log.warning("%d of %d workers are ready; %s", ready, wanted, self._cluster.describe())

    def _collect(self, timeout: float) -> list[tuple[Task, Outcome]]:
        """What happened within ``timeout`` seconds: messages, deaths, overdue trials."""
        spoke = self._answered(timeout)
        done = []
        for worker in list(self._workers):
            task, outcome = worker.task, None
            if worker.answer in spoke:
                outcome = self._hear(worker)
            if outcome is None and (outcome := self._overdue(worker)):
                self._drop(worker)  # also one that reports without end
            if task is not None and outcome is not None:
                done.append((task, outcome))
        return done

    def _answered(self, timeout: float) -> set[Any]:
        """The answers that are there, as soon as there is one."""
        awaited = [worker.answer for worker in self._workers if worker.answer is not None]
        if not awaited:
            time.sleep(timeout)
            return set()
        if not self._ray.wait(awaited, timeout=timeout)[0]:
            return set()
        return set(self._ray.wait(awaited, num_returns=len(awaited), timeout=0)[0])

    def _hear(self, worker: _Worker) -> Outcome | None:
        try:
            message = self._ray.get(worker.answer)
        except self._ray.exceptions.RayError as error:
            return self._lose(worker, _cause(error))
        worker.answer = None
        if "refused" in message:
            self._failed_start(message["refused"], self._most_failed if self._worked else 1)
            self._drop(worker)
            return None
        if worker.task is None:
            self._ready(worker)
            return None
        if "report" in message:
            worker.go_on(self._verdict(message["report"]))
            return None
        worker.task = None
        return Outcome.from_dict(message)

    def _lose(self, worker: _Worker, cause: str) -> Outcome:
        """A worker died, alone or with its node: make room for another, and say of what."""
        if not worker.ready:
            self._failed_start(f"{self._ref}: workers die loading it ({cause})", self._most_failed)
        outcome = Outcome(TrialState.LOST, error=f"worker died: {cause}", seconds=worker.busy_for)
        self._drop(worker)
        return outcome

    @property
    def _most_failed(self) -> int:
        return _MAX_FAILED_STARTS + len(self._workers)

    def _drop(self, worker: _Worker) -> None:
        self._kill(worker)  # the dead too: one that only cannot be reached must not go on
        self._workers.remove(worker)
        self._next_look = 0.0  # a node may be gone

    def _kill(self, worker: _Worker) -> None:
        self._ray.kill(worker.actor, no_restart=True)


class _Worker(PoolWorker):
    """One actor, as the coordinator sees it; it owes at most one answer at a time."""

    def __init__(self, actor: Any, problem: Mapping[str, Any]) -> None:
        super().__init__()
        self.actor = actor
        self.answer: Any = actor.load.remote(problem)

    def take(self, task: Task) -> None:
        """Begin a task."""
        super().take(task)
        self.answer = self.actor.evaluate.remote(task.to_message())

    def go_on(self, stop: bool) -> None:
        """Let the trial that has reported go on, or end."""
        self.answer = self.actor.go_on.remote(stop)

    def leave(self) -> Any:
        """Ask it to close its evaluator. Returns what is there when it has."""
        return self.actor.leave.remote()


def _cause(error: Exception) -> str:
    """Ray's explanation in one line: the sentence with the reason, not the actor's particulars."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if line.startswith("The actor is dead because")]
    reason = (reasons or lines or [type(error).__name__])[0]
    return reason.partition(" Some common causes")[0].removeprefix("The actor is dead because ")
