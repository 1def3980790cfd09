"""Hooks of mmengine's Runner: checkpoints of plain data, and the learning curve of a trial."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS

__all__ = ["CurveHook", "PlainCheckpoint"]

#: Where a checkpoint keeps the learning curve.
_CURVE = "lamcts_curve"

#: What CocoMetric calls its figures, and what they are called here.
_NAMES = {
    "coco/bbox_mAP": "AP",
    "coco/bbox_mAP_50": "AP50",
    "coco/bbox_mAP_75": "AP75",
    "coco/bbox_mAP_s": "AP_small",
    "coco/bbox_mAP_m": "AP_medium",
    "coco/bbox_mAP_l": "AP_large",
}


@HOOKS.register_module()
class PlainCheckpoint(Hook):  # type: ignore[misc]
    """Leaves the history of logged figures out of checkpoints.

    It is of mmengine's own types, which ``torch.load(weights_only=True)``, PyTorch's default,
    refuses to read; without it checkpoints hold tensors and plain data only, and load and resume
    without exceptions to that rule. Smoothed figures in the log begin anew after a resume.
    """

    priority = "LOWEST"

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:
        """Take it out."""
        checkpoint["message_hub"] = {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}}


class CurveHook(PlainCheckpoint):
    """After every validation: keep the state of training on disk, then report how it stands.

    Args:
        file: The one checkpoint, replaced every time.
        report: Takes the iteration and the COCO AP in [0, 1]; what it raises ends the training.

    Attributes:
        curve: A row for each validation: ``step``, ``AP``, ``AP50``, ...; no row has a figure
            that is not defined (that of large boxes where there are none).
    """

    def __init__(self, file: Path, report: Callable[[int, float], None]) -> None:
        self._file, self._report = file, report
        self.curve: list[dict[str, float]] = []

    def after_load_checkpoint(self, runner: Any, checkpoint: Mapping[str, Any]) -> None:
        """Take up the curve of a training that goes on."""
        self.curve = [dict(row) for row in checkpoint["meta"][_CURVE]]

    def before_train(self, runner: Any) -> None:
        """Report again what was reported before the training was cut."""
        for row in self.curve:
            self._report(int(row["step"]), row["AP"])

    def after_val_epoch(self, runner: Any, metrics: Mapping[str, float] | None = None) -> None:
        """Save, then report."""
        row = {"step": runner.iter, **named(metrics or {})}
        self.curve.append(row)
        whole = self._file.with_suffix(".new")
        meta = {_CURVE: self.curve, "epoch": 0, "iter": runner.iter}
        runner.save_checkpoint(str(whole.parent), whole.name, meta=meta)
        os.replace(whole, self._file)
        self._report(runner.iter, row["AP"])


def named(metrics: Mapping[str, float]) -> dict[str, float]:
    """Figures of CocoMetric by their names here. AP is 0 where nothing was detected."""
    found = {name: float(metrics.get(key, 0.0)) for key, name in _NAMES.items()}
    # COCO says -1 where there is no box of a size.
    return {name: value for name, value in found.items() if value >= 0.0}
