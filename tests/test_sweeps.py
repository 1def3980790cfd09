"""Sweeps: a search a limit, what is learned is shared, and any end can be gone on from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import lamcts
from lamcts.cli import app
from lamcts.errors import LamctsError, RunError, UnknownName
from lamcts.result import Result
from lamcts.storage import read_run
from lamcts.sweeps import SWEEP_FILE, parse_sweep

FILE = """
import lamcts

class Knapsack(lamcts.Evaluator):
    space = lamcts.spaces.MultiDiscrete([4] * 6)
    direction = "maximize"

    def evaluate(self, x):
        return float((x * range(1, 7)).sum())

    def cost(self, x):
        return {"weight": float(x.sum()), "speed": float(18 - x.sum())}
"""


@pytest.fixture
def problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "knapsack.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return "knapsack.py"


def values(results: dict[str, Result]) -> dict[str, list[float | None]]:
    return {text: [trial.value for trial in r.trials] for text, r in results.items()}


def test_limits_are_read_the_tightest_first() -> None:
    assert [limit.text for limit in parse_sweep("w = 6, 2e0,4")] == ["w<=2e0", "w<=4", "w<=6"]
    assert [limit.text for limit in parse_sweep("speed>=1,3")] == ["speed>=3", "speed>=1"]
    assert parse_sweep("w<=1e3")[0].folder == "w-1e3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("w", "is not NAME=NUMBER"),
        ("w=", "is not NAME=NUMBER"),
        ("w=1,,2", "is not NAME<=NUMBER"),
        ("w=1,x", "'w<=x' is not NAME<=NUMBER"),
        ("w=1,1.0", "a limit twice"),
        (["w<=1"], "is not NAME=NUMBER"),
    ],
)
def test_what_is_no_sweep_is_refused(text: Any, message: str) -> None:
    with pytest.raises(LamctsError, match=message):
        parse_sweep(text)


def test_every_evaluation_is_within_and_serves_the_looser_limits(problem: str) -> None:
    results = lamcts.sweep(problem, "weight=12,3,8", budget=8, seed=0)
    assert list(results) == ["weight<=3", "weight<=8", "weight<=12"]
    before: list[float | None] = []
    for bound, result in zip((3, 8, 12), results.values(), strict=True):
        assert all(trial.cost["weight"] <= bound for trial in result.trials)
        assert [trial.value for trial in result.trials][: len(before)] == before
        assert sum(trial.info.get("source") != "known" for trial in result.trials) == 8
        before = [trial.value for trial in result.trials]
    bests = [result.best.value or 0.0 for result in results.values()]
    assert bests == sorted(bests)


def test_values_of_zero_serve_the_looser_limits(problem: str) -> None:
    zeros, limits = [([0] * 6, 0.0)], "weight=1,2"
    tight, loose = lamcts.sweep(problem, limits, budget=2, seed=0, init=zeros).values()
    assert tight.trials[0].value == loose.trials[0].value == 0.0


def test_other_constraints_and_known_points_serve_where_they_hold(problem: str) -> None:
    heavy, light = [3, 0, 0, 0, 0, 3], [0, 0, 0, 0, 0, 3]
    results = lamcts.sweep(
        problem,
        "weight=3,6",
        budget=4,
        seed=0,
        init=[(heavy, 21.0), light],
        constraints=["speed>=12"],
    )
    tight, loose = results.values()
    assert tight.trials[0].value == 18.0  # the light point was evaluated, the heavy one put off
    assert 21.0 in [t.value for t in loose.trials if t.info.get("source") == "known"]
    assert tight.best.value == 18.0


class Stop(lamcts.Callback):
    """Interrupts the second search after three trials."""

    runs = 0

    def on_run_start(self, run: Any) -> None:
        self.runs += 1

    def on_tell(self, run: Any, trial: Any) -> None:
        if self.runs == 2 and run.spent == 3:
            run.stop("interrupted")


def test_a_sweep_goes_on_where_it_ended(problem: str, tmp_path: Path) -> None:
    whole = lamcts.sweep(problem, "weight=3,8,12", budget=6, seed=1)
    folder = tmp_path / "swept"
    begun = lamcts.sweep(
        problem, "weight=3,8,12", budget=6, seed=1, folder=folder, callbacks=[Stop()]
    )
    assert [r.stopped for r in begun.values()] == ["budget", "interrupted"]
    assert sorted(p.name for p in folder.iterdir()) == [SWEEP_FILE, "weight-3", "weight-8"]
    done = lamcts.resume_sweep(folder)
    assert values(done) == values(whole)
    kept = (folder / "weight-3" / "run.jsonl").read_bytes()
    assert values(lamcts.resume_sweep(folder)) == values(whole)
    assert (folder / "weight-3" / "run.jsonl").read_bytes() == kept
    more = lamcts.resume_sweep(folder, budget=7)
    assert [r.budget for r in more.values()] == [7, 7, 7]


@pytest.mark.parametrize("torn", [None, b"", b'{"v":1,"event":"sta'])
def test_a_search_killed_before_its_first_line_is_begun_again(
    problem: str, tmp_path: Path, torn: bytes | None
) -> None:
    options: dict[str, Any] = {"budget": 4, "seed": 1, "optimizer": "random"}
    whole = lamcts.sweep(problem, "weight=6,9", folder=tmp_path / "sweep", **options)
    left = tmp_path / "sweep" / "weight-9"
    shutil.rmtree(left)
    left.mkdir()
    if torn is not None:
        (left / "run.jsonl").write_bytes(torn)
    for _ in range(2):
        assert values(lamcts.resume_sweep(tmp_path / "sweep")) == values(whole)
    assert len(list((tmp_path / "sweep").glob("weight-9*"))) == 2


def test_it_takes_its_options_as_a_search_does(problem: str, tmp_path: Path) -> None:
    folder, limits = tmp_path / "swept", "weight=3,8"
    options: dict[str, Any] = {"resources": None, "settings": {"cp": 0.5}}
    options |= {"constraints": "speed>=1", "n_init": 2}
    lamcts.sweep(problem, limits, budget=3, seed=0, folder=folder, **options)
    header = read_run(folder / "weight-3").header
    assert header["settings"] == {"cp": 0.5, "n_init": 2}
    assert header["constraints"] == ["speed>=1", "weight<=3"]
    with pytest.raises(UnknownName, match="no_such"):
        lamcts.sweep(problem, limits, budget=3, no_such=2)


def test_a_sweep_on_ray_is_finished_on_this_machine(problem: str, tmp_path: Path) -> None:
    folder = tmp_path / "swept"
    lamcts.sweep(problem, "weight=3,8", budget=3, seed=0, folder=folder)
    shutil.rmtree(folder / "weight-8")
    plan = json.loads((folder / SWEEP_FILE).read_text())
    on_ray = {"executor": "ray", "ray_address": "auto", "resources": {"gpu": 1}, "workers": None}
    plan["options"] |= on_ray
    (folder / SWEEP_FILE).write_text(json.dumps(plan))
    done = lamcts.resume_sweep(folder, executor="local", trial_memory="8GB")
    assert [result.stopped for result in done.values()] == ["budget"] * 2
    assert read_run(folder / "weight-8").header["trial_memory"] == 8_000_000_000


def test_what_cannot_be_searched_leaves_nothing_behind(problem: str, tmp_path: Path) -> None:
    folder = tmp_path / "swept"
    for limits, budget, seed in [("weigh=3", 5, 0), ("weight=3", 0, 0), ("weight=3", 5, -1)]:
        with pytest.raises(LamctsError):
            lamcts.sweep(problem, limits, budget=budget, seed=seed, folder=folder)
        assert not folder.exists()
    with pytest.raises(RunError, match="holds no sweep"):
        lamcts.resume_sweep(tmp_path)
    (tmp_path / SWEEP_FILE).write_text("[]")
    with pytest.raises(RunError, match="holds no sweep"):
        lamcts.resume_sweep(tmp_path)


def test_the_command_prints_a_table_and_is_resumed(problem: str) -> None:
    command = ["run", problem, "--sweep", "weight=3,8", "--budget", "4", "--seed", "0"]
    ran = CliRunner().invoke(app, [*command, "--name", "s", "--quiet"])
    assert ran.exit_code == 0, ran.output
    lines = ran.output.splitlines()
    assert lines[0].split() == ["limit", "best", "value", "new", "trials", "weight", "speed"]
    assert [line.split()[0] for line in lines[1:3]] == ["weight<=3", "weight<=8"]
    again = CliRunner().invoke(app, ["resume", "s", "--json", "--quiet"])
    assert [entry["limit"] for entry in json.loads(again.output)] == ["weight<=3", "weight<=8"]
    refused = CliRunner().invoke(app, [*command, "--name", "s"])
    assert refused.exit_code == 2


@pytest.mark.parametrize("other", ["run", "sweep"])
def test_a_name_that_fits_several_is_refused(problem: str, tmp_path: Path, other: str) -> None:
    command = ["run", problem, "--budget", "2", "--optimizer", "random", "--name", "s", "--quiet"]
    limits = ["--sweep", "weight=3,8"]
    assert CliRunner().invoke(app, [*command, *limits]).exit_code == 0
    (tmp_path / "other.py").write_text(FILE)
    command[1] = "other.py"
    assert CliRunner().invoke(app, [*command, *(limits if other == "sweep" else [])]).exit_code == 0
    refused = CliRunner().invoke(app, ["resume", "s", "--budget", "3", "--quiet"])
    assert refused.exit_code == 2
    assert "'s' fits runs/knapsack/s, runs/other/s; give the whole path" in refused.output
    whole = CliRunner().invoke(app, ["resume", "runs/other/s", "--budget", "3", "--quiet"])
    assert whole.exit_code == 0
