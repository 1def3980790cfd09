"""Which optimizer is better, and whether that could be chance.

Over problems: mean ranks, Friedman's test, Nemenyi's critical difference, as in Demšar,
"Statistical Comparisons of Classifiers over Multiple Data Sets" (2006). On one problem: the
Mann-Whitney test over the seeds. Both at 5 %.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lamcts.benchmark.results import PRECISION, Results

__all__ = ["LEVEL", "Ranking", "Versus", "critical_difference", "friedman", "rank", "versus"]

#: A difference that chance makes less often than this counts.
LEVEL = 0.05

#: Up to so many runs all 12,870 ways to deal them out are looked at.
_EXACT = 16


@dataclass(frozen=True)
class Ranking:
    """Optimizers ranked on every problem by the medians over their seeds.

    Attributes:
        optimizers: The best mean rank first.
        mean_ranks: Their mean ranks; 1 would be the best on every problem. Ties share places.
        problems: How many problems.
        p_value: Friedman's: how likely such differences are among equals.
        critical_difference: Nemenyi's: mean ranks nearer to each other are not told apart.
    """

    optimizers: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    problems: int
    p_value: float
    critical_difference: float

    @property
    def groups(self) -> list[tuple[int, int]]:
        """Greatest runs of places, first and last, within which no two are told apart."""
        ends = [
            max(j for j, r in enumerate(self.mean_ranks) if r - first < self.critical_difference)
            for first in self.mean_ranks
        ]
        return [(i, end) for i, end in enumerate(ends) if end > i and (i == 0 or ends[i - 1] < end)]


@dataclass
class Versus:
    """One optimizer against another, problem by problem.

    Attributes:
        other: The other one.
        better: Problems on which the one is better than the other by the Mann-Whitney test.
        same: Problems on which they are not told apart.
        worse: Problems on which it is worse.
        ratio: Its median distance by the other's, on the problem where that is greatest.
    """

    other: str
    better: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    worse: list[str] = field(default_factory=list)
    ratio: float = 0.0


def rank(results: Results, evaluations: int) -> Ranking:
    """Rank the optimizers by the medians of their distances after so many evaluations."""
    from scipy.stats import rankdata

    medians = np.median(_levelled(results, evaluations), axis=2)
    ranks = rankdata(medians, axis=1)
    means = ranks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    return Ranking(
        tuple(results.optimizers[i] for i in order),
        tuple(means[order].tolist()),
        len(results.problems),
        friedman(ranks),
        critical_difference(len(results.optimizers), len(results.problems)),
    )


def friedman(ranks: NDArray[np.float64]) -> float:
    """The p-value of Friedman's test, corrected for ties.

    Args:
        ranks: (problems, optimizers) places among the optimizers.
    """
    from scipy.stats import chi2

    blocks, k = ranks.shape
    expected = blocks * k * (k + 1) ** 2 / 4
    spread = float(np.sum(ranks**2)) - expected
    if spread <= 0:  # all tied everywhere, or one optimizer only
        return 1.0
    between = float(np.sum(ranks.sum(axis=0) ** 2)) - blocks * expected
    statistic = (k - 1) * between / spread
    return float(chi2.sf(statistic, k - 1))


def critical_difference(optimizers: int, problems: int) -> float:
    """Nemenyi's: how far apart two mean ranks must be, at 5 %. Infinite for one optimizer."""
    from scipy.stats import studentized_range

    if optimizers < 2:
        return np.inf
    q = float(studentized_range.ppf(1 - LEVEL, optimizers, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(optimizers * (optimizers + 1) / (6 * problems)))


def versus(results: Results, optimizer: str, evaluations: int) -> list[Versus]:
    """One optimizer against every other, on each problem after so many evaluations."""
    distances = _levelled(results, evaluations)
    mine = distances[:, results.optimizers.index(optimizer)]
    found = []
    for name, theirs in zip(results.optimizers, np.moveaxis(distances, 1, 0), strict=True):
        if name == optimizer:
            continue
        against = Versus(name)
        for problem, own, other in zip(results.problems, mine, theirs, strict=True):
            _judge(own, other, against).append(problem)
            against.ratio = max(against.ratio, _ratio(own, other))
        found.append(against)
    return found


def _judge(own: NDArray[np.float64], other: NDArray[np.float64], against: Versus) -> list[str]:
    """The list that a problem belongs to, by the distances (seeds,) of both."""
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([own, other]))  # infinite distances tie
    if np.all(ranks == ranks[0]) or mann_whitney(ranks, len(own)) >= LEVEL:
        return against.same
    is_better = ranks[: len(own)].mean() < ranks[len(own) :].mean()
    return against.better if is_better else against.worse


def mann_whitney(ranks: NDArray[np.float64], first: int) -> float:
    """The p-value of the Mann-Whitney test, exact up to 16 runs.

    SciPy's is approximate where it finds ties: too small by half, at times, for a few seeds. With
    its permutations it takes 0.1 s, and a table has hundreds of tests.

    Args:
        ranks: The places of all runs, those of the one before those of the other.
        first: How many are the one's.
    """
    from scipy.stats import mannwhitneyu

    if len(ranks) > _EXACT:
        return float(mannwhitneyu(ranks[:first], ranks[first:]).pvalue)
    off = np.abs(ranks[_deals(len(ranks), first)].mean(axis=1) - ranks.mean())
    return float(np.mean(off >= off[0] - 1e-9))


@cache
def _deals(runs: int, first: int) -> NDArray[np.intp]:
    """(ways, first) all ways to choose the one's runs, that which was so before all others."""
    return np.array(list(combinations(range(runs), first)))


def _ratio(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    a, b = float(np.median(own)), float(np.median(other))
    return 1.0 if a == b else a / b


def _levelled(results: Results, evaluations: int) -> NDArray[np.float64]:
    """Distances, of which those below the precision are all equal to it."""
    return np.maximum(results.distances(evaluations), PRECISION)
