"""Figures of a comparison, worked out by hand on a few made-up records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lamcts.benchmark import (
    Record,
    Task,
    best_at,
    draw_figure,
    results_table,
    score,
    scores_table,
    summarise,
)
from lamcts.benchmark.summary import reference
from lamcts.errors import InvalidArgument


def record(
    optimizer: str,
    seed: int,
    *values: float,
    problem: str = "levy",
    optimum: float | None = 0.0,
    error: str | None = None,
) -> Record:
    """A minimising run that improves with every one of its evaluations; 2 ms CPU each."""
    return Record(
        Task(problem, optimizer, seed, budget=10),
        optimum=optimum,
        trace=tuple(enumerate(values, start=1)),
        evaluations=10,
        cpu_seconds=0.02,
        peak_mb=100.0 + seed,
        error=error,
    )


RECORDS = [
    record("good", 0, 8.0, 4.0, 1.0),
    record("good", 1, 9.0, 2.0),
    record("good", 2, 9.0, 6.0, 3.0),
    record("bad", 0, 8.0, 4.0),
    record("bad", 1, 9.0, 2.0),
    record("bad", 2, 9.0, 7.0, 6.0),
]


def test_best_so_far_holds_between_improvements() -> None:
    run = record("good", 0, 5.0, 3.0)
    assert [best_at(run, n) for n in (0, 1, 2, 10)] == [None, 5.0, 3.0, 3.0]


def test_medians_quartiles_and_means() -> None:
    at_two, at_ten, *_ = summarise(RECORDS, [2, 10])
    assert (at_two.problem, at_two.optimizer, at_two.evaluations) == ("levy", "good", 2)
    assert (at_two.median, at_two.lower, at_two.upper, at_two.mean) == (4.0, 3.0, 5.0, 4.0)
    assert (at_ten.median, at_ten.lower, at_ten.upper, at_ten.mean) == (2.0, 1.5, 2.5, 2.0)
    assert at_ten.runs == 3


def test_ranks_share_ties_and_regret_is_relative_to_the_worst() -> None:
    good, bad = score(RECORDS)
    assert (good.optimizer, bad.optimizer) == ("good", "bad")
    assert good.mean_rank == pytest.approx((1 + 1.5 + 1) / 3)
    assert bad.mean_rank == pytest.approx((2 + 1.5 + 2) / 3)
    assert good.regret == pytest.approx((1 / 4 + 1 + 3 / 6) / 3)
    assert bad.regret == pytest.approx(1.0)
    assert good.cpu_ms == pytest.approx(2.0)
    assert good.peak_mb == 102.0


def test_a_run_without_a_result_is_last() -> None:
    broken = record("broken", 0, error="it broke")
    scores = {s.optimizer: s for s in score([*RECORDS[:1], RECORDS[3], broken])}
    assert scores["broken"].mean_rank == 3.0
    assert scores["broken"].regret == 1.0
    assert scores["broken"].runs == 0
    assert scores["good"].regret == pytest.approx(0.25)
    assert reference([broken]) is None


def test_everyone_at_the_optimum_has_no_regret() -> None:
    scores = score([record("a", 0, 0.0), record("b", 0, 0.0)])
    assert [s.regret for s in scores] == [0.0, 0.0]
    assert [s.mean_rank for s in scores] == [1.5, 1.5]


def test_an_unknown_optimum_is_replaced_by_the_best_value_found() -> None:
    low, high = record("a", 0, -5.0, optimum=None), record("b", 0, -3.0, optimum=None)
    assert reference([low, high]) == -5.0
    upward = [Record(r.task, "maximize", None, r.trace, 10) for r in (low, high)]
    assert reference(upward) == -3.0
    assert score(upward)[0].optimizer == "b"


def test_tables_hold_a_cell_for_every_heading() -> None:
    broken = record("broken", 0, error="it broke")
    results = results_table([*RECORDS, broken], [2, 10])
    assert results.columns[:4] == ("problem", "optimizer", "after 2", "after 10")
    assert results.rows[0] == ("levy", "good", "4 (3 to 5)", "2 (1.5 to 2.5)", "2")
    assert results.rows[2] == ("levy", "broken", "-", "-", "-")
    scores = scores_table([*RECORDS, broken])
    assert [row[0] for row in scores.rows] == ["good", "bad", "broken"]
    for table in (results, scores):
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert str(table).count("\n") == len(table.rows) + 3


def test_a_figure_is_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    records = [
        record(optimizer, seed, *np.sort(rng.random(8))[::-1].tolist(), problem=problem)
        for problem in ("levy", "ackley", "sphere", "nk")
        for optimizer in ("a", "b")
        for seed in range(3)
    ]
    unknown = [record("a", 0, 3.0, 2.0, problem="files/mine.py", optimum=None)]
    path = draw_figure([*records, *unknown], tmp_path / "new" / "figure.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000


def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no run has a result"):
        draw_figure([record("a", 0, error="it broke")], tmp_path / "figure.png")
