"""A user's mistake gets one line that names field, value and mend, and exit status 2."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import BOWL, Call, environment

FILES = {
    "nan.py": BOWL.replace("Box(-1.0", "Box(float('nan')"),
    "infinite.py": BOWL.replace("Box(-1.0", "Box(-float('inf')"),
    "equal.py": BOWL.replace("Box(-1.0", "Box(1.0"),
    "reversed.py": BOWL.replace("Box(-1.0", "Box(2.0"),
    "empty_space.py": BOWL.replace("shape=(2,)", "shape=(0,)"),
    "costless.py": BOWL.replace("float(x[0])", "1 / 0"),
    "broken.py": "import no_such_module\n",
    "syntax.py": "class Bowl(:\n",
    "none.py": "x = 1\n",
    "two.py": BOWL + BOWL.replace("Bowl", "Plate"),
    "no_space.py": BOWL.replace("    space = ", "    spaces = "),
    "outside.jsonl": '{"x": [0.0, 0.0]}\n{"x": [5.0, 0.0], "value": 1.0}\n',
    "shape.jsonl": '{"x": [0.0, 0.0, 0.0]}\n',
    "no_x.jsonl": '{"y": 1}\n',
    "text.jsonl": "hello\n",
    "empty.csv": "number,state,x[0],x[1],value\n",
    "empty.jsonl": "",
}


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run nan.py", ["low", "nan"]),
        ("run infinite.py", ["low", "inf"]),
        ("run equal.py", ["low", "1.0"]),
        ("run reversed.py", ["low", "2.0"]),
        ("run empty_space.py", ["shape", "0"]),
        ("run bowll.py", ["'bowll.py'", "did you mean 'bowl.py'"]),
        ("run broken.py", ["broken.py", "'no_such_module'", "line 1"]),
        ("run syntax.py", ["syntax.py", "SyntaxError", "line 1"]),
        ("run none.py:x", ["problem 'none.py:x': 1 is neither evaluator nor class"]),
        ("run bowl", ["problem: 'bowl' is not known; did you mean bowl.py?"]),
        ("run none.py", ["none.py holds no evaluator", "lamcts.Evaluator"]),
        ("run two.py", ["two.py holds 2 evaluators", "two.py:Bowl"]),
        ("run no_space.py", ["Bowl has no space", "space ="]),
        ("run ackley --executor rya", ["executor: 'rya'", "'ray'"]),
        ("run ackley --executor ray --resources gpu", ["--resources: 'gpu'", "gpu=1,cpu=4"]),
        ("run ackley --executor ray --resources cpu=1.5", ["'cpu'", "got 1.5"]),
        ("run ackley --resources gpu=1", ["resources: only Ray takes it", "(--executor ray)"]),
        ("run ackley --retries -1", ["retries", "-1"]),
        ("run akley", ["problem: 'akley'", "did you mean 'ackley'"]),
        ("run bowl.py --budget 0", ["budget", "at least 1", "0"]),
        ("run bowl.py --budget -3", ["budget", "at least 1", "-3"]),
        ("run bowl.py --workers 0", ["workers", "at least 1", "0"]),
        ("run bowl.py --seed -1", ["seed", "-1"]),
        ("run bowl.py --timeout 0", ["timeout", "positive", "0"]),
        ("run bowl.py --trial-timeout -1", ["trial_timeout", "positive", "-1"]),
        ("run bowl.py --optimizer lamtcs", ["optimizer", "'lamtcs'", "did you mean 'lamcts'"]),
        ("run bowl.py --set tarqet=1", ["tarqet", "did you mean 'target'"]),
        ("run bowl.py --set target=far", ["--set target", "'far'", "a number"]),
        ("run bowl.py --set target", ["--set", "'target'", "key=value"]),
        ("run bowl.py --constraint size<=big", ["constraint", "'size<=big'", "flops<=600e6"]),
        ("run bowl.py --constraint sise<=1", ["'sise'", "did you mean 'size'"]),
        ("run bowl.py --max-failures many", ["--max-failures", "'many'", "fraction"]),
        ("run bowl.py --max-failures 1.5", ["max_failures", "1.5", "fraction"]),
        ("run bowl.py --name a/b", ["--name", "'a/b'", "slashes"]),
        ("run bowl.py --name ..", ["--name", "'..'", "dots"]),
        ("run bowl.py --name=", ["--name", "''"]),
        ("run bowl.py --init gone.jsonl", ["--init", "'gone.jsonl'", "No such file"]),
        ("run bowl.py --init outside.jsonl", ["init", "5.0"]),
        ("run bowl.py --init shape.jsonl", ["'shape.jsonl', line 1: column x[2]"]),
        ("run bowl.py --init no_x.jsonl", ["'no_x.jsonl', line 1: column x[0]: missing"]),
        ("run bowl.py --init text.jsonl", ["--init", "'text.jsonl'", "not JSON"]),
        ("run bowl.py --init empty.csv", ["--init: 'empty.csv' holds no point", "leave it out"]),
        ("run bowl.py --init empty.jsonl", ["--init: 'empty.jsonl' holds no point"]),
        ("check gone.py", ["no file 'gone.py'"]),
        ("check bowl.py --set tarqet=1", ["tarqet", "did you mean 'target'"]),
        ("cost bowl.py --arch [1", ["--arch", "'[1'"]),
        ("cost bowl.py --arch [5,5]", ["--arch", "'[5,5]'"]),
        ("cost costless.py --arch [0,0]", ["cost(x) raised ZeroDivisionError", "costless.py"]),
        ("cost ackley --arch [0,0] --set dim=2", ["knows no costs", "cost(self, x)"]),
        ("init bowl.py", ["'bowl.py' exists", "another name"]),
        ("init bowl", ["'bowl' does not end in .py", "bowl.py"]),
        ("init gone/bowl.py", ["'gone/bowl.py' cannot be written", "No such file"]),
        ("problems akley", ["'akley'", "did you mean 'ackley'"]),
        ("list nosuch", ["FOLDER: 'nosuch' is no folder"]),
        ("list empty.csv", ["FOLDER: 'empty.csv' is no folder"]),
        ("show nothing", ["RUN: 'nothing' is no run"]),
        ("show .", ["there is no run here", "lamcts list"]),
        ("resume nothing", ["RUN: 'nothing' is no run"]),
        ("export nothing", ["RUN: 'nothing' is no run"]),
        ("repair nothing", ["RUN: 'nothing' is no run"]),
        ("bench --functions akley", ["'akley'", "did you mean 'ackley'"]),
        ("bench --optimizers lamtcs", ["'lamtcs'", "did you mean 'lamcts'"]),
        ("bench --budget 0", ["budget", "0"]),
        ("bench --set lamcts.cpp=1", ["lamcts.cpp", "did you mean 'cp'"]),
        ("bench --set bo.cp=1", ["'bo' is not run"]),
        ("bench --set cp=1", ["OPTIMIZER.KEY=VALUE"]),
    ],
)
def test_mistake_gets_one_line(lamcts: Call, folder: Path, command: str, words: list[str]) -> None:
    outcome = lamcts(*command.split())
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.count("\n") == 1, outcome.err
    for word in words:
        assert word in outcome.err
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("limit", [["--constraint", "size<=-2"], ["--sweep", "size=-2,0.5"]])
def test_limits_that_no_point_is_within_leave_no_folder(
    lamcts: Call, folder: Path, limit: list[str]
) -> None:
    outcome = lamcts("run", "bowl.py", "--name", "first", "--quiet", *limit)
    assert outcome.code == 2
    assert outcome.err.startswith("Error: constraint: no point that meets the constraints was")
    assert not list(folder.glob("runs/*/*"))


@pytest.mark.parametrize("limit", [[], ["--sweep", "size=0,0.5"]])
def test_a_folder_that_cannot_be_made(lamcts: Call, folder: Path, limit: list[str]) -> None:
    (folder / "runs").write_text("a file\n")
    outcome = lamcts("run", "bowl.py", "--budget", "2", *limit)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("Error: runs/bowl/")
    assert outcome.err.endswith(": cannot be made (Not a directory)\n")
    assert outcome.err.count("\n") == 1


def test_commands_that_are_offered_can_be_pasted(lamcts: Call, folder: Path) -> None:
    words = ("run", "bowl.py", "--budget", "900", "--timeout", "0.1", "--name", "my run", "--quiet")
    assert "go on with: lamcts resume 'runs/bowl/my run'\n" in lamcts(*words).err
    assert lamcts(*words).err.endswith("go on with that run: lamcts resume 'runs/bowl/my run'\n")
    file = folder / "runs" / "bowl" / "my run" / "run.jsonl"
    file.write_bytes(b"?\n" + file.read_bytes())
    assert lamcts("show", "my run").err.endswith("lamcts repair 'runs/bowl/my run'\n")
    assert "lamcts check 'my task.py'" in lamcts("init", "my task.py").err


def test_of_many_runs_the_one_that_was_meant_or_the_newest_are_named(lamcts: Call) -> None:
    assert "there are none under runs" in lamcts("show", "monday").err
    for name in ("monday", "tuesday", "wednesday", "thursday"):
        words = ("--optimizer", "random", "--budget", "1", "--quiet", "--name", name)
        assert lamcts("run", "bowl.py", *words).code == 0
    assert "is no run; did you mean 'tuesday'?" in lamcts("show", "tusday").err
    assert lamcts("run", "bowl.py", "--sweep", "size=0,1", *words[:5], "--name", "week").code == 0
    several = "runs/bowl/week/size-1, runs/bowl/week/size-0"
    assert f"RUN: 'week' is no run; the newest: {several}; all: " in lamcts("show", "week").err
    shutil.rmtree("runs/bowl/week")
    other = lamcts("resume", "zzz").err
    newest = ", ".join(f"runs/bowl/{name}" for name in ("thursday", "wednesday", "tuesday"))
    assert other == f"Error: RUN: 'zzz' is no run; the newest: {newest}; all: lamcts list\n"


@pytest.mark.parametrize("command", ["run", "run bowl.py --budget many", "runn bowl.py", "run -x"])
def test_usage_error(lamcts: Call, command: str) -> None:
    outcome = lamcts(*command.split())
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert "Usage: " in outcome.err


def test_debug_shows_the_traceback(lamcts: Call) -> None:
    with pytest.raises(Exception, match="no file"):
        lamcts("check", "gone.py", "--debug")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_standard_output_that_is_full_is_one_line() -> None:
    words = [sys.executable, "-m", "lamcts", "problems"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment()
        )
    assert done.returncode == 1
    assert done.stderr == "Error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "evaluate returned None; return a number"),
        ("'good'", "evaluate returned 'good' (str); return a number"),
        ("float('nan')", "evaluate returned nan; return a finite number"),
        ("[1.0]", "evaluate returned [1.0] (list); return a number"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_evaluator_that_never_returns_a_number(
    lamcts: Call, folder: Path, returned: str, message: str
) -> None:
    text = BOWL.replace("float(((x - self.target) ** 2).sum())", returned)
    (folder / "wrong.py").write_text(text)
    outcome = lamcts("run", "wrong.py", "--seed", "0", "--optimizer", "random")
    assert outcome.code == 3, outcome
    assert message in outcome.err.strip().splitlines()[-1]
    assert "trials        10 failed" in outcome.out
    shown = lamcts("show", lamcts("list").out.splitlines()[1].split()[0])
    assert message in shown.out
    assert shown.code == 0


def test_an_error_that_names_a_file_in_any_bytes_is_printed(lamcts: Call, folder: Path) -> None:
    body = "exec('raise OSError(\"gone\\\\udcff\")')"
    (folder / "wrong.py").write_text(BOWL.replace("float(((x - self.target) ** 2).sum())", body))
    outcome = lamcts("run", "wrong.py", "--budget", "2", "--optimizer", "random", "--name", "a")
    assert outcome.code == 3
    for command in ("show a", "export a --format csv"):
        shown = lamcts(*command.split())
        assert shown.code == 0
        assert "OSError: gone\\udcff" in shown.out


@pytest.mark.parametrize("cut", [10, 400, -5])
def test_run_file_cut_short(lamcts: Call, folder: Path, cut: int) -> None:
    words = ("run", "bowl.py", "--seed", "0", "--optimizer", "random", "--name", "a", "--quiet")
    assert lamcts(*words).code == 0
    file = folder / "runs" / "bowl" / "a" / "run.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[:cut])
    outcome = lamcts("resume", "a")
    if outcome.code == 0:  # what is left makes a run: it is completed
        assert "trials        12 complete" in outcome.out
    else:
        assert outcome.code == 2
        assert outcome.err.startswith("Error: ")
        assert str(file.name) in outcome.err
        assert file.read_bytes() == whole[:cut]


def test_a_damaged_run_is_repaired_as_the_error_says(lamcts: Call, folder: Path) -> None:
    words = ("run", "bowl.py", "--seed", "0", "--optimizer", "random", "--name", "a", "--quiet")
    assert lamcts(*words).code == 0
    file = folder / "runs" / "bowl" / "a" / "run.jsonl"
    assert lamcts("repair", "a").err == "nothing to repair\n"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[4], lines[5] = b"?\n", lines[5][9:]  # the outcome of trial 1, and where trial 2 was
    file.write_bytes(b"".join(lines))
    for command in ("show a", "export a", "resume a --budget 20"):
        refused = lamcts(*command.split())
        assert (refused.code, refused.out) == (2, ""), refused
        assert refused.err.endswith("keep what is whole with: lamcts repair runs/bowl/a\n")
    assert "lamcts repair runs/bowl/a" in lamcts("list").err
    done = lamcts("repair", "a")
    assert done.code == 0
    assert done.out.splitlines() == [
        "kept          10 trials with their outcome",
        "no outcome    trial 1: evaluated again by resume",
        "lost          trial 2: where it was cannot be read",
        "line 5        cannot be read",
        "line 6        cannot be read",
        "line 7        does not fit the run (trial 2 was never asked for)",
    ]
    assert "the damaged file is kept: runs/bowl/a/run.jsonl.damaged-" in done.err
    assert done.err.endswith("go on with: lamcts resume runs/bowl/a\n")
    assert lamcts("resume", "a").code == 0
    assert "12 complete, 1 lost (budget 12)" in lamcts("show", "a").out
    assert lamcts("repair", "a").err == "nothing to repair\n"
