"""Arrays of a model folder in one file: same arrays, same bytes; read without trust."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

#: Unpacked bytes above which a file is not read.
MAX_BYTES = 256 << 20
#: What `load` raises on a file that is not ours: whatever its parts raise on damaged bytes.
ERRORS = (
    OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error,
    tokenize.TokenError, SyntaxError,
)  # fmt: skip


def dump(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays under their names, deflated."""
    np.savez_compressed(path, **arrays)


def load(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read arrays by name; one of `ERRORS` if the file is damaged, foreign or far too large."""
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise ValueError("unpacks to more than is read")
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in names}
