"""Measured cells with the query semantics of the official NASBench-101 API.

A query stands for training a network: it costs the training time that was measured, and may come
out as one of several trainings did. Search on validation accuracy; test accuracy is for reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.adapters.nasbench101.cell import Cell
from lamcts.adapters.nasbench101.files.columns import (
    FIGURES,
    FINAL,
    HALFWAY,
    Columns,
    is_saved,
    open_columns,
)
from lamcts.adapters.nasbench101.files.importing import read_text
from lamcts.adapters.nasbench101.files.tfrecord import is_tfrecord
from lamcts.adapters.nasbench101.fingerprint import INVALID, fingerprint, fingerprints, unpack
from lamcts.adapters.nasbench101.space import decode, encode
from lamcts.datasets import find_data
from lamcts.errors import Infeasible, InvalidArgument

__all__ = ["Draw", "NASBench101Table"]

Draw = Literal["mean", "random"]
_SECONDS = "training_time"


class NASBench101Table:
    """A table of measured cells, and what looking them up has cost so far.

    Args:
        columns: The table (`open` finds it by name or path).
        epochs: Length of the trainings that are meant; the greatest in the table by default.
        draw: ``"mean"`` of a cell's trainings, or ``"random"``: one of them, another each time.
        seed: Fixes the random draws.
        count_repeated: Whether a query of a cell that was queried before counts and costs again,
            as it does in the official API.
        count_invalid: Whether a query of what is no cell counts; it never costs time.

    Attributes:
        queries: Queries that count.
        training_seconds: What they cost, in seconds of training.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        epochs: int | None = None,
        draw: Draw = "mean",
        seed: int = 0,
        count_repeated: bool = True,
        count_invalid: bool = False,
    ) -> None:
        if draw not in ("mean", "random"):
            raise InvalidArgument(f"draw: {draw!r} is not known; use mean or random")
        self.columns = columns
        self.epochs = columns.epochs[-1] if epochs is None else epochs
        self.draw = draw
        self.seed = seed
        self.count_repeated = count_repeated
        self.count_invalid = count_invalid
        self._place_of(self.epochs)
        self.reset_budget()

    @classmethod
    def open(cls, source: str | Path, **options: Any) -> NASBench101Table:
        """Open a table.

        Args:
            source: A name under which ``lamcts data add`` stored it, its folder, or a CSV or JSON
                file, which is read as it is.
            **options: As for the class.

        Raises:
            UnknownName: No table has this name.
            InvalidArgument: The table is half written or damaged, or the file is of another kind.
        """
        path = Path(source)
        if path.is_file():
            if is_tfrecord(path):
                raise InvalidArgument(
                    f"table: {path} must be read once: lamcts data add nasbench101 {path}; "
                    "then table=nasbench101"
                )
            return cls(read_text(path), **options)
        # A bare name means a stored table, even where a folder is called like it by chance.
        is_folder = path.is_dir() and (is_saved(path) or len(path.parts) > 1)
        return cls(open_columns(path if is_folder else find_data(str(source))), **options)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, cell: Cell) -> bool:
        try:
            return self._row_of(cell) >= 0
        except InvalidArgument:
            return False

    def reset_budget(self) -> None:
        """Forget which cells were queried and what it cost."""
        self.queries = 0
        self.training_seconds = 0.0
        self._asked: Counter[int] = Counter()

    # -- Queries, which count --------------------------------------------------------------------

    def query(
        self,
        cell: Cell,
        *,
        epochs: int | None = None,
        halfway: bool = False,
        number: int | None = None,
    ) -> dict[str, float]:
        """Figures of a training.

        Args:
            cell: Any drawing of it, pruned or not.
            epochs: Length of the training; the table's own by default.
            halfway: What was measured after half of them, which costs half of the time.
            number: Which random draw: the same number and seed draw the same training. By default
                how often the cell was queried before.

        Returns:
            ``train_accuracy``, ``validation_accuracy``, ``test_accuracy`` in [0, 1],
            ``training_time`` in seconds, as far as they were measured, and ``params``.

        Raises:
            Infeasible: It is no cell of NASBench-101, or the table does not hold it.
            InvalidArgument: The table has no trainings of this length.
        """
        row = self._queried_row(cell)
        trainings = self._trainings(row, epochs, halfway)
        if self.draw == "random":
            nth = self._asked[row] if number is None else number
            trainings = [trainings[self._drawn(row, nth, len(trainings))]]
        found = self._figures(row, trainings)
        self._charge(row, found.get(_SECONDS, 0.0))
        return found

    def each(
        self, cell: Cell, *, epochs: int | None = None, halfway: bool = False
    ) -> list[dict[str, float]]:
        """Figures of each training of a cell, as in `query`; all of them are paid."""
        row = self._queried_row(cell)
        found = [self._figures(row, [one]) for one in self._trainings(row, epochs, halfway)]
        self._charge(row, sum(figures.get(_SECONDS, 0.0) for figures in found))
        return found

    # -- Looking things up, which does not count -------------------------------------------------

    def report(self, cell: Cell, *, epochs: int | None = None) -> dict[str, float]:
        """Mean figures of a cell, as in `query`, for a report: nothing is counted or paid."""
        point = encode(cell)
        return self.look_up(point["edges"], point["ops"], epochs=epochs)

    def look_up(
        self, edges: Sequence[int], ops: Sequence[int], *, epochs: int | None = None
    ) -> dict[str, float]:
        """`report` of one cell as `space.encode` writes it: 21 bits and 5 operations.

        Raises:
            Infeasible: The table does not hold it, or it is no cell.
        """
        row = self.row(edges, ops)
        if row < 0:
            raise Infeasible("the table does not hold this cell")
        return self._figures(row, self._trainings(row, epochs, False))

    def row(self, edges: Sequence[int], ops: Sequence[int]) -> int:
        """Place in the columns of one encoded cell, -1 if there is none."""
        key = fingerprint(edges, ops)
        keys = self.columns.keys
        place = int(keys.searchsorted(np.uint64(key)))
        return place if key != INVALID and place < len(keys) and int(keys[place]) == key else -1

    def rows(self, edges: ArrayLike, ops: ArrayLike) -> NDArray[np.intp]:
        """Places in the columns of (n, 21) bits and (n, 5) operations, -1 for none."""
        keys = fingerprints(edges, ops)
        places = np.minimum(np.searchsorted(self.columns.keys, keys), len(self) - 1)
        return np.where((self.columns.keys[places] == keys) & (keys != INVALID), places, -1)

    def figures(
        self, edges: ArrayLike, ops: ArrayLike, *, epochs: int | None = None, halfway: bool = False
    ) -> dict[str, NDArray[np.float64]]:
        """Mean figures of many encoded cells, (n,) each; NaN where the table has none."""
        rows = self.rows(edges, ops)
        held = rows >= 0
        moment = HALFWAY if halfway else FINAL
        found = np.full((len(rows), len(FIGURES)), np.nan)
        found[held] = _mean(self.columns.figures[rows[held], self._place_of(epochs), :, moment])
        return dict(zip(FIGURES, found.T, strict=True))

    def best(self, figure: str = "validation_accuracy") -> tuple[Cell, float]:
        """The cell with the greatest mean figure, and that figure."""
        every = self.columns.figures[:, self._place_of(None), :, FINAL, FIGURES.index(figure)]
        means = _mean(every)
        row = int(np.nanargmax(means))
        return self.cell(row), float(means[row])

    def measures(self, figure: str) -> bool:
        """Whether any training of the table's epochs has this figure."""
        place = FIGURES.index(figure)
        every = self.columns.figures[:, self._place_of(None), :, FINAL, place]
        return not np.isnan(every).all()

    def cell(self, row: int) -> Cell:
        """A drawing of the cell at a place in the columns."""
        (edges,), (ops,) = unpack(self.columns.codes[[row]])
        return decode({"edges": edges, "ops": ops})

    # -- Inside ----------------------------------------------------------------------------------

    def _place_of(self, epochs: int | None) -> int:
        wanted = self.epochs if epochs is None else epochs
        if wanted not in self.columns.epochs:
            known = ", ".join(map(str, self.columns.epochs))
            raise InvalidArgument(f"epochs: the table has no trainings of {wanted}; use {known}")
        return self.columns.epochs.index(wanted)

    def _row_of(self, cell: Cell) -> int:
        point = encode(cell)
        return self.row(point["edges"], point["ops"])

    def _queried_row(self, cell: Cell) -> int:
        try:
            row = self._row_of(cell)
        except InvalidArgument as error:
            self.queries += self.count_invalid
            raise Infeasible(str(error)) from None
        if row < 0:
            raise Infeasible("the table does not hold this cell")
        return row

    def _trainings(self, row: int, epochs: int | None, halfway: bool) -> list[list[float]]:
        """The `FIGURES` of each training that was done."""
        moment = HALFWAY if halfway else FINAL
        every = self.columns.figures[row, self._place_of(epochs), :, moment].tolist()
        done = [training for training in every if any(figure == figure for figure in training)]
        if not done:
            raise Infeasible("the table has no such training of this cell")
        return done

    def _figures(self, row: int, trainings: Sequence[Sequence[float]]) -> dict[str, float]:
        """Means of what was measured, by name. Plain Python: a few numbers, thousands of times."""
        found = {}
        for name, values in zip(FIGURES, zip(*trainings, strict=True), strict=True):
            measured = [value for value in values if value == value]  # NaN: not measured
            if measured:
                found[name] = sum(measured) / len(measured)
        return {**found, "params": float(self.columns.params[row])}

    def _drawn(self, row: int, nth: int, count: int) -> int:
        text = f"{self.seed} {self.columns.keys[row]} {nth}".encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "little") % count

    def _charge(self, row: int, seconds: float) -> None:
        if self.count_repeated or not self._asked[row]:
            self.queries += 1
            self.training_seconds += seconds
        self._asked[row] += 1


def _mean(trainings: NDArray[Any]) -> NDArray[np.float64]:
    """Mean over axis 1, the repeats, of what was measured; NaN where nothing was."""
    measured = ~np.isnan(trainings)
    total = np.where(measured, trainings, 0).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = total / measured.sum(axis=1)
    return mean
