"""Genotypes: valid or refused in one line, JSON both ways, one canonical form a network."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.nasnet_cifar import (
    DARTS,
    LANAS,
    NAMED_GENOTYPES,
    ONE_SHOT,
    OPS,
    Arm,
    Cell,
    Genotype,
    canonical_cell,
    draw_genotype,
    parse_genotype,
)
from lamcts.errors import InvalidArgument, LamctsError, UnknownName

LANET = NAMED_GENOTYPES["lanet"]


@st.composite
def cells(draw: st.DrawFn, most_nodes: int = 6, ops: tuple[str, ...] = OPS) -> Cell:
    """Valid cells of one to six nodes that join their unused states and some others."""
    size = draw(st.integers(1, most_nodes))
    nodes = [
        [(draw(st.sampled_from(ops)), draw(st.integers(0, k + 1))) for _ in range(2)]
        for k in range(size)
    ]
    unused = set(range(2, size + 2)) - {source for node in nodes for _, source in node}
    joined = unused | draw(st.sets(st.integers(0, size + 1)))
    return Cell.make(nodes, sorted(joined))


def _renumbered(cell: Cell, rng: random.Random) -> Cell:
    """The same network, its nodes in another order and its arms swapped at random."""
    number = {0: 0, 1: 1}
    nodes: list[list[Arm]] = []
    while len(nodes) < len(cell.nodes):
        ready = [
            state
            for state, node in enumerate(cell.nodes, start=2)
            if state not in number and all(arm.input in number for arm in node)
        ]
        state = rng.choice(ready)
        arms = [Arm(arm.op, number[arm.input]) for arm in cell.nodes[state - 2]]
        nodes.append(rng.sample(arms, 2))
        number[state] = len(number)
    return Cell.make(nodes, sorted(number[state] for state in cell.concat))


@given(cells(), st.integers(0, 10**6))
def test_order_does_not_change_the_canonical_cell(cell: Cell, seed: int) -> None:
    canonical = canonical_cell(cell)
    assert canonical_cell(_renumbered(cell, random.Random(seed))) == canonical
    assert canonical_cell(canonical) == canonical


def _all_orders(cell: Cell) -> set[Cell]:
    """Every way to write a small cell down, by brute force."""
    found = {cell}
    rng = random.Random(0)
    for _ in range(200):
        found.add(_renumbered(cell, rng))
    return found


@given(cells(most_nodes=3, ops=OPS[:2]), cells(most_nodes=3, ops=OPS[:2]))
def test_cells_with_one_canonical_form_are_the_same_network(one: Cell, other: Cell) -> None:
    same = canonical_cell(one) == canonical_cell(other)
    assert same == (other in _all_orders(one))


def test_nodes_that_look_alike_but_are_used_apart_are_told_apart() -> None:
    sep = "sep_conv_3x3"
    twins = [[(sep, 0), (sep, 1)], [(sep, 0), (sep, 1)]]
    split = Cell.make([*twins, [(sep, 2), (sep, 3)]], [4])
    shared = Cell.make([*twins, [(sep, 2), (sep, 2)]], [3, 4])
    assert canonical_cell(split) != canonical_cell(shared)
    # Which of the twins is used twice does not matter.
    assert canonical_cell(Cell.make([*twins, [(sep, 3), (sep, 3)]], [2, 4])) == canonical_cell(
        shared
    )


def test_many_equal_nodes_take_no_time() -> None:
    nodes = [[("skip_connect", 0), ("skip_connect", 0)]] * 20
    cell = Cell.make(nodes, range(2, 22))
    assert canonical_cell(cell) == cell


@given(cells(), cells())
def test_genotypes_come_back_from_their_json(normal: Cell, reduction: Cell) -> None:
    if reduction.concat[0] < 2:
        with pytest.raises(InvalidArgument, match=r"reduction\.concat: .* joins an input"):
            Genotype(normal, reduction)
        return
    genotype = Genotype(normal, reduction)
    text = json.dumps(genotype.to_json())
    assert Genotype.from_json(json.loads(text)) == genotype
    assert parse_genotype(text) == genotype


def test_lanet_is_the_published_cell() -> None:
    short = {"skip_connect": "skip", "sep_conv_3x3": "sep3", "sep_conv_5x5": "sep5"}
    short["max_pool_3x3"] = "max"
    nodes = [[(short[arm.op], arm.input) for arm in node] for node in LANET.normal.nodes]
    assert nodes == [
        [("skip", 0), ("skip", 1)],
        [("sep3", 1), ("skip", 1)],
        [("max", 2), ("skip", 1)],
        [("sep3", 1), ("skip", 0)],
        [("skip", 3), ("sep5", 4)],
        [("skip", 3), ("max", 0)],
        [("skip", 3), ("sep3", 1)],
    ]
    assert LANET.normal == LANET.reduction
    assert LANET.normal.concat == (5, 6, 7, 8)


def _cell(**changes: Any) -> dict[str, Any]:
    return {"nodes": [[["sep_conv_3x3", 0], ["skip_connect", 1]]], "concat": [2], **changes}


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (_cell(nodes=[]), "normal: nodes: there are none"),
        (_cell(nodes=5), "normal: nodes and concat: no lists"),
        (_cell(nodes=[[["sep_conv_3x3", 0]]]), r"normal: nodes\[0\]: .* two pairs"),
        (_cell(nodes=[[["sep_conv_3", 0], ["skip_connect", 1]]]), "did you mean 'sep_conv_3x3'"),
        (_cell(nodes=[[[3, 0], ["skip_connect", 1]]]), r"nodes\[0\]: 3 is no operation"),
        (_cell(nodes=[[["skip_connect", 2], ["skip_connect", 1]]]), "use an integer from 0 to 1"),
        (_cell(nodes=[[["skip_connect", True], ["skip_connect", 1]]]), "input True is no"),
        (_cell(concat=[3]), r"concat: \[3\] are no states; .* from 0 to 2"),
        (_cell(concat=[]), "concat: "),
        (_cell(concat=[2, 2]), "once, ascending"),
        (_cell(concat=[0]), r"nodes\[0\]: nothing uses it; add state 2"),
        ({"nodes": []}, "nodes and concat are needed"),
        (7, "nodes and concat are needed, got 7"),
    ],
)
def test_what_is_no_cell_is_refused_in_one_line(cell: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message) as caught:
        Genotype.from_json({"normal": cell, "reduction": _cell()})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("lanett", UnknownName, "did you mean 'lanet'"),
        ("{", InvalidArgument, "arch: not JSON"),
        ("{}", InvalidArgument, "normal and reduction are needed"),
        ("[1, 2]", InvalidArgument, "give 28 integers"),
        ("[[1], [2, 3]]", InvalidArgument, "give 28 integers"),
    ],
)
def test_text_that_means_no_genotype_is_refused(
    text: str, kind: type[LamctsError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        parse_genotype(text)


def test_codes_and_masks_are_read_as_the_encoding_writes_them() -> None:
    code = LANAS.encode(LANET).tolist()
    assert parse_genotype(json.dumps(code)) == LANET
    darts = NAMED_GENOTYPES["darts-v2"]
    assert parse_genotype(json.dumps(DARTS.encode(darts).tolist()), DARTS) == darts
    with pytest.raises(InvalidArgument, match="node 0 of the normal cell has 0 ones"):
        parse_genotype(json.dumps([0] * 160), ONE_SHOT)
    with pytest.raises(InvalidArgument, match="is no mask; give 160"):
        parse_genotype("[[[1], [2, 3]]]", ONE_SHOT)


def test_text_says_what_every_node_adds() -> None:
    lines = str(NAMED_GENOTYPES["darts-v2"]).splitlines()
    assert lines[0] == "normal cell: joins 2, 3, 4, 5"
    assert lines[4] == "  5 = skip_connect(0) + dil_conv_3x3(2)"
    assert lines[5] == "reduction cell: joins 2, 3, 4, 5"


def test_a_drawing_shows_every_state_and_every_arm(tmp_path: Any) -> None:
    pytest.importorskip("matplotlib")
    figure = draw_genotype(LANET, tmp_path / "lanet.svg")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words.count("skip") == 8
    assert words.count("sep 3") == 3
    assert words.count("max") == 2
    assert words.count("sep 5") == 1
    assert {"k−2", "k−1", "2", "8", "join"} <= set(words)
    assert (tmp_path / "lanet.svg").stat().st_size > 1000
