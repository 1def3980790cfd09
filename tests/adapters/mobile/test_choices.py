"""Codes: every row means a network, and every network has one canonical row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.mobile import COMPOUND, Choices, block_space, ofa_space, stand_in
from lamcts.errors import InvalidArgument

SPACES = [ofa_space(), ofa_space(1.2, (192,)), block_space(), block_space(COMPOUND[:1])]
OFA = Choices(ofa_space())
seeds = st.integers(0, 2**32 - 1)


def random_rows(choices: Choices, seed: int, n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows that are not canonical."""
    sizes = [len(choice.options) for choice in choices.columns]
    return np.random.default_rng(seed).integers(sizes, size=(n, len(sizes)))


def test_the_spaces_have_their_published_sizes() -> None:
    networks = 1
    for family_stage in ofa_space().stages[1:]:
        networks *= sum(9**depth for depth in family_stage.depths)
    assert networks == 7371**5
    assert len(OFA.columns) == 46
    block = Choices(block_space(COMPOUND[:1]))
    sizes = [len(choice.options) for choice in block.columns]
    assert int(np.prod(sizes)) == 3**7 * 2**7 * (3**6 * 4) * 2**7
    assert [len(Choices(space).columns) for space in SPACES] == [46, 45, 29, 28]


@pytest.mark.parametrize("family", SPACES)
@given(seed=seeds)
def test_points_and_codes_are_the_same_thing(family: Any, seed: int) -> None:
    choices = Choices(family)
    space = choices.make_space()
    row = random_rows(choices, seed, 1)[0]
    point = choices.point(row)
    assert point in space
    assert choices.row(point).tolist() == row.tolist()
    space.seed(seed)
    assert choices.point(choices.row(space.sample())) in space


@given(seed=seeds)
def test_unused_choices_never_make_a_different_network(seed: int) -> None:
    row, noise = random_rows(OFA, seed, 2)
    other = np.where(OFA.used(row[None])[0], row, noise)
    assert OFA.network(row) == OFA.network(other)
    assert OFA.canonical(row[None]).tolist() == OFA.canonical(other[None]).tolist()


@pytest.mark.parametrize("family", SPACES)
@given(seed=seeds)
def test_a_canonical_change_makes_another_network(family: Any, seed: int) -> None:
    choices = Choices(family)
    row = choices.canonical(random_rows(choices, seed, 1))
    assert (choices.canonical(row) == row).all()
    used = np.flatnonzero(choices.used(row)[0])
    column = used[seed % len(used)]
    other = row.copy()
    other[0, column] = (row[0, column] + 1) % len(choices.columns[column].options)
    assert choices.network(other[0]) != choices.network(row[0])


def test_depth_decides_which_blocks_there_are() -> None:
    row = np.zeros(46, dtype=np.int64)
    row[1:6] = [0, 1, 2, 0, 2]
    widths = [block.outputs for block in OFA.network(row).blocks]
    assert widths == [16, 24, 24, 40, 40, 40, *[80] * 4, 112, 112, *[160] * 4]


def test_strides_residuals_and_gates_are_where_they_belong() -> None:
    blocks = OFA.network(np.full(46, 2)).blocks
    assert [b.size for b in blocks[::4]] == [96, 48, 24, 12, 12, 6]  # at 192 pixels
    firsts = blocks[1::4]
    assert [b.stride for b in firsts] == [2, 2, 2, 1, 2]
    assert not any(b.residual for b in firsts)
    assert all(b.residual for b in blocks if b not in firsts)
    assert [b.squeeze > 0 for b in firsts] == [False, True, False, True, True]
    assert [b.activation for b in firsts] == ["relu", "relu", "hswish", "hswish", "hswish"]
    assert firsts[1].expanded == 24 * 6
    assert firsts[1].squeeze == 40  # a quarter of 144 is 36, rounded to 40


def test_compound_scaling_repeats_and_widens() -> None:
    choices = Choices(block_space())
    row = np.array([3, 0, 1, 1, 2, 2, 3, 0, *[0] * 14, *[1] * 7])  # B3
    network = choices.network(row)
    widths = [block.outputs for block in network.blocks]
    counts = {width: widths.count(width) for width in widths}
    assert counts == {24: 2, 32: 3, 48: 3, 96: 5, 136: 5, 232: 6, 384: 2}
    assert (network.stem, network.head, network.resolution, network.dropout) == (40, 1536, 300, 0.3)
    assert network.blocks[0].squeeze == 40 // 4  # of the block's input


def test_stand_ins_keep_the_choices_and_shrink_the_rest() -> None:
    for family in (ofa_space(), block_space()):
        full, small = Choices(family), Choices(stand_in(family))
        row = full.sample(np.random.default_rng(1), 1)[0]
        blocks = list(zip(full.network(row).blocks, small.network(row).blocks, strict=True))
        assert all(a.kernel == b.kernel and bool(a.squeeze) == bool(b.squeeze) for a, b in blocks)
        assert [a.activation for a, _ in blocks] == [b.activation for _, b in blocks]
        assert max(b.outputs for _, b in blocks) <= 80
        sizes = {scale.resolution for scale in small.family.scales}
        assert sizes == ({5, 6, 7, 8} if family.scaled_by == "resolution" else {8})
        assert blocks[-1][1].output_size == 2


@pytest.mark.parametrize(
    "change",
    [
        {"depths": [0, 1, 2, 3, 0]},
        {"depths": [0, 1, 2]},
        {"scale": -1},
        {"scale": 0.5},
        {"kernels": "012"},
        {"more": 1},
    ],
)
def test_what_is_no_point_is_refused(change: dict[str, Any]) -> None:
    point = OFA.point(np.zeros(46, dtype=np.int64)) | change
    assert point not in OFA.make_space()
    with pytest.raises(InvalidArgument, match="not a point"):
        OFA.row(point)
    with pytest.raises(InvalidArgument, match="not a point"):
        OFA.row({"scale": 0})
