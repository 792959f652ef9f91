"""Do two people agree on the corpus? Cohen's kappa of a blind second labelling, domain by domain.

    .venv/bin/python experiments/agreement/run.py

`labels.tsv` holds, for every sentence labelled twice, its place (file:line at the time), the author's labels, the
blind second labels from the guideline alone, and what the two were settled to.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import cohen_kappa_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, table, write

from tagger.domains import load_domains
from tagger.evaluation.metrics import score

HERE = Path(__file__).parent
INTRODUCTION = """# Agreement on the corpus

`.venv/bin/python experiments/agreement/run.py`: {n} sentences ({share:.1%} of the corpus at the time) labelled again,
blind, from the guideline alone, by hands that did not write them. {n_differ} sentences differed in at least one
domain; each was read again and settled.

"""


def main() -> None:
    domains = load_domains(ROOT / "labels" / "domains.yaml")
    with (HERE / "labels.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    y = {name: domains.encode([_labels(row[name]) for row in rows]) for name in ("first", "second", "settled")}
    n_differ = int((y["first"] != y["second"]).any(axis=1).sum())
    figures = {id: _figures(y, column) for column, id in enumerate(domains.ids)}
    both = score(y["first"], y["second"], domains.ids)
    body = table(
        ("domain", "Cohen's kappa", "author", "second", "both", "settled for the author", "for the second"),
        [(id, f"{f['kappa']:.3f}", *(str(f[k]) for k in _COUNTS)) for id, f in figures.items()],
    )
    body += (
        f"\nMean kappa {np.mean([f['kappa'] for f in figures.values()]):.3f}; the second labelling scored against the "
        f"author's: f1_micro {both['f1_micro']:.3f}, f1_macro {both['f1_macro']:.3f}, "
        f"equal label sets {both['exact_match']:.3f}.\n"
    )
    n_corpus = int((HERE / "corpus_size.txt").read_text())
    introduction = INTRODUCTION.format(n=len(rows), share=len(rows) / n_corpus, n_differ=n_differ)
    write(HERE, introduction + body, {"n_texts": len(rows), "n_differ": n_differ, "domains": figures, "between": both})


_COUNTS = ("author", "second", "both", "for_author", "for_second")


def _figures(y: dict, column: int) -> dict:
    first, second, settled = (y[name][:, column] for name in ("first", "second", "settled"))
    differ = first != second
    return {
        "kappa": float(cohen_kappa_score(first, second)),
        "author": int(first.sum()), "second": int(second.sum()), "both": int((first & second).sum()),
        "for_author": int((settled == first)[differ].sum()), "for_second": int((settled == second)[differ].sum()),
    }  # fmt: skip


def _labels(field: str) -> list[str]:
    return [] if field == "-" else field.split(",")


if __name__ == "__main__":
    main()
