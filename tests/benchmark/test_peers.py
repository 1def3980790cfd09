"""Peers: what they are told, and that each that is installed searches what it says it can."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.benchmark import Task, compare, run_task
from lamcts.benchmark.meter import BudgetSpent, Meter
from lamcts.benchmark.peers import PEERS, Objective, check_peer, kinds_of, load_peer
from lamcts.benchmark.suites import find_case
from lamcts.errors import DependencyNotInstalled, InvalidArgument, LamctsError
from lamcts.evaluator import Evaluator
from lamcts.spaces import Box, Dict, Discrete, Space

#: Those whose packages every installation has, and one small problem of every kind.
ALWAYS = ["cmaes-catcma", "cmaes-sep", "scipy-cobyla", "scipy-cobyqa", "scipy-de"]
PROBLEMS = {
    "levy": {"dim": 2},
    "onemax": {"dim": 6},
    "mixed-ackley": {"dim": 6},
    "qap": {"dim": 5},
    "kinds.py": {},
}
SLOW = {"botorch-logei", "optuna-gp", "smac-bb", "smac-hpo"}

KINDS = '''
import lamcts
from lamcts.spaces import Box, Dict, Discrete

class Kinds(lamcts.Evaluator):
    """Every kind of variable, a scale and a direction; the best is 0, at 1e-3, 4, 2 and 1."""

    space = Dict(
        one=Discrete(1),
        rate=Box(1e-5, 1.0, scale="log"),
        depth=Box(1, 9, dtype="int64"),
        kind=Discrete(4),
        flag=Discrete(2),
    )
    direction = "maximize"

    def evaluate(self, x):
        import math

        if x["kind"] == 3:
            raise RuntimeError("no luck")
        off = abs(math.log10(float(x["rate"])) + 3) + abs(int(x["depth"]) - 4)
        return -(off + (x["kind"] != 2) + (x["flag"] != 1))
'''


class Steep(Evaluator):
    """Maximised; refuses one choice of three, and remembers what it was asked."""

    space = Dict(rate=Box(0.01, 100.0, scale="log"), depth=Box(2, 5, dtype="int64"), op=Discrete(3))
    direction = "maximize"

    def __init__(self) -> None:
        self.asked: list[tuple[float, int, int]] = []

    def evaluate(self, x: dict[str, float]) -> float:
        self.asked.append((float(x["rate"]), int(x["depth"]), int(x["op"])))
        if x["op"] == 2:
            raise RuntimeError("no luck")
        return float(x["depth"])


def test_a_point_is_places_and_levels_and_the_value_is_minimised() -> None:
    problem = Steep()
    objective = Objective(Meter(problem, budget=9), seed=0)
    assert objective.kinds.tolist() == ["real", "integer", "categorical"]
    assert objective.sizes.tolist() == [0, 4, 3]
    assert objective.upper.tolist() == [1.0, 3.0, 2.0]
    assert objective([0.5, 0, 0]) == -2.0
    assert objective([1.0, 3, 1]) == -5.0
    assert objective([-0.5, 7, -2]) == -5.0  # clipped
    assert objective([0.0, 1.4, 2]) == -2.0  # failed: the worst so far
    expected = [(1.0, 2, 0), (100.0, 5, 1), (0.01, 5, 0), (0.01, 3, 2)]
    np.testing.assert_allclose(problem.asked, expected)


def test_an_integer_on_a_log_scale_is_a_place_on_it_and_one_level_is_no_variable() -> None:
    class Rough(Steep):
        space = Dict(
            none=Discrete(1), batch=Box(1, 100, dtype="int64", scale="log"), op=Discrete(3)
        )

        def evaluate(self, x: dict[str, Any]) -> float:
            self.asked.append((int(x["none"]), int(x["batch"]), int(x["op"])))
            return 0.0

    problem = Rough()
    objective = Objective(Meter(problem, budget=9), seed=0)
    assert objective.kinds.tolist() == kinds_of(problem.space) == ["real", "categorical"]
    assert (objective.sizes.tolist(), objective.upper.tolist()) == ([0, 3], [1.0, 2.0])
    for u in ([0.0, 0], [0.5, 1], [1.0, 2]):
        objective(u)
    middle = round((0.5 * 100.5) ** 0.5)
    assert problem.asked == [(0, 1, 0), (0, middle, 1), (0, 100, 2)]


@pytest.mark.parametrize("u", [[0.5, 0], [0.5, 0, 0, 0], [[0.5, 0, 0]], [float("nan"), 0, 0]])
def test_what_is_no_point_is_refused(u: Any) -> None:
    objective = Objective(Meter(Steep(), budget=9), seed=0)
    with pytest.raises(InvalidArgument, match="is no point of 3 numbers"):
        objective(u)


def test_a_failure_before_any_value_is_no_record() -> None:
    objective = Objective(Meter(Steep(), budget=9), seed=0)
    assert objective([0.0, 1, 2]) == np.inf
    assert objective([0.0, 1, 0]) == -3.0
    assert objective([0.0, 1, 2]) == -3.0


def test_the_objective_ends_the_run() -> None:
    meter = Meter(Steep(), budget=2)
    objective = Objective(meter, seed=0)
    objective([0.5, 0, 0])
    with pytest.raises(BudgetSpent):
        objective([0.5, 1, 2])
    assert (meter.evaluations, meter.failed, meter.trace) == (2, 1, [(1, 2.0)])
    assert not issubclass(BudgetSpent, Exception)


def test_starts_are_the_same_for_everybody() -> None:
    objectives = [Objective(Meter(Steep(), budget=2), seed=5) for _ in range(2)]
    first = [objective.start() for objective in objectives]
    np.testing.assert_array_equal(first[0], first[1])
    assert np.any(objectives[0].start() != first[0])
    for u in first:
        assert np.all((u >= 0) & (u <= objectives[0].upper))


def test_local_methods_begin_at_the_same_point(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Objective(Meter(find_case("sphere").build(1, {"dim": 3}), 1), seed=2).start()
    for name, argument in (("scipy-cobyla", "x0"), ("scipy-cobyqa", "x0"), ("cmaes-sep", "mean")):
        begun: list[np.ndarray] = []

        def begin(*args: Any, name: str = argument, begun: Any = begun, **kwargs: Any) -> None:
            begun.append(kwargs[name] if name in kwargs else args[1])
            raise BudgetSpent

        target = "cmaes.SepCMA" if name == "cmaes-sep" else "scipy.optimize.minimize"
        monkeypatch.setattr(target, begin)
        objective = Objective(Meter(find_case("sphere").build(1, {"dim": 3}), 1), seed=2)
        with pytest.raises(BudgetSpent):
            load_peer(name)(objective)
        np.testing.assert_array_equal(begun[0], first)


def test_kinds_of_a_space() -> None:
    space = Dict(a=Box(0, 1, dtype="int64"), b=Discrete(2), c=Discrete(3), d=Box(0.0, 1.0))
    assert kinds_of(space) == ["binary", "binary", "categorical", "real"]


@pytest.fixture
def in_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kinds.py").write_text(KINDS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_kinds")
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_peer_searches_what_it_says_it_can(name: str, problem: str) -> None:
    peer = PEERS[name]
    if peer.missing:
        pytest.skip(f"needs {', '.join(peer.missing)}")
    kinds = kinds_of(space_of(problem))
    if not set(kinds) <= peer.takes:
        with pytest.raises(InvalidArgument, match=f"{name} takes no "):
            check_peer(name, kinds, problem)
        return
    check_peer(name, kinds, problem)
    budget = 14 if name in SLOW else 60
    task = Task(problem, name, 3, budget, problem_settings=PROBLEMS[problem])
    record = run_task(task)
    assert record.error is None
    assert record.evaluations == budget
    assert record.version.split()[0] == peer.needs[0]
    assert len(record.trace) > 1
    if name not in SLOW:
        assert run_task(task).trace == record.trace, "the same seed is the same run"


class Late(Evaluator):
    """A bowl whose first evaluations fail."""

    space = Box(-1.0, 1.0, shape=(2,))

    def __init__(self, failures: int = 12) -> None:
        self.left = failures

    def evaluate(self, x: Any) -> float:
        self.left -= 1
        if self.left >= 0:
            raise RuntimeError("not yet")
        return 10.0 + float(x @ x)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_goes_on_after_failures_before_any_value(name: str) -> None:
    """Methods have to take the infinities that they are told then."""
    if PEERS[name].missing or "real" not in PEERS[name].takes:
        pytest.skip("is not installed, or takes no real variables")
    budget = 20 if name in SLOW else 80
    record = run_task(Task(f"{__name__}:Late", name, 0, budget))
    assert record.error is None
    assert (record.failed, record.evaluations) == (12, budget)
    if name not in SLOW:
        assert record.trace[-1][1] < 10.1


def space_of(problem: str) -> Space[Any]:
    return find_case(problem).build(1, PROBLEMS[problem]).space


@pytest.mark.parametrize("name", ["scipy-cobyqa", "scipy-cobyla", "cmaes-sep"])
def test_peers_do_what_they_are_known_for(name: str) -> None:
    """On a shifted sphere in 3-d a local method is far nearer than random search."""
    near, far = (
        run_task(Task("sphere", who, 0, 150, problem_settings={"dim": 3})).trace[-1][1]
        for who in (name, "random")
    )
    assert near < far / 100


def test_what_every_installation_has_is_never_missing() -> None:
    assert [name for name in ALWAYS if PEERS[name].missing] == []
    for name in ALWAYS:
        assert callable(load_peer(name))


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DependencyNotInstalled, match="optuna-tpe needs optuna; run: pip install o"):
        check_peer("optuna-tpe", ["real"], "levy")


def test_an_error_of_a_peer_is_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(objective: Objective) -> None:
        objective(objective.start())
        raise ValueError("singular\nmatrix")

    monkeypatch.setattr("lamcts.benchmark.run.load_peer", lambda name: fail)
    record = run_task(Task("sphere", "scipy-de", 0, 9, problem_settings={"dim": 2}))
    assert record.error == "ValueError: singular matrix"
    assert record.evaluations == 1
    assert len(record.trace) == 1


OWN = """
def search(objective):
    while True:
        objective(objective.rng.random(objective.dim))

def slips(objective):
    objective(objective.start())
    objective(["a", 0.5])

def ends(objective):
    objective(objective.start())

number = 3
"""


def test_a_function_of_ones_own_is_a_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    records = compare(
        ["sphere", "onemax"],
        ["mine.py:search", "mine.py:slips", "mine.py:ends", "random"],
        budget=9,
        seeds=1,
    )
    found = {(r.task.problem, r.task.optimizer.removeprefix("mine.py:")): r for r in records}
    for problem in ("sphere", "onemax"):
        assert found[problem, "search"].error is None
        assert found[problem, "search"].evaluations == 9
        assert found[problem, "search"].version == "mine.py"
        assert found[problem, "ends"].evaluations == 1
        slip = found[problem, "slips"]
        assert slip.evaluations == 1
        assert slip.error is not None
        assert slip.error.startswith("ValueError: could not convert")
        assert slip.error.endswith("(mine.py, line 8)")
        start = [found[problem, name].trace[0] for name in ("slips", "ends")]
        assert start[0] == start[1]


def test_a_function_of_ones_own_has_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    for name, words in {
        "mine.py": "write mine.py:FUNCTION",
        "mine.py:serch": "no 'serch'; did you mean 'search'",
        "mine.py:number": "mine.py:number is 3, no function",
        "mime.py:search": "optimizers: no file 'mime.py'; did you mean 'mine.py'",
        "no_such_package:search": "optimizers: 'no_such_package:search': No module named",
    }.items():
        with pytest.raises(LamctsError, match=words):
            compare(["sphere"], [name], budget=3, seeds=1)


def test_listing_peers_imports_none_of_them() -> None:
    code = (
        "import sys; from lamcts.benchmark.peers import PEERS; [p.missing for p in PEERS.values()];"
        "print({'optuna', 'cma', 'nevergrad', 'botorch', 'smac', 'scipy'} & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "set()\n"
