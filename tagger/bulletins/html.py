"""Main text and stated facts of an HTML page, by trafilatura; runs in the worker process."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

from tagger.bulletins.frequency import is_han
from tagger.errors import LimitError

#: The names that Chinese government pages must use (content-management standard), then others.
_META = {
    "title": ("ArticleTitle", "og:title", "title"),
    "date": ("PubDate", "article:published_time", "publishdate", "pubdate"),
    "issuer": ("ContentSource", "source", "Author"),
}
_ISO_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
#: An extract with less than this share of the page's prose lost the bulletin; one with more than
#: this share of its characters in lines that the page does not have broke its sentences.
_MIN_KEPT, _MAX_BROKEN = 0.5, 0.1
#: Below so many characters trafilatura takes the bare strings of the page, which breaks a sentence
#: at every bold word; its own 250 are a paragraph of English but half a bulletin of Chinese.
_MIN_EXTRACTED = 50
#: No bulletin's page has more lines; trafilatura needs 50 µs for each.
_MAX_LINES = 20_000
#: Rows of a table as trafilatura writes them, the rule below the head among them.
_ROW = re.compile(r"\|(.*)\|\s*")
_RULE = re.compile(r"[|\s-]*")
_STOP = re.compile(r"[。！？；]")
#: Styles that keep an element off the page.
_HIDING = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)\b", re.IGNORECASE)
#: A line with this share of its letters and hanzi in links is a menu or a list of other pages.
_MIN_LINKED = 0.9


def extract_html(page: str) -> dict[str, Any]:
    """Text and facts of a page.

    Parameters
    ----------
    page : str
        Decoded HTML; scripts are never run, nothing is fetched.

    Returns
    -------
    dict
        ``text`` with one block a line, ``title``, ``date`` (ISO) and ``issuer``, the
        last three None where the page's own metadata does not state them. ``links``:
        ``[start, end]`` code-point spans in ``text`` of the lines that are menus or lists
        of links; empty where trafilatura found the main text, which has none.

    Raises
    ------
    LimitError
        Nested so deeply that the parser stops, which would lose the rest of the page.
    """
    tree, is_deep = _parse(page)
    if tree is None:
        return {"text": "", **dict.fromkeys(_META), "links": []}
    lines = list(_all_lines(tree))
    everything = "\n".join(line for line, _ in lines)
    main = "" if is_deep or len(lines) > _MAX_LINES else _main_text(page)
    facts = _facts(tree)
    if _is_faithful(main, everything):
        return {"text": main, **facts, "links": []}
    return {"text": everything, **facts, "links": _link_spans(lines, facts["title"])}


def _parse(page: str):  # type: ignore[no-untyped-def]
    """The tree, None for a page without elements, and whether it is too deep for trafilatura."""
    from lxml import etree

    for is_deep in (False, True):
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=is_deep)
        tree = etree.fromstring(page.encode("utf-8"), parser=parser)
        if not any("XML_PARSE_HUGE" in entry.message for entry in parser.error_log):
            return tree, is_deep
    raise LimitError("nested more than 2048 elements deep", hint="Save the page as text.")


def _is_faithful(main: str, everything: str) -> bool:
    lines = {"".join(line.split()) for line in everything.split("\n")}
    broken = sum(len(line) for line in main.split("\n") if "".join(line.split()) not in lines)
    is_kept = bool(main) and _prose(main) >= _MIN_KEPT * _prose(everything)
    return is_kept and broken <= _MAX_BROKEN * len(main)


def _main_text(page: str) -> str:
    import copy

    import trafilatura
    from trafilatura.settings import DEFAULT_CONFIG

    config = copy.deepcopy(DEFAULT_CONFIG)
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_MIN_EXTRACTED))
    text = trafilatura.extract(
        page, config=config, output_format="txt", include_comments=False, include_tables=True,
        include_formatting=False, favor_recall=True, deduplicate=False, with_metadata=False,
    )  # fmt: skip
    lines = map(_plain_line, (text or "").split("\n"))
    return "\n".join(line for line in lines if line)


def _plain_line(line: str) -> str:
    """A line without the marks that trafilatura adds to lists and tables."""
    if _RULE.fullmatch(line):
        return ""
    row = _ROW.fullmatch(line)
    return "\t".join(map(str.strip, row[1].split("|"))) if row else line.removeprefix("- ")


_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav",
    "ol", "option", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul",
})  # fmt: skip
_SKIPPED = frozenset({
    "script", "style", "noscript", "template", "head", "title", "svg", "iframe", "object", "textarea", "select",
    "rt", "rp",
})  # fmt: skip


def _all_lines(tree) -> Iterator[tuple[str, bool]]:  # type: ignore[no-untyped-def]
    """Every visible line of the page, for pages that the extractor mistakes; whether it is links."""
    line: list[str] = []
    n_linked = 0
    for piece, in_link in _pieces(tree):
        for i, part in enumerate(piece.split("\n")):
            if i:
                yield from _line("".join(line), n_linked)
                line, n_linked = [], 0
            line.append(part)
            n_linked += _n_letters(part) if in_link else 0
    yield from _line("".join(line), n_linked)


def _line(line: str, n_linked: int) -> Iterator[tuple[str, bool]]:
    """The line, blanks tidied, unless it is empty."""
    text = "\t".join(" ".join(cell.split()) for cell in line.split("\t")).strip()
    if text:
        is_links = n_linked > 0 and n_linked >= _MIN_LINKED * _n_letters(text)
        yield text, is_links and not _STOP.search(text)


def _pieces(tree) -> Iterator[tuple[str, bool]]:  # type: ignore[no-untyped-def]
    """The page's text and the signs that part it, each with whether it stands in a link."""
    rows = links = headings = pres = 0
    for event, element in _walk(tree):
        tag = element.tag if event != "skipped" else ""
        step = 1 if event == "start" else -1
        is_row = tag == "tr" and _is_row_of_data(element)
        yield _parting(tag, event, bool(rows)), False
        rows += step * is_row
        links += step * (tag == "a" and "href" in element.attrib)
        headings += step * (tag == "h1")
        pres += step * (tag == "pre")
        text = element.text if event == "start" else element.tail
        yield _flat(text, keep_lines=pres > 0 and not rows), links > 0 and not headings


def _parting(tag: str, event: str, in_row: bool) -> str:
    """A line break at a block, within a row of data a space; a tab before a cell."""
    if tag in ("td", "th"):
        return "\t" if event == "start" else ""
    if tag not in _BLOCKS:
        return ""
    return " " if in_row and tag != "tr" else "\n"


def _is_row_of_data(row) -> bool:  # type: ignore[no-untyped-def]
    """Whether it is one line of a table; else a layout, whose cells hold paragraphs or tables."""
    cells = [cell for cell in row if cell.tag in ("td", "th")]
    is_nested = next(row.iterdescendants("table", "tr"), None) is not None
    return len(cells) > 1 and not is_nested and not any(map(_has_paragraphs, cells))


def _has_paragraphs(cell) -> bool:  # type: ignore[no-untyped-def]
    return sum(bool(_STOP.search(text)) for text in cell.itertext()) > 1


def _walk(tree):  # type: ignore[no-untyped-def]
    """Start and end of each visible element, without recursion: pages nest deeply on purpose.

    For one that is not visible "skipped" comes instead: only the text behind it counts.
    """
    stack = [("start", tree)]
    while stack:
        event, element = stack.pop()
        if event == "start":
            if _is_skipped(element):
                event = "skipped"
            else:
                stack.append(("end", element))
                stack.extend(("start", child) for child in reversed(element))
        yield event, element


def _is_skipped(element) -> bool:  # type: ignore[no-untyped-def]
    if not isinstance(element.tag, str) or element.tag in _SKIPPED:
        return True
    if element.tag in ("html", "body"):  # hidden until a script has run
        return False
    is_hidden = "hidden" in element.attrib or element.get("aria-hidden", "").strip().lower() == "true"
    return is_hidden or bool(_HIDING.search(element.get("style", "")))


def _link_spans(lines: list[tuple[str, bool]], title: str | None) -> list[list[int]]:
    """Spans of the lines of links in the joined text; none if the page has no line beside them."""
    spans, start, has_others = [], 0, False
    for line, is_links in lines:
        if is_links and line != title:
            spans.append([start, start + len(line)])
        has_others = has_others or not (is_links or line == title)
        start += len(line) + 1
    return spans if has_others else []


def _n_letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _flat(text: str | None, *, keep_lines: bool = False) -> str:
    return re.sub(r"[^\S\n]+" if keep_lines else r"\s+", " ", text) if text else ""


def _prose(text: str) -> int:
    """How many hanzi stand in lines with a full stop."""
    return sum(is_han(char) for line in text.split("\n") if _STOP.search(line) for char in line)


def _facts(tree) -> dict[str, str | None]:  # type: ignore[no-untyped-def]
    stated = {}
    for meta in tree.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").strip().lower()
        content = (meta.get("content") or "").strip()
        if name and content:
            stated.setdefault(name, content)
    facts = {
        fact: next((stated[n.lower()] for n in names if n.lower() in stated), None) for fact, names in _META.items()
    }
    facts["title"] = facts["title"] or _heading(tree)
    facts["date"] = _iso(facts["date"])
    return facts


def _heading(tree) -> str | None:  # type: ignore[no-untyped-def]
    for tag in ("h1", "title"):
        for element in tree.iter(tag):
            text = _flat("".join(element.itertext())).strip()
            if text:
                return text if tag == "h1" else re.split(r"\s*[-_|–—]\s*", text)[0]
    return None


def _iso(date: str | None) -> str | None:
    match = _ISO_DATE.search(date or "")
    try:
        return datetime.date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:  # no such day
        return None
