"""``check_evaluator``: one call that tells a user, in his own terms, what is wrong with his class.

What ``check_env`` is to Gymnasium: it looks at the space, evaluates a point a few times here and
once in a fresh process, and lists what it found. ``lamcts check my_evaluator.py`` prints that.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from lamcts._finding import refuse_while_importing
from lamcts.constraints import Feasibility, check_constraints, parse_constraint
from lamcts.errors import (
    DependencyNotInstalled,
    Infeasible,
    InvalidArgument,
    LamctsError,
    ProblemError,
    in_one_line,
)
from lamcts.evaluator import Evaluator
from lamcts.history import TrialState
from lamcts.outcome import Outcome, as_number, outcome_of
from lamcts.problem import ProblemRef, make_ready, reference_of
from lamcts.progress import duration
from lamcts.spaces import Space, as_space, from_json, to_json

__all__ = ["Finding", "Report", "check_evaluator"]

_SAMPLES = 10  # points that the cheap checks look at
_TRIED = 100  # further ones, where there are constraints
_REPEATS = 3  # evaluations of one point: a stray difference shows less than every second time
_LONG = 30.0  # seconds from which on more workers are worth a word
_FRESH_PROCESS_SECONDS = 120.0  # time to import and build there, beyond the evaluation itself


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        level: ``"ok"``; ``"warning"``: a search works, but not as well as it could; ``"error"``.
        subject: The method or attribute looked at: ``"space"``, ``"evaluate"``, ...
        message: What was found and, if it is wrong, what to do.
    """

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.subject:<10} {self.message}"


@dataclass(frozen=True)
class Report:
    """Everything `check_evaluator` found.

    Attributes:
        problem: The evaluator's name.
        findings: In the order of the checks.
        seconds: Wall time of one evaluation, of the last one here: the first may have loaded and
            compiled what later ones have. ``None`` when none succeeded.
        budget: The problem's ``default_budget``.
    """

    problem: str
    findings: tuple[Finding, ...]
    seconds: float | None
    budget: int = Evaluator.default_budget

    @property
    def ok(self) -> bool:
        """Whether a search can run: there may be warnings, but no error."""
        return all(finding.level != "error" for finding in self.findings)

    def raise_for_errors(self) -> None:
        """Raise the first error found, for use in a test.

        Raises:
            ProblemError: There is one.
        """
        for finding in self.findings:
            if finding.level == "error":
                raise ProblemError(f"{self.problem}: {finding.subject}: {finding.message}")

    def __str__(self) -> str:
        lines = [str(finding) for finding in self.findings]
        if self.seconds is not None:
            lines.append(f"one evaluation took {self.seconds:.3g} s; {self.estimate()}")
        return "\n".join(lines)

    def estimate(self) -> str:
        """How long a search takes, in words, if this evaluation was a usual one."""
        total = (self.seconds or 0.0) * self.budget
        needed = duration(max(1.0, total))
        text = f"a search of {self.budget} (the default budget) takes about {needed}"
        cores = os.cpu_count() or 1
        if total < _LONG or cores == 1:
            return text
        return f"{text}, or {duration(total / cores)} with --workers {cores}"


class _Wrong(Exception):
    """A check failed; the message goes into the report."""


def check_evaluator(evaluator: Evaluator, *, seed: int = 0) -> Report:
    """Check an evaluator against the contract. It is evaluated four times, and closed.

    Args:
        evaluator: What to check.
        seed: Of the points that are tried.

    Returns:
        What was found; nothing is raised for an evaluator that is wrong.

    Raises:
        DependencyNotInstalled: A library that it needs is missing: it may be right elsewhere.
        ProblemError: It is none, or its file checks it wherever that file is imported.
    """
    if not isinstance(evaluator, Evaluator):
        raise ProblemError(f"evaluator: {evaluator!r} is none; give an object, such as Mine()")
    refuse_while_importing("check")
    return _Check(evaluator, seed).run()


class _Check:
    """One pass over an evaluator. Each ``check_*`` returns the words for a good result."""

    def __init__(self, evaluator: Evaluator, seed: int) -> None:
        self.evaluator = evaluator
        self.seed = seed
        self.findings: list[Finding] = []
        self.seconds: float | None = None
        self.cold = 0.0  # seconds of the first evaluation, and of one in a fresh process
        self.space: Space[Any]
        self.points: list[Any] = []
        self.point: Any = None  # one that was evaluated, and its value
        self.value: float | None = None

    def run(self) -> Report:
        if self.examine("space", self.check_space):
            self.examine("canonical", self.check_canonical)
            self.examine("cost", self.check_cost)
            self.examine("decode", self.check_decode)
            self.examine("render", self.check_render)
            if self.examine("prepare", self.check_prepare):
                if self.examine("evaluate", self.check_evaluate):
                    self.examine("evaluate", self.check_repeats)
                self.examine("workers", self.check_workers)
        self.examine("close", self.check_close)
        name = self.evaluator.id or type(self.evaluator).__name__
        budget = self.evaluator.default_budget
        return Report(name, tuple(self.findings), self.seconds, budget)

    def examine(self, subject: str, check: Callable[[], str | None]) -> bool:
        """Run one check and note its outcome. ``None`` from a check means: nothing to say."""
        try:
            message = check()
        except _Wrong as wrong:
            self.note("error", subject, str(wrong))
            return False
        except DependencyNotInstalled:  # this machine's fault, not the evaluator's
            raise
        except LamctsError as error:
            self.note("error", subject, str(error))
            return False
        except (Exception, SystemExit) as error:  # a user's code may raise anything
            self.note("error", subject, f"raised {in_one_line(error)}")
            return False
        if message is not None:
            self.note("ok", subject, message)
        return True

    def note(self, level: Literal["ok", "warning", "error"], subject: str, message: str) -> None:
        self.findings.append(Finding(level, subject, message))

    # -- cheap checks ---------------------------------------------------------------------------

    def check_space(self) -> str:
        self.space = as_space(self.evaluator.space)
        self.space.seed(self.seed)
        self.points = [self.space.sample() for _ in range(_SAMPLES)]
        for x in self.points:
            if x not in self.space:
                raise _Wrong(f"a sampled point, {x!r}, is not contained in {self.space!r}")
        return f"{self.space!r}"

    def check_canonical(self) -> str | None:
        if type(self.evaluator).canonical is Evaluator.canonical:
            return None
        for x in self.points:
            once = self.evaluator.canonical(x)
            if once not in self.space:
                raise _Wrong(f"canonical({x!r}) is {once!r}, which is not in the space")
            twice = self.evaluator.canonical(once)
            if not self.same(once, twice):
                raise _Wrong(
                    f"canonical(canonical(x)) differs from canonical(x): {twice!r}, {once!r}"
                )
        return "in the space, and the same when applied again"

    def check_cost(self) -> str | None:
        if type(self.evaluator).cost is Evaluator.cost:
            return None
        names: set[str] = set()
        for x in self.points:
            with contextlib.suppress(Infeasible):
                before = to_json(self.space, x)
                names |= set(_figures(self.evaluator.cost(x)))
                self.is_unchanged(x, before)
        if not names:
            return f"no figure at any of {_SAMPLES} sampled points"
        return "numbers: " + ", ".join(sorted(names))

    def check_decode(self) -> str | None:
        """``decode(encode(a)) == a`` for the architectures of the sampled points."""
        decode = getattr(self.evaluator, "decode", None)
        encode = getattr(self.evaluator, "encode", None)
        if decode is None or encode is None:
            return None
        for x in self.points:
            try:
                architecture = decode(x)
            except Infeasible:
                continue
            back = encode(architecture)
            if back not in self.space:
                raise _Wrong(f"encode({architecture!r}) is {back!r}, which is not in the space")
            if not _equal(decode(back), architecture):
                raise _Wrong(f"decode(encode(a)) differs from a = {architecture!r}")
        return "decode(encode(a)) is a"

    def check_render(self) -> str | None:
        if type(self.evaluator).render is Evaluator.render:
            return None
        words = self.evaluator.render(self.points[0])
        if not isinstance(words, str):
            raise _Wrong(f"returns {type(words).__name__}; return text")
        return words.splitlines()[0] if words else "(empty)"

    def check_close(self) -> str:
        self.evaluator.close()
        self.evaluator.close()
        return "can be called twice"

    # -- evaluations ----------------------------------------------------------------------------

    def check_prepare(self) -> None:
        make_ready(self.evaluator)

    def check_evaluate(self) -> str:
        """Evaluate the first point that is no infeasible one."""
        reason = ""
        for x in self.within_constraints():
            x = self.evaluator.canonical(x)
            before = to_json(self.space, x)
            start = time.perf_counter()
            try:
                returned = self.evaluator.evaluate(x)
            except Infeasible as error:
                reason = str(error)
                continue
            seconds = time.perf_counter() - start
            self.is_unchanged(x, before)
            outcome = outcome_of(returned, self.evaluator.direction)
            if outcome.state is TrialState.INFEASIBLE:  # an infinitely bad value means the same
                reason = outcome.error or reason
                continue
            self.value, self.point = _value(outcome), x
            self.seconds = self.cold = seconds
            return f"{self.evaluator.direction} {self.value:.6g} at a sampled point"
        raise _Wrong(f"all {_SAMPLES} sampled points are infeasible, the last one: {reason}")

    def is_unchanged(self, x: Any, before: Any) -> None:
        with contextlib.suppress(InvalidArgument):  # it is out of the space now
            if to_json(self.space, x) == before:
                return
        raise _Wrong("changes the point it is given; work on a copy: x = x.copy()")

    def within_constraints(self) -> list[Any]:
        """Points as a search proposes them: sampled, within the problem's own constraints."""
        constraints = [parse_constraint(text) for text in self.evaluator.constraints]
        if not constraints:
            return self.points
        check_constraints(constraints, self.evaluator)
        feasible = Feasibility(constraints, self.evaluator)
        tried = (self.space.sample() for _ in range(_TRIED))
        found = next((x for x in [*self.points, *tried] if feasible(x)), None)
        if found is None:
            words = " and ".join(map(str, constraints))
            raise _Wrong(f"none of {_TRIED} sampled points meets {words}; loosen the constraint")
        return [found]

    def check_repeats(self) -> str | None:
        values = [self.value]
        for _ in range(_REPEATS - 1):
            start = time.perf_counter()
            returned = self.evaluator.evaluate(self.point)
            self.seconds = time.perf_counter() - start
            values.append(_value(outcome_of(returned, self.evaluator.direction)))
        if len(set(values)) == 1:
            return f"the same value {_REPEATS} times"
        if self.evaluator.noisy:
            return f"different values for one point, as its noisy = True says ({_list(values)})"
        self.note(
            "warning",
            "evaluate",
            f"the same point gives different values ({_list(values)}): say noisy = True "
            "if that is meant, else seed what is random from the point",
        )
        self.value = None
        return None

    def check_workers(self) -> str | None:
        """Build and evaluate in a fresh process, as ``--workers`` and ``lamcts resume`` do."""
        try:
            reference = reference_of(self.evaluator)
            order = json.dumps(asdict(reference))
        except (LamctsError, TypeError) as error:
            self.note("warning", "workers", f"only one process can be used: {error}")
            return None
        x = None if self.point is None else to_json(self.space, self.point)
        value = _ask_fresh_process(order, x, _FRESH_PROCESS_SECONDS + 10 * self.cold)
        if value is None:
            return "builds in a fresh process"
        if self.value is None or self.evaluator.noisy:  # nothing to compare with
            return "builds and evaluates in a fresh process"
        if value != self.value:
            self.note(
                "warning",
                "workers",
                f"another process finds {value:.6g}, this one {self.value:.6g}, at the same point",
            )
            return None
        return "builds in a fresh process, with the same value"

    def same(self, a: Any, b: Any) -> bool:
        return bool(to_json(self.space, a) == to_json(self.space, b))


def _value(outcome: Outcome) -> float:
    """The objective in what ``evaluate`` returned, judged as a search judges it."""
    if outcome.value is None:
        raise _Wrong(outcome.error or str(outcome.state))
    return outcome.value


def _figures(figures: Any) -> Mapping[str, float]:
    """Named finite numbers, as ``cost`` must give."""
    if not isinstance(figures, Mapping):
        raise _Wrong(f"returns {figures!r}; return a dict of numbers by name")
    for name, number in figures.items():
        plain = as_number(number)
        if not isinstance(name, str) or plain is None or not math.isfinite(plain):
            raise _Wrong(f"cost[{name!r}] is {number!r}; give a finite number")
    return figures


def _equal(a: Any, b: Any) -> bool:
    """``a == b`` for architectures of any kind, arrays included."""
    equal = a == b
    return bool(np.all(equal)) if isinstance(equal, np.ndarray) else bool(equal)


def _list(values: list[float | None]) -> str:
    return ", ".join(f"{value:.6g}" for value in values if value is not None)


# -- the fresh process -------------------------------------------------------------------------


def _ask_fresh_process(order: str, x: Any, seconds: float) -> float | None:
    """Build the problem, and evaluate ``x`` unless it is ``None``, in a new interpreter."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    code = "from lamcts.testing import _answer; _answer()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=f"{order}\n{json.dumps(x)}\n",
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise _Wrong(f"a fresh process did not build and evaluate it in {seconds:.0f} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise _Wrong(f"a fresh process cannot build it: {last}")
    answer: float | None = json.loads(done.stdout.splitlines()[-1])
    return answer


def _answer() -> None:
    """In the fresh process: read the order from standard input, print the value."""
    order, x = (json.loads(line) for line in sys.stdin)
    evaluator = ProblemRef(**order).build()
    make_ready(evaluator)
    value = None
    if x is not None:
        result = evaluator.evaluate(from_json(as_space(evaluator.space), x))
        value = _value(outcome_of(result, evaluator.direction))
    evaluator.close()
    print("\n" + json.dumps(value))
