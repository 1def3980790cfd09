"""Every trial of a search, as a struct of arrays.

The optimizers read arrays (``Z`` in the unit cube, ``y`` to be maximised); a `Trial` is the
record one trial has for the user, made on demand.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Trial", "TrialState"]


class TrialState(str, enum.Enum):
    """Life of a trial: ``WAITING -> RUNNING ->`` one of the finished states.

    A `LOST` trial goes back to `WAITING` while attempts remain; a finished one never changes.
    """

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    INFEASIBLE = "infeasible"
    TIMEOUT = "timeout"
    LOST = "lost"
    PRUNED = "pruned"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to a trial in this state."""
        return self not in (TrialState.WAITING, TrialState.RUNNING)

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Trial:
    """One proposed point and, once evaluated, what came of it.

    Attributes:
        number: 0, 1, 2, ... in the order of asking.
        x: The point, an element of the search space.
        state: Where the trial stands.
        value: The objective in the user's own sign; ``None`` unless complete.
        metrics: Further figures the evaluator returned.
        cost: What ``Evaluator.cost`` said of ``x`` (flops, params, latency_ms, ...).
        artifacts: Names and paths of files the evaluator left behind.
        error: Why the trial did not complete: one line, or a traceback for a failure.
        seconds: Wall time of the evaluation.
        attempt: 0 for the first evaluation, more after a lost worker.
        info: How the point was proposed (JSON values only); with the recorded values it is
            all that an optimizer needs to replay a run.
    """

    number: int
    x: Any
    state: TrialState = TrialState.RUNNING
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    seconds: float | None = None
    attempt: int = 0
    info: Mapping[str, Any] = field(default_factory=dict)
