"""Any ask/tell optimizer as a leaf solver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["AskTell", "wrap_ask_tell"]

RANKED = 8


class AskTell(Protocol):
    """What must be wrapped: a minimiser over the unit cube that may be told any point."""

    def ask(self) -> Any:
        """A point (d,) of the unit cube."""

    def tell(self, x: Any, y: float) -> Any:
        """The value of a point, to be minimised."""


def wrap_ask_tell(make: Callable[[int, int], AskTell]) -> type[Sampler]:
    """Make an ask/tell optimizer a leaf solver, for `register_sampler`.

    It is told the region's samples, best last, before it is first asked. Points that it proposes
    outside the region are pulled towards the region's best sample, and it is told where they came
    to lie. Failed trials are not told. Another leaf is selected when its ``should_stop()`` says so;
    if it has none, after 60 trials without improvement or five a variable, whichever is more.

    Args:
        make: Called as ``make(dim, seed)`` for each leaf. What it returns must depend on its
            arguments and on the calls made to it alone, or a resumed run will differ.

    Example:
        >>> import numpy as np
        >>> class Walk:
        ...     def __init__(self, dim, seed):
        ...         self.rng, self.best = np.random.default_rng(seed), (np.full(dim, 0.5), np.inf)
        ...     def ask(self):
        ...         x = self.best[0]
        ...         return np.clip(x + 0.1 * self.rng.standard_normal(len(x)), 0.0, 1.0)
        ...     def tell(self, x, y):
        ...         self.best = min(self.best, (x, y), key=lambda pair: pair[1])
        >>> from lamcts.samplers import register_sampler, wrap_ask_tell
        >>> register_sampler("walk", wrap_ask_tell(Walk))
    """

    class Wrapped(Sampler):
        """An ask/tell optimizer in a region."""

        def _begin(self) -> None:
            self._inner = make(self.domain.dim, len(self.y))
            for row in np.argsort(self.y, kind="stable"):
                self._inner.tell(self.Z[row], -float(self.y[row]))
            self._next = np.asarray(self._inner.ask(), dtype=np.float64)
            self._failures = 0  # in a row

        @property
        def done(self) -> bool:
            """The optimizer says that it has converged, or it has found nothing for long."""
            if callable(should_stop := getattr(self._inner, "should_stop", None)):
                return bool(should_stop())
            return self.stalled(self._failures)

        def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
            """Propose what the optimizer asked for last; random points should that be known."""
            anchor = self.Z[self.y.argmax()] if len(self.y) else self._next
            found = self.pull(np.clip(self._next, 0.0, 1.0)[None], anchor)
            return Proposal(np.vstack([found, self.fallback(RANKED, rng)]))

        def note(self, info: Mapping[str, Any]) -> None:
            """Ask the optimizer for its next point, now or when a run is replayed."""
            self._next = np.asarray(self._inner.ask(), dtype=np.float64)

        def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
            """Pass the value on, to be minimised."""
            better = y > self.y.max(initial=-np.inf)
            self._failures = 0 if better else self._failures + 1
            super().tell(z, y, info)
            if not np.isnan(y):
                self._inner.tell(z, -y)

    return Wrapped
