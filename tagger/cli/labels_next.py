"""Bulletins through models to the paragraphs most worth labelling: what `tagger labels next` puts together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.bulletins.bulletin import Bulletin, bulletin_from_sentences
from tagger.bulletins.sentences import split_sentences
from tagger.domains import DomainSet
from tagger.errors import InputError, TaggerError, UsageError
from tagger.labelling.next_up import Choice, Pool, choose_next, vectors_of
from tagger.labelling.opinions import Opinions, read_opinions
from tagger.labelling.review_queue import ReviewQueue, ReviewTask, make_queue
from tagger.labelling.stopping import hint_from_labels
from tagger.models.storage import Model, load_model
from tagger.predict.tagging import TaggedBulletin, tag_bulletins

#: Labels between two of the models whose tags are compared for the stopping hint.
_STEP = 100


@dataclass(frozen=True)
class Chosen:
    """Paragraphs to label, and what there is to say of them.

    Attributes
    ----------
    rows : list of dict
        JSON-ready, the best first.
    errors : list of TaggerError
        Inputs that could not be read.
    n_free : int
        Unlabelled paragraphs that were chosen from.
    hint : str
        Whether more labels help; "" where nothing is labelled.
    """

    rows: list[dict[str, Any]]
    errors: list[TaggerError]
    n_free: int
    hint: str

    def queue(self) -> ReviewQueue:
        """The paragraphs as a queue for Label Studio, in this order."""
        n = len(self.rows)
        tasks = (ReviewTask(row["uid"], 1 - i / max(n, 1), row["reason"]) for i, row in enumerate(self.rows))
        return make_queue("优先标注", tasks)


def choose_paragraphs(
    inputs: Sequence[str],
    n: int,
    names: Sequence[str],
    labelled: Sequence[str],
    encoding: str | None,
    domains: DomainSet,
) -> Chosen:
    """The `n` paragraphs of the inputs that are most worth labelling.

    Raises
    ------
    UsageError
        Models of different domains.
    InputError, ModelError, CorpusError
        The labels or a model cannot be read, or no bulletin can.
    """
    models = _open_models(names, domains)
    errors: list[TaggerError] = []
    bulletins = list(_bulletins(inputs, encoding, errors))
    if not bulletins:
        raise errors[0] if errors else InputError("found no bulletin", where=", ".join(inputs))
    tagged = [list(tag_bulletins(bulletins, model)) for model in models]
    tasks, places = _paragraphs(tagged[0])
    if not tasks:
        raise InputError("found nothing but page furniture, expected paragraphs", where=", ".join(inputs))
    opinions = read_opinions(labelled, domains) if labelled else None
    pool = _pool(tagged, tasks, places)
    done = _done(opinions)
    allowed = np.array([task["data"]["uid"] not in done for task in tasks])
    choices = choose_next(pool, n, positives=_positives(opinions, domains), allowed=allowed)
    rows = [_row(choice, tasks[choice.unit], places, pool, models) for choice in choices]
    hint = "" if opinions is None else _hint(opinions, [task["data"]["text"] for task in tasks])
    return Chosen(rows, errors, int(allowed.sum()), hint)


def tag_units(name: str, opinions: Opinions) -> tuple[str, np.ndarray]:
    """A model's name, and its tags of labelled units: int8, shape (n_units, n_domains).

    The labelled paragraphs of a bulletin are read together, in page order: the files hold no more of it.
    """
    model = _open_models([name], opinions.domains)[0]
    order = sorted(range(len(opinions)), key=lambda i: _page_order(opinions, i))
    pages: dict[str, list[int]] = {}
    for unit in order:
        if split_sentences(opinions.units[unit].text):
            pages.setdefault(opinions.units[unit].bulletin, []).append(unit)
    y = np.zeros((len(opinions), len(opinions.domains)), dtype=np.int8)
    tagged = tag_bulletins((_page(opinions, units) for units in pages.values()), model)
    for units, page in zip(pages.values(), tagged, strict=True):
        for unit, paragraph in zip(units, page.bulletin.paragraphs, strict=True):
            y[unit] = opinions.domains.encode([page.paragraph_tags(paragraph).domains])[0]
    return f"{model.name} {model.version}", y


def _page_order(opinions: Opinions, unit: int) -> tuple[str, int, int]:
    where = opinions.units[unit]
    return where.bulletin, where.paragraph, -1 if where.sentence is None else where.sentence


def _page(opinions: Opinions, units: Sequence[int]) -> Bulletin:
    texts = [opinions.units[i].text for i in units]
    return bulletin_from_sentences(
        [[t[a:b] for a, b in split_sentences(t)] for t in texts], id=opinions.units[units[0]].bulletin
    )


def _open_models(names: Sequence[str], domains: DomainSet) -> list[Model]:
    from tagger.cli.options import check_model

    for name in names:
        check_model(name)
    models = [load_model(name) for name in names]
    for name, model in zip(names, models, strict=True):
        if model.domains.ids != domains.ids:
            raise UsageError(
                f"found a model of {', '.join(model.domains.ids)}, expected {', '.join(domains.ids)}",
                where=f"--model {name}", hint="Give the domain list that it was trained on by --domains.",
            )  # fmt: skip
    return models


def _bulletins(inputs: Sequence[str], encoding: str | None, errors: list[TaggerError]) -> Iterator[Bulletin]:
    from tagger.bulletins.reading import read_bulletin
    from tagger.predict.inputs import find_sources

    for source in find_sources(inputs):
        try:
            if isinstance(source, InputError):
                raise source
            if source.is_records:
                raise InputError("found records, expected bulletins", where=source.path, hint="Give documents.")
            yield read_bulletin(source.path, encoding=encoding)
        except UsageError:
            raise
        except TaggerError as error:
            errors.append(error)


def _paragraphs(tagged: Sequence[TaggedBulletin]) -> tuple[list[dict[str, Any]], list[tuple[int, int, int]]]:
    """The import tasks of all paragraphs, and (task, bulletin, place) of each sentence in the order of the scores."""
    from tagger.predict.as_label_studio import tasks

    rows, places = [], []
    for number, page in enumerate(tagged):
        by_index = {task["data"]["index"]: task for task in tasks(page, "paragraph")}
        firsts = {index: len(rows) + i for i, index in enumerate(by_index)}
        rows += list(by_index.values())
        places += [(firsts[p], number, place) for place, (p, _) in enumerate(page.tags) if p in firsts]
    return rows, places


def _pool(
    tagged: Sequence[Sequence[TaggedBulletin]], tasks: list[dict[str, Any]], places: list[tuple[int, int, int]]
) -> Pool:
    scores = []
    for pages in tagged:
        by_page = [[tags.scores for tags in page.tags.values()] for page in pages]
        scores.append([by_page[number][place] for _, number, place in places])
    return Pool(
        unit_of=np.array([task for task, _, _ in places]), y_proba=np.array(scores, dtype=float),
        thresholds=np.array([pages[0].model.thresholds for pages in tagged]),
        vectors=vectors_of([task["data"]["text"] for task in tasks]),
    )  # fmt: skip


def _done(opinions: Opinions | None) -> set[str]:
    """Tasks that somebody labelled or skipped."""
    if opinions is None:
        return set()
    touched = (opinions.given | opinions.skipped).any(axis=0)
    return {unit.uid for unit, is_done in zip(opinions.units, touched, strict=True) if is_done}


def _positives(opinions: Opinions | None, domains: DomainSet) -> np.ndarray | None:
    """Labelled paragraphs that anybody gave each domain."""
    return None if opinions is None else (opinions.labels == 1).any(axis=0).sum(axis=0).astype(float)


def _row(
    choice: Choice, task: dict[str, Any], places: list[tuple[int, int, int]], pool: Pool, models: Sequence[Model]
) -> dict[str, Any]:
    domain = models[0].domains.ids[choice.column]
    # By version too: two runs of one kind of model have one name.
    scores = {
        f"{model.name} {model.version}": round(float(p[choice.sentence, choice.column]), 4)
        for model, p in zip(models, pool.y_proba, strict=True)
    }
    threshold = float(pool.thresholds[0, choice.column])
    said = "、".join(f"{name} {value:.2f} 分" for name, value in scores.items())
    name = models[0].domains.shown_names[domain]
    why = f"{name}的标注还少" if choice.quota else f"最拿不准的是{name}"
    data = task["data"]
    return {
        "uid": data["uid"], "bulletin": data["bulletin"], "paragraph": data["index"], "worth": round(choice.worth, 4),
        "reason": f"{why}（{said}；阈值 {threshold:.2f}）", "domain": domain, "quota": choice.quota,
        "scores": scores, "threshold": round(threshold, 4), "text": data["text"],
    }  # fmt: skip


def _hint(opinions: Opinions, texts: Sequence[str]) -> str:
    """Whether the newest labels still change what a quick model says of these paragraphs."""
    from tagger.labelling.merging import merge_by_vote
    from tagger.models.features import TextFeatures
    from tagger.models.linear_head import LinearHead

    merged = merge_by_vote(opinions)
    times = np.where(opinions.given, opinions.times, np.inf).min(axis=0)
    settled = np.flatnonzero(~merged.is_open)
    order = settled[np.argsort(times[settled], kind="stable")]
    if len(order) < 4 * _STEP:
        return f"too few labels to tell whether the curve is flat ({len(order)} of {4 * _STEP})"
    features = TextFeatures(char_ngrams=(1, 2), word_ngrams=None).fit([opinions.units[i].text for i in order])
    labelled, asked = features.transform([unit.text for unit in opinions.units]), features.transform(texts)

    def tags_after(rows: np.ndarray) -> np.ndarray:
        head = LinearHead(tol=1e-2).fit(labelled[rows], merged.labels[rows])
        return (head.decision_function(asked) > 0).astype(np.int8)

    return str(hint_from_labels(tags_after, order, step=_STEP))
