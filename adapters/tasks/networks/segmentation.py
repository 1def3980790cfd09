"""A U-Net: a class for every pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lamcts.adapters.tasks.networks.vision import Block, make_block, norm

__all__ = ["UNet"]


class UNet(nn.Module):
    """Images (n, channels, height, width) to scores of the classes (n, classes, height, width).

    Down by halves and up again, each level twice as wide as the one above (Ronneberger et al.,
    2015), with the blocks of `lamcts.adapters.tasks.networks.vision`.

    Args:
        channels: Of the images.
        classes: Of the pixels.
        width: Channels of the top level.
        levels: From 1 up; height and width are to be multiples of ``2 ** (levels - 1)``.
        depth: Blocks of each level, on either way.
        kernel: Height and width of the convolutions; odd.
        block: Which block.
        skip: Whether the way up sees the feature maps of the way down.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        width: int,
        levels: int = 3,
        depth: int = 1,
        kernel: int = 3,
        block: Block = "plain",
        skip: bool = True,
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]

        def blocks(inputs: int, outputs: int) -> nn.Sequential:
            fitted = nn.Sequential(nn.Conv2d(inputs, outputs, 1), norm(outputs), nn.ReLU())
            return nn.Sequential(
                fitted, *(make_block(block, outputs, kernel) for _ in range(depth))
            )

        self.skip = skip
        self.down = nn.ModuleList(
            blocks(inputs, outputs)
            for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        seen = 2 if skip else 1
        self.up = nn.ModuleList(
            blocks(2 * width + (seen - 1) * width, width) for width in reversed(widths[:-1])
        )
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(n, classes, height, width) of (n, channels, height, width)."""
        x, passed = images, []
        for level, down in enumerate(self.down):
            x = down(interpolate(x, scale_factor=0.5, mode="area") if level else x)
            passed.append(x)
        for up, other in zip(self.up, reversed(passed[:-1]), strict=True):
            x = interpolate(x, scale_factor=2.0, mode="nearest")
            x = up(torch.cat([x, other], dim=1) if self.skip else x)
        scores: Tensor = self.head(x)
        return scores
