"""Which way the imports go: one, and never out of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: The rooms of the house, from the ground up; each imports earlier ones (docs/architecture.md).
FLOORS = [
    ["errors", "settings", "spaces", "evaluator", "_growing", "history", "_threads", "_rows"],
    ["functions", "registry", "_finding", "problem", "outcome", "datasets", "tabular"],
    ["domain", "boundary", "region", "tree"],
    [
        "acquisition",
        "surrogate",
        "border",
        "limits",
        "choice",
        "incumbent",
        "samplers",
        "optimizers",
    ],
    [
        "pruning",
        "config",
        "callbacks",
        "constraints",
        "failures",
        "interrupts",
        "executors",
        "storage",
    ],
    ["result", "prepare", "run", "api", "sweeps"],
    ["plots", "progress", "testing", "benchmark", "cli", "__main__"],
]
ROOMS = [room for floor in FLOORS for room in floor]
#: The registry loads what it lists, when asked to.
ON_USE = {("registry", "problem")}
#: What nothing under lamcts/ may import, at any time: adapters and machine learning. A peer in
#: `lamcts.benchmark.peers` may import what it is written in, when it is run.
FOREIGN = {"torch", "torchvision", "gymnasium", "adapters", "problems"}
PEERS = ROOT / "lamcts" / "benchmark" / "peers"


def core_files() -> list[Path]:
    """All but ``lamcts/__init__.py``, the front door: names by string, loaded on use."""
    files = set((ROOT / "lamcts").glob("**/*.py")) - {ROOT / "lamcts" / "__init__.py"}
    return sorted(f for f in files if not {"adapters", "problems"} & set(f.parts[-4:-1]))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module imported at run time, in functions too; not what only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            for other in node.orelse:
                yield from imports(other)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names)
        else:
            yield from imports(node)


def room_of(file: Path) -> str:
    return file.relative_to(ROOT / "lamcts").with_suffix("").parts[0]


@pytest.mark.parametrize("file", core_files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_one_way(file: Path) -> None:
    room = room_of(file)
    assert room in ROOMS, f"{room} is new: give it a place here and in docs/architecture.md"
    for name in imports(ast.parse(file.read_text(encoding="utf-8"))):
        top, _, inner = name.partition(".")
        assert top not in FOREIGN or (top == "torch" and file.parent == PEERS)
        assert not name.startswith(("lamcts.adapters", "lamcts.problems"))
        other = inner.partition(".")[0]
        if top != "lamcts" or other in ("", "__version__") or (room, other) in ON_USE:
            continue
        assert other in ROOMS
        assert ROOMS.index(other) <= ROOMS.index(room), f"{room} imports {other}, which comes later"
