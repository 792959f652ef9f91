"""A JSON export of Label Studio as labelled texts: what people said, settled where several did.

Three things that look alike are kept apart: a task without an annotation is *unlabelled*, one
whose annotations were all cancelled is *skipped*, and one that was submitted empty says *no domain*.
The first two are left out and counted; the third is an example.

Where spans are marked, tasks are cut into sentences, each with the labels of the spans on it; in
an export of choices alone each task is one text. Parses the export alone: the Label Studio SDK is not needed.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.bulletins.sentences import split_sentences
from tagger.corpus.records import UID, Fields, LabelledRecord, Report, refuse
from tagger.errors import InputError, TaggerError
from tagger.tasks import NO_DOMAIN, NONE

log = logging.getLogger(__name__)

#: Result types that carry labels, under the same name in their value.
_CHOICES, _SPANS = ("choices", "taxonomy"), "labels"
_EXPORT = "In Label Studio, export as JSON (not JSON_MIN or CSV, which change shape and drop skips)."


@dataclass
class TaskCounts:
    """What became of the tasks of an export.

    Attributes
    ----------
    labelled, unlabelled, skipped : int
    empty : int
        Of the labelled ones, those that say "no domain".
    settled : int
        Of the labelled ones, those on which annotators differed and most of them or a ground truth decided.
    tied : list of str
        Tasks left out because as many annotators were for a label as against it.
    """

    labelled: int = 0
    unlabelled: int = 0
    skipped: int = 0
    empty: int = 0
    settled: int = 0
    tied: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = (
            f"{self.labelled} tasks labelled ({self.empty} of them with no domain, {self.settled} settled among "
            f"annotators), {self.unlabelled} unlabelled and {self.skipped} skipped left out"
        )
        if self.tied:
            text += f", {len(self.tied)} left out because annotators tie ({', '.join(self.tied[:5])}): " \
                    "mark one annotation as ground truth"  # fmt: skip
        return text


@dataclass(frozen=True)
class _Reading:
    """Which control is read, and whether people marked sentences: then an empty answer is about each of them."""

    control: str | None
    by_sentence: bool


class _TiedError(Exception):
    """As many annotators are for a label as against it."""


def label_studio_records(
    path: str | Path, fields: Fields, *, control: str | None = None, report: Report = refuse,
    counts: TaskCounts | None = None,
) -> list[LabelledRecord]:  # fmt: skip
    """The labelled texts of an export, bulletins together, paragraphs in page order.

    Parameters
    ----------
    path : path
        A JSON export with whole annotations.
    fields : Fields
        Names within a task's ``data``; ``paragraph`` is a number that orders the tasks of a bulletin.
        ``labels`` is not read: labels are what annotators gave.
    control : str, optional
        The ``from_name`` of the control to read; None for all that give choices or labels.
    report : callable
        Is given what is wrong with a task, which is then left out.
    counts : TaskCounts, optional
        Filled with what became of the tasks.

    Notes
    -----
    Of several annotations of one person the latest counts. Of several people's, one marked as
    ground truth counts alone; otherwise a label stands, sentence by sentence, where more than
    half gave it. A tie is nobody's answer: the task is left out and named in the log.
    """
    counts = counts if counts is not None else TaskCounts()
    tasks = _tasks(path)
    reading = _Reading(control, any(_has_spans(task, control) for task in tasks))
    found: list[tuple[LabelledRecord, Any]] = []
    for number, task in enumerate(tasks, start=1):
        where = f"{path}: task {task.get('id', number) if isinstance(task, dict) else number}"
        try:
            found += _task_records(task, fields, reading, (where, number), counts)
        except TaggerError as problem:
            report(problem)
    log.info("%s: %s", path, counts)
    if counts.tied:
        log.warning("%s: %d tasks left out because annotators tie", path, len(counts.tied))
    if not found and report is refuse:
        raise InputError(f"found no labelled task ({counts})", where=path)
    first = {record.bulletin: place for place, (record, _) in reversed(list(enumerate(found)))}
    found.sort(key=lambda pair: (first[pair[0].bulletin], pair[1]))
    return [record for record, _ in found]


def _tasks(path: str | Path) -> list[Any]:
    try:
        tasks = json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint="Check the name.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not a JSON export ({error})", where=path, hint=_EXPORT) from None
    if not isinstance(tasks, list) or not tasks:
        raise InputError("found no list of tasks", where=path, hint=_EXPORT)
    return tasks


def _task_records(
    task: Any, fields: Fields, reading: _Reading, place: tuple[str, int], counts: TaskCounts
) -> list[tuple[LabelledRecord, Any]]:
    where, number = place
    data, annotations = _parts(task, where)
    text = data.get(fields.text)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"found no text in data.{fields.text}, expected some", where=where,
                         hint="data.fields.text=NAME tells what it is called.")  # fmt: skip
    kept = [a for a in annotations if not a.get("was_cancelled")]
    if not kept:
        counts.skipped += bool(annotations)
        counts.unlabelled += not annotations
        return []
    answers = [_answer(a, text, reading, where) for a in _one_a_person(kept)]
    try:
        answer = _settle(answers)
    except _TiedError:
        counts.tied.append(where.rsplit(": ", 1)[-1])
        return []
    counts.labelled += 1
    counts.empty += not any(labels for _, labels in answer)
    counts.settled += len({_as_set(a) for a in answers}) > 1
    return list(_records(answer, data, fields, where, number))


def _parts(task: Any, where: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    data, annotations = (task.get("data"), task.get("annotations")) if isinstance(task, dict) else (None, None)
    is_whole = isinstance(annotations, list) and all(isinstance(a, dict) for a in annotations)
    if not isinstance(data, dict) or not is_whole:
        raise InputError("found no data and annotations[], expected a task of a full export", where=where, hint=_EXPORT)
    return data, annotations


def _one_a_person(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The latest annotation of each person; the latest ground truth alone, if there is one."""
    if truths := [a for a in annotations if a.get("ground_truth")]:
        return [max(truths, key=_time)]
    latest: dict[str, dict[str, Any]] = {}
    for number, annotation in enumerate(sorted(annotations, key=_time)):
        person = annotation.get("completed_by")
        if isinstance(person, dict):
            person = person.get("id")
        latest[f"unknown {number}" if person is None else str(person)] = annotation
    return list(latest.values())


def _time(annotation: dict[str, Any]) -> str:
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


#: Texts of a task in order, each with its labels; a text is the whole task or one of its sentences.
_Answer = list[tuple[str, tuple[str, ...]]]


def _answer(annotation: dict[str, Any], text: str, reading: _Reading, where: str) -> _Answer:
    results = annotation.get("result")
    if not isinstance(results, list):
        raise InputError("found an annotation without result[]", where=where, hint=_EXPORT)
    whole: list[str] = []
    spans: list[tuple[int, int, list[str]]] = []
    for result in results:
        kind, value = _checked(result, where)
        if reading.control and result.get("from_name") != reading.control:
            continue
        if kind == _SPANS or (kind in _CHOICES and "start" in value):
            spans.append((*_span(value, text, where), _labels_in(value, kind, where)))
        elif kind in _CHOICES:
            labels = _labels_in(value, kind, where)
            # "None of them" is ticked in a control of its own.
            whole += [label for label in labels if (result.get("from_name"), label) != (NONE, NO_DOMAIN)]
        elif kind.endswith(_SPANS):
            raise InputError(f"found a result of type {kind}, expected choices or labels on plain text", where=where,
                             hint="data.control=NAME reads one control alone.")  # fmt: skip
    return _cut(text, whole, spans, reading.by_sentence)


def _has_spans(task: Any, control: str | None) -> bool:
    """Whether somebody marked a span; asks nothing of the task's form."""
    annotations = task.get("annotations") if isinstance(task, dict) else None
    for annotation in annotations if isinstance(annotations, list) else ():
        results = annotation.get("result") if isinstance(annotation, dict) else None
        for result in results if isinstance(results, list) else ():
            is_ours = isinstance(result, dict) and control in (None, result.get("from_name"))
            value = result.get("value") if is_ours else None
            if isinstance(value, dict) and "start" in value and result.get("type") in (*_CHOICES, _SPANS):
                return True
    return False


def _checked(result: Any, where: str) -> tuple[str, dict[str, Any]]:
    kind, value = (result.get("type"), result.get("value")) if isinstance(result, dict) else (None, None)
    if kind == "relation":
        return "relation", {}
    if not isinstance(kind, str) or not isinstance(value, dict):
        raise InputError("found a result without type and value", where=where, hint=_EXPORT)
    return kind, value


def _labels_in(value: dict[str, Any], name: str, where: str) -> list[str]:
    labels = value.get(name)
    if not isinstance(labels, list):
        raise InputError(f"found {name} {labels!r:.60}, expected a list of labels", where=where)
    # A taxonomy gives paths: the last step is the label.
    labels = [label[-1] if isinstance(label, list) and label else label for label in labels]
    if not all(isinstance(label, str) for label in labels):
        raise InputError(f"found {name} {labels!r:.60}, expected names", where=where)
    return labels


def _span(value: dict[str, Any], text: str, where: str) -> tuple[int, int]:
    start, end = value.get("start"), value.get("end")
    is_place = type(start) is int and type(end) is int
    if not is_place or not 0 <= start < end <= len(text):
        raise InputError(f"found a span from {start!r} to {end!r} in a text of {len(text)} characters", where=where)
    return start, end


def _cut(text: str, whole: list[str], spans: list[tuple[int, int, list[str]]], by_sentence: bool) -> _Answer:
    """The sentences with the labels of their spans, or the text whole.

    A label of the whole that no span bears stands for sentences unknown: then the text stays
    whole, with all its labels.
    """
    borne = {label for _, _, labels in spans for label in labels}
    if not by_sentence or set(whole) - borne:
        return [(text, tuple(dict.fromkeys([*whole, *sorted(borne)])))]
    answer = []
    for start, end in split_sentences(text):
        labels = [label for *span, names in spans if _covers(span, start, end) for label in names]
        answer.append((text[start:end], tuple(dict.fromkeys(labels))))
    return answer


def _covers(span: list[int], start: int, end: int) -> bool:
    """Half of the shorter of the two, at least: a hand that slipped over a full stop labels no sentence."""
    overlap = min(span[1], end) - max(span[0], start)
    return overlap > 0 and 2 * overlap >= min(span[1] - span[0], end - start)


def _as_set(answer: _Answer) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(labels) for _, labels in answer)


def _settle(answers: list[_Answer]) -> _Answer:
    if len({_as_set(answer) for answer in answers}) == 1:
        return answers[0]
    if len({len(answer) for answer in answers}) > 1:
        # Some marked sentences, some the whole: they can only be compared as wholes.
        answers = [_joined(answer) for answer in answers]
    return [(text, _majority(answers, row)) for row, (text, _) in enumerate(answers[0])]


def _joined(answer: _Answer) -> _Answer:
    labels = dict.fromkeys(label for _, names in answer for label in names)
    return [("".join(text for text, _ in answer), tuple(labels))]


def _majority(answers: list[_Answer], row: int) -> tuple[str, ...]:
    votes = Counter(label for answer in answers for label in set(answer[row][1]))
    if any(2 * count == len(answers) for count in votes.values()):
        raise _TiedError
    return tuple(sorted(label for label, count in votes.items() if 2 * count > len(answers)))


def _records(
    answer: _Answer, data: dict[str, Any], fields: Fields, where: str, number: int
) -> Iterator[tuple[LabelledRecord, Any]]:
    """The records of a task, each with what orders it within its bulletin."""
    bulletin = data.get(fields.bulletin) if fields.bulletin else None
    paragraph = data.get(fields.paragraph) if fields.paragraph else None
    source = data.get(fields.source) if fields.source else None
    for name, value in ((fields.bulletin, bulletin), (fields.paragraph, paragraph), (fields.source, source)):
        if isinstance(value, (list, dict)):
            raise InputError(f"found data.{name} {value!r:.60}, expected a name or a number", where=where)
    task, uid = where.rsplit(": ", 1)[-1], data.get(UID)
    order = next((v for v in (data.get("start"), paragraph) if type(v) in (int, float)), number)
    for text, labels in answer:
        # Each task is a paragraph of its own, whatever number it bears.
        yield LabelledRecord(
            where, number, text, labels, task if bulletin in (None, "") else str(bulletin), number, str(source or ""),
            uid if isinstance(uid, str) else "",
        ), (order, number)  # fmt: skip
