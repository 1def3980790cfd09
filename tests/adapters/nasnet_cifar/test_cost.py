"""Parameters and MACs by formula, against published counts and small sums by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lamcts.adapters.nasnet_cifar import (
    CIFAR,
    IMAGENET,
    NAMED_GENOTYPES,
    Cell,
    Genotype,
    Skeleton,
    network_cost,
    parse_genotype,
)
from lamcts.adapters.nasnet_cifar.skeleton import Features, cell_sites
from lamcts.errors import InvalidArgument

LANET = NAMED_GENOTYPES["lanet"]


@pytest.mark.parametrize(
    ("channels", "cells", "params", "macs"),
    [(36, 20, 3.223, 496), (128, 24, 44.591, 6963), (32, 20, 2.569, 396.5)],
)
def test_lanet_costs_what_was_counted_on_the_original(
    channels: int, cells: int, params: float, macs: float
) -> None:
    cost = network_cost(LANET, Skeleton(channels, cells))
    assert cost.params == pytest.approx(params * 1e6, abs=500)
    assert cost.macs == pytest.approx(macs * 1e6, rel=1e-4)


def test_the_auxiliary_head_adds_parameters_alone() -> None:
    plain = network_cost(LANET, Skeleton(128, 24))
    headed = network_cost(LANET, Skeleton(128, 24, auxiliary=True))
    assert headed.params == pytest.approx(45.256e6, abs=500)
    assert headed.macs == plain.macs


def test_darts_has_the_published_parameters() -> None:
    """The paper says 3.3 M, for 36 channels and 20 cells."""
    assert network_cost(NAMED_GENOTYPES["darts-v2"], CIFAR).params == 3_349_342


def test_a_small_network_counted_by_hand() -> None:
    # One cell of 4 channels, a reduction (cell 0 of 1), on 8x8 grey images, 3 classes.
    node = [("skip_connect", 0), ("sep_conv_3x3", 1)]
    cell = Cell.make([node], [2])
    cost = network_cost(Genotype(cell, cell), Skeleton(2, 1, 8, 1, 3))
    stem = 9 * 1 * 6 + 12
    fit = 2 * (6 * 4 + 8)
    skip = 4 * 4 + 8
    sep = 2 * (9 * 4 + 4 * 4 + 8)
    assert cost.params == stem + fit + skip + sep + (4 * 3 + 3)
    assert cost.macs == 64 * (54 + 48) + 16 * (16 + 2 * 52) + 12


def test_reductions_stand_at_a_third_and_two_thirds() -> None:
    sites = cell_sites(LANET, CIFAR)
    assert [number for number, site in enumerate(sites) if site.reduces] == [6, 13]
    assert [site.channels for site in sites] == [36] * 6 + [72] * 7 + [144] * 7
    assert sites[0].before == sites[0].previous == Features(108, 32)
    assert sites[-1].output == Features(4 * 144, 8)
    # After a reduction the input before the previous cell is twice as large.
    larger = [number for number, site in enumerate(sites) if site.before.size > site.previous.size]
    assert larger == [7, 14]


def test_the_imagenet_stem_leaves_an_eighth() -> None:
    sites = cell_sites(LANET, IMAGENET)
    assert (sites[0].before, sites[0].previous) == (Features(48, 56), Features(48, 28))
    assert sites[-1].output.size == 7


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"channels": 0}, "channels: 0"),
        ({"cells": 2.0}, "cells: 2.0"),
        ({"image_size": True}, "image_size: True"),
        ({"channels": 1, "stem": "imagenet"}, "channels: 1 leaves"),
        ({"image_size": 20, "auxiliary": True}, "auxiliary: 20-pixel images leave 5"),
    ],
)
def test_sizes_that_make_no_network_are_refused(sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Skeleton(**sizes)


def test_order_changes_no_cost() -> None:
    swapped = parse_genotype("[2,2,2,0,1,2,0,2,2,3,2,1,2,0,1,0,1,1,2,1,1,0,3,4,3,0,3,1]")
    assert swapped != LANET
    assert network_cost(swapped) == network_cost(LANET)
    assert network_cost(LANET, replace(CIFAR, standardised=True)) == network_cost(LANET)
