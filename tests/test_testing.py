"""`check_evaluator` passes a sound evaluator and names each kind of mistake in one line."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.errors import DependencyNotInstalled, Infeasible, ProblemError
from lamcts.evaluator import Evaluation, Evaluator
from lamcts.problem import load_problem
from lamcts.spaces import Box, MultiBinary, MultiDiscrete
from lamcts.testing import Report, check_evaluator


class Sound(Evaluator):
    """Every hook, each right."""

    space = MultiDiscrete([3, 3, 3])
    direction = "maximize"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.closed = 0

    def evaluate(self, x: Any) -> float | Evaluation:
        return Evaluation(self.scale * float(np.sum(x)), metrics={"first": float(x[0])})

    def cost(self, x: Any) -> Mapping[str, float]:
        return {"params": int(np.sum(x))}

    def canonical(self, x: Any) -> Any:
        return np.sort(x)

    def decode(self, x: Any) -> tuple[int, ...]:
        return tuple(int(v) for v in x)

    def encode(self, architecture: tuple[int, ...]) -> Any:
        return np.array(architecture, dtype=np.int64)

    def render(self, x: Any) -> str:
        return "-".join(str(v) for v in x)

    def close(self) -> None:
        self.closed += 1


def findings(report: Report, level: str) -> dict[str, str]:
    return {f.subject: f.message for f in report.findings if f.level == level}


def test_sound_evaluator_passes() -> None:
    evaluator = Sound(scale=2.0)
    report = check_evaluator(evaluator)
    assert report.ok
    report.raise_for_errors()
    assert not findings(report, "warning")
    assert not findings(report, "error")
    subjects = {"space", "canonical", "cost", "decode", "render", "evaluate", "workers", "close"}
    assert set(findings(report, "ok")) == subjects
    assert "with the same value" in findings(report, "ok")["workers"]
    assert report.seconds is not None
    assert evaluator.closed == 2
    assert "one evaluation took" in str(report)
    assert "a search of 100 (the default budget) takes about 1.0 s" in str(report)


def test_hooks_that_are_not_written_are_not_mentioned() -> None:
    class Plain(Evaluator):
        """Only what must be there."""

        space = Box(0.0, 1.0, shape=(2,))

        def evaluate(self, x: Any) -> float:
            return float(np.sum(x))

    report = check_evaluator(Plain())
    assert set(findings(report, "ok")) == {"space", "evaluate", "close"}
    assert "only one process can be used" in findings(report, "warning")["workers"]


def wrong(**methods: Any) -> Evaluator:
    """A sound evaluator but for the given methods."""
    kind = type("Wrong", (Sound,), {"__module__": __name__, **methods})
    evaluator = kind()
    assert isinstance(evaluator, Evaluator)
    return evaluator


def in_place(self: Any, x: Any) -> float:
    x[:] = 0
    return 0.0


def infeasible(self: Any, x: Any) -> float:
    raise Infeasible("too big")


@pytest.mark.parametrize(
    ("methods", "subject", "message"),
    [
        ({"evaluate": lambda self, x: None}, "evaluate", "evaluate returned None; return a number"),
        ({"evaluate": lambda self, x: "1"}, "evaluate", "returned '1' (str); return a number"),
        ({"evaluate": lambda self, x: True}, "evaluate", "returned True (bool)"),
        ({"evaluate": lambda self, x: 1j}, "evaluate", "returned 1j (complex)"),
        ({"evaluate": lambda self, x: np.ones(2)}, "evaluate", "(ndarray); return a number"),
        ({"evaluate": lambda self, x: float("nan")}, "evaluate", "returned nan; return a finite"),
        ({"evaluate": lambda self, x: 1 / 0}, "evaluate", "raised ZeroDivisionError"),
        ({"evaluate": lambda self, x: sys.exit(3)}, "evaluate", "raised SystemExit: 3"),
        ({"evaluate": lambda self, x: Evaluation(0.0, {"a": True})}, "evaluate", "metrics['a'] is"),
        ({"evaluate": in_place}, "evaluate", "changes the point it is given"),
        ({"evaluate": infeasible}, "evaluate", "all 10 sampled points are infeasible"),
        ({"cost": lambda self, x: 3.0}, "cost", "returns 3.0; return a dict"),
        ({"cost": lambda self, x: {"flops": None}}, "cost", "cost['flops'] is None"),
        ({"canonical": lambda self, x: x + 9}, "canonical", "which is not in the space"),
        ({"canonical": lambda self, x: (x + 1) % 3}, "canonical", "differs from canonical(x)"),
        ({"encode": lambda self, a: self.space.sample()}, "decode", "differs from a ="),
        ({"encode": lambda self, a: np.full(3, 7)}, "decode", "which is not in the space"),
        ({"render": lambda self, x: 3}, "render", "returns int; return text"),
        ({"space": "Box"}, "space", ""),
    ],
)
def test_mistake_is_named(methods: dict[str, Any], subject: str, message: str) -> None:
    report = check_evaluator(wrong(**methods))
    assert not report.ok
    assert message in findings(report, "error")[subject]
    assert "\n" not in findings(report, "error")[subject]
    with pytest.raises(ProblemError, match=f"Wrong: {subject}: "):
        report.raise_for_errors()


@pytest.mark.parametrize("infeasible", [float("inf"), Infeasible("too big")])
def test_points_that_are_not_allowed_are_passed_over(infeasible: Any) -> None:
    def evaluate(self: Any, x: Any) -> float:
        if x.any():
            return 1.0
        if isinstance(infeasible, Exception):
            raise infeasible
        return float(infeasible)

    def cost(self: Any, x: Any) -> dict[str, float]:
        if not x.any():
            raise Infeasible("no network")
        return {"size": 1.0}

    space = MultiBinary(1)  # of ten points some are of either kind
    report = check_evaluator(wrong(space=space, evaluate=evaluate, cost=cost))
    assert report.ok, report
    assert findings(report, "ok")["cost"] == "numbers: size"


def test_close_that_cannot_be_repeated_is_named() -> None:
    def close(self: Any) -> None:
        del self.closed

    assert "AttributeError" in findings(check_evaluator(wrong(close=close)), "error")["close"]


def unprepared(self: Any) -> None:
    raise OSError("no such file: images.npz")


def test_prepare_that_fails_is_named_and_nothing_is_evaluated() -> None:
    report = check_evaluator(
        wrong(prepare=unprepared, evaluate=lambda self, x: pytest.fail("called"))
    )
    assert "no such file: images.npz" in findings(report, "error")["prepare"]
    assert "evaluate" not in findings(report, "error")


def test_a_missing_library_is_no_fault_of_the_evaluator() -> None:
    def prepare(self: Any) -> None:
        raise DependencyNotInstalled("run: pip install heavy")

    with pytest.raises(DependencyNotInstalled, match="pip install heavy"):
        check_evaluator(wrong(prepare=prepare))


def test_noise_is_a_warning_not_an_error() -> None:
    report = check_evaluator(wrong(evaluate=lambda self, x: random.random()))
    assert report.ok
    assert "the same point gives different values" in findings(report, "warning")["evaluate"]


def test_value_may_be_any_real_number() -> None:
    for value in (1, np.float32(1.0), np.array(1.0), np.int64(1)):
        report = check_evaluator(wrong(evaluate=lambda self, x, v=value: v))
        assert report.ok, str(report)


FILE = """
import os, lamcts

class Mine(lamcts.Evaluator):
    space = lamcts.spaces.Box(0.0, 1.0, shape=(2,))

    def __init__(self, marker: str = ""):
        {build}

    def evaluate(self, x):
        print("training ...")
        return {value}
"""


def check_file(folder: Path, build: str = "pass", value: str = "float(x.sum())") -> Report:
    path = folder / "mine.py"
    path.write_text(FILE.format(build=build, value=value))
    return check_evaluator(load_problem(path))


def test_file_is_built_and_evaluated_in_a_fresh_process(tmp_path: Path) -> None:
    report = check_file(tmp_path)
    assert report.ok, str(report)
    assert "builds in a fresh process, with the same value" in findings(report, "ok")["workers"]


def test_a_file_that_checks_itself_when_it_is_imported_is_named(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        FILE.format(build="pass", value="float(x.sum())")
        + "\nfrom lamcts.testing import check_evaluator\nprint(check_evaluator(Mine()))\n"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script], env=path, capture_output=True, timeout=60)
    assert b"put the check under `if __name__" in done.stdout


def test_what_is_no_evaluator_is_refused() -> None:
    for what in ("ackley", Sound):
        with pytest.raises(ProblemError, match=r"is none; give an object, such as Mine\(\)"):
            check_evaluator(what)  # type: ignore[arg-type]


def test_value_that_depends_on_the_process_is_a_warning(tmp_path: Path) -> None:
    report = check_file(tmp_path, value="float(os.getpid())")
    assert report.ok
    assert "another process finds" in findings(report, "warning")["workers"]


@pytest.mark.parametrize("build", ["self.noisy = True", "pass"])
def test_values_of_noise_are_not_compared_between_processes(tmp_path: Path, build: str) -> None:
    report = check_file(tmp_path, build=build, value="float.fromhex(os.urandom(4).hex())")
    assert report.ok
    assert findings(report, "ok")["workers"] == "builds and evaluates in a fresh process"
    assert "workers" not in findings(report, "warning")
    assert ("evaluate" in findings(report, "warning")) is (build == "pass")


def test_evaluator_that_builds_only_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = "import pathlib; p = pathlib.Path(__file__ + '.lock'); assert not p.exists(); p.touch()"
    report = check_file(tmp_path, build=once)
    assert not report.ok
    message = findings(report, "error")["workers"]
    assert "a fresh process cannot build it" in message
    assert "AssertionError" in message


def test_a_long_search_is_estimated_with_several_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    words = Report("slow", (), seconds=30.0, budget=40).estimate()
    assert words == (
        "a search of 40 (the default budget) takes about 20 min 0 s, or 5 min 0 s with --workers 4"
    )


def test_a_search_is_estimated_by_a_warm_evaluation() -> None:
    def evaluate(self: Any, x: Any) -> float:
        if not vars(self).setdefault("warm", False):
            self.warm = True
            time.sleep(0.5)  # loads, compiles
        time.sleep(0.01)
        return 0.0

    seconds = check_evaluator(wrong(evaluate=evaluate)).seconds
    assert seconds is not None
    assert 0.01 <= seconds < 0.5


def test_a_point_within_the_constraints_is_evaluated() -> None:
    seen: list[float] = []

    class Bounded(Evaluator):
        """Only small points are to be tried."""

        space = Box(0.0, 1.0)
        constraints = ("size<=0.1",)

        def cost(self, x: Any) -> dict[str, float]:
            return {"size": float(x)}

        def evaluate(self, x: Any) -> float:
            seen.append(float(x))
            return 0.0

    assert check_evaluator(Bounded()).ok
    assert max(seen) <= 0.1
    Bounded.constraints = ("size<=-1",)
    report = check_evaluator(Bounded())
    assert "none of 100 sampled points meets size<=-1" in findings(report, "error")["evaluate"]
    Bounded.constraints = ("sice<=1",)
    report = check_evaluator(Bounded())
    assert "did you mean 'size'" in findings(report, "error")["evaluate"]


class Changes(Sound):
    """Leaves the space by changing the point it is given."""

    def evaluate(self, x: Any) -> float:
        x[0] = 9.0
        return 1.0


class CostChanges(Sound):
    def cost(self, x: Any) -> dict[str, float]:
        x[0] = 0.5
        return {"params": 1.0}


@pytest.mark.parametrize(("kind", "subject"), [(Changes, "evaluate"), (CostChanges, "cost")])
def test_a_point_that_is_changed_is_named(kind: type[Evaluator], subject: str) -> None:
    found = findings(check_evaluator(kind()), "error")
    assert "changes the point it is given" in found[subject]
