"""A worker on Ray: the class of the actors, loaded by its name on their machines."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamcts import __version__
from lamcts.errors import LamctsError
from lamcts.evaluator import Evaluator
from lamcts.executors._worker import build, evaluate_message

__all__ = ["Actor"]


class Actor:
    """One worker. Its methods take and return JSON values."""

    _evaluator: Evaluator

    def load(self, problem: Mapping[str, Any]) -> dict[str, Any]:
        """Build the evaluator; what prevents that is returned, for an exception loses its type."""
        if problem["lamcts"] != __version__:
            mine, theirs = __version__, problem["lamcts"]
            return {"refused": f"lamcts: a node has version {mine}, the coordinator {theirs}"}
        try:
            self._evaluator = build(problem)
        except LamctsError as error:
            return {"refused": str(error)}
        return {"ready": True}

    def evaluate(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """The outcome of a task."""
        return evaluate_message(self._evaluator, {**task, "folder": _private(task["folder"])})

    def leave(self) -> None:
        """Close the evaluator."""
        self._evaluator.close()


def _private(folder: str | None) -> str | None:
    """The trial's folder, made here where no file system is shared; none where it cannot be."""
    if folder is not None:
        with contextlib.suppress(OSError):
            Path(folder).mkdir(parents=True, exist_ok=True)
            return folder
    return None
