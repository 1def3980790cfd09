"""What a configured detector costs, counted on the model itself without computing anything.

    python -m lamcts.adapters.mmdet.counting fcos_found.py --size 1280x800

Of backbone, neck and head apart, for any configuration of a one-stage detector.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lamcts.adapters.mmdet.detector import padded, parse_size
from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.adapters.nasnet_cifar.cost import Cost
from lamcts.errors import InvalidArgument, LamctsError

__all__ = ["build", "count"]

#: What the three parts are called in a detector.
PARTS = {"backbone": "backbone", "neck": "neck", "head": "bbox_head"}


def build(model: Mapping[str, Any]) -> nn.Module:
    """A detector from the ``model`` of a configuration."""
    require_mmdet()
    from mmdet.registry import MODELS
    from mmengine.config import ConfigDict

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mmdetection's, of its own old names
        built: nn.Module = MODELS.build(ConfigDict({**model, "_scope_": "mmdet"}))
    return built


def count(model: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Cost]:
    """Cost of backbone, neck and head, for one image of a width and height, padded to 32.

    Multiply-adds of convolutions and matrix products, by PyTorch's own counter; all parameters,
    frozen ones too. Nothing is allocated.

    Raises:
        InvalidArgument: The detector has other parts.
    """
    width, height = map(padded, size)
    with torch.device("meta"):
        built: Any = build(model)
        images = torch.empty(1, 3, height, width)
    found, features = {}, images
    for name, attribute in PARTS.items():
        if not hasattr(built, attribute):
            raise InvalidArgument(
                f"model: {type(built).__name__} has no {attribute}; one-stage detectors are counted"
            )
        part = getattr(built.eval(), attribute)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            features = part(features)
        params = sum(weights.numel() for weights in part.parameters())
        found[name] = Cost(params, counter.get_total_flops() // 2)
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Print the costs of a configuration file's detector."""
    parser = argparse.ArgumentParser(
        prog="python -m lamcts.adapters.mmdet.counting", description="Count a detector's cost."
    )
    parser.add_argument("config", help="a configuration file of mmdetection")
    parser.add_argument("--size", default="1280x800", help="width and height, or a square's side")
    given = parser.parse_args(words)
    try:
        require_mmdet()
        from mmengine.config import Config

        try:
            model = Config.fromfile(given.config).model
        except (OSError, SyntaxError) as error:
            raise InvalidArgument(f"CONFIG: {given.config!r} cannot be read: {error}") from None
        except (AttributeError, RuntimeError):  # mmengine's, of any other Python
            raise InvalidArgument(
                f"CONFIG: {given.config!r} has no model; give a configuration file of mmdetection"
            ) from None
        parts = count(model, parse_size(given.size))
    except LamctsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    whole = sum(parts.values(), Cost())
    for name, cost in {**parts, "detector": whole}.items():
        print(f"{name:<10}{cost.params / 1e6:>10.3f} M parameters{cost.macs / 1e9:>12.4f} G MACs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
