"""The seam for measured tables: anything that answers `CellTable.query` can replace training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from lamcts.adapters.nasbench101.cell import Cell

__all__ = ["CellTable"]


@runtime_checkable
class CellTable(Protocol):
    """Published or recorded figures of cells, for `NASBench101(table=...)`."""

    def query(self, cell: Cell) -> Mapping[str, float]:
        """Figures of a pruned cell, given in its canonical numbering.

        Returns:
            ``validation_accuracy`` and ``test_accuracy`` in [0, 1], and any others.

        Raises:
            lamcts.Infeasible: When the table does not hold the cell.
        """
