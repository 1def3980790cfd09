"""What every optimizer is: ``ask`` for trials, ``tell`` what came of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.choice import choose
from lamcts.domain import Domain
from lamcts.errors import InvalidArgument, LamctsError, Pruned, shown
from lamcts.evaluator import Direction, Evaluation
from lamcts.history import History, Trial
from lamcts.incumbent import estimate
from lamcts.outcome import outcome_of
from lamcts.samplers import Proposal
from lamcts.spaces import Codec, Space, as_space

__all__ = ["Optimizer"]


class Optimizer(ABC):
    """Base class of all optimizers, ours and the baselines.

    Later proposals depend on the seed and on the sequence of asks and tells alone, so a stored run
    is continued exactly by replaying it.

    Args:
        space: The search space.
        direction: ``"minimize"`` or ``"maximize"``.
        seed: Any non-negative integer; drawn, and kept in ``seed``, when ``None``.
        feasible: Cheap predicate on a point; points it refuses are never proposed.
        canonical: Maps a point to the one that stands for its equivalents.
        allow_repeats: Whether a point may be proposed twice.
        noisy: Whether two evaluations of a point may differ: then points may be repeated, and
            `best` has the highest estimated mean.
    """

    def __init__(
        self,
        space: Space[Any],
        *,
        direction: Direction = "minimize",
        seed: int | None = None,
        feasible: Callable[[Any], bool] | None = None,
        canonical: Callable[[Any], Any] | None = None,
        allow_repeats: bool = False,
        noisy: bool = False,
    ) -> None:
        if direction not in ("minimize", "maximize"):
            raise InvalidArgument(f"direction: must be 'minimize' or 'maximize', got {direction!r}")
        if seed is not None and (not isinstance(seed, (int, np.integer)) or seed < 0):
            raise InvalidArgument(f"seed: must be a non-negative integer, got {seed!r}")
        for name, hook in (("feasible", feasible), ("canonical", canonical)):
            if hook is not None and not callable(hook):
                raise InvalidArgument(f"{name}: {hook!r} cannot be called; give a function of x")
        self.space = as_space(space)
        self.direction: Direction = direction
        self.seed = (
            int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else int(seed)
        )
        codec = Codec(self.space)
        self.domain = Domain(
            codec,
            feasible=feasible,
            canonical=canonical,
            allow_repeats=allow_repeats or noisy,
            noisy=noisy,
        )
        self.history = History(codec, maximize=direction == "maximize")

    def __repr__(self) -> str:
        number, name = self.history.best, type(self).__name__
        best = "none" if number is None else f"{self.history.trial(number).value:.6g}"
        return f"<{name}: {len(self.history)} trials, best={best}, seed={self.seed}>"

    def ask(self, n: int = 1) -> list[Trial]:
        """Propose ``n`` trials; fewer, or none, when a finite space is exhausted.

        Raises:
            InvalidArgument: ``n`` is not a positive integer.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise InvalidArgument(f"n: must be a positive integer, got {n!r}")
        trials = []
        for _ in range(n):
            number = len(self.history)
            self._prepare(number)
            chosen = self._choose(self._propose(self._rng(1, number)), self._rng(2, number))
            if chosen is None:
                break
            trials.append(self._add(*chosen))
        return trials

    def replay(self, number: int, x: Any, info: Mapping[str, Any]) -> Trial:
        """Register a trial read from a stored run, as if it had just been asked."""
        if number != len(self.history):
            raise InvalidArgument(f"number: expected {len(self.history)}, got {number}")
        self._prepare(number)
        return self._add(self.history.codec.to_vector(x), dict(info))

    def tell(self, trial: Trial | Any, outcome: float | Evaluation | Exception) -> Trial:
        """Report what came of a trial, or a known point's value.

        Args:
            trial: A trial from `ask`, or any point of the space.
            outcome: The objective's value, an `Evaluation`, or the exception that ended the trial
                (`Infeasible`, `Pruned`, `TrialTimeout`, `WorkerLost`, any other). A value that is
                not a finite number makes the trial failed: no value is learned from it, but where
                failures lie together is avoided.

        Returns:
            The finished trial.

        Raises:
            InvalidArgument: The trial is unknown, finished or another optimizer's, or the point
                is not in the space.
        """
        if not isinstance(trial, Trial):
            v = self.history.codec.to_vector(trial)
            self._prepare(len(self.history))  # as when it is replayed
            trial = self._add(v, {"given": True})
        elif trial.number not in self.history.pending:
            known = trial.number < len(self.history)
            raise InvalidArgument(
                f"trial: number {trial.number} is "
                + ("finished; a trial is told once" if known else "unknown; ask for it first")
            )
        elif not self._has_point(trial):
            mine = shown(self.history.trial(trial.number).x)
            raise InvalidArgument(
                f"trial: number {trial.number} was asked at {mine}, not {shown(trial.x)}: it is "
                "another optimizer's, or its x was changed (work on a copy); to report a point of "
                "your own, give tell the point"
            )
        judged = outcome_of(outcome, self.direction)
        extra = {
            "metrics": dict(judged.metrics),
            "artifacts": dict(judged.artifacts),
            "error": judged.error,
            "cost": dict(trial.cost),
            "seconds": trial.seconds,
            "attempt": trial.attempt,
            "curve": tuple(trial.curve),
        }
        value = outcome.expected if isinstance(outcome, Pruned) else judged.value
        self.history.finish(trial.number, judged.state, value, extra)
        self._told(trial.number)
        return self.history.trial(trial.number)

    @property
    def best(self) -> Trial:
        """The best complete trial; of noisy ones, that of the best estimated mean.

        Raises:
            LamctsError: No trial has completed.
        """
        if self.history.best is None:
            raise LamctsError("best: no trial has completed")
        if not self.domain.noisy:
            return self.history.trial(self.history.best)
        rows, _ = self.history.sides(len(self.history))
        means = estimate(self.history.Z[rows], self.history.y[rows], self.domain.codec)
        return self.history.trial(int(rows[np.nanargmax(means)]))

    @property
    def trials(self) -> list[Trial]:
        """All trials, by number."""
        return [self.history.trial(number) for number in range(len(self.history))]

    def describe(self) -> dict[str, Any]:
        """Facts for a progress display."""
        return {}

    # -- for subclasses -----------------------------------------------------------------------

    @abstractmethod
    def _propose(self, rng: np.random.Generator) -> Proposal:
        """Candidates for the next trial. Must not change state."""

    def _prepare(self, number: int) -> None:
        """Change state before trial ``number`` is proposed or replayed."""

    def _asked(self, number: int, info: Mapping[str, Any]) -> None:
        """A trial was asked or replayed."""

    def _told(self, number: int) -> None:
        """A trial was finished."""

    def _rng(self, role: int, number: int) -> np.random.Generator:
        """Randomness by role and trial number: no order of calls can change it."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(role, number)))

    def _has_point(self, trial: Trial) -> bool:
        """Whether a trial is at the point that was asked under its number."""
        to_vector = self.history.codec.to_vector
        try:
            given = to_vector(trial.x)
        except InvalidArgument:  # not in the space: it was changed
            return False
        return np.array_equal(given, to_vector(self.history.trial(trial.number).x))

    # -- inside -------------------------------------------------------------------------------

    def _add(self, v: NDArray[np.float64], info: dict[str, Any]) -> Trial:
        number = self.history.add(v, info)
        self.domain.mark(v)
        self._asked(number, info)
        return self.history.trial(number)

    def _choose(
        self, proposal: Proposal, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], dict[str, Any]] | None:
        """A candidate, or what is proposed in its place, and how it came about."""
        choice = choose(self.domain, self.history, proposal.Z, rng, ranked=proposal.ranked)
        if choice is None:
            return None
        info = dict(proposal.info)
        if choice.row is None:
            info["fallback"] = True
        elif proposal.raw is not None:
            info["raw"] = proposal.raw[choice.row].tolist()
        if choice.pulled:
            info["pulled"] = True
        return choice.v, info
