"""What a configuration names in ``custom_imports``: operations first, then what is registered.

    custom_imports = {"imports": ["lamcts.adapters.mmdet.plugin"], "allow_failed_imports": False}

That is all that a configuration needs to know of this package.
"""

from lamcts.adapters.mmdet.ops import install

install()  # before mmdet imports mmcv.ops

from lamcts.adapters.mmdet.backbones import MobileBackbone, NASNetBackbone  # noqa: E402
from lamcts.adapters.mmdet.hooks import PlainCheckpoint  # noqa: E402
from lamcts.adapters.mmdet.inherit import SupernetInit  # noqa: E402
from lamcts.adapters.mmdet.weights import load_safetensors  # noqa: E402

__all__ = [
    "MobileBackbone",
    "NASNetBackbone",
    "PlainCheckpoint",
    "SupernetInit",
    "load_safetensors",
]
