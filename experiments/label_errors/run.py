"""Which labels of the corpus do the models doubt most? cleanlab's multi-label ranking on out-of-fold scores.

    .venv/bin/python experiments/label_errors/run.py [NUMBER]

Writes the NUMBER (300) most doubtful sentences to `suspects.tsv`, with the domain in doubt and its
score; people decide.
"""

import sys
from pathlib import Path

import numpy as np
from cleanlab.internal.multilabel_utils import onehot2int
from cleanlab.multilabel_classification import get_label_quality_scores

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import data

from tagger.training.composing import compose
from tagger.training.run import train


def main(number: int = 300) -> None:
    domains, examples, _ = data()
    y_proba = train(compose(), examples, domains).y_proba.astype(float)
    quality = get_label_quality_scores(onehot2int(examples.y_true), np.clip(y_proba, 1e-6, 1 - 1e-6))
    doubt = np.abs(examples.y_true - y_proba)
    lines = ["id\tdomain\tlabel\tscore\tlabels\ttext\n"]
    for row in [i for i in np.argsort(quality, kind="stable") if not examples.noise[i]][:number]:
        column = int(doubt[row].argmax())
        labels = ",".join(domains.decode(examples.y_true[row : row + 1])[0]) or "-"
        lines.append(
            f"{examples.ids[row]}\t{domains.ids[column]}\t{examples.y_true[row, column]}\t{y_proba[row, column]:.3f}\t"
            f"{labels}\t{examples.texts[row].text}\n"
        )
    Path(__file__).with_name("suspects.tsv").write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines) - 1} suspects written")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
