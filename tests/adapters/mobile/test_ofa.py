"""Supernets of Once-for-All: their names and shapes by hand, and what a network of them computes.

Checkpoints are made here, of random numbers. That our outputs are those of their own code was
measured outside of the tests (docs/mobile.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mobile import Choices, MobileNetV3ImageNet, ofa_space, stand_in
from lamcts.adapters.supernet.folder import IMPORTED, read_record
from lamcts.adapters.training import ImageShape
from lamcts.cli import app

torch = pytest.importorskip("torch")

from torch.nn.functional import (  # noqa: E402
    batch_norm,
    conv2d,
    hardsigmoid,
    hardswish,
    linear,
    relu,
)
from typer.testing import CliRunner  # noqa: E402

from lamcts.adapters.mobile.ofa import elastic_weights, their_names  # noqa: E402
from lamcts.adapters.mobile.supernet import ElasticMobileNet  # noqa: E402
from lamcts.errors import InvalidArgument  # noqa: E402

CLASSES, SIZE = 5, 64

#: Channels of the stem, of the first block and of the five stages; then of both last layers.
CHANNELS = {
    1.0: ((16, 16, 24, 40, 80, 112, 160), 960, 1280),
    1.2: ((24, 24, 32, 48, 96, 136, 192), 1152, 1536),
}
STRIDES, SQUEEZED = (2, 2, 2, 1, 2), (False, True, False, True, True)

State = dict[str, Any]


def _checkpoint(width: float = 1.0) -> State:
    """A largest network's tensors as their code names them, none of our own code asked."""
    generator = torch.Generator().manual_seed(0)
    channels, expanded, mixed = CHANNELS[width]
    state: State = {}

    def put(name: str, *shape: int, scale: float | None = None) -> None:
        fan = float(np.prod(shape[1:])) or 1.0
        scale = (2.0 / fan) ** 0.5 if scale is None else scale
        state[name] = torch.randn(*shape, generator=generator) * scale

    def norm(name: str, count: int) -> None:
        for leaf, low in (("weight", 0.6), ("bias", -0.2), ("running_mean", -0.2)):
            state[f"{name}.{leaf}"] = low + 0.4 * torch.rand(count, generator=generator)
        state[f"{name}.running_var"] = 0.8 + torch.rand(count, generator=generator)
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    put("first_conv.conv.weight", channels[0], 3, 3, 3)
    norm("first_conv.bn", channels[0])
    block = "blocks.0.mobile_inverted_conv."
    put(block + "depth_conv.conv.weight", channels[0], 1, 3, 3)
    norm(block + "depth_conv.bn", channels[0])
    put(block + "point_linear.conv.weight", channels[1], channels[0], 1, 1)
    norm(block + "point_linear.bn", channels[1])
    inputs = channels[1]
    for stage, outputs in enumerate(channels[2:]):
        for nth in range(4):
            middle = 6 * inputs
            block = f"blocks.{1 + 4 * stage + nth}.mobile_inverted_conv."
            put(block + "inverted_bottleneck.conv.conv.weight", middle, inputs, 1, 1)
            norm(block + "inverted_bottleneck.bn.bn", middle)
            put(block + "depth_conv.conv.5to3_matrix", 9, 9, scale=0.3)
            put(block + "depth_conv.conv.7to5_matrix", 25, 25, scale=0.2)
            put(block + "depth_conv.conv.conv.weight", middle, 1, 7, 7)
            norm(block + "depth_conv.bn.bn", middle)
            if SQUEEZED[stage]:
                squeeze = _squeezed(middle)
                put(block + "depth_conv.se.fc.reduce.weight", squeeze, middle, 1, 1)
                put(block + "depth_conv.se.fc.reduce.bias", squeeze, scale=0.1)
                put(block + "depth_conv.se.fc.expand.weight", middle, squeeze, 1, 1)
                put(block + "depth_conv.se.fc.expand.bias", middle, scale=0.1)
            put(block + "point_linear.conv.conv.weight", outputs, middle, 1, 1)
            norm(block + "point_linear.bn.bn", outputs)
            inputs = outputs
    put("final_expand_layer.conv.weight", expanded, inputs, 1, 1)
    norm("final_expand_layer.bn", expanded)
    put("feature_mix_layer.conv.weight", mixed, expanded, 1, 1)
    put("classifier.linear.weight", CLASSES, mixed)
    put("classifier.linear.bias", CLASSES, scale=0.1)
    return state


def _squeezed(channels: int) -> int:
    """A quarter, as the nearest multiple of 8 that is no less than 90 % of it."""
    nearest = max(8, (channels // 4 + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * (channels // 4) else nearest + 8


def _logits(
    state: State, images: Any, d: list[int], k: list[int], e: list[int], *, training: bool
) -> Any:
    """What the network of depths, kernels and expansions computes, straight from the tensors."""

    def norm(x: Any, name: str) -> Any:
        leaves = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (state[f"{name}.{leaf}"][: x.shape[1]].clone() for leaf in leaves)
        return batch_norm(x, mean, var, weight, bias, training=training)

    def kernel(block: str, size: int, middle: int) -> Any:
        weight = state[block + "depth_conv.conv.conv.weight"][:middle]
        for smaller in (5, 3):
            if size <= smaller:
                inner = weight[:, :, 1:-1, 1:-1].flatten(1)
                matrix = state[block + f"depth_conv.conv.{smaller + 2}to{smaller}_matrix"]
                weight = linear(inner, matrix).view(middle, 1, smaller, smaller)
        return weight

    x = conv2d(images, state["first_conv.conv.weight"], stride=2, padding=1)
    x = hardswish(norm(x, "first_conv.bn"))
    block = "blocks.0.mobile_inverted_conv."
    y = conv2d(x, state[block + "depth_conv.conv.weight"], padding=1, groups=x.shape[1])
    y = conv2d(relu(norm(y, block + "depth_conv.bn")), state[block + "point_linear.conv.weight"])
    x = x + norm(y, block + "point_linear.bn")
    for stage in range(5):
        act = relu if stage < 2 else hardswish
        for nth in range(d[stage]):
            place = 4 * stage + nth
            block, stride = (
                f"blocks.{1 + place}.mobile_inverted_conv.",
                1 if nth else STRIDES[stage],
            )
            middle = x.shape[1] * e[place]
            y = conv2d(x, state[block + "inverted_bottleneck.conv.conv.weight"][:middle])
            y = act(norm(y, block + "inverted_bottleneck.bn.bn"))
            weight = kernel(block, k[place], middle)
            y = conv2d(y, weight, stride=stride, padding=k[place] // 2, groups=middle)
            y = act(norm(y, block + "depth_conv.bn.bn"))
            if SQUEEZED[stage]:
                n, gate = _squeezed(middle), block + "depth_conv.se.fc."
                s = y.mean((2, 3), keepdim=True)
                s = conv2d(
                    s, state[gate + "reduce.weight"][:n, :middle], state[gate + "reduce.bias"][:n]
                )
                s = conv2d(
                    relu(s),
                    state[gate + "expand.weight"][:middle, :n],
                    state[gate + "expand.bias"][:middle],
                )
                y = y * hardsigmoid(s)
            y = conv2d(y, state[block + "point_linear.conv.conv.weight"][:, :middle])
            y = norm(y, block + "point_linear.bn.bn")
            x = x + y if stride == 1 and x.shape == y.shape else y
    x = hardswish(norm(conv2d(x, state["final_expand_layer.conv.weight"]), "final_expand_layer.bn"))
    x = conv2d(x.mean((2, 3), keepdim=True), state["feature_mix_layer.conv.weight"])
    weight, bias = (state[f"classifier.linear.{leaf}"] for leaf in ("weight", "bias"))
    return linear(hardswish(x).flatten(1), weight, bias)


def _supernet(width: float = 1.0) -> ElasticMobileNet:
    family = stand_in(ofa_space(width, (48, SIZE)), ImageShape(3, SIZE, CLASSES), 1.0)
    return ElasticMobileNet(family).eval()


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_networks_compute_what_their_tensors_say(width: float) -> None:
    state, supernet = _checkpoint(width), _supernet(width)
    choices: Choices = supernet.choices
    most = np.array([len(column.options) - 1 for column in choices.columns])
    rows = [most, np.zeros_like(most), *choices.sample(np.random.default_rng(0), 2)]
    torch.manual_seed(1)
    for row in rows:
        value: dict[str, list[Any]] = {"depths": [], "kernels": [], "expands": [], "scale": []}
        for column, code in zip(choices.columns, row, strict=True):
            value[column.kind].append(column.options[code])
        pixels = int(value["scale"][0])
        images = torch.randn(8, 3, pixels, pixels)
        sizes = value["depths"], value["kernels"], value["expands"]
        for training in (False, True):  # with statistics of the batch no layer is drowned out
            supernet.load_state_dict(elastic_weights(state, supernet))
            with torch.no_grad():
                wanted = _logits(state, images, *sizes, training=training)
                found = supernet.train(training)(images, choices.point(row))
            assert float((found - wanted).abs().max() / wanted.std()) < 1e-4


def test_every_tensor_is_used_once_and_older_or_wrapped_names_are_the_same() -> None:
    state, supernet = _checkpoint(), _supernet()
    names = their_names(supernet)
    assert len(set(names.values())) == len(names) == len(state)
    found = elastic_weights(state, supernet)
    assert sum(value.numel() for value in found.values()) == sum(v.numel() for v in state.values())

    def renamed(name: str) -> str:
        name = name.replace(".mobile_inverted_conv.", ".conv.").replace(".bn.bn.", ".bn.")
        return "module." + name.replace(".conv.conv.weight", ".conv.weight")

    same = elastic_weights({renamed(name): value for name, value in state.items()}, supernet)
    assert all(torch.equal(found[name], same[name]) for name in found)


MATRIX = "blocks.9.mobile_inverted_conv.depth_conv.conv.7to5_matrix"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({MATRIX: None}, "it has no blocks.9.depth_conv.conv.7to5_matrix; it is no supernet"),
        ({MATRIX: torch.eye(9)}, rf"its {MATRIX} is \(9, 9\), and this space's \(25, 25\)"),
        ({MATRIX: torch.full((25, 25), np.nan)}, f"its {MATRIX} has values that are not finite"),
        ({MATRIX: 3}, f"its {MATRIX} is a int, not a tensor"),
        ({"head.weight": torch.eye(2)}, "there is no place for its head.weight"),
        ({MATRIX.replace("mobile_inverted_", ""): torch.eye(25)}, "are the same tensor"),
    ],
)
def test_a_checkpoint_that_does_not_fit(changes: Mapping[str, Any], message: str) -> None:
    state = {**_checkpoint(), **changes}
    with pytest.raises(InvalidArgument, match=message):
        elastic_weights({name: v for name, v in state.items() if v is not None}, _supernet())


def test_a_folder_by_command_and_a_search_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part in ("train", "val", "test"):
        arrays[f"x_{part}"] = rng.integers(0, 256, (10, 3, SIZE, SIZE), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(10) % CLASSES
    np.savez("images.npz", **arrays)
    torch.save({"state_dict": _checkpoint()}, "theirs.pth")
    (tmp_path / "text.pth").write_text("no checkpoint")
    sizes = ["--set", f"resolutions=48,{SIZE}", "--set", "data=images.npz"]

    def call(*words: str) -> Any:
        return CliRunner().invoke(app, ["supernet", *words])

    def imported(file: str, *words: str) -> Any:
        return call("import", "mobilenetv3_imagenet", file, "--out", "net", *words)

    for file, words, message in (
        ("text.pth", sizes, "checkpoint: 'text.pth' is no checkpoint of weights"),
        ("absent.pth", sizes, "checkpoint: 'absent.pth' is no checkpoint of weights"),
        ("theirs.pth", [*sizes, "--set", "width=1.2"], "use --set width=1.2"),
        ("theirs.pth", [*sizes, "--set", "proxy_width=0.5"], "use proxy_width=1 and colour"),
        ("theirs.pth", sizes[2:], "colour images of 224 pixels"),
        ("theirs.pth", sizes[:2], "data: not given"),
    ):
        outcome = imported(file, *words)
        assert outcome.exit_code == 2, outcome.output
        assert message in outcome.stderr
        assert len(outcome.stderr.splitlines()) == 1
        assert not Path("net").exists()
    outcome = imported("theirs.pth", *sizes, "--json")
    assert outcome.exit_code == 0, outcome.output
    record = read_record(Path("net"))
    assert json.loads(outcome.stdout)["source"] == record.source == str(tmp_path / "theirs.pth")
    assert (record.sampling, record.settings["proxy_width"]) == (IMPORTED, 1.0)
    assert "holds a supernet already" in imported("theirs.pth", *sizes).stderr

    search = ("search", "mobilenetv3_imagenet", "--supernet", "net", "--budget", "2")
    found = call(*search, "--seed", "0", "--optimizer", "random", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["trials"]["complete"] == 2
    assert "imported from" in found.stderr
    assert "may have been trained on the images that are selected on" in found.stderr
    problem = MobileNetV3ImageNet(
        resolutions=(48, SIZE),
        supernet=Path("net"),
        data=Path("images.npz"),
        proxy_width=1.0,
        proxy_size=SIZE,
        proxy_images=2000,
    )
    assert problem.evaluate(problem.choices.point([0] * len(problem.choices.columns))).value >= 0.0
