"""Query semantics: which training, which epochs, what it costs, what counts."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.nasbench101 import (
    NAMED_CELLS,
    Cell,
    NASBench101,
    NASBench101Table,
    encode,
)
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3
from lamcts.adapters.nasbench101.enumeration import all_cells
from lamcts.adapters.nasbench101.files.columns import Columns
from lamcts.adapters.nasbench101.files.convert import read_tfrecord
from lamcts.adapters.nasbench101.files.synthetic import write_synthetic
from lamcts.errors import Infeasible, InvalidArgument, LamctsError

RESNET = NAMED_CELLS["resnet"]
SEVEN = NAMED_CELLS["inception"]  # not among cells of four vertices
DISCONNECTED = Cell.from_edges([(0, 1)], [CONV3X3])


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Columns:
    """All cells of at most four vertices, trained three times for 4 and for 108 epochs."""
    folder = tmp_path_factory.mktemp("table")
    write_synthetic(folder / "synthetic.tfrecord", max_vertices=4, epochs=(4, 108))
    return read_tfrecord(folder / "synthetic.tfrecord", folder)


def _trainings(columns: Columns, cell: Cell, epochs: int = 1, moment: int = 1) -> Any:
    """(3, 4) figures, straight from the columns."""
    table = NASBench101Table(columns)
    point = encode(cell)
    return columns.figures[table.row(point["edges"], point["ops"]), epochs, :, moment]


def test_the_mean_is_the_mean_of_the_trainings(columns: Columns) -> None:
    table = NASBench101Table(columns)
    for epochs, place in ((4, 0), (108, 1)):
        for halfway in (False, True):
            found = table.query(RESNET, epochs=epochs, halfway=halfway)
            every = _trainings(columns, RESNET, place, 0 if halfway else 1)
            means = every.mean(axis=0, dtype=np.float64)
            assert list(found.values())[:4] == pytest.approx(means.tolist())
    assert table.query(RESNET) == table.query(RESNET, epochs=108)


def test_any_drawing_of_a_cell_is_that_cell(columns: Columns) -> None:
    table = NASBench101Table(columns)
    one = Cell.from_edges([(0, 1), (0, 2), (1, 3), (2, 3)], [CONV1X1, CONV3X3])
    other = Cell.from_edges([(0, 1), (0, 2), (1, 3), (2, 3)], [CONV3X3, CONV1X1])
    dead = Cell.from_edges([(0, 1), (0, 2), (1, 4), (2, 4), (0, 3)], [CONV3X3, CONV1X1, CONV3X3])
    assert table.query(one) == table.query(other) == table.query(dead)
    assert one in table
    assert SEVEN not in table
    assert DISCONNECTED not in table
    assert len(table) == 91


def test_random_draws_are_trainings_and_a_seed_fixes_them(columns: Columns) -> None:
    known = _trainings(columns, RESNET)[:, 1].tolist()

    def draws(seed: int) -> list[float]:
        table = NASBench101Table(columns, draw="random", seed=seed)
        return [table.query(RESNET)["validation_accuracy"] for _ in range(300)]

    assert draws(0) == draws(0) != draws(1)
    counts = Counter(draws(0))
    assert set(counts) == set(known)
    assert min(counts.values()) > 70  # of 100 expected, standard deviation 8
    table = NASBench101Table(columns, draw="random")
    numbered = [table.query(RESNET, number=5)["training_time"] for _ in range(5)]
    assert len(set(numbered)) == 1


def test_each_training_can_be_had_and_is_paid(columns: Columns) -> None:
    table = NASBench101Table(columns)
    found = table.each(RESNET)
    assert [f["test_accuracy"] for f in found] == _trainings(columns, RESNET)[:, 2].tolist()
    assert table.queries == 1
    assert table.training_seconds == pytest.approx(sum(f["training_time"] for f in found))


def test_the_budget_counts_training_time(columns: Columns) -> None:
    table = NASBench101Table(columns)
    whole = table.query(RESNET)["training_time"]
    half = table.query(RESNET, halfway=True)["training_time"]
    assert half == pytest.approx(whole / 2, rel=1e-6)
    short = table.query(NAMED_CELLS["alphax-3"], epochs=4)["training_time"]
    assert table.training_seconds == pytest.approx(whole + half + short)
    assert table.queries == 3
    before = table.training_seconds
    table.report(RESNET)
    table.figures(*all_cells(4))
    table.best()
    assert (table.queries, table.training_seconds) == (3, before)
    table.reset_budget()
    assert (table.queries, table.training_seconds) == (0, 0.0)


@pytest.mark.parametrize("counted", [True, False])
def test_repeated_and_invalid_queries_count_when_asked_to(columns: Columns, counted: bool) -> None:
    table = NASBench101Table(columns, count_repeated=counted, count_invalid=counted)
    seconds = [table.query(RESNET)["training_time"] for _ in range(3)]
    for _ in range(4):
        with pytest.raises(Infeasible, match="invalid spec, provided graph is disconnected"):
            table.query(DISCONNECTED)
    with pytest.raises(Infeasible, match="does not hold"):
        table.query(SEVEN)
    assert table.queries == (7 if counted else 1)
    assert table.training_seconds == pytest.approx(sum(seconds[: 3 if counted else 1]))


def test_what_the_table_does_not_have_is_told(columns: Columns) -> None:
    table = NASBench101Table(columns)
    with pytest.raises(InvalidArgument, match=r"epochs: .* no trainings of 12; use 4, 108"):
        table.query(RESNET, epochs=12)
    with pytest.raises(InvalidArgument, match="epochs: "):
        NASBench101Table(columns, epochs=36)
    with pytest.raises(InvalidArgument, match="draw: 'median'"):
        NASBench101Table(columns, draw="median")  # type: ignore[arg-type]


def test_many_at_once_are_those_one_by_one(columns: Columns) -> None:
    table = NASBench101Table(columns)
    edges, ops = all_cells(5)
    rows, found = table.rows(edges, ops), table.figures(edges, ops, epochs=4)
    assert sorted(rows[rows >= 0].tolist()) == list(range(91))
    for bits, labels, row, value in zip(
        edges, ops, rows, found["validation_accuracy"], strict=True
    ):
        assert table.row(bits, labels) == row
        if row < 0:
            assert np.isnan(value)
            with pytest.raises(Infeasible):
                table.look_up(bits, labels)
        else:
            one = table.look_up(bits, labels, epochs=4)
            assert one["validation_accuracy"] == pytest.approx(value)
    nothing = table.rows(np.zeros((1, 21), dtype=int), np.zeros((1, 5), dtype=int))
    assert nothing.tolist() == [-1]


def test_the_best_cell_is_the_best(columns: Columns) -> None:
    table = NASBench101Table(columns)
    cell, value = table.best("test_accuracy")
    means = columns.figures[:, 1, :, 1, 2].mean(axis=1, dtype=np.float64)
    assert value == pytest.approx(means.max())
    assert table.report(cell)["test_accuracy"] == pytest.approx(value)


def test_looking_up_is_fast(columns: Columns) -> None:
    table = NASBench101Table(columns)
    edges, ops = (np.tile(part, (20, 1)) for part in all_cells(5))  # 50,640 cells
    began = time.perf_counter()
    table.figures(edges, ops)
    assert time.perf_counter() - began < 1.0  # 200,000/s would be 0.25 s; about 0.05 s
    lists = edges[:1000].tolist(), ops[:1000].tolist()
    began = time.perf_counter()
    for bits, labels in zip(*lists, strict=True):
        table.row(bits, labels)
    assert time.perf_counter() - began < 0.2  # about 26 µs each


# -- The problem on a table ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(columns: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved")
    columns.save(path)
    return path


def test_the_problem_searches_validation_and_reports_test(folder: Path) -> None:
    problem = NASBench101(table=str(folder))
    table = NASBench101Table.open(folder)
    x = problem.encode(RESNET)
    found, every = problem.evaluate(x), table.report(RESNET)
    assert found.value == every["validation_accuracy"]
    assert found.metrics["training_time"] == every["training_time"]
    assert set(found.metrics) == {"train_accuracy", "validation_accuracy", "training_time"}
    assert problem.test(x) == {"test_accuracy": every["test_accuracy"]}
    assert problem.notice is not None
    assert "made up" in problem.notice
    assert not problem.noisy
    assert NASBench101(table=str(folder), epochs=4).evaluate(x).value < found.value
    with pytest.raises(Infeasible):
        problem.evaluate(problem.encode(SEVEN))


def test_a_drawn_training_belongs_to_the_trial_and_its_report_does_not(folder: Path) -> None:
    def values(seed: int) -> list[float]:
        problem = NASBench101(table=str(folder), draw="random", seed=seed)
        x = problem.encode(RESNET)
        found = []
        for number in range(40):
            problem.trial = lamcts.evaluator.TrialContext(number)
            found.append(problem.evaluate(x).value)
        return found

    assert values(0) == values(0) != values(1)
    assert len(set(values(0))) == 3
    noisy = NASBench101(table=str(folder), draw="random")
    assert noisy.noisy
    mean = NASBench101Table.open(folder).report(RESNET)["test_accuracy"]
    assert noisy.test(noisy.encode(RESNET)) == {"test_accuracy": mean}


def test_searching_on_test_accuracy_is_possible_and_said(columns: Columns, tmp_path: Path) -> None:
    replace(columns, synthetic=False).save(tmp_path)
    problem = NASBench101(table=str(tmp_path), select="test")
    x = problem.encode(RESNET)
    assert problem.evaluate(x).value == problem.test(x)["test_accuracy"]
    assert problem.notice is not None
    assert "not comparable" in problem.notice
    assert NASBench101(table=str(tmp_path)).notice is None


def test_a_table_of_test_accuracies_alone_is_refused_before_the_search(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text('adjacency,operations,test_acc_108ep\n0100,"input,output",0.8\n')
    with pytest.raises(InvalidArgument, match=r"holds no validation_accuracy .* select=test"):
        lamcts.search(NASBench101(table=str(path)), budget=1, seed=0)
    NASBench101(table=str(path), select="test").prepare()


def test_a_search_finds_the_best_cell_of_a_small_table(folder: Path) -> None:
    problem = NASBench101(table=str(folder))
    result = lamcts.search(problem, budget=30, seed=0, optimizer="random")
    _, best = NASBench101Table.open(folder).best()
    assert result.best.value is not None
    assert result.best.value <= best
    held = [trial for trial in result.trials if trial.state == lamcts.TrialState.COMPLETE]
    assert len(held) == 30


def test_a_file_that_was_not_added_says_how(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.tfrecord"
    write_synthetic(path, max_vertices=3)
    with pytest.raises(LamctsError, match=f"lamcts data add nasbench101 {path}"):
        NASBench101(table=str(path))
