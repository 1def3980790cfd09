"""Tables as problems: what is looked up, what stands for what, and what is refused."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.nasbench101 import NASBench101
from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.tables import (
    LaNASTrace,
    NASBench101Small,
    NASBench201,
    NASBenchGraph,
    NASBenchNLP,
)
from lamcts.errors import Infeasible, InvalidArgument, UnknownName
from lamcts.problem import reference_of

SHARED = Path(__file__).parents[2] / "shared" / "data"
needs_tables = pytest.mark.skipif(not SHARED.is_dir(), reason="the published tables are not here")

ROWS = [
    {"op": op, "width": width, "code": f"{code:02d}", "score": ord(op) + width + code, "time": 1.5}
    for op, width, code in itertools.product("ab", (8, 16, 64), (0, 1))
]


def table(tmp_path: Path, rows: list[dict[str, Any]], name: str = "table.csv") -> Path:
    """A file with these rows."""
    file = tmp_path / name
    if name.endswith(".csv"):
        with file.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        file.write_text("\n".join(map(json.dumps, rows)))
    return file


def part(task: lamcts.TabularEvaluator, name: str) -> Any:
    """One variable's space."""
    assert isinstance(task.space, lamcts.spaces.Dict)
    return task.space[name]


@pytest.mark.parametrize("name", ["table.csv", "table.jsonl"])
def test_words_are_categories_and_numbers_levels(tmp_path: Path, name: str) -> None:
    task = lamcts.TabularEvaluator(
        table(tmp_path, ROWS, name), x=["op", "width", "code"], value="score", text=["code"]
    )
    assert part(task, "op") == lamcts.spaces.Discrete(2)
    assert part(task, "width") == lamcts.spaces.Box(0, 2, shape=(), dtype=np.int64)
    assert part(task, "code") == lamcts.spaces.Discrete(2)
    assert task.optimum_value == ord("b") + 64 + 1
    for op, width, code in itertools.product(range(2), range(3), range(2)):
        x = {"op": op, "width": np.array(width), "code": code}
        assert task.evaluate(x).value == ord("ab"[op]) + (8, 16, 64)[width] + code
    assert task.render({"op": 1, "width": np.array(2), "code": 0}) == "op b, width 64, code 00"


@pytest.mark.parametrize("name", ["table.csv", "table.jsonl"])
def test_a_compressed_file_and_the_rows_themselves_are_the_same_table(
    tmp_path: Path, name: str
) -> None:
    plain = table(tmp_path, ROWS, name)
    packed = plain.with_name(f"{name}.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    tasks = [
        lamcts.TabularEvaluator(given, x=["op", "width"], value="score")
        for given in (plain, packed, ROWS)
    ]
    points = [{"op": op, "width": np.array(w)} for op in range(2) for w in range(3)]
    first, *others = [[task.evaluate(x).value for x in points] for task in tasks]
    assert others == [first, first]
    assert len(set(first)) == len(points)


@pytest.mark.parametrize("sign", [";", "\t"])
def test_cells_may_be_between_semicolons_or_tabs(tmp_path: Path, sign: str) -> None:
    file = tmp_path / "table.CSV"
    file.write_text(f"op{sign}score\na,b{sign}1.5\nc{sign}2.5\n")
    task = lamcts.TabularEvaluator(file, x=["op"], value="score")
    assert [task.evaluate({"op": i}).value for i in range(2)] == [1.5, 2.5]
    assert task.render({"op": 0}) == "op a,b"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("t.tsv", b"op\tscore\na\t1\n", "t.tsv': ending .tsv is not known; use .csv, .parquet,"),
        ("t.xlsx", b"PK\x03\x04\xff", "t.xlsx': ending .xlsx is not known; use .csv, .parquet"),
        ("t", b"op,score\na,1\n", "t' has no ending; use .csv, .parquet, .json or .jsonl"),
        ("t.csv", b"op,score\n", "t.csv holds no rows; give one or more"),
        ("t.csv", b"", "t.csv holds no rows; give one or more"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidArgument, match=f"^path: .*{words}"):
        lamcts.TabularEvaluator(tmp_path / name, x=["op"], value="score")


def test_json_is_read_whatever_the_name_ends_in(tmp_path: Path) -> None:
    (tmp_path / "t.ndjson").write_text('{"op": "a", "score": 1}\n{"op": "b", "score": 2}\n')
    assert lamcts.TabularEvaluator(tmp_path / "t.ndjson", ["op"], "score").optimum_value == 2.0


@pytest.mark.parametrize("data", [b"op,score", gzip.compress(b"op,score\na,1\n")[:-9]])
def test_a_damaged_compressed_file_is_one_line(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "table.csv.gz"
    file.write_bytes(data)
    with pytest.raises(InvalidArgument, match=r"^path: .*table\.csv\.gz' cannot be read: .+"):
        lamcts.TabularEvaluator(file, x=["op"], value="score")


def test_a_search_finds_the_best_row_and_ends_when_all_are_tried(tmp_path: Path) -> None:
    task = lamcts.TabularEvaluator(
        table(tmp_path, ROWS), x=["op", "width", "code"], value="score", metrics=["time"]
    )
    result = lamcts.search(task, budget=100, seed=0)
    assert result.stopped == "exhausted"
    assert len(result.trials) == len(ROWS)
    assert result.best.value == task.optimum_value
    assert result.best.metrics == {"time": 1.5}


def test_it_is_built_again_in_workers(tmp_path: Path) -> None:
    file = table(tmp_path, ROWS)
    task = lamcts.TabularEvaluator(file, x=["op", "width"], value="score")
    again = reference_of(task).build()
    assert isinstance(again, lamcts.TabularEvaluator)
    assert again.optimum_value == task.optimum_value
    one, two = (
        lamcts.search(task, budget=5, seed=0, workers=n, deterministic=True) for n in (1, 2)
    )
    assert [trial.value for trial in one.trials] == [trial.value for trial in two.trials]


def test_rows_with_the_same_point_are_averaged_or_drawn(tmp_path: Path) -> None:
    rows = [{"a": a, "y": y} for a in (0, 1) for y in (1.0 + a, 3.0 + a)]
    file = table(tmp_path, rows)
    mean = lamcts.TabularEvaluator(file, x=["a"], value="y")
    assert mean.evaluate({"a": np.array(1)}).value == 3.0
    drawn = lamcts.TabularEvaluator(file, x=["a"], value="y", noisy=True)
    result = lamcts.search(drawn, budget=40, seed=0, optimizer="random")
    assert {t.value for t in result.trials if int(t.x["a"]) == 0} == {1.0, 3.0}


def test_a_seed_fixes_which_rows_are_drawn() -> None:
    rows = [{"a": 0, "y": float(y)} for y in range(10)]

    def values(seed: int) -> list[float | None]:
        task = lamcts.TabularEvaluator(rows, x=["a"], value="y", noisy=True, seed=seed)
        result = lamcts.search(task, budget=8, seed=0, optimizer="random")
        return [trial.value for trial in result.trials]

    assert values(0) == values(0)
    assert len({tuple(values(seed)) for seed in range(3)}) == 3
    with pytest.raises(InvalidArgument, match="seed: -1; use an integer from 0 up"):
        values(-1)


def test_what_the_table_does_not_have(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row["op"] == "a" or row["width"] == 8]
    file = table(tmp_path, rows)
    x = {"op": 1, "width": np.array(2), "code": np.array(0)}
    nearest = lamcts.TabularEvaluator(file, x=["op", "width", "code"], value="score")
    assert nearest.render(nearest.canonical(x)) in (
        "op b, width 8, code 0",
        "op a, width 64, code 0",
    )
    infeasible = lamcts.TabularEvaluator(
        file, x=["op", "width", "code"], value="score", missing="infeasible"
    )
    with pytest.raises(Infeasible):
        infeasible.evaluate(x)
    result = lamcts.search(infeasible, budget=100, seed=0)  # every row, and what is in none
    assert result.counts["complete"] == len(rows)
    assert result.counts["infeasible"] == len(ROWS) - len(rows)


def test_rows_may_lack_figures(tmp_path: Path) -> None:
    """Of the objects of a JSON file some have no held-out figure: no regret is told then."""
    rows: list[dict[str, Any]] = [{"a": 0, "y": 1, "t": 2}, {"a": 1, "y": 3}]
    rows += [{"a": 2, "y": 4, "t": float("nan")}]
    task = lamcts.TabularEvaluator(table(tmp_path, rows, "t.jsonl"), x=["a"], value="y", test=["t"])
    assert [task.test({"a": np.array(a)}) for a in range(3)] == [{"t": 2.0}, {}, {}]
    assert task.optimum_test is None


def test_the_optimum_is_one_of_the_rows_that_stand_for_all(tmp_path: Path) -> None:
    rows = [{"a": a, "y": y, "c": c} for a, (y, c) in enumerate([(1, "p"), (5, "p"), (3, "q")])]
    task = lamcts.TabularEvaluator(table(tmp_path, rows), x=["a"], value="y", same="c")
    result = lamcts.search(task, budget=9, seed=0)
    assert (len(result.trials), result.best.value, task.optimum_value) == (2, 3.0, 3.0)


def test_predicted_values_are_declared(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grid = rng.choice(list(itertools.product(range(6), repeat=4)), 600, replace=False)
    rows = [{**dict(zip("abcd", map(int, v), strict=True)), "y": float(v.sum())} for v in grid]
    task = lamcts.TabularEvaluator(
        table(tmp_path, rows), x=list("abcd"), value="y", missing="predicted", direction="minimize"
    )
    assert "predicted, not measured" in str(task.notice)
    known = {tuple(v) for v in grid.tolist()}
    unknown = [v for v in itertools.product(range(6), repeat=4) if v not in known]
    errors = [
        task.evaluate({n: np.array(c) for n, c in zip("abcd", v, strict=True)}).value - sum(v)
        for v in unknown[:50]
    ]
    assert np.abs(errors).mean() < 1.0


def test_few_rows_predict_nothing() -> None:
    with pytest.raises(InvalidArgument, match="missing: the table has 12 points, too few"):
        lamcts.TabularEvaluator(ROWS, ["op", "width", "code"], "score", missing="predicted")


def test_rows_may_be_made_of_numpy_and_come_one_by_one() -> None:
    numbers = np.arange(6)
    rows = ({"a": n, "b": n > 2, "score": np.float32(n)} for n in numbers)
    task = lamcts.TabularEvaluator(rows, ["a", "b"], "score")  # type: ignore[arg-type]
    assert part(task, "a") == lamcts.spaces.Box(0, 5, shape=(), dtype=np.int64)
    assert task.optimum_value == 5.0
    with pytest.raises(InvalidArgument, match="path: rows are dicts"):
        lamcts.TabularEvaluator(3, ["a"], "score")  # type: ignore[arg-type]


def test_rows_that_were_not_measured_are_left_out(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"a": 0, "y": 1.0}, {"a": 1, "y": ""}, {"a": 2, "y": math.nan}]
    task = lamcts.TabularEvaluator(table(tmp_path, rows), x=["a"], value="y")
    assert lamcts.search(task, budget=9, seed=0).stopped == "exhausted"
    assert part(task, "a") == lamcts.spaces.Discrete(1)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"y": "91%"}, "y '91%' is no number"),
        ({"y": ""}, "y is empty"),
        ({"y": "nan"}, "y is nan"),
        ({"a": ""}, "a is empty"),
    ],
)
def test_rows_that_are_left_out_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, cells: dict[str, str], why: str
) -> None:
    bad = {"a": "3", "y": "4", **cells}
    rows = [{"a": "1", "y": "1"}, {"a": "2", "y": "2"}, bad, bad, {"a": "4", "y": "3"}]
    task = lamcts.TabularEvaluator(table(tmp_path, rows), x=["a"], value="y")
    assert caplog.messages == [f"table.csv: 2 of 5 rows left out; the first, line 4: {why}"]
    assert (len(task._groups), task.optimum_value) == (3, 3.0)
    with pytest.raises(InvalidArgument, match=f"'y' and all of x; the first, line 2: {why}$"):
        lamcts.TabularEvaluator(table(tmp_path, [bad, bad], "bad.csv"), x=["a"], value="y")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"cost": ["scor"]}, UnknownName, "cost: no column 'scor'; did you mean 'score'"),
        ({"seconds": "scor"}, UnknownName, "seconds: no column 'scor'; did you mean 'score'"),
        ({"x": ["opp"]}, UnknownName, "x: no column 'opp'; did you mean 'op'"),
        ({"x": "op"}, InvalidArgument, "give the names of one column or more"),
        ({"value": "scor"}, UnknownName, "value: no column 'scor'; did you mean 'score'"),
        ({"x": ["width"], "value": "op"}, InvalidArgument, "has no row with a number 'op'"),
        ({"value": "op"}, InvalidArgument, "x: 'op' is the value; leave it out of x"),
        ({"path": []}, InvalidArgument, "path: the table holds no rows; give one or more"),
        ({"test": "score"}, InvalidArgument, "test: 'score'; give a list of names"),
        ({"path": {"op": ["a"]}}, InvalidArgument, "path: rows are dicts"),
        ({"missing": "guess"}, InvalidArgument, "missing: 'guess'"),
        ({"split": {"op": "["}}, InvalidArgument, "is no pattern"),
        ({"split": {"op": "z"}}, InvalidArgument, "finds no words in 'a'"),
        ({"path": "none.csv"}, InvalidArgument, "path: 'none.csv' cannot be read"),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, options: Any, error: Any, words: str) -> None:
    given = {"path": table(tmp_path, ROWS), "x": ["op"], "value": "score", **options}
    with pytest.raises(error, match=words.replace("(", r"\(")):
        lamcts.TabularEvaluator(**given)


@needs_tables
@pytest.mark.parametrize(("dataset", "best"), [("cifar10", 84.892), ("cifar100", 61.32)])
def test_nasbench201_is_whole_and_its_equal_cells_are_one_point(dataset: Any, best: float) -> None:
    task = NASBench201(SHARED / "nasbench201" / "nasbench201.csv", dataset)
    assert task.optimum_value == best
    assert task.optimum_test == pytest.approx({"cifar10": 94.3733, "cifar100": 73.5133}[dataset])
    whole = itertools.product(range(5), repeat=6)
    points = [{"arch": np.array(v)} for v in itertools.islice(whole, 0, 15_625, 5)]
    canonical = {tuple(task.canonical(x)["arch"]) for x in points}
    assert len(canonical) < 0.9 * len(points)
    for x in points[::100]:
        again = task.canonical(task.canonical(x))
        assert again["arch"].tolist() == task.canonical(x)["arch"].tolist()


@needs_tables
def test_the_cells_of_five_vertices_have_the_published_optimum() -> None:
    task = NASBench101Small(SHARED / "nasbench101_le5v" / "ecnas_5v_4epochs.csv")
    assert task.optimum_value == 0.770132
    result = lamcts.search(task, budget=20, seed=0, optimizer="random")
    assert result.counts["complete"] == 20
    for trial in result.trials:
        assert task.canonical(trial.x)["edges"].tolist() == trial.x["edges"].tolist()


def test_cells_of_five_vertices_are_read_and_described(tmp_path: Path) -> None:
    row = {"adjacency": "010001000", "operations": "input,conv3x3-bn-relu,output"}
    file = table(tmp_path, [{**row, "val_acc_4ep": 0.5, "test_acc_4ep": 0.4}])
    task = NASBench101Small(file)
    x = task.parse('{"adjacency": "010001000", "ops": ["conv3x3"]}')
    assert x in task.space
    assert task.evaluate(x).value == 0.5
    assert task.test(x) == {"test_accuracy": 0.4}
    again = task.parse(json.dumps(task.describe(x)))
    assert {name: part.tolist() for name, part in again.items()} == {
        "edges": x["edges"].tolist(),
        "ops": x["ops"].tolist(),
    }
    assert task.cost(task.parse("alphax-5")) == NASBench101(skeleton="cifar").cost(
        NASBench101().parse("alphax-5")
    )
    with pytest.raises(InvalidArgument, match="more than five vertices"):
        task.parse("inception")
    with pytest.raises(InvalidArgument, match="is not in"):
        task.cost({"edges": [0] * 21, "ops": [0] * 5})


@needs_tables
def test_nas_bench_graph_has_the_published_optimum() -> None:
    task = NASBenchGraph(SHARED / "nas_bench_graph" / "cora.csv")
    assert task.optimum_value == 0.819333
    assert task.optimum_test == 0.831333


@needs_tables
def test_nas_bench_nlp_has_the_published_optimum() -> None:
    task = NASBenchNLP(SHARED / "nas_bench_nlp_wikitext2" / "nas_bench_nlp_wikitext2.csv")
    assert (task.optimum_value, task.optimum_test) == (96.311, 91.484)
    best = lamcts.search(task, optimizer="random", budget=200, seed=0).best
    assert best.value == task.optimum_value
    assert task.test(best.x)["test_ppl_at_best_val"] == task.optimum_test
    assert "linear 4, blend 0, elementwise_prod 3" in task.render(best.x)  # an LSTM


def test_a_cell_that_is_none_is_one_line(tmp_path: Path) -> None:
    file = table(tmp_path, [{"recipe_json": '{"f": 3}', "best_val_ppl": 90.0}])
    with pytest.raises(InvalidArgument, match="has a recipe_json that is no cell"):
        NASBenchNLP(file)


@needs_tables
def test_the_trace_of_lanas_holds_lanet() -> None:
    """Its licence is non-commercial: read here, shipped nowhere."""
    task = LaNASTrace(SHARED / "lanas_traces" / "total_trace.json")
    assert task.optimum_value == 93.43
    problem = NASNetCIFAR()
    lanet = problem.canonical(problem.parse("lanet"))
    names = [f"{part}{i}" for part in ("op", "input") for i in range(14)]
    levels = {v.name: v.levels for v in task._variables}
    x = {n: levels[n].index(str(code)) for n, code in zip(names, lanet, strict=True)}
    assert task.evaluate(x).value == 93.43


def test_a_trace_that_is_none_is_one_line(tmp_path: Path) -> None:
    for text in ("[]", "{", '{"[1, 2]": 90.0}'):
        (tmp_path / "trace.json").write_text(text)
        with pytest.raises(InvalidArgument, match="is no trace of LaNAS"):
            LaNASTrace(tmp_path / "trace.json")


def test_a_table_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMCTS_DATA", os.devnull)
    with pytest.raises(
        InvalidArgument, match=r"nasbench201\.csv is not in /dev/null; put it there"
    ):
        NASBench201()
