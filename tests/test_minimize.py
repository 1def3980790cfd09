"""``minimize`` and ``maximize``: a plain function instead of an evaluator."""

from __future__ import annotations

import numpy as np
import pytest

import lamcts
from lamcts.errors import InvalidArgument


def test_minimize_and_maximize_agree() -> None:
    box = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    low = lamcts.minimize(lambda x: float(x @ x), box, budget=15, seed=1, optimizer="random")
    high = lamcts.maximize(lambda x: -float(x @ x), box, budget=15, seed=1, optimizer="random")
    assert low.best.value == -(high.best.value or 0.0)
    assert np.array_equal(low.best.x, high.best.x)
    assert "minimize" in str(low.direction)
    assert low.problem == "<lambda>"


def test_minimize_refuses_what_is_no_function() -> None:
    with pytest.raises(InvalidArgument, match="function: 3 cannot be called"):
        lamcts.minimize(3, lamcts.spaces.Discrete(3), budget=1)  # type: ignore[arg-type]
