"""The shipped models on real sentences, by sentence, paragraph and bulletin, domain by domain.

.venv/bin/python experiments/baseline/run.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import SEEDS, figure, table, write

from tagger.models.storage import load_model, shipped_models
from tagger.training.measuring import measure

INTRODUCTION = """# The shipped models on real text

`.venv/bin/python experiments/baseline/run.py`: the 210 sentences of five real bulletins, labelled by two annotators and
settled; never trained, tuned or selected on. In brackets 95 % intervals by bootstrap over the five bulletins.

"""


def main() -> None:
    results = {name: {"version": (m := load_model(name)).version, **measure(m, SEEDS)} for name in shipped_models()}
    levels = [
        (f"{name} {r['version']}", level, figure(r[level], "f1_micro"), figure(r[level], "f1_macro"),
         f"{r[level]['precision_micro']:.3f}", f"{r[level]['recall_micro']:.3f}", f"{r[level]['exact_match']:.3f}")
        for name, r in results.items() for level in ("sentence", "paragraph", "bulletin")
    ]  # fmt: skip
    domains = [
        (name, id, *(f"{d[key]:.3f}" for key in ("precision", "recall", "f1")), str(d["support"]))
        for name, r in results.items() for id, d in r["sentence"]["domains"].items()
    ]  # fmt: skip
    report = INTRODUCTION + table(
        ("model", "level", "f1_micro", "f1_macro", "precision", "recall", "exact match"), levels
    )
    report += "\nBy domain, sentences:\n\n" + table(
        ("model", "domain", "precision", "recall", "f1", "support"), domains
    )
    write(Path(__file__).parent, report, results)


if __name__ == "__main__":
    main()
