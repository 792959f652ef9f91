"""How much of a document we are willing to read."""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import DocumentError, InputError, LimitError


@dataclass(frozen=True)
class Limits:
    """Bounds on one document.

    Attributes
    ----------
    max_bytes : int
        Largest file, in bytes.
    max_expanded : int
        Largest size of what a compressed document unpacks to, in bytes.
    max_chars : int
        Longest extracted text, in code points.
    seconds : float
        Longest time to extract text from HTML, docx or PDF.
    memory : int
        Address space of the process that extracts, in bytes.
    """

    max_bytes: int = 32 << 20
    max_expanded: int = 96 << 20
    max_chars: int = 12_000_000
    seconds: float = 30.0
    memory: int = 2 << 30


LIMITS = Limits()


def read_bytes(path: Path, limits: Limits = LIMITS) -> bytes:
    """The bytes of a regular file within the limits.

    Raises
    ------
    InputError
        Missing, not a regular file, or not readable.
    LimitError
        Larger than ``limits.max_bytes``.
    """
    if not os.path.exists(path):  # unlike Path.exists, never an error of its own (a name too long)
        raise InputError("no such file", where=path, hint="Check the name.")
    if not path.is_file():
        raise DocumentError("not a regular file", where=path)
    try:
        with path.open("rb") as file:
            return within_limit(file.read(limits.max_bytes + 1), path, limits)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None


def within_limit(data: bytes, where: object, limits: Limits = LIMITS) -> bytes:
    """The data itself, or a `LimitError` if it is larger than ``limits.max_bytes``."""
    if len(data) > limits.max_bytes:
        raise LimitError(
            f"larger than {limits.max_bytes >> 20} MiB", where=where,
            hint="Split it into bulletins, or give records as .jsonl. Nothing of it was tagged.",
        )  # fmt: skip
    return data
