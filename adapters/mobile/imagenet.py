"""The problems: Once-for-All's MobileNetV3 space and EfficientNet's block space on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcts.adapters.mobile.architectures import efficientnet_names, ofa_names
from lamcts.adapters.mobile.checkpoints import read_checkpoint
from lamcts.adapters.mobile.evaluator import MobileEvaluator
from lamcts.adapters.mobile.families import (
    COMPOUND,
    MODELS,
    PROXY_WIDTH,
    RESOLUTIONS,
    block_space,
    ofa_space,
)
from lamcts.adapters.training import NetworkEvaluator, require_torch
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["EfficientNetImageNet", "MobileNetV3ImageNet"]


class MobileNetV3ImageNet(MobileEvaluator):
    """Once-for-All's MobileNetV3: depth of 5 stages, kernel and expansion of 20 blocks, pixels.

    Args:
        predictor: As in `MobileEvaluator`; in Once-for-All's layouts of 124 or 128 numbers.
        latency: As in `MobileEvaluator`.
        width: Factor on all channels: the released supernets have 1.0 and 1.2.
        resolutions: Heights and widths of the input to choose from.
        supernet: As in `MobileEvaluator`.
        score: As in `MobileEvaluator`.
        data: As in `MobileEvaluator`.
        epochs: Passes over the images, where there is no predictor.
        device: Where to train.
        seed: Fixes the training.
        proxy_width: As in `MobileEvaluator`; 1 for the networks themselves.
        proxy_size: As in `MobileEvaluator`.
        proxy_images: As in `MobileEvaluator`.

    Raises:
        InvalidArgument: A width or resolution that makes no network, or a file that does not fit.
    """

    def __init__(
        self,
        *,
        predictor: str | Path | None = None,
        latency: Path | None = None,
        width: float = 1.0,
        resolutions: tuple[int, ...] = RESOLUTIONS,
        supernet: Path | None = None,
        score: str | None = None,
        data: Path | None = None,
        epochs: int = 4,
        device: str = "cpu",
        seed: int = 0,
        proxy_width: float = PROXY_WIDTH,
        proxy_size: int = NetworkEvaluator.proxy_size,
        proxy_images: int = NetworkEvaluator.proxy_images,
    ) -> None:
        if not 0.0 < width < 100.0:
            raise InvalidArgument(f"width: {width!r} makes no network; use a factor such as 1.2")
        if not resolutions or min(resolutions) < 1 or len(set(resolutions)) < len(resolutions):
            raise InvalidArgument(
                f"resolutions: {resolutions!r} are not different sizes; give pixels, say 160,192"
            )
        super().__init__(
            ofa_space(width, tuple(resolutions)),
            {
                "width": width,
                "resolutions": list(resolutions),
                "proxy_width": proxy_width,
                "proxy_size": proxy_size,
                "proxy_images": proxy_images,
            },
            ofa_names(),
            predictor=predictor,
            latency=latency,
            supernet=supernet,
            score=score,
            data=data,
            epochs=epochs,
            device=device,
            seed=seed,
            proxy_width=proxy_width,
            proxy_size=proxy_size,
            proxy_images=proxy_images,
        )

    def import_settings(self) -> dict[str, Any]:
        """Networks of full width on images of the greatest resolution, as many as memory holds."""
        most = max(scale.resolution for scale in self.choices.family.scales)
        return {"proxy_width": 1.0, "proxy_size": most, "proxy_images": 2000}

    def read_supernet(self, file: Path, supernet: nn.Module) -> Mapping[str, Any]:
        """The weights of one of Once-for-All's own supernets, of which ours has the networks.

        Raises:
            InvalidArgument: A file that is none, or of other shapes; or images with which our
                networks are not theirs.
        """
        require_torch()
        from lamcts.adapters.mobile.ofa import elastic_weights
        from lamcts.adapters.mobile.supernet import ElasticMobileNet

        assert isinstance(supernet, ElasticMobileNet)
        copies, family = supernet.choices.family, self.choices.family
        theirs = replace(
            family,
            scales=tuple(replace(scale, dropout=0.0) for scale in family.scales),
            classes=copies.classes,
        )
        if copies != theirs:
            wanted = self.import_settings()
            raise InvalidArgument(
                "data: with these images the networks are not those of the checkpoint; use "
                f"proxy_width=1 and colour images of {wanted['proxy_size']} pixels, at least 64"
            )
        return elastic_weights(read_checkpoint(file, "checkpoint"), supernet)


class EfficientNetImageNet(MobileEvaluator):
    """The EfficientNet/MnasNet block space: 7 stages at the scales of EfficientNet-B0 to B7.

    Each stage has an expansion, a kernel, a depth, and squeeze-and-excitation or none.

    Args:
        predictor: As in `MobileEvaluator`; it takes all choices one-hot, in the order of a point.
        latency: As in `MobileEvaluator`.
        models: Scales to choose from.
        supernet: As in `MobileEvaluator`.
        score: As in `MobileEvaluator`.
        data: As in `MobileEvaluator`.
        epochs: Passes over the images, where there is no predictor.
        device: Where to train.
        seed: Fixes the training.

    Raises:
        UnknownName: No such model.
        InvalidArgument: A file that does not fit.
    """

    def __init__(
        self,
        *,
        predictor: str | Path | None = None,
        latency: Path | None = None,
        models: tuple[str, ...] = MODELS,
        supernet: Path | None = None,
        score: str | None = None,
        data: Path | None = None,
        epochs: int = 4,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        scales = {scale.name: scale for scale in COMPOUND}
        for name in models:
            if name not in scales:
                raise UnknownName(f"models: {name!r} is not known; {did_you_mean(name, scales)}")
        if not models or len(set(models)) < len(models):
            raise InvalidArgument(f"models: {models!r} are not different scales; give b0,b1 say")
        super().__init__(
            block_space(tuple(scales[name] for name in models)),
            {"models": list(models)},
            efficientnet_names(),
            predictor=predictor,
            latency=latency,
            supernet=supernet,
            score=score,
            data=data,
            epochs=epochs,
            device=device,
            seed=seed,
        )
