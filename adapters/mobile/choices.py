"""The choices of a family as columns of small integers: many architectures in one array.

A row of *codes* (p,) holds the index of each choice among its options: the scale, the depth of
each stage, then kernel, expansion and squeeze of each block (or stage). What has one option only
has no column. Kernel, expansion and squeeze of a block beyond its stage's depth mean nothing: in
canonical form they are 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts import spaces
from lamcts.adapters.mobile.stages import Block, Family, Network
from lamcts.errors import InvalidArgument

__all__ = ["KINDS", "Choice", "Choices", "Codes"]

Codes = NDArray[np.int64]

#: What is chosen, in the order of the columns; also the keys of a point.
KINDS = ("scale", "depths", "kernels", "expands", "squeeze")

_NONE = -1  # the column of what is not chosen: one of zeros, after the others


@dataclass(frozen=True)
class Choice:
    """One column.

    Attributes:
        kind: One of `KINDS`.
        options: The values that its codes stand for, two or more.
        place: Index of the block that it is for, or of the first one; -1 for scale and depths.
    """

    kind: str
    options: tuple[Any, ...]
    place: int = -1


class Choices:
    """Columns of a family, and what rows of codes mean.

    Args:
        family: The family.

    Attributes:
        columns: All choices, in order.
        places: Stage and number in the stage of each block there can be.
    """

    def __init__(self, family: Family) -> None:
        self.family = family
        scales = range(len(family.scales))
        #: (scales, stages, most options) number of blocks.
        self._depths = np.array(
            [
                [
                    [
                        family.depth(scale, index, min(choice, len(stage.depths) - 1))
                        for choice in range(max(len(s.depths) for s in family.stages))
                    ]
                    for index, stage in enumerate(family.stages)
                ]
                for scale in scales
            ]
        )
        most = self._depths.max(axis=(0, 2)).tolist()
        self.places = [(stage, nth) for stage, blocks in enumerate(most) for nth in range(blocks)]
        self.columns: list[Choice] = []
        self._scale = self._add("scale", tuple(scale.name for scale in family.scales))
        self._stage_depth = np.array([self._add("depths", s.depths) for s in family.stages])
        self._of_place = {kind: self._of_places(kind) for kind in KINDS[2:]}
        placed = [(index, c.place) for index, c in enumerate(self.columns) if c.place >= 0]
        self._block_columns, self._first_block = np.array(placed, dtype=np.intp).T
        self._stage = np.array([stage for stage, _ in self.places])
        self._nth = np.array([nth for _, nth in self.places])

    def _add(self, kind: str, options: tuple[Any, ...], place: int = -1) -> int:
        """A new column's index; none for a single option."""
        if len(options) < 2:
            return _NONE
        self.columns.append(Choice(kind, options, place))
        return len(self.columns) - 1

    def _of_places(self, kind: str) -> NDArray[np.intp]:
        """(blocks,) the column of a kind for each block."""
        found: list[int] = []
        for place, (stage, nth) in enumerate(self.places):
            if nth and not self.family.per_block:
                found.append(found[-1])
            else:
                found.append(self._add(kind, getattr(self.family.stages[stage], kind), place))
        return np.array(found, dtype=np.intp)

    # -- rows of codes -----------------------------------------------------------------------

    def scale(self, codes: Codes) -> Codes:
        """(n,) index of the scale of rows (n, p)."""
        return self._column(codes, self._scale)

    def of_blocks(self, kind: str, codes: Codes) -> Codes:
        """(n, blocks) index of an option of the block's stage, for rows (n, p)."""
        return self._column(codes, self._of_place[kind])

    def active(self, codes: Codes) -> NDArray[np.bool_]:
        """(n, blocks) which blocks the networks of rows (n, p) have."""
        choice = self._column(codes, self._stage_depth)
        depth = self._depths[self.scale(codes)[:, None], np.arange(choice.shape[1]), choice]
        return np.asarray(self._nth < depth[:, self._stage])

    def used(self, codes: Codes) -> NDArray[np.bool_]:
        """(n, p) which codes mean something: those not of a missing block."""
        found = np.ones(codes.shape, dtype=bool)
        if self.family.per_block:  # else a stage's first block has what all of them have
            found[:, self._block_columns] = self.active(codes)[:, self._first_block]
        return found

    def canonical(self, codes: Codes) -> Codes:
        """(n, p) the one row that stands for each with the same network."""
        return np.where(self.used(codes), codes, 0)

    def network(self, row: Codes) -> Network:
        """The network of one row (p,)."""
        codes = row[None]
        scale = int(self.scale(codes)[0])
        chosen = np.stack([self.of_blocks(kind, codes)[0] for kind in KINDS[2:]], axis=1)
        blocks = tuple(
            self.block(scale, place, *chosen[place].tolist())
            for place in np.flatnonzero(self.active(codes)[0]).tolist()
        )
        return self.family.network(scale, blocks)

    def block(self, scale: int, place: int, kernel: int, expand: int, squeeze: int) -> Block:
        """The block of a place; all by index."""
        stage, nth = self.places[place]
        options = self.family.stages[stage]
        return self.family.block(
            scale,
            stage,
            nth,
            kernel=options.kernels[kernel],
            expand=options.expands[expand],
            squeeze=options.squeeze[squeeze],
        )

    def sample(self, rng: np.random.Generator, n: int) -> Codes:
        """(n, p) rows drawn uniformly, in canonical form."""
        return self.canonical(rng.integers(self._sizes, size=(n, len(self._sizes))))

    @staticmethod
    def _column(codes: Codes, columns: Any) -> Codes:
        padded = np.zeros((len(codes), codes.shape[1] + 1), dtype=codes.dtype)
        padded[:, :-1] = codes
        found: Codes = padded[:, columns]
        return found

    # -- points of the space -----------------------------------------------------------------

    @cached_property
    def kinds(self) -> dict[str, list[int]]:
        """The columns of each kind that has any."""
        found: dict[str, list[int]] = {}
        for index, choice in enumerate(self.columns):
            found.setdefault(choice.kind, []).append(index)
        return found

    def make_space(self) -> spaces.Dict:
        """A fresh space; its points hold codes, in arrays by kind (the scale is one number)."""
        return spaces.Dict([(kind, self._part(kind)) for kind in self.kinds])

    def _part(self, kind: str) -> spaces.Space[Any]:
        # Categories, although sizes have an order: searches on integers found worse networks.
        sizes = self._sizes[self.kinds[kind]]
        return spaces.Discrete(sizes[0]) if kind == "scale" else spaces.MultiDiscrete(sizes)

    @cached_property
    def _sizes(self) -> Codes:
        """(p,) numbers of options."""
        return np.array([len(choice.options) for choice in self.columns])

    def row(self, x: Mapping[str, Any]) -> Codes:
        """(p,) codes of a point.

        Raises:
            InvalidArgument: When ``x`` is not a point of the space.
        """
        # Not by the space: a search asks hundreds of times for each point that it proposes.
        try:
            parts = [np.ravel(x[kind]) for kind in self.kinds]
            codes = np.concatenate(parts)
            sizes = [len(part) for part in parts]
        except (KeyError, TypeError, ValueError, IndexError):
            codes, sizes = np.zeros(0), []
        if (
            codes.dtype.kind not in "iu"
            or sizes != [len(columns) for columns in self.kinds.values()]
            or len(x) != len(sizes)
            or ((codes < 0) | (codes >= self._sizes)).any()
        ):
            raise InvalidArgument(f"x: {x!r} is not a point of {self.make_space()!r}")
        return codes.astype(np.int64)

    def point(self, row: Codes | Sequence[int]) -> dict[str, Any]:
        """The point of codes (p,)."""
        codes = np.asarray(row, dtype=np.int64)
        return {
            kind: codes[columns[0]].item() if kind == "scale" else codes[columns]
            for kind, columns in self.kinds.items()
        }
