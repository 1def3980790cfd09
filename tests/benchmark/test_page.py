"""The generated part of docs/benchmarks.md is what its files of results say."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from lamcts.benchmark import Record, Results, results_table, scores_table
from lamcts.benchmark.suites import choose


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "page.py"
    spec = importlib.util.spec_from_file_location("page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "page", module)
        spec.loader.exec_module(module)
    return module


def test_the_page_says_what_the_results_say(script: ModuleType) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    found = text.partition(script.BEGIN)[2].partition(script.END)[0]
    assert found.count("\n### ") == len(script.read_all()) > 0
    assert found == script.section(), "run: python benchmarks/page.py write"
    assert all(script.figure(kept.name).exists() for kept in script.read_all())


def test_a_command_asked_for_the_runs_that_are_kept(script: ModuleType) -> None:
    for kept in script.read_all():
        command, results = kept.about["command"], Results(kept.records)
        assert results.optimizers == script.option(command, "--optimizers").split(",")
        assert results.seeds == list(range(int(script.option(command, "--seeds"))))
        assert results.budget == int(script.option(command, "--budget"))
        named = "--suite" if "--suite" in command else "--functions"
        problems = script.option(command, named).split(",")
        assert results.problems == (choose(problems) if named == "--suite" else problems)
        assert len(results.records) == len(kept.records)
        everything = len(results.problems) * len(results.optimizers) * len(results.seeds)
        assert len(kept.records) == everything


def test_further_runs_are_put_to_those_of_a_file(
    script: ModuleType, records: list[Record], tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    first, further = records[:3], records[3:]
    for name, runs in (("whole", records), ("first", first), ("further", further)):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{r.to_json()}\n" for r in runs))
    command = "lamcts bench --checkpoints 2,10"
    script.keep(tmp_path / "whole.jsonl", whole, "Made up", command, "1234abc")
    script.keep(tmp_path / "first.jsonl", parts, "Made up", command, "1234abc")
    script.add(tmp_path / "further.jsonl", parts, command)
    assert parts.read_bytes() == whole.read_bytes()


def test_failed_runs_that_were_run_again_and_shorter_ones_are_left_out(
    script: ModuleType, records: list[Record], tmp_path: Path
) -> None:
    command = "lamcts bench --checkpoints 2,10"
    failed = replace(records[0], trace=(), error="it broke")
    short = replace(records[1], task=replace(records[1].task, budget=2), trace=((1, 9.0),))
    for name, runs in (("clean", records), ("used", [failed, *records, short])):
        (tmp_path / f"{name}.jsonl").write_text("".join(f"{r.to_json()}\n" for r in runs))
        script.keep(tmp_path / f"{name}.jsonl", tmp_path / name, "Made up", command, "1234abc")
    assert (tmp_path / "used").read_bytes() == (tmp_path / "clean").read_bytes()


def test_nothing_that_is_shown_is_lost(
    script: ModuleType, records: list[Record], tmp_path: Path
) -> None:
    (tmp_path / "records.jsonl").write_text("".join(f"{r.to_json()}\n" for r in records))
    command = "lamcts bench --checkpoints 2,10"
    script.keep(tmp_path / "records.jsonl", tmp_path / "made-up.csv", "Made up", command, "1234abc")
    kept = script.read(tmp_path / "made-up.csv")
    assert kept.about["title"] == "Made up"
    assert kept.about["command"] == command
    assert kept.about["versions"].startswith("lamcts at 1234abc, Python 3.")
    for table in (results_table, scores_table):
        assert table(Results(kept.records), kept.checkpoints) == table(Results(records), [2, 10])
    best = script.beside_the_best_other(Results(kept.records), (2, 10))
    [row] = best.rows
    assert row[1] == "4 (3 to 5)"  # equal medians after 2: neither is best
    assert row[3] == "**2 (1.5 to 2.5)**"
    assert row[4] == "4 (3 to 5) bad"
