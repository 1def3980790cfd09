"""Networks by inherited weights: their statistics are their own, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.supernet import SupernetEvaluator
from lamcts.adapters.supernet.folder import read_record, write_record
from lamcts.errors import InvalidArgument, RunError

torch = pytest.importorskip("torch")

from lamcts.adapters.supernet.inherit import BATCHES, inherited_score, recalibrate  # noqa: E402
from lamcts.adapters.supernet.weights import SharedWeights  # noqa: E402
from tests.adapters.supernet.conftest import Problem, train  # noqa: E402


@pytest.fixture(scope="module")
def weights(make: Problem, folder: Path) -> SharedWeights:
    return SharedWeights(make(), folder)


def _points(problem: SupernetEvaluator, count: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [problem.canonical(problem.paths().draw(rng)) for _ in range(count)]


def test_statistics_are_means_over_training_batches(weights: SharedWeights) -> None:
    [point] = _points(weights.problem, 1)
    supernet: Any = weights.supernet(0)
    network: Any = supernet.network(point)
    stem, norm = network.stem
    momentum = norm.momentum
    recalibrate(network, weights.task)
    batches = [
        batch.images for _, batch in zip(range(BATCHES), weights.task.batches(0), strict=False)
    ]
    with torch.no_grad():
        means = torch.stack([stem(images).mean(dim=(0, 2, 3)) for images in batches])
    assert torch.allclose(norm.running_mean, means.mean(dim=0), atol=1e-6)
    assert norm.momentum == momentum
    assert not any(module.training for module in network.modules())


def test_candidates_take_theirs_over_2000_images(
    make: Problem, folder: Path, tmp_path: Path
) -> None:
    record = read_record(folder)
    for size, batches in ((32, 63), (512, 8)):
        recipe = {**record.recipe, "batch_size": size}
        write_record(tmp_path, replace(record, recipe=recipe))
        assert SharedWeights(make(), tmp_path).batches == batches


def test_the_shared_weights_and_statistics_stay_as_they_are(weights: SharedWeights) -> None:
    supernet = weights.supernet(0)
    before = {name: value.clone() for name, value in supernet.state_dict().items()}
    for point in _points(weights.problem, 3):
        inherited_score(supernet, point, weights.task)
    assert all(torch.equal(before[name], value) for name, value in supernet.state_dict().items())


def test_a_score_does_not_depend_on_what_was_measured_before(weights: SharedWeights) -> None:
    one, other = _points(weights.problem, 2)
    first = weights.score(one)
    state = torch.get_rng_state()
    weights.score(other)
    assert torch.equal(torch.get_rng_state(), state)
    assert weights.score(one) == first


def test_recalibration_is_worth_something(weights: SharedWeights) -> None:
    """Without it, statistics are those of other networks."""
    task, supernet = weights.task, weights.supernet(0)
    points = _points(weights.problem, 6)
    raw = [task.score(supernet.network(point).eval()) for point in points]  # type: ignore[operator]
    assert np.mean([inherited_score(supernet, point, task) for point in points]) > np.mean(raw)


def test_a_search_evaluates_by_the_supernet(make: Problem, folder: Path) -> None:
    problem = make(supernet=folder)
    weights = SharedWeights(make(), folder)
    for point in _points(problem, 2):
        found = problem.evaluate(point)
        assert found.value == weights.score(point) > 0.15  # chance is 0.1
        assert problem.test(point) == {"inherited_test_accuracy": weights.score(point, "test")}
    assert problem.notice is not None
    assert "weights of the supernet" in problem.notice
    assert "digits" in problem.notice


def test_another_supernet_than_the_problems_is_refused(make: Problem, folder: Path) -> None:
    with pytest.raises(
        InvalidArgument, match=r"with nodes=2, and this is nodes=3; use --set nodes=2"
    ):
        make(supernet=folder, nodes=3)
    with pytest.raises(RunError, match=r"holds none; train one: lamcts supernet train"):
        make(supernet=folder / "nothing")


def test_own_images_are_taken_from_where_they_were(make: Problem, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = {"train": 40, "val": 20, "test": 20}
    arrays: dict[str, Any] = {
        f"x_{name}": rng.integers(256, size=(n, 8, 8), dtype=np.uint8) for name, n in parts.items()
    }
    arrays |= {f"y_{name}": np.arange(n) % 4 for name, n in parts.items()}
    np.savez(tmp_path / "own.npz", **arrays)
    folder = tmp_path / "net"
    train(make(data=tmp_path / "own.npz"), folder, epochs=1)
    place = str((tmp_path / "own.npz").resolve())
    with pytest.raises(InvalidArgument, match=r"trained on .*own\.npz, and this is .*digits; use"):
        make(supernet=folder)
    settings = make().settings_for(folder)
    assert settings["data"] == place
    problem = make(supernet=folder, data=tmp_path / "own.npz")
    [point] = _points(problem, 1)
    assert 0.0 <= problem.evaluate(point).value <= 1.0


def test_damaged_weights_are_one_clear_line(make: Problem, folder: Path, tmp_path: Path) -> None:
    for file in folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    problem = make(supernet=tmp_path)
    [point] = _points(problem, 1)
    with pytest.raises(RunError, match=r"weights-0\.pt: cannot be read"):
        problem.evaluate(point)
    (tmp_path / "weights-0.pt").write_bytes((folder / "weights-0.pt").read_bytes()[:1000])
    with pytest.raises(RunError, match=r"weights-0\.pt: cannot be read"):
        make(supernet=tmp_path).evaluate(point)
    torch.save({"stem.0.weight": torch.zeros(1)}, tmp_path / "weights-0.pt")
    with pytest.raises(RunError, match="weights are those of another network"):
        make(supernet=tmp_path).evaluate(point)
