"""Published facts of the official table, where it is at hand: set LAMCTS_TEST_NASBENCH101.

The variable holds the path of ``nasbench_only108.tfrecord``. Without it only the addresses and
check sums are looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lamcts.adapters.nasbench101 import NAMED_CELLS, NASBench101Table, cell_hash
from lamcts.adapters.nasbench101.files.convert import read_tfrecord
from lamcts.datasets import find_dataset


def test_addresses_and_check_sums_are_the_official_ones() -> None:
    only108, full = find_dataset("nasbench101"), find_dataset("nasbench101-full")
    assert only108.url == "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord"
    assert only108.sha256 == "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1"
    assert full.url == "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord"
    assert full.sha256 == "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> NASBench101Table:
    path = os.environ.get("LAMCTS_TEST_NASBENCH101")
    if path is None:
        pytest.skip("no official table; set LAMCTS_TEST_NASBENCH101 to nasbench_only108.tfrecord")
    return NASBench101Table(read_tfrecord(Path(path), tmp_path_factory.mktemp("official")))


@pytest.mark.slow
def test_the_official_table_is_whole(table: NASBench101Table) -> None:
    assert not table.columns.synthetic
    assert table.columns.figures.shape == (423_624, 1, 3, 2, 4)
    assert not np.isnan(table.columns.figures).any()
    assert bytes(min(map(bytes, table.columns.hashes))).hex() == "00005c142e6f48ac74fdcf73e3439874"


@pytest.mark.slow
def test_its_best_cells_are_as_published(table: NASBench101Table) -> None:
    best, test = table.best("test_accuracy")
    assert test == pytest.approx(0.943175752957662, abs=1e-12)
    assert table.best("validation_accuracy")[1] == pytest.approx(0.9505542318026224, abs=1e-12)
    every = table.columns.figures[:, 0, :, 1]
    assert every[..., 2].max() == pytest.approx(0.9466145634651184)
    assert every[..., 1].max() == pytest.approx(0.9518229365348816)
    validation = every[..., 1].mean(axis=1, dtype=np.float64)
    own = table.report(best)["validation_accuracy"]
    assert int((validation > own + 1e-12).sum()) + 1 == 174


@pytest.mark.slow
def test_its_known_trainings_are_as_published(table: NASBench101Table) -> None:
    trainings = table.each(NAMED_CELLS["inception"])
    shown = (1155.853, 0.9376001, 0.9311899)
    found = [(t["training_time"], t["validation_accuracy"], t["test_accuracy"]) for t in trainings]
    assert any(training == pytest.approx(shown, abs=1e-3) for training in found)
    hashes = [bytes(name).hex() for name in table.columns.hashes]
    first = table.cell(hashes.index("00005c142e6f48ac74fdcf73e3439874"))
    assert cell_hash(first) == "00005c142e6f48ac74fdcf73e3439874"
    tests = [training["test_accuracy"] for training in table.each(first)]
    for published in (0.92061, 0.92117):
        assert min(abs(test - published) for test in tests) < 1e-5
    validations = [training["validation_accuracy"] for training in table.each(first)]
    assert min(abs(validation - 0.92641) for validation in validations) < 1e-5
