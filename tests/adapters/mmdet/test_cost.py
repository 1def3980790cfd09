"""Costs by formula are those of the built detectors; published figures come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mmdet import Detector, FCOSBackbone, Trunk, detector_cost
from lamcts.adapters.mmdet.detector import padded, parse_size
from lamcts.adapters.mmdet.models import model_config
from lamcts.adapters.nasnet_cifar.cost import Cost
from lamcts.errors import InvalidArgument

CASES: list[dict[str, Any]] = [
    {"family": "mobilenetv3", "width": 0.35},
    {"family": "efficientnet", "width": 1.1, "detector": "retinanet"},
    {"family": "nasnet", "channels": 6, "cells": 5, "detector": "atss"},
    {"family": "nasnet", "encoding": "darts", "channels": 4, "cells": 2},
]


def counted(detector: Detector, classes: int) -> dict[str, Cost]:
    from lamcts.adapters.mmdet.counting import count

    return count(model_config(detector, classes), detector.size)


@pytest.mark.parametrize("settings", CASES, ids=lambda settings: settings["family"])
def test_formula_is_what_pytorch_counts(settings: Any, mmdet: None) -> None:
    evaluator = FCOSBackbone(necks=(24, 36), depths=(1, 3), sizes=("96", "200x90"), **settings)
    evaluator.space.seed(3)
    found = evaluator.decode(evaluator.space.sample())
    assert detector_cost(found, 7) == counted(found, 7)


@pytest.mark.parametrize(
    ("name", "width"),
    [("mobilenet_v2", 0.5), ("mobilenet_v3_large", 1.4), ("efficientnet_b1", 1.0)],
)
def test_published_networks(name: str, width: float, mmdet: None) -> None:
    family = "efficientnet" if "efficientnet" in name else "mobilenetv3"
    found = FCOSBackbone(family=family, width=width, sizes=("320x256",)).parse(name)
    assert isinstance(found, Detector)
    assert detector_cost(found, 80) == counted(found, 80)


def test_mobilenet_v2_has_the_channels_of_mmdetections(mmdet: None) -> None:
    from mmdet.models import MobileNetV2

    found = FCOSBackbone(width=1.0).parse("mobilenet_v2").trunk
    assert found.channels == (24, 32, 96, 320)
    theirs = MobileNetV2(out_indices=(2, 3, 5, 7))
    head = sum(p.numel() for p in theirs.conv2.parameters())  # not on the way to any map
    assert found.params == sum(p.numel() for p in theirs.parameters()) - head


def resnet50() -> Trunk:
    """The backbone of the FCOS that mmdetection publishes; its cost is not known by formula."""
    config = {"type": "ResNet", "depth": 50, "style": "caffe"}
    return Trunk(config, (256, 512, 1024, 2048), params=0, area_macs=0)


def test_fcos_of_resnet_50_is_the_published_one(mmdet: None) -> None:
    """80.145 G at 640 x 640, a maintainer's count (mmdetection, issue 1760): ReLU and BN added."""
    found = counted(Detector(resnet50(), size=(640, 640)), 80)
    assert sum(part.macs for part in found.values()) == pytest.approx(80.145e9, rel=0.01)
    # The backbone alone there: 31.73 G.
    assert found["backbone"].macs == pytest.approx(31.73e9, rel=0.01)


def test_fcos_of_resnet_50_has_the_parameters_of_mmdetections_own_file(mmdet: None) -> None:
    import mmdet as package
    from mmengine.config import Config

    from lamcts.adapters.mmdet.counting import count

    file = "fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py"
    path = Path(str(package.__file__)).parent / ".mim" / "configs" / file
    stock = count(Config.fromfile(path).model, (1280, 800))
    assert stock == counted(Detector(resnet50()), 80)
    assert sum(part.params for part in stock.values()) == 32_295_322


def test_fcos_of_mobilenet_v2_costs_what_papers_say() -> None:
    """105.4 G in NAS-FCOS and LaNAS: it comes out at 1088 x 800 pixels."""
    found = FCOSBackbone(width=1.0, necks=(256,), depths=(4,), sizes=("1088x800",))
    cost = detector_cost(found.parse("mobilenet_v2"), 80)
    assert sum(part.macs for part in cost.values()) == pytest.approx(105.4e9, rel=0.01)


@pytest.mark.parametrize(("text", "size"), [("512", (512, 512)), ("1333X800", (1333, 800))])
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "31", "1x2x3", "128.0", "-64", "64x"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(InvalidArgument, match="size"):
        parse_size(text)


def test_padding() -> None:
    assert [padded(n) for n in (32, 33, 1333)] == [32, 64, 1344]


@pytest.mark.parametrize("part", [{"neck": 0}, {"depth": 0}, {"kind": "yolo"}])
def test_no_detectors(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Detector(resnet50(), **part)


def test_a_search_asks_for_costs_quickly() -> None:
    import time

    evaluator = FCOSBackbone()
    points = [evaluator.space.sample() for _ in range(50)]
    began = time.process_time()
    for point in points:
        evaluator.cost(point)
    assert time.process_time() - began < 1.0
    assert np.isfinite(list(evaluator.cost(points[0]).values())).all()


def test_counting_says_what_it_cannot_count(
    mmdet: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import mmdet as package

    from lamcts.adapters.mmdet import counting

    two_stages = "faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py"
    file = Path(str(package.__file__)).parent / ".mim" / "configs" / two_stages
    assert counting.main([str(file)]) == 2
    assert "FasterRCNN has no bbox_head" in capsys.readouterr().err
    (tmp_path / "other.py").write_text("class A(dict):\n    pass\n", encoding="utf-8")
    assert counting.main([str(tmp_path / "other.py")]) == 2
    assert "has no model" in capsys.readouterr().err
