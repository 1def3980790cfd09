"""The handwritten digits: a fixed, stratified split of real images."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from lamcts.adapters.training import digits


def test_the_splits_hold_every_image_once() -> None:
    data = digits()
    sizes = [len(split.labels) for split in (data.train, data.validation, data.test)]
    assert sizes == [600, 600, 597]
    images = np.concatenate([s.images for s in (data.train, data.validation, data.test)])
    pixels, _ = load_digits(return_X_y=True)
    # Undo the scaling with the extremes that both have: 0 and 16.
    low, high = images.min(), images.max()
    restored = np.rint((images.reshape(-1, 64) - low) / (high - low) * 16)
    assert sorted(map(tuple, restored.tolist())) == sorted(map(tuple, pixels.tolist()))


def test_the_splits_are_stratified() -> None:
    data = digits()
    for split in (data.train, data.validation, data.test):
        counts = np.bincount(split.labels, minlength=10)
        assert counts.max() - counts.min() <= 5
        assert split.labels.dtype == np.int64


def test_only_the_training_images_set_the_scale() -> None:
    images = digits().train.images
    assert images.dtype == np.float32
    assert images.shape[1:] == (1, 8, 8)
    np.testing.assert_allclose([images.mean(), images.std()], [0.0, 1.0], atol=1e-5)
