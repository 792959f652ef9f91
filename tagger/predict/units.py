"""The rows of a result at one level: measures, paragraphs or sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tagger.bulletins.bulletin import Paragraph, Sentence
from tagger.predict.tagging import TaggedBulletin, Tags

LEVELS = ("measure", "paragraph", "sentence")


@dataclass(frozen=True)
class Unit:
    """One row: a span of the original with its tags.

    Attributes
    ----------
    kind : str
        ``measure``, ``paragraph``, ``sentence``, or ``text`` for what stands outside every measure.
    start, end : int
        Span in the original.
    sentences : tuple of (int, int)
        (paragraph index, sentence index) of what it is made of.
    """

    kind: str
    index: int
    start: int
    end: int
    noise: bool
    tags: Tags
    sentences: tuple[tuple[int, int], ...]


def units(tagged: TaggedBulletin, level: str) -> Iterator[Unit]:
    """Units in page order; together they hold every sentence once.

    Parameters
    ----------
    level : {"measure", "paragraph", "sentence"}
    """
    if level == "measure":
        yield from _measures(tagged)
        return
    for paragraph in tagged.bulletin.paragraphs:
        if level == "paragraph":
            yield _unit(tagged, "paragraph", paragraph.index, [(paragraph, s) for s in paragraph.sentences])
        else:
            for i, s in enumerate(paragraph.sentences):
                yield _unit(tagged, "sentence", i, [(paragraph, s)])


def _measures(tagged: TaggedBulletin) -> Iterator[Unit]:
    of = {place: m.index for m in tagged.bulletin.measures for place in m.sentences}
    run: list[tuple[Paragraph, Sentence]] = []
    key: object = None
    n_texts = 0
    for paragraph in tagged.bulletin.paragraphs:
        for sentence in paragraph.sentences:
            measure = of.get((paragraph.index, sentence.index))
            this = measure if measure is not None else ("text", paragraph.index, sentence.noise)
            if run and this != key:
                yield _run_unit(tagged, key, n_texts, run)
                n_texts += isinstance(key, tuple)
                run = []
            key = this
            run.append((paragraph, sentence))
    if run:
        yield _run_unit(tagged, key, n_texts, run)


def _run_unit(tagged: TaggedBulletin, key: object, n_texts: int, run: Sequence[tuple[Paragraph, Sentence]]) -> Unit:
    if isinstance(key, int):
        return _unit(tagged, "measure", key, run)
    return _unit(tagged, "text", n_texts, run)


def _unit(tagged: TaggedBulletin, kind: str, index: int, run: Sequence[tuple[Paragraph, Sentence]]) -> Unit:
    places = tuple((p.index, s.index) for p, s in run)
    noise = all(s.noise for _, s in run)
    tags = tagged.union(places)
    return Unit(kind, index, run[0][1].start, run[-1][1].end, noise, tags, places)
