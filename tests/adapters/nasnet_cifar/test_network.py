"""The PyTorch network: its size is the formula's, its arithmetic the genotype's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lamcts.adapters.nasnet_cifar import (
    CIFAR,
    DARTS,
    IMAGENET,
    LANAS,
    NAMED_GENOTYPES,
    ONE_SHOT,
    OPS,
    Cell,
    Encoding,
    Genotype,
    Skeleton,
    network_cost,
)
from lamcts.errors import InvalidArgument

torch = pytest.importorskip("torch")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from lamcts.adapters.nasnet_cifar.network import CellModule, GenotypeNetwork  # noqa: E402
from lamcts.adapters.nasnet_cifar.operations import (  # noqa: E402
    FactorizedReduction,
    StandardisedConv2d,
    operation,
)
from lamcts.adapters.training.layers import DropPath  # noqa: E402

LANET = NAMED_GENOTYPES["lanet"]
TINY = Skeleton(4, 3, 8, 1)


def _random_genotypes(encoding: Encoding, count: int) -> list[Genotype]:
    space = encoding.make_space()
    space.seed(0)
    return [encoding.decode(space.sample()) for _ in range(count)]


def _check_cost(genotype: Genotype, skeleton: Skeleton) -> None:
    """Build the network, run an image through it, and count."""
    with torch.device("meta"):  # sizes without memory
        network = GenotypeNetwork(genotype, skeleton).eval()
        size = skeleton.image_size
        with FlopCounterMode(display=False) as counter:
            logits = network(torch.zeros(1, skeleton.image_channels, size, size))
    cost = network_cost(genotype, skeleton)
    assert sum(parameter.numel() for parameter in network.parameters()) == cost.params
    assert counter.get_total_flops() == 2 * cost.macs  # a multiply-add is two
    assert logits.shape == (1, skeleton.classes)


@pytest.mark.parametrize("encoding", [LANAS, ONE_SHOT, DARTS], ids=lambda encoding: encoding.name)
def test_random_networks_cost_what_the_formula_says(encoding: Encoding) -> None:
    for genotype in _random_genotypes(encoding, 6):
        _check_cost(genotype, Skeleton(5, 4, 17, 3, 7))  # odd sizes and widths


@pytest.mark.parametrize(
    ("name", "skeleton"),
    [
        ("lanet", CIFAR),
        ("lanet", Skeleton(128, 24, auxiliary=True)),
        ("darts-v2", replace(IMAGENET, auxiliary=True, standardised=True)),
        ("darts-v2", Skeleton(4, 1, 8, 1)),
        ("darts-v2", Skeleton(4, 2, 8, 1)),
    ],
)
def test_published_networks_cost_what_the_formula_says(name: str, skeleton: Skeleton) -> None:
    _check_cost(NAMED_GENOTYPES[name], skeleton)


@pytest.mark.parametrize("encoding", [LANAS, ONE_SHOT, DARTS], ids=lambda e: e.name)
def test_a_network_with_an_input_that_nothing_takes_says_so(encoding: Encoding) -> None:
    """On several GPUs its layers were waited for: the second step ended in an error."""
    said = set()
    for genotype in _random_genotypes(replace(encoding, nodes=2), 12):
        network = GenotypeNetwork(genotype, TINY)
        network(torch.randn(2, 1, 8, 8)).sum().backward()
        idle = any(weights.grad is None for weights in network.parameters())
        assert network.leaves_weights_out == idle
        said.add(idle)
    assert said == ({False} if encoding is DARTS else {False, True})


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("size", [8, 7])
def test_operations_keep_or_halve_the_size(op: str, size: int) -> None:
    image = torch.rand(2, 6, size, size)
    assert operation(op, 6, 1)(image).shape == (2, 6, size, size)
    assert operation(op, 6, 2)(image).shape == (2, 6, 4, 4)


def test_operations_see_as_far_as_they_are_called() -> None:
    image = torch.zeros(1, 1, 15, 15)
    image[0, 0, 7, 7] = 1.0
    image.requires_grad_()
    reach = {"max_pool_3x3": 3, "avg_pool_3x3": 3, "skip_connect": 1}
    reach |= {"sep_conv_3x3": 5, "sep_conv_5x5": 9, "dil_conv_3x3": 5, "dil_conv_5x5": 9}
    for op, width in reach.items():
        layer = operation(op, 1, 1).eval()
        blank = layer(torch.zeros_like(image))
        for layers in layer.modules():
            if isinstance(layers, torch.nn.Conv2d):
                torch.nn.init.ones_(layers.weight)
        seen = (layer(image) - blank).abs()[0, 0] > 0
        columns = seen.any(dim=0).nonzero()
        assert int(columns.max() - columns.min()) + 1 == width, op


def test_average_pooling_leaves_the_padding_out() -> None:
    assert torch.equal(
        operation("avg_pool_3x3", 1, 1)(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4)
    )


def test_a_factorized_reduction_samples_both_diagonals() -> None:
    layer = FactorizedReduction(1, 2).eval()
    for convolution in (layer.even, layer.odd):
        torch.nn.init.ones_(convolution.weight)
    image = torch.arange(1.0, 26.0).reshape(1, 1, 5, 5)
    even, odd = layer(image)[0] * (1 + 1e-5) ** 0.5  # batch normalisation's own
    torch.testing.assert_close(even, image[0, 0, ::2, ::2])
    expected = torch.nn.functional.pad(image[0, 0, 1::2, 1::2], (0, 1, 0, 1))
    torch.testing.assert_close(odd, expected)


def test_a_cell_adds_its_arms_and_joins_its_states() -> None:
    node = [("skip_connect", 0), ("skip_connect", 1)]
    normal = Cell.make([node, [("skip_connect", 2), ("skip_connect", 0)]], [1, 3])
    reduction = Cell.make([node], [2])
    network = GenotypeNetwork(Genotype(normal, reduction), TINY).eval()
    cell = network.cells[0]
    assert isinstance(cell, CellModule)
    before, previous = torch.rand(2, 1, 12, 8, 8).unbind()
    with torch.no_grad():
        zero, one = cell.fit_before(before), cell.fit_previous(previous)
        expected = torch.cat([one, (zero + one) + zero], dim=1)
        torch.testing.assert_close(cell(before, previous), expected)


def test_only_pointwise_convolutions_of_operations_and_inputs_are_standardised() -> None:
    network = GenotypeNetwork(LANET, replace(TINY, standardised=True))
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            plain = "stem" in name or layer.groups > 1 or name.endswith((".even", ".odd"))
            assert isinstance(layer, StandardisedConv2d) != plain, name


def test_standardised_weights_forget_their_scale_and_their_mean() -> None:
    layer = StandardisedConv2d(6, 4, 1, bias=False)
    image = torch.rand(2, 6, 3, 3)
    before = layer(image)
    with torch.no_grad():
        layer.weight.mul_(3.0).add_(0.5)
    torch.testing.assert_close(layer(image), before, rtol=1e-3, atol=1e-4)
    assert layer(torch.ones(1, 6, 1, 1)).abs().max() < 1e-4  # filters of zero mean


def test_an_auxiliary_head_speaks_while_training_alone() -> None:
    network = GenotypeNetwork(LANET, Skeleton(4, 3, 32, 3, auxiliary=True))
    images = torch.rand(2, 3, 32, 32)
    logits, auxiliary = network(images)
    assert logits.shape == auxiliary.shape == (2, 10)
    auxiliary.sum().backward()
    assert network.get_parameter("cells.0.fit_previous.1.weight").grad is not None
    assert network.classifier.weight.grad is None
    assert network.eval()(images).shape == (2, 10)


def test_drop_path_drops_whole_images_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = DropPath()
    images = torch.ones(4000, 2, 1, 1)
    assert torch.equal(layer(images), images)
    layer.probability = 0.2
    dropped = layer(images)
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert torch.equal(dropped[:, 0], dropped[:, 1])
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.03)
    assert torch.equal(layer.eval()(images), images)


def test_another_probability_is_not_compiled_anew() -> None:
    layer = DropPath()
    assert not layer.state_dict()
    graphs: list[Any] = []

    def count(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    compiled: Any = torch.compile(layer, backend=count)
    for probability in (0.1, 0.2, 0.3):
        layer.probability = probability
        compiled(torch.ones(4, 2, 1, 1))
    assert len(graphs) == 1


def test_dropout_is_of_the_features_before_the_classifier() -> None:
    torch.manual_seed(0)
    network = GenotypeNetwork(LANET, TINY).train()
    images = torch.randn(2, 1, 8, 8)
    seen: list[Any] = []
    network.classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    state = torch.get_rng_state()
    network(images)
    assert torch.equal(torch.get_rng_state(), state)  # by default nothing is drawn
    network.dropout.p = 0.5
    network(images)
    whole, dropped = seen
    kept = dropped != 0.0
    assert 0.2 < kept.float().mean() < 0.8
    torch.testing.assert_close(dropped[kept], 2.0 * whole[kept])


def test_drop_path_stands_on_every_arm_but_identities() -> None:
    network = GenotypeNetwork(LANET, TINY)  # one normal cell, two reductions
    network.set_drop_path(0.3)
    paths = [layer for layer in network.modules() if isinstance(layer, DropPath)]
    assert {layer.probability for layer in paths} == {0.3}
    # Of 14 arms 8 are skips; 5 of them take an input of the cell, so reductions have 3 identities.
    assert len(paths) == 6 + 2 * 11
    with pytest.raises(InvalidArgument, match="drop_path: 1"):
        network.set_drop_path(1.0)
