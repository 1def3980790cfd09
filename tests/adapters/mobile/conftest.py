"""Published measurements, where they are at hand."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lamcts.adapters.mobile import RESOLUTIONS, Choices, ofa_space
from lamcts.adapters.mobile.choices import Codes

Rows = list[dict[str, str]]
_DATA = Path(os.environ.get("LAMCTS_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """The path of a published file; the test is skipped where it is missing."""

    def find(name: str) -> Path:
        path = _DATA / name
        if not path.is_file():
            pytest.skip(f"no {name}; set LAMCTS_TEST_DATA to the folder of {path.parent}")
        return path

    return find


@pytest.fixture(scope="session")
def rows_of(published: Callable[[str], Path]) -> Callable[[str], Rows]:
    """The rows of a published CSV file."""

    def read(name: str) -> Rows:
        with published(name).open(newline="") as stream:
            return list(csv.DictReader(stream))

    return read


@pytest.fixture(scope="session")
def ofa_codes() -> Callable[[Rows, tuple[int, ...]], Codes]:
    """Codes of rows of digits (depths, kernels, expands), as the published tables have them."""

    def encode(rows: Rows, resolutions: tuple[int, ...] = RESOLUTIONS) -> Codes:
        options = {"depths": "234", "kernels": "357", "expands": "346"}
        parts = [[[resolutions.index(int(row["resolution"]))] for row in rows]]
        for name, known in options.items():
            parts.append([[known.index(digit) for digit in row[name]] for row in rows])
        codes = np.hstack([np.array(part, dtype=np.int64) for part in parts])
        return Choices(ofa_space(1.0, resolutions)).canonical(codes)

    return encode
