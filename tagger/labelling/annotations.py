"""Annotations as the server exports them -> what a person said of a paragraph. Reads, and asks nobody.

Four things are kept apart: a paragraph that was labelled with domains, one that was labelled
"none of them" (or submitted empty, which says the same less clearly), one that was skipped, and
one that nobody has submitted. The first two are labels; the others are none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagger.errors import CorpusError
from tagger.labelling.rechecks import result_hash, why_recheck
from tagger.tasks import DOMAINS, NO_DOMAIN, NONE, SPANS

#: At least so much of a sentence, or of the passage, must be the other's for the passage to mark the sentence.
_OVERLAP = 0.5


@dataclass(frozen=True)
class Annotation:
    """What one person said of one paragraph.

    Attributes
    ----------
    key : str
        Stable across servers: a restored annotation keeps the key of the first one.
    annotator : str
        The account's address.
    status : {"labelled", "skipped"}
    domains : tuple of str
        In the order of the domain list; () is "no domain" for a labelled one.
    explicit : bool
        Whether "no domain" was ticked, rather than nothing at all; True with domains.
    sentences : tuple of (tuple of str or None)
        The domains of each sentence where marked passages or the paragraph's own label decide
        them, else None.
    origin : {"manual", "prediction", "prediction-changed"}
        Made from nothing, from a pre-annotation as it was, or from one that the person changed.
    created, updated : str
        ISO times of the server.
    lead_time : float or None
        Seconds.
    recheck : str
        Why it must be looked at again; "" where it stands.
    """

    key: str
    annotator: str
    status: str
    domains: tuple[str, ...]
    explicit: bool
    sentences: tuple[tuple[str, ...] | None, ...]
    origin: str
    created: str
    updated: str
    lead_time: float | None
    recheck: str = ""


def read_annotations(task: Mapping[str, Any], domains: Sequence[str], people: Mapping[int, str]) -> list[Annotation]:
    """The submitted annotations of an exported task, oldest first.

    Parameters
    ----------
    task : mapping
        One task of Label Studio's JSON export.
    domains : sequence of str
        The ids of the domain list, in order.
    people : mapping
        Account number -> address.

    Raises
    ------
    CorpusError
        A label that is no domain, a "none of them" beside a domain, a result of another form;
        names the task and the annotation.
    """
    found = []
    for raw in task.get("annotations", ()):
        where = f"task {task['id']} ({task['data'].get('uid')}), annotation {raw.get('id')}"
        try:
            found.append(_read(task, raw, domains, people, where))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorpusError(
                f"not an annotation of ours ({type(error).__name__}: {error})", where=where,
                hint="Open the task and submit it anew.",
            ) from None  # fmt: skip
    return sorted(found, key=lambda a: (a.created, a.key))


def _read(
    task: Mapping[str, Any], raw: Mapping[str, Any], domains: Sequence[str], people: Mapping[int, str], where: str
) -> Annotation:
    result = raw["result"] or []
    ticked, is_none, passages = _said(result, domains, where)
    skipped = bool(raw["was_cancelled"])
    chosen = tuple(id for id in domains if id in ticked)
    origin = _origin(raw, result)
    first = _before_restoring(task, raw)
    return Annotation(
        key=str(first.get("key") or raw.get("unique_id") or raw["id"]),
        annotator=str(first.get("annotator") or _person(raw, people)),
        status="skipped" if skipped else "labelled",
        domains=() if skipped else chosen,
        explicit=not skipped and (is_none or bool(chosen)),
        sentences=() if skipped else _by_sentence(task["data"], chosen, passages),
        origin=str(first.get("origin") or origin),
        created=str(first.get("created") or raw["created_at"]),
        updated=str(first.get("updated") or raw["updated_at"]),
        lead_time=raw.get("lead_time"),
        recheck=str(first.get("recheck") or why_recheck(task["data"], raw)),
    )


def _said(
    result: Sequence[Mapping[str, Any]], domains: Collection[str], where: str
) -> tuple[set[str], bool, list[tuple[int, int, set[str]]]]:
    """Ticked domains, whether "none of them" is, and marked passages with theirs."""
    ticked: set[str] = set()
    drawn: set[str] = set()
    is_none = False
    passages = []
    for region in result:
        name, value = region["from_name"], region["value"]
        if name == DOMAINS:
            ticked |= _known(value["choices"], domains, where)
        elif name == NONE:
            is_none = is_none or NO_DOMAIN in _known(value["choices"], {NO_DOMAIN}, where)
        elif name == SPANS:
            marked = _known(value["labels"], domains, where)
            passages.append((int(value["start"]), int(value["end"]), marked))
            # A passage that a person marked says so of the paragraph too; one that a model marked
            # and nobody touched does not outweigh a domain that was unticked.
            drawn |= marked if region.get("origin", "manual") != "prediction" else set()
        else:
            raise CorpusError(f"found a result of {name!r}, expected {DOMAINS}, {NONE} or {SPANS}", where=where)
    ticked |= drawn
    if is_none and ticked:
        raise CorpusError(
            f"found “none of them” beside {', '.join(sorted(ticked))}", where=where,
            hint="Open the task and submit one of the two.",
        )  # fmt: skip
    return ticked, is_none, passages


def _known(values: Sequence[str], known: Collection[str], where: str) -> set[str]:
    for value in values:
        if value not in known:
            raise CorpusError(
                f"found the label {value!r}, expected one of {', '.join(known)}", where=where,
                hint="If the domains have changed, run tagger labels init; else correct the annotation.",
            )  # fmt: skip
    return set(values)


def _by_sentence(
    data: Mapping[str, Any], chosen: tuple[str, ...], passages: Sequence[tuple[int, int, set[str]]]
) -> tuple[tuple[str, ...] | None, ...]:
    """The domains of each sentence, where they can be told.

    A paragraph without domains, or of one sentence, tells them itself. Else every domain of
    the paragraph must have a passage: then a sentence has the domains that are marked in it.
    """
    sentences = data.get("sentences") or [[0, len(data["text"])]]
    if not chosen or len(sentences) == 1:
        return tuple(chosen for _ in sentences)
    marked = [_marked((start, end), passages) & set(chosen) for start, end in sentences]
    if set().union(*marked) != set(chosen):
        return tuple(None for _ in sentences)
    return tuple(tuple(id for id in chosen if id in here) for here in marked)


def _marked(sentence: tuple[int, int], passages: Sequence[tuple[int, int, set[str]]]) -> set[str]:
    found: set[str] = set()
    for start, end, labels in passages:
        common = min(end, sentence[1]) - max(start, sentence[0])
        shorter = min(end - start, sentence[1] - sentence[0])
        if common > 0 and common >= _OVERLAP * shorter:
            found |= labels
    return found


def _origin(raw: Mapping[str, Any], result: Sequence[Mapping[str, Any]]) -> str:
    """Regions say where each comes from; one that was removed says nothing, so they are counted too."""
    shown = raw.get("prediction")
    shown = shown.get("result") if isinstance(shown, Mapping) else None
    origins = {region.get("origin", "manual") for region in result}
    if not shown and not raw.get("parent_prediction") and origins <= {"manual"}:
        return "manual"
    if origins & {"manual", "prediction-changed"} or (shown and len(shown) != len(result)):
        return "prediction-changed"
    return "prediction"


def _before_restoring(task: Mapping[str, Any], raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an annotation was before it was restored into this project; nothing once somebody has changed it."""
    kept = task["data"].get("restored")
    first = kept.get(str(raw.get("import_id"))) if isinstance(kept, Mapping) else None
    if not isinstance(first, Mapping):
        return {}
    if result_hash(raw["result"]) not in (first.get("hash"), first.get("becomes")):
        return {"key": first.get("key")}
    return first


def _person(raw: Mapping[str, Any], people: Mapping[int, str]) -> str:
    by = raw.get("completed_by")
    if isinstance(by, Mapping):
        return str(by.get("email") or by.get("id"))
    return people.get(by, str(by))  # type: ignore[arg-type]


def annotation_rows(task: Mapping[str, Any], annotations: Sequence[Annotation]) -> Iterator[dict[str, Any]]:
    """One row an annotation for ``annotations.jsonl``."""
    data = task["data"]
    for a in annotations:
        yield {
            "uid": data["uid"], "bulletin": data["bulletin"], "paragraph": data.get("index", 0), "text": data["text"],
            "content_hash": data.get("content_hash"), "annotator": a.annotator, "status": a.status,
            "domains": list(a.domains), "explicit": a.explicit,
            "sentences": [None if s is None else list(s) for s in a.sentences],
            "origin": a.origin, "created": a.created, "updated": a.updated, "lead_time": a.lead_time,
            "recheck": a.recheck, "annotation": a.key,
        }  # fmt: skip
