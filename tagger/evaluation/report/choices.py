"""What is gained by what: more data, chosen thresholds, a larger model, a person's help, longer training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.evaluation.figures.bars import draw_answers, draw_cost
from tagger.evaluation.figures.curves import Curve, draw_learning, draw_training
from tagger.evaluation.report.blocks import Block, Heading, Note, Picture, Section, Table
from tagger.evaluation.report.subject import Subject, number, with_interval
from tagger.evaluation.runs import Run, group_runs, is_number, share_of
from tagger.evaluation.selective import calibrate_selective, review_load

PRECISION = RECALL = 0.95
_WAYS = ("half", "shared", "own", "shrunk")
#: Costs in the plot -> by what they are divided.
_COSTS = {"seconds": ("seconds", 1), "size": ("size_bytes", 1e6), "speed": ("sentences_per_second", 1)}
#: Those that stand in the table alone.
_MORE_COSTS = {
    **_COSTS, "reading": ("seconds_per_1000_sentences", 1), "memory": ("peak_memory_mib", 1),
    "gpu_memory": ("peak_gpu_memory_mib", 1),
}  # fmt: skip


def describe_learning(subject: Subject) -> Section | None:
    """F1 over the number of bulletins; None without runs that differ in their share of the data alone."""
    words, series, rows = subject.words, {}, []
    for group in group_runs(subject.runs, apart_from=("seed", "output", "data.share")):
        if len({share_of(run) for run in group}) > 1:
            curve = _learning_curve(subject, group)
            series[max(group, key=share_of).name] = curve
            rows += _learning_rows(subject, group, curve)
    if not series:
        return None
    ceiling = subject.agreement.f1_micro if subject.agreement else None
    figure = draw_learning(series, x_label=words("n_trained"), y_label="micro-F1", ceiling=ceiling,
                           ceiling_label=words("ceiling"))  # fmt: skip
    head = [words("run"), words("n_trained"), words("n_seeds"), words("f1_micro")]
    picture = Picture("learning", figure, words("learning_alt"))
    return Section("learning", words("learning"), [Note(words("learning_note")), picture, Table(head, rows)])


def _by_share(group: Sequence[Run]) -> list[list[Run]]:
    shares = sorted({share_of(run) for run in group})
    return [[run for run in group if share_of(run) == share] for share in shares]


def _n_trained(run: Run) -> float:
    """Bulletins of the whole data times the share; the folds' held-out part is not taken off."""
    data = run.facts.get("data")
    n_bulletins = data.get("n_bulletins") if isinstance(data, dict) else None
    found = n_bulletins if is_number(n_bulletins) else len(np.unique(run.out_of_fold.bulletins))
    return share_of(run) * float(found)


def _learning_curve(subject: Subject, group: Sequence[Run]) -> Curve:
    steps = _by_share(group)
    intervals = np.array([subject.figures[runs[0].name]["interval_95"]["f1_micro"] for runs in steps])
    means = [float(np.mean([subject.figures[run.name]["f1_micro"] for run in runs])) for runs in steps]
    x = np.array([_n_trained(runs[0]) for runs in steps])
    return Curve(x, np.array(means), low=intervals[:, 0], high=intervals[:, 1])


def _learning_rows(subject: Subject, group: Sequence[Run], curve: Curve) -> list[list[str]]:
    return [
        [runs[0].name, f"{x:,.0f}", str(len(runs)), number(mean) if len(runs) > 1 else
         with_interval(subject.figures[runs[0].name], "f1_micro")]
        for runs, x, mean in zip(_by_share(group), curve.x, curve.y, strict=True)
    ]  # fmt: skip


def describe_thresholds(subject: Subject) -> Section | None:
    """What each way of choosing thresholds gains, and which ones were chosen."""
    words = subject.words
    rows = [row for run in subject.drawn for row in _gain_rows(subject, run)]
    head = [words("run"), words("metric"), *(words(way) for way in _WAYS)]
    blocks: list[Block] = [Note(words("thresholds_note")), Table(head, rows, n_text=2)] if rows else []
    head = [words("threshold"), *(run.name for run in subject.drawn)]
    values = np.array([subject.scores(run).thresholds for run in subject.drawn]).T
    blocks.append(Table(head, [[n, *(number(v) for v in row)] for n, row in zip(subject.names, values, strict=True)]))
    return Section("thresholds", words("thresholds"), blocks)


def _gain_rows(subject: Subject, run: Run) -> list[list[str]]:
    gain = _dict(_dict(run.metrics.get("thresholds")).get("gain"))
    rows = []
    for metric in ("f1_micro", "f1_macro"):
        values = [_dict(gain.get(way)).get(metric) for way in _WAYS]
        if is_number(values[0]):
            cells = [number(values[0])]
            cells += [f"{v:.3f} ({100 * (v - values[0]):+.1f})" if is_number(v) else "—" for v in values[1:]]
            rows.append([run.name, subject.words(metric), *cells])
    return rows


def describe_cost(subject: Subject) -> Section:
    """What the models cost, and what they give for it."""
    words, runs = subject.words, subject.drawn
    told = [key for key in _MORE_COSTS if any(_cost(run, key) for run in runs)]
    rows = [[run.name, with_interval(subject.figures[run.name], "f1_micro"),
             *(number(_cost(run, key), 1) for key in told)] for run in runs]  # fmt: skip
    blocks: list[Block] = [Table([words("run"), words("f1_micro"), *(words(key) for key in told)], rows)]
    known = {words(key): [_cost(run, key) for run in runs] for key in told if key in _COSTS}
    if known and len(runs) > 1:
        found = [subject.figures[run.name] for run in runs]
        f1 = [(f["f1_micro"], *f["interval_95"]["f1_micro"]) for f in found]
        figure = draw_cost([run.name for run in runs], f1, known, y_label="micro-F1")
        blocks = [Note(words("cost_note")), Picture("cost", figure, words("cost_alt")), *blocks]
    return Section("cost", words("cost"), blocks)


def _cost(run: Run, key: str) -> float | None:
    name, unit = _MORE_COSTS[key]
    value = run.cost.get(name)
    return value / unit if value and value > 0 else None


def describe_review(subject: Subject) -> Section | None:
    """How much a person would read if the models answered only where they are sure; None of one bulletin."""
    words = subject.words
    if len(np.unique(subject.scores(subject.drawn[0]).bulletins)) < 2:
        return None
    note = words("review_note", precision=f"{PRECISION:.0%}", recall=f"{RECALL:.0%}")
    keys = ("review_load", "questions", "yes_precision", "found", "asked", "lost")
    head = [words("run"), words("level"), *(words(key) for key in keys)]
    rows, pictures = [], []
    for number_, run in enumerate(subject.drawn, start=1):
        loads = _cross_fitted(subject, run)
        rows += [[run.name, words(level), *_load_cells(load)] for level, load in loads.items()]
        shares = np.column_stack([loads["sentence"][f"domain_{answer}"] for answer in ("yes", "asked")])
        answers = [words("yes"), words("ask"), words("no")]
        shares = np.column_stack([shares, 1 - shares.sum(axis=1)])
        figure = draw_answers(subject.names, shares, answers, x_label=words("share_of_decisions"))
        pictures += [Heading(run.name), Picture(f"review_{number_}", figure, words("review_alt", name=run.name))]
    return Section("review", words("review"), [Note(note), Table(head, rows, n_text=2), *pictures])


def _load_cells(load: dict[str, Any]) -> list[str]:
    shares = [f"{load['share_asked']:.1%}", number(load["questions"], 2)]
    return [*shares, *(f"{load[name]:.1%}" if np.isfinite(load[name]) else "—" for name in _RATIOS)]


_RATIOS = ("precision", "found", "asked", "lost")


def _cross_fitted(subject: Subject, run: Run) -> dict[str, dict[str, Any]]:
    """Level -> the mean of two loads, each on the half of the bulletins that did not calibrate."""
    scores = subject.scores(run)
    bulletins, members = np.unique(scores.bulletins, return_inverse=True)
    first = np.isin(members, np.random.default_rng(0).permutation(len(bulletins))[: len(bulletins) // 2])
    paragraphs = list(zip(scores.bulletins.tolist(), scores.paragraphs.tolist(), strict=True))
    found: dict[str, list[dict[str, Any]]] = {"sentence": [], "paragraph": []}
    for fit in (first, ~first):
        one, rows = scores.take(np.flatnonzero(fit)), np.flatnonzero(~fit)
        bounds = calibrate_selective(one.y_true, one.y_proba, one.bulletins, precision=PRECISION, recall=RECALL,
                                     thresholds=one.thresholds)  # fmt: skip
        other = scores.take(rows)
        found["sentence"].append(review_load(other.y_true, other.y_proba, bounds))
        keys = [paragraphs[row] for row in rows]
        found["paragraph"].append(review_load(other.y_true, other.y_proba, bounds, keys=keys))
    return {level: _mean_load(loads) for level, loads in found.items()}


def _mean_load(loads: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("share_asked", "questions", *_RATIOS)
    mean: dict[str, Any] = {name: _nanmean([load[name] for load in loads]) for name in names}
    for answer in ("yes", "asked"):
        mean[f"domain_{answer}"] = np.mean([load["domains"][f"share_{answer}"] for load in loads], axis=0)
    return mean


def _nanmean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def describe_training(subject: Subject) -> Section | None:
    """What runs wrote down step by step; None where none did."""
    words, blocks = subject.words, []
    for number_, run in enumerate(subject.drawn, start=1):
        if found := _training_panels(run):
            figure = draw_training(found, x_label=words("step"))
            blocks += [Heading(run.name)]
            blocks += [Picture(f"training_{number_}", figure, words("training_alt", name=run.name))]
    return Section("training", words("training"), blocks) if blocks else None


def _training_panels(run: Run) -> dict[str, dict[str, Curve]]:
    """Name of a figure -> part of the run -> its curve; figures of one point are none."""
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for line in run.curves:
        step, part = line.get("step"), str(line.get("part") or "")
        if is_number(step):
            for name, value in line.items():
                if name not in ("step", "epoch") and is_number(value):
                    points.setdefault(name, {}).setdefault(part, []).append((float(step), float(value)))
    panels = {}
    for name, parts in points.items():
        curves = {part: Curve(*np.array(sorted(found)).T) for part, found in parts.items() if len(found) > 1}
        panels.update({name: curves} if curves else {})
    return panels


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
