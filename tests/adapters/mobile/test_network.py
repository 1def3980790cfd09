"""The PyTorch networks: as large as the formulas say, and they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mobile import (
    Choices,
    EfficientNetImageNet,
    MobileNetV3ImageNet,
    Network,
    block_space,
    network_activations,
    network_macs,
    network_params,
    ofa_space,
    stand_in,
)
from lamcts.adapters.mobile.architectures import NETWORKS

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402 - after the check

from lamcts.adapters.mobile.network import Bottleneck, MobileNet  # noqa: E402
from lamcts.adapters.training.layers import DropPath  # noqa: E402

EFFICIENTNETS = [f"efficientnet_b{i}" for i in range(8)]
PUBLISHED = ["mobilenet_v2", "mobilenet_v3_large", "ofa_mbv3_max", "ofa_mbv3_min"]


def counted(network: Network) -> tuple[int, int, int]:
    """Parameters, multiply-adds and activations of the built network, without arithmetic."""
    made = []
    with torch.device("meta"):
        model = MobileNet(network).eval()
        size = network.resolution
        images = torch.empty(1, network.image_channels, size, size)
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            module.register_forward_hook(lambda _module, _inputs, out: made.append(out.numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        logits = model(images)
    assert logits.shape == (1, network.classes)
    params = sum(p.numel() for p in model.parameters())
    return params, counter.get_total_flops() // 2, sum(made)


def by_formula(network: Network) -> tuple[int, int, int]:
    return network_params(network), network_macs(network), network_activations(network)


@pytest.mark.parametrize("name", EFFICIENTNETS + PUBLISHED)
def test_named_networks_are_as_large_as_the_formulas_say(name: str) -> None:
    problem = EfficientNetImageNet() if name in EFFICIENTNETS else MobileNetV3ImageNet()
    network = problem.decode(problem.parse(name))
    assert counted(network) == by_formula(network)


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_random_networks_are_as_large_as_the_formulas_say(width: float) -> None:
    rng = np.random.default_rng(0)
    for family in (ofa_space(width), block_space(), stand_in(ofa_space(width))):
        choices = Choices(family)
        for row in choices.sample(rng, 2):
            network = choices.network(row)
            assert counted(network) == by_formula(network)


def test_a_network_maps_images_to_logits_and_passes_gradients_everywhere() -> None:
    for family in (ofa_space(), block_space()):
        choices = Choices(stand_in(family))
        torch.manual_seed(0)
        model = MobileNet(choices.network(choices.sample(np.random.default_rng(0), 1)[0]))
        logits = model(torch.randn(4, 1, 8, 8))
        assert logits.shape == (4, 10)
        logits.square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_blocks_are_what_they_say() -> None:
    problem = EfficientNetImageNet()
    model: Any = problem.build(problem.parse("efficientnet_b0")).eval()
    first, second = model.features[1], model.features[2]
    kinds = [type(layer).__name__ for layer in first.layers]
    assert kinds == ["_ConvBn", "_SqueezeExcitation", "_ConvBn"]  # no 1x1 up with expansion 1
    assert second.layers[1][0].stride == (2, 2)
    assert second.layers[1][0].groups == 96
    assert not second.residual
    assert model.features[3].residual
    x = torch.randn(1, 24, 8, 8)
    third = model.features[3]
    with torch.no_grad():
        assert torch.equal(third(x), x + third.layers(x))
        gate = third.layers[2]
        features = torch.randn(1, 144, 8, 8)
        ratio = gate(features) / features
        assert torch.allclose(ratio, ratio[:, :, :1, :1].expand_as(ratio), atol=1e-4)
        assert 0.0 < ratio.min() <= ratio.max() < 1.0


def test_paths_are_dropped_beside_residuals_more_often_the_later() -> None:
    network = MobileNet(NETWORKS["mobilenet_v2"]())
    network.set_drop_path(0.34)
    paths = [layer for layer in network.modules() if isinstance(layer, DropPath)]
    assert [path.probability for path in paths] == pytest.approx([0.02 * n for n in range(17)])
    block = next(b for b in network.features if isinstance(b, Bottleneck) and b.residual)
    block.drop_path.probability = 0.5
    features = torch.randn(200, 24, 2, 2)
    kept = (block(features) != features).flatten(1).any(1)
    assert 60 < int(kept.sum()) < 140  # a dropped path leaves the input alone
    block.eval()
    assert bool((block(features) != features).flatten(1).any(1).all())
