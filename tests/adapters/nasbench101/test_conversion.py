"""Official files into columns: the figures kept exactly, damage told, kills survived."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.nasbench101 import NAMED_CELLS, NASBench101Table, cell_hash
from lamcts.adapters.nasbench101.files import tfrecord
from lamcts.adapters.nasbench101.files.columns import open_columns
from lamcts.adapters.nasbench101.files.convert import read_tfrecord
from lamcts.adapters.nasbench101.files.importing import import_file
from lamcts.adapters.nasbench101.files.metrics import Metrics, Snapshot, write_metrics
from lamcts.adapters.nasbench101.files.synthetic import write_synthetic
from lamcts.adapters.nasbench101.files.tfrecord import read_batches, write_records
from lamcts.errors import InvalidArgument

INCEPTION = NAMED_CELLS["inception"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 91 cells of at most four vertices, three trainings each."""
    path = tmp_path_factory.mktemp("files") / "synthetic.tfrecord"
    assert write_synthetic(path, max_vertices=4) == 273
    return path


def _payloads(path: Path) -> list[list[Any]]:
    return [json.loads(record.payload) for batch in read_batches(path) for record in batch]


def _record(*snapshots: Snapshot, epochs: int = 108, **changed: Any) -> bytes:
    """The README's cell, trained, with some parts of the record changed."""
    content = {
        "hash": cell_hash(INCEPTION),
        "epochs": epochs,
        "adjacency": "".join(str(bit) for row in INCEPTION.adjacency for bit in row),
        "operations": ",".join(INCEPTION.ops),
        "metrics": base64.b64encode(write_metrics(Metrics(snapshots, 2_694_282))).decode(),
    }
    return json.dumps(list((content | changed).values())).encode()


#: What the official notebook shows of one training.
TRAINED = (
    Snapshot(),
    Snapshot(54.0, 577.0, 0.9, 0.8, 0.7),
    Snapshot(108.0, 1155.85302734375, 1.0, 0.9376001358032227, 0.9311898946762085),
)


def test_a_record_of_the_readme_cell_is_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "one.tfrecord"
    write_records(path, [_record(*TRAINED)])
    table = NASBench101Table(read_tfrecord(path, tmp_path))
    assert table.query(INCEPTION) == {
        "train_accuracy": 1.0,
        "validation_accuracy": 0.9376001358032227,
        "test_accuracy": 0.9311898946762085,
        "training_time": 1155.85302734375,
        "params": 2_694_282,
    }
    halfway = table.query(INCEPTION, halfway=True)
    assert halfway["validation_accuracy"] == pytest.approx(0.8)
    assert halfway["training_time"] == 577.0
    assert not table.columns.synthetic


def test_every_figure_of_a_file_is_in_its_columns(small: Path, tmp_path: Path) -> None:
    from lamcts.adapters.nasbench101.files.metrics import read_metrics

    columns = read_tfrecord(small, tmp_path, verify=True)
    assert columns.synthetic
    assert columns.epochs == (108,)
    assert columns.figures.shape == (91, 1, 3, 2, 4)
    assert not np.isnan(columns.figures).any()
    rows = {bytes(found).hex(): row for row, found in enumerate(columns.hashes)}
    seen: dict[str, int] = {}
    for name, _, _, _, encoded in _payloads(small):
        metrics = read_metrics(base64.b64decode(encoded))
        repeat = seen[name] = seen.get(name, -1) + 1
        for moment, snapshot in enumerate(metrics.snapshots[1:]):
            figures = (snapshot.train, snapshot.validation, snapshot.test, snapshot.seconds)
            assert columns.figures[rows[name], 0, repeat, moment].tolist() == pytest.approx(figures)
        assert columns.params[rows[name]] == metrics.params
    table = NASBench101Table(columns)
    assert all(cell_hash(table.cell(row)) == name for name, row in rows.items())
    assert list(tmp_path.iterdir()) == []


def test_the_full_file_has_four_lengths(tmp_path: Path) -> None:
    path = tmp_path / "synthetic_full.tfrecord"
    write_synthetic(path, max_vertices=3, epochs=(4, 12, 36, 108), repeats=2)
    columns = read_tfrecord(path, tmp_path)
    assert columns.epochs == (4, 12, 36, 108)
    assert columns.figures.shape == (7, 4, 2, 2, 4)
    finals = columns.figures[:, :, :, 1, 1].mean(axis=(0, 2))
    assert (np.diff(finals) > 0).all()  # longer trainings are better, in the formula


def test_columns_on_disk_are_the_columns(small: Path, tmp_path: Path) -> None:
    columns = read_tfrecord(small, tmp_path)
    columns.save(tmp_path)
    again = open_columns(tmp_path)
    for name in ("keys", "hashes", "codes", "params", "figures"):
        np.testing.assert_array_equal(getattr(again, name), getattr(columns, name))
    assert again.facts() == columns.facts()


class _Killed(Exception):
    pass


def test_a_killed_conversion_goes_on_where_it_was(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_tfrecord(small, tmp_path)
    monkeypatch.setattr(tfrecord, "BATCH", 50)
    for kills in range(1, 4):

        def stop(done: int, total: int, at: int = kills) -> None:
            if done > at * 0.25 * total:
                raise _Killed

        with pytest.raises(_Killed):
            read_tfrecord(small, tmp_path, progress=stop)
        with (tmp_path / "rows.bin").open("ab") as stream:
            stream.write(b"half a row")
    ends: list[int] = []
    columns = read_tfrecord(small, tmp_path, progress=lambda done, total: ends.append(done))
    assert 0 < len(ends) <= 2  # of six: the rest had been kept
    np.testing.assert_array_equal(columns.figures, whole.figures)
    np.testing.assert_array_equal(columns.keys, whole.keys)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hash": "28cf"}, "hash '28cf'"),
        ({"adjacency": "010"}, r"none of NASBench-101 .*for a matrix of 3"),
        ({"adjacency": "1" * 49}, "not upper triangular"),
        ({"adjacency": "0" * 49}, "training 1 is not in NASBench-101"),
        ({"operations": "input,conv5x5" + ",maxpool3x3" * 4 + ",output"}, "conv5x5"),
        ({"metrics": "AAAA"}, "none of NASBench-101"),
        ({"metrics": ""}, "0 evaluations, not 3"),
        ({"epochs": "many"}, "none of NASBench-101"),
    ],
)
def test_a_record_of_something_else_is_told(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    path = tmp_path / "bad.tfrecord"
    write_records(path, [_record(*TRAINED, **changed)])
    with pytest.raises(InvalidArgument, match=message) as caught:
        read_tfrecord(path, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("accuracy", [float("nan"), 1.5, -0.1])
def test_figures_that_no_training_has_are_told(tmp_path: Path, accuracy: float) -> None:
    path = tmp_path / "bad.tfrecord"
    wrong = Snapshot(108.0, 1000.0, 1.0, accuracy, 0.9)
    write_records(path, [_record(*TRAINED[:2], wrong)])
    with pytest.raises(InvalidArgument, match="damaged"):
        read_tfrecord(path, tmp_path)


def test_hashes_that_change_within_a_cell_are_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.tfrecord"
    write_records(path, [_record(*TRAINED), _record(*TRAINED, hash="0" * 32)])
    with pytest.raises(InvalidArgument, match="hashes do not belong"):
        read_tfrecord(path, tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("table.json", "no whole table"), ("figures.npy", "no whole table")],
)
def test_a_half_written_folder_is_told(
    small: Path, tmp_path: Path, name: str, message: str
) -> None:
    import_file(small, tmp_path)
    content = (tmp_path / name).read_bytes()
    for kept in (0, len(content) // 2):
        (tmp_path / name).write_bytes(content[:kept])
        with pytest.raises(InvalidArgument, match=message):
            open_columns(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(InvalidArgument, match=f"{message}.*lamcts data add"):
        open_columns(tmp_path)


@pytest.mark.slow
def test_the_whole_table_at_its_full_size(tmp_path: Path) -> None:
    """1,270,872 records: converted in minutes, opened at once, looked up in microseconds."""
    import time

    from lamcts.adapters.nasbench101.enumeration import all_cells

    path = tmp_path / "synthetic_only108.tfrecord"
    assert write_synthetic(path) == 1_270_872
    folder = tmp_path / "table"
    folder.mkdir()
    began = time.perf_counter()
    facts = import_file(path, folder, verify=True)
    assert time.perf_counter() - began < 300
    assert (facts["cells"], facts["repeats"], facts["gaps"]) == (423_624, 3, False)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 60e6
    began = time.perf_counter()
    table = NASBench101Table.open(folder)
    assert time.perf_counter() - began < 0.5
    edges, ops = all_cells()
    began = time.perf_counter()
    found = table.figures(edges, ops)
    assert time.perf_counter() - began < 423_624 / 200_000
    assert not np.isnan(found["validation_accuracy"]).any()
    first = [edges[:2000].tolist(), ops[:2000].tolist()]
    began = time.perf_counter()
    for bits, labels in zip(*first, strict=True):
        table.look_up(bits, labels)
    assert time.perf_counter() - began < 2000 * 100e-6  # about 40 µs each; 100 on a busy machine
