"""What every executor is: it evaluates tasks somewhere and hands back outcomes as they come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lamcts.evaluator import TrialContext
from lamcts.outcome import Outcome

__all__ = ["Executor", "Task"]


@dataclass(frozen=True)
class Task:
    """One evaluation to make.

    Attributes:
        number: The trial's number.
        data: The point as JSON values: every evaluation gets a copy of its own.
        attempt: 0 for the first evaluation of the trial.
        folder: The trial's private folder.
    """

    number: int
    data: Any
    attempt: int = 0
    folder: Path | None = None

    @property
    def context(self) -> TrialContext:
        """What the evaluator may know of the trial."""
        return TrialContext(self.number, self.attempt, self.folder)

    def to_message(self) -> dict[str, Any]:
        """The task as JSON values, for another process."""
        folder = None if self.folder is None else str(self.folder)
        return {
            "number": self.number,
            "attempt": self.attempt,
            "data": self.data,
            "folder": folder,
        }


class Executor(Protocol):
    """Evaluates tasks. It knows no optimizer and no run file.

    One that runs on other machines implements the same methods.
    """

    @property
    def slots(self) -> int:
        """How many tasks are evaluated at a time."""

    def submit(self, task: Task) -> None:
        """Queue a task; the queue is served in order."""

    def wait(self, timeout: float | None = None) -> list[tuple[Task, Outcome]]:
        """Outcomes that are new, as soon as there is one.

        Args:
            timeout: Seconds to wait at most; then the list may be empty.
        """

    def withdraw(self) -> int:
        """Forget the tasks that have not started. Returns how many are still being evaluated."""

    def close(self) -> None:
        """End at once, dropping what is being evaluated. Calling it again is harmless."""
