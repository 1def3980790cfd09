"""Layers that networks of several adapters have. Importing this module loads PyTorch."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["DropPath"]


class DropPath(nn.Module):
    """While training, drop a path for some images of a batch and strengthen it for the others.

    Sources: Larsson et al., "FractalNet", ICLR 2017; on residual paths Huang et al., "Deep Networks
    with Stochastic Depth", ECCV 2016.

    Attributes:
        probability: That an image loses the path, in [0, 1); 0 at first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.probability = 0.0

    def forward(self, features: Tensor) -> Tensor:
        """The features, with the same expectation."""
        if not self.training or self.probability == 0.0:
            return features
        keep = 1.0 - self.probability
        kept = features.new_empty(len(features), 1, 1, 1).bernoulli_(keep)
        return features * (kept / keep)
