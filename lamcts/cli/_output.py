"""How results are printed: tables and JSON on standard output, notes on standard error."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO

import typer

__all__ = [
    "figures",
    "number",
    "print_json",
    "print_table",
    "print_text",
    "results_apart",
    "say",
    "show_log",
    "to_plain",
]

_results: TextIO | None = None  # standard output, while a command runs


@contextmanager
def results_apart() -> Iterator[None]:
    """Keep standard output for results.

    What a problem's code prints, and the programs that it starts, is none: that goes to standard
    error.
    """
    global _results
    output = sys.stdout
    if output is None:  # closed by who called: results are for nobody
        yield
        return
    with _own_descriptor(output) as own, redirect_stdout(sys.stderr):
        _results = own or output
        try:
            yield
        finally:
            _results = None


@contextmanager
def _own_descriptor(output: TextIO) -> Iterator[TextIO | None]:
    """A stream to where a stream's descriptor leads, which leads to standard error meanwhile.

    ``None`` where there is no descriptor, or one of the two is closed.
    """
    try:
        descriptor, aside = output.fileno(), sys.stderr.fileno()
        kept = os.dup(descriptor)
    except (AttributeError, OSError, ValueError):
        yield None
        return
    stream = open(kept, "w", encoding=output.encoding, errors=output.errors)  # noqa: SIM115
    try:
        os.dup2(aside, descriptor)
        yield stream
    finally:
        os.dup2(kept, descriptor)
        with suppress(OSError):  # what could not be written was an error when it was
            stream.close()


def say(text: str) -> None:
    """Print a note for people: on standard error, out of the way of results, if anyone reads it."""
    with suppress(OSError):
        typer.echo(text, err=True)


class _Echo(logging.Handler):
    """Prints the library's log on whatever standard error is at the time: a live display's too."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def show_log(quiet: bool) -> None:
    """Show the library's warnings; when quiet, its errors only."""
    logger = logging.getLogger("lamcts")
    for handler in [h for h in logger.handlers if isinstance(h, _Echo)]:  # of an earlier command
        logger.removeHandler(handler)
    logger.addHandler(_Echo(logging.ERROR if quiet else logging.WARNING))
    logger.propagate = False


def print_text(text: str = "", *, nl: bool = True) -> None:
    """Print a result on standard output."""
    typer.echo(text, file=_results, nl=nl)


def print_json(data: Any) -> None:
    """Print one JSON value on standard output; what JSON lacks (NaN, infinity) becomes null."""
    print_text(json.dumps(to_plain(data), indent=2, allow_nan=False))


def to_plain(data: Any) -> Any:
    """Data as JSON values: numpy's numbers and arrays made plain, NaN and infinity null."""
    if hasattr(data, "tolist"):  # numpy arrays and scalars
        data = data.tolist()
    if isinstance(data, Mapping):
        return {str(key): to_plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [to_plain(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    return str(data)


def print_table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> None:
    """Print columns, padded with spaces; the last one is left as it is."""
    lines = [list(row) for row in ([header] if header else [])] + [list(row) for row in rows]
    if not lines:
        return
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        print_text("  ".join(padded).rstrip())


def number(value: float | None) -> str:
    """A figure in six digits: ``0.978333``, ``1,234,567``; ``-`` for none."""
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.6g}"


def figures(named: Mapping[str, float]) -> str:
    """Named figures in one line: ``params 1,234, macs 5,678``."""
    return ", ".join(f"{name} {number(value)}" for name, value in named.items())
