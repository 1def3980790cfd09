"""CRC-32C of many byte strings at once, one table look-up a byte position for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["crc32c", "masked_crc32c"]

#: The Castagnoli polynomial, bits reversed.
_POLYNOMIAL = 0x82F63B78


def crc32c(texts: Sequence[bytes]) -> NDArray[np.uint32]:
    """The CRC-32C of each byte string.

    >>> hex(crc32c([b"123456789"])[0])
    '0xe3069283'
    """
    lengths = np.array([len(text) for text in texts], dtype=np.intp)
    # Longest first: at every position those that go on are the first ones, without a mask.
    order = np.argsort(-lengths, kind="stable")
    columns = _columns([texts[i] for i in order])
    going_on = np.searchsorted(-lengths[order], -np.arange(1, len(columns) + 1), side="right")
    crcs = np.full(len(texts), 0xFFFFFFFF, dtype=np.uint32)
    for column, count in zip(columns, going_on, strict=True):
        some = crcs[:count]
        some[:] = _TABLE[(some ^ column[:count]) & np.uint32(0xFF)] ^ (some >> np.uint32(8))
    found = np.empty_like(crcs)
    found[order] = ~crcs
    return found


def masked_crc32c(texts: Sequence[bytes]) -> NDArray[np.uint32]:
    """The CRC as TFRecord files store it: rotated, and moved by a constant."""
    crcs = crc32c(texts)
    rotated = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return rotated + np.uint32(0xA282EAD8)


def _columns(texts: list[bytes]) -> NDArray[np.uint8]:
    """Byte by byte: row p holds byte p of every text, zero where a text has ended."""
    longest = len(texts[0]) if texts else 0
    padded = b"".join(text.ljust(longest, b"\0") for text in texts)
    rows = np.frombuffer(padded, dtype=np.uint8).reshape(len(texts), longest)
    return np.ascontiguousarray(rows.T)


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    return table


_TABLE = _table()
