"""The compiled operations of mmcv that a one-stage detector needs, in plain PyTorch.

``mmcv-lite`` comes without its compiled part, ``mmcv._ext``, and then ``mmdet.models`` does not
even import. `install` supplies that part: `nms` and the sigmoid focal loss; any other operation
says what it is and what to install when it is called. Compiled mmcv is used where it imports.

Sources: the semantics are those of mmcv 2.1.0; Lin et al., "Focal Loss for Dense Object
Detection", ICCV 2017.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import types
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from lamcts.errors import DependencyNotInstalled

__all__ = ["install", "nms", "sigmoid_focal_loss_backward", "sigmoid_focal_loss_forward"]

_NAME = "mmcv._ext"

#: Rows of overlaps computed at a time: all of many boxes would not fit in memory.
_ROWS = 512


def install() -> bool:
    """Supply ``mmcv._ext`` where mmcv has no compiled part that imports.

    Returns:
        Whether the operations here are the ones in use.
    """
    if _NAME not in sys.modules:
        try:
            importlib.import_module(_NAME)
        except ImportError:  # none, or one that was compiled for another PyTorch
            sys.modules[_NAME] = _Fallback(_NAME)
    return isinstance(sys.modules[_NAME], _Fallback)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int = 0) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        boxes: (n, 4) corners x1, y1, x2, y2.
        scores: (n,).
        iou_threshold: A box goes when its overlap with a better one is greater than this.
        offset: 1 where corners are pixels that belong to the box.

    Returns:
        Indices of the boxes that stay, by falling score.
    """
    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].float().unbind(1)
    area = (x2 - x1 + offset) * (y2 - y1 + offset)
    alive = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), _ROWS):
        rows = slice(start, start + _ROWS)
        width = torch.minimum(x2[rows, None], x2) - torch.maximum(x1[rows, None], x1) + offset
        height = torch.minimum(y2[rows, None], y2) - torch.maximum(y1[rows, None], y1) + offset
        shared = width.clamp(min=0) * height.clamp(min=0)
        ratio = shared / (area[rows, None] + area - shared)
        covered = (ratio > iou_threshold).cpu().numpy()
        for i, row in enumerate(covered, start):
            if alive[i]:
                alive[i + 1 :] &= ~row[i + 1 :]
    return order[torch.from_numpy(alive).to(order.device)]


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Write the focal loss of every logit to ``output``.

    Args:
        input: (n, classes) logits.
        target: (n,) classes; ``classes`` for background.
        weight: (classes,) factors, or empty.
        output: (n, classes), written to.
        gamma: Exponent of the factor that plays easy examples down.
        alpha: Weight of positives; negatives have ``1 - alpha``.
    """
    output.copy_(_focal_loss(input, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Write the gradient of the summed focal loss by ``input`` to ``grad_input``; see above."""
    with torch.enable_grad():
        logits = input.detach().requires_grad_()
        loss = _focal_loss(logits, target, weight, gamma, alpha).sum()
    (gradient,) = torch.autograd.grad(loss, logits)
    grad_input.copy_(gradient)


def _focal_loss(logits: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float) -> Any:
    positive = one_hot(target, logits.shape[1] + 1)[:, :-1].to(logits.dtype)
    p = logits.sigmoid()
    wrong = (1 - p) * positive + p * (1 - positive)
    factor = (alpha * positive + (1 - alpha) * (1 - positive)) * wrong.pow(gamma)
    loss = factor * binary_cross_entropy_with_logits(logits, positive, reduction="none")
    if weight.numel():  # by the row's class, as mmcv does; background has 1
        loss = loss * torch.cat([weight, weight.new_ones(1)])[target][:, None]
    return loss


class _Fallback(types.ModuleType):
    """``mmcv._ext``, as far as it goes."""

    nms = staticmethod(nms)
    sigmoid_focal_loss_forward = staticmethod(sigmoid_focal_loss_forward)
    sigmoid_focal_loss_backward = staticmethod(sigmoid_focal_loss_backward)

    def __init__(self, name: str) -> None:
        super().__init__(name, __doc__)
        # Without a loader mmcv and mmengine still report that nothing compiled is there.
        self.__spec__ = importlib.machinery.ModuleSpec(name, loader=None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_: Any, **__: Any) -> Any:
            raise DependencyNotInstalled(
                f"operation {name!r} of mmcv is not in mmcv-lite; "
                'run: pip uninstall mmcv-lite && pip install "mmcv==2.1.0"'
            )

        return missing
