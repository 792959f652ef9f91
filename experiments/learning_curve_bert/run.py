"""Does more text still help a BERT? Its small recipe beside the baseline, on shares of the bulletins.

tagger train model=bert experiment=bert_quick output=runs/quick
tagger train --multirun model=bert experiment=bert_quick data.share=0.25,0.5 output=runs/curve-bert
tagger train --multirun model=tfidf data.share=0.25,0.5,1 output=runs/curve-tfidf
.venv/bin/python experiments/learning_curve_bert/run.py runs/quick runs/curve-bert/* runs/curve-tfidf/*
"""

import sys
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import SEEDS, figure, table, write

from tagger.evaluation.comparison import paired_bootstrap
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import Run, read_run
from tagger.evaluation.scores import Scores
from tagger.models.storage import load_model
from tagger.training.measuring import measure

INTRODUCTION = """# Learning curve of the fine-tuned BERT

The small recipe (`experiment=bert_quick`: four layers, one pass, no teacher) and the baseline, each trained on a random
share of the bulletins of four folds; the {n_texts:,} sentences of the fifth are the same in every row, and so are the
210 real ones, which are only looked at. One draw a share. Differences are in pairs, with 95 % intervals by bootstrap
over the {n_bulletins} bulletins.

`tagger train model=bert experiment=bert_quick output=runs/quick`, `tagger train --multirun model=bert
experiment=bert_quick data.share=0.25,0.5 output=runs/curve-bert`, `tagger train --multirun model=tfidf
data.share=0.25,0.5,1 output=runs/curve-tfidf`, then `.venv/bin/python experiments/learning_curve_bert/run.py
runs/quick runs/curve-bert/* runs/curve-tfidf/*`.

"""
READING = """
Both still gain from more text, on real sentences too: 1 to 2 points of micro-F1 from half of it to all. The small
recipe is not ahead of the baseline at any size; what puts the default ahead is its teacher and its epochs
([`bert`](../bert/README.md)).
"""
#: What a row says of each kind, in this order.
_KINDS = ("bert", "tfidf")


def main() -> None:
    runs = sorted((read_run(argument) for argument in sys.argv[1:]), key=_share)
    common = reduce(np.intersect1d, [run.out_of_fold.ids for run in runs])
    rows = [_measured(run, common) for run in runs]
    pairs = [_against_baseline(share, runs, common) for share in sorted({_share(run) for run in runs})]
    n_bulletins = rows[0]["out_of_fold"]["n_bulletins"]
    introduction = INTRODUCTION.format(n_texts=len(common), n_bulletins=n_bulletins)
    write(Path(__file__).parent, introduction + _report(rows, pairs) + READING, {"runs": rows, "pairs": pairs})


def _share(run: Run) -> float:
    return float(run.config["data"]["share"])


def _measured(run: Run, common: np.ndarray) -> dict[str, Any]:
    found = _part(run.out_of_fold, common)
    interval = bootstrap_interval(found.y_true, found.y_pred, found.bulletins)
    figures = {**score(found.y_true, found.y_pred, run.domains.ids), "interval_95": interval}
    figures["n_bulletins"] = len(np.unique(found.bulletins))
    real = measure(load_model(run.path), SEEDS)["sentence"]
    return {"kind": run.kind, "share": _share(run), "out_of_fold": figures, "real": real}


def _part(scores: Scores, ids: np.ndarray) -> Scores:
    """The scores of some sentences, in the order of `ids`."""
    row_of = {id: row for row, id in enumerate(scores.ids.tolist())}
    return scores.take(np.array([row_of[id] for id in ids.tolist()]))


def _against_baseline(share: float, runs: Sequence[Run], common: np.ndarray) -> dict[str, Any]:
    """The BERT against the baseline, both of one share."""
    bert, tfidf = (next(run for run in runs if run.kind == kind and _share(run) == share) for kind in _KINDS)
    ours, theirs = _part(bert.out_of_fold, common), _part(tfidf.out_of_fold, common)
    return {"share": share, **paired_bootstrap(ours.y_true, ours.y_pred, theirs.y_pred, ours.bulletins)["f1_micro"]}


def _report(rows: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]]) -> str:
    found = {(row["kind"], row["share"]): row for row in rows}
    header = ("bulletins", "f1_micro out of fold, BERT", "TF-IDF", "points in pairs", "f1_micro real, BERT", "TF-IDF")
    return table(header, [_row(pair, *(found[kind, pair["share"]] for kind in _KINDS)) for pair in pairs])


def _row(pair: dict[str, Any], bert: dict[str, Any], tfidf: dict[str, Any]) -> tuple[str, ...]:
    low, high = (100 * bound for bound in pair["interval"])
    return (
        f"{pair['share']:.0%}", *(figure(row["out_of_fold"], "f1_micro") for row in (bert, tfidf)),
        f"{100 * pair['difference']:+.1f} [{low:+.1f}, {high:+.1f}]",
        *(figure(row["real"], "f1_micro") for row in (bert, tfidf)),
    )  # fmt: skip


if __name__ == "__main__":
    main()
