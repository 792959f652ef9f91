"""Texts that are nearly the same, found by MinHash and then checked exactly; bulletins that share them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np

from tagger.corpus.examples import Examples

_Node = TypeVar("_Node", bound=Hashable)

_NUM_PERM, _NUM_BANDS = 128, 32


def shingles(text: str, size: int = 5) -> frozenset[str]:
    """The character n-grams of a text; the text itself where it is shorter."""
    return frozenset(text[i : i + size] for i in range(max(len(text) - size + 1, 1)))


def near_duplicates(texts: Sequence[str], *, threshold: float = 0.7, size: int = 5) -> list[tuple[int, int, float]]:
    """Pairs of texts whose shingles overlap.

    Parameters
    ----------
    texts : sequence of str
        Normalised.
    threshold : float, default=0.7
        Least Jaccard similarity of the shingle sets, in (0, 1]. Below 0.5 the index
        begins to miss pairs: 32 bands of 4 rows find a pair of similarity 0.5 with
        probability 0.87, of 0.7 with 0.9999.
    size : int, default=5
        Characters a shingle.

    Returns
    -------
    list of (int, int, float)
        Row numbers, smaller first, and the exact Jaccard similarity, highest first.

    Notes
    -----
    Broder (1997), "On the resemblance and containment of documents". Every candidate of
    the index is checked exactly, so there are no false pairs.
    """
    from rensa import RMinHash, RMinHashLSH

    sets = [shingles(text, size) for text in texts]
    index = RMinHashLSH(threshold=threshold, num_perm=_NUM_PERM, num_bands=_NUM_BANDS)
    found = []
    for row, own in enumerate(sets):
        sketch = RMinHash(num_perm=_NUM_PERM, seed=1)
        sketch.update(sorted(own))
        for other in index.query(sketch):
            similarity = _jaccard(own, sets[other])
            if similarity >= threshold:
                found.append((int(other), row, similarity))
        index.insert(row, sketch)
    return sorted(found, key=lambda pair: (-pair[2], pair[:2]))


@dataclass(frozen=True)
class DuplicateRule:
    """When two bulletins count as copies of each other, in part or whole.

    Attributes
    ----------
    similarity : float
        Least Jaccard similarity of two sentences, in [0.5, 1]; 1 looks for identical ones alone.
    min_chars : int
        Shorter sentences join nothing: they are formulas.
    max_bulletins : int
        A sentence that stands, more or less, in more bulletins than this is a set phrase and joins nothing.
    whole : float
        Least Jaccard similarity of two whole bulletins, in [0.5, 1].

    Notes
    -----
    Measured on the authored corpus (568 bulletins, 12,727 sentences), at 0.7: sentences of any
    length would join 31 bulletins, 14 of them into one lump by the heading 四、工作要求; from 8
    characters on it is 9, from 12 on none. At 0.6 and 12 characters it is 5, by the titles of
    reports of one kind. No two whole bulletins reach 0.1.
    """

    similarity: float = 0.7
    min_chars: int = 15
    max_bulletins: int = 5
    whole: float = 0.5


@dataclass(frozen=True)
class Link:
    """Two bulletins that share text.

    Attributes
    ----------
    bulletins : (str, str)
    ids : (str, str)
        The sentences, or the bulletins themselves where they are alike as wholes.
    similarity : float
        Jaccard, in [0, 1].
    """

    bulletins: tuple[str, str]
    ids: tuple[str, str]
    similarity: float


def link_bulletins(examples: Examples, rule: DuplicateRule) -> list[Link]:
    """Pairs of bulletins that share near-duplicate text by the rule; page furniture does not count.

    Returns
    -------
    list of Link
        One a pair of bulletins, in the order of their ids.
    """
    found: dict[tuple[str, str], Link] = {}
    for link in (*_shared_sentences(examples, rule), *_alike_as_wholes(examples, rule)):
        found.setdefault(link.bulletins, link)
    return [found[pair] for pair in sorted(found)]


def _shared_sentences(examples: Examples, rule: DuplicateRule) -> Iterable[Link]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(examples.texts):
        if not examples.noise[row] and len(text.text) >= rule.min_chars:
            rows_of[text.text].append(row)
    texts = list(rows_of)
    pairs = near_duplicates(texts, threshold=rule.similarity) if rule.similarity < 1 else []
    for cluster in components(range(len(texts)), [(a, b) for a, b, _ in pairs]):
        firsts: dict[str, int] = {}
        for row in sorted(row for number in cluster for row in rows_of[texts[number]]):
            firsts.setdefault(str(examples.bulletins[row]), row)
        if len(firsts) <= rule.max_bulletins:
            yield from (_link(examples, one, other) for one, other in combinations(firsts.values(), 2))


def _link(examples: Examples, one: int, other: int) -> Link:
    names = str(examples.bulletins[one]), str(examples.bulletins[other])
    first, second = (one, other) if names[0] < names[1] else (other, one)
    similarity = _jaccard(*(shingles(examples.texts[row].text) for row in (first, second)))
    return Link((min(names), max(names)), (examples.ids[first], examples.ids[second]), similarity)


def _alike_as_wholes(examples: Examples, rule: DuplicateRule) -> Iterable[Link]:
    texts: dict[str, list[str]] = defaultdict(list)
    for row, text in enumerate(examples.texts):
        if not examples.noise[row]:
            texts[str(examples.bulletins[row])].append(text.text)
    names_of: dict[str, list[str]] = defaultdict(list)
    for name, parts in sorted(texts.items()):
        names_of["".join(parts)].append(name)
    # A short one is a short sentence: a formula.
    wholes = [whole for whole in names_of if len(whole) >= rule.min_chars]
    for first, *others in (names_of[whole] for whole in wholes):
        yield from (Link((first, other), (first, other), 1.0) for other in others)
    for one, other, similarity in near_duplicates(wholes, threshold=rule.whole):
        first, second = sorted((names_of[wholes[one]][0], names_of[wholes[other]][0]))
        yield Link((first, second), (first, second), similarity)


def components(nodes: Iterable[_Node], edges: Iterable[tuple[_Node, _Node]]) -> list[list[_Node]]:
    """The connected components of a graph, nodes and components in the order in which nodes were given."""
    root = {node: node for node in nodes}

    def find(node: _Node) -> _Node:
        while root[node] != node:
            root[node] = node = root[root[node]]
        return node

    for one, other in edges:
        root[find(one)] = find(other)
    found: dict[_Node, list[_Node]] = defaultdict(list)
    for node in root:
        found[find(node)].append(node)
    return list(found.values())


def group_bulletins(bulletins: np.ndarray, links: Sequence[Link]) -> np.ndarray:
    """The group of each text: bulletins that are linked, directly or through others, are one.

    Parameters
    ----------
    bulletins : ndarray of shape (n_texts,), str
    links : sequence of Link

    Returns
    -------
    ndarray of shape (n_texts,), str
        The smallest bulletin id of the group; a bulletin without links is its own.
    """
    names = [str(name) for name in np.unique(bulletins)]
    group = {name: cluster[0] for cluster in components(names, [link.bulletins for link in links]) for name in cluster}
    return np.array([group[str(name)] for name in bulletins], dtype=str)


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
