"""Following a problem's reference to a class: files by path, modules, registered names."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from lamcts.errors import LamctsError, ProblemError, did_you_mean, in_one_line
from lamcts.evaluator import Evaluator
from lamcts.registry import find_problem, is_shared

__all__ = [
    "Found",
    "find",
    "is_loaded_by_path",
    "is_main",
    "is_the_one",
    "refuse_while_importing",
    "source_digest",
]

_MODULE_PREFIX = "lamcts_problem_"
_ATTRIBUTES = ("problem", "evaluator")

#: The problem that is being imported; another thread's is none of ours.
_importing: contextvars.ContextVar[str | None] = contextvars.ContextVar("importing", default=None)


@dataclass(frozen=True)
class Found:
    """What a reference leads to.

    Attributes:
        target: An evaluator's class, an instance, or a factory.
        label: What to call it in a message.
        ref: A reference that leads there from any folder; empty for what is known here only.
        kwargs: Settings that its registration presets.
        id: Its registered id, when it has one.
    """

    target: Any
    label: str
    ref: str = ""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


def find(ref: str) -> Found:
    """Follow a reference: an existing path, else ``module:attr``, else a registered name."""
    file, attribute = _split_file(ref)
    if file is not None:
        module = _load_file(file)
        target = _attribute(module, attribute, ref) if attribute else _the_one(module, file.name)
        return Found(target, ref, f"{file}:{attribute}" if attribute else str(file))
    if ":" in ref:
        return Found(_import_attribute(ref), ref, ref)
    try:
        spec = find_problem(ref)
    except LamctsError:
        if os.path.isfile(f"{ref}.py"):
            raise ProblemError(f"problem: {ref!r} is not known; did you mean {ref}.py?") from None
        raise
    target = spec.load()
    if isinstance(target, ModuleType):
        target = _the_one(target, target.__name__)
    lasting = spec.id if is_shared(spec.id) else ""
    return Found(target, spec.id, lasting, spec.kwargs, spec.id)


def _split_file(ref: str) -> tuple[Path | None, str]:
    """``"a/b.py:Name"`` as a path and a name; no path when the reference is not a file's."""
    before, _, after = ref.rpartition(":")
    file, attribute = (before, after) if before.endswith(".py") else (ref, "")
    # the functions of os.path raise nothing for what no file could be called
    path = Path(os.path.expanduser(file))
    is_file = os.path.isfile(path)
    if path.suffix == ".py":
        if is_file:
            return path.resolve(), attribute
        siblings = [p.name for p in path.parent.glob("*.py")] if os.path.isdir(path.parent) else []
        near = did_you_mean(path.name, siblings)
        mend = f"; {near}" if near.startswith("did") else "; `lamcts problems` lists the names"
        raise ProblemError(f"problem: no file {file!r}{mend}")
    if is_file or "/" in ref or "\\" in ref:
        raise ProblemError(f"problem: {ref!r} is not a Python file; name a file ending in .py")
    return None, ""


class _FromSource(SourceFileLoader):
    """Without bytecode: that of an edit in the same second and of the same size would be stale."""

    def get_code(self, fullname: str) -> CodeType:
        """Compiled from the file."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _load_file(path: Path) -> ModuleType:
    """Import a file under a name that is the same in every process; once while it is unchanged.

    The running script is not imported again: its classes are what a script means by its own file.
    """
    if (script := _running(path)) is not None:
        return script
    name, digest = _name_of(path), _digest(path)
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__source_digest__", None) == digest:
        return loaded
    loader = _FromSource(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ProblemError(f"problem: {path} cannot be imported; name a file ending in .py")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__source_digest__"] = digest
    _let_import_from(path.parent)
    sys.modules[name] = module
    try:
        with _noted(path.name):
            spec.loader.exec_module(module)
    except LamctsError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ProblemError(
            f"{path.name} does not import: {in_one_line(error, str(path))}"
        ) from error
    return module


def _running(path: Path) -> ModuleType | None:
    """The script that this process runs, if it is this file."""
    script = sys.modules.get("__main__")
    file = getattr(script, "__file__", None)
    return script if file is not None and Path(file).resolve() == path else None


@contextlib.contextmanager
def _noted(name: str) -> Iterator[None]:
    """Remember that a problem is being imported."""
    before = _importing.set(name)
    try:
        yield
    finally:
        _importing.reset(before)


def refuse_while_importing(what: str) -> None:
    """Refuse to begin what would begin again in every process that loads the problem.

    Raises:
        ProblemError: A problem is being imported.
    """
    if (name := _importing.get()) is not None:
        raise ProblemError(
            f"{name} starts a {what} when it is imported; put the {what} under "
            '`if __name__ == "__main__":`'
        )


def _name_of(path: Path) -> str:
    return f"{_MODULE_PREFIX}{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:12]}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def source_digest(ref: str) -> str | None:
    """The digest of the source that a reference leads to; ``None`` where it names no source file.

    Of a file that was loaded by path it is that of what was loaded, whatever the file holds now.
    """
    file, _ = _split_file(ref)
    if file is not None:
        loaded = getattr(sys.modules.get(_name_of(file)), "__source_digest__", None)
        return loaded or _digest(file)
    name, colon, _ = ref.partition(":")
    source = getattr(sys.modules.get(name), "__file__", None) or ""
    is_file = source.endswith(".py") and os.path.isfile(source)  # not so within a zip archive
    return _digest(Path(source)) if colon and is_file else None


def _import_attribute(ref: str) -> Any:
    """Import ``package.module:attr``, from the current folder too."""
    name, _, attribute = ref.partition(":")
    _let_import_from(Path.cwd())
    try:
        with _noted(name):
            module = importlib.import_module(name)
    except LamctsError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise ProblemError(f"problem {ref!r}: {error}") from error
        raise ProblemError(f"problem {ref!r} does not import: {in_one_line(error)}") from error
    return _attribute(module, attribute, ref) if attribute else _the_one(module, name)


def _attribute(module: ModuleType, attribute: str, ref: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            known = [kind.__name__ for kind in _evaluators_in(module)] or _functions_in(module)
            raise ProblemError(
                f"problem {ref!r}: there is no {attribute!r}; {did_you_mean(part, known)}"
            )
        found = getattr(found, part)
    return found


def _let_import_from(folder: Path) -> None:
    """Let a problem import what lies beside it; last on the path, so that it shadows nothing."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _evaluators_in(module: ModuleType) -> list[type[Evaluator]]:
    """The evaluator classes that a module defines; a leading underscore marks a helper."""
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Evaluator)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _functions_in(module: ModuleType) -> list[str]:
    """Names of the functions that a module defines, helpers left out."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _the_one(module: ModuleType, label: str) -> Any:
    """The one evaluator of a module: what it names ``problem``, else the only class it defines."""
    for name in _ATTRIBUTES:
        named = getattr(module, name, None)
        if isinstance(named, Evaluator) or (
            isinstance(named, type) and issubclass(named, Evaluator)
        ):
            return named
    found = list(dict.fromkeys(_evaluators_in(module)))
    if not found:
        raise ProblemError(
            f"{label} holds no evaluator; define one class that subclasses lamcts.Evaluator"
        )
    if len(found) > 1:
        names = ", ".join(kind.__name__ for kind in found)
        raise ProblemError(
            f"{label} holds {len(found)} evaluators ({names}); "
            f"name one: {label}:{found[0].__name__}"
        )
    return found[0]


def is_the_one(kind: type[Evaluator], module: ModuleType) -> bool:
    """Whether the module's own reference, without a class, leads to ``kind``."""
    try:
        return _the_one(module, module.__name__) is kind
    except ProblemError:
        return False


def is_main(module: ModuleType) -> bool:
    return module.__name__ in ("__main__", "__mp_main__")


def is_loaded_by_path(module: ModuleType) -> bool:
    """Whether a module came from a file's path, here or as the running script."""
    return is_main(module) or module.__name__.startswith(_MODULE_PREFIX)
