"""Whole configurations: what mmdetection trains and tests a detector by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from lamcts.adapters.mmdet.data import DetectionData, Part
from lamcts.adapters.mmdet.detector import Detector
from lamcts.adapters.mmdet.models import model_config
from lamcts.errors import InvalidArgument

__all__ = ["Schedule", "as_text", "make_config"]


@dataclass(frozen=True)
class Schedule:
    """How a detector is trained: AdamW, a tenth of the steps warming up, then half a cosine.

    Attributes:
        iterations: Batches in all, 2 or more.
        validations: How often it is validated at most, at even distances, and at the end.
        batch_size: Images in a batch.
        learning_rate: The highest.
        workers: Processes that load images.
        amp: Whether to compute in half precision where that is safe; on CUDA only.
        seed: Of initial weights, order and flips.
    """

    iterations: int = 300
    validations: int = 3
    batch_size: int = 8
    learning_rate: float = 6e-3
    workers: int = 0
    amp: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        # Of one iteration nothing is left after warming up.
        for name, least in (("iterations", 2), ("validations", 1), ("batch_size", 1)):
            if getattr(self, name) < least:
                raise InvalidArgument(f"{name}: {getattr(self, name)!r} is too few; use {least} up")
        if self.validations > self.iterations:
            raise InvalidArgument(
                f"validations: {self.validations} are more than {self.iterations} iterations"
            )
        if not 0.0 < self.learning_rate < float("inf"):
            raise InvalidArgument(f"learning_rate: {self.learning_rate!r} is not positive")
        if self.workers < 0:
            raise InvalidArgument(f"workers: {self.workers!r} is no count; use 0 or more")

    @property
    def interval(self) -> int:
        """Iterations from one validation to the next; the last step may be shorter."""
        return -(-self.iterations // self.validations)


def make_config(detector: Detector, data: DetectionData, schedule: Schedule) -> dict[str, Any]:
    """All that mmdetection's train and test tools need, by the names that they look for."""
    validation = _loader(detector, data, data.validation, schedule, train=False)
    test = data.test or data.validation
    steps, warm = schedule.iterations, max(1, schedule.iterations // 10)
    return {
        "default_scope": "mmdet",
        # On several GPUs: cells may have an input that no node takes.
        "find_unused_parameters": detector.trunk.config.get("type") == "NASNetBackbone",
        "custom_imports": {
            "imports": ["lamcts.adapters.mmdet.plugin"],
            "allow_failed_imports": False,
        },
        "model": model_config(detector, len(data.classes)),
        "train_dataloader": _loader(detector, data, data.train, schedule, train=True),
        "val_dataloader": validation,
        "test_dataloader": _loader(detector, data, test, schedule, train=False),
        "val_evaluator": _metric(data, data.validation),
        "test_evaluator": _metric(data, test),
        "train_cfg": {
            "type": "IterBasedTrainLoop",
            "max_iters": steps,
            "val_interval": schedule.interval,
        },
        "val_cfg": {"type": "ValLoop"},
        "test_cfg": {"type": "TestLoop"},
        "optim_wrapper": {
            "type": "AmpOptimWrapper" if schedule.amp else "OptimWrapper",
            "optimizer": {"type": "AdamW", "lr": schedule.learning_rate, "weight_decay": 0.05},
            "paramwise_cfg": {"norm_decay_mult": 0.0, "bias_decay_mult": 0.0},
            "clip_grad": {"max_norm": 10.0},
        },
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.1, "by_epoch": False, "begin": 0, "end": warm},
            {"type": "CosineAnnealingLR", "by_epoch": False, "begin": warm, "end": steps},
        ],
        "default_hooks": {
            "timer": {"type": "IterTimerHook"},
            "logger": {"type": "LoggerHook", "interval": max(1, min(50, steps // 10))},
            "param_scheduler": {"type": "ParamSchedulerHook"},
            "checkpoint": {
                "type": "CheckpointHook",
                "by_epoch": False,
                "interval": schedule.interval,
                "max_keep_ckpts": 1,
            },
            "sampler_seed": {"type": "DistSamplerSeedHook"},
        },
        "custom_hooks": [{"type": "PlainCheckpoint"}],
        "log_processor": {"type": "LogProcessor", "window_size": 50, "by_epoch": False},
        "env_cfg": {"cudnn_benchmark": False, "dist_cfg": {"backend": "nccl"}},
        "visualizer": {"type": "DetLocalVisualizer", "vis_backends": [], "name": "visualizer"},
        "randomness": {"seed": schedule.seed},
        "log_level": "INFO",
    }


def as_text(config: Mapping[str, Any], comment: str = "") -> str:
    """A configuration as the Python file that mmdetection reads."""
    lines = [f"# {line}" for line in comment.splitlines()]
    for name, value in config.items():
        lines.append(f"{name} = {pformat(value, width=100, sort_dicts=False)}")
    return "\n".join(lines) + "\n"


def _loader(
    detector: Detector, data: DetectionData, part: Part, schedule: Schedule, *, train: bool
) -> dict[str, Any]:
    load: list[dict[str, Any]] = [{"type": "LoadImageFromFile"}]
    resize = {"type": "Resize", "scale": detector.size, "keep_ratio": True}
    boxes = {"type": "LoadAnnotations", "with_bbox": True}
    if train:
        load += [boxes, resize, {"type": "RandomFlip", "prob": 0.5}, {"type": "PackDetInputs"}]
    else:  # boxes are for scoring: they stay as they are in the file
        keys = ["img_id", "img_path", "ori_shape", "img_shape", "scale_factor"]
        keys += ["instances"] if data.layout == "voc" else []
        load += [resize, boxes, {"type": "PackDetInputs", "meta_keys": tuple(keys)}]
    prefix = {"coco": "img", "voc": "sub_data_root"}[data.layout]
    dataset: dict[str, Any] = {
        "type": {"coco": "CocoDataset", "voc": "VOCDataset"}[data.layout],
        "ann_file": part.annotations,
        "data_prefix": {prefix: part.images},
        "metainfo": {"classes": data.classes},
        "pipeline": load,
    }
    if train:
        dataset["filter_cfg"] = {"filter_empty_gt": True, "min_size": 1}
    else:
        dataset["test_mode"] = True
    return {
        "batch_size": schedule.batch_size,
        "num_workers": schedule.workers,
        "persistent_workers": schedule.workers > 0,
        "drop_last": False,
        "sampler": {"type": "InfiniteSampler" if train else "DefaultSampler", "shuffle": train},
        "dataset": dataset,
    }


def _metric(data: DetectionData, part: Part) -> dict[str, Any]:
    """COCO AP; of VOC's annotations too, which it turns into COCO's by itself."""
    metric = {"type": "CocoMetric", "metric": "bbox"}
    return {**metric, "ann_file": part.annotations} if data.layout == "coco" else metric
