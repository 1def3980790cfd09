"""Whether a supernet's networks are those of a space of backbones. No PyTorch here."""

from __future__ import annotations

import math
from pathlib import Path

from lamcts.adapters.mobile.families import PROXY_WIDTH
from lamcts.adapters.supernet.folder import read_record
from lamcts.errors import InvalidArgument, RunError

__all__ = ["check_record"]


def check_record(folder: Path, family: str, width: float) -> None:
    """Refuse a supernet that is not of the backbones of a space.

    Args:
        folder: Where it is.
        family: The space of mobile networks, by name.
        width: The factor on the channels of the backbones.

    Raises:
        RunError: The folder holds no trained supernet.
        InvalidArgument: It is of another space or width, or was split.
    """
    record = read_record(folder)
    if not record.trained:
        raise RunError(f"supernet: {folder} is not trained to its end; go on with --resume")
    settings = record.settings
    if "models" in settings:
        theirs, wide = "efficientnet", PROXY_WIDTH
        if list(settings["models"]) != ["b0"]:
            raise InvalidArgument(
                f"supernet: {folder} is of the models {', '.join(settings['models'])}, and "
                "backbones are B0's; train one with --set models=b0"
            )
    elif "resolutions" in settings:
        theirs = "mobilenetv3"
        wide = settings["width"] * settings.get("proxy_width", PROXY_WIDTH)
    else:
        raise InvalidArgument(
            f"supernet: {folder} is not of mobile networks; "
            f"train one: lamcts supernet train {family}_imagenet --out FOLDER"
        )
    if theirs != family:
        raise InvalidArgument(
            f"supernet: {folder} is of the space {theirs}, and this is {family}; "
            f"use --set family={theirs}"
        )
    if not math.isclose(wide, width):
        # An EfficientNet's width is its model's: only the backbones' can be set.
        other = "" if family == "efficientnet" else f", or train one with width={width * 8:g}"
        raise InvalidArgument(
            f"supernet: {folder} has networks {wide:g} wide, and this is "
            f"width={width:g}; use --set width={wide:g}{other}"
        )
    if record.split is not None:
        raise InvalidArgument(
            f"supernet: {folder} was split into {len(record.parts)} parts; give the whole one"
            + (f", {record.source}" if record.source else "")
        )
