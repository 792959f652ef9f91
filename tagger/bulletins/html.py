"""Main text and stated facts of an HTML page, by trafilatura; runs in the worker process."""

from __future__ import annotations

import re

from tagger.bulletins.frequency import is_han

#: The names that Chinese government pages must use (content-management standard), then others.
_META = {
    "title": ("ArticleTitle", "og:title", "title"),
    "date": ("PubDate", "article:published_time", "publishdate", "pubdate"),
    "issuer": ("ContentSource", "source", "Author"),
}
_ISO_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
#: An extract with less than this share of the page's prose lost the bulletin.
_MIN_KEPT = 0.5
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
    """
    from lxml import html as lxml_html

    tree = lxml_html.document_fromstring(page.encode("utf-8"), parser=_parser())
    everything = _all_lines(tree)
    main = _main_text(page)
    text = main if _prose(main) >= _MIN_KEPT * _prose(everything) else everything
    return {"text": text, **_facts(tree)}


def _parser():  # type: ignore[no-untyped-def]
    from lxml import etree

    return etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)


def _main_text(page: str) -> str:
    import trafilatura

    text = trafilatura.extract(
        page, output_format="txt", include_comments=False, include_tables=True,
        include_formatting=False, favor_recall=True, deduplicate=False, with_metadata=False,
    )  # fmt: skip
    return text or ""


_BLOCKS = frozenset(
    "address article aside blockquote br caption center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol option p pre section table tbody tfoot thead tr ul".split()
)
_SKIPPED = frozenset("script style noscript template head title svg iframe object textarea select".split())


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
        fact: next((stated[n.lower()] for n in names if n.lower() in stated), None)
        for fact, names in _META.items()
    }
    facts["title"] = facts["title"] or _heading(tree)
    facts["date"] = _iso(facts["date"])
    return facts


def _heading(tree) -> str | None:  # type: ignore[no-untyped-def]
    for tag in ("h1", "title"):
        for element in tree.iter(tag):
            text = _flat(element.text_content()).strip()
            if text:
                return text if tag == "h1" else re.split(r"\s*[-_|–—]\s*", text)[0]
    return None


def _iso(date: str | None) -> str | None:
    match = _ISO_DATE.search(date or "")
    return "{}-{:0>2}-{:0>2}".format(*match.groups()) if match else None
