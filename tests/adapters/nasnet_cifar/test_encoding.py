"""Points and genotypes of the three spaces: exact both ways, every point valid, sizes as known."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.adapters.nasnet_cifar import (
    DARTS,
    LANAS,
    NAMED_GENOTYPES,
    ONE_SHOT,
    Cell,
    Encoding,
    Genotype,
    from_bits,
    parse_genotype,
    to_bits,
)
from lamcts.errors import InvalidArgument

ENCODINGS = [LANAS, ONE_SHOT, DARTS, replace(LANAS, nodes=5), replace(DARTS, nodes=2)]
LANET = NAMED_GENOTYPES["lanet"]
SHARED = Path(__file__).parents[4] / "shared" / "data"
TRACES = Path(os.environ.get("LAMCTS_TEST_DATA", SHARED)) / "lanas_traces"
needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="LaNAS' traces are not here")


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
@settings(max_examples=40)
@given(data=st.data())
def test_every_point_means_a_genotype_that_comes_back(encoding: Encoding, data: Any) -> None:
    levels = encoding.make_space().nvec.tolist()
    x = np.array([data.draw(st.integers(0, level - 1)) for level in levels])
    genotype = encoding.decode(x)
    point = encoding.encode(genotype)
    assert point in encoding.make_space()
    assert encoding.decode(point) == genotype
    canonical = encoding.canonical(x)
    assert canonical in encoding.make_space()
    assert np.array_equal(encoding.canonical(canonical), canonical)
    for _, cell in genotype.cells():
        for node in cell.nodes:
            assert encoding.apart != "inputs" or node[0].input != node[1].input
            assert encoding.apart != "arms" or node[0] != node[1]


def test_swapped_arms_and_nodes_are_one_point() -> None:
    x = LANAS.encode(LANET)
    other = x.copy()
    other[[0, 1, 14, 15]] = x[[1, 0, 15, 14]]  # the arms of node 0
    other[[10, 11, 12, 13, 24, 25, 26, 27]] = x[[12, 13, 10, 11, 26, 27, 24, 25]]  # nodes 5 and 6
    assert not np.array_equal(x, other)
    assert np.array_equal(LANAS.canonical(x), LANAS.canonical(other))


def test_the_spaces_have_the_sizes_that_are_known() -> None:
    assert math.prod(LANAS.make_space().nvec.tolist()) == 4**14 * math.factorial(8) ** 2
    # Of DARTS' ordered pairs of inputs those with two equal ones are repaired, and order is free.
    cell = math.prod(math.comb(k, 2) * 7**2 for k in range(2, 6))
    assert cell == 180 * 49**4
    two = replace(DARTS, nodes=1)
    levels = two.make_space().nvec.tolist()
    points = np.stack(np.unravel_index(np.arange(math.prod(levels)), levels), axis=1)
    half = {tuple(two.canonical(point)[:4]) for point in points[:: 14 * 14]}
    assert len(half) == math.comb(2, 2) * 7**2


def test_a_mask_of_one_node_has_every_pair_of_arms() -> None:
    one = replace(ONE_SHOT, nodes=1)
    levels = one.make_space().nvec.tolist()
    points = np.stack(np.unravel_index(np.arange(math.prod(levels)), levels), axis=1)
    masks = {to_bits(one.decode(point), one)[:8].tobytes() for point in points[:: 8 * 8]}
    assert len(masks) == math.comb(8, 2)


def test_unused_inputs_are_joined_in_normal_cells_alone() -> None:
    genotype = replace(LANAS, nodes=1).decode([2, 0, 1, 1])
    assert genotype.normal.concat == (0, 2)
    assert genotype.reduction.concat == (2,)


def test_a_genotype_of_another_space_is_refused() -> None:
    darts = NAMED_GENOTYPES["darts-v2"]
    with pytest.raises(InvalidArgument, match="4 nodes in a cell, and the lanas space has 7"):
        LANAS.encode(darts)
    with pytest.raises(InvalidArgument, match="dil_conv_3x3 is no operation of the one-shot"):
        replace(ONE_SHOT, nodes=4).encode(darts)
    with pytest.raises(InvalidArgument, match="both cells are the same, the unused states"):
        LANAS.encode(Genotype(LANET.normal, Cell(LANET.normal.nodes, (4, 5, 6, 7, 8))))
    with pytest.raises(InvalidArgument, match="all nodes are joined, the arms of a node differ"):
        replace(ONE_SHOT, nodes=7).encode(LANET)


@pytest.mark.parametrize("x", [None, [0] * 27, [4] + [0] * 27, [0] * 14 + [2] + [0] * 13, "0" * 28])
def test_what_is_no_point_is_refused(x: Any) -> None:
    with pytest.raises(InvalidArgument, match="give 28 integers"):
        LANAS.decode(x)


def test_no_nodes_make_no_space() -> None:
    with pytest.raises(InvalidArgument, match="nodes: 0"):
        replace(LANAS, nodes=0)


@needs_traces
def test_every_code_of_the_published_trace_comes_back() -> None:
    trace = json.loads((TRACES / "total_trace.json").read_text())
    with_inputs = 0
    joined: Counter[int] = Counter()
    for text in trace:
        genotype = parse_genotype(text)
        assert LANAS.encode(genotype).tolist() == json.loads(text)
        assert Genotype.from_json(genotype.to_json()) == genotype
        with_inputs += genotype.normal.concat[0] < 2
        joined[len(genotype.normal.concat)] += 1
    assert len(trace) == 5402
    assert with_inputs == 401
    assert joined == {2: 883, 3: 2759, 4: 1541, 5: 210, 6: 9}
    assert parse_genotype(max(trace, key=trace.__getitem__)) == LANET


@needs_traces
def test_every_published_mask_comes_back() -> None:
    rows = json.loads((TRACES / "one_shot_result.txt").read_text())
    same_input = 0
    for text, _ in rows:
        genotype = parse_genotype(text, ONE_SHOT)
        assert np.array_equal(to_bits(genotype), np.ravel(json.loads(text)))
        assert ONE_SHOT.decode(ONE_SHOT.encode(genotype)) == genotype
        nodes = genotype.normal.nodes + genotype.reduction.nodes
        same_input += sum(one.input == other.input for one, other in nodes)
    assert len(rows) == 3776
    assert same_input / (10 * len(rows)) == pytest.approx(0.243, abs=5e-4)
    best = from_bits(json.loads(rows[-1][0]))
    assert [[tuple(arm) for arm in node] for node in best.reduction.nodes[3:]] == [
        [("max_pool_3x3", 0), ("max_pool_3x3", 2)],
        [("skip_connect", 1), ("sep_conv_3x3", 3)],
    ]
