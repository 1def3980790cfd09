"""Problems by name: ``register``, ``make``, ``list_problems``.

A problem is registered with an entry point, a string, so that listing problems imports none of
them. Ids carry a version (``"ackley-v0"``) that moves when a problem's results would move; without
one, the newest is meant. Other packages add problems through the entry-point group
``lamcts.problems``; a file in the shipped ``lamcts.problems`` has a short name, its file's.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from lamcts.errors import (
    DependencyNotInstalled,
    InvalidArgument,
    LamctsError,
    ProblemError,
    UnknownName,
    did_you_mean,
    in_one_line,
)
from lamcts.evaluator import Evaluator

__all__ = [
    "ENTRY_POINT_GROUP",
    "ProblemSpec",
    "find_problem",
    "is_shared",
    "list_problems",
    "make",
    "register",
]

ENTRY_POINT_GROUP = "lamcts.problems"

_ID = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*?)(-v(?P<version>\d+))?")


@dataclass(frozen=True)
class ProblemSpec:
    """What is known of a problem before its module is imported.

    Attributes:
        id: The name it is made by, with its version: ``"nasbench101-v0"``.
        entry_point: ``"package.module:Attribute"``, or ``"package.module"`` for the one evaluator
            defined there.
        kwargs: Settings given to the constructor unless the caller gives others.
        summary: One line for people.
        requires: The extra that must be installed (``pip install "lamcts[<requires>]"``).
    """

    id: str
    entry_point: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    requires: str | None = None

    @property
    def name(self) -> str:
        """The id without its version."""
        match = _ID.fullmatch(self.id)
        return match["name"] if match else self.id  # another package may call it anything

    @property
    def version(self) -> int:
        """The version in the id; -1 for a short name, which has none."""
        match = _ID.fullmatch(self.id)
        return int((match and match["version"]) or -1)

    def load(self) -> Any:
        """Import the entry point.

        Returns:
            The class, factory, instance or module it names.

        Raises:
            DependencyNotInstalled: A library of the extra ``requires`` is missing.
            ProblemError: The module or the attribute does not exist, or does not import.
        """
        module, _, attribute = self.entry_point.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in filter(None, attribute.split(".")):
                found = getattr(found, part)
        except ModuleNotFoundError as error:
            if self.requires is not None:
                raise DependencyNotInstalled(
                    f"problem {self.id!r} needs {error.name!r}, which is not installed; "
                    f'run: pip install "lamcts[{self.requires}]"'
                ) from error
            raise ProblemError(f"problem {self.id!r}: {error} ({self.entry_point})") from error
        except AttributeError as error:
            raise ProblemError(f"problem {self.id!r}: {error} ({self.entry_point})") from error
        except LamctsError:
            raise
        except (Exception, SystemExit) as error:  # a damaged library's, say
            raise ProblemError(
                f"problem {self.id!r} does not import: {in_one_line(error)}"
            ) from error
        return found


_NASBENCH = "cells of the NASBench-101 space, trained or looked up"
_NASNET = "cells of LaNAS' NASNet space or of DARTS', trained small"

#: What ships in ``problems/``, under the file's own name and, where results count, a versioned id.
_SHIPPED = (
    ProblemSpec(
        "efficientnet_imagenet",
        "lamcts.problems.efficientnet_imagenet",
        {},
        "EfficientNet's block space, accuracy predicted or of a stand-in",
        "torch",
    ),
    ProblemSpec(
        "fcos_backbone",
        "lamcts.problems.fcos_backbone",
        {},
        "object detection: backbone, neck, head and input size of an FCOS detector",
        "mmdet",
    ),
    ProblemSpec(
        "mobilenetv3_imagenet",
        "lamcts.problems.mobilenetv3_imagenet",
        {},
        "Once-for-All's MobileNetV3 space, accuracy predicted or of a stand-in",
        "torch",
    ),
    ProblemSpec("my_evaluator", "lamcts.problems.my_evaluator", {}, "a short problem to copy"),
    *(
        ProblemSpec(f"my_{name}_task", f"lamcts.problems.my_{name}_task", {}, summary, "torch")
        for name, summary in (
            ("cv", "images of your own, or handwritten digits, classified"),
            ("nlp", "a language model of characters"),
            ("segmentation", "a class for every pixel, on drawn shapes"),
            ("text", "texts of your own classified, tokenizer included"),
        )
    ),
    ProblemSpec("nasbench", "lamcts.problems.nasbench", {}, _NASBENCH, "torch"),
    ProblemSpec("nasbench101-v0", "lamcts.problems.nasbench", {}, _NASBENCH, "torch"),
    ProblemSpec("nasnet_cifar", "lamcts.problems.nasnet_cifar", {}, _NASNET, "torch"),
    ProblemSpec("nasnet_cifar-v0", "lamcts.problems.nasnet_cifar", {}, _NASNET, "torch"),
    ProblemSpec("synthetic", "lamcts.problems.synthetic", {}, "a test function, wrapped as asked"),
)

_registered: dict[str, ProblemSpec] = {}


def register(
    id: str,
    entry_point: str | Callable[..., Evaluator],
    kwargs: Mapping[str, Any] | None = None,
    *,
    summary: str = "",
    requires: str | None = None,
) -> ProblemSpec:
    """Give a problem a name, for `make` and the command line. Nothing is imported.

    Args:
        id: Its name and version: ``"my-task-v0"``.
        entry_point: ``"package.module:Class"``, or the class or factory itself.
        kwargs: Settings given to the constructor unless the caller gives others.
        summary: One line for people.
        requires: The extra of this package that must be installed.

    Raises:
        InvalidArgument: An id without a version, an id taken by another problem, or a class that
            is local to a function.

    >>> spec = register("my-task-v0", "my_package.tasks:MyTask", summary="what it is")
    >>> spec.name, spec.version
    ('my-task', 0)
    """
    name, version = _split(id)
    if version < 0:
        raise InvalidArgument(f"id: {id!r} has no version; write '{name}-v0'")
    if callable(entry_point):
        name = getattr(entry_point, "__qualname__", "<locals>")
        if "<locals>" in name:
            raise InvalidArgument(f"entry_point: {entry_point} is local; define it in a module")
        entry_point = f"{entry_point.__module__}:{name}"
    if not entry_point or not isinstance(entry_point, str):
        raise InvalidArgument("entry_point: is empty; write 'package.module:Class'")
    spec = ProblemSpec(id, entry_point, dict(kwargs or {}), summary, requires)
    taken = _known().get(id, spec)
    if (taken.entry_point, taken.kwargs) != (spec.entry_point, spec.kwargs):
        raise InvalidArgument(
            f"id: {id!r} is taken by {taken.entry_point}; choose another name or version"
        )
    _registered[id] = spec
    return spec


def list_problems() -> list[ProblemSpec]:
    """Every known problem, by id. No problem's module is imported."""
    return [spec for _, spec in sorted(_known().items())]


def find_problem(id: str) -> ProblemSpec:
    """The problem called ``id``; without a version, the newest of that name.

    Raises:
        UnknownName: No problem has that name; the message holds the nearest one.
    """
    known = _known()
    if id in known:
        return known[id]
    name, version = _split(id)
    same = [spec for spec in known.values() if spec.name == name]
    if same and version < 0:
        return max(same, key=lambda spec: spec.version)
    if same:
        others = ", ".join(sorted(spec.id for spec in same))
        raise UnknownName(f"problem: {name!r} has no version {version}; known: {others}")
    names = {spec.name for spec in known.values()}
    near = did_you_mean(name, names)
    mend = near if near.startswith("did") else "`lamcts problems` lists the names"
    raise UnknownName(f"problem: {id!r} is not known; {mend}")


def is_shared(id: str) -> bool:
    """Whether every process knows ``id``: not so when only this one registered it."""
    return id in _known() and id not in _registered


def make(id: str, **kwargs: Any) -> Evaluator:
    """Build a registered problem.

    Args:
        id: ``"ackley-v0"``, or ``"ackley"`` for the newest version.
        **kwargs: Settings of the problem; they replace the registered ones.

    Raises:
        UnknownName: No such problem or setting.
        DependencyNotInstalled: A library the problem needs is missing.
    """
    from lamcts.problem import load_problem

    return load_problem(find_problem(id).id, **kwargs)


def _known() -> dict[str, ProblemSpec]:
    """All specs by id."""
    known = {spec.id: spec for spec in (*_SHIPPED, *_functions(), *_installed())}
    return known | _registered


def _functions() -> list[ProblemSpec]:
    """One problem for each test function: ``ackley-v0``, ``levy-v0``, ..."""
    from lamcts.functions import FUNCTIONS

    return [
        ProblemSpec(
            f"{name}-v0",
            "lamcts.problems.synthetic",
            {"function": name},
            "test function with a known optimum",
        )
        for name in FUNCTIONS
    ]


def _installed() -> list[ProblemSpec]:
    """Problems that other installed packages announce through the entry-point group."""
    return [
        ProblemSpec(point.name, point.value, {}, f"from {point.dist.name if point.dist else '?'}")
        for point in metadata.entry_points(group=ENTRY_POINT_GROUP)
    ]


def _split(id: str) -> tuple[str, int]:
    """``"ackley-v0"`` as ``("ackley", 0)``; version -1 when there is none."""
    match = _ID.fullmatch(id) if isinstance(id, str) else None
    if match is None:
        raise InvalidArgument(f"id: {id!r} is not a problem name; write for example 'my-task-v0'")
    return match["name"], int(match["version"] or -1)
