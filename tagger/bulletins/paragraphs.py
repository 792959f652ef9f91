"""Where paragraphs begin and end: a line each, or several lines of a hard-wrapped page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_ENDED = re.compile(r"[。!?;！？；：:][”’\"'」』）)]*\s*$")
_PROSE = re.compile(r"[，。、；,;]")
#: A page is hard-wrapped when most of its lines of prose that stop in the middle of a sentence are about
#: equally wide, as wide as print is, and hardly any prose is wider. Narrower lines of one width are a
#: list of slogans.
_MIN_LINES, _MIN_BROKEN, _MIN_FULL, _FULL, _NARROWEST, _WIDEST = 6, 3, 0.75, 0.9, 24, 120
#: Of the lines as wide as print, the most that may end a sentence; of all lines, the most that may be wider.
_MAX_ENDED, _MAX_WIDER = 0.4, 0.1


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
    unended = {i for i, line in enumerate(lines) if not _ENDED.search(text, *line)}
    if wrapped:
        measure = sorted(widths)[int(len(widths) * 0.95)]
        return {i for i in unended if widths[i] >= _FULL * measure} if measure >= _NARROWEST else set()
    prose = {i for i, line in enumerate(lines) if _PROSE.search(text, *line)}
    broken = {i for i in prose & unended if _NARROWEST <= widths[i] <= _WIDEST}
    if len(broken) < _MIN_BROKEN:
        return set()
    measure = _measure([widths[i] for i in broken])
    full = {i for i, width in enumerate(widths) if _FULL * measure <= width <= measure}
    wider = {i for i in prose if widths[i] > measure / _FULL}
    is_print = (
        len(full & broken) >= _MIN_FULL * len(broken)
        and len(full - broken) <= _MAX_ENDED * len(full)
        and len(wider) <= _MAX_WIDER * len(lines)
    )
    return full if is_print and _reach_ends(full, unended, len(lines)) else set()


def _measure(widths: Sequence[int]) -> int:
    """The width that most lines are as wide as, or little less; the greatest of several."""
    return max(set(widths), key=lambda m: (sum(_FULL * m <= width <= m for width in widths), m))


def _reach_ends(full: set[int], unended: set[int], n_lines: int) -> bool:
    """Whether sentences end where full lines do, mostly: rows of a table and headlines never end one."""
    lasts = [i + 1 for i in full if i + 1 not in full and i + 1 < n_lines]
    n_ended = sum(i not in unended for i in lasts) + len(full - unended)
    return n_ended > 0 and 2 * n_ended >= len(lasts)


def _width(line: str) -> int:
    """Columns of a line, hanzi counting two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line)


def _blank_line_between(text: str, end: int, start: int) -> bool:
    gap = text[end:start].replace("\r\n", "\n")
    return gap.count("\n") > 1 or "\f" in gap
