"""Configuration files for stock mmdetection, complete in themselves.

    python -m lamcts.adapters.mmdet.config --run RUN > fcos_found.py
    python -m lamcts.adapters.mmdet.config --arch mobilenet_v2 --set necks=256 > fcos_mobile.py

The first writes a run's best detector, the second one of a published backbone. What they are made
of is in `schedule`: a module that the package imports is none to run by ``python -m``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lamcts.adapters.mmdet.evaluator import FCOSBackbone
from lamcts.errors import InvalidArgument, LamctsError
from lamcts.problem import ProblemRef, problem_settings
from lamcts.result import load_result
from lamcts.settings import keyword_parameters, split_settings
from lamcts.storage import read_run

__all__ = ["evaluator_of", "main", "of_run"]


def main(words: Sequence[str] | None = None) -> int:
    """Print the configuration of a run's best detector, or of an architecture."""
    parser = argparse.ArgumentParser(
        prog="python -m lamcts.adapters.mmdet.config", description="Print a configuration file."
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", help="the folder of a run: its best detector")
    which.add_argument("--arch", help="an architecture by name or as JSON")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the problem"
    )
    parser.add_argument("--iterations", type=int, help="train for so many batches")
    parser.add_argument("--batch-size", type=int, help="images in a batch")
    given = parser.parse_args(words)
    try:
        evaluator, x = of_run(given.run, given.set) if given.run else _of(given.arch, given.set)
        changes = {"iterations": given.iterations, "batch_size": given.batch_size}
        schedule = replace(
            evaluator.schedule, **{name: n for name, n in changes.items() if n is not None}
        )
        sys.stdout.write(evaluator.config_text(x, schedule))
    except LamctsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _of(arch: str, pairs: Sequence[str]) -> tuple[FCOSBackbone, Any]:
    evaluator = evaluator_of(pairs)
    return evaluator, evaluator.parse(arch)


def evaluator_of(pairs: Sequence[str]) -> FCOSBackbone:
    """The problem with settings as on a command line.

    Raises:
        LamctsError: One that is none.
    """
    settings, _ = split_settings(pairs, problem=keyword_parameters(FCOSBackbone), optimizer={})
    return FCOSBackbone(**settings)


def of_run(folder: str, pairs: Sequence[str]) -> tuple[FCOSBackbone, Any]:
    """The problem of a run, with settings changed, and its best point."""
    problem = read_run(folder).header["problem"]
    changed, _ = split_settings(pairs, problem=problem_settings(problem["ref"]), optimizer={})
    evaluator = ProblemRef(problem["ref"], {**problem["kwargs"], **changed}).build()
    if not isinstance(evaluator, FCOSBackbone):
        raise InvalidArgument(f"--run: {folder!r} searched no detectors; give one that did")
    return evaluator, load_result(folder).best.x


if __name__ == "__main__":
    sys.exit(main())
