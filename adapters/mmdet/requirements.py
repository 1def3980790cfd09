"""What detection needs beside PyTorch."""

from __future__ import annotations

import importlib
import warnings

from lamcts.adapters.training import require_torch
from lamcts.errors import DependencyNotInstalled

__all__ = ["require_mmdet"]


def require_mmdet() -> None:
    """Make mmdetection ready to use, its missing operations and our backbones included.

    Raises:
        DependencyNotInstalled: With the ``pip install`` line.
    """
    require_torch()
    try:
        from lamcts.adapters.mmdet.ops import install

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of imports that age: nothing a user could mend
            install()
            importlib.import_module("mmdet.models")
            importlib.import_module("lamcts.adapters.mmdet.plugin")
    except ImportError as error:
        raise DependencyNotInstalled(
            f'detection needs mmdetection 3 ({error}); run: pip install "lamcts[mmdet]"'
        ) from error
    except AssertionError as error:  # mmdet's way to refuse a version of mmcv
        raise DependencyNotInstalled(f'{error} Run: pip install "lamcts[mmdet]"') from error
