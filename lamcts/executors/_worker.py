"""The worker's side: build the evaluator from its reference, evaluate what comes down the pipe.

Messages are JSON, both ways, never pickles. The worker runs in a session of its own: Ctrl-C on a
terminal reaches the coordinator only, and the worker can be killed with all it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from lamcts.errors import LamctsError
from lamcts.evaluator import Evaluator, TrialContext
from lamcts.outcome import evaluate
from lamcts.problem import load_problem, make_ready
from lamcts.spaces import as_space, from_json

__all__ = ["IN_WORKER", "main", "receive", "send"]

#: Set while a worker loads the problem: a file that starts a search when imported is told so.
IN_WORKER = "LAMCTS_IN_WORKER"


def send(connection: Connection[Any, Any], message: dict[str, Any]) -> None:
    """Send one message."""
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection[Any, Any]) -> dict[str, Any]:
    """Receive one message; EOFError or OSError when the other side is gone."""
    message: dict[str, Any] = json.loads(connection.recv_bytes())
    return message


def main(descriptor: int) -> None:
    """Serve the coordinator at the other end of the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_inheritable(descriptor, False)
    os.dup2(2, 1)  # standard output is for the run's result: what an evaluator prints is not
    connection: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        problem = receive(connection)
        try:
            evaluator = load_problem(problem["ref"], **problem["kwargs"])
            make_ready(evaluator)
        except LamctsError as error:
            send(connection, {"refused": str(error)})
            return
        os.environ.pop(IN_WORKER, None)  # an evaluation may well search something itself
        send(connection, {"ready": True})
        with evaluator:
            _serve(connection, evaluator)


def _serve(connection: Connection[Any, Any], evaluator: Evaluator) -> None:
    space = as_space(evaluator.space)
    while True:
        task = receive(connection)
        folder = Path(task["folder"]) if task["folder"] else None
        context = TrialContext(task["number"], task["attempt"], folder)
        outcome = evaluate(evaluator, from_json(space, task["data"]), context)
        send(connection, {"outcome": outcome.to_dict()})
