"""The PyTorch network: its size is the formula's, its arithmetic the cell's."""

from __future__ import annotations

import random

import pytest

from lamcts.adapters.nasbench101 import CIFAR, DIGITS, NAMED_CELLS, Cell, Skeleton, network_cost
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3
from lamcts.adapters.nasbench101.space import decode, make_space

pytest.importorskip("torch")

import torch

from lamcts.adapters.nasbench101.network import CellModule, CellNetwork


def _random_cells(count: int) -> list[Cell]:
    space = make_space()
    space.seed(0)
    return [decode(space.sample()) for _ in range(count)]


def _parameters(network: CellNetwork) -> int:
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


@pytest.mark.parametrize("skeleton", [DIGITS, Skeleton(13, stacks=3, modules=2, image_size=9)])
def test_random_networks_have_the_parameters_of_the_formula(skeleton: Skeleton) -> None:
    for cell in _random_cells(40):
        assert _parameters(CellNetwork(cell, skeleton)) == network_cost(cell, skeleton).params


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_full_size_networks_have_the_parameters_of_the_formula(name: str) -> None:
    with torch.device("meta"):  # sizes without memory
        network = CellNetwork(NAMED_CELLS[name], CIFAR)
    assert _parameters(network) == network_cost(NAMED_CELLS[name], CIFAR).params


def _macs(network: CellNetwork, image: torch.Tensor) -> int:
    """Multiply-adds counted while the network runs: weights times output pixels, layer by layer."""
    seen: list[int] = []

    def count(layer: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        pixels = output[0, 0].numel() if output.dim() == 4 else 1
        seen.append(layer.get_parameter("weight").numel() * pixels)

    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(count)
    network(image)
    return sum(seen)


def test_macs_of_the_formula_are_those_of_the_convolutions_that_run() -> None:
    skeleton = Skeleton(8, stacks=2, modules=2, image_size=9, image_channels=1)
    for cell in _random_cells(20):
        network = CellNetwork(cell, skeleton).eval()
        assert _macs(network, torch.zeros(1, 1, 9, 9)) == network_cost(cell, skeleton).macs


def test_images_become_logits() -> None:
    for cell in _random_cells(20):
        network = CellNetwork(cell, DIGITS)
        assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_a_module_keeps_the_image_size_and_gives_its_output_channels() -> None:
    rng = random.Random(0)
    for cell in _random_cells(20):
        outputs = rng.randint(4, 40)
        module = CellModule(cell, 8, outputs)
        assert module(torch.zeros(2, 8, 5, 5)).shape == (2, outputs, 5, 5)


def _transparent(module: CellModule) -> CellModule:
    """Make every 1x1 convolution copy its first channels and every normalisation do nothing."""
    for layer in module.eval().modules():
        if isinstance(layer, torch.nn.Conv2d):
            with torch.no_grad():
                torch.nn.init.dirac_(layer.weight)
    return module


def test_a_module_adds_its_inputs_and_joins_its_outputs() -> None:
    # Vertices 1 and 2 feed the output (3 and 2 of 5 channels), 2 also adds 1, cut to 2 channels;
    # the projected input is added to the whole.
    cell = Cell.from_edges([(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)], [CONV1X1, CONV1X1])
    module = _transparent(CellModule(cell, 6, 5))
    image = torch.rand(1, 6, 4, 4)
    with torch.no_grad():
        output = module(image)
    first = image[:, :3]
    second = image[:, :2] + first[:, :2]
    expected = torch.cat([first, second], dim=1) + image[:, :5]
    # Batch normalisation in evaluation mode divides by sqrt(1 + 1e-5), a few times.
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=0.0)


def test_a_module_without_inner_vertices_is_its_projection() -> None:
    module = _transparent(CellModule(Cell.from_edges([(0, 1)], []), 6, 5))
    image = torch.rand(1, 6, 4, 4)
    torch.testing.assert_close(module(image), image[:, :5], rtol=1e-4, atol=0.0)


def test_operations_are_what_they_are_called() -> None:
    def operation(op: str) -> torch.nn.Module:
        cell = Cell.from_edges([(0, 1), (1, 2)], [op])
        return CellModule(cell, 4, 4).operations["1"]

    def kernel(op: str) -> tuple[int, ...]:
        layers = operation(op).modules()
        return next(layer for layer in layers if isinstance(layer, torch.nn.Conv2d)).kernel_size

    assert kernel(CONV3X3) == (3, 3)
    assert kernel(CONV1X1) == (1, 1)
    image = torch.rand(1, 4, 4, 4)
    torch.testing.assert_close(
        operation(MAXPOOL3X3)(image)[0, 0, 0, 0], image[0, 0, :2, :2].max(), rtol=0.0, atol=0.0
    )
