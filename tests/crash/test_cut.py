"""A run file cut at any byte: the run resumes to the same trials, or is refused; never another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import RunError
from lamcts.problem import ProblemRef
from lamcts.result import trial_to_json
from lamcts.storage import RUN_FILE, read_run

Outline = Callable[[list[lamcts.Trial]], list[Any]]
Cut = Callable[..., "tuple[int, int]"]


@pytest.fixture
def cut_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: ProblemRef, outline: Outline
) -> Cut:
    """Cut a run's file at each ``every``-th byte and resume; count the refused and the resumed."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # slow, and not what is tested here
    return lambda every, **options: cut_and_resume(tmp_path, problem, outline, every, **options)


def cut_and_resume(
    tmp_path: Path, problem: ProblemRef, outline: Outline, every: int, **options: Any
) -> tuple[int, int]:
    whole = lamcts.search(problem, folder=tmp_path / "whole", seed=3, **options)
    assert whole.folder is not None
    data = (whole.folder / RUN_FILE).read_bytes()
    header = data.index(b"\n") + 1
    refused = resumed = 0
    for size in range(0, len(data) + 1, every):
        folder = tmp_path / "cut"
        folder.mkdir()
        (folder / RUN_FILE).write_bytes(data[:size])
        if size < header:
            with pytest.raises(RunError, match="holds no run"):
                lamcts.resume(folder)
            refused += 1
        else:
            before = read_run(folder)
            result = lamcts.resume(folder)
            assert outline(result.trials) == outline(whole.trials)
            assert outline(read_run(folder).trials) == outline(whole.trials)
            for old, new in zip(before.trials, result.trials, strict=False):
                if old.state.finished:  # it never changes
                    assert trial_to_json(before.space, old) == trial_to_json(before.space, new)
            resumed += 1
        shutil.rmtree(folder)
    return refused, resumed


def test_cut_at_every_byte(cut_everywhere: Cut, caplog: pytest.LogCaptureFixture) -> None:
    refused, resumed = cut_everywhere(1, budget=2, optimizer="random")
    assert refused > 100
    assert resumed > 400
    assert "cut short" in caplog.text


@pytest.mark.parametrize("deterministic", [False, True])
def test_cut_with_the_default_optimizer(cut_everywhere: Cut, deterministic: bool) -> None:
    options = {"budget": 16, "n_init": 6, "deterministic": deterministic}
    assert cut_everywhere(601, **options)[1] > 5


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["lamcts", "turbo", "cmaes", "evolution"])
def test_cut_in_every_event(cut_everywhere: Cut, optimizer: str) -> None:
    assert cut_everywhere(101, budget=30, optimizer=optimizer)[1] > 50


@pytest.mark.parametrize("line", [1, 2, 4])
def test_damage_in_the_middle_is_refused(tmp_path: Path, problem: ProblemRef, line: int) -> None:
    folder = lamcts.search(
        problem, budget=3, seed=0, optimizer="random", folder=tmp_path / "run"
    ).folder
    assert folder is not None
    lines = (folder / RUN_FILE).read_bytes().split(b"\n")
    lines[line - 1] = lines[line - 1][:-7]
    damaged = b"\n".join(lines)
    (folder / RUN_FILE).write_bytes(damaged)
    with pytest.raises(RunError, match=rf"run\.jsonl, line {line}: "):
        lamcts.resume(folder, budget=5)
    assert (folder / RUN_FILE).read_bytes() == damaged


@pytest.mark.parametrize("optimizer", ["lamcts", "quadratic", "turbo", "cmaes", "evolution"])
@pytest.mark.parametrize("deleted", [slice(0, 1), slice(7, 8), slice(0, 12)], ids=str)
def test_deleted_outcomes_are_found_again(
    tmp_path: Path, problem: ProblemRef, optimizer: str, deleted: slice
) -> None:
    """The file fits together all the same: so may one of many workers look."""
    folder = tmp_path / "run"
    lamcts.search(problem, budget=16, seed=1, optimizer=optimizer, folder=folder)
    lines = (folder / RUN_FILE).read_bytes().splitlines(keepends=True)
    told = [line for line in lines if b'"event":"tell"' in line][deleted]
    (folder / RUN_FILE).write_bytes(b"".join(line for line in lines if line not in told))
    before = read_run(folder)
    result = lamcts.resume(folder)
    assert result.counts["complete"] == 16
    for old, new in zip(before.trials, result.trials, strict=True):
        assert old.x.tolist() == new.x.tolist()
        assert old.value in (None, new.value)


@pytest.mark.parametrize("line", range(2, 7))
def test_a_missing_line_is_refused_or_harmless(
    tmp_path: Path, problem: ProblemRef, outline: Outline, line: int
) -> None:
    whole = lamcts.search(problem, budget=3, seed=0, optimizer="random", folder=tmp_path / "run")
    assert whole.folder is not None
    lines = (whole.folder / RUN_FILE).read_bytes().split(b"\n")
    del lines[line - 1], lines[-2]  # an event, and the stop
    (whole.folder / RUN_FILE).write_bytes(b"\n".join(lines))
    try:
        result = lamcts.resume(whole.folder)
    except RunError:
        pass  # an "ask": what follows it fits no trial
    else:  # a lost "tell": its trial is evaluated again
        assert outline(result.trials) == outline(whole.trials)
