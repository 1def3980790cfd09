"""Training a supernet: the loss is that of its paths, and an interruption changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.supernet.folder import RECORD, read_record
from lamcts.adapters.supernet.sampling import Paths
from lamcts.adapters.training import digits
from lamcts.errors import InvalidArgument, RunError

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from lamcts.adapters.supernet.task import SupernetTask  # noqa: E402
from lamcts.adapters.training.checkpoint import CHECKPOINT  # noqa: E402
from lamcts.adapters.training.images import ImageTask  # noqa: E402
from tests.adapters.supernet.conftest import Problem, train  # noqa: E402


class Stop(Exception):
    """An interruption."""


def _stop_after(count: int) -> Any:
    lines: list[str] = []

    def progress(line: str) -> None:
        lines.append(line)
        if sum(line.startswith("epoch") for line in lines) == count:
            raise Stop

    return progress


def test_images_that_stand_in_are_said_first(make: Problem, tmp_path: Path) -> None:
    lines: list[str] = []
    train(make(), tmp_path, epochs=1, progress=lines.append)
    assert lines[0].startswith("training on scikit-learn's 8x8 handwritten digits, a stand-in (you")
    assert len(lines) == 2


def test_an_interrupted_training_ends_with_the_same_weights(
    make: Problem, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        train(make(), tmp_path, epochs=5, progress=_stop_after(2))
    assert not read_record(tmp_path).trained
    with pytest.raises(RunError, match="not trained to its end; go on with --resume"):
        make(supernet=tmp_path)
    with pytest.raises(RunError, match="not trained to its end; go on with --resume"):
        make().rank([tmp_path], 3)
    with pytest.raises(RunError, match="not trained to its end; go on with --resume"):
        make().split_supernet(tmp_path, "normal.0", tmp_path / "parts", epochs=1)
    with pytest.raises(RunError, match="holds a supernet already; --resume it"):
        train(make(), tmp_path, epochs=5)
    with pytest.raises(RunError, match="begun with sampling 'fair', not 'random'"):
        train(make(), tmp_path, epochs=5, sampling="random", resume=True)
    record = train(make(), tmp_path, epochs=5, resume=True)
    assert record == read_record(folder) == read_record(tmp_path)
    one, other = (torch.load(f / "weights-0.pt", weights_only=True) for f in (folder, tmp_path))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_record_says_how_it_came_about(folder: Path) -> None:
    record = read_record(folder)
    assert record.settings == {
        "encoding": "one-shot",
        "nodes": 2,
        "proxy_channels": 4,
        "proxy_cells": 2,
    }
    assert (record.sampling, record.paths, record.recipe["epochs"]) == ("fair", 1, 5)
    assert "digits" in record.data
    assert record.scores[0] > 0.3  # chance is 0.1
    assert record.torch == torch.__version__
    data = json.loads((folder / RECORD).read_text())
    assert data["parts"] == ["whole space"]


def test_a_damaged_record_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("{")
    with pytest.raises(
        RunError, match=r"supernet\.json: cannot be read .* train the supernet again"
    ):
        read_record(tmp_path)


def test_a_folder_from_before_a_field_was_renamed_is_used(
    make: Problem, folder: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(folder, old)
    record, checkpoint = old / RECORD, old / "training" / CHECKPOINT
    data, state = json.loads(record.read_text()), torch.load(checkpoint, weights_only=True)
    for each in (data, state):
        each["recipe"]["auxiliary"] = each["recipe"].pop("auxiliary_weight")
    record.write_text(json.dumps(data))
    torch.save(state, checkpoint)
    assert read_record(old) == read_record(folder)
    assert train(make(), old, epochs=5, resume=True) == read_record(folder)

    data["recipe"]["lookahead"] = state["recipe"]["lookahead"] = 5
    torch.save(state, checkpoint)
    with pytest.raises(RunError, match=rf"{CHECKPOINT}: its recipe has lookahead, which this"):
        train(make(), old, epochs=5, resume=True)
    record.write_text(json.dumps(data))
    with pytest.raises(RunError, match=rf"{RECORD}: its recipe has lookahead, .* train again$"):
        make(supernet=old)


def test_a_resume_that_is_refused_leaves_a_trained_folder_as_it_was(
    make: Problem, folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with pytest.raises(RunError, match="epochs"):
        train(make(), copy, epochs=2, resume=True)
    assert read_record(copy) == read_record(folder)


class _Scaled(nn.Module):
    """A linear network, times the path."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def forward(self, images: Any, point: float) -> Any:
        return self.linear(images.flatten(1)) * point


@pytest.fixture
def scaled(make: Problem) -> tuple[Any, Any, ImageTask]:
    torch.manual_seed(0)
    task = ImageTask(digits(), make().recipe)
    batch = next(iter(task.batches(0)))
    return _Scaled(), batch, task


PATHS = Paths(draw=lambda rng: float(rng.uniform(0.5, 1.0)), extremes=(2.0, 0.1))


def test_the_loss_of_a_step_is_the_mean_over_its_paths(scaled: Any) -> None:
    model, batch, task = scaled
    whole = SupernetTask(task, PATHS, "random", 3, seed=0)
    paths = [0.5, 1.0, 2.0]
    own = [
        torch.nn.functional.cross_entropy(model(batch.images, path), batch.targets)
        for path in paths
    ]
    assert torch.allclose(whole.loss(model, (batch, paths)), torch.stack(own).mean())


def test_in_a_sandwich_the_others_learn_from_the_largest(scaled: Any) -> None:
    model, batch, task = scaled
    whole = SupernetTask(task, PATHS, "sandwich", 3, seed=0)
    cross_entropy = torch.nn.functional.cross_entropy
    [(_, paths)] = [next(iter(whole.batches(0)))]
    assert paths[:2] == [2.0, 0.1]
    logits = [model(batch.images, path) for path in paths]
    taught = torch.softmax(logits[0].detach(), dim=1)
    losses = [
        cross_entropy(logits[0], batch.targets),
        *(cross_entropy(x, taught) for x in logits[1:]),
    ]
    loss = whole.loss(model, (batch, paths))
    assert torch.allclose(loss, torch.stack(losses).mean())
    [expected] = torch.autograd.grad(torch.stack(losses).mean(), [model.linear.weight])
    [gradient] = torch.autograd.grad(loss, [model.linear.weight])
    assert torch.allclose(gradient, expected)


def test_paths_differ_by_step_and_epoch_and_are_the_seeds(make: Problem) -> None:
    task = ImageTask(digits(), make().recipe)

    def drawn(seed: int, epoch: int) -> list[Any]:
        return [paths for _, paths in SupernetTask(task, PATHS, "random", 1, seed).batches(epoch)]

    assert len(drawn(0, 0)) == task.steps_per_epoch
    assert drawn(0, 1) == drawn(0, 1)
    values = np.array([drawn(0, 0), drawn(0, 1), drawn(1, 0)])
    assert len(np.unique(values)) == values.size


def test_what_a_space_does_not_allow_is_refused_before_anything_is_written(
    make: Problem, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgument, match="no largest and smallest network; use fair"):
        train(make(), tmp_path / "out", epochs=1, sampling="sandwich")
    with pytest.raises(InvalidArgument, match="use one-shot or darts"):
        train(make(encoding="lanas"), tmp_path / "out", epochs=1)
    assert not (tmp_path / "out").exists()
