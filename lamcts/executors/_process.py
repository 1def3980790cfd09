"""Evaluate in long-lived worker processes, each its own process group.

Not `multiprocessing` pools: a pool cannot end one task and its children, hides which worker died
and of what, and imports the user's script again in every worker. Here each worker is a plain
interpreter that loads the problem by reference, so a trial that runs too long is killed alone, a
dead worker is seen at once, and a script that holds no problem needs no
``if __name__ == "__main__"``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import connection as mp_connection
from multiprocessing.connection import Connection
from typing import Any

from lamcts._threads import THREAD_LIMITS
from lamcts.errors import InvalidArgument
from lamcts.executors import _watchdog
from lamcts.executors._base import Task
from lamcts.executors._machine import DEVICES, least_used, resident_memory, visible_devices
from lamcts.executors._pool import Pool, PoolWorker
from lamcts.executors._worker import receive, send
from lamcts.history import TrialState
from lamcts.outcome import Judge, Outcome
from lamcts.problem import ProblemRef

__all__ = ["ProcessExecutor"]

_BOOT = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from lamcts.executors._worker import main
main(int(sys.argv[2]))
"""
_TICK = 0.2  # s between looks for overdue trials, and for deaths that left the pipe open
_LOOK = 1.0  # s between looks at the memory that trials hold
_GRACE = 2.0  # s that an idle worker has to close its evaluator
_MAX_FAILED_STARTS = 3  # in a row; a first one may be bad luck (memory), not the problem's fault


class ProcessExecutor(Pool["_Worker"]):
    """Workers on this machine, one trial each at a time.

    Each worker's numeric libraries use one thread unless ``OMP_NUM_THREADS`` and its like are
    set. Where there are several CUDA devices, each worker sees one, the least used. Workers and all
    they started end with this process, however it ends.

    Args:
        problem: How a worker builds its evaluator.
        workers: How many processes, at least 1.
        trial_timeout: Seconds after which an evaluation is ended, with its worker and all that
            it started; the time to load the problem does not count.
        trial_memory: Bytes of resident memory after which a worker, with all it started, is ended,
            and its trial has failed.
        judge: Tells whether a trial that reports is to end.

    Raises:
        InvalidArgument: This system has no process groups, or not room for so many processes.
    """

    def __init__(
        self,
        problem: ProblemRef,
        *,
        workers: int = 1,
        trial_timeout: float | None = None,
        trial_memory: int | None = None,
        judge: Judge | None = None,
    ) -> None:
        if not hasattr(os, "killpg"):
            raise InvalidArgument(
                "workers: worker processes need the process groups of Linux or macOS; "
                "use workers=1, and no trial_timeout or trial_memory"
            )
        super().__init__(trial_timeout, judge)
        self._problem = self._problem_message(problem)
        self._trial_memory = trial_memory
        self._next_look = 0.0
        self._devices = visible_devices()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", _watchdog.__file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            for _ in range(workers):
                self._start()
        except BaseException as error:
            n = len(self._workers)
            self.close()
            if not isinstance(error, OSError):
                raise
            raise InvalidArgument(
                f"workers: {workers} cannot be started ({error.strerror} after {n}); use fewer"
            ) from error

    @property
    def slots(self) -> int:
        """The number of workers."""
        return len(self._workers)

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        """Outcomes that are new, as soon as there is one.

        Raises:
            ProblemError: A worker cannot build the evaluator.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._queue or any(worker.task for worker in self._workers):
            left = _TICK if deadline is None else min(_TICK, deadline - time.monotonic())
            done = self._collect(max(left, 0.0))
            self._dispatch()
            if done or left <= 0:
                return done
        return []

    def close(self) -> None:
        """End all workers: busy ones at once, idle ones when their evaluators are closed."""
        self._queue.clear()
        for worker in self._workers:
            worker.dismiss()
        deadline = time.monotonic() + _GRACE
        for worker in self._workers:
            worker.end(grace=max(0.0, deadline - time.monotonic()))
            self._tell_watchdog(f"-{worker.pid}")
        self._workers.clear()
        assert self._watchdog.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._watchdog.stdin.close()
        # Nothing is left to watch; a child that was forked here may hold the pipe open.
        self._watchdog.kill()
        self._watchdog.wait()

    def _start(self) -> None:
        device = least_used(self._devices, (worker.device for worker in self._workers))
        worker = _Worker(self._problem, device)
        self._workers.append(worker)
        self._tell_watchdog(f"+{worker.pid}")

    def _replace(self, worker: _Worker) -> None:
        worker.end()
        self._tell_watchdog(f"-{worker.pid}")
        self._workers.remove(worker)
        self._start()

    def _tell_watchdog(self, line: str) -> None:
        # Someone may have killed it; workers that are idle then still see the pipe close.
        with contextlib.suppress(BrokenPipeError):
            assert self._watchdog.stdin is not None
            print(line, file=self._watchdog.stdin, flush=True)

    def _collect(self, timeout: float) -> list[tuple[Task, Outcome]]:
        """What happened within ``timeout`` seconds: messages, deaths, overdue trials."""
        spoke = mp_connection.wait([worker.connection for worker in self._workers], timeout)
        held = self._look()
        done = []
        for worker in list(self._workers):
            task, outcome = worker.task, None
            if worker.connection in spoke:
                outcome = self._hear(worker)
            elif worker.ended:
                outcome = self._lose(worker)
            if outcome is None:  # also of a worker that reports without end
                outcome = self._overdue(worker) or self._too_large(worker, held[worker.pid])
                if outcome is not None:
                    self._replace(worker)
            if task is not None and outcome is not None:
                done.append((task, outcome))
        return done

    def _look(self) -> Counter[int]:
        """The memory each worker's group holds, if there is a limit and it is time to look."""
        if self._trial_memory is None or time.monotonic() < self._next_look:
            return Counter()
        self._next_look = time.monotonic() + _LOOK
        return resident_memory()

    def _too_large(self, worker: _Worker, held: int) -> Outcome | None:
        """The outcome of a trial that holds too much memory."""
        if self._trial_memory is None or worker.task is None or held <= self._trial_memory:
            return None
        used, limit = (f"{size / 1e9:.3g} GB" for size in (held, self._trial_memory))
        error = f"held {used} of memory, more than the trial's limit of {limit}"
        return Outcome(TrialState.FAILED, error=error, seconds=worker.busy_for)

    def _hear(self, worker: _Worker) -> Outcome | None:
        try:
            message = receive(worker.connection)
        except (EOFError, OSError):
            return self._lose(worker)
        if "refused" in message:
            self._failed_start(message["refused"], _MAX_FAILED_STARTS if self._worked else 1)
            self._replace(worker)
            return None
        if "ready" in message:
            self._ready(worker)
            return None
        if "report" in message:
            worker.answer(self._verdict(message["report"]))
            return None
        worker.task = None
        return Outcome.from_dict(message["outcome"])

    def _lose(self, worker: _Worker) -> Outcome:
        """A worker died: put another in its place, and say of what."""
        busy_for = worker.busy_for
        cause = worker.end(grace=_GRACE)
        if not worker.ready:
            why = f"{self._problem['ref']}: workers die loading it ({cause})"
            self._failed_start(why, _MAX_FAILED_STARTS)
        self._replace(worker)
        return Outcome(TrialState.LOST, error=f"worker died: {cause}", seconds=busy_for)


class _Worker(PoolWorker):
    """One worker process, as the coordinator sees it."""

    def __init__(self, problem: dict[str, Any], device: str | None) -> None:
        super().__init__()
        self.device = device
        chosen = {} if device is None else {DEVICES: device}
        ours, theirs = mp_connection.Pipe()
        self.connection: Connection[Any, Any] = ours
        # More threads than cores would slow every worker down.
        limits = {name: os.environ.get(name, "1") for name in THREAD_LIMITS}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, **limits, **chosen},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        with contextlib.suppress(OSError):  # dead already: the first `receive` will tell
            send(ours, problem)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def take(self, task: Task) -> None:
        """Begin a task."""
        super().take(task)
        with contextlib.suppress(OSError):  # dead: the pipe's end is seen in `_collect`
            send(self.connection, task.to_message())

    def answer(self, stop: bool) -> None:
        """Let the trial that has reported go on, or end."""
        with contextlib.suppress(OSError):
            send(self.connection, {"stop": stop})

    def dismiss(self) -> None:
        """Ask it to leave: it does when the pipe closes, unless it is in an evaluation."""
        self.connection.close()
        if self.task is not None or not self.ready:
            self._kill()

    def end(self, *, grace: float = 0.0) -> str:
        """End it and all it started, after ``grace`` seconds. Returns what it died of, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._kill()
        status = self._process.wait()
        self.connection.close()
        if status < 0:
            return f"killed by signal {-status} ({signal.Signals(-status).name})"
        return f"exited with status {status}"

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
