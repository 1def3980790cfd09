"""Nothing that is read from a disk or a socket is run, unless it is the user's own problem."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lamcts
from lamcts.cli import app
from lamcts.storage import RUN_FILE

ROOT = Path(__file__).parents[1]
FILES = [
    file
    for room in ("lamcts", "adapters", "problems", "benchmarks")
    for file in sorted((ROOT / room).rglob("*.py"))
    if not any(parent.is_symlink() for parent in file.parents)
]
#: Modules whose loading runs what it reads.
EXECUTE = {"pickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
#: What they have that loads nothing: torch.load, with weights_only, raises the error.
HARMLESS = {"UnpicklingError", "dump"}
#: An unpickler that knows arrays and built-in types only; test_opening.py tries to get by it.
RESTRICTED = {"adapters/training/cifar.py": ["pickle.Unpickler"]}


def risks(tree: ast.AST) -> Iterator[str]:
    """Calls and imports that may run what they are given."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):  # under its own name, by which its uses are found
            yield from (a.name for a in node.names if a.name in EXECUTE and a.asname)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [node.module] if node.module.split(".")[0] in EXECUTE else []
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in EXECUTE:
            yield from [ast.unparse(node)] if node.attr not in HARMLESS else []
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if name in ("eval", "exec", "compile") or name.endswith(("read_pickle", "yaml.load")):
                yield name
            elif name == "torch.load" and keywords.get("weights_only") != "True":
                yield "torch.load without weights_only=True"
            elif keywords.get("allow_pickle", "False") != "False":
                yield f"{name} with allow_pickle"
            elif name.endswith(".recv") and not node.args:  # multiprocessing's, which unpickles
                yield name


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_unpickled(file: Path) -> None:
    allowed = RESTRICTED.get(file.relative_to(ROOT).as_posix(), [])
    assert list(risks(ast.parse(file.read_text(encoding="utf-8")))) == allowed


def test_the_search_for_risks_finds_them() -> None:
    code = (
        "import pickle as p\nfrom joblib import load\neval(x)\ntorch.load(f)\nconnection.recv()\n"
    )
    code += (
        "np.load(f, allow_pickle=True)\nimport pickle\npickle.load(f)\nreturn pickle.Unpickler\n"
    )
    assert len(list(risks(ast.parse(code)))) == 8
    assert not list(risks(ast.parse("import pickle\nraise pickle.UnpicklingError\n")))
    assert not list(risks(ast.parse("torch.load(f, weights_only=True)\nmodel.eval()\n")))
    assert len(FILES) > 100


PROBLEM = """
from pathlib import Path
import lamcts

Path({mark!r}).touch()

class Bowl(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0)

    def evaluate(self, x):
        return float(x * x)
"""


def test_reading_a_run_runs_nothing_of_it(tmp_path: Path) -> None:
    mark, folder = tmp_path / "mark", tmp_path / "run"
    problem = tmp_path / "bowl.py"
    problem.write_text(PROBLEM.format(mark=str(mark)))
    lamcts.search(problem, budget=3, seed=0, optimizer="random", folder=folder)
    mark.unlink()
    problem.write_text(problem.read_text() + "\n# to be loaded anew\n")
    (folder / RUN_FILE).write_bytes((folder / RUN_FILE).read_bytes() + b"?")
    for words in (["show"], ["export"], ["repair"], ["list"]):
        assert CliRunner().invoke(app, [*words, str(folder)]).exit_code == 0
        assert not mark.exists()


def test_the_copy_of_the_problem_is_never_run(tmp_path: Path) -> None:
    mark, folder = tmp_path / "mark", tmp_path / "run"
    problem = tmp_path / "bowl.py"
    problem.write_text(PROBLEM.format(mark=str(tmp_path / "loaded")))
    lamcts.search(problem, budget=3, seed=0, optimizer="random", folder=folder)
    (folder / "problem.py").write_text(PROBLEM.format(mark=str(mark)))
    assert len(lamcts.resume(folder, budget=5).trials) == 5
    assert not mark.exists()
