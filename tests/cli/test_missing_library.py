"""A library that a problem needs and that is not installed: said in one line, before a run begins.

The problem that needs PyTorch, and a user's own whose constructor says what is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import BOWL, ROOT, Call, environment

NASBENCH = str(ROOT / "problems" / "nasbench.py")
IMAGES = str(ROOT / "problems" / "my_cv_task.py")  # its costs are counted on a network
PIP = 'pip install "lamcts[torch]"'
RAISES = f"""
        from lamcts.errors import DependencyNotInstalled
        raise DependencyNotInstalled('Bowl needs PyTorch; run: {PIP}')
"""


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.fixture(autouse=True)
def own(folder: Path) -> None:
    constructor = "self.target = target"
    (folder / "own.py").write_text(BOWL.replace(constructor, constructor + RAISES))


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize(
    "command",
    [
        f"run {NASBENCH} --budget 2",
        f"run {NASBENCH} --budget 2 --workers 2",
        "run nasbench101-v0 --budget 2",
        f"check {NASBENCH}",
        f"run {IMAGES} --budget 2",
        "run own.py",
        "check own.py",
        "cost own.py --arch [0,0]",
    ],
)
def test_missing_library_is_a_mistake_in_one_line(lamcts: Call, folder: Path, command: str) -> None:
    outcome = lamcts(*command.split())
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("Error: ")
    assert outcome.err.endswith(f"; run: {PIP}\n")
    assert outcome.err.count("\n") == 1
    assert not (folder / "runs").exists()


@pytest.mark.usefixtures("without_torch")
def test_costs_of_the_problem_need_no_torch(lamcts: Call) -> None:
    outcome = lamcts("cost", NASBENCH, "--arch", "inception", "--set", "skeleton=cifar")
    assert outcome.code == 0, outcome
    assert outcome.out.splitlines()[0] == "params  2,694,282"


def test_a_process_where_torch_cannot_be_imported(folder: Path) -> None:
    (folder / "hidden").mkdir()
    (folder / "hidden" / "torch.py").write_text("raise ModuleNotFoundError('torch', name='torch')")
    variables = environment()
    variables["PYTHONPATH"] = os.pathsep.join([str(folder / "hidden"), variables["PYTHONPATH"]])
    words = ["run", NASBENCH, "--budget", "2", "--seed", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "lamcts", *words],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr == (
        f"Error: training a network needs PyTorch, which is not installed; run: {PIP}\n"
    )
    assert done.stdout == ""
    assert not (folder / "runs").exists()
