"""Does more text still help? The baseline on 10 to 100 % of the bulletins.

.venv/bin/python experiments/learning_curve/run.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import data, figure, measure, table, write

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
SEEDS = (1, 2, 3)

INTRODUCTION = """# Learning curve of the TF-IDF baseline

`.venv/bin/python experiments/learning_curve/run.py`: a random share of the bulletins, drawn three times; the mean over
the draws, and their lowest and highest. Out of fold is measured on the drawn bulletins themselves, so its text differs
from row to row; the real sentences are the same 210 in every row, and only looked at.

"""


def main() -> None:
    domains, examples, real = data()
    names = np.unique(examples.bulletins)
    results, rows = [], []
    for share in SHARES:
        runs = []
        for seed in SEEDS if share < 1 else SEEDS[:1]:
            chosen = np.random.default_rng(seed).choice(names, round(share * len(names)), replace=False)
            part = examples.take(np.isin(examples.bulletins, chosen))
            runs.append({"share": share, "seed": seed, **measure([], domains, part, real)})
        results += runs
        rows.append((f"{share:.0%}", str(runs[0]["n_bulletins"]), *(_spread(runs, s, n) for s, n in _COLUMNS)))
    header = ("bulletins", "number", *(f"{n} {s.replace('_', ' ')}" for s, n in _COLUMNS))
    write(Path(__file__).parent, INTRODUCTION + table(header, rows), results)


_COLUMNS = (("out_of_fold", "f1_micro"), ("out_of_fold", "f1_macro"), ("seeds", "f1_micro"), ("seeds", "f1_macro"))


def _spread(runs: list, where: str, name: str) -> str:
    if where not in runs[0]:
        return "—"
    if len(runs) == 1:
        return figure(runs[0][where], name)
    values = [run[where][name] for run in runs]
    return f"{np.mean(values):.3f} ({min(values):.3f}–{max(values):.3f})"


if __name__ == "__main__":
    main()
