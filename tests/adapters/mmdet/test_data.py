from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.mmdet import DetectionData, Shapes
from lamcts.adapters.mmdet.data import coco, voc
from lamcts.adapters.mmdet.shapes import CLASSES, draw, shapes
from lamcts.errors import InvalidArgument


@given(st.integers(0, 10**6), st.integers(32, 160))
def test_boxes_are_those_of_what_is_seen(seed: int, size: int) -> None:
    image, boxes = draw(np.random.default_rng(seed), size)
    assert image.shape == (size, size, 3)
    again, same = draw(np.random.default_rng(seed), size)
    assert (image == again).all()
    assert boxes == same
    for box in boxes:
        x, y, width, height = box["bbox"]
        assert 0 <= x < x + width <= size
        assert 0 <= y < y + height <= size
        assert 9 * 0.4 <= box["area"] <= width * height
        assert 1 <= box["category_id"] <= len(CLASSES)


def test_a_square_that_nothing_hides_fills_its_box() -> None:
    """The one painted last, that is."""
    found = 0
    for seed in range(40):
        *_, last = draw(np.random.default_rng(seed), 96)[1]
        if CLASSES[last["category_id"] - 1] == "square":
            assert last["area"] == last["bbox"][2] * last["bbox"][3]
            found += 1
    assert found > 3


def test_images_are_crowded_and_of_all_sizes_and_kinds() -> None:
    drawn = [draw(np.random.default_rng(seed), 128)[1] for seed in range(100)]
    boxes = [box for image in drawn for box in image]
    sides = [max(box["bbox"][2:]) / 128 for box in boxes]
    assert min(sides) < 0.15
    assert max(sides) > 0.4
    assert {box["category_id"] for box in boxes} == set(range(1, len(CLASSES) + 1))
    hidden = [box for box in boxes if CLASSES[box["category_id"] - 1] == "square"]
    hidden = [box for box in hidden if box["area"] < 0.9 * box["bbox"][2] * box["bbox"][3]]
    assert len(hidden) > 10


def test_files_are_of_cocos_form(data: DetectionData, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    assert data.test is not None
    for part, count in ((data.train, 12), (data.validation, 6), (data.test, 4)):
        found = COCO(part.annotations)
        assert len(found.imgs) == count
        assert all((Path(part.images) / i["file_name"]).is_file() for i in found.imgs.values())
        assert [found.cats[i]["name"] for i in found.getCatIds()] == list(CLASSES)
    capsys.readouterr()


def test_written_once(mmdet: None, folder: Path) -> None:
    plan = Shapes(train=2, validation=1, test=1, size=32)
    first = shapes(plan, folder / "data")
    time = (folder / "data" / "train.json").stat().st_mtime_ns
    assert shapes(plan, folder / "data") == first
    assert (folder / "data" / "train.json").stat().st_mtime_ns == time
    assert [file.name for file in folder.iterdir()] == ["data"]


@pytest.mark.parametrize("settings", [{"train": 0}, {"test": -1}, {"size": 31}])
def test_no_plans(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Shapes(**settings)


# -- the user's own data -----------------------------------------------------------------------


BOX = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 4, 4], "area": 16}
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}


def coco_file(folder: Path, name: str, **changes: Any) -> str:
    (folder / "a.jpg").touch()
    data = {
        "images": [IMAGE],
        "annotations": [BOX],
        "categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}],
    }
    file = folder / name
    file.write_text(json.dumps({**data, **changes}), encoding="utf-8")
    return str(file)


def test_coco_by_three_paths(folder: Path) -> None:
    train, val = coco_file(folder, "t.json"), coco_file(folder, "v.json")
    found = coco([str(folder)], train, val)
    assert found.classes == ("cat", "dog")
    assert found.test is None
    assert (found.train.annotations, found.validation.images) == (train, str(folder))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "train.*no COCO file"),
        ({"categories": None}, "train.*no COCO file"),
        ({"annotations": []}, "no annotations"),
        ({"annotations": [{**BOX, "category_id": 99}]}, "unknown category 99"),
        ({"annotations": [{**BOX, "image_id": 99}]}, "unknown image 99"),
        ({"annotations": [BOX, BOX]}, "two of annotations have one id"),
        ({"annotations": [{**BOX, "bbox": "0,0,4"}]}, r"annotations\[0\] has no four numbers"),
        ({"annotations": [{**BOX, "bbox": [0, 0, float("nan"), 4]}]}, "no four numbers"),
        ({"annotations": [{**BOX, "bbox": [0, 0, 0, 4]}]}, "no annotations with a box"),
        ({"annotations": [{**BOX, "iscrowd": 1}]}, "no annotations with a box"),
        ({"annotations": [{**BOX, "iscrowd": 0}, {"id": 2}]}, r"annotations\[1\] has no 'image_id"),
        ({"annotations": [{k: BOX[k] for k in BOX if k != "area"}]}, "has no 'area'"),
        ({"images": [{"id": 1, "file_name": "a.jpg"}]}, r"images\[0\] has no 'width'"),
        ({"images": [{**IMAGE, "file_name": "b.jpg"}]}, "images: 'b.jpg'"),
        ({"categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "cat"}]}, "two categories"),
        ({"categories": [{"id": 3, "name": "cat"}]}, "same categories.*dog"),
    ],
)
def test_coco_files_that_cannot_be_used(folder: Path, changes: Any, message: str) -> None:
    train, val = coco_file(folder, "t.json", **changes), coco_file(folder, "v.json")
    with pytest.raises(InvalidArgument, match=message) as caught:
        coco([str(folder)], train, val)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(folder: Path) -> None:
    val = coco_file(folder, "v.json")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        coco([str(folder)], str(folder / "nothing.json"), val)
    (folder / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="not JSON"):
        coco([str(folder)], str(folder / "bad.json"), val)


def voc_folder(folder: Path, names: dict[str, str]) -> str:
    for inner in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (folder / inner).mkdir(parents=True)
    for part, name in names.items():
        (folder / "ImageSets/Main" / f"{part}.txt").write_text(f"{name}\n", encoding="utf-8")
        (folder / "JPEGImages" / f"{name}.jpg").touch()
        xml = f"<annotation><object><name>{name}</name><bndbox/></object></annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(xml, encoding="utf-8")
    return str(folder)


def test_voc_layout(folder: Path) -> None:
    found = voc(voc_folder(folder, {"train": "cat", "val": "dog", "test": "bird"}))
    assert (found.layout, found.classes) == ("voc", ("cat",))
    assert found.test is not None


def test_voc_layout_without_a_list(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"val.txt' is missing"):
        voc(voc_folder(folder, {"train": "cat"}))


def test_voc_layout_without_annotations(folder: Path) -> None:
    root = voc_folder(folder, {"train": "cat", "val": "dog"})
    (folder / "Annotations" / "cat.xml").write_text("<a", encoding="utf-8")
    with pytest.raises(InvalidArgument, match="not XML"):
        voc(root)
    (folder / "Annotations" / "cat.xml").unlink()
    with pytest.raises(InvalidArgument, match="cannot be read"):
        voc(root)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Annotations/dog.xml", "<a><object><name>dog</name></object></a>", "without name or bnd"),
        ("ImageSets/Main/val.txt", "dog  1\n", "line 1 of .*val.txt' is 'dog  1'"),
        ("ImageSets/Main/train.txt", "cat\n\ncat\n", "line 2 of .*train.txt' is ''"),
        ("ImageSets/Main/val.txt", "bird\n", r"JPEGImages/bird.jpg' is missing"),
    ],
)
def test_voc_layout_that_mmdetection_cannot_read(
    folder: Path, file: str, text: str, message: str
) -> None:
    root = voc_folder(folder, {"train": "cat", "val": "dog"})
    (folder / "Annotations" / "bird.xml").write_text("<a/>", encoding="utf-8")
    (folder / file).write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=message):
        voc(root)
