"""The supernet of cells: its networks are `GenotypeNetwork`s, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.nasnet_cifar import DARTS, ONE_SHOT, Encoding, Skeleton, network_cost
from lamcts.adapters.nasnet_cifar.paths import cell_paths

torch = pytest.importorskip("torch")

from lamcts.adapters.nasnet_cifar.network import GenotypeNetwork  # noqa: E402
from lamcts.adapters.nasnet_cifar.supernet import CellSupernet  # noqa: E402

#: Cells of all three kinds of neighbours, in few and narrow channels.
TINY = Skeleton(channels=4, cells=4, image_size=8, image_channels=1)
SKELETONS = {
    "tiny": TINY,
    "standardised": replace(TINY, standardised=True),
    "auxiliary": replace(TINY, image_size=32, auxiliary=True),
    "imagenet": replace(TINY, image_size=32, stem="imagenet"),
}


def _points(encoding: Encoding, count: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [cell_paths(encoding).draw(rng) for _ in range(count)]


def _images(skeleton: Skeleton) -> Any:
    torch.manual_seed(1)
    return torch.randn(5, skeleton.image_channels, skeleton.image_size, skeleton.image_size)


def _with_statistics(supernet: Any) -> Any:
    """Statistics of batches, and scales, that differ from their first values everywhere."""
    torch.manual_seed(2)
    for module in supernet.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
            torch.nn.init.normal_(module.weight)
    return supernet


@pytest.mark.parametrize("name", SKELETONS)
@pytest.mark.parametrize("encoding", [ONE_SHOT, DARTS], ids=lambda encoding: encoding.name)
def test_a_network_computes_here_what_it_computes_alone(encoding: Encoding, name: str) -> None:
    skeleton = SKELETONS[name]
    supernet = _with_statistics(CellSupernet(encoding, skeleton))
    images = _images(skeleton)
    for training in (False, True):
        supernet.train(training)
        for point in _points(encoding, 3):
            alone = supernet.network(point)
            assert type(alone) is GenotypeNetwork
            assert alone.training is training
            here, there = supernet(images, point), alone(images)
            pairs = zip(here, there, strict=True) if isinstance(here, tuple) else [(here, there)]
            assert all(torch.equal(one, other) for one, other in pairs)


def test_what_is_copied_out_is_the_networks_own(tmp_path: Any) -> None:
    supernet = CellSupernet(ONE_SHOT, TINY)
    [point] = _points(ONE_SHOT, 1)
    alone = supernet.network(point)
    genotype = ONE_SHOT.decode(point)
    assert sum(p.numel() for p in alone.parameters()) == network_cost(genotype, TINY).params
    torch.save(alone.state_dict(), tmp_path / "weights.pt")
    fresh = GenotypeNetwork(genotype, TINY)  # without any supernet
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    images = _images(TINY)
    assert torch.equal(fresh.eval()(images), supernet.eval()(images, point))
    before = supernet.state_dict()["stem.0.weight"].clone()
    with torch.no_grad():
        for parameter in alone.parameters():
            parameter.add_(1.0)
    assert torch.equal(supernet.state_dict()["stem.0.weight"], before)


def test_only_the_layers_of_the_path_are_computed_and_learn() -> None:
    supernet = CellSupernet(ONE_SHOT, TINY)
    [point] = _points(ONE_SHOT, 1)
    run: list[str] = []

    def note(name: str) -> Callable[..., None]:
        return lambda *_: run.append(name)

    for name, module in supernet.named_modules():
        if name.count(".") == 4 and ".shared." in name:  # cells.0.shared.0.1_skip_connect
            module.register_forward_hook(note(name))
    supernet(_images(TINY), point).sum().backward()
    assert len(run) == len(set(run)) == TINY.cells * ONE_SHOT.nodes * 2
    for name, parameter in supernet.named_parameters():
        if ".shared." in name:
            assert (parameter.grad is not None) == (".".join(name.split(".")[:5]) in run)
        else:
            assert parameter.grad is not None


def test_every_candidate_is_there_once() -> None:
    supernet: Any = CellSupernet(ONE_SHOT, TINY)
    used = set()
    deal = cell_paths(ONE_SHOT).deal
    assert deal is not None
    for point in islice(deal(np.random.default_rng(0)), 12):  # a deck of the last node
        supernet(_images(TINY), point)
        for cell in supernet.cells:
            used |= {(id(cell), k, arm) for k, node in enumerate(cell.cell.nodes) for arm in node}
    assert len(used) == TINY.cells * 80  # half of the mask's 160 bits a cell
