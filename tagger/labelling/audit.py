"""Likely errors among the labels that a model was trained on, with what speaks for each.

Scores must be out of fold: a model that has seen a wrong label has learned it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.errors import InputError
from tagger.evaluation.scores import read_scores
from tagger.labelling.review_queue import ReviewQueue, ReviewTask, make_queue

#: What a run folder holds of interest.
SCORES, SENTENCES = "out_of_fold.npz", "sentences.jsonl"
_HINT = "Give the folder that tagger train wrote, or its out_of_fold.npz."
_NO_TASKS = "Train it on examples.jsonl of tagger labels pull, by this version; without --queue it is audited as it is."
#: cleanlab takes logarithms and divides by shares.
_EPSILON = 1e-6
#: Characters of a sentence in a note.
_SHOWN = 30


@dataclass(frozen=True)
class OutOfFold:
    """Labels and out-of-fold scores of a run.

    Attributes
    ----------
    path : Path
        Where the scores were read.
    ids : list of str
        ``bulletin.paragraph.sentence``, length n_texts.
    bulletins : list of str
    paragraphs : list of int
    texts, titles : list of str
        "" where the run kept none.
    uids : list of str
        The task that each text was labelled in; "" where the run does not say.
    y_true : ndarray of shape (n_texts, n_domains), int8
    y_proba : ndarray of shape (n_texts, n_domains), float64
    thresholds : ndarray of shape (n_domains,)
    domains : tuple of str
        Domain ids in column order.
    """

    path: Path
    ids: list[str]
    bulletins: list[str]
    paragraphs: list[int]
    texts: list[str]
    titles: list[str]
    uids: list[str]
    y_true: np.ndarray
    y_proba: np.ndarray
    thresholds: np.ndarray
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Suspect:
    """One yes or no that the model doubts.

    Attributes
    ----------
    row : int
        Its text's number in the run.
    id, uid, bulletin, text : str
        ``uid`` is the task that it was labelled in; "" where the run does not say.
    paragraph : int
        As the run counts, which is not the page's count where paragraphs without labels lie between.
    labels : tuple of str
        All labels of the text.
    domain : str
        The one in doubt; ``labelled`` tells whether the text bears it.
    labelled : bool
    score, threshold : float
        The model's score of the domain, and where it would tag.
    quality : float
        cleanlab's quality of the text's labels, in [0, 1]; low is doubtful.
    words : tuple of str
        What carried the score, strongest first.
    """

    row: int
    id: str
    uid: str
    bulletin: str
    paragraph: int
    text: str
    labels: tuple[str, ...]
    domain: str
    labelled: bool
    score: float
    threshold: float
    quality: float
    words: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready line."""
        return {
            "id": self.id, "uid": self.uid or None, "bulletin": self.bulletin, "paragraph": self.paragraph,
            "domain": self.domain, "labelled": self.labelled, "score": round(self.score, 4),
            "threshold": round(self.threshold, 4), "quality": round(self.quality, 6), "words": list(self.words),
            "labels": list(self.labels), "text": self.text,
        }  # fmt: skip


def read_out_of_fold(path: str | Path) -> OutOfFold:
    """The scores of a run folder, or of an ``out_of_fold.npz`` (its ``sentences.jsonl`` beside it, if there is one).

    Raises
    ------
    InputError
        There is no such file, or it is not what `tagger.evaluation.scores.read_scores` reads.
    LimitError
        It would unpack to more than 2 GiB.
    """
    path = Path(path)
    path = path / SCORES if path.is_dir() else path
    if not path.is_file():
        raise InputError("no such file", where=path, hint=_HINT)
    scores, domains = read_scores(path)
    ids = scores.ids.tolist()
    sentences = _read_sentences(path.parent / SENTENCES)
    texts, titles, uids = zip(*(sentences.get(id, ("", "", "")) for id in ids), strict=True)
    return OutOfFold(
        path=path, ids=ids, bulletins=scores.bulletins.tolist(), paragraphs=scores.paragraphs.tolist(),
        texts=list(texts), titles=list(titles), uids=list(uids),
        y_true=scores.y_true, y_proba=scores.y_proba.astype(float), thresholds=scores.thresholds, domains=domains,
    )  # fmt: skip


def _read_sentences(path: Path) -> dict[str, tuple[str, str, str]]:
    """id -> text, title and task; nothing where the run kept no sentences."""
    if not path.exists():
        return {}
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        return {
            str(row["id"]): (str(row["text"]), str(row.get("title") or ""), str(row.get("uid") or "")) for row in rows
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"not the sentences of a run ({error})", where=path, hint=_HINT) from None


def find_suspects(
    scores: OutOfFold, n: int | None = None, *, explain: Callable[[int, int], Sequence[str]] | None = None
) -> list[Suspect]:
    """Labels that are likely wrong, the least trustworthy first.

    Parameters
    ----------
    scores : OutOfFold
    n : int, optional
        At most this many; by default all that cleanlab takes for errors.
    explain : callable, optional
        Takes a row and a column; the words that carried the score there.

    Notes
    -----
    Confident learning (Northcutt, Jiang and Chuang 2021) for each domain's yes or no, ranked by the
    multi-label quality of Thyagarajan et al. (2022), "Identifying incorrect annotations in multi-label
    classification data", both as cleanlab computes them. A suspect is a question, not a verdict:
    of the most doubtful labels of this project's own corpus, one in twenty-six was wrong
    (``experiments/label_errors``).
    """
    is_suspect, quality = _cleanlab(scores.y_true, scores.y_proba)
    doubt = np.where(is_suspect, np.abs(scores.y_true - scores.y_proba), -1.0)
    rows = np.flatnonzero(is_suspect.any(axis=1))
    order = rows[np.lexsort((-doubt[rows].max(axis=1), quality[rows]))]
    found = []
    for row in order[:n]:
        column = int(doubt[row].argmax())
        words = tuple(explain(int(row), column)) if explain else ()
        found.append(_suspect(scores, int(row), column, float(quality[row]), words))
    return found


def _cleanlab(y_true: np.ndarray, y_proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which single answers are likely errors, bool (n_texts, n_domains); and the quality of each text's labels."""
    from cleanlab.multilabel_classification import get_label_quality_scores
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class

    labels = [np.flatnonzero(row).tolist() for row in y_true]
    clipped = np.clip(y_proba, _EPSILON, 1 - _EPSILON)
    # A domain that every text bears, or none, gives cleanlab nothing to compare.
    columns = np.flatnonzero((y_true.min(axis=0) == 0) & (y_true.max(axis=0) == 1))
    is_suspect = np.zeros(y_true.shape, dtype=bool)
    if len(columns):
        sub = [[int(np.searchsorted(columns, c)) for c in row if c in columns] for row in labels]
        # One process: its pools of workers cost more than they save below a million answers.
        found = find_multilabel_issues_per_class(sub, clipped[:, columns], n_jobs=1)
        is_suspect[:, columns] = np.asarray(found)
    return is_suspect, np.asarray(get_label_quality_scores(labels, clipped))


def _suspect(scores: OutOfFold, row: int, column: int, quality: float, words: tuple[str, ...]) -> Suspect:
    labels = tuple(scores.domains[c] for c in np.flatnonzero(scores.y_true[row]))
    return Suspect(
        row=row, id=scores.ids[row], uid=scores.uids[row], bulletin=scores.bulletins[row],
        paragraph=scores.paragraphs[row], text=scores.texts[row], labels=labels, domain=scores.domains[column],
        labelled=bool(scores.y_true[row, column]), score=float(scores.y_proba[row, column]),
        threshold=float(scores.thresholds[column]), quality=quality, words=words,
    )  # fmt: skip


def review_queue(
    scores: OutOfFold, suspects: Sequence[Suspect], domains: DomainSet, *, title: str = "标注核查"
) -> ReviewQueue:
    """The suspects as a queue, a task a paragraph: its labels as they are beside what the model would say.

    A paragraph has the labels of all its sentences, suspects or not. Suspects that were labelled in
    no task are left out: the numbers of a run are its own, and the task of such a number may be another's.
    The notes are for people who label, in the language of the labelling interface and by the names that
    `domains` has; a domain that it does not know keeps its id.

    Raises
    ------
    InputError
        The run says of no suspect in which task it was labelled.
    """
    if suspects and not any(suspect.uid for suspect in suspects):
        raise InputError("the run does not say in which tasks its sentences were labelled, so there is no queue",
                         where=scores.path.parent / SENTENCES, hint=_NO_TASKS)  # fmt: skip
    by_task: dict[str, list[Suspect]] = {}
    for suspect in suspects:
        by_task.setdefault(suspect.uid, []).append(suspect)
    by_task.pop("", None)
    rows: dict[str, list[int]] = {}
    for row, uid in enumerate(scores.uids):
        rows.setdefault(uid, []).append(row)
    names = domains.shown_names
    return make_queue(title, (_task(uid, found, scores, rows[uid], names) for uid, found in by_task.items()))


def _task(
    uid: str, suspects: list[Suspect], scores: OutOfFold, rows: list[int], names: Mapping[str, str]
) -> ReviewTask:
    now = scores.y_true[rows]
    then = now.copy()
    for suspect in suspects:
        then[rows.index(suspect.row), scores.domains.index(suspect.domain)] ^= 1
    opinions = tuple(
        (name, tuple(scores.domains[c] for c in np.flatnonzero(y.any(axis=0))))
        for name, y in (("labels so far", now), ("the model", then))
    )
    note = "；".join(_doubt(suspect, names) for suspect in suspects) + "。"
    return ReviewTask(uid, 1 - min(suspect.quality for suspect in suspects), note, opinions)


def _doubt(suspect: Suspect, names: Mapping[str, str]) -> str:
    """What is labelled, what the model says, and by which words."""
    text = suspect.text[:_SHOWN] + ("…" if len(suspect.text) > _SHOWN else "")
    labelled, scored = ("标了", "只给") if suspect.labelled else ("没有标", "给了")
    words = f"；依据：{'、'.join(suspect.words)}" if suspect.words else ""
    name = names.get(suspect.domain, suspect.domain)
    return f"“{text}”{labelled}{name}，但模型{scored} {suspect.score:.2f} 分（阈值 {suspect.threshold:.2f}{words}）"


#: Columns of the file for spreadsheets.
COLUMNS = ("id", "uid", "domain", "labelled", "score", "threshold", "quality", "words", "labels", "text")


def table_rows(suspects: Sequence[Suspect]) -> Iterator[list[Any]]:
    """Header and rows for a spreadsheet."""
    yield list(COLUMNS)
    for suspect in suspects:
        row = suspect.to_dict()
        yield [";".join(row[name]) if isinstance(row[name], list) else row[name] for name in COLUMNS]
