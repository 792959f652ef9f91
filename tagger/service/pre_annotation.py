"""Label Studio tasks -> predictions in the form that the project's interface asks for."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagger.bulletins.bulletin import Bulletin, Sentence, parse_bulletin
from tagger.bulletins.metadata import PageFacts
from tagger.bulletins.sentences import split_sentences
from tagger.models.storage import Model
from tagger.predict.tagging import TaggedBulletin, Tags, tag_bulletins
from tagger.service.label_config import Control, Interface
from tagger.tasks import NO_DOMAIN, certainty

log = logging.getLogger(__name__)
#: Fields of a task's data that give a paragraph its page back.
_TITLE, _BEFORE, _AFTER = "title", "before", "after"
_MAX_CONTEXT = 20_000


@dataclass(frozen=True)
class _Page:
    """A paragraph between its neighbours; `start` and `end` are its span in the page."""

    bulletin: Bulletin
    start: int
    end: int


def model_version(model: Model) -> str:
    """What Label Studio knows a model by; the same as in pushed tasks."""
    return f"{model.name}-{model.version}"


def pre_annotate(tasks: Sequence[Mapping[str, Any]], interface: Interface, model: Model) -> list[dict[str, Any]]:
    """One prediction a task, in order.

    Parameters
    ----------
    tasks : sequence of dict
        As Label Studio sends them: ``id`` and ``data``, in which the text stands, and perhaps
        ``title``, ``before`` and ``after``, the bulletin's title and the paragraph's neighbours.

    Returns
    -------
    list of dict
        ``model_version, score, result``: the score is `tagger.tasks.certainty`,
        so that the lowest is the most doubtful. A task without a text gets an empty result.
    """
    pages = [_page(task, interface.field) for task in tasks]
    tagged = tag_bulletins([page.bulletin for page in pages if page], model)
    return [_prediction(page, next(tagged), interface, model) if page else empty(model) for page in pages]


def empty(model: Model) -> dict[str, Any]:
    """The prediction that shows nothing."""
    return {"model_version": model_version(model), "score": 0.0, "result": []}


def _page(task: Mapping[str, Any], field: str) -> _Page | None:
    data = task.get("data")
    text = data.get(field) if isinstance(data, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        log.warning("task %s: no text in its field %r, expected one; it is not pre-annotated", task.get("id"), field)
        return None
    before, after = _surroundings(text, _neighbour(data, _BEFORE), _neighbour(data, _AFTER))
    original = f"{before}\n{text}\n{after}" if before else f"{text}\n{after}"
    start = len(before) + 1 if before else 0
    facts = PageFacts(title=_neighbour(data, _TITLE) or None)
    return _Page(parse_bulletin(original, facts=facts), start, start + len(text))


def _surroundings(text: str, before: str, after: str) -> tuple[str, str]:
    """As much of the neighbours as the paragraph's own tags depend on: all else would be scored for nothing.

    A paragraph before it leads it only if it is one sentence, a heading; one after it only shows
    that a single line is not the page's foot.
    """
    is_line = len(split_sentences(text)) == 1
    start, end = next(iter(split_sentences(after)), (0, 0))
    return before if len(split_sentences(before)) == 1 else "", after[start:end] if is_line else ""


def _neighbour(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value[:_MAX_CONTEXT].strip() if isinstance(value, str) else ""


def _prediction(page: _Page, tagged: TaggedBulletin, interface: Interface, model: Model) -> dict[str, Any]:
    own = _own_sentences(page, tagged)
    whole = tagged.union([place for place, _ in own])
    result = []
    if interface.choices:
        result += _choices(interface.choices, interface.none, whole, model)
    if interface.spans:
        for place, sentence in own:
            result += _spans(interface.spans, page, sentence, tagged.union([place]))
    score = certainty(whole.scores, model.thresholds)
    return {"model_version": model_version(model), "score": score, "result": result}


def _own_sentences(page: _Page, tagged: TaggedBulletin) -> list[tuple[tuple[int, int], Sentence]]:
    """The sentences of the task's own paragraph, without its neighbours'."""
    return [
        ((paragraph.index, sentence.index), sentence)
        for paragraph in page.bulletin.paragraphs
        for sentence in paragraph.sentences
        if page.start <= sentence.start and sentence.end <= page.end and not sentence.noise
    ]


def _choices(control: Control, none: Control | None, tags: Tags, model: Model) -> list[dict[str, Any]]:
    """The ticked domains; "none of them" only where the model says so, not where a choice is missing."""
    if names := _names(control, tags, model):
        return [_result(control, {"choices": names}, "paragraph")]
    if tags.domains or none is None:
        return []
    return [_result(none, {"choices": [none.labels[NO_DOMAIN]]}, "paragraph")]


def _names(control: Control, tags: Tags, model: Model) -> list[str]:
    """What the control calls the tags; where it takes one only, the highest of them."""
    ids = [id for id in tags.domains if id in control.labels]
    if len(ids) > 1 and not control.multiple:
        ids = [max(ids, key=lambda id: tags.scores[model.domains.column(id)])]
    return [control.labels[id] for id in ids]


def _spans(control: Control, page: _Page, sentence: Sentence, tags: Tags) -> list[dict[str, Any]]:
    """Regions of one sentence; one for each domain where a region takes a single label."""
    names = [control.labels[id] for id in tags.domains if id in control.labels]
    groups = [names] if control.multiple and names else [[name] for name in names]
    span = {"start": sentence.start - page.start, "end": sentence.end - page.start, "text": sentence.text}
    return [_result(control, {**span, "labels": group}, f"{span['start']}:{group[0]}") for group in groups]


def _result(control: Control, value: dict[str, Any], key: str) -> dict[str, Any]:
    """One region; its id is the same each time, so that a repeated prediction is the same one."""
    id = hashlib.sha256(f"{control.from_name}:{key}".encode()).hexdigest()[:10]
    return {"id": id, "from_name": control.from_name, "to_name": control.to_name, "type": control.kind, "value": value}
