"""Labelled sentences in context, the one form in which every model is trained and measured.

A data set of any origin (the authored corpus, a JSONL file of labelled sentences) becomes
`Examples`; what the labels mean is checked against the domain set on the way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.bulletin import Bulletin, bulletin_from_sentences
from tagger.bulletins.context import TextInContext, sentences_in_context
from tagger.corpus.authored import LabelledBulletin
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError


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
        The paragraph's index within its bulletin.
    noise : ndarray of shape (n_texts,), bool
        Sentences that the reader takes for page furniture; they are never tagged.
    ids : list of str
        ``bulletin.paragraph.sentence``.
    """

    texts: list[TextInContext]
    y_true: np.ndarray
    bulletins: np.ndarray
    paragraphs: np.ndarray
    noise: np.ndarray
    ids: list[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Examples:
        """The examples at the given row numbers (or where a boolean mask is true)."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return Examples(
            [self.texts[i] for i in rows], self.y_true[rows], self.bulletins[rows],
            self.paragraphs[rows], self.noise[rows], [self.ids[i] for i in rows],
        )  # fmt: skip

    def join(self, other: Examples) -> Examples:
        """These examples, then the others."""
        return Examples(
            [*self.texts, *other.texts], np.concatenate([self.y_true, other.y_true]),
            np.concatenate([self.bulletins, other.bulletins]),
            np.concatenate([self.paragraphs, other.paragraphs]),
            np.concatenate([self.noise, other.noise]), [*self.ids, *other.ids],
        )  # fmt: skip

    @property
    def hash(self) -> str:
        """sha256 over ids, texts and labels: the same data, the same hash."""
        digest = hashlib.sha256()
        for id, text, row in zip(self.ids, self.texts, self.y_true, strict=True):
            digest.update(json.dumps([id, *text, row.tolist()], ensure_ascii=False).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class _Labelled:
    bulletin: Bulletin
    labels: dict[tuple[int, int], tuple[str, ...]]


def examples_from_corpus(corpus: Sequence[LabelledBulletin], domains: DomainSet) -> Examples:
    """The sentences of authored bulletins with the context that their page gives them."""
    return _examples((_from_authored(bulletin) for bulletin in corpus), domains)


def examples_from_jsonl(path: str | Path, domains: DomainSet) -> Examples:
    """Labelled sentences from JSON lines.

    Each line holds ``text`` and ``domains``, and may hold ``bulletin``, ``paragraph`` and
    ``sentence``; lines of one bulletin stand together, in page order. Lines without
    ``bulletin`` are bulletins of one sentence.

    Raises
    ------
    InputError
        The file cannot be read or a line is not such a record; names the line.
    CorpusError
        A label that is not a domain, or a bulletin in two places; names the line.
    """
    records = list(_read_jsonl(Path(path), domains))
    groups = [list(group) for _, group in groupby(records, key=lambda r: r["bulletin"])]
    seen: set[str] = set()
    for group in groups:
        if group[0]["bulletin"] in seen:
            raise CorpusError(
                f"bulletin {group[0]['bulletin']!r} begins a second time", where=group[0]["where"],
                hint="Lines of one bulletin must stand together.",
            )  # fmt: skip
        seen.add(group[0]["bulletin"])
    return _examples((_from_records(group) for group in groups), domains)


def _from_authored(authored: LabelledBulletin) -> _Labelled:
    texts = [[s.text for s in paragraph] for paragraph in authored.paragraphs]
    labels = {
        (p, i): sentence.domains
        for p, paragraph in enumerate(authored.paragraphs)
        for i, sentence in enumerate(paragraph)
    }
    return _Labelled(bulletin_from_sentences(texts, id=authored.id), labels)


def _from_records(records: list[dict[str, Any]]) -> _Labelled:
    rows = [list(g) for _, g in groupby(records, key=lambda r: r["paragraph"])]
    bulletin = bulletin_from_sentences([[r["text"] for r in row] for row in rows], id=records[0]["bulletin"])
    labels = {(p, i): r["domains"] for p, row in enumerate(rows) for i, r in enumerate(row)}
    return _Labelled(bulletin, labels)


def _examples(labelled: Iterable[_Labelled], domains: DomainSet) -> Examples:
    texts, label_sets, bulletins, paragraphs, noise, ids = [], [], [], [], [], []
    for one in labelled:
        contexts = {(p.index, s.index): context for p, s, context in sentences_in_context(one.bulletin)}
        for place, labels in one.labels.items():
            sentence = one.bulletin.sentence(*place)
            texts.append(contexts.get(place, TextInContext(sentence.normalized)))
            label_sets.append(labels)
            bulletins.append(one.bulletin.id)
            paragraphs.append(place[0])
            noise.append(sentence.noise)
            ids.append(f"{one.bulletin.id}.{place[0]}.{place[1]}")
    return Examples(
        texts, domains.encode(label_sets), np.array(bulletins), np.array(paragraphs),
        np.array(noise, dtype=bool), ids,
    )  # fmt: skip


def _read_jsonl(path: Path, domains: DomainSet) -> Iterable[dict[str, Any]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint="Check the name.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 ({error})", where=path) from None
    count = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            count += 1
            yield _labelled_record(line, f"{path}:{number}", number, domains)
    if not count:
        raise InputError("no records in it", where=path, hint="Expected JSON lines.")


def _labelled_record(line: str, where: str, number: int, domains: DomainSet) -> dict[str, Any]:
    try:
        record = json.loads(line)
        text, labels = record["text"], record["domains"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"not a labelled record ({type(error).__name__}: {error})", where=where,
            hint='Expected {"text": "...", "domains": [...]}.',
        ) from None  # fmt: skip
    if not isinstance(text, str) or not text.strip():
        raise InputError("found an empty text, expected a sentence", where=where)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise InputError(
            f"found domains {labels!r}, expected a list of domain ids", where=where, hint="[] stands for none."
        )
    try:
        domains.encode([labels])
    except CorpusError as error:
        raise CorpusError(error.message, where=where, hint=error.hint) from None
    bulletin = record.get("bulletin")
    return {
        "text": text, "domains": tuple(labels), "bulletin": str(number if bulletin is None else bulletin),
        "paragraph": record.get("paragraph", 0), "where": where,
    }  # fmt: skip
