"""Figures of a run show what the run holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lamcts
from lamcts.cli import app
from lamcts.errors import InvalidArgument

pytest.importorskip("matplotlib", reason='figures need matplotlib: pip install "lamcts[plot]"')

from matplotlib.figure import Figure

from lamcts.plots import plot_curves, plot_history, plot_parallel, plot_run


class Steps(lamcts.Evaluator):
    """A bowl in mixed variables, approached in three steps; every seventh trial fails."""

    space = lamcts.spaces.Dict(
        lr=lamcts.spaces.Box(1e-4, 1.0, scale="log"),
        depth=lamcts.spaces.Box(2, 6, dtype=int),
        kind=lamcts.spaces.Discrete(3),
    )

    def evaluate(self, x: Any) -> float:
        if self.trial.number % 7 == 6:
            raise ValueError("no")
        value = float((np.log10(x["lr"]) + 2) ** 2 + x["depth"] + x["kind"] + 1)
        for step in range(1, 4):
            self.report(step, value + 1 / step)
        return value


@pytest.fixture(scope="module")
def result() -> lamcts.Result:
    return lamcts.search(Steps, budget=30, seed=0, optimizer="random")


def axes() -> Any:
    return Figure().subplots()


def test_the_history_has_every_trial_and_the_best_so_far(result: lamcts.Result) -> None:
    ax = axes()
    plot_history(result, ax)
    trials, best, failed = ax.get_lines()
    done = [trial for trial in result.trials if trial.value is not None]
    assert list(zip(*trials.get_data(), strict=True)) == [(t.number, t.value) for t in done]
    assert best.get_ydata()[-1] == result.best.value
    assert (np.diff(best.get_ydata()) <= 0).all()
    assert failed.get_xdata().tolist() == [6, 13, 20, 27]


def test_variables_are_drawn_over_their_range_on_their_scale(result: lamcts.Result) -> None:
    ax = axes()
    plot_parallel(result, ax)
    best = ax.get_lines()[-1].get_ydata()
    x = result.best.x
    expected = [np.log10(x["lr"]) / 4 + 1, (x["depth"] - 2) / 4, x["kind"] / 2]
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert dict(zip(names, best, strict=True)) == pytest.approx(
        dict(zip(["lr", "depth", "kind"], expected, strict=True))
    )


def test_the_bold_line_is_the_best_of_the_result_not_the_luckiest() -> None:
    rng = np.random.default_rng(0)
    result = lamcts.minimize(
        lambda x: float(x @ x + rng.standard_normal()),
        lamcts.spaces.Box(-1.0, 1.0, shape=(2,)),
        budget=40,
        seed=0,
        optimizer="random",
        noisy=True,
    )
    assert result.best.value != min(trial.value or 0.0 for trial in result.trials)
    ax = axes()
    plot_parallel(result, ax)
    assert ax.get_lines()[-1].get_ydata() == pytest.approx((result.best.x + 1.0) / 2.0)


def test_curves_are_those_reported(result: lamcts.Result) -> None:
    ax = axes()
    plot_curves(result, ax)
    curves = [tuple(zip(*line.get_data(), strict=True)) for line in ax.get_lines()]
    assert curves == [trial.curve for trial in result.trials if trial.curve]


@pytest.mark.parametrize("bad", [1.7e308, -1.7e308])
def test_a_huge_penalty_is_drawn(bad: float, tmp_path: Path) -> None:
    space = lamcts.spaces.Discrete(4)
    found = lamcts.minimize(lambda x: bad if x == 3 else 1.7e308 / (x + 1), space, budget=4, seed=0)
    plot_run(found).savefig(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 0


@pytest.mark.parametrize("budget", [1, 5])
def test_many_variables_and_few_trials(budget: int) -> None:
    box = lamcts.spaces.Box(-1.0, 1.0, shape=(40,))
    result = lamcts.minimize(lambda x: float(x @ x), box, budget=budget, seed=0)
    figure = plot_run(result)
    assert len(figure.axes) == 2
    assert len(figure.axes[1].get_xticks()) == 16


def test_the_command_draws_into_the_folder_of_the_run_or_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    lamcts.search(Steps, budget=5, seed=0, folder=folder)
    before = (folder / "run.jsonl").read_bytes()
    for out in ([], ["--out", str(tmp_path / "figure.svg")]):
        done = CliRunner().invoke(app, ["plot", str(folder), *out])
        assert done.exit_code == 0, done.output
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "figure.svg").read_text()
    assert (folder / "run.jsonl").read_bytes() == before


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    lamcts.search(Steps, budget=3, seed=0, folder=folder)
    for out, words in {
        "a.xyz": "cannot be written: Format 'xyz' is not supported",
        "a": "a' has no ending; write for example ",
    }.items():
        done = CliRunner().invoke(app, ["plot", str(folder), "--out", str(tmp_path / out)])
        assert done.exit_code == 2
        assert "--out: " in done.output
        assert words in done.output
    assert {file.name for file in tmp_path.iterdir()} == {"run"}


def test_a_run_without_a_result_is_one_line() -> None:
    class Broken(lamcts.Evaluator):
        space = lamcts.spaces.Box(0.0, 1.0)

        def evaluate(self, x: Any) -> float:
            raise lamcts.Infeasible("never")

    result = lamcts.search(Broken(), budget=2, seed=0)
    with pytest.raises(InvalidArgument, match="nothing to draw"):
        plot_run(result)
