"""Run folders that differ from a first one in a setting or two: what each setting is worth.

    tagger train model=bert experiment=bert_quick output=runs/quick
    tagger train model=bert experiment=bert_quick model.fine_tuning.loss=focal output=runs/quick-focal
    .venv/bin/python experiments/ablations/run.py runs/quick runs/quick-focal ...

Rows that were measured before stay in the table.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import figure, table, write

from tagger.evaluation.comparison import decide, paired_bootstrap
from tagger.evaluation.contest import config_difference
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import Run, read_run

HERE = Path(__file__).parent
NOTES = (HERE / "notes.md").read_text(encoding="utf-8")
#: Settings that say what is kept and where the folds come from, not how a sentence is tagged.
_SET_ASIDE = ("split.file", "model.precedents", "model.refit_epochs")


def main() -> None:
    folders = [Path(argument) for argument in sys.argv[1:]]
    base = read_run(folders[0])
    kept = HERE / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    group = results.setdefault(base.name, {})
    for folder in folders:
        group[folder.name] = _measured(read_run(folder), base)
    write(HERE, _report(results), results)


def _measured(run: Run, base: Run) -> dict[str, Any]:
    found, theirs = run.out_of_fold, base.out_of_fold
    if not np.array_equal(found.ids, theirs.ids):
        sys.exit(f"{run.path}: other sentences than {base.path}; train both on one split (split.file=).")
    changed = {
        key: values[1] for key, values in config_difference([base, run]).items() if key not in _SET_ASIDE
    }  # fmt: skip
    comparison = paired_bootstrap(found.y_true, found.y_pred, theirs.y_pred, found.bulletins)
    return {
        "changed": changed,
        **score(found.y_true, found.y_pred, run.domains.ids),
        "interval_95": bootstrap_interval(found.y_true, found.y_pred, found.bulletins),
        "cost": run.cost.get("seconds_per_1000_sentences"),
        "against_base": comparison["f1_micro"],
        "is_told": decide(comparison) == "better",
    }


def _report(results: dict[str, Any]) -> str:
    parts = [NOTES]
    for base, group in results.items():
        parts.append(f"\n## Against `{base}`\n\n" + table(_HEADER, [_row(name, row) for name, row in group.items()]))
    return "".join(parts)


_HEADER = (
    "run",
    "what is otherwise",
    "f1_micro",
    "f1_macro",
    "points of f1_micro",
    "clear of 0",
    "s per 1,000 and epoch",
)


def _row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    low, high = (100 * bound for bound in row["against_base"]["interval"])
    changed = ", ".join(f"`{key}={json.dumps(value)}`" for key, value in row["changed"].items())
    points = f"{100 * row['against_base']['difference']:+.1f} [{low:+.1f}, {high:+.1f}]" if changed else "—"
    told = ("yes" if row["is_told"] else "no") if changed else "—"
    cost = f"{row['cost']:.0f}" if row["cost"] else "—"
    # A sweep names its folders by what is otherwise, which the next column says.
    return (
        name if "=" not in name else "",
        changed or "—",
        figure(row, "f1_micro"),
        figure(row, "f1_macro"),
        points,
        told,
        cost,
    )


if __name__ == "__main__":
    main()
