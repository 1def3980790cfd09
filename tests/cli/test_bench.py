"""``lamcts bench`` as a person calls it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamcts.benchmark.peers import PEERS
from lamcts.benchmark.suites import SUITES

Call = Callable[..., Any]


def test_bench_prints_tables_and_a_verdict_and_draws_figures(lamcts: Call, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    text = "bench --functions sphere --dim 2 --budget 8 --seeds 4 --workers 2 --out b"
    words = f"{text} --optimizers scipy-cobyqa,random".split()
    outcome = lamcts(*words)
    assert outcome.code == 0, outcome
    assert "scipy-cobyqa has the best mean rank after 8 evaluations: 1.00 of 2" in outcome.out
    assert "scipy-cobyqa, problem by problem (Mann-Whitney, 5 %): never worse than random." in (
        outcome.out
    )
    assert "8/8  sphere" in outcome.err
    assert "figures: b/curves.png, b/targets.png, b/ranks.png" in outcome.err
    for name in ("curves.png", "targets.png", "ranks.png", "summary.md", "records.jsonl"):
        assert (folder / "b" / name).stat().st_size > 500

    again = lamcts(*words, "--checkpoints", "8,2", "--json")
    assert "8/8" not in again.err, "runs that are done are not done again"
    records = json.loads(again.out)
    assert [r["task"]["optimizer"] for r in records] == ["scipy-cobyqa"] * 4 + ["random"] * 4
    assert "rank@2 | rank@8" in (folder / "b" / "summary.md").read_text()


def test_many_problems_are_one_line_each(lamcts: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamcts.cli._bench._READABLE", 3)
    text = "--suite synthetic,mixed --functions ackley --dim 4 --instances 2 --budget 2 --seeds 1"
    outcome = lamcts("bench", *text.split(), "--optimizers", "random", "--quiet")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0] == "Distance from the optimum after 2 evaluations: median"
    assert lines[2].split() == ["problem", "random"]
    assert [line.rpartition("  ")[0].strip() for line in lines[3:7]] == [
        *("ackley", "ackley #2", "mixed-ackley", "mixed-ackley #2")
    ]
    assert "quartiles, and the other checkpoints: bench/summary.md" in outcome.err


def test_a_failing_method_is_a_row_and_exit_status_1(lamcts: Call, folder: Path) -> None:
    (folder / "fails.py").write_text(
        "import lamcts\n"
        "class Fails(lamcts.Evaluator):\n"
        "    space = lamcts.spaces.Box(0.0, 1.0, shape=(2,))\n"
        "    def evaluate(self, x):\n"
        "        print('on standard output')\n"
        "        raise ValueError('no luck')\n"
    )
    words = ("--functions", "fails.py,sphere", "--dim", "2", "--budget", "3", "--seeds", "1")
    outcome = lamcts("bench", *words, "--optimizers", "random,scipy-de")
    assert outcome.code == 1
    assert "failed: 2 of 4 runs; the first one random on fails, seed 0: no trial completed" in (
        outcome.err
    )
    failed = [row.split() for row in outcome.out.splitlines() if row.startswith("fails")]
    assert [row[1:] for row in failed] == [["random", *"---"], ["scipy-de", *"---"]]
    assert "on standard output" not in outcome.out


def test_list_names_suites_methods_and_peers(lamcts: Call, folder: Path) -> None:
    outcome = lamcts("bench", "--list")
    assert outcome.code == 0
    for name in (*SUITES, *PEERS, "bbob-f24", "lamcts-paper"):
        assert name in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 120
    assert not (folder / "bench").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("--suite bob", ["suite: 'bob'", "did you mean 'bbob'"]),
        ("--suite mixed --functions levy", ["'levy' is not in mixed"]),
        ("--optimizers optuna-tbe", ["'optuna-tbe'", "did you mean 'optuna-tpe'"]),
        ("--optimizers scipy-de --set scipy-de.tol=1", ["scipy-de.tol", "peers run with"]),
        ("--suite discrete --optimizers cmaes-sep", ["cmaes-sep takes no binary", "onemax"]),
        ("--instances 0", ["instances", "0"]),
        ("--checkpoints 10,1000", ["--checkpoints: '10,1000'", "1 to 100", "10,100"]),
        ("--checkpoints ten", ["--checkpoints: 'ten'", "1 to 100"]),
        ("--checkpoints 5,5", ["--checkpoints: '5,5'", "different"]),
        (
            "--functions lamcts:TabularEvaluator",
            ["'lamcts:TabularEvaluator' needs path, x, value;", "problem = Mine(path=...)"],
        ),
        ("--functions bbob-f1", ["pip install coco-experiment"]),
    ],
)
def test_mistakes_get_one_line(
    lamcts: Call, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, words: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cocoex", None)
    outcome = lamcts("bench", *command.split())
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1, outcome.err
    for word in words:
        assert word in outcome.err
    assert not (folder / "bench").exists()
