"""Mistakes are answered in one line: the field, the value, the mend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lamcts.errors import InvalidArgument
from lamcts.spaces import (
    Box,
    Codec,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Tuple,
    flatten,
    from_json,
    space_from_description,
    unflatten,
)

NAN, INF = float("nan"), float("inf")
PAIR = Dict(lr=Box(0.0, 1.0, (2,)), op=Discrete(3))

MISTAKES: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: Box(NAN, 1.0), "low:", "nan"),
    (lambda: Box(0.0, INF), "high:", "inf"),
    (lambda: Box(0, NAN, dtype=int), "high:", "nan"),
    (lambda: Box(0.0, 1e300, dtype=np.float32), "high:", "1e+300"),
    (lambda: Box(None, 1.0), "low:", "None"),  # type: ignore[arg-type]
    (lambda: Box("0", 1.0), "low:", "'0'"),
    (lambda: Box([[0.0], [1.0, 2.0]], 3.0), "low:", "[[0.0], [1.0, 2.0]]"),
    (lambda: Box(1.0, 1.0), "high:", "1.0"),
    (lambda: Box([0.0, 5.0], [1.0, 2.0]), "high[1]:", "low[1] = 5.0"),
    (lambda: Box(np.zeros((2, 2)), [[1, 1], [0, 1]]), "high[1,0]:", "0.0"),
    (lambda: Box(1.0, 1.0 + 1e-12, dtype=np.float32), "high:", "1.0"),
    (lambda: Box(-1.7e308, 1.7e308), "high:", "1.7e+308"),
    (lambda: Box(0.5, 3, dtype=int), "low:", "0.5"),
    (lambda: Box(0, 256, dtype=np.uint8), "high:", "256"),
    (lambda: Box(-1, 3, dtype=np.uint8), "low:", "-1"),
    (lambda: Box(0, 2**41, dtype=int), "high:", str(2**41)),
    (lambda: Box(0.0, 1.0, scale="log"), "low:", "0.0"),
    (lambda: Box(0, 8, dtype=int, scale="log"), "low:", "0"),
    (lambda: Box([1.0, -1.0], 2.0, scale="log"), "low[1]:", "-1.0"),
    (lambda: Box(0.0, 1.0, scale="Log"), "scale:", "'Log'"),  # type: ignore[arg-type]
    (lambda: Box(0.0, 1.0, shape=(2, 0)), "shape:", "(2, 0)"),
    (lambda: Box(0.0, 1.0, shape=-1), "shape:", "-1"),
    (lambda: Box(0.0, 1.0, shape=(2.5,)), "shape:", "2.5"),  # type: ignore[arg-type]
    (lambda: Box([0.0, 0.0], 1.0, shape=(3,)), "low:", "(2,)"),
    (lambda: Box([0.0, 0.0], [1.0, 1.0, 1.0]), "high:", "(3,)"),
    (lambda: Box([], []), "shape:", "(0,)"),
    (lambda: Box(0, 1, dtype=bool), "dtype:", "bool"),
    (lambda: Box(0, 1, dtype="nope"), "dtype:", "'nope'"),
    (lambda: Box(0, 1, dtype=None), "dtype:", "None"),  # type: ignore[arg-type]
    (lambda: Box(0.0, 1.0, seed=-1), "seed:", "-1"),
    (lambda: Box(0.0, 1.0, seed=1.5), "seed:", "1.5"),  # type: ignore[arg-type]
    (lambda: Discrete(0), "n:", "0"),
    (lambda: Discrete(-2), "n:", "-2"),
    (lambda: Discrete(2.0), "n:", "2.0"),  # type: ignore[arg-type]
    (lambda: Discrete(3, start=0.5), "start:", "0.5"),  # type: ignore[arg-type]
    (lambda: Discrete(3, start=-(2**63)), "start:", str(-(2**63))),
    (lambda: Discrete(3).sample(mask=[1, 0]), "mask:", "[1, 0]"),
    (lambda: Discrete(3).sample(mask=[1, 0, 2]), "mask:", "[1, 0, 2]"),
    (lambda: MultiDiscrete([2, 0]), "nvec:", "[2, 0]"),
    (lambda: MultiDiscrete([]), "nvec:", "[]"),
    (lambda: MultiDiscrete(3), "nvec:", "3"),
    (lambda: MultiDiscrete([2.5]), "nvec:", "[2.5]"),
    (lambda: MultiDiscrete([2, 3], start=[1]), "start:", "(1,)"),
    (lambda: MultiBinary(0), "n:", "0"),
    (lambda: MultiBinary(()), "n:", "()"),
    (lambda: MultiBinary("3"), "n:", "'3'"),  # type: ignore[arg-type]
    (lambda: Dict({}), "spaces:", "{}"),
    (lambda: Dict(), "spaces:", "{}"),
    (lambda: Dict({"": Discrete(2)}), "spaces:", "''"),
    (lambda: Dict({1: Discrete(2)}), "spaces:", "1"),  # type: ignore[arg-type]
    (lambda: Dict({"a": Discrete(2)}, a=Discrete(3)), "spaces:", "'a'"),
    (lambda: Dict(a=3), "spaces['a']:", "3"),  # type: ignore[arg-type]
    (lambda: Tuple([]), "spaces:", "[]"),
    (lambda: Tuple([Discrete(2), 3]), "spaces[1]:", "3"),  # type: ignore[list-item]
    (lambda: Codec(PAIR).to_vector({"lr": [0.5, 0.5], "op": 3}), "op:", "3"),
    (lambda: Codec(PAIR).to_vector({"lr": [0.5], "op": 2}), "lr:", "[0.5]"),
    (lambda: Codec(PAIR).to_vector({"lr": [0.5, 0.5]}), "x:", "keys lr, op"),
    (lambda: Codec(Tuple([PAIR])).to_vector([{"lr": 2, "op": 1}]), "x[0].lr:", "2"),
    (lambda: Codec(Dict({"a.b": Discrete(2), "a": Dict(b=Discrete(2))})), "space:", "'a.b'"),
    (lambda: Codec(Discrete(10**9)), "x:", "1000000000"),
    (lambda: Codec(MultiBinary(2000)).enumerate(), "space:", "inf"),
    (lambda: Codec(Box(0.0, 1.0)).enumerate(), "space:", "inf"),
    (lambda: Codec(MultiBinary(20)).enumerate(), "space:", "1.04858e+06"),
    (lambda: from_json(PAIR, {"lr": [0.1, "x"], "op": 1}), "lr:", "[0.1, 'x']"),
    (lambda: from_json(Discrete(3), 1.5), "x:", "1.5"),
    (lambda: flatten(Discrete(3), 7), "x:", "7"),
    (lambda: unflatten(Discrete(3), np.zeros(4)), "flat:", "(4,)"),
    (lambda: unflatten(Discrete(3), np.zeros(3)), "flat:", "[0. 0. 0.]"),
    (lambda: space_from_description({"type": "Sphere"}), "space:", "Sphere"),
    (lambda: space_from_description({"type": "Box", "low": 0}), "space:", "'low': 0"),
    (lambda: space_from_description({"type": "Discrete", "n": 0, "start": 0}), "n:", "0"),
]


@pytest.mark.parametrize(("make", "field", "value"), MISTAKES, ids=[m[1] + m[2] for m in MISTAKES])
def test_a_mistake_is_named(make: Callable[[], Any], field: str, value: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make()
    message = str(caught.value)
    assert message.startswith(field)
    assert value in message
    assert "\n" not in message
    assert len(message) < 300


def test_a_long_point_still_makes_one_short_line() -> None:
    with pytest.raises(InvalidArgument) as caught:
        Codec(Box(np.linspace(0, 1, 90), 2.0)).to_vector(np.full(90, 3.0))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
