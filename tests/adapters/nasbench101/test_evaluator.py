"""The problem itself: real training, deterministic, costs known, tables in its place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.nasbench101 import NAMED_CELLS, Cell, NASBench101, canonical_cell, cell_hash
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3
from lamcts.adapters.training import ImageData, Split, digits
from lamcts.errors import InvalidArgument, LamctsError
from lamcts.problem import load_problem, problem_settings

PROBLEM_FILE = Path(__file__).parents[3] / "problems" / "nasbench.py"
RESNET = NAMED_CELLS["resnet"]
PROJECTION = Cell.from_edges([(0, 1)], [])


@pytest.fixture(scope="module")
def quick() -> NASBench101:
    """One training of two epochs: a fraction of a second a cell."""
    pytest.importorskip("torch")
    return NASBench101(epochs=2, repeats=1)


def test_a_cell_is_trained_to_well_above_chance(quick: NASBench101) -> None:
    found = quick.evaluate(quick.encode(RESNET))
    assert found.value > 0.3  # chance is 0.1
    assert found.value == found.metrics["validation_accuracy"]
    assert 0.3 < found.metrics["train_accuracy"] <= 1.0
    assert found.value * 600 == pytest.approx(round(found.value * 600))  # of 600 images


def test_the_same_cell_and_seed_give_the_same_accuracies(quick: NASBench101) -> None:
    x = quick.encode(RESNET)
    again = NASBench101(epochs=2, repeats=1)
    other = NASBench101(epochs=2, repeats=1, seed=1)
    assert quick.evaluate(x) == again.evaluate(x)
    assert quick.test(x) == again.test(x)
    assert quick.evaluate(x) != other.evaluate(x)


def test_isomorphic_cells_share_one_point_and_one_value(quick: NASBench101) -> None:
    one = Cell.from_edges([(0, 1), (0, 2), (1, 3), (2, 3)], [CONV3X3, CONV1X1])
    two = Cell.from_edges([(0, 1), (0, 2), (1, 3), (2, 3)], [CONV1X1, CONV3X3])
    points = [quick.canonical(quick.encode(cell)) for cell in (one, two)]
    assert all(np.array_equal(points[0][key], points[1][key]) for key in points[0])
    assert quick.evaluate(quick.encode(one)) == quick.evaluate(quick.encode(two))


def test_repeats_are_averaged_and_seeds_do_not_overlap() -> None:
    pytest.importorskip("torch")
    x = NASBench101().encode(RESNET)
    singles = [NASBench101(epochs=1, repeats=1, seed=s).evaluate(x).value for s in (2, 3)]
    assert NASBench101(epochs=1, repeats=2, seed=1).evaluate(x).value == pytest.approx(
        np.mean(singles)
    )


def test_better_cells_score_better() -> None:
    """Two 3x3 convolutions read digits better than a bare projection, by much."""
    pytest.importorskip("torch")
    problem = NASBench101(repeats=1)
    assert problem.evaluate(problem.encode(RESNET)).value > 0.8
    assert problem.evaluate(problem.encode(PROJECTION)).value < 0.75


class _Blind(NASBench101):
    """Digits whose test images are blank."""

    def load_data(self) -> ImageData:
        data = digits()
        blank = Split(np.zeros_like(data.test.images), data.test.labels)
        return ImageData(data.train, data.validation, blank)


def test_test_images_are_used_by_test_alone(quick: NASBench101) -> None:
    x = quick.encode(RESNET)
    blind = _Blind(epochs=2, repeats=1)
    assert blind.evaluate(x) == quick.evaluate(x)
    assert blind.test(x)["test_accuracy"] < 0.15 < quick.test(x)["test_accuracy"]


def test_costs_are_those_of_the_network_that_is_built() -> None:
    pytest.importorskip("torch")
    problem = NASBench101()
    x = problem.parse("inception")
    cost = problem.cost(x)
    assert cost["params"] == sum(p.numel() for p in problem.build(x).parameters())
    assert cost["flops"] == cost["macs"] > 0
    wider = NASBench101(channels=16, stacks=3, modules=2)
    assert wider.cost(x)["params"] == sum(p.numel() for p in wider.build(x).parameters())
    assert wider.cost(x)["params"] > cost["params"]


def test_the_cifar_skeleton_gives_the_published_cost_and_cannot_train_on_digits() -> None:
    pytest.importorskip("torch")
    problem = NASBench101(skeleton="cifar")
    x = problem.parse("inception")
    assert problem.cost(x)["params"] == 2_694_282
    with pytest.raises(InvalidArgument, match=r"skeleton: .*\(3, 32, 32\).*\(1, 8, 8\)"):
        problem.evaluate(x)
    with pytest.raises(InvalidArgument, match="leave skeleton out to train on these"):
        problem.prepare()
    NASBench101(skeleton="cifar", score="params").prepare()


def test_images_of_any_size_are_trained_on(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    images = np.random.default_rng(0).integers(0, 255, (60, 28, 28), np.uint8)
    np.savez(tmp_path / "grey.npz", x=images, y=np.arange(60) % 3)
    settings: dict[str, Any] = {"channels": 4, "stacks": 2, "modules": 1, "repeats": 1}
    problem = NASBench101(data=tmp_path / "grey.npz", epochs=1, **settings)
    problem.prepare()
    assert 0.0 <= problem.evaluate(problem.parse("resnet")).value <= 1.0


def test_constraints_on_flops_hold_for_every_trial() -> None:
    pytest.importorskip("torch")
    problem = NASBench101(epochs=1, repeats=1)
    limit = 60_000
    result = lamcts.search(
        problem, budget=6, seed=0, constraints=[f"flops<={limit}"], optimizer="random"
    )
    costs = [problem.cost(trial.x)["flops"] for trial in result.trials]
    assert len(costs) == 6
    assert max(costs) <= limit
    assert len({cell_hash(problem.decode(trial.x)) for trial in result.trials}) == 6


class _Table:
    """Scores a cell by its edges; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Cell] = []

    def query(self, cell: Cell) -> Mapping[str, float]:
        self.asked.append(cell)
        score = len(cell.edges) / 10
        return {"validation_accuracy": score, "test_accuracy": score - 0.01, "seconds": 5.0}


def test_a_table_stands_in_for_training() -> None:
    table = _Table()
    problem = NASBench101(table=table)
    x = problem.encode(Cell.from_edges([(0, 1), (0, 2), (1, 3), (2, 3)], [CONV1X1, CONV3X3]))
    found = problem.evaluate(x)
    assert found.value == 0.4
    assert found.metrics == {"validation_accuracy": 0.4, "seconds": 5.0}  # no test accuracy
    assert problem.test(x) == {"test_accuracy": pytest.approx(0.39)}
    assert table.asked == [canonical_cell(problem.decode(x))] * 2
    assert problem.notice is None
    assert problem.cost(problem.parse("inception"))["params"] == 2_694_282


def test_what_it_trains_on_is_said_in_one_line() -> None:
    notice = NASBench101().notice
    assert notice is not None
    assert "handwritten digits" in notice
    assert "\n" not in notice


def test_a_cell_is_rendered_in_words() -> None:
    problem = NASBench101()
    assert problem.render(problem.parse("alphax-4")).splitlines()[1:] == [
        "  1 conv3x3-bn-relu  from input",
        "  2 conv1x1-bn-relu  from 1",
        "  output             from input, 2",
    ]
    assert problem.render(problem.parse("inception")).startswith(
        "7 vertices, 9 edges, hash 28cfc7874f6d200472e1a9dcd8650aa0"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs: 0"),
        ({"repeats": 0}, "repeats: 0"),
        ({"channels": 2}, "channels: 2"),
        ({"stacks": 9}, "stacks: 9"),
        ({"device": "gpu"}, "device: 'gpu'"),
        ({"skeleton": "cifer"}, "skeleton: 'cifer' is not known; did you mean 'cifar'"),
        (
            {"table": "nasbench_only108.tfrecord"},
            "table: no table is called 'nasbench_on.*data add",
        ),
        ({"select": "test"}, "select: test needs a table"),
        ({"select": "train"}, "select: 'train' is not known"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(LamctsError, match=message):
        NASBench101(**settings)


def test_costs_need_neither_pytorch_nor_scikit_learn() -> None:
    program = (
        "import sys; from lamcts.adapters.nasbench101 import NASBench101; p = NASBench101(); "
        "x = p.canonical(p.parse('inception')); p.cost(x); p.render(x); "
        "sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=PROBLEM_FILE.parents[1], check=False)
    assert ran.returncode == 0


def test_the_problem_file_is_the_same_problem_with_the_same_settings() -> None:
    problem = load_problem(PROBLEM_FILE, epochs=3)
    assert isinstance(problem, NASBench101)
    assert problem.recipes[0].epochs == 3
    assert set(problem_settings(PROBLEM_FILE)) >= {"epochs", "channels", "skeleton", "seed"}
