"""Images: classified, or segmented pixel by pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.adapters.tasks.data import Data
from lamcts.adapters.tasks.images import read_image_folder
from lamcts.adapters.tasks.shapes import CLASSES, shapes
from lamcts.adapters.tasks.torch_task import TorchTask
from lamcts.adapters.training import Recipe, Split, digits
from lamcts.adapters.training.data import DIGITS
from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ImageClassification", "Segmentation"]


class ImageClassification(TorchTask):
    """A `TorchTask` on images in [0, 1]; the score is the accuracy.

    ``data`` is a folder that `read_image_folder` reads; by default, scikit-learn's handwritten
    digits. The points may set ``flip`` (mirror every other image) and ``crop`` (shift images by up
    to an eighth) too.

    Attributes:
        size: Height and width that a folder's images are resized to.
        grey: Whether a folder's images lose their colours.
    """

    follows = (*TorchTask.follows, "flip", "crop")
    size: int = 32
    grey: bool = False

    def load_data(self) -> Data:
        """The images; ``classes`` and ``notice`` say what they are."""
        if self.data is None:
            self.notice = f"Data: {DIGITS}; yours: --set data=FOLDER, with a folder for each class"
            stand_in = digits()
            self.classes = tuple("0123456789")
            parts = (stand_in.train, stand_in.validation, stand_in.test)
            return Data(*(_in_unit_range(part, stand_in) for part in parts))
        data, names = read_image_folder(
            self.data, size=self.size, grey=self.grey, seed=self.base.seed
        )
        self.classes = tuple(names)
        return data

    @property
    def shape(self) -> tuple[int, int]:
        """Channels of the images, and number of classes."""
        images, _ = self.data_for(None).train
        return images.shape[1], len(self.classes)

    def normalised(self, network: nn.Module) -> nn.Module:
        """A network that is given images of zero mean and unit variance, from images in [0, 1].

        Mean and variance are those of the training images; they become part of the network.
        """
        from torch import nn

        from lamcts.adapters.tasks.networks.vision import Normalise

        images, _ = self.data_for(None).train
        mean, std = images.mean((0, 2, 3)), images.std((0, 2, 3))
        # A channel that is the same everywhere, an empty one say, has no deviation.
        scale = [max(deviation, 1e-6) for deviation in std.tolist()]
        return nn.Sequential(Normalise(mean.tolist(), scale), network)

    def augment(self, inputs: Tensor, recipe: Recipe) -> Tensor:
        """Shifted and mirrored images, where the recipe has it so."""
        from lamcts.adapters.training.augment import flipped, padded_crop

        if recipe.crop == "resized":
            raise InvalidArgument("crop: 'resized' is for ImageTask; use 'pad' or 'none' here")
        if recipe.crop == "pad":
            inputs = padded_crop(inputs, max(1, inputs.shape[2] // 8), inputs.mean((0, 2, 3)))
        return flipped(inputs) if recipe.flip else inputs

    def assets(self, x: Any) -> dict[str, Any]:
        """What the network is given, and what it answers."""
        channels, _ = self.shape
        images, _ = self.data_for(None).train
        return {
            "input.json": {"channels": channels, "size": images.shape[2], "range": [0.0, 1.0]},
            "classes.json": list(self.classes),
        }


class Segmentation(TorchTask):
    """A `TorchTask` whose score is the intersection over union, of drawn shapes unless overridden.

    Targets are (n, height, width), a class for every pixel; class 0 is the background. Outputs are
    (n, classes, height, width). The figure of an image is the mean over its classes but the
    background, of the pixels that are of a class in both, per pixels in either.
    """

    base = replace(TorchTask.base, batch_size=8)
    classes = CLASSES

    def load_data(self) -> Data:
        """Drawn shapes: 240 images to train on, 120 to validate, 120 to test.

        Raises:
            InvalidArgument: Data were given, which nothing here reads.
        """
        if self.data is not None:
            raise InvalidArgument(f"data: {self.data!r} is not read; override load_data to do so")
        self.notice = "Data: drawn discs and squares, no photographs; yours: override load_data"
        return shapes(seed=self.base.seed)

    def metric(self, outputs: Any, targets: Tensor) -> Tensor:
        """(n,) intersection over union of each image, in [0, 1]."""
        import torch
        from torch.nn.functional import one_hot

        count = outputs.shape[1]
        found, there = (
            one_hot(pixels, count)[..., 1:].flatten(1, 2).bool()
            for pixels in (outputs.argmax(1), targets)
        )
        both, either = (found & there).sum(1).float(), (found | there).sum(1).float()
        present = (either > 0).sum(1)
        each = torch.where(either > 0, both / either.clamp(min=1), torch.zeros_like(both))
        return torch.where(present > 0, each.sum(1) / present.clamp(min=1), 1.0)


def _in_unit_range(part: Split, data: Any) -> tuple[Any, Any]:
    """Images whose scaling to zero mean is undone: the network does it."""
    return np.clip(part.images * data.std[0] + data.mean[0], 0.0, 1.0), part.labels
