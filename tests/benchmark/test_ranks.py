"""Tests and ranks, against SciPy and the tables of the literature."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, friedmanchisquare, mannwhitneyu, rankdata

from lamcts.benchmark import Ranking, Record, Results, rank, versus
from lamcts.benchmark.ranks import critical_difference, friedman, mann_whitney

MakeRecord = Callable[..., Record]

#: Demšar (2006), table 5a: q of the two-tailed Nemenyi test at 5 %, by number of classifiers.
NEMENYI_Q = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102,
             10: 3.164}  # fmt: skip

#: Demšar (2006), table 6: the AUC of four trees on 14 data sets.
DEMSAR = [
    (0.763, 0.768, 0.771, 0.798),
    (0.599, 0.591, 0.590, 0.569),
    (0.954, 0.971, 0.968, 0.967),
    (0.628, 0.661, 0.654, 0.657),
    (0.882, 0.888, 0.886, 0.898),
    (0.936, 0.931, 0.916, 0.931),
    (0.661, 0.668, 0.609, 0.685),
    (0.583, 0.583, 0.563, 0.625),
    (0.775, 0.838, 0.866, 0.875),
    (1.000, 1.000, 1.000, 1.000),
    (0.940, 0.962, 0.965, 0.962),
    (0.619, 0.666, 0.614, 0.669),
    (0.972, 0.981, 0.9751, 0.975),
    (0.957, 0.978, 0.946, 0.970),
]


@pytest.mark.parametrize(("optimizers", "q"), NEMENYI_Q.items())
def test_critical_difference_has_the_published_q(optimizers: int, q: float) -> None:
    expected = q * math.sqrt(optimizers * (optimizers + 1) / (6 * 14))
    assert critical_difference(optimizers, 14) == pytest.approx(expected, abs=0.001)


def test_one_optimizer_is_never_apart() -> None:
    assert critical_difference(1, 3) == math.inf
    assert friedman(np.ones((3, 1))) == 1.0


@given(
    values=st.integers(2, 8).flatmap(
        lambda n: st.integers(3, 6).flatmap(
            lambda k: st.lists(
                st.lists(st.integers(0, 5), min_size=k, max_size=k), min_size=n, max_size=n
            )
        )
    )
)
def test_friedman_is_that_of_scipy_with_ties(values: list[list[int]]) -> None:
    table = np.array(values, dtype=float)
    ranks = rankdata(table, axis=1)
    if np.all(ranks == ranks[0, 0]):
        assert friedman(ranks) == 1.0
    else:
        assert friedman(ranks) == pytest.approx(friedmanchisquare(*table.T).pvalue, abs=1e-12)


def test_the_example_of_demsar(record: MakeRecord) -> None:
    names = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
    records = [
        record(name, 0, 1.0 - auc, problem=f"set {row}")
        for row, line in enumerate(DEMSAR)
        for name, auc in zip(names, line, strict=True)
    ]
    ranking = rank(Results(records), 10)
    # Mean ranks and critical difference of the paper (section 3.2.2).
    means = dict(zip(ranking.optimizers, ranking.mean_ranks, strict=True))
    assert {name: round(mean, 3) for name, mean in means.items()} == {
        "C4.5": 3.143,
        "C4.5+m": 2.000,
        "C4.5+cf": 2.893,
        "C4.5+m+cf": 1.964,
    }
    assert ranking.critical_difference == pytest.approx(1.25, abs=0.005)
    assert ranking.problems == 14
    # Its chi-square, 9.28, has no correction for ties; that only makes it greater.
    mean_squares = sum(mean**2 for mean in ranking.mean_ranks)
    assert 12 * 14 / (4 * 5) * (mean_squares - 4 * 5**2 / 4) == pytest.approx(9.28, abs=0.01)
    assert ranking.p_value < chi2.sf(9.28, 3)
    assert ranking.p_value == pytest.approx(friedmanchisquare(*np.transpose(DEMSAR)).pvalue)


def test_groups_are_the_longest_that_are_not_told_apart() -> None:
    def groups(*means: float) -> list[tuple[int, int]]:
        names = tuple(f"m{i}" for i in range(len(means)))
        return Ranking(names, means, 9, 0.01, 1.0).groups

    assert groups(1.0, 1.5, 2.2, 4.0) == [(0, 1), (1, 2)]
    assert groups(1.0, 1.4, 1.9, 4.0, 4.5) == [(0, 2), (3, 4)]
    assert groups(1.0, 2.0, 3.0) == []


def test_ranks_are_of_medians_over_the_seeds(records: list[Record], record: MakeRecord) -> None:
    # Medians after 10: 2 and 4 on levy; on ackley both reach what rounding allows.
    tie = [
        record(name, seed, value, problem="ackley")
        for name, value in (("good", 1e-15), ("bad", 3e-10))
        for seed in range(3)
    ]
    ranking = rank(Results([*records, *tie]), 10)
    assert ranking.optimizers == ("good", "bad")
    assert ranking.mean_ranks == (1.25, 1.75)


def test_a_run_without_a_result_is_last(records: list[Record], record: MakeRecord) -> None:
    broken = [record("broken", seed, error="it broke") for seed in range(3)]
    ranking = rank(Results([*records, *broken]), 10)
    assert ranking.optimizers == ("good", "bad", "broken")
    assert ranking.mean_ranks == (1.0, 2.0, 3.0)


def test_one_against_the_other_problem_by_problem(record: MakeRecord) -> None:
    """Five seeds apart from each other (p = 2/252), five that overlap, and five that failed."""
    rows = {
        "apart": ([1.0, 1.1, 1.2, 1.3, 1.4], [2.0, 2.1, 2.2, 2.3, 2.4]),
        "mixed": ([1.0, 3.0, 5.0, 7.0, 9.0], [2.0, 4.0, 6.0, 8.0, 10.0]),
        "lost": ([8.0, 8.1, 8.2, 8.3, 8.4], [2.0, 2.1, 2.2, 2.3, 2.4]),
    }
    records = [
        record(name, seed, value, problem=problem)
        for problem, both in rows.items()
        for name, values in zip("ab", both, strict=True)
        for seed, value in enumerate(values)
    ]
    assert mannwhitneyu(*rows["apart"]).pvalue == pytest.approx(2 / 252)
    (found,) = versus(Results(records), "a", 10)
    assert (found.other, found.better, found.same, found.worse) == (
        "b",
        ["apart"],
        ["mixed"],
        ["lost"],
    )
    assert found.ratio == pytest.approx(8.2 / 2.2)
    (back,) = versus(Results(records), "b", 10)
    assert (back.better, back.worse) == (["lost"], ["apart"])
    assert back.ratio == pytest.approx(2.2 / 1.2)


@given(values=st.lists(st.integers(0, 99), min_size=4, max_size=12, unique=True))
def test_mann_whitney_is_that_of_scipy_without_ties(values: list[int]) -> None:
    ranks, half = rankdata(values), len(values) // 2
    expected = mannwhitneyu(values[:half], values[half:]).pvalue
    assert mann_whitney(ranks, half) == pytest.approx(expected)


def test_three_seeds_tell_nothing_apart_whatever_is_tied(record: MakeRecord) -> None:
    """The exact test gives 2/20 at least; SciPy's, approximate under ties, 0.047."""
    assert mannwhitneyu([1.0] * 3, [2.0] * 3).pvalue < 0.05
    assert mann_whitney(rankdata([1, 1, 1, 2, 2, 2]), 3) == pytest.approx(2 / 20)
    runs = [record(name, seed, v) for name, v in (("a", 1.0), ("b", 2.0)) for seed in range(3)]
    (found,) = versus(Results(runs), "a", 10)
    assert (found.better, found.same, found.worse) == ([], ["levy"], [])


def test_failures_lose_against_results_and_tie_with_each_other(record: MakeRecord) -> None:
    def five(name: str, *values: float) -> list[Record]:
        return [record(name, seed, *values, error=None if values else "!") for seed in range(5)]

    (found,) = versus(Results(five("a") + five("b", 3.0)), "a", 10)
    assert (found.worse, found.ratio) == (["levy"], math.inf)
    (found,) = versus(Results(five("a") + five("b")), "a", 10)
    assert (found.same, found.ratio) == (["levy"], 1.0)
