"""The progress display says where a run stands, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.progress import Progress, duration, progress_line


class Bowl(lamcts.Evaluator):
    """Fails at every fourth trial."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def evaluate(self, x: Any) -> float:
        if self.trial.number % 4 == 3:
            raise ValueError("one in four")
        return float((x**2).sum())


class Terminal(io.StringIO):
    """Looks like a terminal."""

    def isatty(self) -> bool:
        return True


def run_with(progress: lamcts.Callback, **settings: Any) -> lamcts.Result:
    defaults = {"optimizer": "random", "callbacks": [progress]}
    return lamcts.search(Bowl(), budget=8, seed=0, **{**defaults, **settings})


def test_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with Progress(seconds=0.0, stream=stream) as progress:
        result = run_with(progress)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 8
    assert lines[0].startswith("1/8 trials  best ")
    assert lines[-1].startswith(f"8/8 trials  best {result.best.value:.6g} (trial ")
    assert "2 failed" in lines[-1]
    assert "trials/s" in lines[-1]
    assert "\x1b" not in stream.getvalue()


class Left(io.StringIO):
    """Its reader has left."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        raise BrokenPipeError


class LeftTerminal(Left, Terminal):
    """A terminal whose reader has left."""


@pytest.mark.parametrize("stream", [Left(), LeftTerminal()])
def test_a_run_goes_on_when_nobody_watches_any_more(
    stream: Left, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    with Progress(seconds=0.0, stream=stream) as progress:
        result = run_with(progress)
    assert len(result.trials) == 8
    assert stream.writes == 1
    assert "raised" not in caplog.text


def test_lines_come_seldom() -> None:
    stream = io.StringIO()
    with Progress(seconds=60.0, stream=stream) as progress:
        run_with(progress)
    assert stream.getvalue() == ""


def test_tree_is_described() -> None:
    stream = io.StringIO()
    with Progress(seconds=0.0, stream=stream) as progress:
        run_with(progress, optimizer="lamcts")
    assert "depth " in stream.getvalue()


def test_terminal_shows_a_panel_and_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    progress = Progress(stream=stream)
    lines: list[str] = []

    class Stop(lamcts.Callback):
        """Breaks the run off in a way that no callback survives."""

        def on_tell(self, run: Any, trial: Any) -> None:
            time.sleep(0.3)  # longer than a refresh
            lines.append(progress.line())
            if trial.number == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress:
        run_with(progress, callbacks=[progress, Stop()])
    assert "3/8 trials" in lines[-1]
    assert not re.search("━[^\n]*trials", stream.getvalue())  # the bar has a line of its own
    assert "2/8 trials" in stream.getvalue()
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")  # cursor


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    with Progress(stream=stream) as progress:
        run_with(progress)
    assert "\x1b[38" not in stream.getvalue()
    assert "\x1b[3" not in stream.getvalue()


def test_resumed_run_counts_its_own_speed(tmp_path: Path) -> None:
    lines: list[str] = []

    class Keep(lamcts.Callback):
        """Keeps the line at the start of a session."""

        def on_run_start(self, run: Any) -> None:
            lines.append(progress_line(run, 0, 0.0))

    folder = tmp_path / "run"
    lamcts.search(Bowl(), budget=4, seed=0, optimizer="random", folder=folder, callbacks=[Keep()])
    lamcts.resume(folder, problem=Bowl(), budget=6, callbacks=[Keep()])
    assert lines[0].startswith("0/4 trials  best -")
    assert lines[1].startswith("4/6 trials  best ")
    assert "trials/s" not in lines[1]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3 * 3600 + 4 * 60 + 59, "3 h 4 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
