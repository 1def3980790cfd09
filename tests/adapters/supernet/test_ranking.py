"""Rank correlations, by hand and by scipy, and networks measured both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from lamcts.adapters.supernet.ranking import correlate
from lamcts.errors import InvalidArgument
from tests.adapters.supernet.conftest import Problem


def test_orders_that_agree_and_that_do_not() -> None:
    values = [0.1, 0.5, 0.7, 0.9]
    same = correlate([1.0, 2.0, 3.0, 9.0], values)
    assert same.spearman == pytest.approx(1.0)
    assert (same.kendall, same.networks) == (1.0, 4)
    assert correlate([9.0, 3.0, 2.0, 1.0], values).spearman == pytest.approx(-1.0)
    swapped = correlate([1.0, 3.0, 2.0, 4.0], values)
    assert swapped.spearman == pytest.approx(0.8)  # 1 - 6 * 2 / (4 * 15)
    assert swapped.kendall == pytest.approx(4 / 6)  # 5 pairs agree, 1 does not
    constant = correlate([1.0, 1.0, 1.0, 1.0], values)
    assert (constant.spearman, constant.kendall) == (0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=30))
def test_spearman_with_ties_is_scipys(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, dtype=float).T
    found = correlate(one.tolist(), other.tolist())
    if np.ptp(one) and np.ptp(other):
        assert found.spearman == pytest.approx(spearmanr(one, other).statistic)
    assert -1.0 <= found.low <= found.high <= 1.0


def test_the_interval_holds_the_estimate_and_narrows() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + rng.normal(size=400)
    few, many = correlate(x[:20].tolist(), y[:20].tolist()), correlate(x.tolist(), y.tolist())
    assert few.low < few.spearman < few.high
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_networks_are_measured_alone_and_by_each_supernet(make: Problem, folder: Path) -> None:
    problem = make()
    lines: list[str] = []
    ranking = problem.rank([folder], 3, progress=lines.append)
    assert len(lines) == 4
    assert "digits, a stand-in" in lines[0]
    [inherited] = ranking.inherited.values()
    point = ranking.points[1]
    assert ranking.alone[1] == problem.evaluate(point).value
    assert inherited[1] == make(supernet=folder).evaluate(point).value
    data = ranking.to_json()
    assert [row["alone"] for row in data["networks"]] == ranking.alone
    assert data["networks"][1]["x"] == point.tolist()
    assert data["correlations"][str(folder)]["networks"] == 3
    with pytest.raises(InvalidArgument, match="networks: 2 are too few"):
        problem.rank([folder], 2)


def test_training_alone_is_compared_with_itself(make: Problem, folder: Path) -> None:
    problem = make()
    ranking = problem.rank([folder], 3, again=True)
    assert ranking.alone == problem.rank([folder], 3).alone  # the problem's seed is as it was
    assert ranking.again == [make(seed=1).evaluate(x).value for x in ranking.points]
    assert set(ranking.correlations) == {str(folder), "trained again"}
    found = ranking.correlations["trained again"]
    assert found == correlate(ranking.again, ranking.alone)
    assert [row["again"] for row in ranking.to_json()["networks"]] == ranking.again
