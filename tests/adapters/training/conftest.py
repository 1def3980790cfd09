"""Small networks and a task of plain numbers, for the loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest

torch = pytest.importorskip("torch")


class Line:
    """Fit y = 3 x: 64 points, 4 batches, in an order of PyTorch's own generator."""

    direction: Literal["minimize"] = "minimize"
    steps_per_epoch = 4

    def __init__(self) -> None:
        self.x = torch.linspace(-1.0, 1.0, 64)[:, None]

    def batches(self, epoch: int) -> Iterator[Any]:
        for rows in torch.randperm(64).split(16):
            yield self.x[rows]

    def loss(self, model: Any, batch: Any) -> Any:
        return ((model(batch) - 3.0 * batch) ** 2).mean()

    def score(self, model: Any, split: str = "validation") -> float:
        return float(((model(self.x) - 3.0 * self.x) ** 2).mean())


def build() -> Any:
    """With batch normalisation, whose buffers must be kept and averaged too."""
    return torch.nn.Sequential(
        torch.nn.Linear(1, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1)
    )
