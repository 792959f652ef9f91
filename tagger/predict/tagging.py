"""`tag_bulletins`: the one function behind the CLI, REST, ML backend and bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from tagger.bulletins.bulletin import Bulletin, Measure, Paragraph, Sentence
from tagger.bulletins.context import TextInContext, sentences_in_context
from tagger.models.classifier import Evidence
from tagger.models.precedents import Precedent
from tagger.models.storage import Model

#: Sentences scored at once: large enough to amortise a call, small enough for constant memory.
_BATCH = 512


@dataclass(frozen=True)
class Tags:
    """What a unit of text is tagged with.

    Attributes
    ----------
    domains : tuple of str
        Tagged domain ids in column order.
    scores : ndarray of shape (n_domains,)
        float32 in [0, 1]: a sentence's own scores, or the highest of a larger unit's
        sentences.
    ask : tuple of str
        Domain ids that a person should look at, in column order; none that it is tagged with, and
        none at all unless the model is asking (`Model.asking`).
    """

    domains: tuple[str, ...]
    scores: np.ndarray
    ask: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        """What a person wants to see the grounds of: the tags, then what is asked."""
        return self.domains + self.ask


@dataclass(frozen=True)
class TaggedBulletin:
    """A bulletin with tags at every level; page furniture has none.

    A larger unit's tags are the union of its sentences' tags.
    """

    bulletin: Bulletin
    model: Model
    tags: dict[tuple[int, int], Tags]
    contexts: dict[tuple[int, int], TextInContext]

    def sentence_tags(self, paragraph: Paragraph, sentence: Sentence) -> Tags:
        """Tags of one sentence."""
        return self.tags.get((paragraph.index, sentence.index)) or self.union([])

    def paragraph_tags(self, paragraph: Paragraph) -> Tags:
        """Tags of one paragraph."""
        return self.union([(paragraph.index, s.index) for s in paragraph.sentences])

    def measure_tags(self, measure: Measure) -> Tags:
        """Tags of one measure."""
        return self.union(measure.sentences)

    @property
    def bulletin_tags(self) -> Tags:
        """Tags of the whole bulletin."""
        return self.union(list(self.tags))

    def explain(self, paragraph: int, sentence: int, domain: str, limit: int = 5) -> list[Evidence]:
        """What carried one sentence's score in one domain, strongest first."""
        column = self.model.domains.column(domain)
        return self.model.classifier.explain(self.contexts[paragraph, sentence], column, limit)

    @property
    def has_precedents(self) -> bool:
        """Whether the model can name labelled sentences like a new one."""
        return self.model.precedents is not None and hasattr(self.model.classifier, "embed")

    def precedents(self, paragraph: int, sentence: int, limit: int = 3) -> list[Precedent]:
        """Labelled sentences nearest to one sentence, nearest first; none for page furniture or without an index."""
        if self.model.precedents is None or not self.has_precedents or (paragraph, sentence) not in self.contexts:
            return []
        return self.model.precedents.nearest(self._embeddings[paragraph, sentence], limit)

    @cached_property
    def _embeddings(self) -> dict[tuple[int, int], np.ndarray]:
        """Of all sentences at once, when the first is asked for."""
        vectors = self.model.classifier.embed([context.text for context in self.contexts.values()])  # type: ignore[attr-defined]
        return dict(zip(self.contexts, vectors, strict=True))

    def best_place(self, domain: str, places: Iterable[tuple[int, int]]) -> tuple[int, int]:
        """The sentence that carries a domain best, of places of which one is tagged with it or asked about it."""
        column = self.model.domains.column(domain)
        tagged = [place for place in places if place in self.tags and domain in self.tags[place].shown]
        return max(tagged, key=lambda place: self.tags[place].scores[column])

    def union(self, places: Sequence[tuple[int, int]]) -> Tags:
        """Tags of any set of sentences, given as (paragraph, sentence) indices."""
        found = [self.tags[place] for place in places if place in self.tags]
        if not found:
            return Tags((), np.zeros(len(self.model.domains), dtype=np.float32))
        domains = self._in_order(chain.from_iterable(tags.domains for tags in found))
        # What one sentence is tagged with need not be asked of another.
        ask = self._in_order({id for tags in found for id in tags.ask}.difference(domains))
        return Tags(domains, np.max([tags.scores for tags in found], axis=0), ask)

    def _in_order(self, ids: Iterable[str]) -> tuple[str, ...]:
        named = set(ids)
        return tuple(id for id in self.model.domains.ids if id in named)


def tag_bulletin(bulletin: Bulletin, model: Model) -> TaggedBulletin:
    """Tag one bulletin."""
    return next(tag_bulletins([bulletin], model))


def tag_bulletins(bulletins: Iterable[Bulletin], model: Model) -> Iterator[TaggedBulletin]:
    """Tag bulletins in order, many small ones in one call of the model.

    Memory stays constant: no more than one batch of sentences, and the bulletin that
    overflows it, is held at a time.
    """
    held: list[Bulletin] = []
    n_sentences = 0
    for bulletin in bulletins:
        held.append(bulletin)
        n_sentences += sum(len(p.sentences) for p in bulletin.paragraphs)
        if n_sentences >= _BATCH:
            yield from _tag_together(held, model)
            held, n_sentences = [], 0
    yield from _tag_together(held, model)


def _tag_together(bulletins: Sequence[Bulletin], model: Model) -> Iterator[TaggedBulletin]:
    contexts = [
        {(p.index, s.index): context for p, s, context in sentences_in_context(bulletin)} for bulletin in bulletins
    ]
    texts = [context for page in contexts for context in page.values()]
    scores = _scores(texts, model)
    start = 0
    for bulletin, page in zip(bulletins, contexts, strict=True):
        rows = scores[start : start + len(page)]
        start += len(page)
        yes, ask = map(model.domains.decode, model.answer(rows))
        tags = map(Tags, yes, rows, ask)
        yield TaggedBulletin(bulletin, model, dict(zip(page, tags, strict=True)), page)


def _scores(texts: Sequence[TextInContext], model: Model) -> np.ndarray:
    parts = [model.classifier.predict_proba(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
    return np.concatenate([np.zeros((0, len(model.domains)), dtype=np.float32), *parts])
