"""An elastic supernet: one largest network that holds all others. Importing it loads PyTorch.

A smaller network takes the first blocks of every stage, the first channels of every layer, and the
middle of every depthwise kernel, times a small learned matrix. What it takes are views of the
shared weights, named as in `MobileNet`, and `MobileNet`'s own code computes with them.

Source: Cai et al., "Once-for-All", ICLR 2020, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import linear

from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.network import Bottleneck, MobileNet, Resized, resize
from lamcts.adapters.mobile.stages import Block, Family, Gate, Network

__all__ = ["ElasticMobileNet"]

Weights = dict[str, Tensor]


class ElasticMobileNet(nn.Module):
    """The weights of all networks of a family.

    Args:
        family: The networks.
    """

    leaves_weights_out = True  # of the blocks beyond a step's networks; `fit` asks

    def __init__(self, family: Family) -> None:
        super().__init__()
        self.choices = Choices(family)
        network = _largest(self.choices)
        self.roles = [_roles(block) for block in network.blocks]
        self.whole = MobileNet(network)
        #: For each block, by the size of a smaller kernel: what its middle is multiplied by.
        self.transforms = nn.ModuleList(
            nn.ParameterDict({str(k): nn.Parameter(torch.eye(k * k)) for k in sizes[1:]})
            for sizes in map(self._kernels, range(len(network.blocks)))
        )

    def forward(self, images: Tensor, point: Any) -> Tensor:
        """Logits of the network of a point, at its own resolution.

        Args:
            images: (n, image_channels, any, any); resized where that is not the resolution.
            point: A point of the family's space.
        """
        network, places = self._of(point)
        *features, classifier = self._parts(network, places)
        found = resize(images, network.resolution)
        for part, weights in features:
            found = functional_call(part.train(self.training), weights, (found,))
        part, weights = classifier
        logits: Tensor = functional_call(
            part.train(self.training), weights, (found.mean(dim=(2, 3)),)
        )
        return logits

    def network(self, point: Any) -> Resized:
        """The network of a point with a copy of its weights, behind a change of resolution."""
        network, _ = self._of(point)
        alone = Resized(network)
        alone.network.load_state_dict(self.weights(point))
        return alone.to(next(self.parameters()).device).train(self.training)

    def weights(self, point: Any) -> Weights:
        """A copy of the weights of a point's network, named as in `MobileNet`."""
        network, places = self._of(point)
        names = [f"features.{number}" for number in range(len(places) + 2)] + ["classifier"]
        return {
            f"{name}.{key}": value.detach().clone()
            for name, (_, weights) in zip(names, self._parts(network, places), strict=True)
            for key, value in weights.items()
        }

    def _of(self, point: Any) -> tuple[Network, list[int]]:
        """The network of a point, and the places of its blocks."""
        row = self.choices.row(point)
        places = np.flatnonzero(self.choices.active(row[None])[0])
        return self.choices.network(row), places.tolist()

    def _parts(self, network: Network, places: list[int]) -> Iterator[tuple[nn.Module, Weights]]:
        """Stem, blocks, head and classifier: layers without weights, and the weights for them."""
        ends = _ends(replace(network, blocks=network.blocks[-1:]))
        shared = self.whole.features
        # The whole's own layers where there are: a recipe sets their dropout and momentum.
        yield shared[0], _first(ends.features[0], _state(shared[0]))
        for block, place in zip(network.blocks, places, strict=True):
            yield self._block(block, network, place)
        yield shared[-1], _first(ends.features[-1], _state(shared[-1]))
        yield self.whole.classifier, _first(ends.classifier, _state(self.whole.classifier))

    def _block(self, block: Block, network: Network, place: int) -> tuple[nn.Module, Weights]:
        """One block and the weights for it."""
        part, roles, shared_roles = (
            _bottleneck(block, network.gate, self._momentum),
            _roles(block),
            self.roles[place],
        )
        state = _state(self.whole.features[place + 1])
        shared: Weights = {}
        for number, role in enumerate(roles):
            theirs = f"layers.{shared_roles.index(role)}."
            shared |= {
                f"layers.{number}.{name.removeprefix(theirs)}": value
                for name, value in state.items()
                if name.startswith(theirs)
            }
        depthwise = f"layers.{roles.index('depthwise')}.0.weight"
        shared[depthwise] = self._kernel(shared[depthwise], place, block.kernel)
        return part, _first(part, shared)

    def _kernel(self, weight: Tensor, place: int, size: int) -> Tensor:
        """(channels, 1, size, size) of a depthwise weight: its middle, by the learned matrices."""
        transforms = self.transforms[place]
        assert isinstance(transforms, nn.ParameterDict)
        for kernel in self._kernels(place)[1:]:
            if kernel < size:
                break
            edge = (weight.shape[-1] - kernel) // 2
            middle = weight[:, :, edge : edge + kernel, edge : edge + kernel]
            weight = linear(middle.flatten(1), transforms[str(kernel)]).view_as(middle)
        return weight

    @property
    def _momentum(self) -> float | None:
        """Of all batch normalisations."""
        return next(m.momentum for m in self.modules() if isinstance(m, nn.BatchNorm2d))

    def _kernels(self, place: int) -> list[int]:
        """The sizes of a block's kernel, the largest first."""
        stage, _ = self.choices.places[place]
        return sorted(self.choices.family.stages[stage].kernels, reverse=True)


def _largest(choices: Choices) -> Network:
    """A network of all blocks there can be, each as large as the largest of its place."""
    family = choices.family
    scales = range(len(family.scales))
    blocks = []
    for stage, nth in choices.places:
        options = family.stages[stage]
        counts = (scales, options.kernels, options.expands, options.squeeze)
        all_sizes = [
            family.block(scale, stage, nth, kernel=kernel, expand=expand, squeeze=squeeze)
            for scale, kernel, expand, squeeze in product(*counts)
        ]
        sizes = ("inputs", "expanded", "outputs", "kernel", "squeeze", "size")
        most = {name: max(getattr(block, name) for block in all_sizes) for name in sizes}
        blocks.append(replace(all_sizes[0], **most))
    networks = [family.network(scale, tuple(blocks)) for scale in scales]
    ends = ("resolution", "stem", "head", "hidden")
    return replace(networks[0], **{n: max(getattr(net, n) for net in networks) for n in ends})


def _roles(block: Block) -> list[str]:
    """What the layers of a `Bottleneck` are, in order."""
    has = {
        "up": block.expanded != block.inputs,
        "depthwise": True,
        "squeeze": block.squeeze > 0,
        "down": True,
    }
    return [role for role, there in has.items() if there]


def _state(module: nn.Module) -> Weights:
    return dict(module.state_dict(keep_vars=True))


def _first(part: nn.Module, shared: Weights) -> Weights:
    """Of each shared weight what the part needs: the first channels in every direction."""
    return {
        name: shared[name][tuple(map(slice, value.shape))]
        for name, value in part.state_dict().items()
    }


@lru_cache(maxsize=4096)
def _bottleneck(block: Block, gate: Gate, momentum: float | None) -> Bottleneck:
    """A block without weights, whose batch normalisations have this momentum."""
    with torch.device("meta"):
        found = Bottleneck(block, gate)
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
    return found


@lru_cache(maxsize=4096)
def _ends(network: Network) -> MobileNet:
    """A network of one block, the last, for its stem, head and classifier; without weights."""
    with torch.device("meta"):
        return MobileNet(network)
