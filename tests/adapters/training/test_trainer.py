"""The training loop: seeded, deterministic, better than chance, without side effects."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from lamcts.adapters.training import Recipe, Split, digits, require_torch
from lamcts.errors import DependencyNotInstalled, InvalidArgument

pytest.importorskip("torch")

import torch

from lamcts.adapters.training.trainer import accuracy, pick_device, train


def _linear() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))


def _weights(model: torch.nn.Module) -> list[float]:
    return [float(v) for p in model.parameters() for v in p.detach().cpu().flatten()]


def test_a_linear_model_learns_to_read_digits() -> None:
    data = digits()
    model = train(_linear, data.train, Recipe(epochs=5, learning_rate=0.02))
    assert accuracy(model, data.test) > 0.85
    assert not model.training


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    data = digits().train
    first = _weights(train(_linear, data, Recipe(epochs=1, seed=3)))
    torch.manual_seed(123)  # what the caller draws from must not matter
    assert _weights(train(_linear, data, Recipe(epochs=1, seed=3))) == first
    assert _weights(train(_linear, data, Recipe(epochs=1, seed=4))) != first


def test_the_callers_random_state_and_threads_are_given_back() -> None:
    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(_linear, digits().train, Recipe(epochs=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_the_learning_rate_rises_and_falls_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.SGD.step

    def spy(self: torch.optim.SGD, *args: object) -> object:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.SGD, "step", spy)
    train(_linear, digits().train, Recipe(epochs=2, batch_size=60, learning_rate=0.5, warmup=0.2))
    assert len(rates) == 20
    assert rates[:4] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    expected = [0.25 * (1 + math.cos(math.pi * k / 16)) for k in range(16)]
    assert rates[4:] == pytest.approx(expected)


def test_accuracy_is_the_share_of_right_labels_whatever_the_batch() -> None:
    model = torch.nn.Flatten()
    model.register_parameter("unused", torch.nn.Parameter(torch.zeros(1)))
    images = np.eye(4, dtype=np.float32).reshape(4, 1, 2, 2)
    split = Split(images, np.array([0, 1, 2, 0]))
    assert accuracy(model, split) == 0.75
    assert accuracy(model, split, batch_size=3) == 0.75


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"epochs": 0}, "epochs: 0"),
        ({"epochs": 2.5}, "epochs: 2.5"),
        ({"epochs": 1, "batch_size": -1}, "batch_size: -1"),
        ({"epochs": 1, "seed": -1}, "seed: -1 .* from 0 up"),
        ({"epochs": 1, "device": "tpu"}, "device: 'tpu' .* auto, cuda, mps, cpu"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(
    numbers: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Recipe(**numbers)  # type: ignore[arg-type]


def test_the_device_is_chosen_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"
    assert pick_device("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto").type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto").type == "cpu"
    for name in ("cuda", "mps"):
        with pytest.raises(InvalidArgument, match=f"device: PyTorch finds no '{name}' on this "):
            pick_device(name)


@pytest.mark.gpu
def test_a_gpu_learns_too() -> None:
    data = digits()
    model = train(_linear, data.train, Recipe(epochs=5, learning_rate=0.02, device="cuda"))
    assert next(model.parameters()).device.type == "cuda"
    assert accuracy(model, data.test) > 0.85


def test_a_missing_pytorch_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[torch\]"'):
        require_torch()
