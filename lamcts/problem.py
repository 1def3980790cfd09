"""Loading problems: from a file, from ``package.module:attr``, or by name.

A problem is always loaded through a *reference*, a string that means the same in every process.
Workers get the reference and build their own evaluator: a class defined in a file that was loaded
by path cannot be pickled into a process that has not loaded the same file under the same name.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from lamcts._finding import Found, find, is_loaded_by_path, is_main, is_the_one
from lamcts.errors import (
    InvalidArgument,
    LamctsError,
    ProblemError,
    UnknownName,
    did_you_mean,
    in_one_line,
    shown,
)
from lamcts.evaluator import Direction, Evaluator
from lamcts.registry import is_shared
from lamcts.settings import all_parameters, as_declared, keyword_parameters, plain

__all__ = [
    "ProblemRef",
    "as_evaluator",
    "load_problem",
    "make_ready",
    "problem_settings",
    "reference_of",
]

_MADE_BY = "_made_by"  # an attribute: the reference, where it is not the class that was built


@dataclass(frozen=True)
class ProblemRef:
    """Where a problem comes from and how it is set: all that a worker or a resumed run needs.

    Attributes:
        ref: A file's absolute path (``:Class`` added where the file holds several),
            ``package.module:attr``, or a registered id.
        kwargs: The settings it is built with.
    """

    ref: str
    kwargs: dict[str, Any] = field(default_factory=dict)

    def build(self) -> Evaluator:
        """Build the evaluator, here or in any other process of this machine."""
        return load_problem(self.ref, **self.kwargs)


def load_problem(ref: str | Path, **kwargs: Any) -> Evaluator:
    """Build the evaluator that a reference names.

    Args:
        ref: An existing file, ``file.py:Class``, ``package.module:attr``, or a registered name.
            A file or module must define exactly one `Evaluator` subclass, or say which one it
            means with a module-level ``problem = ...`` or ``evaluator = ...``.
        **kwargs: Settings for its constructor.

    Raises:
        ProblemError: The file does not exist, does not import, or does not hold one evaluator.
        UnknownName: No such problem or setting.
    """
    return _build(find(str(ref)), kwargs)


def problem_settings(ref: str | Path) -> dict[str, inspect.Parameter]:
    """The settings a problem takes: its constructor's named parameters, types and defaults."""
    return _settings(find(str(ref)))


def as_evaluator(problem: Evaluator | type[Evaluator] | ProblemRef | str | Path) -> Evaluator:
    """An evaluator from whatever a user may hold: an evaluator, its class, or a reference.

    Raises:
        ProblemError: It is none of these, or the evaluator breaks the contract.
    """
    if isinstance(problem, ProblemRef):
        return problem.build()
    if isinstance(problem, (str, Path)):
        return load_problem(problem)
    if isinstance(problem, Evaluator):
        return _checked(problem, type(problem).__name__)
    if isinstance(problem, type) and issubclass(problem, Evaluator):
        return _build(Found(problem, problem.__name__), {})
    raise ProblemError(
        f"problem: {problem!r} is no evaluator; give a lamcts.Evaluator, a file or a name"
    )


def make_ready(evaluator: Evaluator) -> None:
    """Call ``Evaluator.prepare``, before the first evaluation in a process.

    Raises:
        LamctsError: What it raised, if that is one already.
        ProblemError: It raised something else.
    """
    try:
        evaluator.prepare()
    except LamctsError:
        raise
    except (Exception, SystemExit) as error:
        where = in_one_line(error, _file_of(type(evaluator)))
        raise ProblemError(f"{type(evaluator).__name__}: prepare() raised {where}") from error


def reference_of(evaluator: Evaluator) -> ProblemRef:
    """The reference that builds an equal evaluator in another process.

    What a file made itself (``problem = Mine(); problem.k = 5``, or a function that returns one) is
    made there again, by that file; anything else is built from its constructor's arguments.

    Raises:
        ProblemError: There is none: its class is local to a function or to an interactive session.
    """
    made = vars(evaluator).get(_MADE_BY)
    if isinstance(made, ProblemRef):
        return made
    kind = type(evaluator)
    module = sys.modules.get(kind.__module__)
    if module is not None and not is_main(module) and (name := _name_in(module, evaluator)):
        return ProblemRef(f"{_place_of(module)}:{name}")
    kwargs = plain(_named_arguments(evaluator))
    if evaluator.id is not None and is_shared(evaluator.id):
        return ProblemRef(evaluator.id, kwargs)
    file = getattr(module, "__file__", None)
    if module is None or not _leads_to(module, kind) or (is_main(module) and file is None):
        raise ProblemError(
            f"{kind.__qualname__}: another process cannot import this class; "
            "define it at the top level of a file"
        )
    place = _place_of(module)
    alone = is_loaded_by_path(module) and is_the_one(kind, module)
    return ProblemRef(place if alone else f"{place}:{kind.__qualname__}", kwargs)


def _place_of(module: ModuleType) -> str:
    """A module's file, where it was loaded by path, else its name."""
    by_path = is_loaded_by_path(module)
    return str(Path(str(module.__file__)).resolve()) if by_path else module.__name__


def _name_in(module: ModuleType, evaluator: Evaluator) -> str | None:
    """The name of a module's own that holds this very evaluator, if there is one."""
    return next((name for name, value in vars(module).items() if value is evaluator), None)


def _leads_to(module: ModuleType, kind: type) -> bool:
    """Whether a class is found in its module by its name: not so for local and made-up classes."""
    found: Any = module
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is kind


def _settings(found: Found) -> dict[str, inspect.Parameter]:
    """The settings a target takes, with the defaults that hold here."""
    build, preset = _recipe(found)
    return {
        name: parameter.replace(default=preset[name]) if name in preset else parameter
        for name, parameter in keyword_parameters(build).items()
    }


def _recipe(found: Found) -> tuple[Any, Mapping[str, Any]]:
    """What to call to build the evaluator, and the settings it gets unless others are given.

    Raises:
        ProblemError: It cannot be called.
    """
    if isinstance(found.target, Evaluator):
        return type(found.target), _named_arguments(found.target)
    if not callable(found.target):
        raise ProblemError(
            f"problem {found.label!r}: {shown(found.target)} is neither evaluator nor class"
        )
    return found.target, found.kwargs


def _build(found: Found, kwargs: Mapping[str, Any]) -> Evaluator:
    """Call the class or factory with its settings, checked by name first."""
    target = found.target
    if isinstance(target, Evaluator) and not kwargs:
        return _made_by(found, {}, _checked(target, found.label))
    _check_settings(found, kwargs)
    build, preset = _recipe(found)
    try:
        evaluator: Any = build(**as_declared({**preset, **kwargs}, _settings(found)))
    except LamctsError:
        raise
    except (Exception, SystemExit) as error:
        raise ProblemError(
            f"problem {found.label!r} cannot be built: {in_one_line(error, _file_of(build))}"
        ) from error
    checked = _checked(evaluator, found.label)
    if found.id is not None:
        checked.id = found.id
    return checked if isinstance(build, type) else _made_by(found, kwargs, checked)


def _made_by(found: Found, kwargs: Mapping[str, Any], evaluator: Evaluator) -> Evaluator:
    """The evaluator, with a note of what made it: its class alone may build another one."""
    if found.ref:
        vars(evaluator)[_MADE_BY] = ProblemRef(found.ref, plain(dict(kwargs)))
    return evaluator


def _check_settings(found: Found, given: Mapping[str, Any]) -> None:
    """Refuse settings the constructor does not have, and a missing one that has no default."""
    settings = _settings(found)
    build, _ = _recipe(found)
    takes_any = any(p.kind is p.VAR_KEYWORD for p in all_parameters(build).values())
    for name in given:
        if name not in settings and not takes_any:
            mend = did_you_mean(name, settings)
            raise UnknownName(f"{name}: problem {found.label!r} has no such setting; {mend}")
    for name, parameter in settings.items():
        if parameter.default is parameter.empty and name not in given:
            raise InvalidArgument(
                f"{name}: problem {found.label!r} needs this setting; give --set {name}=..."
            )


def _file_of(target: Any) -> str | None:
    """The file that defines a class or function, to point into."""
    try:
        return inspect.getsourcefile(target)
    except TypeError:
        return None


def _checked(evaluator: Any, label: str) -> Evaluator:
    """The evaluator, once it has what every evaluator must have."""
    if not isinstance(evaluator, Evaluator):
        raise ProblemError(
            f"problem {label!r} gives {type(evaluator).__name__}, not a lamcts.Evaluator"
        )
    kind = type(evaluator).__name__
    try:
        space = getattr(evaluator, "space", None)
    except Exception as error:  # a property's
        where = in_one_line(error, _file_of(type(evaluator)))
        raise ProblemError(f"{kind}.space raised {where}") from error
    if space is None:
        raise ProblemError(
            f"{kind} has no space; add for example space = lamcts.spaces.Box(0.0, 1.0, shape=(2,))"
        )
    if evaluator.direction not in get_args(Direction):
        raise ProblemError(
            f"{kind}.direction is {evaluator.direction!r}; write 'minimize' or 'maximize'"
        )
    if isinstance(evaluator.constraints, str):
        raise ProblemError(
            f"{kind}.constraints is a text; write a tuple: constraints = "
            f"({evaluator.constraints!r},)"
        )
    if not isinstance(evaluator.constraints, Iterable):
        raise ProblemError(
            f"{kind}.constraints is {evaluator.constraints!r}; write a tuple: constraints = "
            "('flops<=600e6',), or leave it out"
        )
    if type(evaluator).evaluate is Evaluator.evaluate:
        raise ProblemError(f"{kind} has no evaluate(self, x); write one that returns a number")
    return evaluator


def _named_arguments(evaluator: Evaluator) -> dict[str, Any]:
    """The constructor's arguments by name, so that they can be stored and changed by name."""
    positional, named = evaluator.init_args
    if not positional:
        return dict(named)
    parameters = all_parameters(type(evaluator)).values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(positional) > len(names):
        raise ProblemError(
            f"{type(evaluator).__name__}: its constructor takes arguments without a name; "
            "give every argument a name"
        )
    return {**dict(zip(names, positional, strict=False)), **named}
