"""Cells from text: names, JSON in its several forms, and points of the space."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lamcts.adapters.nasbench101 import NAMED_CELLS, NASBench101, cell_hash, parse_cell
from lamcts.errors import InvalidArgument, LamctsError, UnknownName
from lamcts.spaces import to_json


def test_names_are_known_whatever_their_case() -> None:
    assert parse_cell(" Inception ") == NAMED_CELLS["inception"]


def test_json_may_leave_out_the_ends_and_shorten_operations() -> None:
    matrix = [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    forms = [
        {"adjacency": matrix, "ops": ["input", "conv3x3-bn-relu", "conv1x1-bn-relu", "output"]},
        {"adjacency": matrix, "ops": ["conv3x3", "conv1x1"]},
        {"adjacency": "0101001000010000", "ops": ["conv3x3-bn-relu", "conv1x1"]},
    ]
    assert {parse_cell(json.dumps(form)) for form in forms} == {NAMED_CELLS["alphax-4"]}


def test_a_point_of_a_run_file_is_read_back() -> None:
    problem = NASBench101()
    x = problem.encode(NAMED_CELLS["inception"])
    text = json.dumps(to_json(problem.space, x))
    assert parse_cell(text) == NAMED_CELLS["inception"]
    assert np.array_equal(problem.parse(text)["edges"], x["edges"])


def test_a_cell_is_pruned_but_keeps_its_numbering() -> None:
    # 2 is a dead end.
    cell = parse_cell('{"adjacency": "0110000100000000", "ops": ["maxpool", "conv3x3"]}')
    assert cell.edges == ((0, 1), (1, 2))
    assert cell.ops == ("input", "maxpool3x3", "output")
    assert len(cell_hash(cell)) == 32


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'inception'"):
        parse_cell("incepton")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("{}", "'adjacency' is missing"),
        ('{"adjacency": [[0, 1], [0, 0]]}', "'ops' is missing"),
        ('{"adjacency": 3, "ops": []}', "malformed"),
        ('{"adjacency": "011", "ops": []}', "3 digits are not a square matrix"),
        ('{"adjacency": "0x00", "ops": []}', r"adjacency\[0\]\[1\]: 'x' is not an edge"),
        ('{"adjacency": [[0, Infinity], [0, 0]], "ops": []}', "inf is not an edge"),
        ('{"adjacency": "0000", "ops": []}', "graph is disconnected"),
        ('{"adjacency": "010001000", "ops": ["conv7x7"]}', "ops: 1 names for 3 vertices"),
        ('{"adjacency": "010001000", "ops": ["input", "conv7x7", "output"]}', "unsupported op"),
        ('{"edges": [1, 0], "ops": [0]}', "21 bits"),
    ],
)
def test_what_is_no_cell_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(LamctsError, match=message) as caught:
        parse_cell(text)
    assert isinstance(caught.value, InvalidArgument)
    assert "\n" not in str(caught.value)
