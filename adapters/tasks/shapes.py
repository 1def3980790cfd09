"""Drawn shapes with their masks, for trying out segmentation. No photographs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.tasks.data import Data

__all__ = ["CLASSES", "shapes"]

#: What a pixel can belong to.
CLASSES = ("background", "disc", "square")


def shapes(*, count: int = 240, size: int = 24, seed: int = 0) -> Data:
    """Discs and squares of any grey on a striped, noisy ground, one to three in an image.

    Args:
        count: Images to train on; half as many each to validate and to test.
        size: Height and width.
        seed: Of everything that is drawn.

    Returns:
        Inputs (n, 1, size, size) in [0, 1] and targets (n, size, size): places in `CLASSES`.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for n in (count, count // 2, count // 2):
        drawn = [_drawn(rng, size) for _ in range(n)]
        parts.append((np.stack([image for image, _ in drawn]), np.stack([m for _, m in drawn])))
    return Data(*parts)


def _drawn(rng: Any, size: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """An image (1, size, size) and its mask."""
    y, x = np.mgrid[:size, :size] / size
    angle, waves, phase = rng.uniform(0, np.pi), rng.uniform(1, 6), rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    image = 0.5 + 0.2 * np.sin(2 * np.pi * waves * along + phase)
    mask = np.zeros((size, size), dtype=np.int64)
    for _ in range(rng.integers(1, 4)):
        kind = int(rng.integers(1, len(CLASSES)))
        (v, u), radius = rng.uniform(0.2, 0.8, 2), rng.uniform(0.15, 0.3)
        across, down = np.abs(x - u), np.abs(y - v)
        distance = np.hypot(across, down) if kind == 1 else np.maximum(across, down)
        inside = distance < radius
        image[inside] = rng.uniform(0.1, 0.9)
        mask[inside] = kind
    image = np.clip(image + rng.normal(0.0, 0.1, image.shape), 0.0, 1.0)
    return image[None].astype(np.float32), mask
