"""The elastic supernet: its networks are `MobileNet`s, to the last bit of their weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.mobile import (
    COMPOUND,
    Choices,
    Family,
    MobileNetV3ImageNet,
    block_space,
    ofa_space,
    stand_in,
)
from lamcts.adapters.mobile.paths import column_choice, elastic_paths
from lamcts.adapters.training import ImageData, Split, digits
from lamcts.errors import InvalidArgument, UnknownName

torch = pytest.importorskip("torch")

from lamcts.adapters.mobile.network import MobileNet  # noqa: E402
from lamcts.adapters.mobile.supernet import ElasticMobileNet  # noqa: E402


def _elastic(family: Family, *resolutions: int) -> Family:
    """A stand-in with several resolutions."""
    small = stand_in(family)
    scales = [replace(s, resolution=r) for s, r in zip(small.scales, resolutions, strict=False)]
    return replace(small, scales=tuple(scales))


FAMILIES = {
    "ofa": _elastic(ofa_space(), 8, 12, 16),
    "ofa-wide": _elastic(ofa_space(4.0), 9),
    # B0 to B7 differ in width and in depth
    "efficientnet": replace(
        _elastic(block_space(COMPOUND[::3])),
        scales=tuple(
            replace(scale, resolution=8 + n, width=scale.width / 3, dropout=0.0)
            for n, scale in enumerate(COMPOUND[::3])
        ),
    ),
}


def _with_statistics(supernet: Any) -> Any:
    """Statistics, scales and transforms that differ from their first values everywhere."""
    torch.manual_seed(2)
    for module in supernet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.normal_(module.weight)
    for transforms in supernet.transforms:
        for matrix in transforms.values():
            torch.nn.init.normal_(matrix, 0.0, 0.2)
    return supernet


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]


def _points(choices: Choices, count: int) -> list[Any]:
    most = [len(column.options) - 1 for column in choices.columns]
    rows = [most, [0] * len(most), *choices.sample(np.random.default_rng(0), count)]
    return [choices.point(row) for row in rows]


def test_a_network_computes_here_what_it_computes_alone(family: Family) -> None:
    supernet = _with_statistics(ElasticMobileNet(family))
    choices = Choices(family)
    for point in _points(choices, 3):
        network = choices.network(choices.row(point))
        fresh = MobileNet(network)
        fresh.load_state_dict(supernet.weights(point))  # strict: nothing is missing, or left over
        size = network.resolution
        images = torch.randn(3, network.image_channels, size, size)
        for training in (False, True):
            supernet.train(training)
            alone = supernet.network(point)
            assert alone.training is training
            assert torch.equal(supernet(images, point), alone(images))
            assert torch.equal(alone(images), fresh.train(training)(images))


def test_the_largest_network_is_all_there_is(family: Family) -> None:
    """But for choices that exclude each other, every weight is in the largest network."""
    supernet = ElasticMobileNet(family)
    largest, _ = elastic_paths(Choices(family)).extremes or (None, None)
    whole = dict(supernet.whole.state_dict())
    for name, value in supernet.weights(largest).items():
        assert torch.equal(value, whole[name])
    assert sum(p.numel() for p in supernet.whole.parameters()) == sum(
        p.numel() for p in supernet.network(largest).parameters()
    )


def test_a_smaller_kernel_is_the_middle_times_a_learned_matrix() -> None:
    supernet: Any = _with_statistics(ElasticMobileNet(FAMILIES["ofa"]))
    place = 1  # the first block of an elastic stage
    weight = torch.randn(6, 1, 7, 7)
    assert torch.equal(supernet._kernel(weight, place, 7), weight)
    to5, to3 = supernet.transforms[place]["5"], supernet.transforms[place]["3"]
    five = supernet._kernel(weight, place, 5)
    assert torch.allclose(five[2, 0].flatten(), to5 @ weight[2, 0, 1:6, 1:6].flatten(), atol=1e-6)
    three = supernet._kernel(weight, place, 3)
    assert torch.allclose(three[2, 0].flatten(), to3 @ five[2, 0, 1:4, 1:4].flatten(), atol=1e-6)
    fresh: Any = ElasticMobileNet(FAMILIES["ofa"])
    assert torch.equal(fresh._kernel(weight, place, 3), weight[:, :, 2:5, 2:5])


def test_gradients_reach_what_the_network_uses_and_nothing_else() -> None:
    family = FAMILIES["ofa"]
    supernet: Any = _with_statistics(ElasticMobileNet(family))
    _, smallest = elastic_paths(Choices(family)).extremes or (None, None)
    supernet(torch.randn(2, 1, 16, 16), smallest).sum().backward()
    features = supernet.whole.features
    assert all(p.grad is None for p in features[4].parameters())  # the third block of stage 1
    down = features[2].layers[-1][0].weight  # (outputs, expanded, 1, 1): expansion 3 of 6
    used = down.grad.abs().sum(dim=(0, 2, 3)) > 0
    assert used.tolist() == [True] * 24 + [False] * 24
    assert supernet.transforms[1]["3"].grad is not None
    kernel = features[2].layers[1][0].weight.grad.abs().sum(dim=(0, 1)) > 0
    assert torch.equal(kernel[1:6, 1:6], torch.ones(5, 5, dtype=torch.bool))
    assert not kernel[0].any()


def test_dropout_before_the_classifier_is_the_whole_networks() -> None:
    supernet = ElasticMobileNet(FAMILIES["ofa"]).train()
    path = _points(supernet.choices, 0)[0]
    images = torch.randn(4, 1, 8, 8)
    torch.manual_seed(0)
    assert torch.equal(supernet(images, path), supernet(images, path))
    for module in supernet.modules():  # what a recipe's head_dropout does
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    assert not torch.equal(supernet(images, path), supernet(images, path))
    supernet.eval()
    assert torch.equal(supernet(images, path), supernet(images, path))


def test_statistics_move_by_the_momentum_that_is_set() -> None:
    supernet = _with_statistics(ElasticMobileNet(FAMILIES["ofa"])).train()
    path = _points(supernet.choices, 1)[-1]
    alone = supernet.network(path)
    for module in (*supernet.modules(), *alone.modules()):  # what a recipe's norm_momentum does
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5
    images = torch.randn(4, 1, 8, 8)
    supernet(images, path)
    alone(images)
    kept = alone.network.state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in supernet.weights(path).items())


def test_dealt_paths_take_every_option_equally_often_and_one_choice_may_split_them() -> None:
    choices = Choices(FAMILIES["ofa"])
    paths = elastic_paths(choices)
    assert paths.deal is not None
    points = list(islice(paths.deal(np.random.default_rng(0)), 30))
    for kind, number, options in (("depths", 0, 3), ("scale", None, 3)):
        taken = [point[kind] if number is None else point[kind][number] for point in points]
        assert np.bincount(taken).tolist() == [30 // options] * options
    split = column_choice(choices, "depths.0")
    assert split.labels == ("2", "3", "4")
    assert [split.of(point) for point in points] == [point["depths"][0] for point in points]
    with pytest.raises(
        UnknownName, match=r"by: 'depth' is no choice .* depths\.0, \.\.\., kernels"
    ):
        column_choice(choices, "depth")


class Few(MobileNetV3ImageNet):
    """With so few images that training takes no time."""

    def load_data(self) -> ImageData:
        whole = digits()
        few = [Split(part.images[:64], part.labels[:64]) for part in (whole.train, whole.test)]
        return ImageData(few[0], few[1], few[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elastic") / "supernet"
    problem = Few(resolutions=(160, 224))
    record = problem.train_supernet(folder, recipe=problem.supernet_recipe(epochs=1))
    assert (record.sampling, record.paths) == ("sandwich", 4)
    return folder


def test_an_elastic_network_shrinks_in_kernels_then_depths_then_expansions() -> None:
    choices = Choices(ofa_space())
    last = np.array([len(column.options) - 1 for column in choices.columns])
    rng = np.random.default_rng(0)
    moved = []
    for draw in elastic_paths(choices).stages:
        rows = np.array([choices.row(draw(rng)) for _ in range(30)])
        changed = ((rows != last) & choices.used(rows)).any(axis=0)
        moved.append({c.kind for c, there in zip(choices.columns, changed, strict=True) if there})
    order = ["scale", "kernels", "depths", "expands"]
    assert moved == [set(order[: n + 1]) for n in range(4)]


def test_a_constrained_search_by_the_supernet(folder: Path) -> None:
    problem = Few(resolutions=(160, 224), supernet=folder)
    result = lamcts.search(
        problem, budget=6, seed=0, optimizer="random", constraints=["macs<=250e6"]
    )
    assert result.counts["complete"] == 6
    assert all(problem.cost(trial.x)["macs"] <= 250e6 for trial in result.trials)
    assert {len(trial.metrics) for trial in result.trials} == {1}
    with pytest.raises(InvalidArgument, match="with resolutions=160,224, and this is"):
        Few(supernet=folder)
