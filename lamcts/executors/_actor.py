"""A worker on Ray: the class of the actors, loaded by its name on their machines."""

from __future__ import annotations

from collections.abc import Mapping
from queue import Queue
from threading import Thread
from typing import Any

from lamcts import __version__
from lamcts.errors import LamctsError
from lamcts.evaluator import Evaluator
from lamcts.executors._worker import build, evaluate_message

__all__ = ["Actor"]


class Actor:
    """One worker. Its methods take and return JSON values."""

    _evaluator: Evaluator
    _asks: bool

    def load(self, problem: Mapping[str, Any]) -> dict[str, Any]:
        """Build the evaluator; what prevents that is returned, for an exception loses its type."""
        if problem["lamcts"] != __version__:
            mine, theirs = __version__, problem["lamcts"]
            return {"refused": f"lamcts: a node has version {mine}, the coordinator {theirs}"}
        try:
            self._evaluator = build(problem)
            self._asks = problem["asks"]
        except LamctsError as error:
            return {"refused": str(error)}
        return {"ready": True}

    def evaluate(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """The outcome of a task, or its first report where it has to ask whether to go on."""
        if not self._asks:
            return evaluate_message(self._evaluator, task, None)
        self._sent: Queue[dict[str, Any]] = Queue()
        self._verdicts: Queue[bool] = Queue()

        def ask(*report: float) -> bool:
            self._sent.put({"report": report})
            return self._verdicts.get()

        def work() -> None:
            self._sent.put(evaluate_message(self._evaluator, task, ask))

        Thread(target=work, daemon=True).start()
        return self._sent.get()

    def go_on(self, stop: bool) -> dict[str, Any]:
        """Answer a report. Returns the next one, or the outcome."""
        self._verdicts.put(stop)
        return self._sent.get()

    def leave(self) -> None:
        """Close the evaluator."""
        self._evaluator.close()
