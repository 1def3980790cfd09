"""Tables: a CSV file as features and a target, and how scikit-learn takes in its columns."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.tasks.files import opened
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = ["columns_encoded", "has_gaps", "has_texts", "read_csv"]


def read_csv(file: str | Path, target: str | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read a table whose first line names its columns.

    A column is of numbers when every cell that is not empty is one; else it is of texts. The
    delimiter is the one that the first line has most of: comma, semicolon or tab.

    Args:
        file: The file, in UTF-8.
        target: The column to predict; the last one by default.

    Returns:
        The features (n, columns), of floats, NaN where a cell is empty; with a column of texts an
        object array of floats and texts. And the target (n,): floats, integers, or texts.

    Raises:
        InvalidArgument: The file cannot be read as such a table; the message names the line.
        UnknownName: There is no such column.
    """
    names, rows = _cells(Path(file))
    target = names[-1] if target is None else target
    if target not in names:
        mend = did_you_mean(target, names)
        raise UnknownName(f"target: {str(file)!r} has no column {target!r}; {mend}")
    at = names.index(target)
    for line, row in rows.items():
        if not row[at].strip():
            raise InvalidArgument(f"target: {str(file)!r}, line {line}: column {target!r} is empty")
    if len(names) == 1:
        raise InvalidArgument(f"data: {str(file)!r} has no column beside {target!r}")
    columns = [_column(name, [row[i] for row in rows.values()]) for i, name in enumerate(names)]
    y = columns.pop(at)
    if y.dtype.kind == "O":
        y = y.astype(str)
    elif not np.isfinite(y).all():
        line, row = list(rows.items())[int(np.isfinite(y).argmin())]
        raise InvalidArgument(
            f"target: {str(file)!r}, line {line}: column {target!r} has {row[at].strip()!r}, which "
            "is no finite number; leave the line out"
        )
    elif (y == np.rint(y)).all() and (np.abs(y) < 2**53).all():
        y = y.astype(np.int64)
    return np.stack(columns, axis=1), y


def has_texts(features: Any) -> bool:
    """Whether features are an object array, as `read_csv` gives for a table with texts."""
    return isinstance(features, np.ndarray) and features.dtype == object


def has_gaps(features: Any) -> bool:
    """Whether features are an array of numbers of which some are missing."""
    is_numbers = isinstance(features, np.ndarray) and features.dtype.kind == "f"
    return is_numbers and bool(np.isnan(features).any())


def columns_encoded(features: NDArray[Any]) -> Any:
    """A transformer of the columns that `read_csv` gives: numbers as they are, texts one-hot.

    Empty cells of numbers become the column's median; an empty text is a text as any other, and
    one that was not there when the transformer was fitted is all zeros. It is made of scikit-learn
    alone, so that a pipeline that begins with it loads without this package.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    width = range(features.shape[1])
    texts = [
        i for i in width if has_texts(features) and any(isinstance(c, str) for c in features[:, i])
    ]
    numbers = [i for i in width if i not in texts]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [("numbers", SimpleImputer(strategy="median"), numbers), ("texts", one_hot, texts)]
    )


def _cells(file: Path) -> tuple[list[str], dict[int, list[str]]]:
    """The names of the columns, and by line number the cells of each line that is not blank."""
    with opened(file, "data") as stream:
        first = stream.readline()
        delimiter = max(",;\t", key=first.count)
        names = next(csv.reader([first], delimiter=delimiter), [])
        reader = csv.reader(stream, delimiter=delimiter)
        # the first line was read before: the reader counts from the second
        rows = dict((reader.line_num + 1, row) for row in reader if row)
    if not names or len(set(names)) < len(names) or "" in names:
        raise InvalidArgument(
            f"data: {str(file)!r}, line 1: column names {names} are not all different and there; "
            "the first line names the columns"
        )
    if not rows:
        raise InvalidArgument(f"data: {str(file)!r} has no rows under its line of names")
    for line, row in rows.items():
        if len(row) != len(names):
            raise InvalidArgument(
                f"data: {str(file)!r}, line {line}: {len(row)} cells under {len(names)} names"
            )
    return names, rows


def _column(name: str, cells: list[str]) -> NDArray[Any]:
    """Floats where all cells are numbers or empty, else texts (in an object array)."""
    found = _numbers(cells)
    if found is not None:
        return found
    if _numbers([cell.replace(",", ".") for cell in cells]) is not None:  # each a word of its own
        example = next(cell for cell in cells if "," in cell).strip()
        raise InvalidArgument(
            f"data: column {name!r} has numbers with commas, such as {example}; write points"
        )
    return np.array([cell.strip() for cell in cells], dtype=object)


def _numbers(cells: list[str]) -> NDArray[np.float64] | None:
    try:
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError:
        return None
