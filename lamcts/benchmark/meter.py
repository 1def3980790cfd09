"""What stands between an optimizer and a problem: it counts, times, and ends the run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lamcts.constraints import Feasibility, parse_constraint
from lamcts.evaluator import Evaluator, TrialContext
from lamcts.history import TrialState
from lamcts.outcome import Outcome, evaluate

__all__ = ["BudgetSpent", "Meter", "peak_mb"]

#: A run ends after so many proposals for each one of its budget, should most be infeasible.
_PROPOSALS_PER_EVALUATION = 50


class BudgetSpent(BaseException):
    """The run is over. No `Exception`: a peer's own error handling must not stop it."""


class Meter:
    """Evaluates points, the same way for every optimizer, until the budget is spent.

    Args:
        evaluator: The problem.
        budget: Evaluations, failed ones included, infeasible ones not.

    Attributes:
        trace: Every improvement: ``(evaluations so far, best value so far)``; of a noisy problem
            that has ``noise_free(x)``, the best of these.
        tested: Beside it the point's first held-out figure, where a table has one to look up.
        times: Beside it the simulated time.
        clock: The simulated time, in seconds; it stands still where none is simulated.
        evaluations: Trials that count against the budget.
        failed: How many of these failed.
        cpu_seconds: CPU time since the meter was made, the objective's left out.
        first_error: What kept the first trial that did not complete from it.
    """

    def __init__(self, evaluator: Evaluator, budget: int) -> None:
        self.evaluator = evaluator
        self.budget = budget
        self.trace: list[tuple[int, float]] = []
        self.tested: list[float] = []
        self.times: list[float] = []
        self.clock = 0.0
        self._has_test = getattr(evaluator, "optimum_test", None) is not None
        self.evaluations = self.failed = 0
        self.cpu_seconds = 0.0
        self.first_error = "the optimizer proposed nothing"
        self._proposals = 0
        constraints = [parse_constraint(text) for text in evaluator.constraints]
        self._feasible = Feasibility(constraints, evaluator) if constraints else None
        # The best of noisy values is a lucky one: a run is judged by what its points are worth.
        self._noise_free = getattr(evaluator, "noise_free", None) if evaluator.noisy else None
        self._sign = 1.0 if evaluator.direction == "maximize" else -1.0
        self._halfway = (0, 0.0)
        self._since = time.process_time()

    def evaluate(self, x: object) -> Outcome:
        """Evaluate a point of the problem's space.

        Raises:
            BudgetSpent: That was the last one.
        """
        outcome = self.look(x)
        self.count(outcome, x)
        return outcome

    def look(self, x: object) -> Outcome:
        """Evaluate a point without counting it yet."""
        self._book()
        if self._feasible is None or self._feasible(x):
            outcome = evaluate(self.evaluator, x, TrialContext(number=self._proposals))
        else:  # proposed by a peer, which knows of no constraints
            outcome = Outcome(TrialState.INFEASIBLE, error="a constraint is broken")
        self._proposals += 1
        self._since = time.process_time()
        return outcome

    def count(self, outcome: Outcome, x: object) -> None:
        """Count an evaluation.

        Raises:
            BudgetSpent: That was the last one.
        """
        self._book()
        self._note(outcome, x)
        if self.evaluations <= self.budget // 2:
            self._halfway = (self.evaluations, self.cpu_seconds)
        self._since = time.process_time()
        if (
            self.evaluations >= self.budget
            or self._proposals >= _PROPOSALS_PER_EVALUATION * self.budget
        ):
            raise BudgetSpent

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of a suggestion in the second half of the run."""
        evaluations, seconds = self._halfway
        if self.evaluations == evaluations:  # ended before the half
            evaluations, seconds = 0, 0.0
        return 1000 * (self.cpu_seconds - seconds) / max(1, self.evaluations - evaluations)

    def _book(self) -> None:
        """Add the CPU time since the last evaluation: the optimizer's."""
        self.cpu_seconds += time.process_time() - self._since

    def _note(self, outcome: Outcome, x: object) -> None:
        if outcome.value is None and not self.failed:
            lines = (outcome.error or str(outcome.state)).splitlines()
            self.first_error = lines[-1]  # after its traceback
        self.evaluations += outcome.state is not TrialState.INFEASIBLE
        self.failed += outcome.state is TrialState.FAILED
        value = outcome.value
        if value is not None and self._noise_free is not None:
            value = float(self._noise_free(x))
        if value is not None and (
            not self.trace or self._sign * value > self._sign * self.trace[-1][1]
        ):
            self.trace.append((self.evaluations, value))
            self.times.append(self.clock)
            if self._has_test:
                self.tested.append(next(iter(self.evaluator.test(x).values())))


def peak_mb() -> float | None:
    """Greatest resident memory of this process so far, in MiB; ``None`` where it can't be told."""
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
