"""A run file that was edited at random is read as what was written, or refused; and repaired."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import lamcts
from lamcts.errors import LamctsError
from lamcts.history import TrialState
from lamcts.result import load_result
from lamcts.storage import RUN_FILE, encode, read_run, repair

Edit = Callable[[bytes], bytes]


class Bowl(lamcts.Evaluator):
    """With a failure, a point that is infeasible, and a metric that JSON has no number for."""

    space = lamcts.spaces.Dict(
        x=lamcts.spaces.Box(-1.0, 1.0, shape=(2,)), op=lamcts.spaces.Discrete(3)
    )

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        if self.trial.number == 2:
            raise ValueError("diverged")
        if self.trial.number == 4:
            raise lamcts.Infeasible("no path")
        return lamcts.Evaluation(float((x["x"] ** 2).sum()) + x["op"], {"loss": float("inf")})


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A run of two sessions and eleven trials, 10 of its budget and 1 that is infeasible."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    lamcts.search(Bowl(), budget=6, seed=1, optimizer="evolution", folder=folder)
    lamcts.resume(folder, problem=Bowl(), budget=10)
    return (folder / RUN_FILE).read_bytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    return tmp_path / "run"


def put(folder: Path, data: bytes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / RUN_FILE).write_bytes(data)


def attempt(use: Callable[[Path], Any], folder: Path) -> tuple[Any, str]:
    """What a use of a run gives, or the one line that refuses it."""
    try:
        return use(folder), ""
    except LamctsError as error:
        message = str(error)
    assert message
    assert "\n" not in message
    return None, message


def outline(folder: Path) -> dict[int, Any]:
    """What is known of each finished trial, but for those that a repair gave up."""
    trials = load_result(folder).trials
    return {
        t.number: (t.x["x"].tolist(), int(t.x["op"]), t.state, t.value, dict(t.metrics), t.error)
        for t in trials
        if t.state.finished and t.state is not TrialState.LOST
    }


places = st.floats(0.0, 1.0, exclude_max=True)


def flip(place: float, bit: int) -> Edit:
    def edit(data: bytes) -> bytes:
        at = int(place * len(data))
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] if data else data

    return edit


def cut(place: float, length: int) -> Edit:
    return lambda data: data[: int(place * len(data))] + data[int(place * len(data)) + length :]


def insert(place: float, more: bytes) -> Edit:
    return lambda data: data[: int(place * len(data))] + more + data[int(place * len(data)) :]


def truncate(place: float) -> Edit:
    return lambda data: data[: int(place * len(data))]


def on_lines(place: float, other: float, change: str) -> Edit:
    """Delete a line, write it a second time elsewhere, or let two change places."""

    def edit(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if lines:
            i, j = int(place * len(lines)), int(other * len(lines))
            if change == "delete":
                del lines[i]
            elif change == "double":
                lines.insert(j, lines[i])
            else:
                lines[i], lines[j] = lines[j], lines[i]
        return b"".join(lines)

    return edit


edits = st.one_of(
    st.builds(flip, places, st.integers(0, 7)),
    st.builds(cut, places, st.integers(1, 400)),
    st.builds(insert, places, st.binary(min_size=1, max_size=8)),
    st.builds(truncate, places),
    st.builds(on_lines, places, places, st.sampled_from(["delete", "double", "swap"])),
)


@pytest.mark.parametrize("examples", [100, pytest.param(1500, marks=pytest.mark.slow)])
def test_random_edits(examples: int, written: bytes, folder: Path) -> None:
    put(folder, written)
    original = outline(folder)
    assert len(original) == 11

    @settings(max_examples=examples)
    @given(changes=st.lists(edits, min_size=1, max_size=3))
    def check(changes: list[Edit]) -> None:
        data = written
        for change in changes:
            data = change(data)
        put(folder, data)
        read, refusal = attempt(outline, folder)
        assert refusal or read.items() <= original.items()
        done, refusal = attempt(repair, folder)
        if refusal:
            assert "header" in refusal
            assert (folder / RUN_FILE).read_bytes() == data
            return
        kept = outline(folder)
        assert kept.items() <= original.items()
        if done is None:
            assert (folder / RUN_FILE).read_bytes() == data
        else:
            assert done.original.read_bytes() == data
            assert done.kept == len(kept)
            assert repair(folder) is None
        running = sum(not trial.state.finished for trial in read_run(folder).trials)
        result = lamcts.resume(folder, problem=Bowl())
        assert outline(folder).items() >= kept.items()
        charged = sum(result.counts[state] for state in ("complete", "failed"))
        before = sum(known[2] is not TrialState.INFEASIBLE for known in kept.values())
        assert result.budget <= charged <= max(result.budget, before + running)
        assert result.budget in (6, 10)

    check()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


def change(value: Any, path: list[float], new: Any, delete: bool) -> Any:
    """Put another value at some place within a JSON value, or leave that place out."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return new
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = keys[int(path[0] * len(keys))]
    if delete and len(path) == 1:
        del value[key]
    else:
        value[key] = change(value[key], path[1:], new, delete)
    return value


@pytest.mark.parametrize("examples", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_lines_of_another_making(examples: int, written: bytes, folder: Path) -> None:
    """Fields that are missing or hold anything, in lines that have no check sum to tell."""
    lines = [json.loads(line) for line in written.splitlines()]
    for line in lines:
        del line["crc"]

    @settings(max_examples=examples)
    @given(
        at=places,
        path=st.lists(places, min_size=1, max_size=4),
        new=json_values,
        delete=st.booleans(),
    )
    def check(at: float, path: list[float], new: Any, delete: bool) -> None:
        edited = json.loads(json.dumps(lines))
        number = int(at * len(edited))
        edited[number] = change(edited[number], path, new, delete)
        put(folder, b"".join(encode(line).encode() + b"\n" for line in edited))
        for use in (look, repair, look):
            attempt(use, folder)

    check()


def look(folder: Path) -> None:
    """Everything that reads a run."""
    result = load_result(folder)
    encode(result.to_json())
    encode(result.trials_to_json())
    assert repr(result)
    assert result.seconds == read_run(folder).seconds
