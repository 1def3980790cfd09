"""Every trial of a search, as a struct of arrays.

The optimizers read arrays (``Z`` in the unit cube, ``y`` to be maximised); a `Trial` is the
record one trial has for the user, made on demand.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts._growing import Growing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.spaces import Codec

__all__ = ["CHARGED", "History", "Trial", "TrialState"]


class TrialState(str, enum.Enum):
    """Life of a trial: ``RUNNING``, then one of the finished states, which never changes.

    One whose worker died is running while attempts remain, and then `LOST`.
    """

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
        return self is not TrialState.RUNNING

    def __str__(self) -> str:
        return self.value


#: States that count in a run's budget, however many trials are in them.
CHARGED = (TrialState.COMPLETE, TrialState.FAILED, TrialState.TIMEOUT, TrialState.PRUNED)


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
        curve: What the evaluator reported on its way: steps and values.
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
    curve: Sequence[tuple[int, float]] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether it was given with its value (``init``), which costs no budget."""
        return self.info.get("source") == "known"


#: Optimizers see larger values as this large, so that differences of values do not overflow.
LARGEST = 1e300

_STATES = tuple(TrialState)
_CODE = {state: code for code, state in enumerate(_STATES)}
_FAILURES = [_CODE[state] for state in (TrialState.FAILED, TrialState.TIMEOUT, TrialState.LOST)]


class History:
    """The trials of one search; rows are trial numbers.

    Args:
        codec: Turns a point into its vector and back.
        maximize: Whether larger values are better to the user; inside they always are.
    """

    def __init__(self, codec: Codec, *, maximize: bool) -> None:
        self.codec = codec
        self._sign = 1.0 if maximize else -1.0
        self._V = Growing(np.empty((0, codec.p)))
        self._Z = Growing(np.empty((0, codec.dim)))
        self._y = Growing(np.empty(0))
        self._state = Growing(np.empty(0, dtype=np.int8))
        self._extra: dict[int, dict[str, Any]] = {}
        self._best: int | None = None
        self._record = -np.inf  # its value, to be maximised
        self.pending: dict[int, None] = {}  # numbers asked and not told, in order

    def __len__(self) -> int:
        return len(self._y)

    @property
    def Z(self) -> NDArray[np.float64]:
        """(n, d) points in the unit cube."""
        return self._Z.rows

    @property
    def y(self) -> NDArray[np.float64]:
        """(n,) values to be maximised; NaN where there is none, an estimate for a pruned trial."""
        return self._y.rows

    @property
    def pending_Z(self) -> NDArray[np.float64]:
        """(m, d) points asked and not yet told."""
        return self.Z[list(self.pending)]

    @property
    def best(self) -> int | None:
        """Number of the best complete trial (the first of equals)."""
        return self._best

    def state(self, number: int) -> TrialState:
        """State of a trial."""
        return _STATES[int(self._state.rows[number])]

    def sides(self, latest: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Numbers of the complete and of the infeasible ones among the latest trials."""
        codes = self._state.rows[-latest:]
        first = len(self) - len(codes)
        complete = first + np.flatnonzero(codes == _CODE[TrialState.COMPLETE])
        return complete, first + np.flatnonzero(codes == _CODE[TrialState.INFEASIBLE])

    def failed(self, latest: int) -> NDArray[np.intp]:
        """Numbers of those among the latest trials that failed, took too long or were lost."""
        codes = self._state.rows[-latest:]
        return len(self) - len(codes) + np.flatnonzero(np.isin(codes, _FAILURES))

    def info(self, number: int) -> Mapping[str, Any]:
        """How a trial was proposed."""
        info: Mapping[str, Any] = self._extra.get(number, {}).get("info", {})
        return info

    def add(self, v: NDArray[np.float64], info: Mapping[str, Any]) -> int:
        """Append a running trial at native vector ``v`` (p,). Returns its number."""
        number = len(self)
        self._V.append(v)
        self._Z.append(self.codec.encode(v[None])[0])
        self._y.append(np.nan)
        self._state.append(_CODE[TrialState.RUNNING])
        self.pending[number] = None
        if info:
            self._extra[number] = {"info": dict(info)}
        return number

    def finish(
        self, number: int, state: TrialState, value: float | None, extra: Mapping[str, Any]
    ) -> None:
        """Record the end of a trial.

        Args:
            number: The trial's.
            state: How it ended.
            value: In the user's sign; of a pruned trial, what it is expected to have come to.
            extra: Other fields of `Trial`.
        """
        self._state.rows[number] = _CODE[state]
        self.pending.pop(number, None)
        if value is not None:
            y = self._sign * value
            self.y[number] = min(max(y, -LARGEST), LARGEST)
            if state is TrialState.COMPLETE:
                if y > self._record:
                    self._best, self._record = number, y
                if abs(y) > LARGEST:
                    extra = {**extra, "value": value}
        kept = {name: item for name, item in extra.items() if item not in (None, {}, (), 0)}
        if kept:
            self._extra.setdefault(number, {}).update(kept)

    def trial(self, number: int) -> Trial:
        """The record of one trial."""
        value, state = self.y[number], self.state(number)
        return Trial(
            number=number,
            x=self.codec.from_vector(self._V.rows[number]),
            state=state,
            # 0.0 is added so that minimising never shows a negative zero
            **{
                "value": float(self._sign * value + 0.0) if state is TrialState.COMPLETE else None,
                **self._extra.get(number, {}),
            },
        )
