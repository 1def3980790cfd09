"""Backbones that begin with a supernet's weights, and the crops that it can be trained on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mmdet import DetectionData, FCOSBackbone
from lamcts.adapters.mmdet.supernets import check_record
from lamcts.adapters.mobile.imagenet import EfficientNetImageNet, MobileNetV3ImageNet
from lamcts.adapters.supernet.folder import Record, read_record, save_weights, write_record
from lamcts.adapters.training import ImageData, ImageShape
from lamcts.errors import InvalidArgument, LamctsError, RunError

ARCH = {
    "depths": [2, 3, 4, 2, 3],
    "kernels": [3, 5, 7, 3] * 5,
    "expands": [3, 6, 4, 4] * 5,
}
#: A tenth as wide as published, which is the narrow copy of 0.8.
TENTH: dict[str, Any] = {"width": 0.8, "resolutions": [128, 224]}


def record(settings: dict[str, Any], **fields: Any) -> Record:
    said: dict[str, Any] = {"data": "colours", "place": None, "recipe": {}, "sampling": "sandwich"}
    return Record(**{**said, "settings": settings, "paths": 4, "scores": (0.5,), **fields})


def put(folder: Path, problem: Any, channels: int = 3) -> Any:
    """A supernet with weights of all kinds, written as training writes it."""
    import torch

    supernet = problem.make_supernet(ImageShape(channels=channels, size=32, classes=5))
    generator = torch.Generator().manual_seed(1)
    for value in supernet.state_dict().values():  # statistics and transforms too
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) + 0.1)
        else:
            value.fill_(7)
    folder.mkdir()
    save_weights(folder, 0, supernet.state_dict())
    write_record(folder, record(problem.supernet_settings()))
    return supernet


@pytest.fixture(scope="module")
def net(mmdet: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("supernets") / "net"
    put(folder, MobileNetV3ImageNet(width=0.8, resolutions=(128, 224)))
    return folder


def begun(evaluator: FCOSBackbone, x: Any) -> Any:
    detector: Any = evaluator.build(x)
    detector.init_weights()
    return detector


@pytest.mark.parametrize("family", ["mobilenetv3", "efficientnet"])
def test_a_backbone_has_the_weights_of_its_path(family: str, mmdet: None, folder: Path) -> None:
    import torch

    make: dict[str, Callable[[], Any]] = {
        "mobilenetv3": lambda: MobileNetV3ImageNet(width=0.8, resolutions=(128, 224)),
        "efficientnet": lambda: EfficientNetImageNet(models=("b0",)),
    }
    problem = make[family]()
    supernet = put(folder / "net", problem)
    width = {"mobilenetv3": 0.1, "efficientnet": 0.125}[family]
    evaluator = FCOSBackbone(family=family, width=width, supernet=folder / "net")
    evaluator.space.seed(3)
    for _ in range(3):
        x = evaluator.space.sample()
        backbone = begun(evaluator, x).backbone
        named = problem.choices.family.scaled_by == "resolution"
        path = {"scale": 1, **x["backbone"]} if named else x["backbone"]
        alone = supernet.network(path).network.state_dict()
        own = backbone.state_dict()
        assert any("running_var" in name for name in own)
        for name, value in own.items():
            assert torch.equal(value, alone[name]), name
        left = {name for name in alone if name not in own}
        assert all("classifier" in name or ".0." in name or ".1." in name for name in left)


def test_the_rest_of_the_detector_begins_as_without(net: Path) -> None:
    import torch

    states = []
    for supernet in (None, net):
        evaluator = FCOSBackbone(width=0.1, necks=(8,), supernet=supernet)
        torch.manual_seed(0)
        states.append(begun(evaluator, evaluator.parse(json.dumps({"backbone": ARCH}))))
    (without, inherited) = (model.state_dict() for model in states)
    same = {name: torch.equal(without[name], inherited[name]) for name in without}
    assert all(equal for name, equal in same.items() if not name.startswith("backbone"))
    assert not any(equal for name, equal in same.items() if name.startswith("backbone"))


def test_another_normalisation_takes_scales_and_shifts(net: Path) -> None:
    from mmdet.registry import MODELS

    init = {"type": "Supernet", "folder": str(net)}
    backbone = MODELS.build(
        {
            "type": "MobileBackbone",
            "arch": ARCH,
            "width": 0.1,
            "norm_cfg": {"type": "GN", "num_groups": 2},
            "init_cfg": init,
        }
    )
    backbone.init_weights()
    assert backbone.features[0][1].weight.min() >= 0.1
    assert not backbone.features[0][1].weight.eq(1.0).any()


def test_a_training_begins_with_them_and_says_so(net: Path, data: DetectionData) -> None:
    evaluator = FCOSBackbone(
        width=0.1, necks=(8,), depths=(1,), sizes=("64",), iterations=2, validations=1, supernet=net
    )
    evaluator.data = data
    evaluator.prepare()
    x = evaluator.parse(json.dumps({"backbone": ARCH}))
    assert evaluator.decode(x).trunk.config["init_cfg"]["folder"] == str(net.resolve())
    assert f"'folder': '{net.resolve()}'" in evaluator.config_text(x)
    assert 0.0 <= evaluator.test(x)["test_AP"] <= 1.0
    assert "supernet" in str(evaluator.notice)


@pytest.mark.parametrize(
    ("settings", "fields", "message"),
    [
        ({"encoding": "darts"}, {}, "not of mobile networks.*mobilenetv3_imagenet"),
        ({"models": ["b0"]}, {}, "use --set family=efficientnet"),
        ({"models": ["b0", "b1"]}, {}, "train one with --set models=b0"),
        ({"width": 1.0, "resolutions": [224]}, {}, "use --set width=0.125, or .* width=0.8"),
        (TENTH, {"split": {"choice": "depths.0"}, "source": "whole"}, "the whole one, whole"),
        (TENTH, {"scores": ()}, "go on with --resume"),
    ],
)
def test_supernets_of_other_networks(
    settings: dict[str, Any], fields: dict[str, Any], message: str, folder: Path
) -> None:
    write_record(folder, record(settings, **fields))
    with pytest.raises(LamctsError, match=message) as caught:
        FCOSBackbone(width=0.1, supernet=folder)
    assert "\n" not in str(caught.value)
    with pytest.raises(type(caught.value), match=message):  # a configuration says no less
        check_record(folder, "mobilenetv3", 0.1)


def test_no_supernet_for_cells_or_of_nothing(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match="family=mobilenetv3"):
        FCOSBackbone(family="nasnet", supernet=folder)
    with pytest.raises(RunError, match="holds none"):
        FCOSBackbone(supernet=folder / "nowhere")


def test_published_backbones_have_no_weights_there(net: Path) -> None:
    evaluator = FCOSBackbone(width=0.1, supernet=net)
    with pytest.raises(InvalidArgument, match="no weights for 'mobilenet_v2'"):
        evaluator.parse("mobilenet_v2")
    greatest: Any = evaluator.parse("ofa_mbv3_max")
    begun(evaluator, greatest)


def test_grey_images_and_damage_are_said_before_a_search(
    net: Path, folder: Path, data: DetectionData
) -> None:
    put(folder / "grey", MobileNetV3ImageNet(width=0.8), channels=1)
    grey = FCOSBackbone(width=0.1, supernet=folder / "grey")
    grey.data = data
    with pytest.raises(InvalidArgument, match=r"1 channel.*--set data"):
        grey.prepare()
    write_record(folder, read_record(net))
    save_weights(folder, 0, {})
    damaged = FCOSBackbone(width=0.1, supernet=folder)
    damaged.data = data
    with pytest.raises(RunError, match="another network"):
        damaged.prepare()


# -- crops -------------------------------------------------------------------------------------


def test_crops_are_squares_about_their_boxes() -> None:
    from lamcts.adapters.mmdet.crops import crop

    image = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)
    assert crop(image, (20, 10, 30, 15)).shape == (12, 12, 3)
    np.testing.assert_array_equal(crop(image, (20, 10, 30, 15)), image[6:18, 19:31])
    np.testing.assert_array_equal(crop(image, (0, 0, 10, 10)), image[:12, :12])  # moved inwards
    np.testing.assert_array_equal(crop(image, (50, 30, 60, 40)), image[28:, 48:])
    assert crop(image, (0, 0, 60, 40)).shape == (40, 60, 3)  # there is no square so large


def test_crops_of_a_data_set_are_its_training_objects(
    data: DetectionData, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lamcts.adapters.mmdet.crops import main
    from lamcts.adapters.training.opening import open_images

    content = json.loads(Path(data.train.annotations).read_text(encoding="utf-8"))
    classes = [thing["category_id"] - 1 for thing in content["annotations"]]
    words = ["--set", f"images={data.train.images},{data.validation.images}"]
    words += [
        "--set",
        f"train={data.train.annotations}",
        "--set",
        f"val={data.validation.annotations}",
    ]
    out = str(folder / "crops.npz")
    assert main(["--out", out, "--pixels", "16", *words]) == 0
    assert capsys.readouterr().out == f"{len(classes)} crops of 4 classes in {out}\n"
    with np.load(out) as held:
        assert held["x"].shape == (len(classes), 16, 16, 3)
        np.testing.assert_array_equal(np.bincount(held["y"]), np.bincount(classes))
        # Discs are of bright colours, the ground is grey: their middles are seen.
        middles = held["x"][held["y"] == 0][:, 8, 8].astype(int)
        assert np.median(middles.max(axis=-1) - middles.min(axis=-1)) > 60
    images = open_images(out)
    assert isinstance(images, ImageData)
    assert images.shape == ImageShape(channels=3, size=16, classes=4)
    assert main(["--out", out, "--most", "5", *words]) == 0
    with np.load(out) as held:
        assert len(held["y"]) == 5
    assert main(["--out", str(folder / "crops.txt")]) == 2
    assert "does not end in .npz" in capsys.readouterr().err
    assert main(["--out", out, "--pixels", "2", *words]) == 2
