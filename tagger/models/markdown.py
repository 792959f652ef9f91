"""Markdown out of a stranger's words: every text shown as it is, none of it markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

#: What a terminal or a page would obey rather than show: controls, direction marks, lone surrogates.
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
#: What Markdown or the HTML in it would take for markup.
_MARKUP = re.compile(r"[\\`*_{}\[\]|~$@]|:(?=//)|(?<=www)\.", re.IGNORECASE)


def escape(text: object) -> str:
    """A stranger's text as one line of Markdown that shows it and obeys nothing in it."""
    # Neither a table cell, a link nor HTML can begin or end within it.
    return html.escape(_MARKUP.sub(lambda match: f"\\{match[0]}", plain(str(text))), quote=False)


def without_empty(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without the columns that no row fills."""
    kept = [i for i in range(len(header)) if any(row[i] for row in rows)]
    return [header[i] for i in kept], [[row[i] for i in kept] for row in rows]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the cells are escaped already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(text: str) -> str:
    """A text on one line, without what a page would obey rather than show."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def code(text: object) -> str:
    """A text between backticks: none of its own."""
    return plain(str(text)).replace("`", "'")
