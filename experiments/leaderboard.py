"""The table of experiments/README.md from the kept results.

.venv/bin/python experiments/leaderboard.py
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from measuring import figure, table

HERE = Path(__file__).parent
INTRODUCTION = """# Experiments

One folder a kept run: the script, its figures (`results.json`) and a short report. The scripts need `make test` once
(it makes `.venv`) and read the corpus in `labels/`; figures on real sentences need the labelled bulletins beside the
checkout.

| folder | asks |
| --- | --- |
| [`baseline`](baseline/README.md) | how good are the shipped models on real text, domain by domain? |
| [`bert`](bert/README.md) | is the fine-tuned BERT better than the baseline, and where? |
| [`probe`](probe/README.md) | what does the untouched encoder know of a sentence, read alone or beside others? |
| [`layers`](layers/README.md) | which layers can the fine-tuned encoder least do without? |
| [`signals`](signals/README.md) | what do n-grams, surroundings and the lexicon add to the fine-tuned BERT? |
| [`ablations`](ablations/README.md) | what is each setting of its training worth? |
| [`features`](features/README.md) | which features, signals and thresholds does the baseline get? |
| [`learning_curve`](learning_curve/README.md) | does more text still help the baseline? |
| [`learning_curve_bert`](learning_curve_bert/README.md) | and the BERT? |
| [`corpus`](corpus/README.md) | how varied is the corpus, and how far from the real texts? |
| [`agreement`](agreement/README.md) | do two people agree on the corpus, and what did their doubts teach? |
| [`label_errors`](label_errors/README.md) | which labels do the models doubt, and how many are wrong? |
| [`selective`](selective/README.md) | are the promises of `--ask` kept, and what do they cost? |
| [`active_learning`](active_learning/README.md) | how many labels does `tagger labels next` save? |
| [`speed`](speed/README.md) | how fast is a prediction, beside plain scikit-learn and `transformers.pipeline`? |
| [`service`](service/README.md) | how soon is a paragraph pre-annotated, and beside a training? |
| [`label_studio`](label_studio/README.md) | 20,000 paragraphs pushed twice: time, memory, writes |

## Leaderboard

Sentences; out of fold on the corpus and on 210 real sentences of five bulletins, never trained or tuned on. 95 %
intervals by bootstrap over bulletins. Rebuilt by `.venv/bin/python experiments/leaderboard.py`.

"""
ROWS = {
    "lexicon": "lexicon",
    "TF-IDF, characters, logistic regression": "characters 1-3, logistic regression",
    "TF-IDF, characters, linear SVM": "characters 1-3, linear SVM",
    "TF-IDF with clauses, lexicon and context (ships)": "+ title (the default)",
}


#: Folder that was measured by experiments/bert -> name in the table.
BERTS = {
    "bert12": "BERT, 12 layers",
    "bert": "BERT, 8 layers, distilled",
    "bert6": "BERT, 6 layers, distilled",
    "bert4": "BERT, 4 layers, distilled",
    "quick": "BERT, 4 layers, one pass (`bert_quick`)",
    "bert-int8": "**BERT, 8 layers, int8 (the default)**",
}


def _berts() -> dict[str, Any]:
    results = json.loads((HERE / "bert" / "results.json").read_text(encoding="utf-8"))
    return {name: results[folder] for folder, name in BERTS.items() if folder in results}


def _bert_row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    """A BERT is scored out of fold on fewer sentences: how many stands beside the figure."""
    found, real = row.get("out_of_fold"), row["real"]["sentence"]
    n_texts = f" (n = {found['n_texts']:,})" if found else ""
    return (
        name, figure(found, "f1_micro") + n_texts, figure(found, "f1_macro"), figure(real, "f1_micro"),
        figure(real, "f1_macro"),
    )  # fmt: skip


def main() -> None:
    results = json.loads((HERE / "features" / "results.json").read_text(encoding="utf-8"))
    rows = [
        (
            name, figure(results[key]["out_of_fold"], "f1_micro"), figure(results[key]["out_of_fold"], "f1_macro"),
            figure(results[key].get("seeds"), "f1_micro"), figure(results[key].get("seeds"), "f1_macro"),
        )
        for name, key in ROWS.items()
    ]  # fmt: skip
    rows += [_bert_row(name, row) for name, row in _berts().items()]
    header = ("model", "f1_micro out of fold", "f1_macro out of fold", "f1_micro real", "f1_macro real")
    (HERE / "README.md").write_text(INTRODUCTION + table(header, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
