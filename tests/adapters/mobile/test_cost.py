"""Parameters and multiply-adds: published counts, tables, many rows at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from lamcts.adapters.mobile import (
    COMPOUND,
    BlockSum,
    Choices,
    EfficientNetImageNet,
    MobileNetV3ImageNet,
    Network,
    block_space,
    mobilenet_v2,
    mobilenet_v3_large,
    network_activations,
    network_macs,
    network_params,
    ofa_space,
)
from lamcts.adapters.mobile.choices import Codes
from lamcts.adapters.mobile.cost import (
    FIGURES,
    block_activations,
    block_macs,
    block_params,
    outer_macs,
    outer_params,
)
from lamcts.adapters.mobile.stages import Block, divisible

Rows = list[dict[str, str]]
B0 = COMPOUND[:1]


@pytest.mark.parametrize(
    ("name", "params", "billions"),
    [
        ("efficientnet_b0", 5_288_548, 0.3858),
        ("efficientnet_b1", 7_794_184, 0.6868),
        ("efficientnet_b2", 9_109_994, 0.9936),
        ("efficientnet_b3", 12_233_232, 1.8271),
        ("efficientnet_b4", 19_341_616, 4.3938),
        ("efficientnet_b5", 30_389_784, 10.2664),
        ("efficientnet_b6", 43_040_704, 19.0676),
        ("efficientnet_b7", 66_347_960, 37.7459),
    ],
)
def test_efficientnets_have_the_published_size(name: str, params: int, billions: float) -> None:
    problem = EfficientNetImageNet()
    cost = problem.cost(problem.parse(name))
    assert cost["params"] == params
    assert round(cost["macs"] / 1e9, 4) == billions
    assert cost["flops"] == cost["macs"]
    assert cost["activations"] == network_activations(problem.decode(problem.parse(name)))


def test_mobilenets_have_the_published_size() -> None:
    assert network_params(mobilenet_v2()) == 3_504_872
    assert network_macs(mobilenet_v2()) == 300_774_272
    assert network_params(mobilenet_v3_large()) == 5_483_032  # torchvision's
    assert network_macs(mobilenet_v3_large()) / 1e9 == pytest.approx(0.217, abs=5e-4)


@pytest.mark.parametrize(
    ("width", "name", "params", "macs"),
    [
        (1.0, "ofa_mbv3_max", 7.665, 566.2),
        (1.0, "ofa_mbv3_min", 3.411, 41.5),
        (1.2, "ofa_mbv3_max", 10.702, 843.1),
    ],
)
def test_corners_of_the_supernet(width: float, name: str, params: float, macs: float) -> None:
    problem = MobileNetV3ImageNet(width=width)
    cost = problem.cost(problem.parse(name))
    assert round(cost["params"] / 1e6, 3) == params
    assert round(cost["macs"] / 1e6, 1) == macs


def test_wider_channels_are_those_of_the_released_supernet() -> None:
    widths = [16, 16, 24, 40, 80, 112, 160, 960, 1280]
    wider = [divisible(1.2 * channels) for channels in widths]
    assert wider == [24, 24, 32, 48, 96, 136, 192, 1152, 1536]


def test_a_block_counted_by_hand() -> None:
    # 8 -> 16 -> 8 at 4x4, stride 2, squeeze to 2: up 8·16 + 32; depthwise 9·16 + 32; gates
    # 16·2 + 2 and 2·16 + 16; down 16·8 + 16.
    block = Block(8, 16, 8, 3, 2, 2, "relu", 4)
    assert block_params(block) == 160 + 176 + 34 + 48 + 144
    assert block_macs(block) == 16 * 128 + 4 * (144 + 128) + 64
    assert block_activations(block) == 16 * 16 + 4 * (16 + 8) + (2 + 16)
    plain = Block(8, 8, 8, 3, 1, 0, "relu", 4)  # no 1x1 up
    assert block_params(plain) == (72 + 16) + (64 + 16)


def test_every_network_of_the_accelerator_table(rows_of: Callable[[str], Rows]) -> None:
    """Accel-NASBench: the source's own parameter counts of 5,138 trained networks."""
    rows = rows_of("accel_nasbench_imagenet/accel_nasbench_imagenet.csv")
    assert len(rows) == 5138
    choices = Choices(block_space(B0))
    codes = block_codes(rows)
    params = BlockSum(choices, block_params, outer_params)(codes)
    assert [f"{count / 1e6:.5f}" for count in params] == [
        f"{float(row['params_M']):.5f}" for row in rows
    ]
    macs = BlockSum(choices, block_macs, outer_macs)(codes) / 1e6
    assert macs == pytest.approx([float(r["conv_macs_M_derived"]) for r in rows], abs=1e-4)


def block_codes(rows: Rows) -> Codes:
    options = {"l": "1234", "k": "35", "e": "146", "se": "01"}
    return np.array(
        [
            [
                known.index(row[f"b{stage}_{key}"])
                for key, known in options.items()
                for stage in range(7)
            ]
            for row in rows
        ]
    )


def test_every_measured_subnet(
    rows_of: Callable[[str], Rows], ofa_codes: Callable[[Rows], Codes]
) -> None:
    rows = rows_of("ofa_mbv3_imagenet/ofa_mbv3_w1.0_subnets.csv")
    assert len(rows) == 2610
    choices, codes = Choices(ofa_space()), ofa_codes(rows)
    params = BlockSum(choices, block_params, outer_params)(codes)
    macs = BlockSum(choices, block_macs, outer_macs)(codes)
    assert params.tolist() == [int(row["params_derived"]) for row in rows]
    assert macs.tolist() == [int(row["macs_derived"]) for row in rows]


SPACES = {"ofa": ofa_space(1.2), "b0": block_space(B0), "b0-b7": block_space()}


@pytest.mark.parametrize("name", SPACES)
def test_many_rows_at_once_cost_what_their_networks_cost(name: str) -> None:
    choices = Choices(SPACES[name])
    codes = choices.sample(np.random.default_rng(0), 40)
    networks = [choices.network(row) for row in codes]

    def sums(
        of_block: Callable[[Block], float], of_outer: Callable[[Network], float]
    ) -> list[float]:
        values: list[float] = BlockSum(choices, of_block, of_outer)(codes).tolist()
        return values

    assert sums(block_params, outer_params) == list(map(network_params, networks))
    assert sums(block_macs, outer_macs) == list(map(network_macs, networks))
    assert sums(*FIGURES["activations"]) == list(map(network_activations, networks))


def test_no_rows_cost_nothing() -> None:
    choices = Choices(block_space(B0))
    none = np.zeros((0, len(choices.columns)), dtype=np.int64)
    assert BlockSum(choices, block_macs, outer_macs)(none).shape == (0,)


@pytest.mark.parametrize("name", SPACES)
def test_a_hundred_thousand_architectures_take_less_than_a_second(name: str) -> None:
    choices = Choices(SPACES[name])
    macs = BlockSum(choices, block_macs, outer_macs)
    macs.tabulate()
    codes = choices.sample(np.random.default_rng(0), 100_000)
    start = time.process_time()
    macs(codes)
    assert time.process_time() - start < 1.0
