"""What a page states about its bulletin: title, date and issuing office.

Only stated facts count: a date in running prose is not the bulletin's date.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tagger.bulletins.furniture import ANY_FIELD
from tagger.bulletins.normalize import normalize

if TYPE_CHECKING:
    from tagger.bulletins.bulletin import Paragraph, Sentence

_DATE = re.compile(r"(?<!\d)((?:19|20)\d{2})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
_STATED_ISSUER = re.compile(
    r"(?:发布机构|发布单位|供稿单位|信息来源|文章来源|稿源|来源|供稿|发布者|作者)\s*[:/]\s*"
    r"([^\s|\])】,。;:]{2,30}?)"
    rf"(?=[\s|\])】,。;:]|{ANY_FIELD}|\d{{4}}|发布[人者时日机单]|责任?编|编辑|审核|浏览|点击|阅读|字[体号]|记者|通讯员|$)"
)
_CREDIT = re.compile(r"[(\[【]\s*([^()\[\]。]{2,30}?)\s*供稿\s*[)\]】]")
_OFFICE = re.compile(r"公安|警|派出所|交管|边检|出入境|政府|政法委|新闻办")
_NAMED_OFFICE = re.compile(
    r"(?:年来|以来|期间|日前|近日|今年|连日|近期|记者从|为了?|[,。:、\"在由和与了是对将]|^)[由在对为与]?"
    r"(?P<office>[\u4e00-\u9fff]{0,14}?"
    r"公安(?:厅|局[\u4e00-\u9fff]{2,10}?分局|局|(?:[\u4e00-\u9fff]{2,4})?分局|分?处)"
    r"(?:[\u4e00-\u9fff]{0,10}?(?:总队|支队|大队|派出所|检查站))?)"
)
#: Characters of the longest title.
MAX_TITLE = 60


@dataclass(frozen=True)
class PageFacts:
    """Title, ISO date and issuing office; None where the page does not state one."""

    title: str | None = None
    date: str | None = None
    issuer: str | None = None


def find_facts(paragraphs: Sequence[Paragraph]) -> PageFacts:
    """Title, date and issuer of a page from its paragraphs."""
    return PageFacts(_title(paragraphs), _date(paragraphs), _issuer(paragraphs))


def _title(paragraphs: Sequence[Paragraph]) -> str | None:
    """The first line that is not furniture, if it is short, has no full stop and prose follows."""
    content = [p for p in paragraphs if not p.noise]
    if len(content) < 2:
        return None
    text = content[0].text.strip(" #•·\u3000\xa0")
    is_title = text[-1:] not in "。!?;，,、:：" and not any(mark in text for mark in "。;；")
    return text if is_title and len(text) <= MAX_TITLE else None


def _date(paragraphs: Sequence[Paragraph]) -> str | None:
    for sentence in _furniture(paragraphs):
        for match in _DATE.finditer(sentence.normalized):
            try:
                return datetime.date(*map(int, match.groups())).isoformat()
            except ValueError:
                continue
    return None


def _issuer(paragraphs: Sequence[Paragraph]) -> str | None:
    """The stated office; else the police office named first; else the stated source."""
    stated = [
        name
        for pattern in (_CREDIT, _STATED_ISSUER)
        for sentence in _furniture(paragraphs)
        for name in _as_written(sentence, pattern.finditer(sentence.normalized))
    ]
    offices = [name for name in stated if _OFFICE.search(normalize(name).text)]
    # A full name ("禄劝…人民政府") says more than a bare one ("县公安局").
    offices.sort(key=lambda name: len(name) < 6)
    return next(chain(offices, _offices_named(paragraphs), stated), None)


def _furniture(paragraphs: Sequence[Paragraph]) -> Iterator[Sentence]:
    return (s for paragraph in paragraphs for s in paragraph.sentences if s.noise)


def _offices_named(paragraphs: Sequence[Paragraph]) -> Iterator[str]:
    for sentence in (s for p in paragraphs[:12] for s in p.content[:3]):
        matches = _NAMED_OFFICE.finditer(sentence.normalized)
        long = (match for match in matches if len(match.group("office")) >= 5)
        yield from _as_written(sentence, long, "office")


def _as_written(sentence: Sentence, matches: Iterable[re.Match[str]], group: int | str = 1) -> Iterator[str]:
    """What each match in the normalised sentence reads on the page."""
    normalized = None
    for match in matches:
        # Once for all matches: one line may hold thousands of them.
        normalized = normalized or normalize(sentence.text)
        start, end = normalized.original_span(*match.span(group))
        yield sentence.text[start:end]
