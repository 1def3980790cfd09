"""Paths of a supernet of cells: legal, random ones uniform, dealt ones fair."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from lamcts.adapters.nasnet_cifar import DARTS, LANAS, ONE_SHOT, Encoding, to_bits
from lamcts.adapters.nasnet_cifar.paths import cell_paths
from lamcts.errors import InvalidArgument

SPACES = [ONE_SHOT, DARTS, replace(ONE_SHOT, nodes=2), replace(DARTS, nodes=2)]


@pytest.mark.parametrize("encoding", SPACES, ids=lambda e: f"{e.name}-{e.nodes}")
def test_however_many_are_dealt_no_choice_is_ahead_by_more_than_one(encoding: Encoding) -> None:
    paths = cell_paths(encoding)
    assert paths.deal is not None
    counts: dict[tuple[str, int], Counter[object]] = {}
    for point in islice(paths.deal(np.random.default_rng(0)), 97):
        for name, cell in encoding.decode(point).cells():
            for k, node in enumerate(cell.nodes):
                arms = counts.setdefault((name, k), Counter())
                arms.update(arm.input for arm in node if encoding.apart == "inputs")
                arms.update(node if encoding.apart == "arms" else ())
    for (_, k), arms in counts.items():
        choices = k + 2 if encoding.apart == "inputs" else (k + 2) * len(encoding.ops)
        assert len(arms) == choices  # none is left out
        assert max(arms.values()) - min(arms.values()) <= 1


def test_on_every_input_the_operations_are_dealt_equally_often() -> None:
    paths = cell_paths(DARTS)
    assert paths.deal is not None
    counts: dict[tuple[int, int], Counter[str]] = {}
    for point in islice(paths.deal(np.random.default_rng(0)), 97):
        for k, node in enumerate(DARTS.decode(point).normal.nodes):
            for arm in node:
                counts.setdefault((k, arm.input), Counter())[arm.op] += 1
    for used in counts.values():
        assert max(used.values()) - min(used[op] for op in DARTS.ops) <= 1


def test_random_paths_are_uniform_over_masks() -> None:
    encoding = replace(ONE_SHOT, nodes=1)  # C(8, 2) = 28 pairs a cell
    rng = np.random.default_rng(0)
    draws = 2800
    seen = Counter(
        to_bits(encoding.decode(cell_paths(encoding).draw(rng)), encoding)[:8].tobytes()
        for _ in range(draws)
    )
    assert len(seen) == 28
    expected = draws / 28
    chi2 = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi2 < 55.5  # the 99.9 % point of 27 degrees of freedom


@pytest.mark.parametrize("encoding", SPACES, ids=lambda e: f"{e.name}-{e.nodes}")
def test_one_seed_gives_one_sequence_of_legal_points(encoding: Encoding) -> None:
    paths = cell_paths(encoding)
    assert paths.deal is not None
    one, two = (paths.deal(np.random.default_rng(3)) for _ in range(2))
    for _ in range(20):
        point = next(one)
        assert np.array_equal(point, next(two))
        assert np.array_equal(encoding.encode(encoding.decode(point)), point)


def test_cells_of_different_sizes_cannot_share_weights() -> None:
    with pytest.raises(InvalidArgument, match=r"encoding: .*use one-shot or darts"):
        cell_paths(LANAS)
