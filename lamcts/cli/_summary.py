"""The end of a run in words."""

from __future__ import annotations

import json
from typing import Any

from lamcts.cli._output import figures, number, print_text
from lamcts.domain import ENUMERABLE
from lamcts.errors import LamctsError
from lamcts.progress import duration
from lamcts.result import Result
from lamcts.spaces import Codec, to_json

__all__ = ["print_summary"]

_WHY = {
    "budget": "",
    "timeout": "stopped by --timeout",
    "exhausted": "every point of the space was tried",
    "interrupted": "interrupted",
    "callback": "stopped by a callback",
    "failures": "stopped: too many trials failed",
    "running": "still running, or killed",
}
_INDENT = 14


def print_summary(result: Result, overhead: float | None = None) -> None:
    """Print what a run found: the best point, its figures, the trials, the folder.

    Args:
        result: Of the run.
        overhead: Seconds that a trial cost beside its evaluation, where that is known.
    """
    rows: list[tuple[str, str]] = [("problem", f"{result.problem} ({result.direction})")]
    try:
        best = result.best
    except LamctsError as error:
        rows.append(("best", str(error).removeprefix("best: ")))
    else:
        trial = f"trial {best.number}" + (", known" if best.known else "")
        if result.estimate is None:
            rows.append(("best value", f"{number(best.value)} ({trial})"))
        else:  # of noisy values the highest is a lucky one, so another decides
            mean, seen = number(result.estimate), number(best.value)
            rows.append(("best", f"estimated mean {mean} ({trial}, observed {seen})"))
        rows.append(("found", result.words or _short(result, best.x)))
        for name, named in (("metrics", best.metrics), ("test", result.test), ("cost", best.cost)):
            if named:
                rows.append((name, figures(named)))
    known = f", {result.known} known" if result.known else ""
    rows.append(("trials", f"{result.tally or 'none'} (budget {result.budget}){known}"))
    rows.append(("optimizer", f"{result.optimizer}, seed {result.seed}"))
    reason = _WHY[result.stopped]
    if result.stopped == "exhausted" and Codec(result.space).n_points > ENUMERABLE:
        reason = "no further point that may be tried was found"
    rows.append(("time", duration(result.seconds) + (f"; {reason}" if reason else "")))
    if overhead is not None:
        rows.append(("overhead", f"{1000 * overhead:.3g} ms a trial to propose and to store it"))
    if result.folder is not None:
        rows.append(("run", str(result.folder)))
    for name, text in rows:
        print_text(name.ljust(_INDENT) + text.replace("\n", "\n" + " " * _INDENT))


def _short(result: Result, x: Any) -> str:
    return json.dumps(_rounded(to_json(result.space, x)))


def _rounded(data: Any) -> Any:
    """Six digits are enough to read; the run file has them all."""
    if isinstance(data, float):
        return float(f"{data:.6g}")
    if isinstance(data, list):
        return [_rounded(item) for item in data]
    if isinstance(data, dict):
        return {name: _rounded(item) for name, item in data.items()}
    return data
