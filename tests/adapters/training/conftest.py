"""Small networks and a task of plain numbers, for the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import pytest

from lamcts.adapters.training import ImageData, Split

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in every test: several threads wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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

    def score(self, model: Any, split: str = "validation") -> float | None:
        return float(((model(self.x) - 3.0 * self.x) ** 2).mean())


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def build() -> Callable[[], Any]:
    """With batch normalisation, whose buffers must be kept too, and dropout, which draws."""
    return lambda: torch.nn.Sequential(
        torch.nn.Linear(1, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1)
    )


def pictures(count: int = 24, size: int = 8, channels: int = 3, classes: int = 3) -> ImageData:
    """Random images whose class is a bright colour channel; pixels of 256 levels."""
    rng = np.random.default_rng(0)
    mean, std = (0.4,) * channels, (0.3,) * channels

    def split(seed: int) -> Split:
        labels = np.arange(count) % classes
        pixels = rng.integers(0, 200, (count, channels, size, size))
        pixels[np.arange(count), labels] += 55
        return Split(((pixels / 255.0 - 0.4) / 0.3).astype(np.float32), labels.astype(np.int64))

    return ImageData(split(0), split(1), split(2), mean=mean, std=std, name="pictures")


def convolution() -> Any:
    """A small network of colour images."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1, bias=False),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 3),
    )


def weights(model: Any) -> dict[str, Any]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two networks are the same, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
