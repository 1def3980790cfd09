"""``import lamcts`` costs nothing, and every public name is there when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import lamcts

HEAVY = ("cmaes", "matplotlib", "numpy", "pandas", "rich", "scipy", "sklearn", "torch", "typer")


def test_import_is_light() -> None:
    code = (
        "import sys, time; began = time.perf_counter(); import lamcts\n"
        f"print(time.perf_counter() - began, *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds = [float(run.stdout.split()[0]) for run in runs]
    assert [run.stdout.split()[1:] for run in runs] == [[], [], []]
    assert min(seconds) < 0.3


@pytest.mark.parametrize("name", lamcts.__all__)
def test_public_names(name: str) -> None:
    assert getattr(lamcts, name) is not None
    assert name in dir(lamcts)


def test_functions_are_not_hidden_by_modules() -> None:
    code = "from lamcts.api import search; import lamcts; assert lamcts.search is search"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        lamcts.nothing  # noqa: B018
