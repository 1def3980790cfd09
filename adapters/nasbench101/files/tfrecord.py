"""The framing of TFRecord files, read and written without TensorFlow.

A record is, little-endian: the payload's length (8 bytes), the masked CRC-32C of those 8 bytes,
the payload, the masked CRC-32C of the payload.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from lamcts.adapters.nasbench101.files.crc import masked_crc32c
from lamcts.errors import InvalidArgument

__all__ = ["Record", "is_tfrecord", "read_batches", "write_records"]

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
#: Records that are checked, written or handed on together.
BATCH = 8192


@dataclass(frozen=True)
class Record:
    """One record.

    Attributes:
        end: Bytes of the file up to its end: where the next one begins.
        payload: What it holds.
        length_crc: The stored check sum of its length.
        payload_crc: The stored check sum of its payload.
    """

    end: int
    payload: bytes
    length_crc: int
    payload_crc: int


def is_tfrecord(path: Path) -> bool:
    """Whether a file begins with a length and its check sum."""
    with path.open("rb") as stream:
        header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return False
    return bool(masked_crc32c([header[:8]])[0] == _HEADER.unpack(header)[1])


def read_batches(path: Path, *, start: int = 0, verify: bool = False) -> Iterator[list[Record]]:
    """The records of a file, many at a time.

    Args:
        path: The file.
        start: Byte at which a record begins.
        verify: Check the check sums; without, only truncation is noticed.

    Raises:
        InvalidArgument: The file is cut off in a record, or a check sum is wrong.
    """
    with path.open("rb") as stream:
        stream.seek(start)
        records = _records(stream, path)
        while batch := list(islice(records, BATCH)):
            if verify:
                _verify(batch, path)
            yield batch


def write_records(path: Path, payloads: Iterable[bytes]) -> None:
    """Write a file with one record for each payload."""
    waiting = iter(payloads)
    with path.open("wb") as stream:
        while batch := list(islice(waiting, BATCH)):
            lengths = [struct.pack("<Q", len(payload)) for payload in batch]
            length_crcs = masked_crc32c(lengths).tolist()
            crcs = masked_crc32c(batch).tolist()
            for length, length_crc, payload, crc in zip(
                lengths, length_crcs, batch, crcs, strict=True
            ):
                stream.write(length + _FOOTER.pack(length_crc) + payload + _FOOTER.pack(crc))


def _records(stream: BinaryIO, path: Path) -> Iterator[Record]:
    size = path.stat().st_size
    at = stream.tell()
    while header := stream.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise _cut_off(path, at)
        length, length_crc = _HEADER.unpack(header)
        end = at + _HEADER.size + length + _FOOTER.size
        # Before reading: a damaged length may be more than there is memory.
        if end > size:
            raise _cut_off(path, at)
        payload = stream.read(length)
        (payload_crc,) = _FOOTER.unpack(stream.read(_FOOTER.size))
        yield Record(end, payload, length_crc, payload_crc)
        at = end


def _verify(batch: list[Record], path: Path) -> None:
    lengths = [struct.pack("<Q", len(record.payload)) for record in batch]
    payloads = [record.payload for record in batch]
    wrong = masked_crc32c(payloads) != [record.payload_crc for record in batch]
    wrong |= masked_crc32c(lengths) != [record.length_crc for record in batch]
    if wrong.any():
        bad = batch[int(wrong.argmax())]
        at = bad.end - len(bad.payload) - _HEADER.size - _FOOTER.size
        raise InvalidArgument(
            f"FILE: {path}: wrong check sum in the record at byte {at:,}; the file is damaged, "
            "get it again"
        )


def _cut_off(path: Path, at: int) -> InvalidArgument:
    return InvalidArgument(
        f"FILE: {path}: the record at byte {at:,} goes past the end of the file: it is cut off or "
        "damaged, get it again"
    )
