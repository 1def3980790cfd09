"""A class for every pixel: a U-Net and its training, searched together.

    lamcts run problems/my_segmentation_task.py

On drawn discs and squares. Copy this file and override ``load_data`` to use images and masks of
yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamcts.adapters.tasks import Segmentation
from lamcts.spaces import Box, Dict, Discrete

if TYPE_CHECKING:
    from torch import nn


class MySegmentationTask(Segmentation):
    """Intersection over union on drawn shapes; settings as in `TorchTask`."""

    constraints = ("params<=30e3",)
    space = Dict(
        width=Box(4, 12, dtype=int),
        levels=Box(1, 3, dtype=int),
        depth=Box(1, 2, dtype=int),
        kernel=Discrete(2),  # 3, 5
        block=Discrete(4),  # plain, residual, inverted, depthwise
        skip=Discrete(2),
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
    )

    def build(self, x: Any) -> nn.Module:
        """A network for grey images in [0, 1]."""
        from lamcts.adapters.tasks.networks.segmentation import UNet
        from lamcts.adapters.tasks.networks.vision import BLOCKS

        return UNet(
            1,
            len(self.classes),
            width=x["width"],
            levels=x["levels"],
            depth=x["depth"],
            kernel=(3, 5)[x["kernel"]],
            block=BLOCKS[x["block"]],
            skip=bool(x["skip"]),
        )
