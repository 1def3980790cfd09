"""Your own images: architecture and training searched together, under a limit of parameters.

    lamcts run problems/my_cv_task.py --set data=FOLDER
    lamcts run problems/my_cv_task.py --prune halving

``FOLDER`` holds a folder of images for each class; without it, handwritten digits are read. Copy
this file to change the space, the limit, or ``build`` to a network of yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamcts.adapters.tasks import ImageClassification
from lamcts.spaces import Box, Dict, Discrete

if TYPE_CHECKING:
    from torch import nn


class MyCVTask(ImageClassification):
    """Validation accuracy of a convolutional network; settings as in `TorchTask`."""

    constraints = ("params<=20e3",)
    space = Dict(
        width=Box(1, 8, dtype=int),  # times 4 channels
        stages=Box(1, 3, dtype=int),
        depth=Box(1, 3, dtype=int),
        kernel=Discrete(3),  # 3, 5, 7
        block=Discrete(4),  # plain, residual, inverted, depthwise
        squeeze=Discrete(2),
        attention=Discrete(2),
        dropout=Box(0.0, 0.4),
        crop=Discrete(2),  # none, pad
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
        label_smoothing=Box(0.0, 0.2),
    )

    def build(self, x: Any) -> nn.Module:
        """A network for images in [0, 1]."""
        from lamcts.adapters.tasks.networks.vision import BLOCKS, ConvNet

        channels, classes = self.shape
        network = ConvNet(
            channels,
            classes,
            width=4 * x["width"],
            stages=x["stages"],
            depth=x["depth"],
            kernel=(3, 5, 7)[x["kernel"]],
            block=BLOCKS[x["block"]],
            squeeze=bool(x["squeeze"]),
            attention=bool(x["attention"]),
            dropout=x["dropout"],
        )
        return self.normalised(network)
