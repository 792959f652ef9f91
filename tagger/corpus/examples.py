"""Labelled sentences in context, the one form in which every model is trained and measured.

A data set of any origin (the authored corpus, a file of labelled sentences) becomes `Examples`; what
the labels mean is checked against the domain set on the way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tagger.bulletins.bulletin import bulletin_from_sentences
from tagger.bulletins.context import TextInContext, sentences_in_context
from tagger.corpus.authored import LabelledBulletin
from tagger.corpus.records import Fields, bulletins_from_records, records_from_rows
from tagger.corpus.tables import jsonl_rows
from tagger.domains import DomainSet


@dataclass(frozen=True)
class Examples:
    """Labelled sentences.

    Attributes
    ----------
    texts : list of TextInContext
        Length n_texts, noise included.
    y_true : ndarray of shape (n_texts, n_domains), int8
    bulletins : ndarray of shape (n_texts,), str
        The bulletin id of each text: the groups of every split.
    paragraphs : ndarray of shape (n_texts,), int
        The paragraph's number among those that have labels: where some were left out, not its place on the page.
    noise : ndarray of shape (n_texts,), bool
        Sentences that the reader takes for page furniture; they are never tagged.
    ids : list of str
        ``bulletin.paragraph.sentence``.
    sources : ndarray of shape (n_texts,), str
        Where each bulletin comes from; "" where nobody says.
    originals : list of str
        The sentences as they were written; the normalised ones where nobody says.
    uids : list of str
        The task of Label Studio that each sentence was labelled in; "" for one that was labelled elsewhere.
    """

    texts: list[TextInContext]
    y_true: np.ndarray
    bulletins: np.ndarray
    paragraphs: np.ndarray
    noise: np.ndarray
    ids: list[str]
    sources: np.ndarray = None  # type: ignore[assignment]
    originals: list[str] = None  # type: ignore[assignment]
    uids: list[str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.sources is None:
            object.__setattr__(self, "sources", np.full(len(self.texts), ""))
        if self.originals is None:
            object.__setattr__(self, "originals", [text.text for text in self.texts])
        if self.uids is None:
            object.__setattr__(self, "uids", [""] * len(self.texts))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Examples:
        """The examples at the given row numbers (or where a boolean mask is true)."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Examples(
            [self.texts[i] for i in rows], self.y_true[rows], self.bulletins[rows],
            self.paragraphs[rows], self.noise[rows], [self.ids[i] for i in rows],
            self.sources[rows], [self.originals[i] for i in rows], [self.uids[i] for i in rows],
        )  # fmt: skip

    def join(self, other: Examples) -> Examples:
        """These examples, then the others."""
        return Examples(
            [*self.texts, *other.texts], np.concatenate([self.y_true, other.y_true]),
            np.concatenate([self.bulletins, other.bulletins]),
            np.concatenate([self.paragraphs, other.paragraphs]),
            np.concatenate([self.noise, other.noise]), [*self.ids, *other.ids],
            np.concatenate([self.sources, other.sources]), [*self.originals, *other.originals],
            [*self.uids, *other.uids],
        )  # fmt: skip

    @property
    def hash(self) -> str:
        """sha256 over ids, texts and labels: the same data, the same hash, wherever they were labelled."""
        digest = hashlib.sha256()
        for id, text, row in zip(self.ids, self.texts, self.y_true, strict=True):
            digest.update(json.dumps([id, *text, row.tolist()], ensure_ascii=False).encode())
        return digest.hexdigest()


def examples_from_corpus(corpus: Sequence[LabelledBulletin], domains: DomainSet, source: str = "source") -> Examples:
    """The sentences of labelled bulletins with the context that their page gives them.

    Parameters
    ----------
    corpus : sequence of LabelledBulletin
    domains : DomainSet
    source : str, default="source"
        What counts as a bulletin's source: a key of its header, or ``hand``, which for the
        authored corpus is the part of its id before the hyphen (who wrote it).
    """
    texts, label_sets, bulletins, paragraphs, noise, ids, sources, originals = [], [], [], [], [], [], [], []
    uids = []
    for labelled in corpus:
        bulletin = bulletin_from_sentences([[s.text for s in p] for p in labelled.paragraphs], id=labelled.id)
        contexts = {(p.index, s.index): context for p, s, context in sentences_in_context(bulletin)}
        origin = source_of(labelled, source)
        for p, paragraph in enumerate(labelled.paragraphs):
            for i, labels in enumerate(paragraph):
                sentence = bulletin.sentence(p, i)
                texts.append(contexts.get((p, i), TextInContext(sentence.normalized)))
                label_sets.append(labels.domains)
                bulletins.append(labelled.id)
                paragraphs.append(p)
                noise.append(sentence.noise)
                ids.append(f"{labelled.id}.{p}.{i}")
                sources.append(origin)
                originals.append(sentence.text)
                uids.append(labels.uid)
    return Examples(
        texts, domains.encode(label_sets), np.array(bulletins, dtype=str), np.array(paragraphs, dtype=int),
        np.array(noise, dtype=bool), ids, np.array(sources, dtype=str), originals, uids,
    )  # fmt: skip


def source_of(bulletin: LabelledBulletin, field: str) -> str:
    """What a bulletin's header says under a key; for ``hand``, who wrote it: the id up to the hyphen."""
    if field == "hand" and "hand" not in bulletin.header:
        return bulletin.id.partition("-")[0]
    return bulletin.header.get(field, "")


def examples_from_jsonl(path: str | Path, domains: DomainSet) -> Examples:
    """Labelled sentences from JSON lines.

    Each line holds ``text`` and ``domains``, and may hold ``bulletin``, ``paragraph``,
    ``sentence`` and ``uid``, the task it was labelled in; lines of one bulletin stand together,
    in page order. Lines without ``bulletin`` are bulletins of one sentence. A domain is named by
    its id or by its Chinese or English name.

    Raises
    ------
    InputError
        The file cannot be read or a line is not such a record; names the line.
    CorpusError
        A label that is not a domain, or a bulletin in two places; names the line.
    """
    records = records_from_rows(jsonl_rows(path), Fields(source=None))
    return examples_from_corpus(bulletins_from_records(records, domains), domains)
