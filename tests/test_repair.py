"""``repair``: what is whole is kept, the rest is named, and the mended run resumes."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import RunError
from lamcts.history import TrialState
from lamcts.problem import ProblemRef
from lamcts.storage import RUN_FILE, RunFolder, read_run, repair

SPHERE = ProblemRef(str(Path(__file__).parent / "crash" / "sphere.py"))
BUDGET = 6


@pytest.fixture(scope="module")
def whole() -> list[lamcts.Trial]:
    return lamcts.search(SPHERE, budget=BUDGET, seed=3, optimizer="random").trials


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of six trials: its file has 14 lines, the header, six pairs and a stop."""
    lamcts.search(SPHERE, budget=BUDGET, seed=3, optimizer="random", folder=tmp_path / "run")
    return tmp_path / "run"


def edit(folder: Path, change: Callable[[list[bytes]], Any]) -> bytes:
    """Change a run file's lines. Returns what it is then."""
    file = folder / RUN_FILE
    lines = file.read_bytes().splitlines(keepends=True)
    change(lines)
    file.write_bytes(b"".join(lines))
    return file.read_bytes()


def outline(trials: list[lamcts.Trial]) -> list[Any]:
    return [(trial.number, trial.x.tolist(), trial.state, trial.value) for trial in trials]


def test_an_undamaged_run_is_not_touched(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert repair(folder) is None
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_lost_outcome_is_found_again(folder: Path, whole: list[lamcts.Trial]) -> None:
    """Line 7 tells trial 2; random points do not depend on outcomes, so the run ends the same."""
    damaged = edit(folder, lambda lines: lines.__setitem__(6, lines[6].replace(b"0", b"O", 1)))
    with pytest.raises(RunError, match=r"line 7: .*lamcts repair"):
        lamcts.resume(folder)
    done = repair(folder)
    assert done is not None
    assert (done.kept, done.open, done.lost) == (5, [2], [])
    assert done.dropped == [(7, "cannot be read")]
    assert done.original.read_bytes() == damaged
    assert done.original.name.startswith("run.jsonl.damaged-")
    assert outline(lamcts.resume(folder).trials) == outline(whole)
    assert repair(folder) is None


def test_a_lost_point_costs_one_more_trial(folder: Path, whole: list[lamcts.Trial]) -> None:
    """Line 6 asks for trial 2, and line 7 tells a value of who knows where."""
    edit(folder, lambda lines: lines.__setitem__(5, lines[5][:40] + b"\n"))
    done = repair(folder)
    assert done is not None
    assert (done.kept, done.open, done.lost) == (5, [], [2])
    assert [line for line, _ in done.dropped] == [6, 7]
    trials = lamcts.resume(folder).trials
    assert trials[2].state is TrialState.LOST
    assert trials[2].value is None
    kept = [i for i in range(BUDGET) if i != 2]
    assert outline([trials[i] for i in kept]) == outline([whole[i] for i in kept])
    assert len(trials) == BUDGET + 1
    assert sum(trial.state is TrialState.COMPLETE for trial in trials) == BUDGET


@pytest.mark.parametrize("stops", [1, 2])
def test_a_lost_last_trial_is_made_up_for(
    stops: int, folder: Path, whole: list[lamcts.Trial]
) -> None:
    """Lines 12 and 13 ask for trial 5 and tell it; nothing after them shows that it was there.

    A stop that is there twice is not what a run is finished by either.
    """
    edit(
        folder,
        lambda lines: lines.__setitem__(
            slice(11, 14), [b"?\n", *lines[12:], *lines[13:] * (stops - 1)]
        ),
    )
    done = repair(folder)
    assert done is not None
    assert (done.kept, done.open, done.lost) == (5, [], [])
    assert not read_run(folder).finished
    assert outline(lamcts.resume(folder).trials) == outline(whole)


@pytest.mark.parametrize(
    ("change", "dropped"),
    [
        (lambda lines: lines.insert(4, b"\0\0\0\0\n"), [(5, "stray bytes")]),
        (lambda lines: lines.insert(0, b"\n"), [(1, "stray bytes")]),
        (lambda lines: lines.__setitem__(4, b"\0\0" + lines[4]), [(5, "stray bytes")]),
        (lambda lines: lines.__setitem__(4, b"{ab" + lines[4]), [(5, "cannot be read")]),
        (lambda lines: lines.insert(4, b"hello\n"), [(5, "cannot be read")]),
        (lambda lines: lines.__setitem__(4, lines[4][:-1]), [(5, "stray bytes")]),
    ],
    ids=["zeros", "blank", "zeros before", "torn before", "text", "joined"],
)
def test_stray_bytes_cost_nothing(
    folder: Path, whole: list[lamcts.Trial], change: Any, dropped: list[Any]
) -> None:
    edit(folder, change)
    with pytest.raises(RunError, match=f"line {dropped[0][0]}: .*repair|holds no run.*repair"):
        read_run(folder)
    done = repair(folder)
    assert done is not None
    assert (done.kept, done.open, done.lost) == (BUDGET, [], [])
    assert done.dropped == dropped
    assert outline(read_run(folder).trials) == outline(whole)


def test_a_torn_tail_is_cut_off(folder: Path, whole: list[lamcts.Trial]) -> None:
    edit(folder, lambda lines: lines.__setitem__(slice(12, None), [lines[12][:30]]))
    done = repair(folder)
    assert done is not None
    assert (done.kept, done.open, done.dropped) == (5, [5], [(13, "cannot be read")])
    assert outline(lamcts.resume(folder).trials) == outline(whole)


def test_swapped_lines_are_put_in_order(folder: Path, whole: list[lamcts.Trial]) -> None:
    def swap(lines: list[bytes]) -> None:
        lines[3], lines[8] = lines[8], lines[3]  # the tells of trials 1 and 3 change places
        lines[4], lines[5] = lines[5], lines[4]

    edit(folder, swap)
    done = repair(folder)
    assert done is not None
    assert (done.open, done.lost) == ([], [])
    assert outline(lamcts.resume(folder).trials) == outline(whole)


def test_lines_written_twice_are_kept_once(folder: Path, whole: list[lamcts.Trial]) -> None:
    edit(folder, lambda lines: lines.insert(9, lines[4]))
    with pytest.raises(RunError, match=r"line 10: .*finished already"):
        read_run(folder)
    done = repair(folder)
    assert done is not None
    assert done.kept == BUDGET
    assert read_run(folder).finished
    assert outline(read_run(folder).trials) == outline(whole)


def test_a_lost_header_is_said_and_nothing_written(folder: Path) -> None:
    edit(folder, lambda lines: lines.__setitem__(0, lines[0][5:]))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RunError, match=r"the header, its first line, is damaged .*by hand"):
        repair(folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda lines: lines.__setitem__(0, lines[0][5:]),
            "line 1: .*the header is lost, .*by hand",
        ),
        (
            lambda lines: lines.pop(0),
            r"holds no run \(its first line is not a start\); start a new",
        ),
    ],
    ids=["damaged", "gone"],
)
def test_no_repair_is_offered_without_a_header(folder: Path, change: Any, words: str) -> None:
    edit(folder, change)
    with pytest.raises(RunError, match=words) as refused:
        read_run(folder)
    assert "lamcts repair" not in str(refused.value)
    with pytest.raises(RunError, match="by hand"):
        repair(folder)


def test_a_header_that_lost_a_setting_with_its_check_sum_is_lost(folder: Path) -> None:
    def cut(lines: list[bytes]) -> None:
        lines[0] = lines[0][: lines[0].index(b',"deterministic"')] + b"}\n"

    damaged = edit(folder, cut)
    with pytest.raises(RunError, match="the header, its first line, is damaged"):
        repair(folder)
    assert (folder / RUN_FILE).read_bytes() == damaged


def test_another_version_is_not_repaired(folder: Path) -> None:
    edit(folder, lambda lines: lines.__setitem__(3, b'{"v":2,"event":"tell"}\n'))
    with pytest.raises(RunError, match="line 4: format 2 is not known here"):
        repair(folder)


def test_a_run_that_is_open_is_not_repaired(folder: Path) -> None:
    writer = RunFolder.open(folder)
    with pytest.raises(RunError, match="run is open in pid"):
        repair(folder)
    writer.close()


@pytest.mark.parametrize("step", [1, 2])
def test_a_repair_that_fails_leaves_the_file_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    damaged = edit(folder, lambda lines: lines.insert(1, b"?\n"))
    moves, real = [0], os.replace

    def move(source: Path, target: Path) -> None:
        moves[0] += 1
        if moves[0] == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", move)
    with pytest.raises(RunError, match="No space left"):
        repair(folder)
    assert (folder / RUN_FILE).read_bytes() == damaged


def test_two_repairs_within_a_second_keep_two_files(folder: Path) -> None:
    for _ in range(2):
        edit(folder, lambda lines: lines.insert(1, b"\n"))
        repair(folder)
    assert len(list(folder.glob("run.jsonl.damaged-*"))) == 2
    assert [path.name for path in folder.rglob(RUN_FILE)] == [RUN_FILE]


@pytest.mark.parametrize("optimizer", ["lamcts", "turbo", "cmaes", "evolution", "quadratic", "bo"])
def test_every_optimizer_goes_on_after_a_repair(tmp_path: Path, optimizer: str) -> None:
    """Two lines of three in the second half are gone; what is whole is as it was."""
    options: dict[str, Any] = {"optimizer": optimizer, "seed": 1, "folder": tmp_path / "run"}
    before = lamcts.search(SPHERE, budget=24, **options).trials
    rng = random.Random(0)
    for _ in range(2):
        edit(tmp_path / "run", lambda lines: lines.pop(rng.randrange(2, 20)))
        edit(tmp_path / "run", lambda lines: lines.__setitem__(rng.randrange(10, 40), b"?\n"))
    done = repair(tmp_path / "run")
    assert done is not None
    result = lamcts.resume(tmp_path / "run", budget=30)
    gone = {*done.open, *done.lost}
    assert 0 < len(gone) <= 4
    assert done.kept == 24 - len(gone)
    for old, new in zip(before, result.trials, strict=False):
        if old.number not in gone:
            assert outline([new]) == outline([old])
    assert result.counts["complete"] == 30
    assert result.counts["lost"] == len(done.lost)


def test_values_of_points_given_cost_no_budget_after_a_repair(tmp_path: Path) -> None:
    init = [([0.0, 0.5], 3.0), ([0.5, 0.5], 4.0)]
    options: dict[str, Any] = {"optimizer": "random", "seed": 1, "init": init}
    lamcts.search(SPHERE, budget=2, folder=tmp_path / "run", **options)
    edit(tmp_path / "run", lambda lines: lines.__setitem__(2, b"?\n"))
    assert repair(tmp_path / "run") is not None
    result = lamcts.resume(tmp_path / "run")
    assert [trial.value for trial in result.trials[:2]] == [3.0, 4.0]
    assert result.counts["complete"] == 4


def test_the_lines_before_the_damage_are_the_same_bytes(folder: Path) -> None:
    before = (folder / RUN_FILE).read_bytes().splitlines()
    edit(folder, lambda lines: lines.__setitem__(8, b"?\n"))
    repair(folder)
    assert (folder / RUN_FILE).read_bytes().splitlines()[:8] == before[:8]
