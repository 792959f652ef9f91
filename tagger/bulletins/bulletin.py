"""A bulletin as data, and `parse_bulletin`, which cuts a text into one.

Spans are half-open code-point offsets into the original text, whatever cleaning did:
``original[unit.start:unit.end] == unit.text`` for every unit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

from tagger.bulletins.furniture import (
    is_breadcrumb,
    is_furniture,
    is_person_line,
    is_signature,
    is_signed,
    is_signing_office,
    opens_other_pages,
)
from tagger.bulletins.leadins import is_heading, is_lead_in
from tagger.bulletins.metadata import MAX_TITLE, PageFacts, find_facts
from tagger.bulletins.normalize import normalize
from tagger.bulletins.paragraphs import split_paragraphs
from tagger.bulletins.sentences import split_sentences

#: Paragraphs among which the frame of a site ends, and characters of the shortest title.
_MAX_HEAD, _MIN_TITLE = 40, 8


@dataclass(frozen=True)
class Sentence:
    """One sentence.

    Attributes
    ----------
    index : int
        Position within its paragraph.
    start, end : int
        Span in the original.
    text, normalized : str
        As the page has it, and as a model sees it.
    noise : bool
        Page furniture or debris; never tagged.
    lead_in : bool
        Whether it opens a measure.
    """

    index: int
    start: int
    end: int
    text: str
    normalized: str
    noise: bool = False
    lead_in: bool = False


@dataclass(frozen=True)
class Paragraph:
    """One paragraph: a line of the page that is not blank; noise when all its sentences are."""

    index: int
    start: int
    end: int
    text: str
    sentences: tuple[Sentence, ...]

    @property
    def noise(self) -> bool:
        """Whether nothing but page furniture is in it."""
        return all(s.noise for s in self.sentences)

    @property
    def content(self) -> list[Sentence]:
        """Its sentences without page furniture."""
        return [s for s in self.sentences if not s.noise]


@dataclass(frozen=True)
class Measure:
    """A lead-in with the sentences that carry it out.

    Attributes
    ----------
    index : int
    start, end : int
        From the lead-in's start to the last sentence's end.
    sentences : tuple of (int, int)
        (paragraph index, sentence index) of each, the lead-in first.
    """

    index: int
    start: int
    end: int
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Bulletin:
    """A bulletin: where it came from, what its page states, and its units."""

    id: str
    source: str
    original: str
    paragraphs: tuple[Paragraph, ...]
    measures: tuple[Measure, ...] = ()
    title: str | None = None
    date: str | None = None
    issuer: str | None = None

    def sentence(self, paragraph: int, sentence: int) -> Sentence:
        """The sentence at a (paragraph, sentence) index."""
        return self.paragraphs[paragraph].sentences[sentence]


def parse_bulletin(
    original: str, *, id: str = "", source: str = "", facts: PageFacts | None = None,
    furniture: Sequence[Sequence[int]] = (), wrapped: bool = False,
) -> Bulletin:  # fmt: skip
    """Cut a decoded text into a bulletin.

    Parameters
    ----------
    original : str
        The text, newlines as they are in the file.
    id, source : str
        Kept as they are.
    facts : PageFacts, optional
        What the document itself states (HTML metadata, docx properties); it wins
        over what is found in the text.
    furniture : sequence of (int, int)
        Spans, in order, that the document shows to be menus or lists of links
        (`extract_html`): the sentences inside them are noise, and state no facts.
    wrapped : bool
        The lines are printed ones (PDF), not paragraphs (`split_paragraphs`).
    """
    spans = []
    for offset, end in split_paragraphs(original, wrapped=wrapped):
        cut = split_sentences(original[offset:end])
        spans.append([(offset + start, offset + stop) for start, stop in cut])
    return _assemble(original, spans, id, source, facts or PageFacts(), furniture)


def bulletin_from_sentences(paragraphs: Iterable[Sequence[str]], *, id: str = "", source: str = "") -> Bulletin:
    """A bulletin whose sentences are already cut (labelled data); they are not cut again.

    Raises
    ------
    ValueError
        A paragraph without sentences, or a sentence that is empty or blank.
    """
    original, spans, end = [], [], 0
    for paragraph in paragraphs:
        row = []
        for text in paragraph:
            if not text.strip():
                raise ValueError(f"blank sentence in bulletin {id!r}")
            row.append((end, end + len(text)))
            original.append(text)
            end += len(text)
        if not row:
            raise ValueError(f"paragraph without sentences in bulletin {id!r}")
        original.append("\n")
        end += 1
        spans.append(row)
    return _assemble("".join(original), spans, id, source, PageFacts())


def _assemble(
    original: str, spans: list[list[tuple[int, int]]], id: str, source: str, facts: PageFacts,
    furniture: Sequence[Sequence[int]] = (),
) -> Bulletin:  # fmt: skip
    paragraphs = [_paragraph(original, i, row) for i, row in enumerate(spans)]
    paragraphs = _mark_foot([_mark_furniture(p, furniture) for p in paragraphs])
    paragraphs = _mark_other_pages(_mark_head(paragraphs))
    # A link's date or source is another page's.
    found = find_facts([p for p in paragraphs if not _is_within(p, furniture)])
    title = facts.title or found.title
    plain_title = normalize(title or "").text
    paragraphs = [_mark_lead_ins(p, plain_title) for p in paragraphs]
    return Bulletin(
        id=id, source=source, original=original, paragraphs=tuple(paragraphs),
        measures=tuple(_measures(paragraphs)), title=title,
        date=facts.date or found.date, issuer=facts.issuer or found.issuer,
    )  # fmt: skip


def _paragraph(original: str, index: int, spans: Sequence[tuple[int, int]]) -> Paragraph:
    sentences = []
    for i, (start, end) in enumerate(spans):
        text = original[start:end]
        normalized = normalize(text).text
        sentences.append(Sentence(i, start, end, text, normalized, is_furniture(normalized)))
    start, end = spans[0][0], spans[-1][1]
    return Paragraph(index, start, end, original[start:end], tuple(sentences))


def _mark_furniture(paragraph: Paragraph, furniture: Sequence[Sequence[int]]) -> Paragraph:
    sentences = (replace(s, noise=s.noise or _is_within(s, furniture)) for s in paragraph.sentences)
    return replace(paragraph, sentences=tuple(sentences)) if furniture else paragraph


def _is_within(unit: Paragraph | Sentence, spans: Sequence[Sequence[int]]) -> bool:
    before = bisect_right(spans, unit.start, key=itemgetter(0))
    return before > 0 and unit.end <= spans[before - 1][1]


def _mark_foot(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Editors' names and signatures are furniture only at the page's foot, below all prose."""
    for i in range(len(paragraphs) - 1, -1, -1):
        paragraph = paragraphs[i]
        if i and len(paragraph.sentences) == 1 and _is_foot_line(paragraph.sentences[0]):
            paragraphs[i] = _with_noise(paragraph)
        elif not paragraph.noise:
            paragraphs[i] = _mark_author(paragraph)
            break
    return paragraphs


def _mark_author(paragraph: Paragraph) -> Paragraph:
    """Who wrote it may stand in brackets behind the last full stop of the prose."""
    *others, last = paragraph.sentences
    if not others or not is_signed(last.normalized):
        return paragraph
    return replace(paragraph, sentences=(*others, replace(last, noise=True)))


def _mark_head(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Above a line that says where the page is on its site, there is only the site: its name, its menu.

    Unless prose stands above that line, or no title below it: then the title is above.
    """
    for i, paragraph in enumerate(paragraphs[:_MAX_HEAD]):
        if _is_prose(paragraph):
            break
        if paragraph.noise and is_breadcrumb(paragraph.sentences[0].normalized):
            below = next((p for p in paragraphs[i + 1 :] if not p.noise), None)
            if below is None or _is_prose(below) or len(below.text) < _MIN_TITLE or below.text.startswith("—"):
                break
            return [*map(_with_noise, paragraphs[:i]), *paragraphs[i:]]
    return paragraphs


def _mark_other_pages(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Below all prose and a heading such as 相关新闻, there are titles of other pages."""
    last = max((i for i, p in enumerate(paragraphs) if _is_prose(p)), default=len(paragraphs))
    for i, paragraph in enumerate(paragraphs[last + 1 :], start=last + 1):
        if paragraph.noise and opens_other_pages(paragraph.sentences[0].normalized):
            return [*paragraphs[:i], *map(_with_noise, paragraphs[i:])]
    return paragraphs


def _is_prose(paragraph: Paragraph) -> bool:
    """Whether a sentence ends in it, or it is longer than a title."""
    content = paragraph.content
    return any(s.normalized[-1:] in "。!?;" for s in content) or (bool(content) and len(paragraph.text) > MAX_TITLE)


def _is_foot_line(sentence: Sentence) -> bool:
    # The space that parts two names is lost between hanzi when a line is normalised as a whole.
    spaced = " ".join(normalize(word).text for word in sentence.text.split())
    forms = (is_person_line, is_signature, is_signing_office)
    return any(is_form(line) for is_form in forms for line in (spaced, sentence.normalized))


def _with_noise(paragraph: Paragraph) -> Paragraph:
    return replace(paragraph, sentences=tuple(replace(s, noise=True) for s in paragraph.sentences))


def _mark_lead_ins(paragraph: Paragraph, title: str) -> Paragraph:
    content = [s.normalized for s in paragraph.content]
    if _repeats_title(content, title):
        opens = set()
    elif is_heading(content):
        opens = {paragraph.content[0].index}
    else:
        opens = {s.index for i, s in enumerate(paragraph.content) if is_lead_in(content, i)}
    sentences = tuple(replace(s, lead_in=s.index in opens) for s in paragraph.sentences)
    return replace(paragraph, sentences=sentences)


def _repeats_title(content: Sequence[str], title: str) -> bool:
    """The title itself, the title again, or a subtitle after a dash."""
    if not title or len(content) != 1:
        return False
    return title in content[0] or content[0].startswith("——")


def _measures(paragraphs: Sequence[Paragraph]) -> list[Measure]:
    """A measure ends at the next lead-in; one opened within a paragraph ends with it too."""
    groups: list[list[tuple[int, int]]] = []
    crosses_paragraphs = False
    for paragraph in paragraphs:
        content = paragraph.content
        is_led = bool(groups) and crosses_paragraphs
        for sentence in content:
            if sentence.lead_in:
                groups.append([])
                is_led = True
                crosses_paragraphs = len(content) == 1
            if is_led:
                groups[-1].append((paragraph.index, sentence.index))
    return [_measure(i, group, paragraphs) for i, group in enumerate(groups)]


def _measure(index: int, group: list[tuple[int, int]], paragraphs: Sequence[Paragraph]) -> Measure:
    (p0, s0), (p1, s1) = group[0], group[-1]
    start = paragraphs[p0].sentences[s0].start
    return Measure(index, start, paragraphs[p1].sentences[s1].end, tuple(group))
