"""Detectors as mmdetection configures them. Dictionaries only; nothing here is imported of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamcts.adapters.mmdet.detector import Detector, Kind

__all__ = ["Config", "model_config"]

Config = dict[str, Any]

_STRIDES = [8, 16, 32, 64, 128]
_FOCAL = {"type": "FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25, "loss_weight": 1.0}
_CENTERNESS = {"type": "CrossEntropyLoss", "use_sigmoid": True, "loss_weight": 1.0}


def model_config(detector: Detector, classes: int) -> Config:
    """The ``model`` of a configuration.

    FCOS is mmdetection's with centre sampling, normalised distances, centerness beside the boxes
    and GIoU loss; RetinaNet and ATSS are its own. Published settings where sizes are as published.
    """
    name, make_head, neck, train = _KINDS[detector.kind]
    n = detector.neck
    model: Config = {
        "type": name,
        "data_preprocessor": {
            "type": "DetDataPreprocessor",
            "mean": [123.675, 116.28, 103.53],
            "std": [58.395, 57.12, 57.375],
            "bgr_to_rgb": True,
            "pad_size_divisor": 32,
        },
        "backbone": dict(detector.trunk.config),
        "neck": {
            "type": "FPN",
            "in_channels": list(detector.trunk.channels),
            "out_channels": n,
            "start_level": 1,
            "add_extra_convs": "on_output",
            "num_outs": 5,
            **neck,
        },
        "bbox_head": {
            "num_classes": classes,
            "in_channels": n,
            "stacked_convs": detector.depth,
            "feat_channels": n,
            "loss_cls": _FOCAL,
            **make_head(n),
        },
        "test_cfg": {
            "nms_pre": 1000,
            "min_bbox_size": 0,
            "score_thr": 0.05,
            "nms": {"type": "nms", "iou_threshold": 0.5 if detector.kind == "retinanet" else 0.6},
            "max_per_img": 100,
        },
    }
    return model if train is None else {**model, "train_cfg": train}


def _group_norm(channels: int) -> Config:
    """Groups of 8 channels, as published for 256; one group where that does not divide them."""
    groups = 1 if channels % 8 else channels // 8
    return {"type": "GN", "num_groups": groups, "requires_grad": True}


def _fcos_head(n: int) -> Config:
    return {
        "type": "FCOSHead",
        "strides": _STRIDES,
        "center_sampling": True,
        "norm_on_bbox": True,
        "centerness_on_reg": True,
        "norm_cfg": _group_norm(n),
        "loss_bbox": {"type": "GIoULoss", "loss_weight": 1.0},
        "loss_centerness": _CENTERNESS,
    }


def _retina_head(n: int) -> Config:
    return {
        "type": "RetinaHead",
        "anchor_generator": {
            "type": "AnchorGenerator",
            "octave_base_scale": 4,
            "scales_per_octave": 3,
            "ratios": [0.5, 1.0, 2.0],
            "strides": _STRIDES,
        },
        "bbox_coder": _coder([1.0, 1.0, 1.0, 1.0]),
        "loss_bbox": {"type": "L1Loss", "loss_weight": 1.0},
    }


def _atss_head(n: int) -> Config:
    return {
        "type": "ATSSHead",
        "anchor_generator": {
            "type": "AnchorGenerator",
            "ratios": [1.0],
            "octave_base_scale": 8,
            "scales_per_octave": 1,
            "strides": _STRIDES,
        },
        "bbox_coder": _coder([0.1, 0.1, 0.2, 0.2]),
        "norm_cfg": _group_norm(n),
        "loss_bbox": {"type": "GIoULoss", "loss_weight": 2.0},
        "loss_centerness": _CENTERNESS,
    }


def _coder(deviations: list[float]) -> Config:
    return {
        "type": "DeltaXYWHBBoxCoder",
        "target_means": [0.0, 0.0, 0.0, 0.0],
        "target_stds": deviations,
    }


_ASSIGNED = {"allowed_border": -1, "pos_weight": -1, "debug": False}
_RETINA_TRAIN = {
    "assigner": {
        "type": "MaxIoUAssigner",
        "pos_iou_thr": 0.5,
        "neg_iou_thr": 0.4,
        "min_pos_iou": 0,
        "ignore_iof_thr": -1,
    },
    "sampler": {"type": "PseudoSampler"},
    **_ASSIGNED,
}
_ATSS_TRAIN = {"assigner": {"type": "ATSSAssigner", "topk": 9}, **_ASSIGNED}

#: Name, head, what is its own of the neck, and of training.
_KINDS: dict[Kind, tuple[str, Callable[[int], Config], Config, Config | None]] = {
    "fcos": ("FCOS", _fcos_head, {"relu_before_extra_convs": True}, None),
    "retinanet": ("RetinaNet", _retina_head, {"add_extra_convs": "on_input"}, _RETINA_TRAIN),
    "atss": ("ATSS", _atss_head, {}, _ATSS_TRAIN),
}
