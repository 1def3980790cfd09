"""What an evaluation came to, as plain data that crosses processes and goes into the run file."""

from __future__ import annotations

import logging
import math
import numbers
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar, cast

from lamcts.errors import (
    Infeasible,
    InvalidArgument,
    LamctsError,
    ProblemError,
    Pruned,
    TrialTimeout,
    WorkerLost,
    in_one_line,
    shown,
)
from lamcts.evaluator import Direction, Evaluation, Evaluator, TrialContext
from lamcts.history import TrialState

__all__ = [
    "EvaluationFailed",
    "Judge",
    "Outcome",
    "as_number",
    "cost_of",
    "evaluate",
    "guarded",
    "outcome_of",
    "held_out",
    "in_words",
]


class EvaluationFailed(LamctsError):
    """An evaluation raised, or returned something that is no objective; holds what and where."""

    exit_code = 1


#: Whether the trial of this number, which reports this step and value, is to end.
Judge = Callable[[int, int, float], bool]


T = TypeVar("T")

_log = logging.getLogger(__name__)
_MEND = "return a number or an Evaluation"
_ERRORS: dict[TrialState, type[LamctsError]] = {
    TrialState.FAILED: EvaluationFailed,
    TrialState.INFEASIBLE: Infeasible,
    TrialState.TIMEOUT: TrialTimeout,
    TrialState.LOST: WorkerLost,
    TrialState.PRUNED: Pruned,
}


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: A finished state.
        value: The objective in the evaluator's own direction; ``None`` unless complete.
        metrics: Further figures.
        artifacts: Names and paths of files written.
        error: Why it did not complete: one line, or a traceback whose last line says it.
        seconds: Wall time of the evaluation.
        curve: What the evaluator reported on its way: steps and values.
    """

    state: TrialState
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    seconds: float | None = None
    curve: Sequence[tuple[int, float]] = ()

    def to_tell(self, expected: float | None = None) -> Evaluation | LamctsError:
        """The outcome as `Optimizer.tell` takes it.

        Args:
            expected: What a pruned trial would have come to.
        """
        if self.state is TrialState.PRUNED:
            return Pruned(self.error or "pruned", expected)
        if self.state is TrialState.COMPLETE and self.value is not None:
            return Evaluation(self.value, self.metrics, self.artifacts)
        return _ERRORS.get(self.state, EvaluationFailed)(self.error or str(self.state))

    def to_dict(self) -> dict[str, Any]:
        """The fields as a dict of plain values; no curve where there is none."""
        data = {**asdict(self), "state": self.state.value}
        if not self.curve:
            del data["curve"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Outcome:
        """The outcome that `to_dict` wrote."""
        curve = tuple((step, value) for step, value in data.get("curve", ()))
        return cls(**{**data, "state": TrialState(data["state"]), "curve": curve})


def evaluate(
    evaluator: Evaluator, x: Any, context: TrialContext, judge: Judge | None = None
) -> Outcome:
    """Evaluate one point. Whatever the evaluator raises or returns becomes an outcome.

    Args:
        evaluator: What evaluates.
        x: The point.
        context: Its trial.
        judge: Tells whether a trial that reports is to end.
    """
    curve: list[tuple[int, float]] = []

    def report(step: int, value: float) -> None:
        curve.append(_reported(step, value, after=curve[-1][0] if curve else -1))
        if judge is not None and judge(context.number, *curve[-1]):
            raise Pruned(f"pruned at step {step}")

    evaluator.trial = replace(context, report=report)
    started = time.perf_counter()
    try:
        outcome = outcome_of(evaluator.evaluate(x), evaluator.direction)
    except BaseException as error:  # a user's code may raise anything
        if not isinstance(error, (Exception, SystemExit)) and not _is_cancellation(error):
            raise
        outcome = outcome_of(error)
    return replace(outcome, seconds=time.perf_counter() - started, curve=tuple(curve))


def outcome_of(result: object, direction: Direction = "minimize") -> Outcome:
    """Judge what an evaluator returned or raised.

    Args:
        result: A number (NumPy scalars and 0-d arrays too), an `Evaluation`, or an exception.
        direction: Infinitely bad means infeasible; infinitely good is a failure, not a record.

    >>> outcome_of(None).error
    'evaluate returned None; return a number or an Evaluation'
    """
    if isinstance(result, BaseException):
        return _outcome_of_exception(result)
    fields = result if isinstance(result, Evaluation) else Evaluation(cast(float, result))
    value = as_number(fields.value)
    if value is None:
        return _failed(f"evaluate returned {_short(fields.value)}; {_MEND}")
    if not (isinstance(fields.metrics, Mapping) and isinstance(fields.artifacts, Mapping)):
        return _failed("Evaluation: metrics and artifacts must be dicts, from names to values")
    metrics = {}
    for name, figure in fields.metrics.items():
        number = as_number(figure)
        if number is None:
            return _failed(f"metrics[{name!r}] is {_short(figure)}; give a number")
        metrics[str(name)] = number
    artifacts = {str(name): str(path) for name, path in fields.artifacts.items()}
    if math.isfinite(value):
        return Outcome(TrialState.COMPLETE, value, metrics, artifacts)
    worst = math.inf if direction == "minimize" else -math.inf
    state = TrialState.INFEASIBLE if value == worst else TrialState.FAILED
    error = f"evaluate returned {value}; return a finite number, or raise lamcts.Infeasible"
    return Outcome(state, metrics=metrics, artifacts=artifacts, error=error)


def _reported(step: object, value: object, *, after: int) -> tuple[int, float]:
    is_step = isinstance(step, numbers.Integral) and not isinstance(step, bool)
    if not is_step or int(cast(int, step)) <= after:
        raise InvalidArgument(
            f"report: step must be an integer greater than {after}, the last, got {_short(step)}"
        )
    number = as_number(value)
    if number is None:
        raise InvalidArgument(f"report: value is {_short(value)}; give a number")
    return int(cast(int, step)), number


def as_number(value: object) -> float | None:
    """A float for a real scalar; ``None`` for flags, text, complex numbers, arrays and the rest."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        # NumPy makes integers of some dates, and 0.0 of what is masked.
        is_date = getattr(getattr(value, "dtype", None), "kind", None) in ("M", "m")
        value = None if is_date or getattr(value, "mask", False) else value.item()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer beyond the largest float
        return None


def cost_of(evaluator: Evaluator, x: Any) -> dict[str, float]:
    """What ``Evaluator.cost`` says of a point.

    Raises:
        Infeasible: It says that the point is not a valid configuration.
        LamctsError: What else it raised, if that is one already (data that are missing).
        ProblemError: It raises something else, or a figure is no number.
    """
    figures = guarded("cost(x)", lambda x: dict(evaluator.cost(x)))(x)
    cost = {}
    for name, figure in figures.items():
        number = as_number(figure)
        if number is None:
            raise ProblemError(f"cost(x)[{name!r}] is {_short(figure)}; give a number")
        cost[str(name)] = number
    return cost


def guarded(hook: str, function: Callable[[Any], T]) -> Callable[[Any], T]:
    """A hook of an evaluator that raises nothing but `LamctsError`: a `ProblemError` for the rest.

    Args:
        hook: What to call it in the message: ``"cost(x)"``.
        function: The hook.
    """

    def call(x: Any) -> T:
        try:
            return function(x)
        except LamctsError:
            raise
        except (Exception, SystemExit) as error:
            raise ProblemError(f"{hook} raised {in_one_line(error)}") from error

    return call


def held_out(evaluator: Evaluator, x: Any) -> dict[str, float]:
    """What ``Evaluator.test`` says of a run's best point; a failure here must not lose the run."""
    try:
        return {str(name): float(figure) for name, figure in evaluator.test(x).items()}
    except (Exception, SystemExit):
        _log.exception("test(x) of the best point raised: the run has no test figures")
        return {}


def in_words(evaluator: Evaluator, x: Any) -> str | None:
    """What ``Evaluator.render`` says of a run's best point; ``None`` where it says nothing more."""
    if type(evaluator).render is Evaluator.render:
        return None
    try:
        return str(evaluator.render(x))
    except (Exception, SystemExit):
        _log.exception("render(x) of the best point raised: the run has no words for it")
        return None


def _is_cancellation(error: BaseException) -> bool:
    """Whether it is asyncio's, or another library's of that name, which is no `Exception`."""
    return type(error).__name__ in ("CancelledError", "Cancelled")


def _outcome_of_exception(error: BaseException) -> Outcome:
    for state, kind in _ERRORS.items():
        if isinstance(error, kind):
            return Outcome(state, error=str(error))
    # The first frame is the call in `evaluate`: the user's code starts at the next one.
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    return _failed("".join(traceback.format_exception(type(error), error, trace)).rstrip())


def _failed(error: str) -> Outcome:
    return Outcome(TrialState.FAILED, error=error)


def _short(value: object) -> str:
    """A value and its type in a few words."""
    if value is None:
        return "None"
    return f"{shown(value, 60)} ({type(value).__name__})"
