"""Parameters and MACs by formula, against published counts and against PyTorch's modules."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from lamcts.adapters.nasbench101 import (
    CIFAR,
    NAMED_CELLS,
    Cell,
    Skeleton,
    cell_hash,
    network_cost,
)
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3
from lamcts.adapters.nasbench101.skeleton import vertex_channels
from lamcts.adapters.nasbench101.space import FRAME_EDGES
from lamcts.errors import InvalidArgument

FIRST_BITS = "100110100001001010101"
FIRST_HASH = Cell.from_edges(
    [edge for edge, bit in zip(FRAME_EDGES, FIRST_BITS, strict=True) if bit == "1"],
    [CONV3X3, MAXPOOL3X3, CONV3X3, CONV3X3, CONV1X1],
)
LEAST = Cell.from_edges(
    [(0, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 5), (3, 5), (4, 5)], [MAXPOOL3X3] * 4
)
MOST = Cell.from_edges(
    [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 4), (3, 4), (4, 5), (5, 6)], [CONV3X3] * 5
)


@pytest.mark.parametrize(
    ("cell", "params"),
    [
        (FIRST_HASH, 8_555_530),
        (NAMED_CELLS["inception"], 2_694_282),
        (NAMED_CELLS["lanas-best"], 41_557_898),
        (NAMED_CELLS["alphax-7"], 32_426_634),
        (LEAST, 227_274),  # the fewest of the whole table
        (MOST, 49_979_274),  # the most
    ],
)
def test_parameters_equal_the_published_counts(cell: Cell, params: int) -> None:
    assert network_cost(cell, CIFAR).params == params


def test_the_extremes_are_the_cells_they_are_said_to_be() -> None:
    assert cell_hash(LEAST) == "7f2863c47ff14c903849cf2057842782"
    assert cell_hash(MOST) == "fdb35feebc2b34f23e87bc7dbd549951"


def test_macs_of_the_cell_lanas_found() -> None:
    assert network_cost(NAMED_CELLS["lanas-best"]).macs == pytest.approx(6.11e9, rel=1e-3)


def test_a_small_network_counted_by_hand() -> None:
    # Stem 9·1·4 weights + 8 (BN). One module, input -> conv1x1 -> output: the projection and the
    # operation are each 4·4 weights + 8. Classifier 4·3 + 3.
    cell = Cell.from_edges([(0, 1), (1, 2)], [CONV1X1])
    skeleton = Skeleton(4, stacks=1, modules=1, image_size=8, image_channels=1, classes=3)
    cost = network_cost(cell, skeleton)
    assert cost.params == (36 + 8) + 2 * (16 + 8) + (12 + 3)
    assert cost.macs == 64 * (36 + 16 + 16) + 12


def test_channels_are_shared_among_the_vertices_that_feed_the_output() -> None:
    # 1, 2 and 3 feed the output; 4 would need them; the first takes the spare channel.
    cell = Cell.from_edges(
        [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)], [CONV3X3, CONV3X3, CONV3X3]
    )
    assert vertex_channels(cell, 64, 128) == [64, 43, 43, 42, 128]
    # A vertex that does not feed the output is as wide as its widest successor.
    chain = Cell.from_edges([(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)], [CONV3X3] * 3)
    assert vertex_channels(chain, 64, 129) == [64, 65, 65, 64, 129]
    assert vertex_channels(Cell.from_edges([(0, 1)], []), 64, 128) == [64, 128]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"channels": 0}, "channels: 0"),
        ({"channels": 3}, "channels: 3"),
        ({"modules": 2.0}, "modules: 2.0"),
        ({"stacks": True}, "stacks: True"),
        ({"stacks": 5, "image_size": 8}, "stacks: 5 stacks .* at most 4"),
    ],
)
def test_sizes_that_make_no_network_are_refused(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Skeleton(**sizes)


def test_the_most_stacks_an_image_allows_are_allowed() -> None:
    assert Skeleton(4, stacks=4, modules=1, image_size=8).stages()[-1] == (16, 32, 1)


def test_every_small_cell_costs_what_was_logged_when_it_was_trained() -> None:
    """All 2,532 cells of EC-NAS-Bench: hash, parameters and MACs."""
    default = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("LAMCTS_TEST_DATA", default))
    table = folder / "nasbench101_le5v" / "ecnas_5v_4epochs.csv"
    if not table.is_file():
        pytest.skip(f"no EC-NAS-Bench table; set LAMCTS_TEST_DATA to the folder of {table.parent}")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2532
    for row in rows:
        size = int(row["vertices"])
        digits = [int(digit) for digit in row["adjacency"]]
        cell = Cell.make(
            [digits[start : start + size] for start in range(0, size * size, size)],
            row["operations"].split(","),
        )
        cost = network_cost(cell)
        found = (cell_hash(cell), cost.params, cost.macs)
        assert found == (row["hash"], int(row["trainable_parameters"]), int(row["macs"]))
