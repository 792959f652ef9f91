"""Are the promises of `tagger predict --ask` kept, and what do they cost?

    .venv/bin/python experiments/selective/run.py [NAME=SCORES.npz ...]

Reads out-of-fold scores as `tagger train` writes them (`out_of_fold.npz` of a run folder); without arguments those of
`models/`. Calibrates on half of the bulletins and looks at the other half, 200 times, then calibrates on all of them
and looks once at real sentences.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, SEEDS, table, write

from tagger.corpus.examples import examples_from_jsonl
from tagger.evaluation.selective import answer, calibrate_selective, review_load
from tagger.models.storage import load_model
from tagger.training.selective import choose_selective

N_SPLITS = 200
PRECISION, RECALL, DELTA = 0.95, 0.95, 0.1
DEFAULT = {"bert": ROOT / "models" / "bert.out_of_fold.npz", "tfidf": ROOT / "models" / "tfidf.out_of_fold.npz"}
INTRODUCTION = """# Yes, no, or ask a person

`.venv/bin/python experiments/selective/run.py`: what `tagger predict --ask` promises, and whether it is so. For each
domain, with 90 % confidence, at least 95 % of what is answered yes is right, and at most 5 % of the true tags are
answered no (Learn then Test over out-of-fold scores, bulletins as the sample; `tagger/evaluation/selective.py`).

"""
SPLITS = """## Half against half

200 times, bounds of one half of the bulletins answer the other half. *Broken* is the share of splits in which the other
half shows less than was promised; as that half is a sample too, it may exceed one in ten (by chance alone about 18 in
a hundred, if the bounds are as tight as they may be, and all splits share one set of bulletins). *Over all splits* is
free of that: the figure of all the other halves together. *Never yes* is the share of splits in which the domain had
too little for a bound, which breaks no promise. Simulated worlds, where the truth is known, are in
`tests/unit/evaluation/test_selective.py`: there about one in ten is broken at most.

"""
WHOLE = """
## On all of it

Bounds of all bulletins; the load is held out, each fold of five answered by the bounds of the others. *Asked* is the
share of units with a question in any domain; of the true tags, *found* are answered yes, *to a person* are in a
question, *lost* are answered no.

"""
REAL = """
## On real sentences

Once, on {n} sentences of five real bulletins, which are neither trained on, tuned nor calibrated on: the shipped models
with the bounds above. Five bulletins are few, and news is not the corpus: a measurement, not a promise.

"""


def main(arguments: list[str]) -> None:
    paths = {name: Path(path) for name, _, path in (one.partition("=") for one in arguments)} or DEFAULT
    results = {name: _measure(name, path) for name, path in paths.items()}
    rows = [row for name, own in results.items() for row in _split_rows(name, own["splits"])]
    header = ("model", "domain", "never yes", "precision broken", "precision over all splits", "recall broken",
              "lost over all splits")  # fmt: skip
    report = INTRODUCTION + SPLITS + table(header, rows)
    report += WHOLE + table(_LOAD_HEADER, [_load_row(name, level, load) for name, own in results.items()
                                           for level, load in own["held_out"].items()])  # fmt: skip
    bounds = [(name, id, f"{low:.3f}", "—" if high is None else f"{high:.3f}") for name, own in results.items()
              for id, (low, high) in own["bounds"].items()]  # fmt: skip
    report += "\n" + table(("model", "domain", "no below", "yes from"), bounds)
    real = {name: own["real"] for name, own in results.items() if own["real"]}
    if real:
        n = next(iter(real.values()))["sentence"]["n_units"]
        report += REAL.format(n=n) + table(
            _LOAD_HEADER, [_load_row(name, level, load) for name, own in real.items() for level, load in own.items()]
        )
    write(Path(__file__).parent, report, results)


_LOAD_HEADER = ("model", "by", "units", "asked", "precision of yes", "found", "to a person", "lost")


def _measure(name: str, path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        data = {key: file[key] for key in file}
    rows = data["y_proba"].max(axis=1) > 0  # page furniture has no score
    y_true, y_proba, bulletins = (data[key][rows] for key in ("y_true", "y_proba", "bulletins"))
    paragraphs = np.array([id.split(".")[1] for id in data["ids"][rows].tolist()])
    ids = data["domains"].tolist()
    promises = {"precision": PRECISION, "recall": RECALL, "delta": DELTA, "thresholds": data["thresholds"]}
    selective = choose_selective(y_true, y_proba, bulletins, paragraphs, ids=ids, **promises)
    return {
        "n_texts": len(y_true), "n_bulletins": len(np.unique(bulletins)),
        "splits": _halves(y_true, y_proba, bulletins, ids, promises),
        "bounds": {id: (low, None if np.isinf(high) else high) for id, (low, high) in
                   zip(ids, selective.bounds.tolist(), strict=True)},
        "held_out": selective.load, "real": _real(name, selective.bounds),
    }  # fmt: skip


def _halves(
    y_true: np.ndarray, y_proba: np.ndarray, bulletins: np.ndarray, ids: list[str], promises: dict[str, Any]
) -> dict[str, Any]:
    names = np.unique(bulletins)
    sums = {key: np.zeros(len(ids)) for key in ("never", "bad_precision", "bad_recall", "right", "yes", "lost", "true")}
    for seed in range(N_SPLITS):
        half = np.isin(bulletins, np.random.default_rng(seed).permutation(names)[: len(names) // 2])
        bounds = calibrate_selective(y_true[half], y_proba[half], bulletins[half], **promises)
        truth, (yes, ask) = y_true[~half] == 1, answer(y_proba[~half], bounds)
        counts = {"right": yes & truth, "yes": yes, "lost": truth & ~yes & ~ask, "true": truth}
        found = {key: values.sum(axis=0) for key, values in counts.items()}
        sums["never"] += np.isinf(bounds[:, 1])
        sums["bad_precision"] += found["right"] < PRECISION * found["yes"]
        sums["bad_recall"] += found["lost"] > (1 - RECALL) * found["true"]
        for key, values in found.items():
            sums[key] += values
    return {
        id: {
            "never_yes": sums["never"][i] / N_SPLITS,
            "precision_broken": sums["bad_precision"][i] / N_SPLITS,
            "precision": sums["right"][i] / max(1, sums["yes"][i]),
            "recall_broken": sums["bad_recall"][i] / N_SPLITS, "lost": sums["lost"][i] / sums["true"][i],
        }
        for i, id in enumerate(ids)
    }  # fmt: skip


def _real(name: str, bounds: np.ndarray) -> dict[str, Any] | None:
    """The shipped model of that name on real sentences."""
    if not SEEDS.exists() or name not in DEFAULT:
        return None
    model = load_model(name)
    seeds = examples_from_jsonl(SEEDS, model.domains)
    seeds = seeds.take(~seeds.noise)
    y_proba = model.classifier.predict_proba(seeds.texts)
    places = list(zip(seeds.bulletins.tolist(), seeds.paragraphs.tolist(), strict=True))
    loads = {"sentence": review_load(seeds.y_true, y_proba, bounds),
             "paragraph": review_load(seeds.y_true, y_proba, bounds, keys=places)}  # fmt: skip
    return {level: {key: value for key, value in load.items() if key != "domains"} for level, load in loads.items()}


def _split_rows(name: str, splits: dict[str, Any]) -> list[tuple[str, ...]]:
    keys = ("never_yes", "precision_broken", "precision", "recall_broken", "lost")
    return [(name, id, *(f"{own[key]:.3f}" for key in keys)) for id, own in splits.items()]


def _load_row(name: str, level: str, load: dict[str, Any]) -> tuple[str, ...]:
    shares = [f"{load[key]:.3f}" for key in ("share_asked", "precision", "found", "asked", "lost")]
    return name, level, f"{load['n_units']:,}" if "n_units" in load else "all", *shares


if __name__ == "__main__":
    main(sys.argv[1:])
