"""Arrays that are appended to: right, and rarely copied."""

from __future__ import annotations

import numpy as np

from lamcts._growing import Growing


def test_rows_are_those_given_and_appended() -> None:
    first = np.arange(6.0).reshape(2, 3)
    growing = Growing(first)
    more = np.random.default_rng(0).random((100, 3))
    for row in more:
        growing.append(row)
    assert len(growing) == 102
    assert np.array_equal(growing.rows, np.vstack([first, more]))
    assert np.array_equal(first, np.arange(6.0).reshape(2, 3))


def test_what_it_began_with_is_never_written_to() -> None:
    whole = np.zeros(10)
    growing = Growing(whole[:5])
    growing.append(1.0)
    assert not whole.any()


def test_its_type_is_kept() -> None:
    growing = Growing(np.empty(0, dtype=np.int8))
    growing.append(3.0)
    assert growing.rows.dtype == np.int8


def test_ten_thousand_appends_copy_a_dozen_times() -> None:
    growing = Growing(np.empty((0, 2)))
    arrays = set()
    for i in range(10_000):
        growing.append(float(i))
        arrays.add(growing.rows.__array_interface__["data"][0])
    assert len(arrays) <= 12
