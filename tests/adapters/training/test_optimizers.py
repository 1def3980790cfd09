"""Optimizers and learning rates: PyTorch's, timm's, and the published formulas."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from lamcts.adapters.training import Recipe
from lamcts.errors import DependencyNotInstalled

torch = pytest.importorskip("torch")

from lamcts.adapters.training.optimizers import learning_rate, make_optimizer  # noqa: E402


def _rates(recipe: Recipe, steps_per_epoch: int) -> list[float]:
    steps = recipe.epochs * steps_per_epoch
    return [learning_rate(recipe, step, steps_per_epoch) for step in range(steps)]


def test_a_cosine_without_warm_up_is_pytorchs() -> None:
    recipe = Recipe(epochs=5, learning_rate=0.3, warmup=0.0, final_rate=0.1)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=35, eta_min=0.03)
    expected = []
    for _ in range(35):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert _rates(recipe, 7) == pytest.approx(expected)


def test_a_warm_up_rises_linearly_to_the_peak() -> None:
    rates = _rates(Recipe(epochs=10, learning_rate=1.0, warmup=0.2), 5)
    assert rates[:10] == pytest.approx([k / 10 for k in range(1, 11)])
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_efficientnets_rate_falls_by_a_factor_every_few_epochs_from_the_first_step() -> None:
    recipe = Recipe(
        epochs=10,
        learning_rate=0.256,
        warmup=0.1,
        schedule="exponential",
        decay_rate=0.97,
        decay_epochs=2.4,
    )
    rates = _rates(recipe, 100)
    for step in range(100, 1000):
        # TensorFlow's exponential_decay(rate, step, 2.4 * 100, 0.97, staircase=True).
        assert rates[step] == pytest.approx(0.256 * 0.97 ** math.floor(step / 240))


def test_a_constant_rate_stays() -> None:
    assert set(_rates(Recipe(epochs=3, warmup=0.0, schedule="constant"), 4)) == {0.1}


def _layers() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


def test_what_need_not_decay_does_not() -> None:
    optimizer = make_optimizer(_layers(), Recipe(epochs=1, weight_decay=0.5, decay_norms=False))
    groups = {
        g["weight_decay"]: [tuple(p.shape) for p in g["params"]] for g in optimizer.param_groups
    }
    assert groups == {0.5: [(4, 3)], 0.0: [(4,), (4,), (4,)]}
    (group,) = make_optimizer(_layers(), Recipe(epochs=1, weight_decay=0.5)).param_groups
    assert (len(group["params"]), group["weight_decay"]) == (4, 0.5)


@pytest.mark.parametrize(
    ("options", "kind", "settings"),
    [
        ({}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ({"nesterov": False}, torch.optim.SGD, {"momentum": 0.9, "nesterov": False}),
        ({"momentum": 0.0}, torch.optim.SGD, {"momentum": 0.0, "nesterov": False}),
        ({"optimizer": "adamw"}, torch.optim.AdamW, {"betas": (0.9, 0.999)}),
    ],
)
def test_the_optimizer_is_the_one_that_is_named(
    options: dict[str, Any], kind: type, settings: dict[str, Any]
) -> None:
    optimizer = make_optimizer(_layers(), Recipe(epochs=1, learning_rate=0.3, **options))
    assert type(optimizer) is kind
    assert optimizer.param_groups[0]["lr"] == 0.3
    assert settings.items() <= optimizer.param_groups[0].items()


def test_rmsprop_has_its_epsilon_inside_the_root_as_tensorflow() -> None:
    pytest.importorskip("timm")
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    model = torch.nn.Module()
    model.weight = weight
    recipe = Recipe(epochs=1, optimizer="rmsprop", learning_rate=0.1, weight_decay=0.0)
    optimizer = make_optimizer(model, recipe)
    value, mean, moved = 1.0, 1.0, 0.0  # TensorFlow's mean of squares begins at 1
    for gradient in (0.5, -0.2, 0.1):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        mean = 0.9 * mean + 0.1 * gradient**2
        moved = 0.9 * moved + 0.1 * gradient / math.sqrt(mean + 1e-3)
        value -= moved
        assert float(weight.detach()) == pytest.approx(value, rel=1e-5)


def test_lamb_is_timms() -> None:
    optim = pytest.importorskip("timm.optim")
    recipe = Recipe(epochs=1, optimizer="lamb", learning_rate=0.01)
    optimizer = make_optimizer(_layers(), recipe)
    assert isinstance(optimizer, optim.Lamb)
    assert optimizer.param_groups[0]["weight_decay"] == recipe.weight_decay


def test_a_missing_timm_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[vision\]"'):
        make_optimizer(_layers(), replace(Recipe(epochs=1), optimizer="lamb"))
