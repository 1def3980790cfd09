"""Distances, quartiles and runtimes, worked out by hand on a few made-up records."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.benchmark import Record, Results, Task, clock_table, held_out_table
from lamcts.benchmark.clock import check_clock, run_asynchronously
from lamcts.benchmark.meter import BudgetSpent, Meter
from lamcts.benchmark.results import TARGETS, quartiles
from lamcts.errors import InvalidArgument
from lamcts.optimizers import make_optimizer
from lamcts.tabular import TabularEvaluator

MakeRecord = Callable[..., Record]
NUMBERS = st.floats(-1e6, 1e6)


def test_best_so_far_holds_between_improvements(record: MakeRecord) -> None:
    run = record("good", 0, 5.0, 3.0)
    assert [run.best_at(n) for n in (0, 1, 2, 10)] == [None, 5.0, 3.0, 3.0]


def test_distances_are_by_problem_optimizer_and_seed(records: list[Record]) -> None:
    results = Results(records)
    assert (results.problems, results.optimizers, results.seeds) == (
        ["levy"],
        ["good", "bad"],
        [0, 1, 2],
    )
    assert results.distances(0).tolist() == [[[np.inf] * 3] * 2]
    assert results.distances(2).tolist() == [[[4.0, 2.0, 6.0], [4.0, 2.0, 7.0]]]
    assert results.distances(10).tolist() == [[[1.0, 2.0, 3.0], [4.0, 2.0, 6.0]]]


def test_medians_and_quartiles_over_the_seeds(records: list[Record]) -> None:
    at = Results(records).spread("levy", "good", 10)
    assert (at.lower, at.median, at.upper) == (1.5, 2.0, 2.5)


def test_a_seed_without_a_value_is_counted(record: MakeRecord) -> None:
    broken = record("good", 2, error="it broke")
    results = Results([record("good", 0, 3.0), record("good", 1, 5.0), broken])
    at = results.spread("levy", "good", 10)
    assert (at.lower, at.median, at.upper) == (4.0, 5.0, math.inf)
    assert results.distances(10)[0, 0].tolist() == [3.0, 5.0, math.inf]


def test_an_unknown_optimum_is_replaced_by_the_best_value_found(record: MakeRecord) -> None:
    low, high = record("a", 0, -5.0, optimum=None), record("b", 0, -3.0, optimum=None)
    results = Results([low, high])
    assert not results.knows_optimum("levy")
    assert results.distances(10)[0, :, 0].tolist() == [0.0, 2.0]
    assert results.spread("levy", "b", 10).median == -3.0
    upward = Results([replace(r, direction="maximize") for r in (low, high)])
    assert upward.distances(10)[0, :, 0].tolist() == [2.0, 0.0]
    assert upward.spread("levy", "a", 10).median == -5.0


def test_a_run_that_died_does_not_turn_the_direction(record: MakeRecord) -> None:
    died = Record(Task("levy", "a", 0, budget=10), error="the process died with exit code -9")
    ran = [replace(record("a", 1, 5.0, optimum=None), direction="maximize")]
    ran.append(replace(record("b", 0, 9.0, optimum=None), direction="maximize"))
    results = Results([died, *ran])
    assert results.reference == {"levy": 9.0}
    assert results.distances(10).tolist() == [[[math.inf, 4.0], [0.0, math.inf]]]


def test_without_any_value_nothing_is_near(record: MakeRecord) -> None:
    results = Results([record("a", 0, optimum=None, error="it broke")])
    assert results.reference == {"levy": None}
    assert math.isinf(results.spread("levy", "a", 10).median)
    assert results.runtimes("a").size == 0


def test_files_of_the_same_name_are_two_problems() -> None:
    paths = ["a/net.py", "b/net.py", "c/other.py"]
    runs = [
        Record(Task(path, "random", 0, 10, instance), trace=((1, float(len(path))),))
        for path in paths
        for instance in (1, 2)
    ]
    results = Results(runs)
    assert results.problems == [
        *("a/net.py", "a/net.py #2", "b/net.py", "b/net.py #2", "other", "other #2")
    ]
    assert [results.runs(name, "random") for name in results.problems] == [[run] for run in runs]


def test_there_must_be_records() -> None:
    with pytest.raises(InvalidArgument, match="nothing to compare"):
        Results([])


@given(values=st.lists(NUMBERS, min_size=1, max_size=12))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    np.testing.assert_allclose(
        quartiles(values), np.percentile(values, (25, 50, 75)), rtol=1e-12, atol=1e-6
    )


def test_the_targets_are_those_of_coco() -> None:
    # 51 of them, 10^2 to 10^-8, five a decade.
    assert len(TARGETS) == 51
    np.testing.assert_allclose(TARGETS[[0, 1, 5, 50]], [1e2, 10**1.8, 1e1, 1e-8])


def test_runtimes_by_hand(record: MakeRecord) -> None:
    """Two variables; 100 after one evaluation, 10 after three, nothing nearer.

    The target 100 is reached after 1 evaluation, the next five (63.1 ... 10) after 3: 1/2 once,
    3/2 five times, and 45 of the 51 targets never.
    """
    run = replace(record("a", 0, dim=2), trace=((1, 100.0), (3, 10.0)))
    runtimes = Results([run]).runtimes("a")
    assert runtimes.tolist() == [0.5] + [1.5] * 5 + [math.inf] * 45


def test_every_seed_counts_for_the_targets(record: MakeRecord) -> None:
    solved = record("a", 0, 0.0)
    broken = record("a", 1, error="it broke")
    unknown = [record("a", seed, 0.0, problem="mine.py", optimum=None) for seed in (0, 1)]
    runtimes = Results([solved, broken, *unknown]).runtimes("a")
    assert runtimes.tolist() == [1.0] * 51 + [math.inf] * 51


def test_held_out_figures_are_those_of_the_point_found() -> None:
    task = Task("p", "lamcts", 0, 100)
    record = Record(
        task,
        "maximize",
        optimum=0.9,
        trace=((1, 0.5), (10, 0.8), (40, 0.9)),
        tested=(0.6, 0.75, 0.7),
        optimum_test=0.8,
    )
    assert record.test_regret(0) == math.inf
    assert record.test_regret(39) == pytest.approx(0.05)
    assert record.test_regret(100) == pytest.approx(0.1)  # better in validation, worse in the test
    assert record.hit == 40
    assert Record.from_json(record.to_json()) == record
    table = held_out_table(Results([record]), [10, 100])
    assert table is not None
    assert table.rows == (
        ("p", "lamcts", "0.05 (0.05 to 0.05)", "0.1 (0.1 to 0.1)", "40 (1 of 1)"),
    )


def test_simulated_workers_finish_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Durations 5, 1, 1, 1, ... on two workers, which never wait."""
    rows = "\n".join(f"{i},{i},{5 if i == 0 else 1}" for i in range(12))
    file = tmp_path / "table.csv"
    file.write_text(f"a,y,s\n{rows}\n")
    task = TabularEvaluator(file, x=["a"], value="y", seconds="s", direction="maximize")
    meter = Meter(task, 12)
    optimizer = make_optimizer("random", task.space, direction="maximize", seed=0)
    with pytest.raises(BudgetSpent):
        run_asynchronously(optimizer, meter, check_clock(task, "table"), 2)
    seconds = 5 + 11  # in all, on two workers
    assert seconds / 2 <= meter.clock <= seconds / 2 + 2.5
    assert meter.times == sorted(meter.times)
    assert len(meter.times) == len(meter.trace)


def test_distances_by_simulated_time() -> None:
    task = Task("p", "lamcts", 0, 100, clock=2)
    trace, times = ((1, 0.5), (10, 0.8)), (3600.0, 7200.0)
    record = Record(task, "maximize", optimum=0.9, trace=trace, times=times, seconds=14400.0)
    assert record.regret_by(3599.0) == math.inf
    assert record.regret_by(7200.0) == pytest.approx(0.1)
    table = clock_table(Results([record]))
    assert table is not None
    assert table.rows == (("p", "lamcts", "4 h", "inf", "0.4", "0.1", "0.1"),)
