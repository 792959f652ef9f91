"""The runs side by side, in pairs, by seeds, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from tagger.errors import InputError, UsageError
from tagger.evaluation.calibration import calibration_error
from tagger.evaluation.comparison import FEW_BULLETINS, decide
from tagger.evaluation.contest import Contest, config_difference, hold_contest, other_folds, spread
from tagger.evaluation.metrics import hamming_loss
from tagger.evaluation.ranking import average_precision
from tagger.evaluation.report.blocks import Block, Details, Heading, Note, Section, Table
from tagger.evaluation.report.subject import Subject, measure, number, with_interval
from tagger.evaluation.report.words import Words
from tagger.evaluation.runs import Run, is_number
from tagger.evaluation.scores import LEVELS


def describe_overview(subject: Subject) -> Section:
    """Figures of all runs at every level."""
    words = subject.words
    head = [words("run"), words("kind"), words("seed"), words("n_units")]
    head += [words(key) for key in ("f1_micro", "f1_macro", "precision", "recall", "exact", "hamming", "ap", "ece")]
    blocks: list[Block] = list(_notes(subject))
    for level in LEVELS:
        rows = [_row(subject, run, level) for run in _ranked(subject)]
        blocks += [Heading(words(level)), Table(head, rows, n_text=3, strong=_best(rows, (4, 5)))]
        blocks += _other_bulletins(subject) if level == "sentence" and subject.part == "out_of_fold" else []
    if found := subject.agreement:
        blocks += [
            Table(
                ["", words("n_units"), words("f1_micro"), words("f1_macro")],
                [[words("ceiling"), f"{found.n_texts:,}", number(found.f1_micro), number(found.f1_macro)]],
            ),
            Note(words("agreement_note", n_texts=f"{found.n_texts:,}")),
        ]
    return Section("overview", words("overview"), blocks)


def _other_bulletins(subject: Subject) -> list[Block]:
    """What is left of the figures where no threshold was chosen on the scores that it is measured on."""
    words, rows = subject.words, []
    for run in _ranked(subject):
        if found := run.other_bulletins:
            own = run.figures()
            rows.append([run.name, *(_with_known_interval(found, name) for name in ("f1_micro", "f1_macro")),
                         *(_loss(own, found, name) for name in ("f1_micro", "f1_macro"))])  # fmt: skip
    head = [words("run"), words("f1_micro_other"), words("f1_macro_other"), words("micro_flattered"),
            words("macro_flattered")]  # fmt: skip
    return [Note(words("other_bulletins_note")), Table(head, rows)] if rows else []


def _with_known_interval(figures: dict[str, Any], name: str) -> str:
    """With its interval, where the run wrote one down."""
    interval = _dict(figures.get("interval_95")).get(name)
    is_pair = isinstance(interval, list) and len(interval) == 2 and all(map(is_number, interval))
    return with_interval(figures, name) if is_pair else number(figures[name])


def _loss(own: dict[str, Any], found: dict[str, Any], name: str) -> str:
    """By how many points the thresholds' own scores flatter a figure."""
    return f"{100 * (own[name] - found[name]):+.1f}" if is_number(own.get(name)) else "—"


def _notes(subject: Subject) -> Iterator[Note]:
    words, first = subject.words, subject.scores(subject.drawn[0])
    yield Note(words("based_on", n_runs=len(subject.runs), part=words(subject.part), n_texts=f"{len(first):,}",
                     n_bulletins=len(np.unique(first.bulletins))))  # fmt: skip
    if len({len(subject.scores(run)) for run in subject.runs}) > 1:
        yield Note(words("other_sizes"))
    if len(subject.drawn) < len(subject.runs):
        names = words.list([run.name for run in subject.drawn])
        yield Note(words("drawn", n_drawn=len(subject.drawn), names=names))


def _ranked(subject: Subject) -> list[Run]:
    return sorted(subject.runs, key=lambda run: -subject.figures[run.name]["f1_micro"])


def _row(subject: Subject, run: Run, level: str) -> list[str]:
    scores = subject.scores(run).at_level(level)
    figures = subject.figures[run.name] if level == "sentence" else measure(scores, subject.domains.ids)
    return [
        run.name, run.kind, "—" if run.seed is None else str(run.seed), f"{len(scores):,}",
        with_interval(figures, "f1_micro"), with_interval(figures, "f1_macro"), number(figures["precision_micro"]),
        number(figures["recall_micro"]), number(figures["exact_match"]),
        number(hamming_loss(scores.y_true, scores.y_pred), 4),
        number(average_precision(scores.y_true, scores.y_proba)["macro"]),
        number(calibration_error(scores.y_true, scores.y_proba)["macro"], 4),
    ]  # fmt: skip


def _best(rows: list[list[str]], columns: tuple[int, ...]) -> frozenset[tuple[int, int]]:
    """The highest of each column, where there is a choice."""
    if len(rows) < 2:
        return frozenset()
    return frozenset((max(range(len(rows)), key=lambda i, c=column: rows[i][c]), column) for column in columns)


def describe_comparison(subject: Subject) -> Section:
    """Which run is better than which, and whether that can be told at all."""
    words = subject.words
    try:
        contest = hold_contest(subject.drawn, subject.part)
    except (InputError, UsageError) as error:
        return Section("comparison", words("comparison"), [Note(words("not_compared", why=str(error)))])
    comparison = contest.pairs[0]["comparison"]
    note = words("comparison_note", n_units=f"{contest.n_units:,}", n_bulletins=contest.n_bulletins,
                 n_resamples=f"{comparison['n_resamples']:,}")  # fmt: skip
    blocks: list[Block] = [Note(say_verdict(words, pair), lead=True) for pair in contest.pairs]
    if names := other_folds(contest):
        blocks.append(Note(words("other_folds", first=names[0], others=words.list(names[1:])), lead=True))
    blocks += [Note(note), _pairs_table(words, contest)]
    for pair in contest.pairs:
        blocks.append(_domains_table(subject, pair))
    if found := config_difference(subject.drawn):
        blocks += [Heading(words("settings")), _settings_table(words, subject.drawn, found)]
    return Section("comparison", words("comparison"), blocks)


def say_verdict(words: Words, pair: dict[str, Any], metric: str = "f1_micro") -> str:
    """What `tagger.evaluation.comparison.verdict` says, in the language of the report."""
    comparison = pair["comparison"]
    found = comparison[metric]
    sign = 1 if found["difference"] >= 0 else -1
    ahead, behind = (pair["a"], pair["b"])[::sign]
    low, high = sorted(100 * sign * bound + 0.0 for bound in found["interval"])
    better, worse = sorted((found["a"], found["b"]), reverse=True)
    sentence = words(
        decide(comparison, metric), ahead=ahead, behind=behind, metric=words(metric),
        gap=f"{100 * abs(found['difference']):.1f}", low=_point(low), high=_point(high), better=f"{better:.3f}",
        worse=f"{worse:.3f}", n_bulletins=comparison["n_bulletins"],
    )  # fmt: skip
    few = comparison["n_bulletins"] < FEW_BULLETINS and decide(comparison, metric) != "too_few"
    return sentence + (words("few_warning") if few else "")


def _point(value: float) -> str:
    """With two decimals where one would round a bound that is clear of 0 onto it."""
    return f"{value:.1f}" if value == 0 or abs(value) >= 0.05 else f"{value:.2f}"


def _gap(entry: dict[str, Any]) -> list[str]:
    low, high = (100 * bound for bound in entry["interval"])
    return [number(entry["a"]), number(entry["b"]), f"{100 * entry['difference']:+.1f}", f"[{low:+.1f}, {high:+.1f}]"]


def _pairs_table(words: Words, contest: Contest) -> Table:
    head = [words("pair"), "", "A", "B", words("difference"), words("interval"), words("p_holm")]
    rows = []
    for pair in contest.pairs:
        for metric in ("f1_micro", "f1_macro"):
            entry = pair["comparison"][metric]
            p = entry.get("p_holm", entry["p_value"])
            rows.append([f"{pair['a']} — {pair['b']}", words(metric), *_gap(entry), f"{p:.2g}"])
    return Table(head, rows, n_text=2)


def _domains_table(subject: Subject, pair: dict[str, Any]) -> Table:
    words, comparison = subject.words, pair["comparison"]
    head = [words("domain"), pair["a"], pair["b"], words("difference"), words("interval"), words("p_holm")]
    head += [words("only_right"), words("mcnemar")]
    tests = comparison["mcnemar"] or [None] * len(subject.names)
    rows = [
        [name, *_gap(entry), f"{entry['p_holm']:.2g}", *_mcnemar_cells(test)]
        for name, entry, test in zip(subject.names, comparison["domains"], tests, strict=True)
    ]
    return Table(head, rows, title=f"{words('by_domain')}: {pair['a']} — {pair['b']}")


def _mcnemar_cells(test: dict[str, Any] | None) -> list[str]:
    if test is None:
        return ["—", "—"]
    return [f"{test['only_a_right']} / {test['only_b_right']}", f"{test['p_holm']:.2g}"]


def _settings_table(words: Words, runs: list[Run], found: dict[str, list[Any]]) -> Table:
    rows = [[key, *(_setting(value) for value in values)] for key, values in found.items()]
    return Table([words("setting"), *(run.name for run in runs)], rows, n_text=1 + len(runs))


def _setting(value: Any, limit: int = 80) -> str:
    text = "—" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def describe_seeds(subject: Subject) -> Section | None:
    """How much the seed alone moves the figures; None where no configuration has several."""
    words = subject.words
    try:
        contest = hold_contest(subject.runs, subject.part, n_resamples=1)
    except (InputError, UsageError):
        return None
    rows = []
    for side in contest.sides:
        if len(side.runs) > 1:
            for metric, found in spread(side, contest).items():
                rows.append([side.name, words(metric), str(len(side.runs)), number(found["mean"]),
                             number(found["sd"], 4), f"{found['low']:.3f}–{found['high']:.3f}"])  # fmt: skip
    head = [words("run"), words("metric"), words("n_seeds"), words("mean"), words("sd"), words("range")]
    return Section("seeds", words("spread"), [Table(head, rows, n_text=2)]) if rows else None


def describe_provenance(subject: Subject) -> Section:
    """Data, code, machine and settings of every run."""
    words = subject.words
    keys = ("data", "split", "version", "started", "seconds", "code", "machine")
    head = [words("run"), *(words(key) for key in keys)]
    rows = [[run.name, *_origin(words, run)] for run in subject.runs]
    blocks: list[Block] = [Table(head, rows, n_text=len(head))]
    for run in subject.drawn:
        text = json.dumps(run.config, ensure_ascii=False, indent=1, default=str)
        blocks.append(Details(f"{words('configuration')}: {run.name}", text))
        text = json.dumps(run.facts.get("libraries", {}), ensure_ascii=False, indent=1)
        blocks.append(Details(f"{words('libraries')}: {run.name}", text))
    return Section("provenance", words("provenance"), blocks)


def _origin(words: Words, run: Run) -> list[str]:
    facts = run.facts
    code, machine = _dict(facts.get("code")), _dict(facts.get("machine"))
    commit = str(code.get("commit") or "—")[:12] + (f" ({words('dirty')})" if code.get("dirty") else "")
    parts = [machine.get("platform"), machine.get("processor"), machine.get("gpu")]
    seconds = run.cost.get("seconds")
    return [
        run.data_hash[:12] or "—", *(str(facts.get(key) or "—")[:12] for key in ("split_hash", "model_version")),
        str(facts.get("started") or "—"), number(seconds, 1), commit, ", ".join(str(p) for p in parts if p) or "—",
    ]  # fmt: skip


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
