"""Laws of spaces and codec, over spaces that hypothesis makes up."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lamcts.spaces import (
    Box,
    Codec,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    describe,
    flatdim,
    flatten,
    flatten_space,
    from_json,
    space_from_description,
    to_json,
    unflatten,
)

SHAPES = st.sampled_from([(), (1,), (3,), (2, 2)])


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    shape, log = draw(SHAPES), draw(st.booleans())
    if draw(st.booleans()):
        dtype: Any = draw(st.sampled_from([np.int8, np.uint8, np.int32, np.int64, np.uint64]))
        small = 1 if log else max(-(2**40), int(np.iinfo(dtype).min))
        large = min(2**40, int(np.iinfo(dtype).max))
        low = draw(st.integers(small, large - 1))
        high = draw(st.integers(low + 1, large))
        return Box(low, high, shape, dtype, scale="log" if log else "linear")
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    low_real = draw(st.floats(1e-3 if log else -1e3, 1e3))
    high_real = low_real + draw(st.floats(2.0, 1e4))
    return Box(low_real, high_real, shape, dtype, scale="log" if log else "linear")


LEAVES = st.one_of(
    boxes(),
    st.builds(Discrete, st.integers(1, 9), start=st.integers(-5, 5)),
    st.lists(st.integers(1, 5), min_size=1, max_size=4).map(MultiDiscrete),
    st.builds(lambda n: MultiDiscrete(np.full((2, 2), n), start=np.full((2, 2), 7)), st.just(3)),
    st.sampled_from([(1,), (4,), (2, 3)]).map(MultiBinary),
)
SPACES: st.SearchStrategy[Space[Any]] = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map(Tuple),
        st.dictionaries(st.sampled_from("abcd"), parts, min_size=1, max_size=3).map(Dict),
    ),
    max_leaves=4,
)
law = given(space=SPACES, seed=st.integers(0, 2**63))


def same(a: Any, b: Any) -> bool:
    """Whether two elements are equal in type, dtype and every bit."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, tuple):
        return type(b) is tuple and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a.dtype == b.dtype and np.array_equal(a, b)


@law
def test_a_sample_is_an_element_and_the_same_for_the_same_seed(
    space: Space[Any], seed: int
) -> None:
    assert space.seed(seed) == seed
    x = space.sample()
    assert x in space
    space.seed(seed)
    assert same(space.sample(), x)


@law
def test_copies_are_equal_and_go_on_alike(space: Space[Any], seed: int) -> None:
    space.seed(seed)
    for twin in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert twin == space
        assert repr(twin) == repr(space)
        assert same(twin.sample(), copy.deepcopy(space).sample())


@law
def test_flat_json_and_vector_forms_give_the_element_back(space: Space[Any], seed: int) -> None:
    space.seed(seed)
    x = space.sample()
    codec = Codec(space)
    flat = flatten(space, x)
    assert flat.shape == (flatdim(space),)
    assert flat in flatten_space(space)
    assert same(unflatten(space, flat), x)
    assert same(from_json(space, json.loads(json.dumps(to_json(space, x)))), x)
    assert same(codec.from_vector(codec.to_vector(x)), x)


@law
def test_a_description_through_json_gives_the_space_back(space: Space[Any], seed: int) -> None:
    text = json.dumps(describe(space), sort_keys=True)
    twin = space_from_description(json.loads(text))
    assert twin == space
    assert [v.name for v in Codec(twin).variables] == [v.name for v in Codec(space).variables]


@law
def test_codec_tables_agree(space: Space[Any], seed: int) -> None:
    codec = Codec(space)
    assert codec.p == len(codec.variables) == len(codec.to_vector(space.sample()))
    assert [v.columns.start for v in codec.variables[1:]] == [
        v.columns.stop for v in codec.variables[:-1]
    ]
    for variable in codec.variables:
        width = variable.columns.stop - variable.columns.start
        assert width == (variable.size if variable.kind == "categorical" else 1)
        assert set(codec.kinds[variable.columns]) == {variable.kind}
        assert (variable.size is None) == (variable.kind == "real")
    assert codec.is_real.sum() == sum(v.kind == "real" for v in codec.variables)
    assert np.isinf(codec.n_points) == bool(codec.is_real.any())


@law
def test_decode_undoes_encode(space: Space[Any], seed: int) -> None:
    codec = Codec(space)
    V = codec.decode(codec.sample(np.random.default_rng(seed), 30))
    ends = np.array([[v.low for v in codec.variables], [v.high for v in codec.variables]])
    V = np.concatenate([V, ends])
    Z = codec.encode(V)
    assert Z.shape == (32, codec.dim)
    assert ((Z >= 0) & (Z <= 1)).all()
    assert np.all(np.abs(codec.decode(Z) - V) <= tolerance(codec, V))


def tolerance(codec: Codec, V: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, p) error allowed: none but for float64 reals; there two ulps, more in a logarithm."""
    wide = np.repeat([s == np.float64 for s in dtypes(codec.space)], sizes(codec.space))
    ulp = np.array([np.spacing(v.high - v.low) for v in codec.variables])
    top = np.array([np.spacing(max(abs(v.low), abs(v.high))) for v in codec.variables])
    log = np.array([v.log for v in codec.variables])
    return np.where(wide, np.where(log, 1e-13 * np.abs(V), 1.5 * ulp + top), 0.0)


def dtypes(space: Space[Any]) -> list[np.dtype[Any]]:
    if isinstance(space, Dict | Tuple):
        return [dtype for part in space.parts for dtype in dtypes(part)]
    assert space.dtype is not None
    return [space.dtype]


def sizes(space: Space[Any]) -> list[int]:
    if isinstance(space, Dict | Tuple):
        return [size for part in space.parts for size in sizes(part)]
    return [int(np.prod(space.shape or ()))]


@law
@settings(max_examples=50)
def test_any_vector_of_the_right_length_decodes_to_an_element(space: Space[Any], seed: int) -> None:
    codec = Codec(space)
    Z = np.random.default_rng(seed).normal(0.5, 1.0, size=(10, codec.dim))
    for v in codec.decode(Z):
        x = codec.from_vector(v)
        assert x in space
        assert codec.key(codec.to_vector(x)) == codec.key(v)


@law
@settings(max_examples=50)
def test_snapping_moves_levels_no_further_the_second_time(space: Space[Any], seed: int) -> None:
    codec = Codec(space)
    Z = np.random.default_rng(seed).random((10, codec.dim))
    once = codec.snap(Z)
    discrete = ~codec.is_real
    assert np.array_equal(codec.snap(once)[:, discrete], once[:, discrete])
    assert np.abs(codec.snap(once) - once).max() < 1e-12
    chosen = [np.argmax(Z[:, v.columns], 1) for v in codec.variables if v.kind == "categorical"]
    kept = [np.argmax(once[:, v.columns], 1) for v in codec.variables if v.kind == "categorical"]
    assert all(map(np.array_equal, chosen, kept))


@pytest.mark.parametrize(
    "space",
    [
        Dict(b=Discrete(3), a=MultiBinary(2)),
        Tuple([Box(-1, 2, (2,), np.int8), Discrete(1), MultiDiscrete([2, 3])]),
    ],
    ids=repr,
)
def test_enumeration_is_in_order_and_complete(space: Space[Any]) -> None:
    codec = Codec(space)
    V = codec.enumerate()
    assert len(V) == codec.n_points == len(np.unique(V, axis=0))
    assert V.tolist() == sorted(V.tolist())
    assert all(codec.from_vector(v) in space for v in V)
