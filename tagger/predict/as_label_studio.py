"""Label Studio import tasks: one a paragraph, with the tags as a prediction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from tagger.predict.tagging import TaggedBulletin
from tagger.predict.units import Unit, units
from tagger.tasks import certainty, choices, span, task_uid


def tasks(
    tagged: TaggedBulletin, level: str, *, record: Mapping[str, Any] | None = None, spans: bool = False
) -> Iterator[dict[str, Any]]:
    """Import tasks of one bulletin; page furniture gives none.

    Parameters
    ----------
    tagged : TaggedBulletin
    level : {"measure", "paragraph", "sentence"}
    record : mapping, optional
        The fields of the record that the text came in; they go into ``data`` whole.
    spans : bool
        Mark the tagged sentences in the prediction too.

    Returns
    -------
    iterator of dict
        ``data`` with ``text``, a stable ``uid``, a ``content_hash``, where the text stands, its
        ``sentences`` (spans within the text) and the texts ``before`` and ``after`` it;
        ``predictions`` with what is ticked: the tags, or "none of them". Of an asking model
        ``data.ask`` names the domains to look at; where only those are left, nothing is ticked.
    """
    rows = [unit for unit in units(tagged, level) if not unit.noise]
    for i, unit in enumerate(rows):
        task = _task(tagged, unit, record, spans)
        task["data"]["before"] = _text(tagged, rows[i - 1]) if i else ""
        task["data"]["after"] = _text(tagged, rows[i + 1]) if i + 1 < len(rows) else ""
        yield task


def _text(tagged: TaggedBulletin, unit: Unit) -> str:
    return tagged.bulletin.original[unit.start : unit.end]


def _task(tagged: TaggedBulletin, unit: Unit, record: Mapping[str, Any] | None, spans: bool) -> dict[str, Any]:
    bulletin, text = tagged.bulletin, _text(tagged, unit)
    # A record's id is its line: only with the name of its file does it say which record it is.
    id = bulletin.id if record is None else f"{PurePath(bulletin.source).stem}:{bulletin.id}"
    data = {
        "uid": task_uid(id, unit.kind, _place(unit)),
        "content_hash": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
        "text": text,
        "bulletin": id,
        "source": bulletin.source,
        "title": bulletin.title or "",
        "unit": unit.kind,
        "index": unit.index,
        "start": unit.start,
        "end": unit.end,
        "sentences": [[start - unit.start, end - unit.start] for start, end in _sentence_spans(tagged, unit)],
        "note": "",
    }
    if record is not None:
        data["record"] = dict(record)
    if tagged.model.is_asking:
        data["ask"] = list(unit.tags.ask)
    return {"data": data, "predictions": [_prediction(tagged, unit, spans)]}


def _place(unit: Unit) -> str | int:
    """A sentence's index counts within its paragraph, so it is named with that."""
    return unit.index if unit.kind != "sentence" else f"{unit.sentences[0][0]}.{unit.index}"


def _sentence_spans(tagged: TaggedBulletin, unit: Unit) -> Iterator[tuple[int, int]]:
    for place in unit.sentences:
        sentence = tagged.bulletin.sentence(*place)
        if not sentence.noise:
            yield sentence.start, sentence.end


def _prediction(tagged: TaggedBulletin, unit: Unit, spans: bool) -> dict[str, Any]:
    # Where nothing is sure but something is asked, "none of them" must not be ticked.
    is_open = bool(unit.tags.ask) and not unit.tags.domains
    return {
        "model_version": f"{tagged.model.name}-{tagged.model.version}",
        "score": certainty(unit.tags.scores, tagged.model.thresholds),
        "result": [*(() if is_open else (choices(unit.tags.domains),)), *(_marked(tagged, unit) if spans else ())],
    }


def _marked(tagged: TaggedBulletin, unit: Unit) -> Iterator[dict[str, Any]]:
    for place in unit.sentences:
        sentence, tags = tagged.bulletin.sentence(*place), tagged.tags.get(place)
        if tags and tags.domains:
            start, end = sentence.start - unit.start, sentence.end - unit.start
            yield span(start, end, sentence.text, tags.domains)
