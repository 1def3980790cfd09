"""Weights as safetensors for mmengine: what ``lamcts train`` leaves can begin a backbone.

    init_cfg = {"type": "Pretrained", "checkpoint": "trained/weights.safetensors"}

Importing this module makes every ``checkpoint`` with that ending readable.
"""

from __future__ import annotations

from typing import Any

from mmengine.runner import CheckpointLoader

from lamcts.errors import DependencyNotInstalled, RunError

__all__ = ["load_safetensors"]


def load_safetensors(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The tensors of a file by name.

    Raises:
        DependencyNotInstalled: safetensors is missing.
        RunError: The file is missing or damaged.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise DependencyNotInstalled(
            f"checkpoint: {filename!r} needs safetensors, which is not installed; "
            'run: pip install "lamcts[export]"'
        ) from error
    try:
        weights: dict[str, Any] = load_file(filename, device=str(map_location or "cpu"))
    except (OSError, SafetensorError) as error:
        raise RunError(f"checkpoint: {filename!r} cannot be read ({error})") from None
    return weights


CheckpointLoader.register_scheme(r".*\.safetensors$", load_safetensors, force=True)
