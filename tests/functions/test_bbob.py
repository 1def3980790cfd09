"""BBOB through COCO's package, against COCO's own suite."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.functions.bbob import BBOB, COUNT


def test_without_coco_the_pip_line_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cocoex", None)
    with pytest.raises(DependencyNotInstalled, match="pip install coco-experiment"):
        BBOB(1, dim=5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"number": 25}, "number: BBOB has functions 1 to 24, got 25"),
        ({"number": 0}, "number: BBOB needs a whole number >= 1, got 0"),
        ({"dim": 1}, "dim: BBOB needs a whole number >= 2, got 1"),
        ({"instance": 0}, "instance: BBOB needs a whole number >= 1, got 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        BBOB(**settings)


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_values_are_those_of_the_suite(number: int) -> None:
    cocoex = pytest.importorskip("cocoex")
    options = f"function_indices: {number} dimensions: 5 instance_indices: 3"
    suite = cocoex.Suite("bbob", "", options)
    function = BBOB(number, dim=5, instance=3)
    X = np.random.default_rng(number).uniform(-5, 5, (20, 5))
    np.testing.assert_array_equal(function.f(X), [suite[0](x) for x in X])
    assert function.optimum_points is not None
    assert function.optimum_value is not None
    for point in function.optimum_points:
        assert function.codec.from_vector(point) in function.space
    np.testing.assert_allclose(function.f(function.optimum_points), function.optimum_value)
    assert np.all(function.f(X) > function.optimum_value)


def test_instances_differ() -> None:
    pytest.importorskip("cocoex")
    one, two = BBOB(8, dim=3), BBOB(8, dim=3, instance=2)
    assert one.optimum_value != two.optimum_value
