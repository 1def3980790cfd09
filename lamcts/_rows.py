"""Rows of a file, whichever common format it has: names to values, with where each row stands."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["Row", "read_rows"]

Row = tuple[str, dict[str, Any]]  # where it stands, for messages, and its values


def read_rows(file: Path, *, field: str, text: Collection[str] = ()) -> Iterator[Row]:
    """The rows of a CSV or Parquet file, of a JSON list of objects, or of JSON lines.

    Args:
        file: Its name's end tells what it is: ``.csv`` (between commas, semicolons or tabs),
            ``.parquet``, ``.json`` or ``.jsonl``; under another one JSON is read all the same.
            A further ``.gz`` says that it is compressed.
        field: What the user gave the file as, for messages.
        text: Columns of a CSV file that are left as they are; in others what looks like a number
            is one, and an empty cell is ``None``.

    Raises:
        InvalidArgument: It cannot be read; the line is named.
        DependencyNotInstalled: It is a Parquet file, and pyarrow is missing.
    """
    fail = _Fail(field, file)
    try:
        data = file.read_bytes()
        kind = file.suffix.lower()
        if kind == ".gz":
            data, kind = gzip.decompress(data), Path(file.stem).suffix.lower()
        if kind == ".parquet":
            yield from _of_parquet(data, fail)
        elif kind == ".csv":
            yield from _of_csv(data.decode("utf-8-sig"), fail, text)
        elif kind not in (".json", ".jsonl") and data.lstrip()[:1] not in (b"[", b"{"):
            what = f": ending {kind} is not known" if kind else " has no ending"
            raise fail(f"{what}; use .csv, .parquet, .json or .jsonl")
        else:
            yield from _of_json(data.decode("utf-8-sig"), fail)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise fail(f" cannot be read: {why}") from None
    except UnicodeDecodeError as error:
        raise fail(f" is not UTF-8: {error}") from None


class _Fail:
    """Makes errors that begin with the field and the file."""

    def __init__(self, field: str, file: Path) -> None:
        self.field, self._file = field, file

    def __call__(self, what: str) -> InvalidArgument:
        return InvalidArgument(f"{self.field}: {str(self._file)!r}{what}")


def _of_json(text: str, fail: _Fail) -> Iterator[Row]:
    """The objects of a JSON list, or of JSON lines."""
    if text.lstrip().startswith("["):
        entries = [(f"entry {i}", item) for i, item in enumerate(_parsed(text, fail), 1)]
    else:
        lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
        entries = [(f"line {i}", _parsed(line, fail, i)) for i, line in lines]
    for place, item in entries:
        if not isinstance(item, dict):
            raise fail(
                f', {place}: {json.dumps(item)[:60]} is no object; write {{"name": value, ...}}'
            )
        yield place, item


def _parsed(text: str, fail: _Fail, line: int = 1) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {line + error.lineno - 1}, column {error.colno}"
        raise fail(f" is not JSON: {place}: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # too long a number, too deep a nesting
        raise fail(f" is not JSON: line {line}: {error}") from None


def _of_csv(text: str, fail: _Fail, left: Collection[str]) -> Iterator[Row]:
    header = text.partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in header), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = next(reader, [])
        if len(set(names)) < len(names):
            raise csv.Error("two columns have one name")
        read: list[Callable[[str], Any]] = [str if n in left else _cell for n in names]
        first = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(names):
                raise csv.Error(f"{len(cells)} cells under {len(names)} names")
            if cells:
                yield f"line {first}", {n: r(c) for n, r, c in zip(names, read, cells, strict=True)}
            first = reader.line_num + 1
    except csv.Error as error:
        raise fail(f" is not CSV: line {reader.line_num}: {error}") from None


def _cell(text: str) -> Any:
    """A number where it is one; nothing where it is empty."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return text or None


def _of_parquet(data: bytes, fail: _Fail) -> Iterator[Row]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DependencyNotInstalled(
            f'{fail.field}: Parquet files need pyarrow; run: pip install "lamcts[parquet]"'
        ) from error
    try:
        rows = parquet.read_table(pyarrow.BufferReader(data)).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        first, *_ = str(error).splitlines() or [""]
        raise fail(f" is not Parquet: {first}") from None
    for i, row in enumerate(rows, 1):
        yield f"row {i}", row
