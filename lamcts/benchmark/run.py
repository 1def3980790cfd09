"""One run of a comparison: an optimizer, a problem, a seed, and what came of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lamcts.errors import Infeasible, LamctsError
from lamcts.evaluator import Direction, Evaluator, TrialContext
from lamcts.history import TrialState

__all__ = ["Record", "Task", "run_task"]

#: A run ends after so many proposals for each one of its budget, should most be infeasible.
_PROPOSALS_PER_EVALUATION = 50


@dataclass(frozen=True)
class Task:
    """All that a run needs, as JSON values: two equal tasks are the same run.

    Attributes:
        problem: What `lamcts.problem.load_problem` takes: a name, a file, ``package.module:attr``.
        optimizer: A name known to `lamcts.optimizers`.
        seed: The optimizer's seed.
        budget: Evaluations, failed ones included, infeasible ones not.
        problem_settings: How the problem is built.
        optimizer_settings: How the optimizer is built.
    """

    problem: str
    optimizer: str
    seed: int
    budget: int
    problem_settings: Mapping[str, Any] = field(default_factory=dict)
    optimizer_settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The task as canonical JSON, by which a finished run is known again."""
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @property
    def label(self) -> str:
        """The problem's name for tables and figures: a file's is its stem."""
        return Path(self.problem).stem if self.problem.endswith(".py") else self.problem


@dataclass(frozen=True)
class Record:
    """What came of a task.

    Attributes:
        task: The task.
        direction: The problem's direction.
        optimum: The problem's best value, where known.
        trace: Every improvement: ``(evaluations so far, best value so far)``.
        evaluations: Trials that count against the budget.
        failed: How many of these failed.
        cpu_seconds: CPU time spent in ``ask`` and ``tell``, the objective's excluded.
        peak_mb: Greatest resident memory of the process, in MiB; ``None`` where it can't be told.
        error: Why there is no result, in one line.
    """

    task: Task
    direction: Direction = "minimize"
    optimum: float | None = None
    trace: tuple[tuple[int, float], ...] = ()
    evaluations: int = 0
    failed: int = 0
    cpu_seconds: float = 0.0
    peak_mb: float | None = None
    error: str | None = None

    def to_json(self) -> str:
        """The record as one line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """The record of a line.

        Raises:
            ValueError: The line is no record (``json.JSONDecodeError`` included).
        """
        try:
            data = json.loads(line)
            trace = tuple((int(n), float(value)) for n, value in data.pop("trace"))
            return cls(task=Task(**data.pop("task")), trace=trace, **data)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a record: {error}") from error


def run_task(task: Task) -> Record:
    """Run a task in this process: ask for one trial, evaluate it, tell.

    A failing evaluation counts and the run goes on; a problem or an optimizer that raises ends
    the run, and the record says why.
    """
    from lamcts.problem import load_problem

    try:
        with load_problem(task.problem, **task.problem_settings) as evaluator:
            return _run(task, evaluator)
    except Exception as error:
        reason = (
            str(error) if isinstance(error, LamctsError) else f"{type(error).__name__}: {error}"
        )
        return Record(task, error=reason)


def _run(task: Task, evaluator: Evaluator) -> Record:
    from lamcts.optimizers import make_optimizer

    has_canonical = type(evaluator).canonical is not Evaluator.canonical
    clock = time.process_time()
    optimizer = make_optimizer(
        task.optimizer,
        evaluator.space,
        direction=evaluator.direction,
        seed=task.seed,
        canonical=evaluator.canonical if has_canonical else None,
        **task.optimizer_settings,
    )
    cpu_seconds = time.process_time() - clock

    sign = 1.0 if evaluator.direction == "maximize" else -1.0
    trace: list[tuple[int, float]] = []
    evaluations = failed = 0
    first_error = "the optimizer proposed nothing"
    for _ in range(_PROPOSALS_PER_EVALUATION * task.budget):
        clock = time.process_time()
        trials = optimizer.ask(1)
        cpu_seconds += time.process_time() - clock
        if not trials:  # a finite space is exhausted
            break
        evaluator.trial = TrialContext(number=trials[0].number)
        outcome = _evaluate(evaluator, trials[0].x)
        clock = time.process_time()
        trial = optimizer.tell(trials[0], outcome)
        cpu_seconds += time.process_time() - clock

        if trial.value is None and not failed:
            first_error = str(trial.error).splitlines()[-1]  # after its traceback
        evaluations += trial.state is not TrialState.INFEASIBLE
        failed += trial.state is TrialState.FAILED
        if trial.value is not None and (not trace or sign * trial.value > sign * trace[-1][1]):
            trace.append((evaluations, trial.value))
        if evaluations == task.budget:
            break
    return Record(
        task,
        direction=evaluator.direction,
        optimum=getattr(evaluator, "optimum_value", None),
        trace=tuple(trace),
        evaluations=evaluations,
        failed=failed,
        cpu_seconds=cpu_seconds,
        peak_mb=_peak_mb(),
        error=None if trace else f"no trial completed: {first_error}",
    )


def _evaluate(evaluator: Evaluator, x: Any) -> Any:
    try:
        return evaluator.evaluate(x)
    except Infeasible as reason:
        return reason
    except Exception as error:
        return error


def _peak_mb() -> float | None:
    """Greatest resident memory of this process so far, in MiB."""
    try:
        # Linux's getrusage counts the parent's memory at the fork as well; this file does not.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
