"""The errors of which a model was surest, with what made it so sure."""

from __future__ import annotations

import numpy as np

from tagger.evaluation.report.blocks import Block, ErrorCase, Gallery, Heading, Note, Section
from tagger.evaluation.report.subject import Subject
from tagger.evaluation.runs import Run
from tagger.evaluation.scores import Scores


def describe_errors(subject: Subject) -> Section | None:
    """False positives and false negatives of each domain; None where none are asked for."""
    words = subject.words
    if subject.n_errors <= 0:
        return None
    blocks: list[Block] = [Note(words("errors_note"))]
    if subject.explain:
        blocks.append(Note(words("evidence_note")))
    for run in subject.drawn:
        blocks += [Heading(run.name), *_galleries(subject, run)]
    return Section("errors", words("errors"), blocks)


def find_errors(scores: Scores, column: int, kind: str) -> np.ndarray:
    """Rows of the errors of one kind in one domain, the farthest from the threshold first.

    Parameters
    ----------
    scores : Scores
    column : int
        Of the domain.
    kind : {"false_positive", "false_negative"}

    Returns
    -------
    ndarray of shape (n_errors,), int
    """
    truth, tags = scores.y_true[:, column] == 1, scores.y_pred[:, column] == 1
    rows = np.flatnonzero(tags & ~truth if kind == "false_positive" else truth & ~tags)
    margins = np.abs(scores.y_proba[rows, column] - scores.thresholds[column])
    return rows[np.argsort(-margins, kind="stable")]


def _galleries(subject: Subject, run: Run) -> list[Gallery]:
    words, scores = subject.words, subject.scores(run)
    kinds = [(column, kind) for column in range(len(subject.names)) for kind in ("false_positive", "false_negative")]
    found = [find_errors(scores, *key) for key in kinds]
    wanted = [(str(scores.ids[row]), column) for (column, _), rows in zip(kinds, found, strict=True)
              for row in rows[: subject.n_errors]]  # fmt: skip
    spans = iter(subject.explain(run, wanted) if subject.explain else [()] * len(wanted))
    galleries = []
    for (column, kind), rows in zip(kinds, found, strict=True):
        shown = rows[: subject.n_errors]
        count = words("n_errors", shown=len(shown), total=len(rows))
        cases = [_case(subject, run, int(row), column, next(spans)) for row in shown]
        galleries.append(Gallery(f"{subject.names[column]} · {words(kind)} · {count}", cases))
    return galleries


def _case(subject: Subject, run: Run, row: int, column: int, spans: tuple) -> ErrorCase:  # type: ignore[type-arg]
    words, scores = subject.words, subject.scores(run)
    id = str(scores.ids[row])
    sentence = run.sentences.get(id)
    labels, tags = (
        words.list([subject.names[c] for c in np.flatnonzero(y[row])]) for y in (scores.y_true, scores.y_pred)
    )
    facts = (
        f"{words('score')} {scores.y_proba[row, column]:.2f} / {words('threshold')} {scores.thresholds[column]:.2f}"
        f" · {words('labels')}: {labels} · {words('tags')}: {tags}"
    )
    return ErrorCase(id, sentence.text if sentence else "", facts, spans)
