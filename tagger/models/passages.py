"""Pages cut into passages: runs of whole sentences that an encoder reads at once.

A passage begins with the page's title and holds as many paragraphs as fit; every sentence
is scored from its own pieces, in the sight of the others. So the context of a sentence
costs nothing, where a second segment would be read again for every sentence.

Cohan et al. (2019), "Pretrained Language Models for Sequential Sentence Classification".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tagger.bulletins.context import Page
from tagger.models.tokenization import PieceTokenizer


class Span(NamedTuple):
    """Where a sentence, or a part of a long one, stands in a passage: pieces ``[start, end)``."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True)
class Passage:
    """One input of an encoder.

    Attributes
    ----------
    ids : list of int
        Piece ids, specials included; at most ``max_length``.
    spans : list of Span
        The sentences in it, by their number on the page; a sentence longer than a passage
        is in several, in consecutive parts.
    """

    ids: list[int]
    spans: list[Span]

    def pool(self) -> np.ndarray:
        """Weights that average each span's pieces, float32, shape (n_spans, n_ids)."""
        weights = np.zeros((len(self.spans), len(self.ids)), dtype=np.float32)
        for row, (_, start, end) in enumerate(self.spans):
            weights[row, start:end] = 1 / (end - start)
        return weights


@dataclass(frozen=True)
class EncodedPage:
    """A page in piece ids.

    Attributes
    ----------
    title : list of int
    sentences : list of list of int
    paragraphs : tuple of int
        The paragraph of each sentence.
    """

    title: list[int]
    sentences: list[list[int]]
    paragraphs: tuple[int, ...]


class PageCutter:
    """Turns pages into passages.

    Parameters
    ----------
    tokenizer : PieceTokenizer
    max_length : int, default=256
        Pieces in a passage, at least 16.
    max_title : int, default=40
        Pieces of the title before each passage; a longer title loses its end there, never
        as a sentence of its own.
    """

    def __init__(self, tokenizer: PieceTokenizer, max_length: int = 256, max_title: int = 40) -> None:
        if max_length < 16 or not 0 <= max_title <= max_length // 2:
            raise ValueError(f"max_length {max_length}, max_title {max_title}: expected 16 or more, and at most half")
        self.tokenizer, self.max_length, self.max_title = tokenizer, max_length, max_title

    def encode(self, pages: Sequence[Page]) -> list[EncodedPage]:
        """Cut the sentences of pages into pieces; all in one call, which is many times faster."""
        texts = [text for page in pages for text in (page.title, *page.sentences)]
        ids = iter(self.tokenizer.encode(texts))
        return [EncodedPage(next(ids), [next(ids) for _ in page.sentences], page.paragraphs) for page in pages]

    def cut(self, page: EncodedPage, max_length: int | None = None) -> list[Passage]:
        """The passages of a page; every sentence is in them, whole or in consecutive parts.

        Parameters
        ----------
        page : EncodedPage
        max_length : int, optional
            In place of the cutter's own.
        """
        building = _Building(self._prefix(page), max_length or self.max_length, self.tokenizer.end)
        for first, end in _runs(page.paragraphs):
            sentences = [self._pieces(page, i) for i in range(first, end)]
            building.make_room(sum(len(ids) + 1 for ids in sentences))
            for number, ids in enumerate(sentences, start=first):
                building.add(number, ids)
        return building.finish()

    def _prefix(self, page: EncodedPage) -> list[int]:
        title = [*page.title[: self.max_title], self.tokenizer.end] if page.title else []
        return [self.tokenizer.begin, *title]

    def _pieces(self, page: EncodedPage, number: int) -> list[int]:
        """A text without pieces, of characters that the tokenizer drops, stands as an unknown one."""
        return page.sentences[number] or [self.tokenizer.unknown]


class _Building:
    """Passages in the making."""

    def __init__(self, prefix: list[int], max_length: int, end: int) -> None:
        self.prefix, self.max_length, self.end = prefix, max_length, end
        self.passages: list[Passage] = []
        self.ids, self.spans = list(prefix), list[Span]()

    def make_room(self, n_ids: int) -> None:
        """Begin a passage if so many ids fit into an empty one, but not into this one."""
        if len(self.ids) + n_ids > self.max_length >= len(self.prefix) + n_ids:
            self._close()

    def add(self, number: int, ids: list[int]) -> None:
        room = self.max_length - len(self.prefix) - 1
        for at in range(0, len(ids), room):
            part = ids[at : at + room]
            self.make_room(len(part) + 1)
            self.spans.append(Span(number, len(self.ids), len(self.ids) + len(part)))
            self.ids += [*part, self.end]

    def finish(self) -> list[Passage]:
        self._close()
        return self.passages

    def _close(self) -> None:
        if self.spans:
            self.passages.append(Passage(self.ids, self.spans))
        self.ids, self.spans = list(self.prefix), []


def _runs(paragraphs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and one-past-last sentence of each paragraph."""
    starts = [i for i, paragraph in enumerate(paragraphs) if not i or paragraph != paragraphs[i - 1]]
    return zip(starts, [*starts[1:], len(paragraphs)], strict=True)
