"""The report and the figure of `run.py`: how many labels each order needs for the F1 of random order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from measuring import table
from sklearn.isotonic import IsotonicRegression

from tagger.labelling.stopping import FLAT, STEPS

#: Shares of the pool, labelled at random, whose F1 is to be reached.
TARGETS = (0.15, 0.25, 0.4, 0.55, 0.75)
COSTS = {"n_paragraphs": "paragraphs", "n_sentences": "sentences"}
NAMES = {"random": "random order", "longest": "longest first", "next": "tagger labels next"}
#: Validated for colour-blind readers; text stays in ink.
COLORS = {"random": "#6b7280", "longest": "#d97706", "next": "#1d4ed8"}
INTRODUCTION = """# How many labels `tagger labels next` saves

`.venv/bin/python experiments/active_learning/run.py`: the paragraphs of the corpus are labelled by its own labels in
three orders: at random, the longest first, and as `tagger labels next -n 100` chooses them. {n_seeds} seeds; each draws
another 30 % of the bulletins ({n_test:,} sentences on average) for testing, and the rest is the pool
({n_pool:,} paragraphs, {n_sentences:,} sentences). The learner is a linear SVM a domain on TF-IDF of one and two
characters with the lexicon's scores, its thresholds chosen out of fold on the labels so far; the vocabulary and the
vectors of likeness come from the pool's texts, which are there before their labels. `next` sees the learner and the
lexicon, and no label that it has not asked for. Its weights were chosen on four other seeds; nothing was chosen on
real text.

The unit of labelling is the paragraph: Label Studio gets one task a paragraph, an annotator answers once for it, and
that answer is the label that is counted. So the bound of 60 % of the labels of random order is one of paragraphs, and
`next` keeps it in all the tables by paragraphs below. `next` also prefers paragraphs with several doubtful sentences,
which take longer to read: so the same is counted in sentences, where it is **not** below 60 %, and "longest first"
shows what length alone is worth.

"""


def write_report(folder: Path, runs: list[dict]) -> None:
    """README.md and learning_curve.png."""
    seeds = sorted({run["seed"] for run in runs if run["strategy"] == "next"})
    means = {key: round(np.mean([run[key] for run in runs])) for key in ("n_pool", "n_sentences", "n_test")}
    text = INTRODUCTION.format(n_seeds=len(seeds), **means)
    for figure, title in (("f1_micro", "micro-F1"), ("f1_macro", "macro-F1")):
        for cost, unit in COSTS.items():
            text += f"## Labels needed for the same {title}, in {unit}\n\n" + _table(runs, seeds, figure, cost) + "\n"
    (folder / "README.md").write_text(text + _reading(runs, seeds) + _stopping(runs, seeds), encoding="utf-8")
    draw(folder / "learning_curve.png", runs)


def ratios(runs: list[dict], seeds: list[int], strategy: str, *, share: float, figure: str, cost: str) -> np.ndarray:
    """Per seed, the labels a strategy needs by those of random order for the same F1; nan where it never gets there.

    Both curves are made monotone first (isotonic regression), so that no lucky point decides.
    """
    found = []
    for seed in seeds:
        own, other = (_curve(runs, s, seed, figure, cost) for s in (strategy, "random"))
        n_random = share * next(r[_POOL[cost]] for r in runs if r["seed"] == seed)
        target = np.interp(n_random, *other)
        found.append(_first(*own, target) / n_random)
    return np.array(found)


_POOL = {"n_paragraphs": "n_pool", "n_sentences": "n_sentences"}


def _curve(runs: list[dict], strategy: str, seed: int, figure: str, cost: str) -> tuple[np.ndarray, np.ndarray]:
    curve = next(r["curve"] for r in runs if (r["strategy"], r["seed"]) == (strategy, seed))
    x, y = (np.array([point[key] for point in curve], dtype=float) for key in (cost, figure))
    return x, IsotonicRegression().fit_transform(x, y)


def _first(x: np.ndarray, y: np.ndarray, target: float) -> float:
    reached = np.flatnonzero(y >= target)
    if not len(reached):
        return float("nan")
    i = reached[0]
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (target - y[i - 1]) / (y[i] - y[i - 1]) * (x[i] - x[i - 1]))


def _table(runs: list[dict], seeds: list[int], figure: str, cost: str) -> str:
    rows = []
    for share in TARGETS:
        n_pool = np.mean([r[_POOL[cost]] for r in runs])
        f1 = np.mean([np.interp(share * n_pool, *_curve(runs, "random", s, figure, cost)) for s in seeds])
        cells = [_cell(ratios(runs, seeds, s, share=share, figure=figure, cost=cost)) for s in ("next", "longest")]
        rows.append((f"{share:.0%} ({share * n_pool:,.0f})", f"{f1:.3f}", *cells))
    header = ("labelled at random", "its F1", "`next` needs, of that", "longest first needs")
    return table(header, rows)


def _cell(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    if not len(known):
        return "not reached"
    missed = f"; {len(values) - len(known)} of {len(values)} seeds never" if len(known) < len(values) else ""
    return f"{known.mean():.0%} ({known.min():.0%}–{known.max():.0%}{missed})"


def _reading(runs: list[dict], seeds: list[int]) -> str:
    def span(strategy: str, cost: str) -> str:
        means = [
            np.nanmean(ratios(runs, seeds, strategy, share=share, figure="f1_micro", cost=cost)) for share in TARGETS
        ]
        return f"{min(means):.0%} to {max(means):.0%}"

    return (
        "Means over the seeds, lowest and highest in brackets. For the micro-F1 of random order,\n\n"
        f"- `next` needs {span('next', 'n_paragraphs')} of its paragraphs and {span('next', 'n_sentences')} of its "
        "sentences;\n"
        f"- longest first needs {span('longest', 'n_paragraphs')} of its paragraphs and "
        f"{span('longest', 'n_sentences')} of its sentences.\n\n"
        "So the saving in paragraphs is mostly length: long paragraphs hold more sentences to learn from. Where the\n"
        "reading of a sentence is what costs, longest first saves next to nothing, and what `next` saves in sentences\n"
        "is what its choice brings.\n\n"
        "![Learning curves](learning_curve.png)\n\n"
    )


def _stopping(runs: list[dict], seeds: list[int]) -> str:
    header = ("seed", "paragraphs labelled", "micro-F1", "still to gain")
    return (
        "## The stopping hint\n\n"
        f"`next` calls the curve flat when successive models agree on the pool by a kappa of {FLAT:g} or more,\n"
        f"averaged over {STEPS} batches. Where it first said so, and what all labels of the pool would have added to\n"
        "micro-F1:\n\n" + table(header, [_stop(runs, seed) for seed in seeds])
    )


def _stop(runs: list[dict], seed: int) -> tuple[str, ...]:
    row, full = (next(r for r in runs if (r["strategy"], r["seed"]) == (s, seed)) for s in ("next", "random"))
    means = np.convolve(row["kappas"], np.ones(STEPS) / STEPS, "valid")
    stops = np.flatnonzero(means >= FLAT)
    point = row["curve"][stops[0] + STEPS] if len(stops) else row["curve"][-1]
    when = f"{point['n_paragraphs']:,}" if len(stops) else f"not by {point['n_paragraphs']:,}"
    gain = full["curve"][-1]["f1_micro"] - point["f1_micro"]
    return str(seed), when, f"{point['f1_micro']:.3f}", f"{gain:+.3f}"


def draw(path: Path, runs: list[dict]) -> None:
    """Mean learning curves by paragraphs and by sentences, with the seeds' range."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        picture = Figure(figsize=(9.6, 3.8), layout="constrained")
        for axes, (cost, unit) in zip(picture.subplots(1, 2, sharey=True), COSTS.items(), strict=True):
            _draw_one(axes, runs, cost)
            axes.set_xlabel(f"{unit} labelled")
        picture.axes[0].set_ylabel("micro-F1 on other bulletins")
        picture.savefig(path, dpi=150)


def _draw_one(axes, runs: list[dict], cost: str) -> None:
    for strategy, color in COLORS.items():
        curves = [[(p[cost], p["f1_micro"]) for p in r["curve"]] for r in runs if r["strategy"] == strategy]
        low, high = max(c[0][0] for c in curves), min(c[-1][0] for c in curves)
        x = np.linspace(low, high, 200)
        y = np.array([np.interp(x, *np.array(curve).T) for curve in curves])
        axes.plot(x, y.mean(axis=0), color=color, linewidth=2, label=NAMES[strategy])
        axes.fill_between(x, y.min(axis=0), y.max(axis=0), color=color, alpha=0.15, linewidth=0)
    axes.grid(axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_ylim(0.68, None)
    axes.set_xlim(0, None)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="lower right")
