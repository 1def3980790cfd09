"""CIFAR-10 and CIFAR-100 as they are published, in Python's format or as plain bytes.

Python's files are pickles, which can run any code: they are read with an unpickler that knows
arrays and built-in types only.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import codecs
import io
import pickle
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from lamcts.datasets._specs import Progress

__all__ = ["Pixels", "find_cifar", "import_archive", "read_cifar"]

#: Images (n, 32, 32, 3) and labels (n,), as bytes.
Pixels = tuple[NDArray[np.uint8], NDArray[np.int64]]

#: Files to train on and to test on, in each of the published archives.
_LAYOUTS = (
    ([f"data_batch_{nth}" for nth in range(1, 6)], ["test_batch"]),
    ([f"data_batch_{nth}.bin" for nth in range(1, 6)], ["test_batch.bin"]),
    (["train"], ["test"]),
    (["train.bin"], ["test.bin"]),
)
_FOLDERS = (
    "cifar-10-batches-py",
    "cifar-10-batches-bin",
    "cifar-100-python",
    "cifar-100-binary",
)
_PIXELS = 3 * 32 * 32
_LABELS = (b"labels", b"fine_labels")


def find_cifar(folder: Path) -> Path | None:
    """The folder with the files of CIFAR, which may be within this one, or ``None``."""
    for place in (folder, *(folder / name for name in _FOLDERS)):
        if any((place / test).is_file() for _, (test,) in _LAYOUTS):
            return place
    return None


def read_cifar(folder: Path) -> tuple[Pixels, Pixels]:
    """The images to train on, and those to test on.

    Raises:
        InvalidArgument: A file is missing or damaged, or a pickle that holds anything else.
    """
    for train, test in _LAYOUTS:
        if (folder / test[0]).is_file():
            return _joined(folder, train), _joined(folder, test)
    raise InvalidArgument(f"data: {str(folder)!r} holds no files of CIFAR")


def _joined(folder: Path, names: list[str]) -> Pixels:
    images, labels = zip(*(_read(folder / name) for name in names), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _read(file: Path) -> Pixels:
    """The images and labels of one file."""
    try:
        data = file.read_bytes()
        rows, labels = _of_bytes(file, data) if file.suffix == ".bin" else _of_pickle(data)
    except OSError as error:
        raise InvalidArgument(f"data: {str(file)!r} cannot be read: {error.strerror}") from None
    except Exception as error:  # a damaged pickle may raise anything
        raise InvalidArgument(f"data: {str(file)!r} is no file of CIFAR: {error}") from None
    # Channel by channel in the files.
    return rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels.astype(np.int64)


def _of_bytes(file: Path, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    # CIFAR-100 has a coarse label before the fine one.
    labels = 1 if "batch" in file.name else 2
    rows = np.frombuffer(data, np.uint8).reshape(-1, labels + _PIXELS)
    return rows[:, labels:], rows[:, labels - 1]


def _of_pickle(data: bytes) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    held = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    (labels,) = (held[key] for key in _LABELS if key in held)
    return np.asarray(held[b"data"], np.uint8).reshape(-1, _PIXELS), np.asarray(labels)


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
}


class _Unpickler(pickle.Unpickler):
    """Arrays, and what needs no import: anything else is refused, before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return _reconstruct
        raise pickle.UnpicklingError(f"it names {module}.{name}, which no file of CIFAR does")


def _reconstruct(kind: type, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An empty array, to be filled by the unpickler: what numpy's own function makes."""
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def import_archive(
    source: Path, folder: Path, *, verify: bool, progress: Progress | None
) -> dict[str, Any]:
    """Unpack the published archive in Python's format (`lamcts.datasets.Importer`).

    Raises:
        InvalidArgument: It is no such archive.
    """
    names = {name for layout in _LAYOUTS for files in layout for name in files}
    try:
        with tarfile.open(source) as archive:
            members = [m for m in archive if m.isfile() and Path(m.name).name in names]
            for done, member in enumerate(members):
                file: Any = archive.extractfile(member)
                (folder / Path(member.name).name).write_bytes(file.read())
                if progress is not None:
                    progress(done + 1, len(members))
    except (tarfile.TarError, EOFError) as error:
        why = " ".join(str(error).split())  # tarfile's own takes lines
        raise InvalidArgument(f"{source}: no archive of CIFAR ({why})") from None
    (train, labels), (test, _) = read_cifar(folder)
    classes = int(labels.max()) + 1
    summary = f"{len(train):,} colour images of 32x32 to train, {len(test):,} to test"
    return {"summary": f"{summary}, {classes} classes", "classes": classes}
