"""The protocol buffer that holds a training's figures, by a small walker of our own.

    ModelMetrics:   1 repeated EvaluationData, 2 int32 trainable_parameters, 3 double total_time
    EvaluationData: 1 double current_epoch, 2 double training_time, 3 double train_accuracy,
                    4 double validation_accuracy, 5 double test_accuracy, 6 string checkpoint_path

Format: https://protobuf.dev/programming-guides/encoding (proto2, no groups).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Metrics", "Snapshot", "read_metrics", "write_metrics"]

_DOUBLE = struct.Struct("<d")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Snapshot:
    """A network measured while or after it is trained: an ``EvaluationData``.

    Attributes:
        epoch: Epochs trained so far.
        seconds: Training time so far.
        train: Accuracy on training images, in [0, 1]; so ``validation`` and ``test``.
        checkpoint: Where the network was stored.
    """

    epoch: float = 0.0
    seconds: float = 0.0
    train: float = 0.0
    validation: float = 0.0
    test: float = 0.0
    checkpoint: str = ""


@dataclass(frozen=True)
class Metrics:
    """One training: a ``ModelMetrics``. What a message leaves out is 0 or empty."""

    snapshots: tuple[Snapshot, ...] = ()
    params: int = 0
    seconds: float = 0.0


def read_metrics(message: bytes) -> Metrics:
    """Decode a ``ModelMetrics``; unknown fields are skipped.

    Raises:
        ValueError: It is no protocol buffer.
    """
    snapshots = []
    params, seconds = 0, 0.0
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            snapshots.append(_read_snapshot(value))
        elif number == 2 and isinstance(value, int):
            params = value
        elif number == 3 and isinstance(value, float):
            seconds = value
    return Metrics(tuple(snapshots), params, seconds)


def write_metrics(metrics: Metrics) -> bytes:
    """Encode a ``ModelMetrics``, as the official files hold it."""
    parts = [_tagged(1, _write_snapshot(snapshot)) for snapshot in metrics.snapshots]
    parts += [_varint(2 << 3 | _VARINT), _varint(metrics.params)]
    parts += [_varint(3 << 3 | _FIXED64), _DOUBLE.pack(metrics.seconds)]
    return b"".join(parts)


def _read_snapshot(message: bytes) -> Snapshot:
    doubles = [0.0] * 6
    checkpoint = ""
    for number, value in _fields(message):
        if isinstance(value, float) and 1 <= number <= 5:
            doubles[number] = value
        elif number == 6 and isinstance(value, bytes):
            checkpoint = value.decode(errors="replace")
    _, epoch, seconds, train, validation, test = doubles
    return Snapshot(epoch, seconds, train, validation, test, checkpoint)


def _write_snapshot(snapshot: Snapshot) -> bytes:
    doubles: Sequence[float] = (
        snapshot.epoch,
        snapshot.seconds,
        snapshot.train,
        snapshot.validation,
        snapshot.test,
    )
    parts = [
        _varint(number << 3 | _FIXED64) + _DOUBLE.pack(value)
        for number, value in enumerate(doubles, start=1)
    ]
    return b"".join(parts) + _tagged(6, snapshot.checkpoint.encode())


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """The fields of a message in order: number, and an integer, a double or bytes."""
    at, size = 0, len(message)
    while at < size:
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _FIXED64:
            end = at + 8
            if end <= size:
                yield number, _DOUBLE.unpack_from(message, at)[0]
        elif wire == _BYTES:
            length, at = _read_varint(message, at)
            end = at + length
            yield number, message[at:end]
        elif wire == _VARINT:
            integer, end = _read_varint(message, at)
            yield number, integer
        elif wire == _FIXED32:
            end = at + 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if end > size:
            raise ValueError(f"field {number} goes past the end")
        at = end


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """A number in groups of 7 bits, the least first, and where the next field begins."""
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number goes past the end")


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _tagged(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content
