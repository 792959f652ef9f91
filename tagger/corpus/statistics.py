"""What a data set is made of: sizes, label sets, what goes together, lengths, sources; and what looks odd."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from tagger.corpus.authored import LabelledBulletin
from tagger.corpus.duplicates import DuplicateRule, link_bulletins
from tagger.corpus.examples import Examples, source_of
from tagger.domains import DomainSet


@dataclass(frozen=True)
class Statistics:
    """Counts of a data set.

    Attributes
    ----------
    n_bulletins, n_texts, n_characters : int
    none, several : float
        Shares of the texts without a domain, and with two or more, in [0, 1].
    domains : dict of str to int
        Texts of each domain, in column order.
    label_sets : dict of str to int
        Ids joined by ``+``, "" for none -> texts, most frequent first.
    together : dict of str to int
        Pairs of domains -> texts that have both, most frequent first.
    characters, texts : dict of str to float
        Characters a text and texts a bulletin: ``median``, ``p90``, ``longest``.
    sources : dict of str to int
        Source -> bulletins, most frequent first; {} if none has one.
    headers : dict of str to dict of str to int
        Key of the authored corpus' headers -> value -> bulletins.
    marks : dict of str to int
        Mark of the authored corpus -> texts.
    """

    n_bulletins: int
    n_texts: int
    n_characters: int
    none: float
    several: float
    domains: dict[str, int]
    label_sets: dict[str, int]
    together: dict[str, int]
    characters: dict[str, float]
    texts: dict[str, float]
    sources: dict[str, int]
    headers: dict[str, dict[str, int]]
    marks: dict[str, int]


def count(bulletins: Sequence[LabelledBulletin], domains: DomainSet, source: str = "source") -> Statistics:
    """The statistics of labelled bulletins; `source` as for `examples_from_corpus`."""
    sentences = [s for bulletin in bulletins for s in bulletin.sentences]
    labels = Counter(d for s in sentences for d in s.domains)
    pairs = Counter("+".join(pair) for s in sentences for pair in combinations(s.domains, 2))
    sources = Counter(source_of(bulletin, source) for bulletin in bulletins)
    headers = {key: dict(Counter(b.header.get(key, "") for b in bulletins).most_common()) for key in _keys(bulletins)}
    n = max(len(sentences), 1)
    return Statistics(
        n_bulletins=len(bulletins), n_texts=len(sentences), n_characters=sum(len(s.text) for s in sentences),
        none=sum(not s.domains for s in sentences) / n, several=sum(len(s.domains) > 1 for s in sentences) / n,
        domains={id: labels[id] for id in domains.ids},
        label_sets=dict(Counter("+".join(s.domains) for s in sentences).most_common()),
        together=dict(pairs.most_common()),
        characters=_spread([len(s.text) for s in sentences]), texts=_spread([len(b.sentences) for b in bulletins]),
        sources=dict(sources.most_common()) if set(sources) - {""} else {}, headers=headers,
        marks=dict(Counter(m for s in sentences for m in s.marks).most_common()),
    )  # fmt: skip


def _keys(bulletins: Sequence[LabelledBulletin]) -> list[str]:
    keys = dict.fromkeys(key for bulletin in bulletins for key in bulletin.header)
    return [key for key in keys if key != "source"]


def _spread(values: Sequence[int]) -> dict[str, float]:
    if not values:
        return {"median": 0.0, "p90": 0.0, "longest": 0.0}
    return {"median": float(np.median(values)), "p90": float(np.percentile(values, 90)), "longest": float(max(values))}


def oddities(examples: Examples, domains: DomainSet, rule: DuplicateRule | None = None) -> list[str]:
    """What a person should look at, a sentence each: no breach of the format, but often a mistake."""
    rule = rule or DuplicateRule()
    found = [f"no text has the domain {id}" for id in np.array(domains.ids)[~examples.y_true.any(axis=0)]]
    found += _bare_groups(examples)
    differing = _differing(examples, rule.min_chars)
    if differing:
        one, other = differing[0]
        found.append(f"{len(differing)} texts stand in the data with different labels, such as {one} and {other}")
    links = link_bulletins(examples, rule)
    if links:
        one, other = links[0].ids
        found.append(
            f"{len(links)} pairs of bulletins share text and stay on one side of a split, such as {one} and {other} "
            f"(similarity {links[0].similarity:.2f})"
        )
    return found


def _bare_groups(examples: Examples) -> list[str]:
    if len(examples) > 1 and len(np.unique(examples.bulletins)) == len(examples):
        return ["every text is a bulletin of its own: texts of one document may fall on both sides of a split "
                "(data.fields.bulletin names the field that groups them)"]  # fmt: skip
    return []


def _differing(examples: Examples, min_chars: int) -> list[tuple[str, str]]:
    """For each text with several label sets, the ids of two places that differ."""
    places: dict[str, dict[bytes, str]] = defaultdict(dict)
    for id, text, row, noise in zip(examples.ids, examples.texts, examples.y_true, examples.noise, strict=True):
        if not noise and len(text.text) >= min_chars:
            places[text.text].setdefault(row.tobytes(), id)
    return [(first, second) for first, second, *_ in (list(p.values()) for p in places.values() if len(p) > 1)]


def rows_of(bulletins: Sequence[LabelledBulletin], source: str = "source") -> list[dict[str, Any]]:
    """Bulletins as plain rows, which every reader of labelled texts understands."""
    return [
        {
            "id": f"{bulletin.id}.{p}.{i}", "bulletin": bulletin.id, "paragraph": p, "sentence": i,
            "source": source_of(bulletin, source), "text": sentence.text, "domains": list(sentence.domains),
        }
        for bulletin in bulletins
        for p, paragraph in enumerate(bulletin.paragraphs)
        for i, sentence in enumerate(paragraph)
    ]  # fmt: skip
