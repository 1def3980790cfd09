"""Whether a supernet orders networks as training each of them alone does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.training.data import announced
from lamcts.errors import InvalidArgument
from lamcts.spaces import as_space, to_json

if TYPE_CHECKING:
    from lamcts.adapters.supernet.evaluator import SupernetEvaluator

__all__ = ["Correlation", "Ranking", "correlate", "rank"]

#: Resamplings of the networks, for the interval.
RESAMPLINGS = 2000
#: Fewer networks have no order to speak of.
LEAST = 3
#: The name of a second training alone beside those of supernets.
AGAIN = "trained again"


@dataclass(frozen=True)
class Correlation:
    """Rank correlation of two measures of the same networks.

    Attributes:
        spearman: Spearman's rho, from -1 to 1.
        kendall: Kendall's tau-b, from -1 to 1.
        low: Where 95 % of Spearman's rhos begin, were other networks drawn (percentile bootstrap).
        high: Where they end.
        networks: Number of networks.
    """

    spearman: float
    kendall: float
    low: float
    high: float
    networks: int


@dataclass(frozen=True)
class Ranking:
    """Networks measured alone, and by the weights of supernets.

    Attributes:
        points: The networks.
        alone: Validation score of each, trained alone.
        inherited: By supernet, in the order of ``alone``.
        space: The space of the points.
        again: Trained alone from another seed, where it was; in the order of ``alone``.
    """

    points: list[Any]
    alone: list[float]
    inherited: dict[str, list[float]]
    space: Any
    again: list[float]

    @property
    def correlations(self) -> dict[str, Correlation]:
        """By supernet; and of two trainings, by `AGAIN`."""
        measures = self.inherited | ({AGAIN: self.again} if self.again else {})
        return {name: correlate(values, self.alone) for name, values in measures.items()}

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            "correlations": {name: asdict(found) for name, found in self.correlations.items()},
            "networks": [
                {
                    "x": to_json(self.space, x),
                    "alone": self.alone[n],
                    **({"again": self.again[n]} if self.again else {}),
                    "inherited": {name: values[n] for name, values in self.inherited.items()},
                }
                for n, x in enumerate(self.points)
            ],
        }


def rank(
    problem: SupernetEvaluator,
    folders: Sequence[Path],
    networks: int,
    *,
    seed: int,
    again: bool,
    progress: Callable[[str], None] | None,
) -> Ranking:
    """Measure random networks; arguments as in `SupernetEvaluator.rank`."""
    from lamcts.adapters.supernet.weights import SharedWeights

    if networks < LEAST:
        raise InvalidArgument(f"networks: {networks} are too few to correlate; use 20, say")
    supernets = {str(folder): SharedWeights(problem, folder) for folder in folders}
    rng = np.random.default_rng(seed)
    draw = problem.paths().draw
    points = [problem.canonical(draw(rng)) for _ in range(networks)]
    other = copy(problem)
    other.recipes = [replace(r, seed=r.seed + len(problem.recipes)) for r in problem.recipes]
    if progress is not None:
        progress(f"networks are compared on {announced(problem.load_data().name)}")
    alone: list[float] = []
    twice: list[float] = []
    inherited: dict[str, list[float]] = {name: [] for name in supernets}
    for number, x in enumerate(points):
        alone.append(_value(problem.evaluate(x)))
        if again:
            twice.append(_value(other.evaluate(x)))
        for name, weights in supernets.items():
            inherited[name].append(weights.score(x))
        if progress is not None:
            by = ", ".join(f"{values[-1]:.4f}" for values in inherited.values())
            trained = " and ".join(f"{scores[-1]:.4f}" for scores in (alone, twice) if scores)
            progress(f"network {number + 1}/{networks}  alone {trained}, inherited {by}")
    return Ranking(points, alone, inherited, as_space(problem.space), twice)


def _value(found: Any) -> float:
    """The score that an evaluation returned."""
    return float(getattr(found, "value", found))


def correlate(one: Sequence[float], other: Sequence[float]) -> Correlation:
    """Correlate two measures; what does not vary is correlated with nothing: 0.

    Args:
        one: Of each network.
        other: The same networks, in the same order.
    """
    from scipy.stats import kendalltau, rankdata

    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)

    def rho(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """(m,) of networks by number (m, n)."""
        x, y = (rankdata(values[rows], axis=1) for values in (a, b))
        x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
        size = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        return np.asarray((x * y).sum(axis=1) / np.where(size > 0.0, size, 1.0))

    rng = np.random.default_rng(0)
    drawn = rho(rng.integers(len(a), size=(RESAMPLINGS, len(a))))
    low, high = np.quantile(drawn, [0.025, 0.975])
    constant = np.ptp(a) == 0.0 or np.ptp(b) == 0.0
    tau = 0.0 if constant else float(kendalltau(a, b).statistic)
    spearman = float(rho(np.arange(len(a))[None])[0])
    return Correlation(spearman, tau, float(low), float(high), len(a))
