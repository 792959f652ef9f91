"""Columns of text for a terminal or a pipe: aligned, Chinese characters counted as two places."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import east_asian_width

import typer

#: What a terminal would obey rather than show, and the marks that turn the direction of writing.
_CONTROL = {
    **dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029], " "),
    **dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}


def show_columns(head: Sequence[str], rows: Sequence[Sequence[str]], *, n_text: int = 1, indent: str = "") -> None:
    """Print rows below a head, the first `n_text` columns to the left, the others to the right."""
    cleaned = [[clean(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(_width, column)) for column in zip(*cleaned, strict=True)]
    for row in cleaned:
        cells = [_padded(cell, width, i < n_text) for i, (cell, width) in enumerate(zip(row, widths, strict=True))]
        typer.echo(f"{indent}{'  '.join(cells)}".rstrip())


def clean(text: str) -> str:
    """A text on one line that steers no terminal."""
    return " ".join(text.translate(_CONTROL).split())


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _padded(cell: str, width: int, left: bool) -> str:
    blanks = " " * (width - _width(cell))
    return f"{cell}{blanks}" if left else f"{blanks}{cell}"
