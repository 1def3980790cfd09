"""Every trial of a search, as a struct of arrays.

The optimizers read arrays (``Z`` in the unit cube, ``y`` to be maximised); a `Trial` is the
record one trial has for the user, made on demand.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.spaces import Codec

__all__ = ["History", "Trial", "TrialState"]


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


_STATES = tuple(TrialState)
_CODE = {state: code for code, state in enumerate(_STATES)}


class History:
    """The trials of one search; rows are trial numbers, arrays grow by doubling.

    Args:
        codec: Turns a point into its vector and back.
        maximize: Whether larger values are better to the user; inside they always are.
    """

    def __init__(self, codec: Codec, *, maximize: bool) -> None:
        self.codec = codec
        self._sign = 1.0 if maximize else -1.0
        self._n = 0
        self._V = np.empty((64, codec.p))
        self._Z = np.empty((64, codec.dim))
        self._y = np.full(64, np.nan)
        self._state = np.zeros(64, dtype=np.int8)
        self._extra: dict[int, dict[str, Any]] = {}
        self._best: int | None = None
        self.pending: dict[int, None] = {}  # numbers asked and not told, in order

    def __len__(self) -> int:
        return self._n

    @property
    def Z(self) -> NDArray[np.float64]:
        """(n, d) points in the unit cube."""
        return self._Z[: self._n]

    @property
    def y(self) -> NDArray[np.float64]:
        """(n,) values to be maximised; NaN where a trial is not complete."""
        return self._y[: self._n]

    @property
    def pending_Z(self) -> NDArray[np.float64]:
        """(m, d) points asked and not yet told."""
        return self._Z[list(self.pending)]

    @property
    def best(self) -> int | None:
        """Number of the best complete trial (the first of equals)."""
        return self._best

    def state(self, number: int) -> TrialState:
        """State of a trial."""
        return _STATES[int(self._state[number])]

    def info(self, number: int) -> Mapping[str, Any]:
        """How a trial was proposed."""
        info: Mapping[str, Any] = self._extra.get(number, {}).get("info", {})
        return info

    def add(self, v: NDArray[np.float64], info: Mapping[str, Any]) -> int:
        """Append a running trial at native vector ``v`` (p,). Returns its number."""
        number = self._n
        if number == len(self._y):
            self._grow()
        self._V[number] = v
        self._Z[number] = self.codec.encode(v[None])[0]
        self._state[number] = _CODE[TrialState.RUNNING]
        self._n += 1
        self.pending[number] = None
        if info:
            self._extra[number] = {"info": dict(info)}
        return number

    def finish(
        self, number: int, state: TrialState, value: float | None, extra: Mapping[str, Any]
    ) -> None:
        """Record the end of a trial; ``value`` in the user's sign, ``extra`` other Trial fields."""
        self._state[number] = _CODE[state]
        self.pending.pop(number, None)
        if value is not None:
            self._y[number] = self._sign * value
            if self._best is None or self._y[number] > self._y[self._best]:
                self._best = number
        kept = {name: item for name, item in extra.items() if item not in (None, {}, 0)}
        if kept:
            self._extra.setdefault(number, {}).update(kept)

    def trial(self, number: int) -> Trial:
        """The record of one trial."""
        value = self._y[number]
        return Trial(
            number=number,
            x=self.codec.from_vector(self._V[number]),
            state=self.state(number),
            # 0.0 is added so that minimising never shows a negative zero
            value=None if np.isnan(value) else float(self._sign * value + 0.0),
            **self._extra.get(number, {}),
        )

    def _grow(self) -> None:
        more = len(self._y)
        self._V = np.concatenate([self._V, np.empty_like(self._V)])
        self._Z = np.concatenate([self._Z, np.empty_like(self._Z)])
        self._y = np.concatenate([self._y, np.full(more, np.nan)])
        self._state = np.concatenate([self._state, np.zeros(more, dtype=np.int8)])
