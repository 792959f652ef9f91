"""Pulled tasks as files: annotations, examples, and what has no label yet.

``annotations.jsonl`` has one line an annotation, skipped ones and those to be looked at again
included. ``examples.jsonl`` is what models are trained on: one line a sentence where the labels
of sentences are known, else one line the paragraph, of paragraphs on which all agree.
``unlabelled.jsonl`` has the paragraphs that nobody has labelled, and why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import CorpusError
from tagger.labelling.annotations import Annotation, annotation_rows, read_annotations
from tagger.labelling.inventory import is_ours

Row = dict[str, Any]


@dataclass
class Pulled:
    """The rows of the three files, in the order of bulletins and paragraphs, and what they add up to.

    Attributes
    ----------
    annotations, examples, unlabelled : list of dict
    counts : dict
        ``tasks, labelled, no_domain, skipped, disputed, recheck, unlabelled, foreign`` in
        paragraphs; ``annotations``; ``annotators``.
    """

    annotations: list[Row] = field(default_factory=list)
    examples: list[Row] = field(default_factory=list)
    unlabelled: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def read_tasks(
    tasks: Sequence[Mapping[str, Any]], domains: Sequence[str], people: Mapping[int, str], *, recheck: bool = False
) -> Pulled:
    """Make the rows of all exported tasks.

    Parameters
    ----------
    tasks : sequence of mapping
        Label Studio's JSON export; tasks that were not pushed by this project are counted and passed over.
    domains : sequence of str
    people : mapping
        Account number -> address.
    recheck : bool
        Take annotations that must be looked at again for labels all the same.

    Raises
    ------
    CorpusError
        Annotations that cannot be understood; names the first ten of their tasks.
    """
    pulled, counts, problems = Pulled(), Counter[str](), []
    for group in _by_uid(tasks):
        found = []
        for task in group:
            try:
                found += read_annotations(task, domains, people)
            except CorpusError as error:
                problems.append(error)
        found.sort(key=lambda a: (a.created, a.key))
        _add(pulled, counts, group[0], found, recheck)
    _tell(problems)
    counts["foreign"] = sum(not is_ours(task) for task in tasks)
    counts["annotations"] = len(pulled.annotations)
    counts["annotators"] = len({row["annotator"] for row in pulled.annotations})
    names = "tasks labelled no_domain skipped disputed recheck unlabelled foreign annotations annotators"
    pulled.counts = {name: counts[name] for name in names.split()}
    return pulled


def _by_uid(tasks: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Tasks in page order; copies of one task together, so that their annotations are one paragraph's."""
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: task["id"]):
        if is_ours(task):
            groups[task["data"]["uid"]].append(task)
    return sorted(groups.values(), key=lambda group: _order(group[0]["data"]))


def _order(data: Mapping[str, Any]) -> tuple[str, int, int, str]:
    index, start = data.get("index"), data.get("start")
    return data["bulletin"], index if isinstance(index, int) else 0, start if isinstance(start, int) else 0, data["uid"]


def _tell(problems: Sequence[CorpusError]) -> None:
    if problems:
        more = f" … and {len(problems) - 10} more" if len(problems) > 10 else ""
        raise CorpusError("; ".join(str(p).rstrip(".") for p in problems[:10]) + more)


def _add(pulled: Pulled, counts: Counter[str], task: Mapping[str, Any], found: list[Annotation], recheck: bool) -> None:
    pulled.annotations += annotation_rows(task, found)
    counts["tasks"] += 1
    latest = {a.annotator: a for a in found}  # a person's later annotation takes the place of the earlier
    labels = [a for a in latest.values() if a.status == "labelled"]
    standing = [a for a in labels if recheck or not a.recheck]
    status = _status(found, labels, standing)
    counts[status] += 1
    if status != "labelled":
        pulled.unlabelled.append({**_place(task["data"]), "why": status})
        return
    counts["no_domain"] += not standing[0].domains
    pulled.examples += _example_rows(task["data"], standing)


def _status(found: Sequence[Annotation], labels: Sequence[Annotation], standing: Sequence[Annotation]) -> str:
    if not found:
        return "unlabelled"
    if not labels:
        return "skipped"
    if not standing:
        return "recheck"
    return "labelled" if len({a.domains for a in standing}) == 1 else "disputed"


def _place(data: Mapping[str, Any]) -> Row:
    return {"uid": data["uid"], "bulletin": data["bulletin"], "paragraph": data.get("index", 0), "text": data["text"]}


def _example_rows(data: Mapping[str, Any], labels: Sequence[Annotation]) -> Iterator[Row]:
    """One row a sentence where those who marked sentences agree on them, else one row of the paragraph."""
    said = {a.sentences for a in labels if None not in a.sentences}
    first = labels[0]
    by = {
        "annotator": first.annotator if len(labels) == 1 else None, "annotators": [a.annotator for a in labels],
        "annotations": [a.key for a in labels], "created": max(a.created for a in labels),
        "lead_time": first.lead_time if len(labels) == 1 else None,
        "origin": first.origin if len(labels) == 1 else None, "title": data.get("title", ""),
    }  # fmt: skip
    place = {"bulletin": data["bulletin"], "paragraph": data.get("index", 0), "uid": data["uid"]}
    spans = data.get("sentences") or [[0, len(data["text"])]]
    if len(said) != 1:
        text = data["text"].strip()
        yield {"text": text, "domains": list(first.domains), **place, "sentence": None, "unit": "paragraph", **by}
        return
    for i, ((start, end), domains) in enumerate(zip(spans, next(iter(said)), strict=True)):
        text = data["text"][start:end]
        if text.strip():
            yield {"text": text, "domains": list(domains or ()), **place, "sentence": i, "unit": "sentence", **by}
