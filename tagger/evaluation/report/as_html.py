"""One self-contained HTML page: no request goes out, and nothing from data is anything but text."""

from __future__ import annotations

import base64
from functools import singledispatch
from html import escape

from tagger.evaluation.figures.style import drawing, to_svg
from tagger.evaluation.report.blocks import (
    Details,
    ErrorCase,
    Gallery,
    Heading,
    Note,
    Picture,
    Report,
    Section,
    Table,
)
from tagger.evaluation.typeface import page_font

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
_STYLE = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{font:16px/1.7 "Tagger Sans SC","Noto Sans SC","PingFang SC","Microsoft YaHei","WenQuanYi Zen Hei",sans-serif}
body{max-width:72rem;margin:0 auto;padding:1rem 1.25rem 4rem;color:#222;background:#fff}
h1{font-size:1.7rem;margin:1rem 0 .2rem}h2{font-size:1.3rem;margin:3rem 0 .6rem;border-bottom:2px solid #16325c}
h3{font-size:1.05rem;margin:1.8rem 0 .4rem;font-weight:600;overflow-wrap:anywhere}
p{margin:.5rem 0;max-width:52rem}.lead{border-left:4px solid #16325c;padding:.2rem 0 .2rem .8rem;font-weight:600}
nav{font-size:.9rem;margin:.5rem 0 1rem}nav a{margin-right:1.1em;display:inline-block}a{color:#16325c}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;font-size:.85rem;line-height:1.45}
th,td{border-bottom:1px solid #ddd;padding:.3rem .9rem .3rem 0;text-align:left;vertical-align:top;white-space:nowrap}
th{border-bottom:2px solid #999;font-weight:600;vertical-align:bottom;white-space:normal;max-width:8rem}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.b{font-weight:700}
td.w:first-child{min-width:8rem}td.w{white-space:normal;max-width:22rem;overflow-wrap:break-word}
figure{margin:1rem 0}img{max-width:100%;height:auto}
details{margin:.3rem 0}summary{cursor:pointer;color:#16325c}
ol.cases{margin:.3rem 0 1rem;padding-left:1.6rem}ol.cases li{margin:.5rem 0}
.facts{color:#666;font-size:.82rem;display:block}
mark{background:#ffe9a8;color:inherit;border-bottom:2px solid #b07a00;padding:0}
mark.against{background:#eee;border-bottom:2px dashed #777}
pre{font:12px/1.5 ui-monospace,Menlo,Consolas,monospace;background:#f6f6f6;padding:.8rem;overflow-x:auto}
footer{color:#888;font-size:.8rem;margin-top:3rem;border-top:1px solid #ddd}
@media print{nav{display:none}h2{break-after:avoid}figure{break-inside:avoid}}
"""


def write_page(report: Report, footer: str = "") -> str:
    """The page as text.

    Parameters
    ----------
    report : Report
    footer : str, optional
        A last line, such as what wrote it.
    """
    body = "".join(map(_section, report.sections))
    links = "".join(f'<a href="#{escape(s.key)}">{escape(s.title)}</a>' for s in report.sections)
    text = f"{report.title}{report.contents}{footer}{body}"
    face = f"@font-face{{font-family:'Tagger Sans SC';src:url({page_font(text)}) format('woff')}}"
    return (
        f'<!doctype html>\n<html lang="{escape(report.lang)}"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>{face}{_STYLE}</style></head>\n<body>\n"
        f'<h1>{escape(report.title)}</h1>\n<nav aria-label="{escape(report.contents)}">{links}</nav>\n'
        f"{body}<footer>{escape(footer)}</footer>\n</body></html>\n"
    )


def _section(section: Section) -> str:
    blocks = "".join(_block(block) for block in section.blocks)
    return f'<section id="{escape(section.key)}">\n<h2>{escape(section.title)}</h2>\n{blocks}</section>\n'


@singledispatch
def _block(block: object) -> str:
    raise TypeError(f"no way to write a {type(block).__name__}")


@_block.register
def _note(block: Note) -> str:
    return f"<p{' class=lead' if block.lead else ''}>{escape(block.text)}</p>\n"


@_block.register
def _heading(block: Heading) -> str:
    return f"<h3>{escape(block.text)}</h3>\n"


@_block.register
def _table(block: Table) -> str:
    head = "".join(f"<th{_if_number(block, c)}>{escape(cell)}</th>" for c, cell in enumerate(block.head))
    rows = "".join(
        "<tr>" + "".join(_cell(block, r, c, cell) for c, cell in enumerate(row)) + "</tr>\n"
        for r, row in enumerate(block.rows)
    )
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>\n'
    return f"<details><summary>{escape(block.title)}</summary>{table}</details>\n" if block.title else table


def _cell(block: Table, row: int, column: int, cell: str) -> str:
    if column < block.n_text:
        return f'<td class="w">{escape(cell)}</td>'
    return f'<td class="n{" b" if (row, column) in block.strong else ""}">{escape(cell)}</td>'


def _if_number(block: Table, column: int) -> str:
    return ' class="n"' if column >= block.n_text else ""


@_block.register
def _picture(block: Picture) -> str:
    # As an image, so that nothing in it can run or be styled from outside.
    with drawing():
        data = base64.b64encode(to_svg(block.figure).encode()).decode()
    return f'<figure><img alt="{escape(block.alt)}" src="data:image/svg+xml;base64,{data}"></figure>\n'


@_block.register
def _gallery(block: Gallery) -> str:
    if not block.cases:
        return f"<p>{escape(block.title)}</p>\n"
    cases = "".join(map(_case, block.cases))
    return f'<details><summary>{escape(block.title)}</summary><ol class="cases">{cases}</ol></details>\n'


def _case(case: ErrorCase) -> str:
    text = "".join(_piece(*piece) for piece in case.pieces())
    return f'<li>{text}<span class="facts">{escape(f"{case.id} · {case.facts}")}</span></li>'


def _piece(text: str, weight: float) -> str:
    if not weight:
        return escape(text)
    return f'<mark{"" if weight > 0 else " class=against"} title="{weight:+.2f}">{escape(text)}</mark>'


@_block.register
def _details(block: Details) -> str:
    return f"<details><summary>{escape(block.title)}</summary><pre>{escape(block.text)}</pre></details>\n"
