"""The domains one by one: F1, precision and recall, reliability, confusions."""

from __future__ import annotations

import numpy as np

from tagger.evaluation.calibration import reliability_curve
from tagger.evaluation.cooccurrence import count_confusions
from tagger.evaluation.figures.bars import Bars, draw_bars, draw_confusions
from tagger.evaluation.figures.curves import Curve, draw_precision_recall, draw_reliability
from tagger.evaluation.intervals import domain_intervals, wilson_interval
from tagger.evaluation.ranking import average_precision, precision_recall_points
from tagger.evaluation.report.blocks import Block, Note, Picture, Section, Table
from tagger.evaluation.report.subject import Subject, number
from tagger.evaluation.runs import Run

_N_BINS, _FEWEST = 10, 5


def describe_domains(subject: Subject) -> Section:
    """F1 of each domain with its interval, beside what people agree on."""
    words = subject.words
    series = {run.name: _bars(subject, run) for run in subject.drawn}
    found = subject.agreement
    ceiling = [found.domains.get(id) for id in subject.domains.ids] if found else None
    figure = draw_bars(subject.names, series, x_label="F1", ceiling=ceiling, ceiling_label=words("ceiling"))
    head = [words("domain"), words("run"), words("support"), words("precision"), words("recall"), "F1",
            words("interval"), words("ap")]  # fmt: skip
    rows = [row for column in range(len(subject.names)) for row in _domain_rows(subject, series, column)]
    return Section("domains", words("by_domain"), [Picture("f1", figure, words("bars_alt")), Table(head, rows, 2)])


def _bars(subject: Subject, run: Run) -> Bars:
    scores, domains = subject.scores(run), subject.figures[run.name]["domains"]
    values = np.array([domains[id]["f1"] for id in subject.domains.ids])
    return Bars(values, domain_intervals(scores.y_true, scores.y_pred, scores.bulletins))


def _domain_rows(subject: Subject, series: dict[str, Bars], column: int) -> list[list[str]]:
    rows = []
    for run in subject.drawn:
        found = subject.figures[run.name]["domains"][subject.domains.ids[column]]
        low, high = series[run.name].intervals[column]
        scores = subject.scores(run)
        ap = average_precision(scores.y_true[:, [column]], scores.y_proba[:, [column]])["macro"]
        rows.append([
            subject.names[column] if run is subject.drawn[0] else "", run.name, f"{found['support']:,}",
            number(found["precision"]), number(found["recall"]), number(found["f1"]), f"[{low:.3f}, {high:.3f}]",
            number(ap),
        ])  # fmt: skip
    return rows


def describe_precision_recall(subject: Subject) -> Section:
    """A curve a domain and run."""
    words = subject.words
    series = {run.name: [_pr_curve(subject, run, c) for c in range(len(subject.names))] for run in subject.drawn}
    titles = [f"{name} ({', '.join(_ap_texts(subject, c))})" for c, name in enumerate(subject.names)]
    if len(subject.drawn) > 2:  # the panels are too narrow for so many figures
        titles = list(subject.names)
    figure = draw_precision_recall(titles, series, x_label=words("recall"), y_label=words("precision"))
    note = Note(words("pr_note" if len(subject.drawn) <= 2 else "pr_note_many"))
    return Section("precision-recall", words("pr"), [note, Picture("precision_recall", figure, words("pr_alt"))])


def _ap_texts(subject: Subject, column: int) -> list[str]:
    scores = [subject.scores(run) for run in subject.drawn]
    return [number(average_precision(s.y_true[:, [column]], s.y_proba[:, [column]])["macro"], 2) for s in scores]


def _pr_curve(subject: Subject, run: Run, column: int) -> Curve | None:
    scores = subject.scores(run)
    truth = scores.y_true[:, column]
    if not truth.any():
        return None
    recall, precision = precision_recall_points(truth, scores.y_proba[:, column])
    found = subject.figures[run.name]["domains"][subject.domains.ids[column]]
    return Curve(recall, precision, mark=(found["recall"], found["precision"]))


def describe_reliability(subject: Subject) -> Section:
    """What scores promise and hold."""
    words = subject.words
    series = {run.name: [_reliability(subject, run, c) for c in range(len(subject.names))] for run in subject.drawn}
    figure = draw_reliability(subject.names, series, x_label=words("mean_score"), y_label=words("share_positive"))
    picture = Picture("reliability", figure, words("reliability_alt"))
    return Section("reliability", words("reliability"), [Note(words("reliability_note")), picture])


def _reliability(subject: Subject, run: Run, column: int) -> Curve:
    scores = subject.scores(run)
    found = reliability_curve(scores.y_true[:, column], scores.y_proba[:, column], _N_BINS, strategy="width")
    # A bin of one or two texts would throw the line from 0 to 1.
    found = {name: values[found["n_texts"] >= _FEWEST] for name, values in found.items()}
    low, high = wilson_interval(found["share_positive"] * found["n_texts"], found["n_texts"])
    return Curve(found["mean_proba"], found["share_positive"], low=low, high=high)


def describe_confusions(subject: Subject) -> Section:
    """Which domain was tagged where another was meant, a matrix a run."""
    words = subject.words
    blocks: list[Block] = [Note(words("confusion_note"))]
    for number_, run in enumerate(subject.drawn, start=1):
        scores = subject.scores(run)
        figure = draw_confusions(
            subject.names, count_confusions(scores.y_true, scores.y_pred), title=run.name,
            none_row=words("none_meant"), none_column=words("none_tagged"), x_label=words("tagged_instead"),
            y_label=words("meant"),
        )  # fmt: skip
        blocks.append(Picture(f"confusions_{number_}", figure, words("confusion_alt", name=run.name)))
    return Section("confusions", words("confusion"), blocks)
