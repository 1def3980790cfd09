"""Problems load from files, modules and names, and by reference in another process."""

from __future__ import annotations

import importlib
import json
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

import lamcts
from lamcts._finding import source_digest
from lamcts.errors import LamctsError, ProblemError, UnknownName
from lamcts.evaluator import Evaluator
from lamcts.problem import ProblemRef, as_evaluator, load_problem, problem_settings, reference_of
from lamcts.spaces import Box

GOOD = """
import lamcts

class Bowl(lamcts.Evaluator):
    direction = "minimize"

    def __init__(self, dim: int = 2, *, scale: float = 1.0):
        self.space = lamcts.spaces.Box(-1.0, 1.0, shape=(dim,))
        self.scale = scale

    def evaluate(self, x):
        return self.scale * float((x * x).sum())
"""
TWO = GOOD + GOOD.replace("Bowl", "Plate")

SPACELESS = """
import lamcts
class Bowl(lamcts.Evaluator):
    @property
    def space(self):
        raise RuntimeError("no data")
    def evaluate(self, x):
        return 0.0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bowl.py"
    path.write_text(GOOD)
    return path


def write(folder: Path, text: str, name: str = "mine.py") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_file_is_loaded_with_settings(file: Path) -> None:
    evaluator = load_problem(file, dim=5, scale=2.0)
    assert evaluator.space.shape == (5,)
    x = evaluator.space.sample()
    assert evaluator.evaluate(x) == pytest.approx(2.0 * float((x * x).sum()))


def test_file_is_loaded_once_while_unchanged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # stale bytecode is not taken
    first, second = load_problem(file), load_problem(file)
    assert type(first) is type(second)
    assert sys.modules[type(first).__module__].__file__ == str(file.resolve())
    file.write_text(GOOD.replace("scale: float = 1.0", "scale: float = 3.0"))
    assert load_problem(file).scale == 3.0  # type: ignore[attr-defined]


def test_file_may_import_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "FACTOR = 7.0\n", "beside_the_problem.py")
    path = write(tmp_path, "from beside_the_problem import FACTOR\n" + GOOD)
    assert load_problem(path).evaluate is not None


def test_one_class_of_several_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, TWO)
    assert type(load_problem(f"{path}:Plate")).__name__ == "Plate"
    with pytest.raises(ProblemError, match="there is no 'Plat'; did you mean 'Plate'"):
        load_problem(f"{path}:Plat")


@pytest.mark.parametrize("attribute", ["problem", "evaluator"])
@pytest.mark.parametrize("value", ["Plate", "Plate(dim=3)"])
def test_module_says_which_evaluator_it_means(tmp_path: Path, attribute: str, value: str) -> None:
    path = write(tmp_path, TWO + f"\n{attribute} = {value}\n")
    evaluator = load_problem(path, scale=5.0)
    assert type(evaluator).__name__ == "Plate"
    assert evaluator.scale == 5.0  # type: ignore[attr-defined]
    assert evaluator.space.shape == ((3,) if "dim" in value else (2,))


def test_helpers_and_imported_evaluators_are_not_counted(tmp_path: Path) -> None:
    text = TWO.replace("class Bowl", "class _Bowl") + "\nfrom lamcts.evaluator import Evaluator\n"
    assert type(load_problem(write(tmp_path, text))).__name__ == "Plate"


def test_module_attribute_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD, "module_of_a_user.py")
    monkeypatch.chdir(tmp_path)
    for ref in ("module_of_a_user:Bowl", "module_of_a_user:"):
        evaluator = load_problem(ref, dim=4)
        assert evaluator.space.shape == (4,)
    assert reference_of(evaluator) == ProblemRef("module_of_a_user:Bowl", {"dim": 4})


def test_registered_name_is_loaded() -> None:
    evaluator = load_problem("ackley", dim=3)
    assert evaluator.space.shape == (3,)
    assert evaluator.id == "ackley-v0"
    reference = reference_of(evaluator)
    assert reference.ref == "ackley-v0"
    assert repr(reference.build()) == repr(evaluator)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "mine.py holds no evaluator; define one class that subclasses"),
        (TWO, "mine.py holds 2 evaluators (Bowl, Plate); name one: mine.py:Bowl"),
        ("import no_such_module\n", "No module named 'no_such_module' (mine.py, line 1)"),
        ("\n\nx = undefined\n", "NameError: name 'undefined' is not defined (mine.py, line 3)"),
        ("import json\njson.loads('{')\n", "(mine.py, line 2)"),
        ("def f(:\n", "mine.py does not import: SyntaxError: invalid syntax (mine.py, line 1)"),
        ("raise SystemExit(3)\n", "mine.py does not import: SystemExit: 3 (mine.py, line 1)"),
        (GOOD.replace("dim: int = 2", "dim: int"), "dim: problem"),
        (GOOD.replace("self.scale = scale", "self.scale = scal"), "name 'scal' is not defined"),
        (GOOD.replace('"minimize"', '"down"'), "Bowl.direction is 'down'; write 'minimize'"),
        (GOOD.replace("def evaluate", "def evalute"), "Bowl has no evaluate(self, x)"),
        (GOOD.replace("self.space =", "self.spac ="), "Bowl has no space; add for example"),
        (GOOD + "    constraints = 'a<=1'\n", "Bowl.constraints is a text; write a tuple: constr"),
        (GOOD + "    constraints = None\n", "Bowl.constraints is None; write a tuple: constraints"),
        (SPACELESS, "Bowl.space raised RuntimeError: no data (mine.py, line 6)"),
        (GOOD.replace("(-1.0, 1.0", "(2.0, 1.0"), "low"),
    ],
)
def test_broken_file_gets_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(LamctsError) as caught:
        load_problem(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_file_that_does_not_import_is_read_again_once_mended(tmp_path: Path) -> None:
    path = write(tmp_path, "import no_such_module\n")
    with pytest.raises(ProblemError):
        load_problem(path)
    write(tmp_path, GOOD)
    assert load_problem(path).space.shape == (2,)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("bowll.py", "problem: no file 'bowll.py'; did you mean 'bowl.py'?"),
        ("none/at/all.py", "problem: no file 'none/at/all.py'; `lamcts problems` lists the names"),
        ("./ackley", "is not a Python file; name a file ending in .py"),
        ("notes.txt", "is not a Python file; name a file ending in .py"),
        ("akley", "problem: 'akley' is not known; did you mean 'ackley'?"),
        (
            "no_such_module:Thing",
            "problem 'no_such_module:Thing': No module named 'no_such_module'",
        ),
        ("json:Thing", "problem 'json:Thing': there is no 'Thing'"),
        ("json:dumps", "problem 'json:dumps'"),
        ("json:__name__", "is neither evaluator nor class"),
        ("bowl", "problem: 'bowl' is not known; did you mean bowl.py?"),
        ("zzz", "problem: 'zzz' is not known; `lamcts problems` lists the names"),
    ],
)
def test_reference_that_leads_nowhere(
    file: Path, ref: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    Path("notes.txt").write_text("")
    with pytest.raises(LamctsError) as caught:
        load_problem(ref)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_setting_names_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownName, match=r"^scael: .* did you mean 'scale'"):
        load_problem(file, scael=1.0)


def test_class_without_constructor_takes_no_settings(tmp_path: Path) -> None:
    start, end = GOOD.index("    def __init__"), GOOD.index("    def evaluate")
    space = "    space = lamcts.spaces.Box(0.0, 1.0, shape=(1,))\n    scale = 1.0\n\n"
    path = write(tmp_path, GOOD[:start] + space + GOOD[end:])
    assert problem_settings(path) == {}
    with pytest.raises(UnknownName, match="dim"):
        load_problem(path, dim=2)


def test_settings_have_types_and_the_defaults_that_hold(file: Path) -> None:
    settings = problem_settings(file)
    assert {name: (p.annotation, p.default) for name, p in settings.items()} == {
        "dim": (int, 2),
        "scale": (float, 1.0),
    }
    file.write_text(GOOD + "\nproblem = Bowl(7)\n")
    assert problem_settings(file)["dim"].default == 7


def test_as_evaluator_takes_whatever_a_user_holds(file: Path) -> None:
    evaluator = load_problem(file)
    assert as_evaluator(evaluator) is evaluator
    for problem in (type(evaluator), str(file), file, ProblemRef(str(file), {})):
        assert type(as_evaluator(problem)) is type(evaluator)
    with pytest.raises(ProblemError, match="is no evaluator"):
        as_evaluator(lambda x: 0.0)  # type: ignore[arg-type]


BUILD = "import json, sys; from lamcts.problem import ProblemRef; "
BUILD += "print(repr(ProblemRef(**json.load(sys.stdin)).build()))"


def built_elsewhere(reference: ProblemRef, code: str = BUILD) -> str:
    """What another process makes of a reference."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(asdict(reference)),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_reference_builds_the_same_in_another_process(file: Path) -> None:
    evaluator = load_problem(file, scale=2.0)
    reference = reference_of(type(evaluator)(6, scale=2.0))
    assert reference == ProblemRef(str(file.resolve()), {"dim": 6, "scale": 2.0})
    assert pickle.loads(pickle.dumps(reference)) == reference
    assert built_elsewhere(reference) == repr(reference.build())
    assert "(6,)" in built_elsewhere(reference)


def test_reference_names_the_class_where_the_file_holds_two(tmp_path: Path) -> None:
    path = write(tmp_path, TWO)
    reference = reference_of(load_problem(f"{path}:Plate"))
    assert reference.ref.endswith("mine.py:Plate")
    assert type(reference.build()).__name__ == "Plate"


SET_AFTERWARDS = """
import lamcts

class Mine(lamcts.Evaluator):
    space = lamcts.spaces.Discrete(3)
    k = 1

    def evaluate(self, x):
        return float(self.k)

def make(times=1):
    made = Mine()
    made.k = 7 * times
    return made

problem = Mine()
problem.k = 5
"""


def test_what_a_file_made_itself_is_made_again_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path, SET_AFTERWARDS)
    evaluator = load_problem(path)
    for found in (reference_of(evaluator), reference_of(load_problem(f"{path}:problem"))):
        assert found.kwargs == {}
        code = BUILD.replace("repr(", "(").replace(".build()", ".build().k")
        assert built_elsewhere(found, code) == "5"
    made = reference_of(load_problem(f"{path}:make", times=2))
    assert made == ProblemRef(f"{Path(path).resolve()}:make", {"times": 2})
    assert built_elsewhere(made, code) == "14"
    result = lamcts.search(evaluator, budget=2, workers=2, optimizer="random", seed=0)
    assert [trial.value for trial in result.trials] == [5.0, 5.0]


def test_an_imported_instance_is_referred_to_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "holds_one.py").write_text(SET_AFTERWARDS)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("holds_one")
    assert reference_of(module.problem) == ProblemRef("holds_one:problem")
    assert reference_of(module.Mine()) == ProblemRef("holds_one:Mine")
    digest = source_digest("holds_one:Mine")
    (tmp_path / "holds_one.py").write_text("")
    assert source_digest("holds_one:Mine") not in (None, digest)
    (tmp_path / "holds_one.py").unlink()  # or it lies within an archive
    assert source_digest("holds_one:Mine") is None


class Importable(Evaluator):
    """At the top level of a module."""

    space = Box(0.0, 1.0, shape=(1,))

    def evaluate(self, x):  # type: ignore[no-untyped-def]
        return 0.0


def test_reference_of_an_imported_class_is_its_module() -> None:
    assert reference_of(Importable()).ref == f"{__name__}:Importable"


def test_local_class_has_no_reference() -> None:
    class Local(Importable):
        """Only here."""

    with pytest.raises(ProblemError, match="define it at the top level of a file"):
        reference_of(Local())


def test_arguments_without_a_name_cannot_be_stored() -> None:
    class Loose(Importable):
        """Takes anything."""

        def __init__(self, *args: int) -> None: ...

    with pytest.raises(ProblemError, match="give every argument a name"):
        reference_of(Loose(1, 2))


UNGUARDED = """
import lamcts

class Sphere(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    def evaluate(self, x):
        return float(x @ x)

first = lamcts.search(Sphere(), budget=5, seed=0, folder="runs/x")
print(len(lamcts.resume("runs/x", budget=8).trials), type(first).__name__)
"""


def test_a_search_in_another_thread_is_none_of_an_import(tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text("import time\ntime.sleep(1.0)\n" + GOOD)
    box = Box(0.0, 1.0)
    with ThreadPoolExecutor(2) as threads:
        loading = threads.submit(load_problem, file)
        time.sleep(0.3)
        found = threads.submit(lamcts.minimize, lambda x: float(x), box, budget=2, seed=0)
        assert len(found.result().trials) == 2
        assert isinstance(loading.result(), Evaluator)


def test_a_script_without_a_guard_resumes_its_own_run_and_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "s1.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, "s1.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "8 Result\n", done.stderr
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["x"]
    with pytest.raises(ProblemError, match=r"s1\.py starts a search when it is imported; put the"):
        load_problem(tmp_path / "s1.py")
