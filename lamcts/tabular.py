"""Any table of measurements as a problem: an evaluation looks its row up.

    task = lamcts.TabularEvaluator("cells.csv", x=["op1", "op2"], value="accuracy")
    result = lamcts.search(task, budget=100)

The columns ``x`` become the search space: words are categories, numbers ordered levels, those that
the table has. A table need not have every combination of them: see ``missing``.
"""

from __future__ import annotations

import logging
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamcts import spaces
from lamcts._rows import Row, read_rows
from lamcts.errors import Infeasible, InvalidArgument, UnknownName, did_you_mean, shown
from lamcts.evaluator import Direction, Evaluation, Evaluator
from lamcts.outcome import as_number
from lamcts.settings import plain

__all__ = ["TabularEvaluator"]

_log = logging.getLogger(__name__)

_MISSING = ("nearest", "infeasible", "predicted")
#: Points that a prediction is fitted to, at least: of a fifth of them it is said how good it is.
_ENOUGH = 20


class _Variable(NamedTuple):
    """Some variables of one column, or one: its name, and the values of each in their order."""

    name: str
    levels: list[Any]
    space: spaces.Space[Any]


class TabularEvaluator(Evaluator):
    """A problem whose every value is in a table.

    Rows without a number ``value``, or with an empty cell of ``x``, are left out, with a warning.

    Args:
        path: A file: CSV, Parquet (``.parquet``), a JSON list of objects, or JSON lines, each
            perhaps compressed (``.gz``); or the rows themselves, mappings of columns to values
            (of a data frame: ``frame.to_dict("records")``).
        x: The columns that a point is made of.
        value: The column of the objective.
        direction: ``"minimize"`` or ``"maximize"``.
        test: Columns of held-out figures: reported for the final point, never searched by.
        cost: Columns known without an evaluation, for constraints (``params``, ``macs``).
        metrics: Further columns to record with each evaluation.
        seconds: The column of the time that an evaluation took: recorded too, and what
            ``lamcts bench --clock table`` goes by.
        text: Columns that are words although they look like numbers.
        split: Columns whose words hold several variables, each with a regular expression that finds
            them one after the other: ``{"ops": "[^,]+"}``, ``{"links": "[0-9]"}``.
        same: A column that is equal in rows which mean the same: the first stands for all.
        missing: What a combination that the table does not have means: the ``"nearest"`` row, with
            the fewest differences, so that the table's rows are all there is to choose from;
            ``"infeasible"``; or a value ``"predicted"`` by boosted trees fitted to the table, which
            the run's notice declares.
        noisy: Whether rows with the same ``x`` are repeats, of which an evaluation draws one at
            random; else it answers with their mean.
        seed: Fixes which; a trial of a run draws the same again when the run is repeated.

    Attributes:
        optimum_value: The best value in the table, of the rows that stand for all.
        optimum_test: The best figure of the first test column, likewise; ``None`` where there is
            no such column, or not a figure for every point.

    Raises:
        InvalidArgument: The file cannot be read, or a column not be used.
        UnknownName: There is no such column.
        DependencyNotInstalled: It is a Parquet file, and pyarrow is missing.
    """

    def __init__(
        self,
        path: str | Path | Sequence[Mapping[str, Any]],
        x: Sequence[str],
        value: str,
        *,
        direction: Direction = "maximize",
        test: Sequence[str] = (),
        cost: Sequence[str] = (),
        metrics: Sequence[str] = (),
        seconds: str | None = None,
        text: Sequence[str] = (),
        split: Mapping[str, str] | None = None,
        same: str | None = None,
        missing: str = "nearest",
        noisy: bool = False,
        seed: int = 0,
    ) -> None:
        if missing not in _MISSING:
            raise InvalidArgument(f"missing: {missing!r}; {did_you_mean(missing, _MISSING)}")
        if seed < 0:
            raise InvalidArgument(f"seed: {seed}; use an integer from 0 up")
        for field, names in {"test": test, "cost": cost, "metrics": metrics}.items():
            if isinstance(names, str):
                raise InvalidArgument(f"{field}: {names!r}; give a list of names")
        self.direction, self.noisy, self.missing, self.seed = direction, noisy, missing, seed
        self._value, self._test, self._cost = value, list(test), list(cost)
        self._metrics = [*metrics, *([seconds] if seconds else [])]
        self.clock = seconds
        split = dict(split or {})
        if isinstance(path, (str, Path)):
            name = Path(path).name
            placed = list(read_rows(Path(path), field="path", text=[*text, *split]))
        else:
            given = list(path) if isinstance(path, Iterable) else [path]
            if not all(isinstance(row, Mapping) for row in given):
                raise InvalidArgument(
                    'path: rows are dicts, by column; of a data frame: df.to_dict("records")'
                )
            name = "the table"
            placed = [
                (f"row {i}", {key: _of_numpy(cell) for key, cell in row.items()})
                for i, row in enumerate(given, 1)
            ]
        if not placed:
            raise InvalidArgument(f"path: {name} holds no rows; give one or more")
        several = {"x": x, "value": [value], "test": test, "cost": cost, "metrics": metrics}
        single = {"seconds": seconds, "same": same}
        rows = [row for _, row in placed]
        _check_columns(rows, several | {name: [of] for name, of in single.items() if of})
        self._rows = _usable(placed, name, x, value)
        self._read(x, split)
        self._representatives = self._same(same)
        means = [self._figures([self._value], rows)[self._value] for rows in self._groups]
        best = max if direction == "maximize" else min
        kept = sorted(set(self._representatives))  # what a search can find
        self.optimum_value: float = best(means[group] for group in kept)
        tests = [self._figures(self._test[:1], self._groups[group]) for group in kept]
        is_whole = missing != "predicted" and all(tests)
        self.optimum_test: float | None = (
            best(figure for found in tests for figure in found.values()) if is_whole else None
        )
        if missing == "predicted":
            self.notice = self._fit(name, np.array(means))

    def canonical(self, x: Any) -> Any:
        """The point of the row that ``x`` means; ``x`` itself where none does."""
        try:
            group = self._find(x)
        except Infeasible:  # for `evaluate` to say: every point has a canonical form
            group = None
        return x if group is None else self._point(self._codes[self._representatives[group]])

    def evaluate(self, x: Any) -> Evaluation:
        """Look a point up.

        Raises:
            Infeasible: The table does not have it, and ``missing`` is ``"infeasible"``.
        """
        group = self._find(x)
        if group is None:
            return Evaluation(self.noise_free(x))
        rows = self._groups[group]
        if self.noisy:
            rng = np.random.default_rng([self.seed, self.trial.number])
            rows = [rows[rng.integers(len(rows))]]
        figures = self._figures([self._value, *self._metrics], rows)
        return Evaluation(figures.pop(self._value), metrics=figures)

    def noise_free(self, x: Any) -> float:
        """The mean of the rows that ``x`` means, of which an evaluation may draw one."""
        group = self._find(x)
        if group is None:
            return float(self._model.predict(self._code(x)[None])[0])
        return self._figures([self._value], self._groups[group])[self._value]

    def cost(self, x: Any) -> dict[str, float]:
        """The cost columns; nothing for what the table does not have."""
        group = self._find(x)
        return {} if group is None else self._figures(self._cost, self._groups[group])

    def test(self, x: Any) -> dict[str, float]:
        """The held-out columns; nothing for what the table does not have."""
        group = self._find(x)
        return {} if group is None else self._figures(self._test, self._groups[group])

    def render(self, x: Any) -> str:
        """The words and numbers of a point."""
        parts = []
        for variable in self._variables:
            codes = np.atleast_1d(x[variable.name]).tolist()
            parts.append(f"{variable.name} {' '.join(str(variable.levels[c]) for c in codes)}")
        return ", ".join(parts)

    # -- reading the table ---------------------------------------------------------------------

    def _read(self, x: Sequence[str], split: Mapping[str, str]) -> None:
        """Make the space, and gather the rows that have the same point."""
        self._variables, columns = [], []
        for name in x:
            cells = [row[name] for row in self._rows]
            parts = [_parts(name, str(c), split[name]) for c in cells] if name in split else None
            if parts is not None and len(set(map(len, parts))) > 1:
                raise InvalidArgument(f"split: {name!r} has rows of different numbers of parts")
            values = cells if parts is None else [part for row in parts for part in row]
            levels = _levels(name, values)
            shape = () if parts is None else (len(parts[0]),)
            self._variables.append(_Variable(name, levels, _space(levels, shape)))
            place = {level: code for code, level in enumerate(levels)}
            columns.append(np.array([place[v] for v in values]).reshape(len(cells), -1))
        self.space = spaces.Dict({v.name: v.space for v in self._variables})
        codes, group = np.unique(np.hstack(columns), axis=0, return_inverse=True)
        self._codes: NDArray[np.int64] = codes
        self._groups: list[list[int]] = [[] for _ in codes]
        for row, number in enumerate(group.reshape(-1).tolist()):
            self._groups[number].append(row)
        self._index = {code.tobytes(): number for number, code in enumerate(codes)}

    def _same(self, column: str | None) -> list[int]:
        """The group that stands for each group."""
        if column is None:
            return list(range(len(self._groups)))
        first: dict[Any, int] = {}
        order = sorted(range(len(self._groups)), key=lambda group: self._groups[group][0])
        for group in order:
            first.setdefault(self._rows[self._groups[group][0]].get(column), group)
        return [first[self._rows[rows[0]].get(column)] for rows in self._groups]

    def _fit(self, name: str, means: NDArray[np.float64]) -> str:
        """Fit the prediction. Returns what a run says of it."""
        if len(means) < _ENOUGH:
            raise InvalidArgument(
                f"missing: {name} has {len(means)} points, too few to predict from; "
                f"{_ENOUGH} do, or use missing='nearest'"
            )
        from scipy.stats import kendalltau
        from sklearn.model_selection import train_test_split

        train, held = train_test_split(np.arange(len(means)), test_size=0.2, random_state=0)
        model = _trees(self._codes[train], means[train])
        tau = float(kendalltau(model.predict(self._codes[held]), means[held])[0])
        return (
            f"Combinations that {name} does not have are predicted, not measured: boosted trees "
            f"fitted to its {len(means):,} (Kendall's tau on a held-out fifth: {tau:.2f})."
        )

    @cached_property
    def _model(self) -> Any:
        means = [self._figures([self._value], rows)[self._value] for rows in self._groups]
        return _trees(self._codes, np.array(means))

    # -- looking up ----------------------------------------------------------------------------

    def _find(self, x: Any) -> int | None:
        """The number of the group of rows that ``x`` means; ``None``: it has to be predicted."""
        code = self._code(x)
        group = self._index.get(code.tobytes())
        if group is None and self.missing == "nearest":
            group = int((self._codes != code).sum(axis=1).argmin())
        if group is None and self.missing == "infeasible":
            raise Infeasible("not in the table")
        return group

    def _code(self, x: Any) -> NDArray[np.int64]:
        if x not in self.space:
            raise InvalidArgument(f"x: {x!r} is not in {self.space!r}")
        return np.hstack([x[v.name] for v in self._variables]).astype(np.int64)

    def _point(self, code: NDArray[np.int64]) -> dict[str, Any]:
        point, at = {}, 0
        for variable in self._variables:
            size = math.prod(variable.space.shape or ())
            part = code[at : at + size]
            point[variable.name] = part.copy() if variable.space.shape else int(part[0])
            at += size
        return point

    def _figures(self, columns: Sequence[str], rows: Sequence[int]) -> dict[str, float]:
        """The means of some columns over rows; without those that no row has."""
        found = defaultdict(list)
        for column in columns:
            for row in rows:
                number = as_number(self._rows[row].get(column))
                if number is not None and not math.isnan(number):
                    found[column].append(number)
        return {column: math.fsum(numbers) / len(numbers) for column, numbers in found.items()}


def _of_numpy(cell: Any) -> Any:
    """A plain number for a NumPy one."""
    return cell.item() if isinstance(cell, np.generic) else cell


def _check_columns(rows: list[dict[str, Any]], wanted: Mapping[str, Sequence[str]]) -> None:
    known = list(dict.fromkeys(name for row in rows[:1000] for name in row))
    if isinstance(wanted["x"], str) or not wanted["x"]:
        raise InvalidArgument(f"x: {wanted['x']!r}; give the names of one column or more")
    for name in wanted["value"]:
        if name in wanted["x"]:
            raise InvalidArgument(f"x: {name!r} is the value; leave it out of x")
    for field, names in wanted.items():
        for name in names:
            if name not in known:
                raise UnknownName(f"{field}: no column {name!r}; {did_you_mean(name, known)}")


def _usable(placed: Sequence[Row], name: str, x: Sequence[str], value: str) -> list[dict[str, Any]]:
    """The rows with a value and all of ``x``; says which is the first that is left out.

    Raises:
        InvalidArgument: None is left.
    """
    reasons = [_unusable(row, x, value) for _, row in placed]
    out = [f"{place}: {why}" for (place, _), why in zip(placed, reasons, strict=True) if why]
    if len(out) == len(placed):
        raise InvalidArgument(
            f"path: {name} has no row with a number {value!r} and all of x; the first, {out[0]}"
        )
    if out:
        words = "%s: %d of %d rows left out; the first, %s"
        _log.warning(words, name, len(out), len(placed), out[0])
    return [row for (_, row), why in zip(placed, reasons, strict=True) if why is None]


def _unusable(row: Mapping[str, Any], x: Sequence[str], value: str) -> str | None:
    """Why a row cannot be looked up; no number counts as nothing."""
    for name in (*x, value):
        cell = row.get(name)
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return f"{name} is {'empty' if cell is None else 'nan'}"
    number = as_number(row[value])
    is_number = number is not None and not math.isnan(number)
    return None if is_number else f"{value} {shown(row[value], 40)} is no number"


def _parts(name: str, word: str, pattern: str) -> list[str]:
    try:
        parts = re.findall(pattern, word)
    except re.error as error:
        raise InvalidArgument(f"split[{name!r}]: {pattern!r} is no pattern ({error})") from None
    if not parts or not isinstance(parts[0], str):
        raise InvalidArgument(f"split[{name!r}]: {pattern!r} finds no words in {word!r}")
    return parts


def _levels(name: str, values: Sequence[Any]) -> list[Any]:
    """The values in their order: numbers by size, words by the alphabet."""
    distinct = set(map(_hashable, values))
    kinds = {isinstance(value, str) for value in distinct}
    if len(kinds) > 1:
        raise InvalidArgument(f"x: column {name!r} has words and numbers; name it in text")
    return sorted(distinct)


def _hashable(value: Any) -> Any:
    if isinstance(value, (str, int, float)):
        return value
    raise InvalidArgument(f"x: {plain(value)!r} is neither a word nor a number")


def _space(levels: list[Any], shape: tuple[int, ...]) -> spaces.Space[Any]:
    n = len(levels)
    if isinstance(levels[0], str) or n == 1:
        return spaces.MultiDiscrete([n] * shape[0]) if shape else spaces.Discrete(n)
    return spaces.Box(0, n - 1, shape=shape, dtype=np.int64)


def _trees(X: NDArray[np.int64], y: NDArray[np.float64]) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=600, learning_rate=0.08, max_leaf_nodes=16, random_state=0
    ).fit(X, y)
