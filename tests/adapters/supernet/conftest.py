"""A small supernet of cells, trained for a few seconds, once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.supernet.folder import Record

Problem = Callable[..., NASNetCIFAR]


def train(problem: NASNetCIFAR, folder: Path, *, epochs: int, **options: Any) -> Record:
    """Train a supernet for some epochs."""
    return problem.train_supernet(folder, recipe=problem.supernet_recipe(epochs=epochs), **options)


@pytest.fixture(scope="session")
def make() -> Problem:
    """The problem in a size for tests."""
    pytest.importorskip("torch")

    def problem(**settings: Any) -> NASNetCIFAR:
        small = {"encoding": "one-shot", "nodes": 2, "proxy_channels": 4, "proxy_cells": 2}
        return NASNetCIFAR(**{**small, "epochs": 1, **settings})

    return problem


@pytest.fixture(scope="session")
def folder(make: Problem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the supernet is."""
    folder = tmp_path_factory.mktemp("supernets") / "whole"
    train(make(), folder, epochs=5)
    return folder
