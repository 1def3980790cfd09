"""Files of users, opened so that what is wrong is said in one line; where a problem is from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lamcts.errors import InvalidArgument, ProblemError
from lamcts.evaluator import Evaluator
from lamcts.problem import reference_of

__all__ = ["opened", "origin"]


@contextmanager
def opened(file: Path, setting: str) -> Iterator[TextIO]:
    """Open a text file in UTF-8, with or without a byte-order mark.

    Args:
        file: What to open.
        setting: What the messages call it.

    Raises:
        InvalidArgument: It cannot be opened, or it is no UTF-8 text.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise InvalidArgument(
            f"{setting}: {str(file)!r} cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(
            f"{setting}: {str(file)!r} is no text in UTF-8 (byte {error.start}); convert it"
        ) from error


def origin(evaluator: Evaluator) -> dict[str, Any]:
    """Problem and settings as ``lamcts export`` reads them in a ``model.json``.

    A class of a notebook has no file: what it trained is exported from the notebook.
    """
    try:
        reference = reference_of(evaluator)
    except ProblemError:
        return {"problem": None, "settings": {}}
    return {"problem": reference.ref, "settings": reference.kwargs}
