"""The worker's side: build the evaluator from its reference, evaluate what the coordinator sends.

Messages are JSON values, both ways, never pickles of ours. A worker process runs in a session of
its own: Ctrl-C on a terminal reaches the coordinator only, and the worker can be killed with all
it started. On Ray the same is done by an actor (`lamcts.executors._actor`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lamcts._finding import source_digest
from lamcts.errors import LamctsError, ProblemError
from lamcts.evaluator import Evaluator, TrialContext
from lamcts.outcome import Judge, evaluate
from lamcts.problem import load_problem, make_ready
from lamcts.spaces import as_space, from_json

__all__ = [
    "build",
    "evaluate_message",
    "main",
    "receive",
    "send",
]


def send(connection: Connection[Any, Any], message: dict[str, Any]) -> None:
    """Send one message."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection[Any, Any]) -> dict[str, Any]:
    """Receive one message; EOFError or OSError when the other side is gone."""
    message: dict[str, Any] = json.loads(connection.recv_bytes())
    return message


def build(problem: Mapping[str, Any]) -> Evaluator:
    """The evaluator that a message describes, ready to evaluate.

    Raises:
        LamctsError: It cannot be built or prepared here.
        ProblemError: Its source is no longer that which the search began with.
    """
    digest = source_digest(problem["ref"])  # of a file; it may change the current folder
    evaluator = load_problem(problem["ref"], **problem["kwargs"])
    if (digest or source_digest(problem["ref"])) != problem["digest"]:
        raise ProblemError(
            f"{problem['ref']}: the source is not that which the search began with; undo the "
            "change and resume, or start a new run"
        )
    make_ready(evaluator)
    return evaluator


def evaluate_message(
    evaluator: Evaluator, task: Mapping[str, Any], judge: Judge | None
) -> dict[str, Any]:
    """The outcome of a task, as JSON values."""
    folder = Path(task["folder"]) if task["folder"] else None
    context = TrialContext(task["number"], task["attempt"], folder)
    x = from_json(as_space(evaluator.space), task["data"])
    return evaluate(evaluator, x, context, judge).to_dict()


def main(descriptor: int) -> None:
    """Serve the coordinator at the other end of the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    os.dup2(2, 1)  # standard output is for the run's result: what an evaluator prints is not
    connection: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        problem = receive(connection)
        try:
            evaluator = build(problem)
        except LamctsError as error:
            send(connection, {"refused": str(error)})
            return

        def ask(*report: float) -> bool:
            send(connection, {"report": report})
            return bool(receive(connection)["stop"])

        judge = ask if problem["asks"] else None
        send(connection, {"ready": True})
        with evaluator:
            while True:
                task = receive(connection)
                send(connection, {"outcome": evaluate_message(evaluator, task, judge)})
