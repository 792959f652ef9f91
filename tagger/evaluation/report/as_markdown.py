"""The report in Markdown, with its plots as files; what data say cannot become markup."""

from __future__ import annotations

import re
from functools import singledispatch
from html import escape
from urllib.parse import quote

from tagger.evaluation.figures.style import drawing, to_png, to_svg
from tagger.evaluation.report.blocks import Details, Gallery, Heading, Note, Picture, Report, Table

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$:@]|^[-=>]|^\d+(?=[.)]))")


def write_markdown(report: Report, folder: str, *, suffix: str = "svg", footer: str = "") -> str:
    """The report as text.

    Parameters
    ----------
    report : Report
    folder : str
        Where its pictures lie, relative to it; see `write_pictures`.
    suffix : {"svg", "png"}, default="svg"
    footer : str, optional
        A last line.
    """
    parts = [f"# {plain(report.title)}"]
    for section in report.sections:
        parts.append(f"## {plain(section.title)}")
        parts += [_block(block, folder, suffix) for block in section.blocks]
    return "\n\n".join([*parts, *([plain(footer)] if footer else [])]) + "\n"


def write_pictures(report: Report, suffix: str = "svg") -> dict[str, bytes]:
    """File name -> picture, of all plots of a report.

    Parameters
    ----------
    report : Report
    suffix : {"svg", "png"}, default="svg"
    """
    pictures = [block for section in report.sections for block in section.blocks if isinstance(block, Picture)]
    with drawing():
        draw = to_png if suffix == "png" else lambda figure: to_svg(figure).encode()
        return {f"{picture.name}.{suffix}": draw(picture.figure) for picture in pictures}


def plain(text: str) -> str:
    """A text as Markdown that shows just that text, on one line."""
    return _MARKUP.sub(r"\\\1", escape(" ".join(text.split()), quote=False))


@singledispatch
def _block(block: object, folder: str, suffix: str) -> str:
    raise TypeError(f"no way to write a {type(block).__name__}")


@_block.register
def _note(block: Note, folder: str, suffix: str) -> str:
    return f"**{plain(block.text)}**" if block.lead else plain(block.text)


@_block.register
def _heading(block: Heading, folder: str, suffix: str) -> str:
    return f"### {plain(block.text)}"


@_block.register
def _table(block: Table, folder: str, suffix: str) -> str:
    rule = ["---" if column < block.n_text else "---:" for column in range(len(block.head))]
    rows = [
        [f"**{plain(cell)}**" if (r, c) in block.strong else plain(cell) for c, cell in enumerate(row)]
        for r, row in enumerate(block.rows)
    ]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in ([plain(cell) for cell in block.head], rule, *rows))
    return f"#### {plain(block.title)}\n\n{table}" if block.title else table


@_block.register
def _picture(block: Picture, folder: str, suffix: str) -> str:
    return f"![{plain(block.alt)}]({quote(folder)}/{quote(block.name)}.{suffix})"


@_block.register
def _gallery(block: Gallery, folder: str, suffix: str) -> str:
    lines = [f"#### {plain(block.title)}", ""]
    for number, case in enumerate(block.cases, start=1):
        text = "".join(_piece(*piece) for piece in case.pieces())
        lines += [f"{number}. {text}<br>{plain(f'{case.id} · {case.facts}')}"]
    return "\n".join(lines)


def _piece(text: str, weight: float) -> str:
    """Bold speaks for the domain, struck out against it; a blank at the edge would undo either."""
    if not weight or not text.strip():
        return plain_part(text)
    return f"<b>{plain_part(text)}</b>" if weight > 0 else f"<s>{plain_part(text)}</s>"


def plain_part(text: str) -> str:
    """Like `plain`, keeping blanks at the edges."""
    head, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{' ' if head else ''}{plain(text)}{' ' if tail and text.strip() else ''}"


@_block.register
def _details(block: Details, folder: str, suffix: str) -> str:
    body = escape(block.text, quote=False)
    return f"<details><summary>{escape(block.title)}</summary>\n\n<pre>{body}</pre>\n\n</details>"
