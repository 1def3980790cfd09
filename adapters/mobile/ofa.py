"""Weights of Once-for-All's own MobileNetV3 supernets, for ours. Importing it loads PyTorch.

Theirs and ours are the same network under other names: theirs are ``first_conv``, ``blocks.N``
with ``inverted_bottleneck``, ``depth_conv`` and ``point_linear``, ``final_expand_layer``,
``feature_mix_layer`` (as a convolution) and ``classifier``; a kernel's matrices are
``7to5_matrix`` and ``5to3_matrix``. Older files say ``mobile_inverted_conv`` for a block's
``conv``, and elastic layers hold another of their own kind: ``conv.conv``, ``bn.bn``.

Source of the names: mit-han-lab/once-for-all, ``ofa/imagenet_classification``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from lamcts.adapters.mobile.supernet import ElasticMobileNet
from lamcts.errors import InvalidArgument

__all__ = ["elastic_weights", "their_names"]

_PARTS = {"up": "inverted_bottleneck", "depthwise": "depth_conv", "down": "point_linear"}


def elastic_weights(state: Mapping[str, Any], supernet: ElasticMobileNet) -> dict[str, Tensor]:
    """The ``state_dict`` of a supernet, from that of one of theirs.

    Args:
        state: Theirs.
        supernet: Ours, for the shapes.

    Raises:
        InvalidArgument: A tensor is missing, has no place, or another shape; the first is named.
    """
    given: dict[str, tuple[str, Any]] = {}
    for name, value in state.items():
        short = _short(name)
        if short in given:
            raise InvalidArgument(f"checkpoint: {given[short][0]} and {name} are the same tensor")
        given[short] = (name, value)
    found: dict[str, Tensor] = {}
    names = their_names(supernet)
    for own, like in supernet.state_dict().items():
        if names[own] not in given:
            raise InvalidArgument(
                f"checkpoint: it has no {names[own]}; it is no supernet of MobileNetV3 with "
                "kernels 3, 5, 7, expansions 3, 4, 6 and depths 2, 3, 4"
            )
        found[own] = _fitted(*given.pop(names[own]), like)
    for name, _ in given.values():
        raise InvalidArgument(f"checkpoint: there is no place for its {name} in this space")
    return found


def their_names(supernet: ElasticMobileNet) -> dict[str, str]:
    """Their name, without what it repeats, of each tensor in the ``state_dict`` of ours."""
    last = len(supernet.roles) + 1
    modules = {
        **_layer("whole.features.0", "first_conv"),
        **_layer(f"whole.features.{last}", "final_expand_layer"),
        "whole.classifier.0": "feature_mix_layer.conv",
        "whole.classifier.3": "classifier.linear",
    }
    for block, roles in enumerate(supernet.roles):
        for number, role in enumerate(roles):
            own, theirs = f"whole.features.{block + 1}.layers.{number}", f"blocks.{block}"
            if role == "squeeze":
                modules[f"{own}.layers.0"] = f"{theirs}.depth_conv.se.fc.reduce"
                modules[f"{own}.layers.2"] = f"{theirs}.depth_conv.se.fc.expand"
            else:
                modules |= _layer(own, f"{theirs}.{_PARTS[role]}")
    names = {}
    for own in supernet.state_dict():
        module, _, leaf = own.rpartition(".")
        if module.startswith("transforms."):
            block = int(module.removeprefix("transforms."))
            names[own] = f"blocks.{block}.depth_conv.conv.{int(leaf) + 2}to{leaf}_matrix"
        else:
            names[own] = f"{modules[module]}.{leaf}"
    return names


def _layer(own: str, theirs: str) -> dict[str, str]:
    """A convolution and its normalisation."""
    return {f"{own}.0": f"{theirs}.conv", f"{own}.1": f"{theirs}.bn"}


def _short(name: str) -> str:
    """A name of theirs, of any version, without what it repeats."""
    name = re.sub(r"^(module\.)?(blocks\.\d+)\.(mobile_inverted_conv|conv)\.", r"\2.", name)
    name = name.removeprefix("module.")  # of networks on several GPUs
    return re.sub(r"\b(conv|bn|linear)\.\1\.", r"\1.", name)


def _fitted(name: str, value: Any, like: Tensor) -> Tensor:
    """A tensor of theirs as one of ours."""
    if not isinstance(value, Tensor):
        raise InvalidArgument(f"checkpoint: its {name} is a {type(value).__name__}, not a tensor")
    shape, wanted = tuple(value.shape), tuple(like.shape)
    if shape == (*wanted, 1, 1):  # a linear layer that they have as a convolution
        value = value.flatten(1)
    elif shape != wanted:
        raise InvalidArgument(
            f"checkpoint: its {name} is {shape}, and this space's {wanted}; "
            "use --set width=1.2 for the wider supernet, and images of as many classes"
        )
    if not bool(torch.isfinite(value).all()):
        raise InvalidArgument(f"checkpoint: its {name} has values that are not finite")
    found: Tensor = value.detach().to(like.dtype)
    return found
