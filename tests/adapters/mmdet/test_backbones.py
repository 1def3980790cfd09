"""What mmdetection expects of a backbone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamcts.errors import InvalidArgument, RunError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("mmdet")

NODES = [
    [["sep_conv_3x3", 0], ["skip_connect", 1]],
    [["max_pool_3x3", 2], ["skip_connect", 0]],
]
CELLS = {
    "normal": {"nodes": NODES, "concat": [2, 3]},
    "reduction": {"nodes": NODES, "concat": [3]},
}
OFA = {"depths": [2] * 5, "kernels": [3] * 20, "expands": [3] * 20}
BACKBONES: dict[str, dict[str, Any]] = {
    "ofa": {"type": "MobileBackbone", "arch": OFA, "width": 0.35},
    "efficientnet": {
        "type": "MobileBackbone",
        "family": "efficientnet",
        "arch": {
            "model": "b0",
            "depths": [1] * 7,
            "kernels": [3] * 7,
            "expands": [1] * 7,
            "squeeze": [1] * 7,
        },
        "width": 0.25,
    },
    "mobilenet_v2": {"type": "MobileBackbone", "arch": "mobilenet_v2", "width": 0.25},
    "cells": {"type": "NASNetBackbone", "genotype": CELLS, "channels": 4, "cells": 4},
    "two cells": {"type": "NASNetBackbone", "genotype": CELLS, "channels": 4, "cells": 2},
}


def make(name: str, **options: Any) -> Any:
    from mmdet.registry import MODELS

    torch.manual_seed(0)
    return MODELS.build({**BACKBONES[name], **options})


every = pytest.mark.parametrize("name", BACKBONES)


@every
@pytest.mark.parametrize("size", [(64, 96), (65, 33), (127, 90)])
def test_four_maps_whose_strides_double(name: str, size: tuple[int, int]) -> None:
    backbone = make(name).eval()
    maps = backbone(torch.randn(2, 3, *size))
    assert isinstance(maps, tuple)
    expected = [
        (2, channels, -(-size[0] // stride), -(-size[1] // stride))
        for channels, stride in zip(backbone.out_channels, (4, 8, 16, 32), strict=True)
    ]
    assert [tuple(m.shape) for m in maps] == expected


@every
def test_chosen_maps_are_those_of_the_whole(name: str) -> None:
    images = torch.randn(1, 3, 64, 64)
    every_map = make(name).eval()(images)
    some = make(name, out_indices=(1, 3)).eval()
    assert some.out_channels == tuple(m.shape[1] for m in every_map[1::2])
    for ours, theirs in zip(some(images), every_map[1::2], strict=True):
        torch.testing.assert_close(ours, theirs)


@every
@pytest.mark.parametrize("frozen", [-1, 0, 2, 4])
def test_frozen_stages_stay_as_they_are(name: str, frozen: int) -> None:
    backbone = make(name, frozen_stages=frozen)
    backbone.eval()
    backbone.train()  # must not thaw anything
    stages = backbone.stages()
    parts = [[w for m in stage for w in m.parameters()] for stage in stages]
    assert sum(map(len, parts)) == len(list(backbone.parameters()))
    for number, part in enumerate(parts):
        assert all(weights.requires_grad == (number > frozen) for weights in part)
    before = [[t.clone() for m in stage for t in m.state_dict().values()] for stage in stages]
    maps = backbone(torch.randn(2, 3, 64, 64))
    if frozen < 4:
        sum(m.square().mean() for m in maps if m.requires_grad).backward()
        learning = [weights for weights in backbone.parameters() if weights.requires_grad]
        torch.optim.SGD(learning, lr=0.1).step()
    for number, (stage, old) in enumerate(zip(stages, before, strict=True)):
        new = [t for m in stage for t in m.state_dict().values()]
        same = all(torch.equal(a, b) for a, b in zip(new, old, strict=True))
        assert same == (number <= frozen or not new)


@every
def test_norm_eval_keeps_statistics_but_learns_scales(name: str) -> None:
    backbone = make(name, norm_eval=True).train()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    sum(m.mean() for m in backbone(torch.randn(2, 3, 64, 64))).backward()
    after = backbone.state_dict()
    assert all(torch.equal(after[key], before[key]) for key in before)
    norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert all(m.weight.requires_grad and not m.training for m in norms)


@every
def test_norm_cfg_replaces_every_normalisation(name: str) -> None:
    backbone = make(name, norm_cfg={"type": "GN", "num_groups": 1, "requires_grad": False})
    kinds = {type(m).__name__ for m in backbone.modules() if "Norm" in type(m).__name__}
    assert kinds == {"GroupNorm"}
    assert not any(
        p.requires_grad
        for m in backbone.modules()
        if isinstance(m, torch.nn.GroupNorm)
        for p in m.parameters()
    )
    backbone(torch.randn(1, 3, 64, 64))


@every
def test_checkpointing_changes_no_gradient(name: str) -> None:
    images = torch.randn(2, 3, 64, 64, requires_grad=True)
    gradients = []
    for with_cp in (False, True):
        backbone = make(name, with_cp=with_cp, norm_eval=True)
        sum(m.square().mean() for m in backbone(images)).backward()
        gradients.append([p.grad for p in backbone.parameters()])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


@every
def test_weights_come_back_from_a_file(name: str, folder: Path) -> None:
    backbone = make(name).eval()
    for weights in backbone.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    torch.save(backbone.state_dict(), folder / "weights.pth")
    again = make(name, init_cfg={"type": "Pretrained", "checkpoint": str(folder / "weights.pth")})
    again.init_weights()
    images = torch.randn(1, 3, 64, 64)
    for ours, theirs in zip(again.eval()(images), backbone(images), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_weights_of_the_network_for_classification_fit(name: str, folder: Path) -> None:
    """As `lamcts train` leaves them: the classifier is left out."""
    from lamcts.adapters.mmdet.trunks import mobile_network
    from lamcts.adapters.mobile.network import MobileNet

    network = MobileNet(mobile_network(OFA, width=0.35))
    file = folder / name
    if file.suffix == ".pt":
        torch.save(network.state_dict(), file)
    else:
        pytest.importorskip("safetensors", reason='pip install "lamcts[export]"')
        from lamcts.adapters.training.folder import save_weights

        save_weights(file, dict(network.state_dict()))
    backbone = make("ofa", init_cfg={"type": "Pretrained", "checkpoint": str(file)})
    backbone.init_weights()
    theirs = network.state_dict()
    ours = backbone.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_damaged_weights_are_named(folder: Path) -> None:
    pytest.importorskip("safetensors", reason='pip install "lamcts[export]"')
    file = folder / "weights.safetensors"
    file.write_bytes(b"no weights")
    backbone = make("ofa", init_cfg={"type": "Pretrained", "checkpoint": str(file)})
    with pytest.raises(RunError, match=r"weights\.safetensors' cannot be read"):
        backbone.init_weights()


@every
def test_normalisations_begin_as_identities(name: str) -> None:
    backbone = make(name)
    backbone.init_weights()
    norms = [m for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all((m.weight == 1).all() and (m.bias == 0).all() for m in norms)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["cells", pytest.param("ofa", marks=pytest.mark.slow)])
def test_onnx(name: str, folder: Path) -> None:
    pytest.importorskip("onnxscript", reason='needs onnx: pip install "lamcts[export]"')
    onnxruntime = pytest.importorskip("onnxruntime", reason='pip install "lamcts[export]"')
    backbone = make(name).eval()
    images = torch.randn(1, 3, 64, 96)
    torch.onnx.export(backbone, (images,), str(folder / "b.onnx"), dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(folder / "b.onnx")
    found = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    for ours, theirs in zip(found, backbone(images), strict=True):
        torch.testing.assert_close(torch.tensor(ours), theirs.detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out_indices": (0, 4)}, "out_indices"),
        ({"out_indices": (1, 0)}, "ascend"),
        ({"out_indices": ()}, "out_indices"),
        ({"frozen_stages": 5}, "frozen_stages"),
        ({"norm_cfg": {"type": "GN", "num_groups": 7}}, "norm_cfg"),
        ({"norm_cfg": {"type": "Nothing"}}, "norm_cfg"),
        ({"width": 0.0}, "width"),
        ({"arch": "mobilenet_v4"}, "mobilenet_v"),
        ({"arch": {"depths": [9] * 5, "kernels": [3] * 20, "expands": [3] * 20}}, "depths"),
        ({"family": "resnet"}, "family"),
    ],
)
def test_mistakes_are_said_in_a_line(options: dict[str, Any], message: str) -> None:
    from mmdet.registry import MODELS

    with pytest.raises(Exception, match=message) as caught:
        MODELS.build({**BACKBONES["ofa"], **options})
    assert "\n" not in str(caught.value)


def test_a_row_of_one_cell_is_too_short() -> None:
    from lamcts.adapters.mmdet.trunks import cell_skeleton

    with pytest.raises(InvalidArgument, match="cells: 1"):
        cell_skeleton(4, 1)
