"""Trained models compared: out of fold, on real sentences, and in pairs with the baseline.

    tagger train model=tfidf output=runs/tfidf
    tagger train model=bert output=runs/bert
    .venv/bin/python experiments/bert/run.py runs/tfidf runs/bert ...

The first folder is the baseline. Models that were measured before stay in the table.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import SEEDS, figure, table, write

from tagger.evaluation.comparison import paired_bootstrap, verdict
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.evaluation.runs import read_run
from tagger.models.storage import load_model
from tagger.training.measuring import measure

HERE = Path(__file__).parent
NOTES = (HERE / "notes.md").read_text(encoding="utf-8")
_COSTS = ("seconds_per_1000_sentences", "seconds", "peak_memory_mib")


def main() -> None:
    folders = [Path(argument) for argument in sys.argv[1:]]
    kept = HERE / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    baseline = folders[0]
    for folder in folders:
        print(folder, file=sys.stderr)
        results[folder.name] = _measured(folder, baseline)
    write(HERE, _report(results, baseline.name), results)


def _measured(folder: Path, baseline: Path) -> dict[str, Any]:
    model = load_model(folder)
    row = {
        "version": model.version, "config": model.config, "cost": {}, "real": measure(model, SEEDS),
    }  # fmt: skip
    if not (folder / "out_of_fold.npz").exists():  # an exported model was not scored out of fold
        return row
    row["cost"] = read_run(folder).cost
    scores = _scores(folder)
    y_true, y_pred = scores["y_true"], _tags(scores)
    out_of_fold = {
        **score(y_true, y_pred, model.domains.ids),
        "interval_95": bootstrap_interval(y_true, y_pred, scores["bulletins"]),
    }
    row["out_of_fold"] = out_of_fold
    return row if folder == baseline else {**row, **_compared(scores, folder, baseline, model.domains.ids)}


def _compared(scores: Any, folder: Path, baseline: Path, ids: list[str]) -> dict[str, Any]:
    """In pairs with the baseline, on the sentences that both were scored on."""
    theirs = _scores(baseline)
    row_of = {id: row for row, id in enumerate(theirs["ids"])}
    rows = [row_of[id] for id in scores["ids"]]
    comparison = paired_bootstrap(scores["y_true"], _tags(scores), _tags(theirs)[rows], scores["bulletins"])
    sentence = verdict(comparison, folder.name, baseline.name, metric="f1_micro", ids=ids)
    return {"comparison": comparison, "verdict": sentence}


def _scores(folder: Path) -> Any:
    return np.load(folder / "out_of_fold.npz", allow_pickle=False)


def _tags(scores: Any) -> np.ndarray:
    return (scores["y_proba"] >= scores["thresholds"]).astype(np.int8)


def _report(results: dict[str, Any], baseline: str) -> str:
    rows = [
        (
            name, r["version"], str(r["out_of_fold"]["n_texts"]) if "out_of_fold" in r else "—",
            figure(r.get("out_of_fold"), "f1_micro"), figure(r.get("out_of_fold"), "f1_macro"),
            figure(r["real"]["sentence"], "f1_micro"), figure(r["real"]["sentence"], "f1_macro"),
            figure(r["real"]["paragraph"], "f1_micro"),
            *(f"{r['cost'][key]:.0f}" if key in r["cost"] else "—" for key in _COSTS),
        )
        for name, r in results.items()
    ]  # fmt: skip
    header = (
        "model", "version", "sentences out of fold", "f1_micro", "f1_macro", "f1_micro real", "f1_macro real",
        "f1_micro real paragraphs", "training, s per 1,000 and epoch", "s in all", "peak MiB",
    )  # fmt: skip
    scored = {name: r for name, r in results.items() if "out_of_fold" in r}
    domains = [
        (name, id, f"{d['f1']:.3f}", f"{r['real']['sentence']['domains'][id]['f1']:.3f}")
        for name, r in scored.items()
        for id, d in r["out_of_fold"]["domains"].items()
    ]
    verdicts = "".join(f"- {r['verdict']}\n" for r in results.values() if "verdict" in r)
    return (
        NOTES + "\n" + table(header, rows) + f"\nIn pairs with `{baseline}`, out of fold:\n\n" + verdicts
        + "\nBy domain, F1:\n\n" + table(("model", "domain", "out of fold", "real"), domains)
    )  # fmt: skip


if __name__ == "__main__":
    main()
