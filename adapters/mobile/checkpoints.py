"""Checkpoints of others: tensors by name, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamcts.adapters.training import require_torch
from lamcts.errors import InvalidArgument

__all__ = ["read_checkpoint"]


def read_checkpoint(path: Path, what: str) -> Mapping[str, Any]:
    """The tensors of a checkpoint by name; only weights are read, no code is run.

    Args:
        path: What ``torch.save`` wrote: tensors by name, or these as ``state_dict`` of a mapping.
        what: It is called this in errors.

    Raises:
        InvalidArgument: It is none, or damaged.
        DependencyNotInstalled: When PyTorch is missing.
    """
    require_torch()
    import torch

    try:
        data = torch.load(path, map_location="cpu", weights_only=True)
        state = data.get("state_dict", data)
        if not any(name.endswith("weight") for name in state):
            raise ValueError("no weights")
        return dict(state)
    except Exception as error:  # damaged files raise many kinds
        first = str(error).partition("\n")[0]
        raise InvalidArgument(
            f"{what}: {str(path)!r} is no checkpoint of weights ({first})"
        ) from None
