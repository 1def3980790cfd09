"""``init --template``: every file runs as it stands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lamcts.problem import load_problem
from tests.cli.conftest import Call

TEMPLATES = {"function": "", "tabular": "", "rl": "gymnasium", "vision": "torch", "text": "torch"}
#: Settings that make trials short.
SMALL = {"vision": ("--set", "epochs=1"), "text": ("--set", "epochs=1")}
QUICK = ("--quiet", "--seed", "0")


@pytest.mark.slow
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_checked_and_run(lamcts: Call, folder: Path, template: str) -> None:
    if needs := TEMPLATES[template]:
        pytest.importorskip(needs)
    small = SMALL.get(template, ())
    file = f"my-{template}.py"
    done = lamcts("init", file, "--template", template)
    assert done.code == 0, done
    assert f"lamcts check {file}" in done.err
    text = (folder / file).read_text()
    assert f"class My{template.capitalize()}(" in text
    assert "my_task" not in text
    checked = lamcts("check", file, "--json", *small)
    assert checked.code == 0, checked
    assert {found["level"] for found in json.loads(checked.out)["findings"]} == {"ok"}
    assert lamcts("run", file, "--budget", "3", *small, *QUICK).code == 0


def test_a_fitted_table_is_not_said_to_export_as_onnx(lamcts: Call) -> None:
    lamcts("init", "mine.py", "--template", "tabular")
    lamcts("run", "mine.py", "--set", "data=iris", "--budget", "1", "--name", "a", *QUICK)
    trained = lamcts("train", "--run", "a", "--out", "final")
    assert trained.code == 0, trained
    assert trained.err.endswith("\nstored in final\n")


def test_the_policy_learns(folder: Path, lamcts: Call) -> None:
    pytest.importorskip("gymnasium")
    assert lamcts("init", "pole.py", "--template", "rl").code == 0
    done = lamcts("run", "pole.py", "--set", "env=CartPole-v1", "--budget", "30", "--json", *QUICK)
    assert json.loads(done.out)["best"]["value"] > 200  # a random policy falls after about 20
    turning = load_problem("pole.py", env="Pendulum-v1", episodes=1)
    assert -2000 < float(turning.evaluate(turning.space.sample())) < 0  # type: ignore[arg-type]
    wrong = lamcts("run", "pole.py", "--set", "env=Acrobt-v1")
    assert (wrong.code, wrong.out) == (2, "")
    assert "env: 'Acrobt-v1' cannot be made" in wrong.err


def test_a_policy_needs_gymnasium(
    folder: Path, lamcts: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lamcts("init", "pole.py", "--template", "rl").code == 0
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    for command in ("run", "check"):
        done = lamcts(command, "pole.py")
        assert done.code == 2, done
        assert done.err.endswith("run: pip install gymnasium\n")
        assert done.err.count("\n") == 1


def test_an_unknown_template(lamcts: Call, folder: Path) -> None:
    done = lamcts("init", "x.py", "--template", "tabula")
    assert done.code == 2
    assert "'tabular'" in done.err
    assert not (folder / "x.py").exists()
