"""Which features the TF-IDF baseline gets: one change at a time, chosen out of fold.

.venv/bin/python experiments/features/run.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import data, figure, measure, table, write

TEXT = "model.signals=[text]"
WORDS = "model.features.word_ngrams=[1,2]"
RUNS = {
    "lexicon": ["model=lexicon"],
    "characters 1-3, logistic regression": [TEXT, "model.head.loss=log_loss"],
    "words 1-2, logistic regression": [TEXT, WORDS, "model.features.char_ngrams=null", "model.head.loss=log_loss"],
    "characters and words, logistic regression": [TEXT, WORDS, "model.head.loss=log_loss", "model.head.C=4"],
    "characters and words, linear SVM": [TEXT, WORDS],
    "characters 1-3, linear SVM": [TEXT],
    "… counts instead of presence": [TEXT, "model.features.binary=false"],
    "… characters 1-4": [TEXT, "model.features.char_ngrams=[1,4]"],
    "… characters 2-3": [TEXT, "model.features.char_ngrams=[2,3]"],
    "+ best run of clauses": ["model.signals=[text,clauses]"],
    "+ lexicon": ["model.signals=[text,clauses,lexicon]"],
    "+ lead-in": ["model.signals=[text,clauses,lexicon,lead_in]"],
    "+ neighbours": ["model.signals=[text,clauses,lexicon,lead_in,previous,following]"],
    "+ title (the default)": [],
    "the default, with words": [WORDS],
    "the default, C = 0.3": ["model.head.C=0.3"],
    "the default, C = 3": ["model.head.C=3"],
    "the default, with damaged copies": ["augmentation=damage"],
    "the default, own thresholds only": ["model.shrinkage=0"],
    "the default, one shared threshold": ["model.shrinkage=1e9"],
}

INTRODUCTION = """# Features of the TF-IDF baseline

`.venv/bin/python experiments/features/run.py`: {n_texts} sentences of {n_bulletins} bulletins, five folds grouped by
bulletin. The choice is made by the out-of-fold columns; the real sentences of the last two columns are only looked at.
In brackets 95 % intervals by bootstrap over bulletins (the real ones are five).

"""


def main() -> None:
    domains, examples, seeds = data()
    results = {name: measure(overrides, domains, examples, seeds) for name, overrides in RUNS.items()}
    rows = [
        (
            name, figure(r["out_of_fold"], "f1_micro"), figure(r["out_of_fold"], "f1_macro"),
            figure(r.get("seeds"), "f1_micro"), figure(r.get("seeds"), "f1_macro"), f"{r['seconds']:.0f}",
        )
        for name, r in results.items()
    ]  # fmt: skip
    header = ("model", "f1_micro out of fold", "f1_macro out of fold", "f1_micro real", "f1_macro real", "seconds")
    first = next(iter(results.values()))
    report = INTRODUCTION.format(**first) + table(header, rows)
    write(Path(__file__).parent, report, results)


if __name__ == "__main__":
    main()
