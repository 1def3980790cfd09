"""Architectures from text, and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lamcts.adapters.mobile import EfficientNetImageNet, MobileNetV3ImageNet, Network
from lamcts.errors import InvalidArgument, UnknownName

OFA = MobileNetV3ImageNet()
BLOCKS = EfficientNetImageNet()
ROW = {"resolution": 160, "depths": "24232", "kernels": "57" * 10, "expands": "46" * 10}


@pytest.mark.parametrize("problem", [OFA, BLOCKS])
def test_described_points_parse_to_themselves(problem: MobileNetV3ImageNet) -> None:
    for row in problem.choices.sample(np.random.default_rng(0), 20):
        x = problem.choices.point(row)
        text = json.dumps(problem.describe(x))
        assert problem.choices.row(problem.parse(text)).tolist() == row.tolist()


def test_digits_lists_and_other_names_mean_the_same() -> None:
    x = OFA.choices.row(OFA.parse(json.dumps(ROW)))
    assert x[:6].tolist() == [1, 0, 2, 0, 1, 0]
    lists = {"r": [160], "d": [2, 4, 2, 3, 2], "ks": [5, 7] * 10, "e": [4, 6] * 10}
    assert OFA.choices.row(OFA.parse(json.dumps(lists))).tolist() == x.tolist()
    ignored = [5, 7, 0, 99, *[5, 7] * 8]  # blocks that are not there
    other = OFA.parse(json.dumps(ROW | {"kernels": ignored}))
    assert OFA.choices.row(other).tolist() == x.tolist()


def test_a_point_is_an_architecture_too() -> None:
    x = BLOCKS.parse("efficientnet_b5")
    text = json.dumps({key: np.asarray(value).tolist() for key, value in x.items()})
    assert BLOCKS.choices.row(BLOCKS.parse(text)).tolist() == BLOCKS.choices.row(x).tolist()
    unused = {"scale": 0, "depths": [0] * 5, "kernels": [2] * 20, "expands": [2] * 20}
    found = OFA.choices.row(OFA.parse(json.dumps(unused)))
    assert found[6:].sum() == 2 * 2 * 10


def test_published_networks_outside_the_space_have_a_cost_and_words() -> None:
    for problem in (OFA, BLOCKS):
        network = problem.parse(" MobileNet_V2")
        assert isinstance(network, Network)
        assert problem.cost(network)["params"] == 3_504_872
        assert problem.render(network).startswith("224 px, 3.50 M parameters, 300.8 M")


def test_a_network_is_rendered_stage_by_stage() -> None:
    assert BLOCKS.render(BLOCKS.parse("efficientnet_b0")).splitlines()[:4] == [
        "224 px, 5.29 M parameters, 385.8 M multiply-adds",
        "    16 channels: k3 e1 se",
        "    24 channels: k3 e6 se, k3 e6 se",
        "    40 channels: k5 e6 se, k5 e6 se",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        (
            json.dumps(ROW | {"resolution": 100}),
            "resolution '100' .* use one of 128, 160, 192, 224",
        ),
        (json.dumps(ROW | {"depths": "25232"}), r"depths\[1\] 5 .* use one of 2, 3, 4"),
        (json.dumps(ROW | {"kernels": "9" * 20}), r"kernels\[0\] 9 .* use one of 3, 5, 7"),
        (json.dumps(ROW | {"expands": "34"}), "expands .* is not of 20 values"),
        (json.dumps(ROW | {"depths": 3}), "depths 3 is not of 5 values"),
        (json.dumps({"resolution": 160}), "depths is missing; give 5 values"),
        ('{"scale": 1}', "arch: "),
        ('{"scale": 9, "depths": [0, 0, 0, 0, 0]}', "arch: "),
        ("{}", "arch: "),
        (json.dumps(ROW | {"resolution": []}), "resolution '' is not to choose"),
        ('{"network": "mobilenet_v2"', "not JSON"),
    ],
)
def test_what_is_no_architecture_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        OFA.parse(text)


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'3' is no known name"):
        BLOCKS.parse('{"network": 3}')
    with pytest.raises(UnknownName, match="did you mean 'efficientnet_b1'"):
        BLOCKS.parse("efficientnet-b1")
    with pytest.raises(InvalidArgument, match=r"model 'b5' .* use one of b0, b1"):
        EfficientNetImageNet(models=("b0", "b1")).parse("efficientnet_b5")
