"""CSV and LaNAS' JSON as tables."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.nasbench101 import NASBench101Table, cell_hash, parse_cell
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3, Cell
from lamcts.adapters.nasbench101.enumeration import all_cells
from lamcts.adapters.nasbench101.files.text import read_csv, read_lanas
from lamcts.adapters.nasbench101.space import decode
from lamcts.errors import InvalidArgument

CHAIN = Cell.from_edges([(0, 1), (1, 2)], [CONV3X3])


def _csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_name_figure_and_epochs(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "table.csv",
        "adjacency,operations,val_acc_2ep,train_acc_4ep,val_acc_4ep,test_acc_4ep,train_time_s_4ep,x",
        '010001000,"input,conv3x3-bn-relu,output",0.3,0.7,0.5,0.4,60,9',
        '010001000,"input,conv3x3-bn-relu,output",0.4,,0.6,0.5,70,9',
        '0100,"input,output",0.1,0.2,0.2,0.2,10,9',
    )
    table = NASBench101Table(read_csv(path))
    assert table.columns.epochs == (4,)  # two epochs are half of them
    assert table.columns.repeats == 2
    assert table.query(CHAIN) == {
        "train_accuracy": 0.7,  # measured once
        "validation_accuracy": 0.55,
        "test_accuracy": 0.45,
        "training_time": 65.0,
        "params": table.columns.params.max(),
    }
    assert table.query(CHAIN, halfway=True)["validation_accuracy"] == pytest.approx(0.35)
    assert table.training_seconds == 65.0 + 32.5  # half of the time, which no column says
    assert table.columns.facts()["gaps"]  # of the other cell there is one training


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ("92.1,60", "line 2: val_acc is 92.1; accuracies are from 0 to 1"),
        ("nan,60", "val_acc is nan"),
        ("0.9,-60", "train_time_s is -60; seconds are from 0 up"),
        ("0.9,inf", "train_time_s is inf"),
    ],
)
def test_figures_that_are_none_are_refused(tmp_path: Path, figures: str, message: str) -> None:
    head = "adjacency,operations,epochs,val_acc,train_time_s"
    path = _csv(tmp_path / "table.csv", head, f'0100,"input,output",12,{figures}')
    with pytest.raises(InvalidArgument, match=message):
        read_csv(path)


def test_a_mark_of_the_byte_order_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = _csv(tmp_path / "table.csv", "\ufeffadjacency,operations,val_acc_4ep")
    with path.open("a", encoding="utf-8") as stream:
        stream.write('0100,"input,output",0.5\n')
    assert len(NASBench101Table.open(path)) == 1


def test_epochs_may_have_their_own_column(tmp_path: Path) -> None:
    path = _csv(
        tmp_path / "table.csv",
        "adjacency,operations,epochs,validation_accuracy",
        '0100,"input,output",12,0.5',
        '0100,"input,output",108,0.9',
    )
    table = NASBench101Table.open(path)
    line = Cell.from_edges([(0, 1)], [])
    assert table.query(line)["validation_accuracy"] == 0.9
    assert table.query(line, epochs=12) == {"validation_accuracy": 0.5, "params": 882_570}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('0101,"input,output",0.5,', "line 2: adjacency '0101'"),
        ('0100,"input,conv9x9,output",0.5,', "line 2: operations"),
        ('0100,"input,output",much,', "line 2: could not convert"),
        ('0100,"input,output",0.5,' + "0" * 32, "hash 0+ does not belong"),
        ("", "holds no figures"),
    ],
)
def test_rows_that_mean_no_cell_are_told(tmp_path: Path, line: str, message: str) -> None:
    path = _csv(tmp_path / "table.csv", "adjacency,operations,val_acc_4ep,hash", line)
    with pytest.raises(InvalidArgument, match=message):
        read_csv(path)


def test_a_csv_of_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b'adjacency,operations,val_acc_4ep,by\n0100,"input,output",0.5,J\xf6rg\n')
    with pytest.raises(InvalidArgument, match="is no text in UTF-8"):
        read_csv(path)


def _data(name: str) -> Path:
    default = Path(__file__).parents[4] / "shared" / "data"
    path = Path(os.environ.get("LAMCTS_TEST_DATA", default)) / "nasbench101_le5v" / name
    if not path.is_file():
        pytest.skip(f"no {path.name}; set LAMCTS_TEST_DATA to the folder of {path.parent}")
    return path


def test_every_row_of_ec_nas_bench_is_found() -> None:
    path = _data("ecnas_5v_4epochs.csv")
    table = NASBench101Table.open(path)
    assert len(table) == 2532
    with path.open(newline="") as stream:
        for row in list(csv.DictReader(stream))[::10]:
            size = int(row["vertices"])
            ops = json.dumps(row["operations"].split(",")[1:-1])
            cell = parse_cell(f'{{"adjacency": "{row["adjacency"]}", "ops": {ops}}}')
            assert (cell.vertices, cell_hash(cell)) == (size, row["hash"])
            found = table.report(cell)
            assert found["validation_accuracy"] == float(row["val_acc_4ep"])
            assert found["test_accuracy"] == float(row["test_acc_4ep"])
            assert found["params"] == float(row["trainable_parameters"])
    repeats = NASBench101Table.open(_data("ecnas_4v_4epochs_3repeats.csv"))
    assert (len(repeats), repeats.columns.repeats) == (91, 3)
    longer = NASBench101Table.open(_data("nb101_sample_108epochs.csv"))
    assert (len(longer), longer.columns.epochs) == (97, (12, 36, 108))


CODES = {CONV3X3: 0.5, CONV1X1: 0.25, MAXPOOL3X3: 0.75}


def _lanas(cell: Cell, codes: dict[str, float]) -> dict[str, Any]:
    """An entry as LaNAS writes it: stride V, 42 places, 7 codes."""
    bits = [float(bit) for row in cell.adjacency for bit in row][:42]
    vertices = [-1.0, *(codes[op] for op in cell.ops[1:-1]), 1.0]
    feature = bits + [0.0] * (42 - len(bits)) + vertices + [0.0] * (7 - len(vertices))
    accuracy = 0.9 - 0.02 * cell.ops.count(MAXPOOL3X3) - 0.001 * cell.vertices
    return {"feature": feature, "acc": accuracy}


@pytest.mark.parametrize("codes", [CODES, CODES | {CONV1X1: 0.75, MAXPOOL3X3: 0.25}])
def test_lanas_features_are_cells_again(tmp_path: Path, codes: dict[str, float]) -> None:
    edges, ops = all_cells(5)
    points = zip(edges, ops, strict=True)
    cells = [decode({"edges": bits, "ops": labels}) for bits, labels in points]
    cells.append(Cell.from_edges([(v, v + 1) for v in range(6)], [CONV3X3] * 4 + [MAXPOOL3X3]))
    path = tmp_path / "nasbench_dataset"
    path.write_text(json.dumps([_lanas(cell, codes) for cell in cells]))
    table = NASBench101Table(read_lanas(path))
    assert len(table) == len(cells)
    for cell in cells[:: len(cells) // 50]:
        assert table.report(cell)["test_accuracy"] == _lanas(cell, codes)["acc"]
    assert "validation_accuracy" not in table.report(cells[-1])
    explicit = read_lanas(path, conv1x1=codes[CONV1X1], maxpool=codes[MAXPOOL3X3])
    np.testing.assert_array_equal(explicit.keys, table.columns.keys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "no nasbench_dataset"),
        ('[{"feature": [0, 1], "acc": 0.5}]', "no nasbench_dataset"),
        (json.dumps([_lanas(CHAIN, CODES)]), "cannot be told apart"),
        ("[{", "no nasbench_dataset"),
    ],
)
def test_other_json_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "nasbench_dataset"
    path.write_text(content)
    with pytest.raises(InvalidArgument, match=message):
        NASBench101Table.open(path)
