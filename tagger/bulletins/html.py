"""Main text and stated facts of an HTML page, by trafilatura; runs in the worker process."""

from __future__ import annotations

import datetime
import re

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


def extract_html(page: str) -> dict[str, str | None]:
    """Text and facts of a page.

    Parameters
    ----------
    page : str
        Decoded HTML; scripts are never run, nothing is fetched.

    Returns
    -------
    dict
        ``text`` with one block a line, ``title``, ``date`` (ISO) and ``issuer``, the
        last three None where the page's own metadata does not state them.

    Raises
    ------
    LimitError
        Nested so deeply that the parser stops, which would lose the rest of the page.
    """
    tree, is_deep = _parse(page)
    if tree is None:
        return {"text": "", **dict.fromkeys(_META)}
    everything = _all_lines(tree)
    main = "" if is_deep or everything.count("\n") > _MAX_LINES else _main_text(page)
    return {"text": main if _is_faithful(main, everything) else everything, **_facts(tree)}


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
})  # fmt: skip


def _all_lines(tree) -> str:  # type: ignore[no-untyped-def]
    """Every visible line of the page, blocks apart, for pages that the extractor mistakes."""
    parts: list[str] = []
    for event, element in _walk(tree):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            parts.append("\n" if tag in _BLOCKS else "\t" if tag in ("td", "th") else "")
            parts.append(_flat(element.text))
        else:
            parts.append("\n" if tag in _BLOCKS else "")
            parts.append(_flat(element.tail))
    lines = (line.strip() for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _walk(tree):  # type: ignore[no-untyped-def]
    """Start and end of each visible element, without recursion: pages nest deeply on purpose."""
    stack = [("start", tree)]
    while stack:
        event, element = stack.pop()
        if event == "start":
            skipped = not isinstance(element.tag, str) or element.tag in _SKIPPED
            stack.append(("end", element))
            if skipped:
                continue
            stack.extend(("start", child) for child in reversed(element))
        yield event, element


def _flat(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""


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
