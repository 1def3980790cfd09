"""The problems of each suite, and how an instance of one is built.

A suite is a list of `Case`; a further one, of tables of trained networks say, is a further entry
of `SUITES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamcts.errors import UnknownName, did_you_mean
from lamcts.evaluator import Evaluator
from lamcts.functions import FUNCTIONS

__all__ = ["SUITES", "Case", "choose", "find_case"]

#: Functions of any number of coordinates, whose optimum `Shifted` can move.
_CONTINUOUS = (
    "ackley",
    "dixon-price",
    "ellipsoid",
    "griewank",
    "levy",
    "michalewicz",
    "rastrigin",
    "rosenbrock",
    "schaffer-f7",
    "schwefel",
    "sphere",
    "styblinski-tang",
    "zakharov",
)


@dataclass(frozen=True)
class Case:
    """A problem, of which every instance is the same for all optimizers and all seeds.

    Attributes:
        name: Its name.
        reference: What `lamcts.problem.load_problem` takes.
        settings: How it is built.
        drawn: The settings that differ from one instance to the next: ``instance`` gets the
            instance's number, any other a seed that depends on nothing but name and number.
        has_dim: Whether its number of coordinates can be set.
    """

    name: str
    reference: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    drawn: tuple[str, ...] = ()
    has_dim: bool = False

    def build(self, instance: int, settings: Mapping[str, Any]) -> Evaluator:
        """The instance with this number, 1 or more.

        Args:
            instance: Its number.
            settings: Further settings; they go before the case's own.

        Raises:
            InvalidArgument, UnknownName, ProblemError, DependencyNotInstalled: It cannot be built.
        """
        from lamcts.problem import load_problem

        name = f"{self.name}/{instance}".encode(errors="surrogateescape")
        digest = hashlib.blake2b(name, digest_size=4).digest()
        seed = int.from_bytes(digest, "little")
        drawn = {name: instance if name == "instance" else seed for name in self.drawn}
        return load_problem(self.reference, **{**self.settings, **drawn, **settings})


def _shifted(function: str, *drawn: str, name: str | None = None, **settings: Any) -> Case:
    """A function of ours, shifted; ``drawn`` says what else differs between instances."""
    return Case(
        name or function,
        "lamcts.functions:make_function",
        {"name": function, **settings},
        ("shift_seed", *drawn),
        has_dim=True,
    )


def _table(name: str, problem: str, **settings: Any) -> Case:
    return Case(name, f"lamcts.adapters.tables:{problem}", settings)


#: Every suite by name.
SUITES: dict[str, tuple[Case, ...]] = {
    "synthetic": tuple(_shifted(name) for name in _CONTINUOUS),
    "rotated": tuple(_shifted(name, "rotate_seed", name=f"rotated-{name}") for name in _CONTINUOUS),
    "bbob": tuple(
        Case(
            f"bbob-f{number}",
            "lamcts.functions.bbob:BBOB",
            {"number": number},
            ("instance",),
            has_dim=True,
        )
        for number in range(1, 25)
    ),
    # Bits in random order: neighbours mean nothing.
    "discrete": (
        _shifted("onemax"),
        _shifted("leading-ones", "permute_seed"),
        _shifted("nk", "instance", "permute_seed", name="nk-ring", dim=50, ring=True),
        _shifted("maxsat", "instance"),
        _shifted("qap", "instance"),
    ),
    "mixed": (_shifted("mixed-ackley"),),
    # Tables of trained networks, which have to be in the data directory.
    "nas": (
        _table("nas-nb201-cifar10", "NASBench201", dataset="cifar10"),
        _table("nas-nb201-cifar100", "NASBench201", dataset="cifar100"),
        _table("nas-nb101-small", "NASBench101Small"),
        _table("nas-graph-cora", "NASBenchGraph", dataset="cora"),
        _table("nas-graph-arxiv", "NASBenchGraph", dataset="arxiv"),
        _table("nas-nlp", "NASBenchNLP"),
        _table("nas-accel", "AccelNASBench"),
        _table("nas-lanas-trace", "LaNASTrace"),
    ),
}


def find_case(name: str) -> Case:
    """The case of this name: of a suite, any other function of ours, or any problem reference."""
    bare = name.removesuffix("-v0")
    for suite in SUITES.values():
        for case in suite:
            if case.name == bare:
                return case
    if bare in FUNCTIONS:
        return _shifted(bare)
    return Case(name, name)


def choose(suites: Sequence[str], names: Iterable[str] = ()) -> list[str]:
    """The problems of some suites, or those of them that are named.

    Args:
        suites: Names of `SUITES`.
        names: Problems of these suites, with or without the suite's prefix: ``bbob-f1`` or
            ``f1``. All of them when there is none.

    Raises:
        UnknownName: No such suite, or no such problem in these suites.
    """
    chosen: dict[str, str] = {}
    for suite in suites:
        if suite not in SUITES:
            raise UnknownName(f"suite: {suite!r} is not known; {did_you_mean(suite, SUITES)}")
        chosen |= {case.name: case.name.removeprefix(f"{suite}-") for case in SUITES[suite]}
    if not (wanted := list(names)):
        return list(chosen)
    found: dict[str, None] = {}
    for name in wanted:
        same = [full for full, short in chosen.items() if name in (full, short)]
        if not same:
            mend = did_you_mean(name, {*chosen, *chosen.values()})
            raise UnknownName(f"functions: {name!r} is not in {', '.join(suites)}; {mend}")
        found |= dict.fromkeys(same)
    return list(found)
