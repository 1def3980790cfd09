"""Made-up records, whose figures are worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lamcts.benchmark import Record, Task

MakeRecord = Callable[..., Record]


@pytest.fixture
def record() -> MakeRecord:
    """A minimising run of 10 evaluations that improves with every one of its values."""

    def make(
        optimizer: str,
        seed: int,
        *values: float,
        problem: str = "levy",
        optimum: float | None = 0.0,
        error: str | None = None,
        dim: int = 1,
    ) -> Record:
        return Record(
            Task(problem, optimizer, seed, budget=10),
            optimum=optimum,
            dim=dim,
            trace=tuple(enumerate(values, start=1)),
            evaluations=10,
            cpu_ms=2.0,
            peak_mb=100.0 + seed,
            version="made up 1.0",
            error=error,
        )

    return make


@pytest.fixture
def records(record: MakeRecord) -> list[Record]:
    """Two optimizers on one problem with three seeds."""
    return [
        record("good", 0, 8.0, 4.0, 1.0),
        record("good", 1, 9.0, 2.0),
        record("good", 2, 9.0, 6.0, 3.0),
        record("bad", 0, 8.0, 4.0),
        record("bad", 1, 9.0, 2.0),
        record("bad", 2, 9.0, 7.0, 6.0),
    ]
