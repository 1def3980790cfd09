"""The problem: points and detectors, training, resuming, what a trial leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lamcts
from lamcts.adapters.mmdet import DetectionData, Detector, FCOSBackbone, Shapes, shapes
from lamcts.adapters.mmdet.data import Part
from lamcts.adapters.mmdet.schedule import Schedule, make_config
from lamcts.adapters.tasks.points import some_point
from lamcts.cli import app
from lamcts.errors import InvalidArgument, LamctsError, Pruned
from lamcts.evaluator import TrialContext

TINY: dict[str, Any] = {
    "width": 0.1,
    "necks": (8, 16),
    "depths": (1,),
    "sizes": ("64",),
    "iterations": 4,
    "validations": 2,
    "batch_size": 4,
}
SMALLEST = json.dumps({"depths": [2] * 5, "kernels": [3] * 20, "expands": [3] * 20})


class Tiny(FCOSBackbone):
    """On a few small images."""

    plan = Shapes(train=12, validation=6, test=4, size=64)
    place: Path

    @cached_property
    def data(self) -> DetectionData:
        return shapes(self.plan, self.place)


@pytest.fixture
def tiny(data: DetectionData) -> Tiny:
    class Placed(Tiny):
        place = Path(data.train.annotations).parent

    return Placed(**TINY)


def smallest(evaluator: FCOSBackbone) -> Any:
    return evaluator.parse(json.dumps({"backbone": json.loads(SMALLEST), "neck": 8}))


# -- points ------------------------------------------------------------------------------------


def test_weights_that_cells_leave_out_are_looked_for_on_several_gpus() -> None:
    data = DetectionData("coco", ("disc",), Part("t.json", "t"), Part("v.json", "v"))
    for family, may in (("nasnet", True), ("mobilenetv3", False)):
        problem = FCOSBackbone(family=family)
        found = make_config(problem.decode(some_point(problem.space)), data, Schedule())
        assert found["find_unused_parameters"] is may


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"family": "efficientnet", "necks": (32,)},
        {"family": "nasnet", "encoding": "darts"},
        {"necks": (32,), "depths": (2,), "sizes": ("128",)},
    ],
)
def test_what_a_point_says_is_read_back(settings: dict[str, Any]) -> None:
    evaluator = FCOSBackbone(**settings)
    evaluator.space.seed(0)
    for _ in range(10):
        x = evaluator.canonical(evaluator.space.sample())
        assert x in evaluator.space
        again = evaluator.parse(json.dumps(evaluator.describe(x)))
        np.testing.assert_equal(again, x)
        as_json = json.dumps(lamcts.spaces.to_json(evaluator.space, x))
        np.testing.assert_equal(evaluator.parse(as_json), x)
        assert evaluator.decode(again) == evaluator.decode(x)


def test_all_points_of_one_detector_have_one_form() -> None:
    evaluator = FCOSBackbone()
    x = evaluator.space.sample()
    x["backbone"]["depths"][:] = 0
    other = {**x, "backbone": {**x["backbone"], "kernels": x["backbone"]["kernels"].copy()}}
    other["backbone"]["kernels"][3] = (x["backbone"]["kernels"][3] + 1) % 3  # a block not there
    assert evaluator.decode(x) == evaluator.decode(other)
    np.testing.assert_equal(evaluator.canonical(x), evaluator.canonical(other))


def test_a_published_backbone_gets_the_greatest_of_the_rest() -> None:
    evaluator = FCOSBackbone(width=1.0)
    found = evaluator.parse("mobilenet_v2")
    assert isinstance(found, Detector)
    assert (found.neck, found.depth, found.size) == (48, 2, (128, 128))
    small = evaluator.parse('{"backbone": "mobilenet_v2", "neck": 16, "size": "96"}')
    assert evaluator.cost(small)["flops"] < evaluator.cost(found)["flops"]
    cells = FCOSBackbone(family="nasnet", encoding="darts").parse("lanet")
    assert cells.trunk.config["type"] == "NASNetBackbone"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mobilenet_v5", "mobilenet_v"),
        ("{", "not JSON"),
        ('{"neck": 16}', "not the parts"),
        ('{"backbone": "mobilenet_v2", "colour": 1}', "not the parts"),
        ('{"backbone": "mobilenet_v2", "neck": 17}', "neck 17.*16, 32, 48"),
        ('{"backbone": {"depths": [2]}}', "depths"),
    ],
)
def test_architectures_that_are_none(text: str, message: str) -> None:
    with pytest.raises(LamctsError, match=message) as caught:
        FCOSBackbone().parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "resnet"}, "family"),
        ({"encoding": "none", "family": "nasnet"}, "encoding"),
        ({"cells": 1, "family": "nasnet"}, "cells"),
        ({"necks": ()}, "necks"),
        ({"sizes": ("96", "96")}, "sizes"),
        ({"sizes": ("tall",)}, "size"),
        ({"iterations": 1}, "iterations: 1 .*2 up"),
        ({"validations": 9, "iterations": 3}, "validations"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"threads": 0}, "threads"),
        ({"workers": -1}, "workers"),
        ({"train": "t.json"}, "images: missing"),
        ({"voc": "a", "val": "v.json"}, "voc"),
    ],
)
def test_settings_that_are_none(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(LamctsError, match=message) as caught:
        FCOSBackbone(**settings)
    assert "\n" not in str(caught.value)


def test_costs_are_of_the_parts_and_limit_a_search() -> None:
    evaluator = FCOSBackbone()
    cost = evaluator.cost(evaluator.space.sample())
    for figure in ("params", "flops"):
        parts = (cost[f"{part}_{figure}"] for part in ("backbone", "neck", "head"))
        assert cost[figure] == sum(parts)


def test_stand_in_is_said_and_own_data_is_not(folder: Path) -> None:
    assert "stand-in" in str(FCOSBackbone().notice)
    assert FCOSBackbone(voc=str(folder)).notice is None


# -- training ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iterations", "validations", "steps"),
    [(300, 3, [100, 200, 300]), (10_000, 3, [3334, 6668, 10_000]), (5, 5, [1, 2, 3, 4, 5])],
)
def test_validated_as_often_as_is_said(iterations: int, validations: int, steps: list[int]) -> None:
    """As mmengine counts: at multiples of the interval, and at the end."""
    interval = Schedule(iterations=iterations, validations=validations).interval
    assert sorted({*range(interval, iterations, interval), iterations}) == steps


def trained(
    evaluator: FCOSBackbone, folder: Path, report: Any = lambda step, value: None
) -> lamcts.Evaluation:
    evaluator.trial = TrialContext(place=folder, report=report)
    return evaluator.evaluate(smallest(evaluator))


def weights(folder: Path) -> Mapping[str, Any]:
    import torch

    saved: Mapping[str, Any] = torch.load(folder / "detector.pth", weights_only=True)["state_dict"]
    return saved


def test_a_training_that_was_cut_goes_on_to_the_same_end(
    tiny: Tiny, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch

    tiny.keep = True
    torch.manual_seed(7)
    before = torch.get_rng_state()
    whole: list[tuple[int, float]] = []
    first = trained(tiny, folder / "whole", lambda *row: whole.append(row))
    assert [step for step, _ in whole] == [2, 4]
    assert first.value == whole[-1][1] == first.metrics["AP"]
    assert torch.equal(torch.get_rng_state(), before)

    def cut(step: int, value: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tiny, folder / "cut", cut)
    assert (folder / "cut" / "checkpoint.pth").exists()
    rest: list[tuple[int, float]] = []
    again = trained(tiny, folder / "cut", lambda *row: rest.append(row))
    assert rest == whole  # what was reported before is reported again
    assert again.metrics == first.metrics
    ours, theirs = weights(folder / "cut"), weights(folder / "whole")
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    printed = capfd.readouterr()
    assert printed.out == printed.err == ""
    assert (
        "Epoch" in (folder / "whole" / "output.log").read_text()
        or "Iter" in (folder / "whole" / "output.log").read_text()
    )


def test_what_a_trial_leaves(tiny: Tiny, folder: Path) -> None:
    found = trained(tiny, folder)
    assert found.artifacts == {"config": str(folder / "config.py")}
    assert not list(folder.glob("*.pth"))
    with pytest.raises(Pruned):
        trained(tiny, folder, _prune)
    assert not list(folder.glob("*.pth"))


def _prune(step: int, value: float) -> None:
    raise Pruned


def test_test_images_are_another_figure(tiny: Tiny) -> None:
    figures = tiny.test(smallest(tiny))
    assert set(figures) == {"test_AP", "test_AP50"}
    assert all(0.0 <= value <= 1.0 for value in figures.values())


def test_data_without_test_images_has_no_test_figures(tiny: Tiny) -> None:
    tiny.data = replace(tiny.data, test=None)
    assert tiny.test(smallest(tiny)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["retinanet", "atss"])
def test_other_detectors_train(kind: Any, tiny: Tiny, folder: Path) -> None:
    tiny.detectors.kind = kind
    assert 0.0 <= trained(tiny, folder).value <= 1.0


@pytest.mark.slow
def test_voc_layout_trains(tiny: Tiny, folder: Path) -> None:
    import mmcv

    data = tiny.data
    for inner in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (folder / "voc" / inner).mkdir(parents=True)
    for name, part in (("train", data.train), ("val", data.validation)):
        content = json.loads(Path(part.annotations).read_text(encoding="utf-8"))
        names = []
        for image in content["images"]:
            names.append(f"{name}{image['id']}")
            picture = mmcv.imread(str(Path(part.images) / image["file_name"]))
            mmcv.imwrite(picture, str(folder / "voc" / "JPEGImages" / f"{names[-1]}.jpg"))
            boxes = [a for a in content["annotations"] if a["image_id"] == image["id"]]
            objects = "".join(
                f"<object><name>{data.classes[a['category_id'] - 1]}</name><bndbox>"
                f"<xmin>{x + 1}</xmin><ymin>{y + 1}</ymin><xmax>{x + w}</xmax><ymax>{y + h}</ymax>"
                "</bndbox></object>"
                for a in boxes
                for x, y, w, h in [a["bbox"]]
            )
            size = "<size><width>64</width><height>64</height></size>"
            xml = f"<annotation>{size}{objects}</annotation>"
            (folder / "voc" / "Annotations" / f"{names[-1]}.xml").write_text(xml, encoding="utf-8")
        (folder / "voc" / "ImageSets/Main" / f"{name}.txt").write_text("\n".join(names))
    evaluator = FCOSBackbone(**TINY, voc=str(folder / "voc"))
    assert evaluator.classes == tuple(sorted(data.classes))
    assert 0.0 <= trained(evaluator, folder / "trial").value <= 1.0


@pytest.mark.slow
def test_stock_tools_train_and_test_the_configuration_of_a_run(
    tiny: Tiny, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a search to a file, ten iterations of mmdetection's own tool, and its test."""
    from lamcts.adapters.mmdet import config, counting

    images = f"{Path(tiny.data.train.images)},{Path(tiny.data.validation.images)}"
    settings = [
        *("--set", f"images={images}"),
        *("--set", f"train={tiny.data.train.annotations}"),
        *("--set", f"val={tiny.data.validation.annotations}"),
        *("--set", "width=0.1", "--set", "sizes=64", "--set", "necks=8,16", "--set", "depths=1"),
        *("--set", "iterations=2", "--set", "validations=1", "--set", "batch_size=4"),
    ]
    monkeypatch.chdir(folder)
    limits = ("--constraint", "flops<=3e6", "--budget", "2", "--seed", "0", "--name", "one")
    done = CliRunner().invoke(app, ["run", "fcos_backbone", *settings, *limits])
    assert done.exit_code == 0, done.output
    (run,) = folder.glob("runs/*/one")
    capsys.readouterr()
    assert config.main(["--run", str(run), "--iterations", "10"]) == 0
    (folder / "found.py").write_text(capsys.readouterr().out, encoding="utf-8")
    assert counting.main([str(folder / "found.py"), "--size", "64"]) == 0
    counted = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert counted == ["backbone", "neck", "head", "detector"]

    # One process that has imported nothing of ours, for both tools: starting takes the longest.
    checkpoint = "work_dirs/found/iter_10.pth"
    both = [["train", "found.py"], ["test", "found.py", checkpoint]]
    code = f"from lamcts.adapters.mmdet.tools import main\nprint([main(w) for w in {both}])"
    tools = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert tools.returncode == 0, tools.stderr
    assert "Iter(train) [10/10]" in tools.stdout
    assert "Iter(val) [2/2]" in tools.stdout
    # After ten iterations nothing may be detected yet, which mmdetection reports without figures.
    assert "Iter(test) [2/2]" in tools.stdout
    assert tools.stdout.endswith("[0, 0]\n")
    assert list(folder.glob("work_dirs/found/*.pth")) == [folder / checkpoint]


def test_configuration_by_name(
    mmdet: None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from lamcts.adapters.mmdet.config import main

    monkeypatch.setenv("LAMCTS_DATA", str(folder))
    assert main(["--arch", "mobilenet_v2", "--set", "width=0.5", "--iterations", "30"]) == 0
    names: dict[str, Any] = {}
    exec(capsys.readouterr().out, names)
    assert names["model"]["backbone"]["arch"] == "mobilenet_v2"
    assert names["train_cfg"]["max_iters"] == 30
    assert main(["--arch", "mobilenet_v9"]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert main(["--run", "nowhere"]) == 2


def test_tools_are_named(mmdet: None, capsys: pytest.CaptureFixture[str]) -> None:
    from lamcts.adapters.mmdet.tools import main

    assert main(["trian"]) == 2
    assert "did you mean 'train'" in capsys.readouterr().err


def test_missing_libraries_are_said_with_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from lamcts.adapters.mmdet.requirements import require_mmdet
    from lamcts.errors import DependencyNotInstalled

    monkeypatch.setitem(sys.modules, "mmdet.models", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[mmdet\]"'):
        require_mmdet()


def test_mistakes_in_settings_are_no_points() -> None:
    with pytest.raises(InvalidArgument):
        FCOSBackbone().describe(FCOSBackbone().parse("mobilenet_v2"))
