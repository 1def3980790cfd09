"""Training-free scores: against plain slow versions, and what must not change them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mobile import EfficientNetImageNet, MobileNetV3ImageNet
from lamcts.adapters.nasbench101 import NASBench101
from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.scores import SCORES, compute_score
from lamcts.adapters.training import Split, digits
from lamcts.errors import Infeasible, InvalidArgument, UnknownName

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402 - after the check

from lamcts.adapters.scores import measures  # noqa: E402
from lamcts.adapters.scores.measures import (  # noqa: E402
    grad_norm,
    macs,
    naswot,
    params,
    synflow,
    zen,
)


@pytest.fixture
def batch() -> tuple[Any, Any]:
    torch.manual_seed(0)
    return torch.randn(6, 2, 8, 8), torch.tensor([0, 1, 2, 0, 1, 2])


def convolutions(*, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        act(),
        nn.Conv2d(4, 3, 3, padding=1, bias=False),
        nn.BatchNorm2d(3),
        act(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 3, bias=False),
    )


def scaled(model: nn.Module, factors: dict[str, float]) -> nn.Module:
    state = model.state_dict()
    with torch.no_grad():
        for name, factor in factors.items():
            state[name].mul_(factor)
    return model


def test_naswot_counts_the_signs_that_two_images_share(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    model = convolutions()
    found = naswot(model, images, labels)
    patterns = []
    with torch.no_grad():
        hidden = model.train()[:2](images)
        patterns.append((hidden > 0).flatten(1).tolist())
        patterns.append((model[3:5](torch.relu(hidden)) > 0).flatten(1).tolist())
    words = [one + other for one, other in zip(*patterns, strict=True)]
    alike = [[sum(a == b for a, b in zip(v, w, strict=True)) for w in words] for v in words]
    assert found == pytest.approx(math.log(abs(np.linalg.det(np.array(alike, dtype=float)))))


def test_naswot_does_not_see_positive_scales_nor_the_order_of_images(
    batch: tuple[Any, Any],
) -> None:
    images, labels = batch
    before = naswot(convolutions(), images, labels)
    # Powers of two: no sign turns by rounding in the normalisation.
    assert naswot(scaled(convolutions(), {"1.weight": 4.0}), images, labels) == before
    assert naswot(convolutions(), images.flip(0), labels.flip(0)) == pytest.approx(before)
    same = Split(np.ones((4, 2, 8, 8), np.float32), np.array([0, 1, 2, 0]))
    with pytest.raises(Infeasible, match="naswot of this network is -inf"):
        compute_score("naswot", convolutions, same, seed=0)


def test_synflow_of_linear_layers_is_their_product(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    torch.manual_seed(2)
    layers = nn.Linear(128, 5, bias=False), nn.Linear(5, 3, bias=False)
    model = nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1])
    first, second = (layer.weight.detach().double() for layer in layers)
    flow = (second.abs() @ first.abs()).sum()  # the output for ones; every layer passes all of it
    assert synflow(model, images, labels) == pytest.approx(math.log(2 * flow), rel=1e-12)


def test_synflow_does_not_see_scales_that_make_up_for_each_other(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    before = synflow(convolutions(), images, labels)
    moved = scaled(convolutions(), {"0.weight": -8.0, "8.weight": 0.125})
    assert synflow(moved, images, labels) == pytest.approx(before)
    assert synflow(convolutions(), torch.randn(3, 2, 8, 8), labels[:3]) == pytest.approx(before)


def test_zen_of_one_normalised_layer_by_hand(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    model = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4, eps=1e-9))
    torch.manual_seed(3)
    found = zen(model, images, labels)
    torch.manual_seed(3)
    weight = torch.randn(4, 2, 3, 3)
    a = torch.randn_like(images)
    b = a + 0.01 * torch.randn_like(images)
    maps, moved = (torch.nn.functional.conv2d(x, weight) for x in (a, b))

    def normal(x: Tensor) -> Tensor:
        mean = x.mean(dim=(0, 2, 3), keepdim=True)
        return (x - mean) / x.std(dim=(0, 2, 3), keepdim=True, unbiased=False)

    away = (normal(maps) - normal(moved)).abs().sum(dim=(1, 2, 3)).mean()
    scale = maps.var(dim=(0, 2, 3), unbiased=False).mean().sqrt()
    assert found == pytest.approx(math.log(away) + math.log(scale), rel=1e-5)


def test_zen_does_not_see_the_initial_weights_but_the_depth(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    scores = []
    for model in (convolutions(), scaled(convolutions(), {"0.weight": 9.0})):
        torch.manual_seed(4)
        scores.append(zen(model, images, labels))
    assert scores[0] == scores[1]
    torch.manual_seed(4)
    assert zen(convolutions()[:3], images, labels) < scores[0]


def test_the_gradient_of_a_linear_classifier_by_hand(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    torch.manual_seed(5)
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 3))
    x = images.flatten(1)
    wrong = torch.softmax(model(x), dim=1).detach() - torch.eye(3)[labels]
    expected = (wrong.T @ x / len(x)).norm()
    assert grad_norm(model, images, labels) == pytest.approx(float(expected), rel=1e-5)


def test_sizes_are_counted(batch: tuple[Any, Any]) -> None:
    images, labels = batch
    assert params(convolutions(), images, labels) == 72 + 8 + 108 + 6 + 9
    assert macs(convolutions(), images, labels) == 64 * (72 + 108) + 9


@pytest.mark.parametrize("name", SCORES)
def test_a_seed_fixes_a_score_and_nothing_else_moves(name: str) -> None:
    problem = NASBench101()
    x = problem.parse("inception")
    data = digits()
    build = problem.proxy(x, data.shape)
    before = torch.random.get_rng_state()
    found = [compute_score(name, build, data.train, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert found[0] == found[1]
    assert (found[0] == found[2]) == (name in ("params", "macs"))


def test_images_that_come_class_by_class_are_looked_at_across_classes() -> None:
    labels = np.repeat(np.arange(5), 40)
    data = Split(np.zeros((200, 2, 8, 8), np.float32), labels)
    seen: list[Any] = []

    def watched(model: nn.Module, images: Tensor, labels: Tensor) -> float:
        seen.append(labels.tolist())
        return 0.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(measures._MEASURES, "naswot", watched)
        compute_score("naswot", convolutions, data, seed=0)
        compute_score("naswot", convolutions, data, seed=0)
    assert seen[0] == seen[1]
    assert sorted(np.bincount(seen[0])) == [6, 6, 6, 7, 7]


PROBLEMS: list[Callable[..., Any]] = [
    NASBench101,
    NASNetCIFAR,
    MobileNetV3ImageNet,
    EfficientNetImageNet,
]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_problem_of_networks_can_be_searched_by_a_score(problem: Callable[..., Any]) -> None:
    evaluator = problem(score="naswot")
    assert "ranked by naswot on scikit-learn's 8x8 handwritten digits, a" in evaluator.notice
    x = evaluator.space.sample()
    assert evaluator.evaluate(x) == evaluator.evaluate(evaluator.canonical(x))
    by_size = problem(score="params")
    assert "digits" not in by_size.notice
    assert by_size.evaluate(x).value == by_size.cost(x)["params"]


class Table:
    def query(self, cell: Any) -> dict[str, float]:
        return {"validation_accuracy": 0.5}


def test_mistakes_are_one_line() -> None:
    with pytest.raises(UnknownName, match="score: 'naswat' is not known; did you mean 'naswot'"):
        NASNetCIFAR(score="naswat")
    with pytest.raises(InvalidArgument, match="score: there is a supernet already"):
        MobileNetV3ImageNet(score="zen", supernet=Path("none"))
    with pytest.raises(InvalidArgument, match="score: there is a table already"):
        NASBench101(score="zen", table=Table())
