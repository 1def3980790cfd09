"""LaNAS on the one-shot space: every proposal is a legal mask that meets all constraints."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamcts.adapters.nasnet_cifar import ONE_SHOT, to_bits
from lamcts.optimizers import make_optimizer


def test_proposals_satisfy_all_boundaries_on_the_way_to_their_leaf() -> None:
    weights = np.random.default_rng(0).normal(size=160)

    def score(x: Any) -> float:
        return float(weights @ to_bits(ONE_SHOT.decode(x)))

    optimizer: Any = make_optimizer(
        "lanas",
        ONE_SHOT.make_space(),
        direction="maximize",
        seed=0,
        canonical=ONE_SHOT.canonical,
        leaf_size=8,
    )
    codec = optimizer.domain.codec
    depths = []
    for _ in range(50):
        [trial] = optimizer.ask()
        mask = to_bits(ONE_SHOT.decode(trial.x))
        assert mask.sum() == 20
        assert np.array_equal(ONE_SHOT.canonical(trial.x), trial.x)
        if optimizer._leaf is not None:
            region = optimizer._leaf.region
            z = codec.encode(codec.to_vector(trial.x)[None])
            assert region.contains(z)[0]
            assert all(boundary.good(z)[0] == good for boundary, good in region.path)
            depths.append(len(region.path))
        optimizer.tell(trial, score(trial.x))
    assert max(depths) >= 2  # several constraints at once, where the original meets any one
