"""Layers that networks of several adapters have. Importing this module loads PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DropPath"]


class DropPath(nn.Module):
    """While training, drop a path for some images of a batch and strengthen it for the others.

    Sources: Larsson et al., "FractalNet", ICLR 2017; on residual paths Huang et al., "Deep Networks
    with Stochastic Depth", ECCV 2016.
    """

    keep: Tensor

    def __init__(self) -> None:
        super().__init__()
        self._probability = 0.0
        self._drops = False
        # A tensor: of a number that changes every epoch torch.compile would compile each anew.
        self.register_buffer("keep", torch.ones(()), persistent=False)

    @property
    def probability(self) -> float:
        """That an image loses the path, in [0, 1); 0 at first."""
        return self._probability

    @probability.setter
    def probability(self, value: float) -> None:
        self._probability, self._drops = value, value > 0.0
        self.keep.fill_(1.0 - value)

    def forward(self, features: Tensor) -> Tensor:
        """The features, with the same expectation."""
        if not self.training or not self._drops:
            return features
        kept = torch.rand(len(features), 1, 1, 1, device=features.device) < self.keep
        return features * (kept / self.keep).to(features.dtype)
