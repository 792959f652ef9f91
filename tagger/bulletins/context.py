"""A sentence with what its page says around it: the unit that classifiers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tagger.bulletins.bulletin import Bulletin, Paragraph, Sentence


class Page(NamedTuple):
    """The content sentences of one bulletin, in order; shared by the texts that stand on it.

    Attributes
    ----------
    sentences : tuple of str
        Normalised.
    paragraphs : tuple of int
        The paragraph's index of each sentence; sentences of a paragraph stand together.
    title : str
        The bulletin's title, normalised; "" without one.
    """

    sentences: tuple[str, ...]
    paragraphs: tuple[int, ...]
    title: str = ""


class TextInContext(NamedTuple):
    """One normalised sentence and its surroundings, "" where there are none.

    Attributes
    ----------
    text : str
        The sentence itself.
    lead_in : str
        The lead-in of its measure; "" for the lead-in itself.
    previous, following : str
        The content sentences before and after it in its paragraph.
    title : str
        The bulletin's title; "" for the title itself.
    page : Page or None
        The whole page, for classifiers that read more of it; None for a text given alone.
    position : int
        The text's place among the page's sentences.
    """

    text: str
    lead_in: str = ""
    previous: str = ""
    following: str = ""
    title: str = ""
    page: Page | None = None
    position: int = 0

    def on_page(self) -> tuple[Page, int]:
        """Its page and its place there; for a text given alone, a page of its neighbours."""
        if self.page is not None:
            return self.page, self.position
        before = [part for part in (self.lead_in, self.previous) if part]
        sentences = (*before, self.text, *([self.following] if self.following else []))
        return Page(sentences, (0,) * len(sentences), self.title), len(before)


def sentences_in_context(bulletin: Bulletin) -> list[tuple[Paragraph, Sentence, TextInContext]]:
    """Every sentence that is not page furniture, in order, with its context."""
    lead_ins = _lead_ins(bulletin)
    title = _title(bulletin)
    found = [
        (paragraph, sentence, context)
        for paragraph in bulletin.paragraphs
        for sentence, context in _in_paragraph(paragraph, lead_ins, title)
    ]
    page = Page(tuple(text.text for _, _, text in found), tuple(p.index for p, _, _ in found), title)
    return [(p, s, text._replace(page=page, position=i)) for i, (p, s, text) in enumerate(found)]


def _title(bulletin: Bulletin) -> str:
    from tagger.bulletins.normalize import normalize

    return normalize(bulletin.title or "").text


def _lead_ins(bulletin: Bulletin) -> dict[tuple[int, int], str]:
    """The lead-in's text for each (paragraph, sentence) that a measure leads."""
    return {
        place: bulletin.sentence(*measure.sentences[0]).normalized
        for measure in bulletin.measures
        for place in measure.sentences[1:]
    }


def _in_paragraph(
    paragraph: Paragraph, lead_ins: dict[tuple[int, int], str], title: str
) -> Iterator[tuple[Sentence, TextInContext]]:
    content = paragraph.content
    for i, sentence in enumerate(content):
        text = sentence.normalized
        yield (
            sentence,
            TextInContext(
                text=text,
                lead_in=lead_ins.get((paragraph.index, sentence.index), ""),
                previous=content[i - 1].normalized if i else "",
                following=content[i + 1].normalized if i + 1 < len(content) else "",
                title="" if text == title else title,
            ),
        )
