"""The PyTorch network of a description. Importing this module loads PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lamcts.adapters.mobile.stages import Activation, Block, Gate, Network
from lamcts.adapters.training.layers import DropPath

__all__ = ["Bottleneck", "MobileNet", "Resized", "resize"]

_ACTIVATIONS: dict[Activation, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hswish": nn.Hardswish,
    "swish": nn.SiLU,
}


class MobileNet(nn.Module):
    """Maps images (n, image_channels, resolution, resolution) to logits (n, classes)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        act = network.activation
        last = network.blocks[-1].outputs
        self.features = nn.Sequential(
            _ConvBn(network.image_channels, network.stem, 3, stride=network.stem_stride, act=act),
            *(Bottleneck(block, network.gate) for block in network.blocks),
            _ConvBn(last, network.head, 1, act=act),
        )
        layers: list[nn.Module] = []
        if network.hidden:
            layers.append(nn.Linear(network.head, network.hidden, bias=network.hidden_bias))
            layers.append(_ACTIVATIONS[act]())
        layers.append(nn.Dropout(network.dropout))
        layers.append(nn.Linear(network.hidden or network.head, network.classes))
        self.classifier = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of a batch of images."""
        pooled = self.features(images).mean(dim=(2, 3))
        logits: Tensor = self.classifier(pooled)
        return logits

    def set_drop_path(self, probability: float) -> None:
        """From now on drop paths beside residuals: rising over the blocks, from 0 to nearly this.

        So it is in EfficientNet's code.
        """
        blocks = [block for block in self.features if isinstance(block, Bottleneck)]
        for nth, block in enumerate(blocks):
            block.drop_path.probability = probability * nth / len(blocks)


class Resized(nn.Module):
    """A network that sees images at its own resolution, whatever theirs is."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.resolution = MobileNet(network), network.resolution

    def forward(self, images: Tensor) -> Tensor:
        """Logits of images (n, image_channels, any, any)."""
        logits: Tensor = self.network(resize(images, self.resolution))
        return logits


def resize(images: Tensor, size: int) -> Tensor:
    """Images (n, channels, any, any) as (n, channels, size, size)."""
    if images.shape[-2:] == (size, size):
        return images
    return interpolate(images, (size, size), mode="bilinear", antialias=True)


class Bottleneck(nn.Module):
    """An inverted bottleneck: (n, inputs, size, size) to (n, outputs, output size, output size)."""

    def __init__(self, block: Block, gate: Gate) -> None:
        super().__init__()
        self.residual = block.residual
        self.drop_path = DropPath()
        middle, act = block.expanded, block.activation
        layers: list[nn.Module] = []
        if middle != block.inputs:
            layers.append(_ConvBn(block.inputs, middle, 1, act=act))
        layers.append(
            _ConvBn(middle, middle, block.kernel, stride=block.stride, groups=middle, act=act)
        )
        if block.squeeze:
            layers.append(_SqueezeExcitation(middle, block.squeeze, gate))
        layers.append(_ConvBn(middle, block.outputs, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """The block's output, with its input added where that is possible."""
        out: Tensor = self.layers(features)
        return features + self.drop_path(out) if self.residual else out


class _ConvBn(nn.Sequential):
    """Convolution without bias, batch normalisation, activation; "same" padding."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        act: Activation | None = None,
    ) -> None:
        conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        layers: list[nn.Module] = [conv, nn.BatchNorm2d(outputs)]
        if act is not None:
            layers.append(_ACTIVATIONS[act]())
        super().__init__(*layers)


class _SqueezeExcitation(nn.Module):
    """Each channel times a gate that the means of all channels set."""

    def __init__(self, channels: int, squeeze: int, gate: Gate) -> None:
        super().__init__()
        hard = gate == "hsigmoid"
        self.layers = nn.Sequential(
            nn.Conv2d(channels, squeeze, 1),
            nn.ReLU() if hard else nn.SiLU(),
            nn.Conv2d(squeeze, channels, 1),
            nn.Hardsigmoid() if hard else nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """(n, channels, h, w) to the same shape."""
        means = features.mean(dim=(2, 3), keepdim=True)
        return torch.mul(features, self.layers(means))
