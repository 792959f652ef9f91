"""Annotations that no longer say what they said: the text or the domains have changed beneath them.

They are kept, and marked in the task's data: ``recheck`` maps an annotation's number to when it
was last changed and why it must be looked at again. Whoever submits it anew clears the mark,
because it was changed since; nothing has to be unmarked.

A migration rewrites annotations itself. Its marks say beforehand what an annotation ``becomes``, so
that they hold before and after, wherever the connection breaks between the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tagger.labelling.inventory import KnownTask
from tagger.labelling.review_queue import ReviewQueue, ReviewTask, make_queue

#: Earlier texts that a task remembers.
_MAX_EARLIER = 5


def mark_for_recheck(
    old: KnownTask, data: Mapping[str, Any], annotations: Iterable[Mapping[str, Any]], why: str
) -> dict[str, Any]:
    """The data with the given annotations marked, and with the text that they were made on, if it was another.

    Parameters
    ----------
    old : KnownTask
        The task as it is.
    data : mapping
        Its data to be.
    annotations : iterable of mapping
        ``id`` and ``updated_at`` as the server has them.
    why : str
        Told to the person who looks again.
    """
    marks = {str(a["id"]): {"updated_at": a["updated_at"], "why": why} for a in annotations}
    if not marks:
        return dict(data)
    marked = {**data, "recheck": {**old.data.get("recheck", {}), **marks}}
    if old.data.get("content_hash") != data.get("content_hash"):
        earlier = {"content_hash": old.data.get("content_hash"), "text": old.data.get("text")}
        marked["earlier"] = [*old.data.get("earlier", []), earlier][-_MAX_EARLIER:]
    return marked


def why_recheck(data: Mapping[str, Any], annotation: Mapping[str, Any]) -> str:
    """Why an annotation must be looked at again; "" for one that stands, or was changed since it was marked."""
    marks = data.get("recheck")
    mark = marks.get(str(annotation.get("id"))) if isinstance(marks, Mapping) else None
    if not isinstance(mark, Mapping):
        return ""
    stands = mark.get("updated_at") == annotation.get("updated_at") or _has_become(mark, annotation)
    return str(mark.get("why", "")) if stands else ""


def _has_become(mark: Mapping[str, Any], annotation: Mapping[str, Any]) -> bool:
    """Whether a migration that did not come to its end has rewritten the annotation."""
    return bool(mark.get("becomes")) and mark["becomes"] == result_hash(annotation.get("result"))


def is_unsettled(data: Mapping[str, Any], annotation: Mapping[str, Any]) -> bool:
    """Whether a migration marked an annotation and did not come back to say that it is rewritten."""
    mark = (data.get("recheck") or {}).get(str(annotation.get("id")))
    return isinstance(mark, Mapping) and _has_become(mark, annotation)


def result_hash(result: Any) -> str:
    """Tells whether an annotation was changed since: 16 hexadecimal digits."""
    said = sorted(_essence(result or []))
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]


def _essence(result: Sequence[Mapping[str, Any]]) -> set[str]:
    """What a result says, without the names that the editor gives to regions."""
    said = set()
    for region in result:
        value = {k: v for k, v in region["value"].items() if k in ("choices", "labels", "start", "end")}
        value = {k: sorted(v) if isinstance(v, list) else v for k, v in value.items()}
        said.add(json.dumps([region["from_name"], value], sort_keys=True, ensure_ascii=False))
    return said


def recheck_queue(annotations: Iterable[Mapping[str, Any]], *, title: str = "Rechecks") -> ReviewQueue:
    """The paragraphs with annotations that must be looked at again, as a queue; the reasons are the notes.

    Of each person the latest annotation counts, as in a pull. What each of them said is an opinion
    to start from. A paragraph that no other annotation speaks for comes first.

    Parameters
    ----------
    annotations : iterable of mapping
        Rows of ``annotations.jsonl``, each person's in the order of their time.
    """
    latest: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in annotations:
        latest.setdefault(row["uid"], {})[row["annotator"]] = row
    labelled = {uid: [r for r in rows.values() if r["status"] == "labelled"] for uid, rows in latest.items()}
    return make_queue(title, (_task(uid, rows) for uid, rows in labelled.items() if any(r["recheck"] for r in rows)))


def _task(uid: str, rows: list[Mapping[str, Any]]) -> ReviewTask:
    reasons = dict.fromkeys(str(row["recheck"]) for row in rows if row["recheck"])
    opinions = tuple((f"opinion of {row['annotator']}", tuple(row["domains"])) for row in rows)
    is_alone = all(row["recheck"] for row in rows)
    return ReviewTask(uid, 1.0 if is_alone else 0.5, f"请再看一遍 · look again: {'; '.join(reasons)}", opinions)
