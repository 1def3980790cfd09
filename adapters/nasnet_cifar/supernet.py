"""A supernet of cells: shared weights for every network of a space. Importing it loads PyTorch.

A node has a layer for every pair of an operation and a state that it may take in; a network uses
two of them, and only those are computed. All else is `GenotypeNetwork`'s own code, so a network
computes here what it computes alone, with the same weights.

Source: Wang et al., "Sample-Efficient Neural Architecture Search by Learning Actions for Monte
Carlo Tree Search", TPAMI 2021, one-shot; Bender et al., ICML 2018.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor, nn

from lamcts.adapters.nasnet_cifar.encoding import ONE_SHOT, Encoding
from lamcts.adapters.nasnet_cifar.genotype import Arm, Cell, Genotype
from lamcts.adapters.nasnet_cifar.network import CellModule, GenotypeNetwork, arm_layer
from lamcts.adapters.nasnet_cifar.skeleton import CIFAR, Site, Skeleton, cell_sites

__all__ = ["CellSupernet"]


class CellSupernet(GenotypeNetwork):
    """The weights of all networks of an encoding, at one skeleton.

    Args:
        encoding: A space in which all nodes leave the cell: one-shot LaNAS', or DARTS'.
        skeleton: The network around the cells.
    """

    leaves_weights_out = True  # of the operations that a step's path lacks; `fit` asks

    def __init__(self, encoding: Encoding = ONE_SHOT, skeleton: Skeleton = CIFAR) -> None:
        some = encoding.decode(encoding.make_space().nvec * 0)  # all have the same sites
        super().__init__(some, skeleton)
        self.encoding = encoding
        self.cells = nn.ModuleList(
            _SuperCell(site, encoding, standardised=skeleton.standardised)
            for site in cell_sites(some, skeleton)
        )

    def forward(self, images: Tensor, point: Any = None) -> Tensor | tuple[Tensor, Tensor]:
        """What the network of a point computes, as `GenotypeNetwork.forward`.

        Args:
            images: (n, image_channels, image_size, image_size).
            point: A point of the encoding; by default the last one.
        """
        if point is not None:
            genotype = self.encoding.decode(point)
            for cell in self._cells():
                cell.cell = cell.of(genotype)
        return super().forward(images)

    def network(self, point: Any) -> GenotypeNetwork:
        """The network of a point with a copy of its weights, to evaluate or to train further."""
        genotype = self.encoding.decode(point)
        shared = f".{_SuperCell.SHARED}."
        state = {name: value for name, value in self.state_dict().items() if shared not in name}
        for number, cell in enumerate(self._cells()):
            for name, value in cell.weights(cell.of(genotype)).items():
                state[f"cells.{number}.arms.{name}"] = value
        network = GenotypeNetwork(genotype, self.skeleton)
        network.load_state_dict(state)
        return network.to(self.classifier.weight.device).train(self.training)

    def _cells(self) -> list[_SuperCell]:
        return cast("list[_SuperCell]", list(self.cells))


class _SuperCell(CellModule):
    """A cell in its place, with the layers of all arms that its nodes may have."""

    #: The name of the layers of all arms, in place of `CellModule.arms`.
    SHARED = "shared"

    def __init__(self, site: Site, encoding: Encoding, *, standardised: bool) -> None:
        super().__init__(site, standardised=standardised)
        self.arms = nn.ModuleList()
        self.reduces = site.reduces
        arms = [
            [Arm(op, state) for state in range(k + 2) for op in encoding.ops]
            for k in range(encoding.nodes)
        ]
        self.shared = nn.ModuleList(
            nn.ModuleDict(
                {_key(arm): arm_layer(arm, site, standardised=standardised) for arm in of_node}
            )
            for of_node in arms
        )

    def of(self, genotype: Genotype) -> Cell:
        """The genotype's cell for this place."""
        return genotype.reduction if self.reduces else genotype.normal

    def layer(self, node: int, side: int) -> nn.Module:
        """The shared layer of an arm of the cell that is in use."""
        return self._shared(node, self.cell.nodes[node][side])

    def weights(self, cell: Cell) -> dict[str, Tensor]:
        """The weights of the arms of a cell, named as in `CellModule.arms`."""
        arms = [self._shared(k, arm) for k, node in enumerate(cell.nodes) for arm in node]
        return {
            f"{number}.{name}": value
            for number, layer in enumerate(arms)
            for name, value in layer.state_dict().items()
        }

    def _shared(self, node: int, arm: Arm) -> nn.Module:
        return cast("nn.ModuleDict", self.shared[node])[_key(arm)]


def _key(arm: Arm) -> str:
    return f"{arm.input}_{arm.op}"
