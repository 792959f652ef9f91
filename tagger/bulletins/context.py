"""A sentence with what its page says around it: the unit that classifiers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tagger.bulletins.bulletin import Bulletin, Paragraph, Sentence


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
    """

    text: str
    lead_in: str = ""
    previous: str = ""
    following: str = ""
    title: str = ""


def sentences_in_context(bulletin: Bulletin) -> list[tuple[Paragraph, Sentence, TextInContext]]:
    """Every sentence that is not page furniture, in order, with its context."""
    lead_ins = _lead_ins(bulletin)
    title = _title(bulletin)
    return [
        (paragraph, sentence, context)
        for paragraph in bulletin.paragraphs
        for sentence, context in _in_paragraph(paragraph, lead_ins, title)
    ]


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
