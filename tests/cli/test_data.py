"""``lamcts data``: what is printed, and every mistake in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamcts.adapters.nasbench101.files.synthetic import write_synthetic
from tests.cli.conftest import Call

PROBLEM = str(Path(__file__).parents[2] / "problems" / "nasbench.py")


@pytest.fixture(autouse=True)
def data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAMCTS_DATA", str(folder / "data"))
    return folder / "data"


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "synthetic.tfrecord"
    write_synthetic(path, max_vertices=4)
    return path


def test_a_file_is_added_listed_and_searched(lamcts: Call, file: Path, data: Path) -> None:
    outcome = lamcts("data", "list")
    assert outcome.code == 0
    assert f"no tables in {data}" in outcome.err
    assert "not here: nasbench101, 423,624 cells" in outcome.err
    outcome = lamcts("data", "add", "nasbench101", str(file), "--verify")
    assert outcome.code == 0, outcome
    assert "91 cells of 423,624; epochs 108" in outcome.err
    assert "SYNTHETIC" in outcome.err
    listed = lamcts("data", "list")
    assert listed.out.splitlines()[1].startswith("nasbench101")
    (found,) = json.loads(lamcts("data", "list", "--json").out)
    assert (found["name"], found["cells"], found["synthetic"]) == ("nasbench101", 91, True)
    words = ("--set", "table=nasbench101", "--budget", "10", "--optimizer", "random")
    outcome = lamcts("run", PROBLEM, *words, "--seed", "0", "--json", "--quiet")
    best = json.loads(outcome.out)["best"]
    assert best["metrics"]["validation_accuracy"] == best["value"]
    assert best["metrics"]["training_time"] > 0


def test_a_table_can_have_a_name_of_its_own(lamcts: Call, file: Path) -> None:
    assert lamcts("data", "add", "nasbench101", str(file), "--name", "mine", "--quiet").err == ""
    words = ("--set", "table=mine", "--set", "draw=random", "--budget", "4", "--quiet")
    assert lamcts("run", PROBLEM, *words, "--optimizer", "random").code == 0
    outcome = lamcts("run", PROBLEM, "--set", "table=mien", "--budget", "4")
    assert outcome.code == 2
    assert outcome.err.startswith("Error: table: no table is called 'mien'")
    assert "did you mean 'mine'" in outcome.err


def _damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _another(file: Path) -> None:
    file.write_text("number,state\n1,complete\n")


def _official(file: Path) -> None:
    file.rename(file.with_name("nasbench_only108.tfrecord"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_damaged, "wrong check sum in the record at byte"),
        (_cut_off, "is cut off or damaged, get it again"),
        (_another, "is no table of NASBench-101"),
        (_official, "is no file"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_one_line(
    lamcts: Call, file: Path, change: object, message: str
) -> None:
    assert callable(change)
    change(file)
    outcome = lamcts("data", "add", "nasbench101", str(file), "--verify")
    assert outcome.code == 2
    assert outcome.out == ""
    assert len(outcome.err.splitlines()) == 1
    assert message in outcome.err
    assert "no tables" in lamcts("data", "list").err


def test_a_wrong_sha256_is_told(lamcts: Call, file: Path) -> None:
    _official(file)
    official = str(file.with_name("nasbench_only108.tfrecord"))
    outcome = lamcts("data", "add", "nasbench101", official, "--verify")
    assert outcome.code == 1
    assert "wrong check sum (SHA-256" in outcome.err


def test_without_a_network_fetching_is_told_in_one_line(lamcts: Call) -> None:
    address = "http://127.0.0.1:9/nasbench_only108.tfrecord"
    outcome = lamcts("data", "fetch", "nasbench101", "--url", address, "--quiet")
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 1
    assert "cannot be fetched" in outcome.err
    assert "lamcts data add" in outcome.err


def test_a_half_written_table_is_told(lamcts: Call, file: Path, data: Path) -> None:
    lamcts("data", "add", "nasbench101", str(file))
    (data / "nasbench101" / "figures.npy").unlink()
    outcome = lamcts("run", PROBLEM, "--set", "table=nasbench101", "--budget", "4")
    assert outcome.code == 2
    assert "is no whole table" in outcome.err
    assert len(outcome.err.splitlines()) == 1
