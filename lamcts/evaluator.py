"""The one class a user writes: a search space, a direction, and ``evaluate``.

What ``gymnasium.Env`` is to reinforcement learning, `Evaluator` is to black-box optimisation::

    class MyTask(lamcts.Evaluator):
        space = lamcts.spaces.Box(-5.0, 10.0, shape=(20,))
        direction = "minimize"

        def evaluate(self, x):
            return loss(x)

Everything else is optional. `Evaluator.reset` and `Evaluator.step` follow Gymnasium's signatures
(an episode of one step), so that reinforcement-learning tools can drive an evaluator; nothing in
this package uses them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcts.errors import Infeasible, InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Self

    from lamcts.spaces import Space

__all__ = ["Direction", "Evaluation", "Evaluator", "TrialContext", "batched"]

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found, when there is more to say than one number.

    Attributes:
        value: The objective, in the evaluator's own direction.
        metrics: Further figures to record (accuracies, losses, times).
        artifacts: Names and paths of files written (a checkpoint, a log).
    """

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)


def _heard_by_nobody(step: int, value: float) -> None:
    """Outside a search, what is reported goes nowhere."""


@dataclass(frozen=True)
class TrialContext:
    """What an evaluator may know of the trial it is evaluating, as ``self.trial``.

    Attributes:
        number: The trial's number in its run.
        attempt: 0 the first time, more when a worker was lost: evaluations should be idempotent.
        place: Where its private folder is, or will be; ``None`` when the run has no folder.
        report: Takes what `Evaluator.report` is given.
    """

    number: int = 0
    attempt: int = 0
    place: Path | None = None
    report: Callable[[int, float], None] = _heard_by_nobody

    @property
    def folder(self) -> Path | None:
        """A private folder that survives attempts, made when it is asked for.

        ``None`` when the run has no folder, or where it cannot be made: on another machine, say.
        """
        if self.place is not None:
            with contextlib.suppress(OSError):
                self.place.mkdir(parents=True, exist_ok=True)
                return self.place
        return None


class Evaluator:
    """Base class of a problem: subclass it, set ``space`` and ``direction``, write ``evaluate``.

    Attributes:
        space: The search space (`lamcts.spaces`, or a real gymnasium space).
        direction: ``"minimize"`` or ``"maximize"``.
        noisy: Whether two evaluations of a point may differ.
        id: The registered name, when made by `lamcts.make`.
        trial: The trial being evaluated (`TrialContext`).
        default_budget: Trials that ``lamcts run`` spends when no budget is given.
        constraints: Bounds on `cost` that hold in every search, beside those of the run:
            ``("params<=1e6",)``.
        notice: One line to print when a run starts, such as which data stands in for which.
    """

    space: Space[Any]
    direction: Direction = "minimize"
    noisy: bool = False
    id: str | None = None
    trial: TrialContext = TrialContext()
    default_budget: int = 100
    constraints: Sequence[str] = ()
    notice: str | None = None

    #: How to build this evaluator again, in a worker: positional and keyword arguments.
    init_args: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Remember the constructor's arguments: workers build their own evaluator from them."""
        self = super().__new__(cls)
        self.init_args = (args, kwargs)
        return self

    def prepare(self) -> None:
        """Make ready to evaluate, before anything is written: calling it again is harmless.

        Raises:
            Exception: What would fail every trial (a library or a file that is missing): it ends
                the search at the start, in one line.
        """

    def evaluate(self, x: Any) -> float | Evaluation:
        """Measure one point of ``space``.

        Returns:
            The objective, or an `Evaluation` with further figures.

        Raises:
            lamcts.Infeasible: When ``x`` is not a valid configuration. Any other exception is
                recorded as a failed trial, and the run goes on.
        """
        # On purpose not abstract: `lamcts.problem` refuses a class without it, in words for users.
        raise NotImplementedError(f"{type(self).__name__} has no evaluate(self, x)")

    def report(self, step: int, value: float) -> None:
        """Say how an evaluation stands, so that a hopeless one can be ended (``--prune``).

        Call it in `evaluate`, after every epoch say. The values are stored with the trial, as its
        learning curve.

        Args:
            step: How far the evaluation is: epochs, folds, images. Each report has a greater one,
                and all trials report at the same steps.
            value: The objective so far, in the evaluator's direction.

        Raises:
            lamcts.Pruned: The trial is to end here: let it pass. What it holds is freed by
                ``finally`` and ``with``, as always.
            InvalidArgument: The step is no greater integer, or the value no number.
        """
        self.trial.report(step, value)

    def cost(self, x: Any) -> Mapping[str, float]:
        """Cheap figures known without evaluating (flops, params, latency_ms), for constraints.

        A class may write ``cost_many(self, V)`` beside it: the same of native vectors (n, p), one
        number a variable, as arrays (n,). Searches within limits then look further ahead.
        """
        return {}

    def canonical(self, x: Any) -> Any:
        """The one point that stands for all points equivalent to ``x`` (isomorphic cells).

        Every point has one: of what is no valid configuration too, which `evaluate` says. Searches
        ask for many. A class may write ``canonical_many(self, V)`` beside it: the same of
        native vectors (n, p), one number a variable, in arrays.
        """
        return x

    def test(self, x: Any) -> Mapping[str, float]:
        """Held-out figures of the final point: called once, when a run ends, never for search."""
        return {}

    def render(self, x: Any) -> str:
        """The point in words, for people: those of a run's best are stored with it."""
        return str(x)

    def close(self) -> None:
        """Free what the evaluator holds. Calling it again is harmless."""

    # -- Gymnasium's signatures: a one-step episode whose action is the point ------------------

    @property
    def action_space(self) -> Space[Any]:
        """Gymnasium's name for ``space``."""
        return self.space

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[None, dict[str, Any]]:
        """Begin an episode. Returns Gymnasium's ``(observation, info)``."""
        if seed is not None:
            self.space.seed(seed)
        return None, {}

    def step(self, action: Any) -> tuple[None, float, bool, bool, dict[str, Any]]:
        """Evaluate ``action``. Returns ``(observation, reward, terminated, truncated, info)``.

        The reward is to be maximised: the value, or its negative when minimising.
        """
        if action not in self.space:
            raise InvalidArgument(f"action: {action!r} is not in {self.space!r}")
        try:
            outcome = self.evaluate(action)
        except Infeasible as reason:
            return None, float("-inf"), True, False, {"infeasible": str(reason)}
        result = outcome if isinstance(outcome, Evaluation) else Evaluation(float(outcome))
        sign = 1.0 if self.direction == "maximize" else -1.0
        return None, sign * result.value, True, False, dict(result.metrics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = self.id or type(self).__name__
        return f"<{name}: {self.direction} over {self.space!r}>"


def batched(evaluator: Evaluator, hook: str) -> Callable[[Any], Any] | None:
    """A hook for many points at once, ``cost_many`` say; ``None`` where there is none.

    Nor is there if a subclass has overridden the hook for single points only.
    """
    bases = type(evaluator).__mro__
    owner = next(i for i, base in enumerate(bases) if hook in vars(base))
    many = f"{hook}_many"
    found = any(many in vars(base) for base in bases[: owner + 1])
    return getattr(evaluator, many) if found else None
