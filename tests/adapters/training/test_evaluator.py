"""What problems of networks share: every one of them is retrained, described, and exported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mobile import EfficientNetImageNet, MobileNetV3ImageNet
from lamcts.adapters.nasbench101 import NASBench101
from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.training import RECIPES, NetworkEvaluator, Recipe, find_recipe
from lamcts.errors import InvalidArgument, LamctsError, RunError, UnknownName
from tests.adapters.training.conftest import pictures

pytest.importorskip("torch")

import torch

from lamcts.adapters.training.folder import read_model
from lamcts.adapters.training.retraining import load_trained

ROOT = Path(__file__).parents[3]
_DATA = Path(os.environ.get("LAMCTS_TEST_DATA", ROOT.parent / "shared" / "data"))
TINY: dict[str, Any] = {"channels": 4, "cells": 2}
QUICK = Recipe(epochs=1, batch_size=60, learning_rate=0.05)


def problems() -> list[tuple[Any, str]]:
    return [
        (NASNetCIFAR(**TINY), "lanet"),
        (NASNetCIFAR(encoding="darts", **TINY), "darts-v2"),
        (NASBench101(), "inception"),
        (MobileNetV3ImageNet(width=0.1), "ofa_mbv3_min"),
        (MobileNetV3ImageNet(), "mobilenet_v2"),
        (EfficientNetImageNet(models=("b0",)), "efficientnet_b0"),
    ]


@pytest.mark.parametrize(("problem", "name"), problems(), ids=lambda value: str(value)[:20])
def test_what_is_described_is_parsed_to_the_same_network(problem: Any, name: str) -> None:
    x = problem.parse(name)
    description = problem.describe(x)
    again = problem.parse(json.dumps(description))
    assert problem.describe(again) == description
    assert problem.render(again) == problem.render(x)
    assert problem.cost(again) == problem.cost(x)


@pytest.mark.parametrize(("problem", "name"), problems()[:4], ids=lambda value: str(value)[:20])
def test_targets_fit_the_images_they_are_trained_on(problem: Any, name: str) -> None:
    x = problem.parse(name)
    shape = pictures().shape
    with torch.device("meta"):
        model = problem.target(x, shape)().eval()
        logits = model(torch.zeros(2, shape.channels, shape.size, shape.size))
    assert logits.shape == (2, shape.classes)


class Pictures(NASNetCIFAR):
    """Tiny cells on 24 images."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__(encoding="darts", nodes=1, channels=channels, cells=2)

    def load_data(self) -> Any:
        return pictures()


@pytest.fixture
def problem() -> Pictures:
    return Pictures()


@pytest.fixture
def x(problem: Pictures) -> Any:
    return problem.encoding.canonical([3, 2, 0, 1] * 2)


def test_a_target_is_trained_selected_and_measured_once(
    problem: Pictures, x: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lamcts.adapters.training import images

    splits: list[str] = []
    score = images.ImageTask.score

    def spy(self: Any, model: Any, split: Any = "validation") -> float:
        splits.append(split)
        return score(self, model, split)

    monkeypatch.setattr(images.ImageTask, "score", spy)
    lines: list[str] = []
    recipe = Recipe(epochs=3, batch_size=8, learning_rate=0.05)
    scores = problem.train(x, tmp_path / "out", recipe=recipe, progress=lines.append)
    assert splits == ["validation"] * 3 + ["test"]
    assert lines[0] == (
        "training on pictures: 24 images, 24 to select an epoch, 24 to measure it; cpu"
    )
    assert len(lines) == 4
    about = read_model(tmp_path / "out")
    assert about["scores"] == scores
    assert about["recipe"] == recipe.to_json()
    assert about["architecture"] == problem.describe(x)
    assert about["shape"] == {"channels": 3, "size": 8, "classes": 3}
    model = load_trained(tmp_path / "out")
    part = pictures().test
    with torch.inference_mode():
        right = model(torch.from_numpy(part.images)).argmax(1).numpy() == part.labels
    assert right.mean() == scores["test_accuracy"]


def test_a_killed_training_is_resumed_to_the_same_scores(
    problem: Pictures, x: Any, tmp_path: Path
) -> None:
    recipe = Recipe(epochs=4, batch_size=8, learning_rate=0.05, crop="pad", flip=True)
    whole = problem.train(x, tmp_path / "whole", recipe=recipe)

    def stop(line: str) -> None:
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        problem.train(x, tmp_path / "cut", recipe=recipe, progress=stop)
    with pytest.raises(RunError, match="no finished training"):
        problem.export(tmp_path / "cut", "arch", tmp_path / "arch.json")
    assert problem.train(x, tmp_path / "cut", recipe=recipe, resume=True) == whole
    one, other = (load_trained(tmp_path / name).state_dict() for name in ("whole", "cut"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_another_point_is_not_trained_on_with(problem: Pictures, x: Any, tmp_path: Path) -> None:
    problem.train(x, tmp_path, recipe=QUICK)
    problem.describe = lambda x: {"another": True}  # type: ignore[method-assign]
    with pytest.raises(RunError, match="was begun with the architecture "):
        problem.train(x, tmp_path, recipe=QUICK, resume=True)


def test_a_teacher_is_a_folder(problem: Pictures, x: Any, tmp_path: Path) -> None:
    problem.train(x, tmp_path / "teacher", recipe=QUICK)
    recipe = Recipe(epochs=1, batch_size=8, distillation=0.5, teacher_resolution=12)
    assert problem.train(x, tmp_path / "own", recipe=recipe, teacher=tmp_path / "teacher")
    with pytest.raises(InvalidArgument, match="there is no teacher"):
        problem.train(x, tmp_path / "other", recipe=recipe)
    with pytest.raises(RunError, match="no finished training"):
        problem.train(x, tmp_path / "other", recipe=recipe, teacher=tmp_path / "none")
    with pytest.raises(InvalidArgument, match="nothing is learned from the teacher"):
        problem.train(x, tmp_path / "other", recipe=QUICK, teacher=tmp_path / "teacher")
    digits = NASBench101()  # grey, of ten classes
    with pytest.raises(InvalidArgument, match="no network for images of 1 channels and 10 classes"):
        digits.train(
            digits.parse("resnet"), tmp_path / "a", recipe=recipe, teacher=tmp_path / "teacher"
        )


def test_weights_without_safetensors_are_pytorchs(
    problem: Pictures, x: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    problem.train(x, tmp_path / "out", recipe=QUICK)
    monkeypatch.undo()
    assert (tmp_path / "out" / "weights.pt").exists()
    assert isinstance(load_trained(tmp_path / "out"), torch.nn.Module)


def test_damaged_weights_are_named(problem: Pictures, x: Any, tmp_path: Path) -> None:
    problem.train(x, tmp_path, recipe=QUICK)
    (file,) = tmp_path.glob("weights.*")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RunError, match=rf"{file.name}: not the weights of this network") as wrong:
        load_trained(tmp_path)
    assert "\n" not in str(wrong.value)


def test_exports_need_nothing_of_this_package(problem: Pictures, x: Any, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    problem.train(x, tmp_path / "out", recipe=QUICK)
    problem.export(tmp_path / "out", "arch", tmp_path / "arch.json")
    assert np.array_equal(problem.parse((tmp_path / "arch.json").read_text()), x)
    problem.export(tmp_path / "out", "safetensors", tmp_path / "w.safetensors")
    held = safetensors.load_file(tmp_path / "w.safetensors")
    model = load_trained(tmp_path / "out")
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(held[name], value.numpy())
    with pytest.raises(InvalidArgument, match="exported as arch, safetensors, onnx"):
        problem.export(tmp_path / "out", "pickle", tmp_path / "x")


COMPARE = """
import sys, numpy, onnxruntime
assert not any(name.startswith(("lamcts", "torch")) for name in sys.modules)
session = onnxruntime.InferenceSession(sys.argv[1])
images = numpy.load(sys.argv[2])
numpy.save(sys.argv[3], session.run(["logits"], {"images": images})[0])
assert {"architecture", "mean", "std"} <= set(session.get_modelmeta().custom_metadata_map)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_onnx_runtime_gives_the_same_logits(number: int, tmp_path: Path) -> None:
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)
    problem, name = problems()[number]
    x = problem.parse(name)
    recipe = Recipe(epochs=1, batch_size=60, resolution=32 if number == 3 else None)
    problem.train(x, tmp_path / "out", recipe=recipe)
    line = problem.export(tmp_path / "out", "onnx", tmp_path / "m.onnx")
    assert line.startswith("ONNX, images (n, 1, ")
    shape = read_model(tmp_path / "out")["shape"]
    rng = np.random.default_rng(0)
    images = rng.standard_normal((5, 1, shape["size"], shape["size"])).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    files = [str(tmp_path / file) for file in ("m.onnx", "images.npy", "logits.npy")]
    subprocess.run([sys.executable, "-c", COMPARE, *files], check=True, cwd=tmp_path)
    with torch.inference_mode():
        expected = load_trained(tmp_path / "out")(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(np.load(files[2]), expected, atol=1e-4)


@pytest.mark.slow
def test_real_images_are_learned(tmp_path: Path) -> None:
    """A tiny network on 2,700 images of CIFAR-10: well above chance in three epochs."""
    path = _DATA / "cifar10_4k" / "cifar10_4k.npz"
    if not path.is_file():
        pytest.skip(f"no {path}; set LAMCTS_TEST_DATA")
    problem = NASNetCIFAR(encoding="darts", channels=4, cells=2, data=path)
    assert problem.notice is not None
    assert "stand-in" not in problem.notice
    recipe = Recipe(epochs=3, batch_size=32, learning_rate=0.1, crop="pad", flip=True)
    x = problem.parse("darts-v2")
    scores = problem.train(x, tmp_path / "out", recipe=recipe)
    assert scores["test_accuracy"] > 0.25  # chance is 0.1


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (NASNetCIFAR, {"proxy_channels": 4, "proxy_cells": 1}),
        (NASBench101, {"channels": 4, "stacks": 1, "modules": 1, "repeats": 1}),
        (EfficientNetImageNet, {"models": ("b0",)}),
    ],
)
def test_proxies_are_trained_on_images_of_the_user(
    kind: Any, settings: dict[str, Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 150, (60, 32, 32, 3), np.uint8) + 100 * labels[:, None, None, None]
    np.savez(tmp_path / "own.npz", x=images.astype(np.uint8), y=labels)
    problem = kind(data=tmp_path / "own.npz", epochs=2, **settings)
    assert str(tmp_path / "own.npz") in problem.notice
    names = {NASNetCIFAR: "lanet", NASBench101: "resnet"}
    x = problem.parse(names.get(kind, "efficientnet_b0"))
    assert 0.0 <= problem.evaluate(x).value <= 1.0
    assert problem.load_data().shape.classes == 2


# -- Recipes ---------------------------------------------------------------------------------------


def test_recipes_go_there_and_back() -> None:
    for recipe in RECIPES.values():
        assert Recipe(**json.loads(json.dumps(recipe.to_json()))) == recipe


def test_published_settings() -> None:
    """What the papers and the released code say, once more."""
    darts, lanet = find_recipe("darts-cifar"), find_recipe("lanet-cifar")
    assert (darts.epochs, darts.batch_size, darts.learning_rate) == (600, 96, 0.025)
    assert (darts.cutout, darts.drop_path, darts.clip) == (16, 0.2, 5.0)
    assert darts.auxiliary_weight == 0.4
    assert (lanet.epochs, lanet.batch_size, lanet.ema) == (1500, 32, 0.9999)
    assert (lanet.cutmix, lanet.mix_probability, lanet.mixes) == (1.0, 0.5, 2)
    assert {darts.weight_decay, lanet.weight_decay} == {3e-4}
    efficient = find_recipe("efficientnet-imagenet")
    assert efficient.learning_rate == 0.016 * efficient.batch_size / 256
    assert (efficient.decay_rate, efficient.decay_epochs) == (0.97, 2.4)
    mobile = find_recipe("mobilenetv3-imagenet")
    assert (mobile.learning_rate, mobile.decay_rate, mobile.decay_epochs) == (0.1, 0.99, 3.0)
    with pytest.raises(UnknownName, match="did you mean 'lanet-cifar'"):
        find_recipe("lanet-cifer")


def test_a_recipe_is_changed_field_by_field(problem: Pictures) -> None:
    assert problem.make_recipe(None, {}) == RECIPES["digits"]
    assert problem.make_recipe("darts-cifar", {"epochs": 3}).epochs == 3
    with pytest.raises(InvalidArgument, match=r"momentum: 1.0 is not in \[0, 1\)"):
        problem.make_recipe(None, {"momentum": 1.0})


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"schedule": "linear"}, "schedule: 'linear' is not known; use one of cosine"),
        ({"optimizer": "adam"}, "optimizer: 'adam' is not known"),
        ({"learning_rate": 0.0}, r"learning_rate: 0.0 is not in \(0, inf\)"),
        ({"learning_rate": float("nan")}, "learning_rate: nan"),
        ({"ema": 1.0}, r"ema: 1.0 is not in \[0, 1\)"),
        ({"distillation": 1.1}, r"distillation: 1.1 is not in \[0, 1\]"),
        ({"test_crop": 0.0}, r"test_crop: 0.0 is not in \(0, 1\]"),
        ({"resolution": 0}, "resolution: 0 is not a size"),
        ({"cutout": -1}, "cutout: -1"),
        ({"clip": 0.0}, "clip: 0.0"),
        ({"norm_momentum": 2.0}, "norm_momentum: 2.0"),
    ],
)
def test_numbers_that_cannot_be_followed_are_refused(numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(LamctsError, match=message):
        Recipe(epochs=1, **numbers)


def test_the_base_loads_nothing_heavy() -> None:
    program = (
        "import sys; import lamcts.adapters.training as t; t.find_recipe('digits'); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'sklearn', 'PIL', 'timm')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
    assert issubclass(NASNetCIFAR, NetworkEvaluator)


def test_a_device_that_is_not_here_is_refused_at_once(
    problem: Pictures, x: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    message = "device: PyTorch finds no 'cuda' on this machine; use cpu, or auto"
    with pytest.raises(InvalidArgument, match=message):
        problem.train(x, tmp_path, recipe=replace(QUICK, device="cuda"))
    problem.recipes = [replace(QUICK, device="cuda")]
    with pytest.raises(InvalidArgument, match=message):
        problem.prepare()
    with pytest.raises(InvalidArgument, match=message):
        problem.rank([], 3)
