"""What each signal adds to the probability of a fine-tuned BERT, on bulletins that weighed none of them.

    tagger train model=bert model.refit_epochs=0 output=runs/bert8
    .venv/bin/python experiments/signals/run.py runs/bert8

The run must end with the network of its one fold, so that the fold's sentences are new to it.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import table, write

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.evaluation.comparison import paired_bootstrap
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import read_run
from tagger.models.combiner import fit_combiner
from tagger.models.storage import load_model
from tagger.models.thresholds import choose_thresholds
from tagger.training.composing import compose
from tagger.training.data import load_examples

HERE = Path(__file__).parent
N_FOLDS, SEEDS = 5, (1, 2, 3, 4, 5)
SETS = {
    "the sentence alone": ("text",),
    "+ n-grams": ("text", "ngrams"),
    "+ n-grams, also of clauses": ("text", "ngrams", "ngram_clauses"),
    "+ lexicon": ("text", "lexicon"),
    "+ surroundings": ("text", "lead_in", "previous", "following", "title"),
    "+ surroundings, lexicon": ("text", "lead_in", "previous", "following", "title", "lexicon"),
    "all (ships)": ("text", "ngrams", "ngram_clauses", "lead_in", "previous", "following", "title", "lexicon"),
    "n-grams alone": ("ngrams", "ngram_clauses"),
}
INTRODUCTION = """# Signals of the fine-tuned BERT

`{command}`: the {n_texts:,} sentences of the fold that the network did not see. Weights of the signals and thresholds
are fitted on four fifths of its {n_bulletins} bulletins and measured on the last; means over {n_seeds} ways of dividing
them. The last column sets each row against "+ surroundings, lexicon", in pairs on the first division: points of
micro-F1 with a 95 % interval over bulletins.

"""


def main() -> None:
    folder = Path(sys.argv[1])
    run, model = read_run(folder), load_model(folder)
    examples = load_examples(compose())[1]
    row_of = {id: row for row, id in enumerate(examples.ids)}
    examples = examples.take(np.array([row_of[id] for id in run.out_of_fold.ids.tolist()]))
    signals = model.classifier.compute_signals(examples.texts)
    tags = {name: _tags(examples, _part(signals, model.classifier.signals, names)) for name, names in SETS.items()}
    results = {
        name: _figures(examples, tags[name], tags["+ surroundings, lexicon"], model.domains.ids) for name in SETS
    }
    report = INTRODUCTION.format(
        command=f".venv/bin/python experiments/signals/run.py {folder}", n_texts=len(examples),
        n_bulletins=len(np.unique(examples.bulletins)), n_seeds=len(SEEDS),
    )  # fmt: skip
    rows = [(name, f"{r['f1_micro']:.3f}", f"{r['f1_macro']:.3f}", r["points"]) for name, r in results.items()]
    write(HERE, report + table(("signals", "f1_micro", "f1_macro", "points"), rows), results)


def _part(signals: np.ndarray, known: tuple[str, ...], names: tuple[str, ...]) -> np.ndarray:
    return signals[:, :, [known.index(name) for name in names]]


def _tags(examples: Examples, signals: np.ndarray) -> list[np.ndarray]:
    return [_tags_of_division(examples, signals, seed) for seed in SEEDS]


def _tags_of_division(examples: Examples, signals: np.ndarray, seed: int) -> np.ndarray:
    y_pred = np.zeros_like(examples.y_true)
    for rows, held_out in grouped_folds(examples.y_true, examples.bulletins, n_folds=N_FOLDS, seed=seed):
        rows = rows[~examples.noise[rows]]
        combiner = fit_combiner(examples.y_true[rows], signals[rows])
        thresholds = choose_thresholds(
            examples.y_true[rows], combiner.predict_proba(signals[rows]), shrinkage=1000.0
        )  # fmt: skip
        y_pred[held_out] = combiner.predict_proba(signals[held_out]) >= thresholds
    y_pred[examples.noise] = 0
    return y_pred


def _figures(examples: Examples, tags: list[np.ndarray], base: list[np.ndarray], ids: list[str]) -> dict[str, Any]:
    figures = [score(examples.y_true, y_pred, ids) for y_pred in tags]
    found = paired_bootstrap(examples.y_true, tags[0], base[0], examples.bulletins)["f1_micro"]
    low, high = (100 * bound for bound in found["interval"])
    return {
        **{name: float(np.mean([f[name] for f in figures])) for name in ("f1_micro", "f1_macro")},
        "points": f"{100 * found['difference']:+.1f} [{low:+.1f}, {high:+.1f}]", "comparison": found,
    }  # fmt: skip


if __name__ == "__main__":
    main()
