"""Where paragraphs begin and end: a line each, or several lines of a hard-wrapped page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_ENDED = re.compile(r"[。!?;！？；：:][”’\"'」』）)]*\s*$")
#: A page is hard-wrapped when this share of its lines is about as wide as the widest ones,
#: they are as wide as print is, and most of them stop in the middle of a sentence. Narrower lines
#: of one width are a list of slogans.
_MIN_LINES, _MIN_FULL, _FULL, _NARROWEST, _WIDEST, _MAX_ENDED = 6, 0.4, 0.9, 24, 120, 0.4


def split_paragraphs(text: str, *, wrapped: bool = False) -> list[tuple[int, int]]:
    """Half-open code-point spans of the paragraphs of a text; blank lines belong to none.

    Parameters
    ----------
    text : str
    wrapped : bool
        The lines are known to be printed ones (PDF): a full line that ends no sentence
        runs into the next. Otherwise it is told from the lines whether the page is wrapped.
    """
    lines = [m.span() for m in _LINE.finditer(text) if m.group().strip()]
    full = _full_lines(text, lines, wrapped)
    spans: list[tuple[int, int]] = []
    continues = False
    for i, (start, end) in enumerate(lines):
        if continues and not _blank_line_between(text, lines[i - 1][1], start):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        continues = i in full
    return spans


def _full_lines(text: str, lines: Sequence[tuple[int, int]], wrapped: bool) -> set[int]:
    """Indices of the lines that run into the next one; empty unless the page is wrapped."""
    if not lines or (len(lines) < _MIN_LINES and not wrapped):
        return set()
    widths = [_width(text[start:end].rstrip()) for start, end in lines]
    measure = sorted(widths)[int(len(widths) * 0.95)]
    full = {i for i, width in enumerate(widths) if width >= _FULL * measure}
    unended = {i for i in full if not _ENDED.search(text, *lines[i])}
    if wrapped:
        return unended if measure >= _NARROWEST else set()
    is_print = _NARROWEST <= measure <= _WIDEST
    is_wrapped = is_print and len(full) >= _MIN_FULL * len(lines) and len(full - unended) <= _MAX_ENDED * len(full)
    return full if is_wrapped else set()


def _width(line: str) -> int:
    """Columns of a line, hanzi counting two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def _blank_line_between(text: str, end: int, start: int) -> bool:
    gap = text[end:start].replace("\r\n", "\n")
    return gap.count("\n") > 1 or "\f" in gap
