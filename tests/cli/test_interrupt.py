"""Ctrl-C ends a run in order, or at once; either way it can be resumed. In real processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import BOWL, Start, environment

SLOW = BOWL.replace(
    "        return float(", "        import time; time.sleep(SECONDS)\n        return float("
)
WORDS = ("--optimizer", "random", "--seed", "0", "--name", "a")


def wait_for(run_file: Path, event: str, count: int) -> None:
    """Until the run file has ``count`` lines of an event."""
    for _ in range(600):
        if run_file.exists() and run_file.read_text().count(f'"event":"{event}"') >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{run_file} never had {count} {event} events")


@pytest.fixture
def run_file(folder: Path) -> Path:
    return folder / "runs" / "slow" / "a" / "run.jsonl"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_interrupted_run_is_resumed(
    folder: Path, run_file: Path, start: Start, workers: str
) -> None:
    (folder / "slow.py").write_text(SLOW.replace("SECONDS", "0.2"))
    process = start("run", "slow.py", "--workers", workers, "--budget", "8", *WORDS)
    wait_for(run_file, "tell", 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "best value" in out
    assert "interrupted" in out
    assert "go on with: lamcts resume runs/slow/a" in err
    assert "Traceback" not in err
    done = out.split("trials")[1].split()[0]
    assert 1 <= int(done) < 8  # the second may be on disk and not yet counted

    process = start("resume", "runs/slow/a", "--json", "--quiet")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert json.loads(out)["trials"]["complete"] == 8


@pytest.mark.parametrize("workers", ["1", "2"])
def test_second_interrupt_stops_at_once(
    folder: Path, run_file: Path, start: Start, workers: str
) -> None:
    (folder / "slow.py").write_text(SLOW.replace("SECONDS", "60"))
    process = start("run", "slow.py", "--workers", workers, "--budget", "8", *WORDS)
    wait_for(run_file, "ask", int(workers))
    time.sleep(0.5)  # the evaluation has begun
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # waits for the running trial
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert process.returncode == 130, err
    assert "lamcts resume" in err
    assert "Traceback" not in err


def test_interrupt_in_the_test_of_the_best(folder: Path, run_file: Path, start: Start) -> None:
    wait = "\n    def test(self, x):\n        import time; print(1, flush=True); time.sleep(60)\n"
    (folder / "slow.py").write_text(BOWL + wait)
    process = start("run", "slow.py", "--budget", "3", *WORDS)
    assert process.stderr is not None
    assert process.stderr.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "best value" in out
    assert "go on with: lamcts resume runs/slow/a" in err
    assert "Traceback" not in err


def test_interrupt_while_a_problem_is_loaded(folder: Path, start: Start) -> None:
    (folder / "slow.py").write_text("import time\nprint(1, flush=True)\ntime.sleep(60)\n")
    process = start("run", "slow.py")
    assert process.stderr is not None
    assert process.stderr.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "interrupted\n")
    assert process.returncode == 130


def test_interrupt_while_workers_start(folder: Path, start: Start) -> None:
    (folder / "slow.py").write_text(BOWL + "    def prepare(self):\n        print(1, flush=True)\n")
    process = start("run", "slow.py", "--workers", "200", "--budget", "200", *WORDS)
    assert process.stderr is not None
    assert process.stderr.readline() == "1\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    assert not (folder / "runs").exists()


def test_interrupt_while_the_commands_are_imported(folder: Path) -> None:
    code = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, *more):
        if name == "lamcts.cli._search":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
runpy.run_module("lamcts", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment()
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(("gone", "status"), [("stderr", 0), ("stdout", 1)])
def test_a_run_is_finished_when_its_reader_leaves(
    folder: Path, run_file: Path, start: Start, gone: str, status: int
) -> None:
    notice = '    notice = "heard by nobody"\n'
    (folder / "slow.py").write_text(SLOW.replace("SECONDS", "0.01") + notice)
    with start("run", "slow.py", "--budget", "5", *WORDS) as process:
        getattr(process, gone).close()
        left = process.stdout if gone == "stderr" else process.stderr
        assert left is not None
        assert ("5 complete" if gone == "stderr" else "heard by nobody\n") in left.read()
    assert process.returncode == status
    assert '"event":"stop"' in run_file.read_text()


def test_module_and_root_file_are_the_same_command(start: Start) -> None:
    process = start("--version")
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.startswith("lamcts ")


def test_output_is_plain_where_there_is_no_terminal(folder: Path, start: Start) -> None:
    process = start("run", "bowl.py", "--budget", "3", "--optimizer", "random")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "\x1b" not in out + err


def test_an_interrupted_comparison_says_how_to_go_on(folder: Path, start: Start) -> None:
    (folder / "slow.py").write_text(SLOW.replace("SECONDS", "0.2"))
    words = ("--optimizers", "random", "--functions", "slow.py", "--seeds", "9", "--quiet")
    process = start("bench", "--budget", "2", "--out", "there", *words)
    for _ in range(600):
        if (folder / "there" / "records.jsonl").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err == "interrupted; finished runs are kept in there: the same command goes on\n"
