"""Runs in processes of their own: their memory and CPU time are theirs alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import cast

from lamcts._threads import THREAD_LIMITS
from lamcts.benchmark.records import Record, Task
from lamcts.benchmark.run import run_task

__all__ = ["run_in_processes"]

#: Seconds a process may take to end once its record is here: a library's threads may hang it.
_GRACE = 5.0

#: Seconds between two looks at whether a process is still there.
_PAUSE = 1.0


def run_in_processes(tasks: Sequence[Task], workers: int) -> Generator[Record, None, None]:
    """Run tasks, ``workers`` at once and with one thread each, and yield records as they come.

    A process that dies gives a record that says so. Closing the iterator ends what still runs.
    """
    context = multiprocessing.get_context("spawn")
    waiting = deque(tasks)
    running: dict[Connection, tuple[SpawnProcess, Task]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                task = waiting.popleft()
                receiver, sender = context.Pipe(duplex=False)
                process = context.Process(target=_child, args=(task, sender), daemon=True)
                with _single_thread(), _uninterrupted():
                    process.start()
                sender.close()  # the child's copy is the last: its end closes the pipe
                running[receiver] = (process, task)
            for ready in _done(running):
                yield _receive(ready, *running.pop(ready))
    finally:
        for process, _ in running.values():
            process.terminate()
        for receiver, (process, _) in running.items():
            process.join()
            receiver.close()


def _child(task: Task, sender: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends its children
    os.dup2(2, 1)  # whatever a run prints must not get into the results on standard output
    sender.send_bytes(run_task(task).to_json().encode())
    sender.close()


def _done(running: dict[Connection, tuple[SpawnProcess, Task]]) -> list[Connection]:
    """Wait for pipes that hold a record, or whose process has died.

    What a problem has forked may hold the pipe of a dead process open.
    """
    while True:
        ready = cast("list[Connection]", wait(list(running), _PAUSE))
        if ready := ready or [pipe for pipe, (p, _) in running.items() if not p.is_alive()]:
            return ready


def _receive(receiver: Connection, process: SpawnProcess, task: Task) -> Record:
    """The record that a process sent before it ended, or one that says how it died."""
    record = None
    with contextlib.suppress(EOFError, OSError):  # OSError: it died while it sent
        if receiver.poll():
            record = Record.from_json(receiver.recv_bytes().decode())
    receiver.close()
    process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
    return record or Record(task, error=f"the process died with exit code {process.exitcode}")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C comes after this: a process that has got half of its orders prints a traceback."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it lets Ctrl-C through again when it begins
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _single_thread() -> Iterator[None]:
    """Processes started inside use one thread for linear algebra."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
