"""Which tables are known, where they are published, and what reads them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lamcts.errors import LamctsError, UnknownName, did_you_mean

__all__ = ["DataError", "DatasetSpec", "Importer", "Progress", "find_dataset", "list_datasets"]

#: Called with the bytes done and the bytes there are.
Progress = Callable[[int, int], None]


class DataError(LamctsError):
    """Data that cannot be fetched, stored or found."""

    exit_code = 1


class Importer(Protocol):
    """Turns a published file into a folder."""

    def __call__(
        self, source: Path, folder: Path, *, verify: bool, progress: Progress | None
    ) -> dict[str, Any]:
        """Fill ``folder``, which may hold what an earlier call for this source left when killed.

        Args:
            source: The published file.
            folder: Where to write; moved to its place when this returns.
            verify: Check everything the format allows to check.
            progress: To be told how far it is.

        Returns:
            Facts for people, as JSON values: counts, and ``summary``, one line.
        """


@dataclass(frozen=True)
class DatasetSpec:
    """What is known of a table before anything is read.

    Attributes:
        id: Its name, and the name it is stored under unless another is asked for.
        importer: ``"package.module:function"``, an `Importer`.
        summary: One line for people.
        url: Where it is published.
        sha256: Of the published file.
        size: Bytes of the published file, about.
    """

    id: str
    importer: str
    summary: str
    url: str
    sha256: str
    size: int

    def load(self) -> Importer:
        """Import the importer."""
        module, _, name = self.importer.partition(":")
        found: Importer = getattr(importlib.import_module(module), name)
        return found


_NASBENCH101 = "lamcts.adapters.nasbench101.files.importing:import_file"
_CIFAR = "lamcts.adapters.training.cifar:import_archive"
_SHIPPED = (
    DatasetSpec(
        "nasbench101",
        _NASBENCH101,
        "423,624 cells trained 3 times for 108 epochs on CIFAR-10",
        "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
        "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
        499_000_000,
    ),
    DatasetSpec(
        "nasbench101-full",
        _NASBENCH101,
        "the same cells trained for 4, 12, 36 and 108 epochs",
        "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
        "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
        1_950_000_000,
    ),
    DatasetSpec(
        "cifar10",
        _CIFAR,
        "60,000 colour images of 32x32 in 10 classes",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        170_498_071,
    ),
    DatasetSpec(
        "cifar100",
        _CIFAR,
        "60,000 colour images of 32x32 in 100 classes",
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        169_001_437,
    ),
)


def list_datasets() -> tuple[DatasetSpec, ...]:
    """Every known table. Nothing is imported."""
    return _SHIPPED


def find_dataset(id: str) -> DatasetSpec:
    """The table called ``id``.

    Raises:
        UnknownName: There is none; the message holds the nearest name.
    """
    known = {spec.id: spec for spec in _SHIPPED}
    if id not in known:
        raise UnknownName(f"KIND: {id!r} is no known table; {did_you_mean(id, known)}")
    return known[id]
