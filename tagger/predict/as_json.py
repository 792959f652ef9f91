"""Tagged bulletins and records as JSON: the two contracts that other tools rely on."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from tagger.bulletins.bulletin import Paragraph, Sentence
from tagger.bulletins.normalize import normalize
from tagger.models.classifier import Evidence
from tagger.models.precedents import Precedent
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin, Tags


def bulletin_to_dict(tagged: TaggedBulletin, *, explain: bool = False) -> dict[str, Any]:
    """One bulletin.

    Returns
    -------
    dict
        ``id, source, title, date, issuer, model{name, version}, domains{id: score}`` (the
        tagged ones), ``paragraphs[]`` with ``index, start, end, text, noise, domains[],
        scores{}, sentences[]`` (likewise), ``measures[]`` with ``index, start, end,
        sentences[[paragraph, sentence]], domains[], scores{}``, and ``original``: None for
        plain text, which is the decoded file itself, else the extracted text. Of an asking model,
        ``ask{id: score}`` of the whole and ``ask[]`` beside every ``domains[]``: what a person
        should look at. Explained, a sentence has ``evidence{}`` and, of a model that has them,
        ``precedents[{id, text, domains, similarity}]``.
    """
    bulletin = tagged.bulletin
    ids = tagged.model.domains.ids
    whole = tagged.bulletin_tags
    is_plain = bulletin.source.lower().endswith((".txt", ".md")) or not bulletin.source
    return {
        "id": bulletin.id,
        "source": bulletin.source,
        "title": bulletin.title,
        "date": bulletin.date,
        "issuer": bulletin.issuer,
        "model": {"name": tagged.model.name, "version": tagged.model.version},
        "domains": _scores_of(whole.domains, whole, ids),
        **({"ask": _scores_of(whole.ask, whole, ids)} if tagged.model.is_asking else {}),
        "paragraphs": [_paragraph(tagged, p, explain) for p in bulletin.paragraphs],
        "measures": [
            {"index": m.index, "start": m.start, "end": m.end,
             "sentences": [list(place) for place in m.sentences],
             **_tags(tagged, tagged.measure_tags(m))}
            for m in bulletin.measures
        ],
        "original": None if is_plain else bulletin.original,
    }  # fmt: skip


def record_to_dict(tagged: TaggedRecord, *, explain: bool = False, ask: bool = False) -> dict[str, Any]:
    """One record: its own fields, then ``domains[]`` (``ask[]``, of an asking model) and ``scores{}``, or ``error``.

    Fields of the record that are called so already are kept as ``input_domains``,
    ``input_scores`` and ``input_error``, whatever became of the record: what is called
    so in a result is ours. A bad record also gets its ``line``, an explained one its
    ``evidence`` (`best_evidence`).
    """
    if_asked = {"line": tagged.tagged is None, "evidence": explain, "ask": ask}
    added = {"domains", "scores", "error", *(name for name, is_there in if_asked.items() if is_there)}
    own = tagged.record.fields
    fields = dict(zip(own_names(list(own), added), own.values(), strict=True))
    if tagged.tagged is None:
        return {**fields, "line": tagged.record.line, "error": tagged.record.error}
    data = {**fields, **_tags(tagged.tagged, tagged.tagged.bulletin_tags)}
    if explain:
        data["evidence"] = best_evidence(tagged.tagged, list(tagged.tagged.tags))
    return data


def own_names(names: Sequence[str], ours: Collection[str]) -> list[str]:
    """What a record's own fields are called in a result: ``input_...`` where the name is ours.

    Records may be results of an earlier run, so ``input_...`` may be there already; it is put in
    front until no two fields share a name.
    """
    taken = {*names, *ours}
    return [_free_name(name, taken) if name in ours else name for name in names]


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"input_{name}"
    taken.add(name)
    return name


def to_line(data: dict[str, Any]) -> str:
    """One JSON line; a lone surrogate in a record's own fields is escaped, as it came."""
    line = json.dumps(data, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(data)
    return line + "\n"


def _paragraph(tagged: TaggedBulletin, paragraph: Paragraph, explain: bool) -> dict[str, Any]:
    return {
        **_span(paragraph),
        **_tags(tagged, tagged.paragraph_tags(paragraph)),
        "sentences": [_sentence(tagged, paragraph, s, explain) for s in paragraph.sentences],
    }


def _sentence(tagged: TaggedBulletin, paragraph: Paragraph, sentence: Sentence, explain: bool) -> dict[str, Any]:
    tags = tagged.sentence_tags(paragraph, sentence)
    data = {**_span(sentence), **_tags(tagged, tags)}
    if explain:
        data["evidence"] = {
            id: evidence_to_list(tagged.explain(paragraph.index, sentence.index, id), sentence) for id in tags.shown
        }
        if tagged.has_precedents:
            found = tagged.precedents(paragraph.index, sentence.index)
            data["precedents"] = [precedent_to_dict(precedent) for precedent in found]
    return data


def precedent_to_dict(precedent: Precedent) -> dict[str, Any]:
    """A labelled sentence as data: ``id, text, domains[], similarity``."""
    return {
        "id": precedent.id, "text": precedent.text, "domains": list(precedent.domains),
        "similarity": round(precedent.similarity, 4),
    }  # fmt: skip


def best_evidence(tagged: TaggedBulletin, places: Sequence[tuple[int, int]]) -> dict[str, list[dict[str, Any]]]:
    """Domain -> evidence of the sentence that scores highest in it, for the tags and questions of some sentences."""
    best = {id: tagged.best_place(id, places) for id in tagged.union(places).shown}
    return {
        id: evidence_to_list(tagged.explain(*place, id), tagged.bulletin.sentence(*place)) for id, place in best.items()
    }


def evidence_to_list(evidence: list[Evidence], sentence: Sentence) -> list[dict[str, Any]]:
    """Evidence as data: ``ngram, weight, field, spans``.

    Spans are code-point offsets into the original, for n-grams of the sentence itself;
    evidence from its context (``field`` is not ``text``) has none.
    """
    normalized = normalize(sentence.text)
    return [
        {
            "ngram": e.ngram,
            "weight": round(e.weight, 4),
            "field": e.field,
            "spans": [
                [sentence.start + i for i in normalized.original_span(*span)] for span in e.spans if e.field == "text"
            ],
        }
        for e in evidence
    ]


def _span(unit: Paragraph | Sentence) -> dict[str, Any]:
    return {
        "index": unit.index, "start": unit.start, "end": unit.end, "text": unit.text,
        "noise": unit.noise,
    }  # fmt: skip


def _tags(tagged: TaggedBulletin, tags: Tags) -> dict[str, Any]:
    ask = {"ask": list(tags.ask)} if tagged.model.is_asking else {}
    return {"domains": list(tags.domains), **ask, "scores": _scores(tags, tagged.model.domains.ids)}


def _scores(tags: Tags, ids: tuple[str, ...]) -> dict[str, float]:
    return {id: round(float(score), 4) for id, score in zip(ids, tags.scores, strict=True)}


def _scores_of(named: tuple[str, ...], tags: Tags, ids: tuple[str, ...]) -> dict[str, float]:
    return {id: score for id, score in _scores(tags, ids).items() if id in named}
