"""Names lead to problems; wrong names lead to the nearest right one; listing imports nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lamcts.registry as registry
from lamcts.errors import DependencyNotInstalled, InvalidArgument, ProblemError, UnknownName
from lamcts.evaluator import Evaluator
from lamcts.registry import find_problem, is_shared, list_problems, make, register
from lamcts.spaces import Box


class Paraboloid(Evaluator):
    """A problem with settings."""

    def __init__(self, dim: int = 2, scale: float = 1.0) -> None:
        self.space = Box(-1.0, 1.0, shape=(dim,))
        self.scale = scale

    def evaluate(self, x):  # type: ignore[no-untyped-def]
        return self.scale * float((x * x).sum())


HERE = f"{__name__}:Paraboloid"


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Paraboloid.__module__])


def test_make_builds_with_registered_and_given_settings() -> None:
    register("bowl-v0", HERE, {"dim": 3, "scale": 2.0})
    evaluator = make("bowl-v0", scale=4.0)
    assert isinstance(evaluator, Paraboloid)
    assert evaluator.space.shape == (3,)
    assert evaluator.scale == 4.0
    assert evaluator.id == "bowl-v0"


def test_a_class_may_be_given_itself() -> None:
    register("bowl-v0", Paraboloid, {"dim": 3})
    assert isinstance(make("bowl-v0"), Paraboloid)

    class Local(Paraboloid):
        pass

    with pytest.raises(InvalidArgument, match="is local; define it in a module"):
        register("local-v0", Local)
    with pytest.raises(InvalidArgument, match=r"write 'package\.module:Class'"):
        register("none-v0", None)  # type: ignore[arg-type]


def test_a_shipped_name_is_taken() -> None:
    with pytest.raises(
        InvalidArgument, match=r"'ackley-v0' is taken by lamcts\.problems\.synthetic"
    ):
        register("ackley-v0", HERE)
    with pytest.raises(InvalidArgument, match="None is not a problem name"):
        make(None)  # type: ignore[arg-type]


def test_name_without_version_is_the_newest() -> None:
    register("bowl-v2", HERE, {"dim": 2})
    register("bowl-v10", HERE, {"dim": 10})
    assert find_problem("bowl").id == "bowl-v10"
    assert find_problem("bowl-v2").kwargs == {"dim": 2}


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("bwol", "problem: 'bwol' is not known; did you mean 'bowl'?"),
        ("bowl-v3", "problem: 'bowl' has no version 3; known: bowl-v0, bowl-v1"),
    ],
)
def test_unknown_name_says_the_nearest(id: str, message: str) -> None:
    register("bowl-v0", HERE)
    register("bowl-v1", HERE)
    with pytest.raises(UnknownName) as caught:
        make(id)
    assert str(caught.value) == message


@pytest.mark.parametrize("id", ["bowl", "", "a b-v0", "-v0"])
def test_bad_id_is_refused(id: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^id: "):
        register(id, HERE)


def test_id_is_not_taken_twice() -> None:
    register("bowl-v0", HERE)
    register("bowl-v0", HERE)  # the same again is harmless: a module may be imported twice
    with pytest.raises(InvalidArgument, match="'bowl-v0' is taken by"):
        register("bowl-v0", "elsewhere:Bowl")


def test_registering_and_listing_import_nothing() -> None:
    register("ghost-v0", "no_such_package.tasks:Ghost", summary="not there")
    assert "ghost-v0" in {spec.id for spec in list_problems()}
    code = "import sys, lamcts; lamcts.list_problems(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "lamcts.registry" in loaded
    assert not any(name.startswith("lamcts.problems") for name in loaded)


@pytest.mark.parametrize(
    ("entry_point", "requires", "error", "message"),
    [
        ("no_such_package.tasks:Ghost", None, ProblemError, "No module named 'no_such_package'"),
        (f"{__name__}:Ghost", None, ProblemError, "has no attribute 'Ghost'"),
        (
            "no_such_package.tasks:Ghost",
            "torch",
            DependencyNotInstalled,
            'run: pip install "lamcts\\[torch\\]"',
        ),
    ],
)
def test_entry_point_that_cannot_be_loaded(
    entry_point: str, requires: str | None, error: type[Exception], message: str
) -> None:
    register("ghost-v0", entry_point, requires=requires)
    with pytest.raises(error, match=message):
        make("ghost")


def test_shipped_ids_are_shared_and_own_ones_are_not() -> None:
    register("bowl-v0", HERE)
    assert is_shared("ackley-v0")
    assert is_shared("nasbench")
    assert not is_shared("bowl-v0")
    assert not is_shared("no-such-v0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise OSError('libcudart.so')", "OSError: libcudart.so (ghost_module.py, line 1)"),
        ("task = (", "SyntaxError: '(' was never closed (ghost_module.py, line 1)"),
        ("raise SystemExit(3)", "SystemExit: 3 (ghost_module.py, line 1)"),
    ],
)
def test_a_module_that_does_not_import_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "ghost_module.py").write_text(f"{text}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    register("ghost-v0", "ghost_module:Ghost", requires="torch")
    with pytest.raises(ProblemError) as caught:
        make("ghost")
    assert str(caught.value) == f"problem 'ghost-v0' does not import: {message}"


def test_a_package_may_name_its_problems_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    point = metadata.EntryPoint("their problem", HERE, registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    assert make("ackley").id == "ackley-v0"
    assert isinstance(make("their problem"), Paraboloid)


def test_installed_packages_add_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    point = metadata.EntryPoint("theirs-v1", HERE, registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    assert isinstance(make("theirs"), Paraboloid)
    assert is_shared("theirs-v1")
