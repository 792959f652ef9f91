"""Label Studio import tasks: one a paragraph, with the tags as a prediction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from tagger.predict.tagging import TaggedBulletin
from tagger.predict.units import Unit, units

#: The control and object tag that the labelling interface gives these results to.
FROM_NAME, TO_NAME = "domains", "text"


def tasks(tagged: TaggedBulletin, level: str, *, record: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Import tasks of one bulletin; page furniture gives none.

    Parameters
    ----------
    tagged : TaggedBulletin
    level : {"measure", "paragraph", "sentence"}
    record : mapping, optional
        The fields of the record that the text came in; they go into ``data`` whole.

    Returns
    -------
    iterator of dict
        ``data`` with ``text``, a stable ``uid``, a ``content_hash`` and where the text
        stands; ``predictions`` with one result of type ``choices`` where there are tags.
    """
    for unit in units(tagged, level):
        if not unit.noise:
            task = _task(tagged, unit)
            if record is not None:
                task["data"]["record"] = dict(record)
            yield task


def _task(tagged: TaggedBulletin, unit: Unit) -> dict[str, Any]:
    bulletin = tagged.bulletin
    text = bulletin.original[unit.start : unit.end]
    return {
        "data": {
            "uid": f"{bulletin.id}:{_short_hash(bulletin.source)}:{unit.kind}:{unit.index}:{unit.start}",
            "content_hash": hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
            "text": text,
            "bulletin": bulletin.id,
            "source": bulletin.source,
            "title": bulletin.title or "",
            "unit": unit.kind,
            "index": unit.index,
            "start": unit.start,
            "end": unit.end,
        },
        "predictions": [_prediction(tagged, unit)],
    }


def _short_hash(source: str) -> str:
    """Tells documents of one name in two folders apart."""
    return hashlib.sha256(source.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def _prediction(tagged: TaggedBulletin, unit: Unit) -> dict[str, Any]:
    choices = list(unit.tags.domains)
    result = {
        "from_name": FROM_NAME, "to_name": TO_NAME, "type": "choices", "value": {"choices": choices},
    }  # fmt: skip
    return {
        "model_version": f"{tagged.model.name}-{tagged.model.version}",
        "score": round(float(unit.tags.scores.max(initial=0.0)), 4),
        "result": [result] if choices else [],
    }
