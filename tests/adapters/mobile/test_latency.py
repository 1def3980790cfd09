"""Latency tables: blocks by their descriptions, sums against measured networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lamcts.adapters.mobile import BlockSum, Choices, LatencyTable, MobileNetV3ImageNet, ofa_space
from lamcts.adapters.mobile.choices import Codes
from lamcts.adapters.mobile.latency import describe_block
from lamcts.adapters.mobile.stages import Block
from lamcts.errors import InvalidArgument

Rows = list[dict[str, str]]
TABLE = "ofa_mbv3_imagenet/mbconv_latency_lut_i7-8700K.csv"


def test_blocks_are_described_as_the_tables_do() -> None:
    assert describe_block(Block(16, 48, 24, 3, 2, 0, "relu", 100)) == (
        "MBConv-input:100x100x16-output:50x50x24-expand:3-kernel:3-stride:2-idskip:0-se:0"
    )
    assert describe_block(Block(160, 960, 160, 7, 1, 240, "hswish", 5)) == (
        "MBConv-input:5x5x160-output:5x5x160-expand:6-kernel:7-stride:1-idskip:1-se:1"
    )


def test_a_network_takes_what_its_parts_take(published: Callable[[str], Path]) -> None:
    table = LatencyTable.load(published(TABLE))
    assert len(table.times) == 4050
    choices = Choices(ofa_space(1.2))
    codes = choices.sample(np.random.default_rng(0), 20)
    sums = BlockSum(choices, table.of_block, table.of_outer)(codes)
    for row, total in zip(codes, sums, strict=True):
        network = choices.network(row)
        parts = [table.times[describe_block(block)] for block in network.blocks]
        r = network.resolution
        parts += [
            table.times[f"first_conv-input:{r}x{r}x3-output:{r // 2}x{r // 2}x24"],
            table.times[
                f"final_expand_layer-input:{r // 32}x{r // 32}x192-output:{r // 32}x{r // 32}x1152"
            ],
            table.times["feature_mix_layer-input:1x1x1152-output:1x1x1536"],
            table.times["classifier-input:1536-output:1000"],
        ]
        assert total == pytest.approx(sum(parts))


def test_sums_follow_ten_thousand_measured_latencies(
    published: Callable[[str], Path],
    rows_of: Callable[[str], Rows],
    ofa_codes: Callable[[Rows, tuple[int, ...]], Codes],
) -> None:
    """Another processor's, so up to a line: half are within 6 % of it."""
    rows = rows_of("ofa_mbv3_imagenet/ofa_mbv3_latency_10k.csv")
    assert len(rows) == 10_000
    resolutions = (160, 176, 192, 208, 224)
    table = LatencyTable.load(published(TABLE))
    choices = Choices(ofa_space(1.0, resolutions))
    sums = BlockSum(choices, table.of_block, table.of_outer)(ofa_codes(rows, resolutions))
    measured = np.array([float(row["cpu_latency_ms"]) for row in rows])
    ranks = [figures.argsort().argsort() for figures in (sums, measured)]
    assert np.corrcoef(ranks[0], ranks[1])[0, 1] > 0.84
    line = np.polyval(np.polyfit(sums, measured, 1), sums)
    assert np.median(abs(line - measured) / measured) < 0.06


def test_it_becomes_a_cost(published: Callable[[str], Path]) -> None:
    problem = MobileNetV3ImageNet(latency=published(TABLE))
    small, large = (
        problem.cost(problem.parse(f"ofa_mbv3_{name}"))["latency_ms"] for name in ("min", "max")
    )
    assert 0.0 < small < 5.0 < large


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,ms\na,1\n", "is no table"),
        ("", "is no table"),
        ("block,mean_ms\na,1\nb,fast\n", "line 3: mean_ms 'fast' is no time"),
        ("block,mean_ms\na,-1\n", "line 2: mean_ms '-1'"),
        ("block,mean_ms\na,nan\n", "line 2: mean_ms 'nan'"),
        ("block,mean_ms\na\n", "line 2: mean_ms None"),
        ("block,mean_ms\na,1\n", "x.csv holds no 'MBConv-input:64x64x16-output:64x64x16"),
    ],
)
def test_tables_that_do_not_fit_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(InvalidArgument, match=message):
        MobileNetV3ImageNet(latency=tmp_path / "x.csv")


def test_tables_may_be_yaml(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    table = tmp_path / "x.yaml"
    table.write_text(yaml.safe_dump({"a": {"mean": 1.5, "variance": 0.1}, "b": 2}))
    assert LatencyTable.load(table).times == {"a": 1.5, "b": 2.0}
    for text, message in [
        ("a: {mean: fast}", "a: 'fast' is no time"),
        ("- a", "is no table"),
        ("a: [", "is not YAML"),
    ]:
        table.write_text(text)
        with pytest.raises(InvalidArgument, match=message):
            LatencyTable.load(table)


def test_a_missing_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"latency: .*none.csv' cannot be read"):
        LatencyTable.load(tmp_path / "none.csv")
