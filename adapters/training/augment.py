"""Random changes of images, by batch, and how images are seen in a test. Loads PyTorch.

Whatever torchvision has is torchvision's, imported when a recipe asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from lamcts.adapters.training.recipe import Recipe
from lamcts.errors import DependencyNotInstalled

__all__ = [
    "cutout",
    "flipped",
    "make_policy",
    "mixed",
    "padded_crop",
    "resized",
    "scored_view",
    "transforms",
]


def transforms(what: str) -> Any:
    """Torchvision's transforms, of which ``what`` needs one.

    Raises:
        DependencyNotInstalled: When torchvision is missing.
    """
    try:
        from torchvision.transforms import v2
    except ImportError as error:
        raise DependencyNotInstalled(
            f'{what} needs torchvision, which is not installed; run: pip install "lamcts[vision]"'
        ) from error
    return v2


def padded_crop(images: Tensor, padding: int, fill: Tensor) -> Tensor:
    """Every image padded on all sides and cut back to its size at random.

    Args:
        images: (n, c, h, w).
        padding: Pixels on every side.
        fill: (c,), what the padding holds.
    """
    count, channels, height, width = images.shape
    fill = fill[:, None, None]
    wide = pad(images - fill, (padding,) * 4) + fill
    top, left = torch.randint(2 * padding + 1, (2, count), device=images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    each = torch.arange(count, device=images.device)[:, None, None, None]
    channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return wide[each, channel, rows[:, None, :, None], columns[:, None, None, :]]


def flipped(images: Tensor) -> Tensor:
    """Every image mirrored, left to right, with probability one half."""
    mirror = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirror[:, None, None, None], images.flip(3), images)


def cutout(images: Tensor, size: int) -> Tensor:
    """A square of every image set to 0, the mean; its centre is anywhere in the image.

    Source: DeVries, Taylor, "Improved Regularization of Convolutional Neural Networks with
    Cutout", 2017.

    Args:
        images: (n, c, h, w), of zero mean.
        size: Height and width of the square; what is outside of the image is cut off.
    """
    count, _, height, width = images.shape
    ranges = [torch.arange(length, device=images.device) for length in (height, width)]
    covered = []
    for line in ranges:
        start = torch.randint(len(line), (count, 1), device=images.device) - size // 2
        covered.append((line >= start) & (line < start + size))
    rows, columns = covered
    square = rows[:, None, :, None] & columns[:, None, None, :]
    return images.masked_fill(square, 0.0)


def mixed(images: Tensor, labels: Tensor, recipe: Recipe, classes: int) -> tuple[Tensor, Tensor]:
    """CutMix or Mixup of a batch, where the recipe has them: (n, classes) for its labels then.

    Sources: Yun et al., "CutMix", ICCV 2019; Zhang et al., "mixup", ICLR 2018.
    """
    kinds = [name for name in ("CutMix", "MixUp") if getattr(recipe, name.lower())]
    if not kinds:
        return images, labels
    v2 = transforms("mixup and cutmix")
    for _ in range(recipe.mixes):
        if float(torch.rand(())) < recipe.mix_probability:
            kind = kinds[int(torch.randint(len(kinds), ()))]
            mix = getattr(v2, kind)(alpha=getattr(recipe, kind.lower()), num_classes=classes)
            images, labels = mix(images, labels)
    return images, labels


def make_policy(recipe: Recipe) -> Callable[[Any], Any]:
    """Torchvision's changes of colour and shape of a recipe, for one image of 8 bits a pixel.

    Sources: Cubuk et al., "AutoAugment", CVPR 2019, and "RandAugment", NeurIPS 2020.
    """
    v2 = transforms(f"policy: {recipe.policy}")
    if recipe.policy == "randaugment":
        change = v2.RandAugment(recipe.operations, recipe.magnitude)
    else:
        kind = recipe.policy.removeprefix("autoaugment-").upper()
        change = v2.AutoAugment(v2.AutoAugmentPolicy[kind])
    found: Callable[[Any], Any] = change
    return found


def resized(images: Tensor, size: int | None) -> Tensor:
    """Images of another height and width; ``None`` for their own."""
    if size is None or images.shape[2:] == (size, size):
        return images
    return interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)


def scored_view(images: Tensor, size: int | None, crop: float) -> Tensor:
    """Images as a test sees them: resized so that ``size`` is the share ``crop``, and cut out."""
    size = images.shape[2] if size is None else size
    wide = round(size / crop)
    start = (wide - size) // 2
    return resized(images, wide)[:, :, start : start + size, start : start + size]
