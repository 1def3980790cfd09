"""Backbones that begin with a supernet's weights. Importing it loads PyTorch and mmengine.

    init_cfg = {"type": "Supernet", "folder": "FOLDER"}

Each takes those of its own path: the first blocks, channels and the middles of kernels, as
`ElasticMobileNet` does. The supernet is trained as a classifier (``lamcts supernet train``), and
the detector then as a whole; so Chen et al., "DetNAS", NeurIPS 2019, but for the supernet of
detectors that they train between the two.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from mmengine.model import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import Tensor, nn

from lamcts.adapters.mmdet.backbones import MobileBackbone
from lamcts.adapters.mmdet.supernets import check_record
from lamcts.adapters.mmdet.trunks import mobile_choices, mobile_point
from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.supernet import ElasticMobileNet
from lamcts.adapters.supernet.folder import load_weights
from lamcts.errors import InvalidArgument, RunError

__all__ = ["SupernetInit", "load_supernet"]


def load_supernet(folder: Path, choices: Choices) -> ElasticMobileNet:
    """The supernet of a folder, with points of a space of backbones.

    Args:
        folder: Where it is; `check_record` has found it to be of these backbones.
        choices: Theirs (`mobile_choices`).

    Raises:
        RunError: Its weights are missing, damaged, or those of another network.
        InvalidArgument: It was not trained on colour images.
    """
    weights = load_weights(folder, 0)
    try:
        channels = weights["whole.features.0.0.weight"].shape[1]
        classes = [value for name, value in weights.items() if "classifier" in name][-1].shape[0]
    except (KeyError, IndexError) as error:
        raise RunError(f"{folder}: the weights are those of another network") from error
    if channels != 3:
        raise InvalidArgument(
            f"supernet: {folder} was trained on images of {channels} channel, and detectors see "
            "3; train one on colour images: lamcts supernet train ... --set data=PATH"
        )
    # Resolution and strides are the backbones'; no weight depends on them.
    family = replace(choices.family, image_channels=channels, classes=classes)
    with torch.device("meta"):  # no random numbers are drawn: the rest begins as without it
        supernet = ElasticMobileNet(family)
    try:
        supernet.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise RunError(f"{folder}: the weights are those of another network") from error
    return supernet


@WEIGHT_INITIALIZERS.register_module(name="Supernet")
class SupernetInit:
    """Weights of a `MobileBackbone` from a supernet, statistics of its normalisation included.

    Args:
        folder: Where the supernet is.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def __call__(self, module: nn.Module) -> None:
        """Load them.

        Raises:
            RunError: No supernet can be read.
            InvalidArgument: The module is no backbone of the supernet's space.
        """
        if not isinstance(module, MobileBackbone):
            raise InvalidArgument(
                f"init_cfg: a supernet's weights are for MobileBackbone, not for "
                f"{type(module).__name__}"
            )
        check_record(self.folder, module.family, module.width)
        choices = mobile_choices(module.family, module.width)
        weights = load_supernet(self.folder, choices).weights(mobile_point(module.arch, choices))
        # Head and classifier are no part of a backbone; other normalisations have no statistics.
        own: dict[str, Tensor] = {name: weights[name] for name in module.state_dict()}
        module.load_state_dict(own)
        if hasattr(module, "_params_init_info"):  # mmengine's report of what began how
            update_init_info(module, f"SupernetInit: from {self.folder}")
