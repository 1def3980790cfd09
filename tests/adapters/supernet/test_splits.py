"""Few-shot search: parts that make up the space, and a supernet for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.supernet.folder import read_record
from lamcts.adapters.supernet.splits import Regions, paths_within, regions_of_run
from lamcts.errors import InvalidArgument, RunError, UnknownName

torch = pytest.importorskip("torch")

from lamcts.adapters.supernet.inherit import inherited_score  # noqa: E402
from lamcts.adapters.supernet.weights import SharedWeights, load_split  # noqa: E402
from tests.adapters.supernet.conftest import Problem  # noqa: E402


class Convolutions(NASNetCIFAR):
    """As the problem, but that a network is worth its convolutions in the normal cell."""

    def evaluate(self, x: Any) -> Any:
        nodes = self.decode(x).normal.nodes
        return float(sum("conv" in arm.op for node in nodes for arm in node))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search whose regions are plain to see: more convolutions are better."""
    folder = tmp_path_factory.mktemp("run") / "run"
    problem = Convolutions(encoding="one-shot", nodes=2, proxy_channels=4, proxy_cells=2)
    lamcts.search(problem, budget=80, seed=0, optimizer="random", folder=folder)
    return folder


def test_a_choice_is_the_operation_of_a_nodes_first_arm(make: Problem) -> None:
    problem = make()
    split = problem.choice("reduction.1")
    assert split.labels == ("max_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5")
    for point in _draws(problem, 30):
        arms = problem.decode(point).reduction.nodes[1]
        assert split.labels[split.of(point)] in {arm.op for arm in arms}
        first = min(arms, key=lambda arm: arm.input)
        if arms[0].input != arms[1].input:
            assert split.labels[split.of(point)] == first.op
    for name in ("normal", "normal.2", "middle.0", "normal.x"):
        with pytest.raises(UnknownName, match=r"by: .* use normal\.0 to reduction\.1, or a folder"):
            problem.choice(name)


def test_regions_separate_good_networks_from_bad_ones(make: Problem, run: Path) -> None:
    problem = make()
    split = regions_of_run(run, problem.space, 2)
    assert 2 <= len(split.labels) <= 4
    assert split.labels[0].startswith("+")
    judge = Convolutions(encoding="one-shot", nodes=2)
    values: dict[int, list[float]] = {}
    for point in _draws(problem, 200):
        values.setdefault(split.of(point), []).append(judge.evaluate(point))
    best, worst = values[0], values[len(split.labels) - 1]
    assert np.mean(best) > np.mean(worst) + 0.5
    again = load_split(problem, split.to_json())
    assert isinstance(again, Regions)
    assert all(again.of(point) == split.of(point) for point in _draws(problem, 50))


def test_regions_are_those_of_the_lanas_tree(make: Problem, tmp_path: Path) -> None:
    problem = Convolutions(encoding="one-shot", nodes=2)
    result = lamcts.search(problem, budget=40, seed=3, optimizer="lanas", folder=tmp_path / "run")
    optimizer: Any = lamcts.make_optimizer(
        "lanas", problem.space, direction="maximize", seed=3, canonical=problem.canonical
    )
    for trial in result.trials:
        optimizer.tell(trial.x, trial.value)
    optimizer.tree.complete()
    split = regions_of_run(tmp_path / "run", problem.space, 1)
    for trial in result.trials:
        z = optimizer.domain.codec.encode(optimizer.domain.codec.to_vector(trial.x)[None])
        assert split.of(trial.x) == int(not optimizer.tree.root.boundary.good(z)[0])


def test_paths_within_a_part_are_those_of_the_space_that_lie_in_it(make: Problem) -> None:
    problem = make()
    split = problem.choice("normal.0")
    paths = paths_within(problem.paths(), split, 2)
    assert paths.extremes is None
    assert paths.deal is not None
    rng = np.random.default_rng(0)
    dealt = paths.deal(rng)
    drawn = [paths.draw(rng) for _ in range(10)] + [next(dealt) for _ in range(10)]
    assert {split.of(point) for point in drawn} == {2}
    assert len({point.tobytes() for point in drawn}) > 10


def test_a_part_without_networks_is_said(make: Problem) -> None:
    problem = make()
    width = Regions(problem.space, [])._codec.dim
    nowhere = Regions(problem.space, [[([0.0] * width, 1.0, True)], [([0.0] * width, 1.0, False)]])
    with pytest.raises(InvalidArgument, match="random networks lies in part -; use less --depth"):
        paths_within(problem.paths(), nowhere, 1).draw(np.random.default_rng(0))


@pytest.mark.parametrize("by", ["choice", "run"])
def test_each_part_has_a_supernet_that_went_on_from_the_whole(
    make: Problem, folder: Path, run: Path, tmp_path: Path, by: str
) -> None:
    problem = make()
    name = "normal.0" if by == "choice" else str(run)
    record = problem.split_supernet(folder, name, tmp_path / "few", epochs=1, depth=1)
    assert record == read_record(tmp_path / "few")
    assert record.source == str(folder)
    assert len(record.parts) == len(record.scores) == (4 if by == "choice" else 2)
    weights, whole = SharedWeights(problem, tmp_path / "few"), SharedWeights(problem, folder)
    assert weights.split is not None
    for point in _draws(problem, 3):
        point = problem.canonical(point)
        part = weights.split.of(point)
        assert make(supernet=tmp_path / "few").evaluate(point).value == inherited_score(
            weights.supernet(part), point, weights.task, batches=weights.batches
        )
    before, after = whole.supernet(0).state_dict(), weights.supernet(0).state_dict()
    moved = [(before[k] - after[k]).abs().max() for k in before if k.endswith("weight")]
    assert 0.0 < max(moved) < 1.0  # it is trained on, not afresh
    with pytest.raises(InvalidArgument, match="is split already"):
        problem.split_supernet(tmp_path / "few", name, tmp_path / "fewer", epochs=1)


def test_what_cannot_be_split_along_is_said(
    make: Problem, folder: Path, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownName, match="by: 'nothing' is no node"):
        make().split_supernet(folder, "nothing", tmp_path / "few", epochs=1)
    with pytest.raises(InvalidArgument, match="searched another space"):
        regions_of_run(run, make(nodes=3).space, 1)
    with pytest.raises(RunError):
        regions_of_run(tmp_path, make().space, 1)
    problem = Convolutions(encoding="one-shot", nodes=2)
    lamcts.search(problem, budget=3, seed=0, optimizer="random", folder=tmp_path / "short")
    with pytest.raises(InvalidArgument, match=r"3 trials of .* make no regions"):
        regions_of_run(tmp_path / "short", problem.space, 1)


def _draws(problem: NASNetCIFAR, count: int) -> list[Any]:
    rng = np.random.default_rng(1)
    return [problem.paths().draw(rng) for _ in range(count)]
