"""What the commands print and write when all is well."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import BOWL, Call, Start

TALKS = BOWL.replace("        return", "        print('evaluated')\n        return", 1)
QUICK = ("--optimizer", "random", "--seed", "0", "--quiet")


def test_run_ends_with_what_a_person_wants_to_know(lamcts: Call, folder: Path) -> None:
    outcome = lamcts("run", "bowl.py", "--seed", "0", "--optimizer", "random")
    assert outcome.code == 0, outcome
    lines = dict(line.split(maxsplit=1) for line in outcome.out.splitlines())
    assert lines["problem"] == "bowl (minimize)"
    assert lines["trials"] == "12 complete (budget 12)"  # the problem's own budget
    assert lines["optimizer"] == "random, seed 0"
    assert lines["cost"].startswith("size ")
    assert (folder / lines["run"] / "run.jsonl").is_file()
    found = json.loads(lines["found"])
    best = float(lines["best"].split()[1])
    assert sum((v - 0.5) ** 2 for v in found) == pytest.approx(best, rel=1e-3)


def test_run_json_is_one_object_with_the_agreed_keys(lamcts: Call) -> None:
    outcome = lamcts("run", "bowl.py", "--budget", "5", "--json", *QUICK)
    result = json.loads(outcome.out)
    assert outcome.err == ""
    keys = {"run", "problem", "optimizer", "seed", "budget", "trials", "best"}
    assert keys <= result.keys()
    assert set(result["best"]) == {"number", "value", "x", "metrics", "cost"}
    assert (result["seed"], result["budget"], result["optimizer"]) == (0, 5, "random")
    assert result["trials"]["complete"] == 5
    assert result["trials"]["failed"] == 0
    for again in (("show", result["run"]), ("resume", result["run"], "--quiet")):
        assert json.loads(lamcts(*again, "--json").out) == result  # to the millisecond


@pytest.mark.parametrize("command", ["run --budget 2", "run --sweep size=0 --budget 2", "check"])
def test_what_a_problem_prints_is_no_result(lamcts: Call, folder: Path, command: str) -> None:
    (folder / "talks.py").write_text(TALKS + "    def close(self):\n        print('closed')\n")
    name, *words = command.split()
    outcome = lamcts(name, "talks.py", *words, "--json", *(QUICK if name == "run" else ()))
    json.loads(outcome.out)
    assert outcome.err.count("evaluated") >= 2
    assert outcome.code == 0


def test_what_is_printed_by_programs_that_a_problem_starts_is_no_result(
    folder: Path, start: Start
) -> None:
    (folder / "calls.py").write_text(
        "import os\n" + TALKS.replace("print('evaluated')", "os.system('echo evaluated')")
    )
    out, err = start("run", "calls.py", "--budget", "2", "--json", *QUICK).communicate(timeout=60)
    assert json.loads(out)["trials"]["complete"] == 2
    assert err.count("evaluated") == 2


@pytest.mark.parametrize("command", ["train --arch 1", "latency --out table.csv"])
def test_what_a_file_prints_when_imported_is_no_result(
    lamcts: Call, folder: Path, command: str
) -> None:
    (folder / "talks.py").write_text("print('imported')\n" + TALKS)
    name, *words = command.split()
    outcome = lamcts(name, "talks.py", *words)
    assert outcome.out == ""
    assert outcome.err.startswith("imported\nError: problem 'talks.py' has no ")


def test_what_a_resumed_problem_prints_is_no_result(lamcts: Call, folder: Path) -> None:
    (folder / "talks.py").write_text(TALKS)
    assert lamcts("run", "talks.py", "--budget", "2", "--name", "a", *QUICK).code == 0
    outcome = lamcts("resume", "a", "--budget", "5", "--json", "--quiet")
    assert json.loads(outcome.out)["trials"]["complete"] == 5
    assert outcome.err.count("evaluated") == 3


def test_settings_reach_the_problem_and_the_optimizer(lamcts: Call) -> None:
    words = ("--set", "target=0.0", "--set", "allow_repeats=yes", "--budget", "6", "--json")
    outcome = lamcts("run", "bowl.py", *words, *QUICK)
    best = json.loads(outcome.out)["best"]
    assert best["value"] == pytest.approx(sum(v * v for v in best["x"]))


def test_constraint_is_kept(lamcts: Call) -> None:
    words = ("--constraint", "size<=0.2", "--constraint", "size>-0.2", "--name", "narrow")
    assert lamcts("run", "bowl.py", *words, *QUICK).code == 0
    trials = json.loads(lamcts("export", "narrow").out)
    assert len(trials) == 12
    assert all(-0.2 < trial["cost"]["size"] <= 0.2 for trial in trials)


def test_notice_and_render_of_a_problem_are_printed(lamcts: Call, folder: Path) -> None:
    more = '    notice = "stand-in data"\n    def render(self, x):\n        return "two\\nlines"\n'
    (folder / "spoken.py").write_text(BOWL + more)
    outcome = lamcts("run", "spoken.py", "--optimizer", "random", "--name", "a")
    assert outcome.err.count("stand-in data") == 1
    for text in (outcome.out, lamcts("show", "a").out):
        assert "found         two\n              lines\n" in text
    assert "stand-in" not in lamcts("run", "spoken.py", *QUICK).err


def test_runs_are_listed_shown_and_exported(lamcts: Call, folder: Path) -> None:
    (folder / "second").mkdir()  # no run: what a run of this name left, say
    assert "no runs under runs" in lamcts("list").err
    lamcts("run", "bowl.py", "--name", "first", *QUICK)
    lamcts("run", "bowl.py", "--name", "second", "--budget", "4", *QUICK)
    header, *rows = lamcts("list").out.splitlines()
    assert header.split()[:2] == ["run", "optimizer"]
    assert [row.split()[0] for row in rows] == ["runs/bowl/first", "runs/bowl/second"]
    assert [run["budget"] for run in json.loads(lamcts("list", "--json").out)] == [12, 4]
    for name in ("second", "runs/bowl/second", "runs/bowl/second/run.jsonl"):
        assert "4 complete (budget 4)" in lamcts("show", name).out

    trials = json.loads(lamcts("export", "second", "--format", "json").out)
    assert [trial["number"] for trial in trials] == [0, 1, 2, 3]
    assert {"number", "state", "x", "value"} <= trials[0].keys()
    rows_of_csv = list(
        csv.DictReader(io.StringIO(lamcts("export", "second", "--format", "csv").out))
    )
    assert [float(row["value"]) for row in rows_of_csv] == [trial["value"] for trial in trials]
    assert [float(row["x[1]"]) for row in rows_of_csv] == [trial["x"][1] for trial in trials]


def test_a_taken_name_is_refused_and_the_run_named(lamcts: Call, folder: Path) -> None:
    lamcts("run", "bowl.py", "--name", "first", *QUICK)
    before = {path: path.read_bytes() for path in folder.glob("runs/**/*") if path.is_file()}
    outcome = lamcts("run", "bowl.py", "--name", "first", *QUICK)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err == (
        "Error: --name: runs/bowl/first exists; choose another name, "
        "or go on with that run: lamcts resume runs/bowl/first\n"
    )
    after = {path: path.read_bytes() for path in folder.glob("runs/**/*") if path.is_file()}
    assert after == before


def test_damaged_run_does_not_hide_the_others(lamcts: Call, folder: Path) -> None:
    lamcts("run", "bowl.py", "--name", "sound", *QUICK)
    (folder / "runs" / "bad").mkdir()
    (folder / "runs" / "bad" / "run.jsonl").write_text("{}\n")
    outcome = lamcts("list")
    assert outcome.code == 0
    assert "runs/bowl/sound" in outcome.out
    assert outcome.err.startswith("skipped: runs/bad")


def test_resume_goes_on_under_a_greater_budget(lamcts: Call) -> None:
    lamcts("run", "bowl.py", "--name", "a", "--budget", "4", *QUICK)
    lamcts("run", "bowl.py", "--name", "b", "--budget", "9", *QUICK)
    assert "9 complete (budget 9)" in lamcts("resume", "a", "--budget", "9", "--quiet").out
    a, b = (json.loads(lamcts("export", name).out) for name in "ab")
    assert [trial["x"] for trial in a] == [trial["x"] for trial in b]
    again = lamcts("resume", "a")
    assert again.code == 0
    assert "nothing to do" in again.err


def test_exported_trials_begin_another_run(lamcts: Call, folder: Path) -> None:
    lamcts("run", "bowl.py", "--name", "old", *QUICK)
    exported = lamcts("export", "old").out
    (folder / "old.json").write_text(exported)
    (folder / "two.jsonl").write_text('{"x": [0.5, 0.5]}\n{"x": [0.0, 0.0], "value": 9.0}\n')
    new = lamcts("run", "bowl.py", "--budget", "3", "--init", "old.json", "--json", *QUICK)
    result = json.loads(new.out)
    assert result["trials"]["complete"] == 12 + 3  # known points cost nothing
    assert result["best"]["value"] <= min(trial["value"] for trial in json.loads(exported))
    new = lamcts("run", "bowl.py", "--budget", "3", "--init", "two.jsonl", "--json", *QUICK)
    assert json.loads(new.out)["best"] | {"cost": {}} == {
        "number": 1,  # after the known one
        "value": 0.0,
        "x": [0.5, 0.5],
        "metrics": {},
        "cost": {},
    }


def test_what_was_known_is_no_trial_of_the_budget(lamcts: Call, folder: Path) -> None:
    (folder / "three.csv").write_text("x[0],x[1],value\n0,0,3\n0.5,0.5,-1\n1,1,2\n")
    words = ("--init", "three.csv", "--budget", "4", "--name", "a")
    for outcome in (lamcts("run", "bowl.py", *words, *QUICK), lamcts("show", "a")):
        assert "best value    -1 (trial 1, known)\n" in outcome.out
        assert "trials        4 complete (budget 4), 3 known\n" in outcome.out
    assert lamcts("list").out.splitlines()[1].split()[2] == "4/4"


def test_finite_space_ends_when_it_is_exhausted(lamcts: Call, folder: Path) -> None:
    space = "lamcts.spaces.MultiDiscrete([2, 2])"
    text = BOWL.replace("lamcts.spaces.Box(-1.0, 1.0, shape=(2,))", space)
    (folder / "four.py").write_text(text)
    outcome = lamcts("run", "four.py", "--budget", "100", *QUICK)
    assert outcome.code == 0
    assert "4 complete (budget 100)" in outcome.out
    assert "every point of the space was tried" in outcome.out


def test_that_all_was_tried_is_said_only_where_it_is_known(lamcts: Call, folder: Path) -> None:
    text = BOWL.replace("lamcts.spaces.Box(-1.0, 1.0, shape=(2,))", "lamcts.spaces.MultiBinary(20)")
    text += "    def canonical(self, x):\n        return x * 0\n"
    (folder / "large.py").write_text(text)
    outcome = lamcts("run", "large.py", "--budget", "9", *QUICK)
    assert outcome.code == 0
    assert "no further point that may be tried was found" in outcome.out


def test_max_failures_exits_with_3_and_shows_the_first(lamcts: Call, folder: Path) -> None:
    (folder / "bad.py").write_text(BOWL.replace("return float(", "raise OSError('no disk')\n#"))
    outcome = lamcts("run", "bad.py", "--max-failures", "2", "--json", *QUICK)
    assert outcome.code == 3
    assert json.loads(outcome.out)["trials"]["failed"] == 3
    assert "OSError: no disk" in outcome.err


def test_a_run_that_failures_stopped_goes_on_once_mended(lamcts: Call, folder: Path) -> None:
    bad = folder / "bad.py"
    bad.write_text(BOWL.replace("return float(", "raise OSError('no disk')\n#"))
    assert lamcts("run", "bad.py", "--name", "b", *QUICK).code == 3
    bad.write_text(BOWL)
    stopped = lamcts("resume", "b")
    assert stopped.code == 3
    (line,) = [line for line in stopped.err.splitlines() if "once mended" in line]
    assert line.endswith("lamcts resume runs/bad/b --max-failures 20")
    resumed = lamcts(*line.partition("lamcts ")[2].split(), "--trial-timeout", "60", "--json")
    assert resumed.code == 0
    counts = json.loads(resumed.out)["trials"]
    assert (counts["complete"], counts["failed"]) == (2, 10)


def test_scaffold_runs_as_it_stands(lamcts: Call, folder: Path) -> None:
    outcome = lamcts("init", "my-own.py")
    assert outcome.code == 0
    assert "class MyOwn(lamcts.Evaluator)" in (folder / "my-own.py").read_text()
    checked = lamcts("check", "my-own.py")
    assert checked.code == 0, checked
    assert "error" not in checked.out
    assert lamcts("run", "my-own.py", "--budget", "5", *QUICK).code == 0
    found = json.loads(lamcts("check", "my-own.py", "--json", "--set", "target=3").out)
    assert found["ok"] is True


@pytest.mark.parametrize("name", ["3.py", "class.py", "_.py"])
def test_scaffold_of_any_file_name_has_a_valid_class(lamcts: Call, folder: Path, name: str) -> None:
    assert lamcts("init", name).code == 0
    compile((folder / name).read_text(), name, "exec")


def test_check_of_a_wrong_evaluator_exits_with_2(lamcts: Call, folder: Path) -> None:
    (folder / "wrong.py").write_text(BOWL.replace("return float(", "(").replace("float(x[0])", "1"))
    outcome = lamcts("check", "wrong.py")
    assert outcome.code == 2
    assert "error    evaluate   evaluate returned None; return a number" in outcome.out


def test_runs_of_a_problem_lie_together_named_or_not(lamcts: Call, folder: Path) -> None:
    (folder / "my bowl.py").write_text((folder / "bowl.py").read_text())
    words = ("run", "my bowl.py", "--optimizer", "random", "--budget", "1", "--quiet")
    assert lamcts(*words).code == 0
    assert lamcts(*words, "--name", "a").code == 0
    assert [path.name for path in (folder / "runs").iterdir()] == ["my-bowl"]


def test_cost_of_a_point(lamcts: Call, folder: Path) -> None:
    assert lamcts("cost", "bowl.py", "--arch", "[0.25, 0]").out == "size  0.25\n"
    assert json.loads(lamcts("cost", "bowl.py", "--arch", "[0.25, 0]", "--json").out) == {
        "size": 0.25
    }
    parse = "    def parse(self, text):\n        return [float(text), 0.0]\n"
    (folder / "parses.py").write_text(BOWL + parse)
    assert lamcts("cost", "parses.py", "--arch", "0.5").out == "size  0.5\n"


def test_problems_and_their_settings(lamcts: Call) -> None:
    assert "ackley-v0" in lamcts("problems").out
    assert "ackley-v0" in {spec["id"] for spec in json.loads(lamcts("problems", "--json").out)}
    header, row = lamcts("problems", "bowl.py").out.splitlines()
    assert header.split() == ["setting", "type", "default"]
    assert row.split() == ["target", "a", "number", "0.5"]


def test_info_and_version(lamcts: Call) -> None:
    facts = json.loads(lamcts("info", "--json").out)
    assert facts["libraries"]["numpy"]
    assert facts["lamcts"] in lamcts("info").out
    assert lamcts("--version").out == f"lamcts {facts['lamcts']}\n"


def test_help_documents_the_exit_statuses(lamcts: Call) -> None:
    text = lamcts("--help").out
    for line in ("2    a mistake", "3    stopped by --max-failures", "130  interrupted"):
        assert line in text
    assert lamcts("run", "--help").code == 0


def test_rows_left_out_of_a_table_are_told_of_once(lamcts: Call, folder: Path) -> None:
    (folder / "cells.csv").write_text("a,y\n1,1\n2,high\n3,2\n")
    settings = ("--set", "path=cells.csv", "--set", "x=a", "--set", "value=y")
    words = "cells.csv: 1 of 3 rows left out; the first, line 3: y 'high' is no number\n"
    for command in ("check", "run"):
        assert lamcts(command, "lamcts:TabularEvaluator", *settings).err.count(words) == 1
    assert lamcts("run", "lamcts:TabularEvaluator", *settings, *QUICK).err == ""


@pytest.mark.parametrize("command", ["run", "resume"])
def test_help_says_at_how_many_failures_a_run_stops(lamcts: Call, command: str) -> None:
    """As `lamcts.failures` counts: more than a count, but a share itself too."""
    words = " ".join(lamcts(command, "--help").out.split())
    assert "more trials fail than this count; for a fraction below 1, when that share or" in words
