"""One detector, trained by mmengine's Runner: quietly, in a folder, from where it was cut."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from lamcts.adapters.mmdet.hooks import CurveHook, named
from lamcts.adapters.training.randomness import seeded

__all__ = ["CHECKPOINT", "clean", "train_detector"]

CHECKPOINT = "checkpoint.pth"


def train_detector(
    config: Mapping[str, Any],
    folder: Path,
    report: Callable[[int, float], None],
    *,
    threads: int = 1,
    test: bool = False,
) -> dict[str, float]:
    """Train a detector, or go on with it where the folder has a checkpoint.

    Args:
        config: As `make_config` makes it.
        folder: For the checkpoint and the log.
        report: Takes iteration and validation AP, after each validation; it may raise.
        threads: Of the CPU.
        test: Whether to score the trained detector on the test images too.

    Returns:
        ``AP``, ``AP50``, ... in [0, 1] of the last validation; or of the test, if asked for.
    """
    checkpoint = folder / CHECKPOINT
    hook = CurveHook(checkpoint, report)
    with _quiet(folder / "output.log"), _threads(threads):
        device = torch.device(get_device())
        with seeded(int(config["randomness"]["seed"]), device):
            runner = Runner.from_cfg(_for_here(config, folder, checkpoint))
            try:
                runner.register_hook(hook)
                runner.train()
                if test:
                    return named(runner.test())
            finally:
                _close(runner)
    return {name: value for name, value in hook.curve[-1].items() if name != "step"}


def _for_here(config: Mapping[str, Any], folder: Path, checkpoint: Path) -> Config:
    """A configuration for this process: our hook saves, and nothing global stays changed."""
    resumed = {"load_from": str(checkpoint), "resume": True} if checkpoint.exists() else {}
    hooks = {**config["default_hooks"], "checkpoint": None}
    method = multiprocessing.get_start_method(allow_none=True)
    processes = {"mp_start_method": method, "opencv_num_threads": 1}
    here = {
        "work_dir": str(folder),
        "experiment_name": f"lamcts-{uuid.uuid4().hex}",  # the name of its logger, too
        "default_hooks": hooks,
        "custom_hooks": [],
        "env_cfg": {**config["env_cfg"], "mp_cfg": processes},
    }
    return Config({**config, **here, **resumed})


def _close(runner: Any) -> None:
    """Let go of the log files; a logger outlives its runner."""
    for handler in list(runner.logger.handlers):
        runner.logger.removeHandler(handler)
        handler.close()
    runner.logger.addHandler(logging.NullHandler())


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """What is printed goes to a file; warnings of other packages nowhere."""
    with (
        log.open("a", encoding="utf-8") as file,
        contextlib.redirect_stdout(file),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def clean(folder: Path, *, keep: bool) -> None:
    """Delete the checkpoint of a finished training; or all of it but the weights."""
    checkpoint = folder / CHECKPOINT
    if keep:
        whole = torch.load(checkpoint, map_location="cpu", weights_only=True)
        slim = {name: whole[name] for name in ("meta", "state_dict")}
        torch.save(slim, folder / "detector.pth")
    checkpoint.unlink()
