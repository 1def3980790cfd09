"""A Gaussian process for discrete and mixed points that is cheap to climb.

``k(x, x') = s2 exp(-m / l_u) Matern52(|b - b'| / l_b)``: ``m`` counts the unordered variables
(switches and categories) in which two points differ, ``b`` are the numeric ones. It is the product
kernel of Hutter, Hoos and Leyton-Brown 2011 with one length for all unordered variables and one for
all numeric ones: three hyperparameters learn from a dozen points what one a variable cannot from a
hundred, and the posterior mean at *every* single change of a point costs one product of a vector
with the one-hot data. Long lengths make it a linear model, short ones a rugged landscape.

A number's range is its user's guess, and many a hyperparameter hardly matters: each number is
stretched or shrunk where the data say so clearly enough (automatic relevance determination, with a
prior for none).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamcts.surrogate import linalg

if TYPE_CHECKING:
    from lamcts.spaces import Codec

__all__ = ["Layout", "OverlapModel"]

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Values the hyperparameters take. The likelihood is flat: a finer grid finds nothing better.
UNORDERED_LENGTHS = 2.0 ** np.arange(-5, 4)  # times the number of unordered variables
NUMERIC_LENGTHS = 2.0 ** np.arange(-5, 4)  # times the square root of the number of numeric ones
NOISES = np.array([1e-6, 1e-4, 1e-2, 1e-1, 1.0])
#: Whether values enter as they are, or as the logarithm of what they lack to the best.
WARPS = np.array([False, True])
GRID = (UNORDERED_LENGTHS, NUMERIC_LENGTHS, NOISES, WARPS)
FIRST = (4, 4, 1, 0)
#: The powers of two that a number can be stretched by, from the one to the other in such steps, and
#: what each power costs in log likelihood.
STRETCH_MIN, STRETCH_MAX, STRETCH_STEP, STRETCH_COST = -6.0, 2.0, 2.0, 0.5


class Layout:
    """Which columns of the unit cube are levels of unordered variables, and which are numbers.

    Attributes:
        n: Number of unordered variables.
        numeric: (b,) columns of the numeric variables.
        owner: (K,) the unordered variable that each of their K levels belongs to.
    """

    def __init__(self, codec: Codec) -> None:
        unordered = [v for v in codec.variables if v.kind == "categorical" or v.size == 2]
        numeric = [v for v in codec.variables if v.kind != "categorical" and v.size not in (1, 2)]
        self.n = len(unordered)
        self.numeric = np.array([v.columns.start for v in numeric], dtype=int)
        sizes = np.array([v.size for v in unordered], dtype=int)
        self.owner = np.repeat(np.arange(self.n), sizes)
        level = np.arange(len(self.owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        first = np.array([v.columns.start for v in unordered], dtype=int)[self.owner]
        self._binary = sizes[self.owner] == 2
        self._column = np.where(self._binary, first, first + level)
        self._off = self._binary & (level == 0)

    def levels(self, Z: Array) -> Bools:
        """(n, K) which level each unordered variable has, one-hot; two columns for a switch."""
        return np.asarray((Z[:, self._column] > 0.5) ^ self._off)

    def change(self, z: Array, entries: NDArray[np.intp]) -> Array:
        """(m, d) copies of ``z`` (d,), each with the level of one of ``entries`` (m,) set."""
        Z = np.repeat(z[None], len(entries), axis=0)
        for row, entry in zip(Z, entries, strict=True):
            if self._binary[entry]:
                row[self._column[entry]] = 0.25 if self._off[entry] else 0.75
            else:
                row[self._column[self.owner == self.owner[entry]]] = 0.0
                row[self._column[entry]] = 1.0
        return Z


class OverlapModel:
    """The Gaussian process, conditioned on points and values.

    Predictions are in the units of ``values``, which grow with ``y``.

    Args:
        layout: Of the space.
        Z: (n, d) points.
        y: (n,) their values, finite.
        theta: Where in `GRID` the hyperparameters are.
        stretch: (b,) the power of two that each number is stretched by; 0 for all if not given.

    Attributes:
        values: (n,) ``y``, warped or not, with mean 0 and variance 1.
    """

    values: Array
    stretch: Array
    _levels: Array
    _numbers: Array
    _variance: float

    def __init__(
        self,
        layout: Layout,
        Z: Array,
        y: Array,
        theta: tuple[int, ...] = FIRST,
        stretch: Array | None = None,
    ) -> None:
        self.layout = layout
        self._Z, self._y = Z, y
        self._stretch_by(np.zeros(len(layout.numeric)) if stretch is None else stretch)
        self._condition(theta)

    def improve(self, rounds: int) -> OverlapModel:
        """Go to likelier neighbours in the grid, at most ``rounds`` times; returns itself."""
        used = (self.layout.n > 0, self._numbers.shape[1] > 0, True, True)
        for _ in range(rounds):
            before = self.theta
            for axis in np.flatnonzero(used):
                at = self.theta
                for step in (-1, 1):
                    to = at[axis] + step
                    if 0 <= to < len(GRID[axis]):
                        self._try((*at[:axis], to, *at[axis + 1 :]))
            if self.theta == before:
                break
        return self

    def attend(self, numbers: Iterable[int]) -> OverlapModel:
        """Stretch or shrink each of these numbers by a step, where it is likelier; returns self."""
        for number in numbers:
            for step in (STRETCH_STEP, -STRETCH_STEP):
                kept, evidence = self.stretch, self._evidence
                to = kept.copy()
                to[number] = np.clip(to[number] + step, STRETCH_MIN, STRETCH_MAX)
                self._stretch_by(to)
                self._condition(self.theta)
                if self._evidence > evidence:
                    break
                self._stretch_by(kept)
                self._condition(self.theta)
        return self

    def predict(self, Z: Array) -> tuple[Array, Array]:
        """Posterior mean (m,) and standard deviation (m,) at ``Z`` (m, d)."""
        k = self._cross(Z)
        mean = k @ self._alpha
        white = linalg.whiten(self._R_inverse, k)
        explained = np.einsum("ij,ij->i", white, white)
        return mean, np.sqrt(self._variance * np.maximum(1.0 - explained, 1e-12))

    def mean(self, Z: Array) -> Array:
        """Posterior mean (m,) at ``Z`` (m, d)."""
        return np.asarray(self._cross(Z) @ self._alpha)

    def single_changes(self, z: Array) -> tuple[float, Array]:
        """Posterior mean at ``z`` (d,), and with each of the K levels set in it, (K,)."""
        own = self.layout.levels(z[None])[0]
        w = self._cross(z[None])[0] * self._alpha
        share, total = w @ self._levels, float(w.sum())
        # A change gains a match with the points of the new level and loses one with the old's.
        gain, loss = np.expm1(1.0 / self._length), np.expm1(-1.0 / self._length)
        old = np.zeros(self.layout.n)
        old[self.layout.owner[own]] = share[own]
        means = total + gain * share + loss * old[self.layout.owner]
        means[own] = total
        return total, means

    def suppose(self, Z: Array) -> OverlapModel:
        """Go on as if ``Z`` (m, d) had come out as expected: less is to be learned there."""
        mean = self.mean(Z)
        levels, numbers = self._split(Z)
        self._levels = np.vstack([self._levels, levels])
        self._numbers = np.vstack([self._numbers, numbers])
        self._mismatch, self._distance = self._apart(self._levels, self._numbers)
        self._factor(np.append(self.values, mean))
        return self

    @property
    def _length(self) -> float:
        return float(UNORDERED_LENGTHS[self.theta[0]] * max(self.layout.n, 1))

    def _stretch_by(self, stretch: Array) -> None:
        """Stretch the numbers; the model has to be conditioned again."""
        self.stretch = stretch
        self._levels, self._numbers = self._split(self._Z)
        self._mismatch, self._distance = self._apart(self._levels, self._numbers)

    def _condition(self, theta: tuple[int, ...]) -> None:
        self.theta = theta
        values, log_slope = _standardise(self._y, bool(WARPS[theta[3]]))
        log_det = self._factor(values)
        n = len(values)
        self._evidence = log_slope - log_det - 0.5 * n * float(np.log(self._variance))
        self._evidence -= STRETCH_COST * float(np.abs(self.stretch).sum())

    def _try(self, theta: tuple[int, ...]) -> None:
        """Take ``theta`` over if it is likelier."""
        kept, evidence = self.theta, self._evidence
        self._condition(theta)
        if self._evidence <= evidence:
            self._condition(kept)

    def _factor(self, values: Array) -> float:
        """Condition on the data with these values; half the log determinant."""
        K = self._covariance(self._mismatch, self._distance)
        K.flat[:: len(K) + 1] += NOISES[self.theta[2]]
        R = linalg.cholesky(K)
        self._R_inverse = linalg.triangular_inverse(R)
        white = values @ self._R_inverse
        self._alpha = self._R_inverse @ white
        # the scale of highest likelihood has a closed form
        self._variance = max(float(white @ white) / len(white), 1e-12)
        self.values = values
        return float(np.log(np.diagonal(R)).sum())

    def _cross(self, Z: Array) -> Array:
        """Correlations (m, n) of ``Z`` (m, d) with the data."""
        return self._covariance(*self._apart(*self._split(Z)))

    def _split(self, Z: Array) -> tuple[Array, Array]:
        """Levels (m, K) and stretched numbers (m, b) of points (m, d)."""
        numbers = Z[:, self.layout.numeric] * np.exp2(self.stretch)
        return self.layout.levels(Z).astype(np.float64), numbers

    def _apart(self, levels: Array, numbers: Array) -> tuple[Array, Array]:
        """Mismatches (m, n) and distances (m, n) to the data."""
        mismatch = self.layout.n - levels @ self._levels.T
        square = (numbers**2).sum(axis=1)[:, None] + (self._numbers**2).sum(axis=1)
        square -= 2.0 * numbers @ self._numbers.T
        return mismatch, np.sqrt(np.maximum(square, 0.0))

    def _covariance(self, mismatch: Array, distance: Array) -> Array:
        k = np.exp(mismatch / -self._length)
        if self._numbers.shape[1]:
            length = NUMERIC_LENGTHS[self.theta[1]] * np.sqrt(self._numbers.shape[1])
            s = np.sqrt(5.0) / length * distance
            k *= (1.0 + s + s * s / 3.0) * np.exp(-s)
        return np.asarray(k)


def _standardise(y: Array, warp: bool) -> tuple[Array, float]:
    """(n,) values of mean 0 and variance 1, and the sum of the log slopes of that map.

    The slopes make likelihoods with and without the warp comparable (Snelson, Rasmussen and
    Ghahramani 2003). Constant values become 0.
    """
    y = y / (float(np.abs(y).max()) or 1.0)  # no square of a huge value overflows
    log_slope = 0.0
    if warp:
        lack = y.max() - y
        lack += np.quantile(lack, 0.1) + 1e-3 * float(lack.mean()) + 1e-300
        y = -np.log(lack)
        log_slope = float(y.sum())
    scale = float(y.std())
    if scale < 1e-12:
        return np.zeros_like(y), log_slope
    return (y - y.mean()) / scale, log_slope - len(y) * float(np.log(scale))
