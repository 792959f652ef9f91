"""Which layers can a fine-tuned encoder least do without?

    tagger train model=bert model.layers=null model.teacher_epochs=0 model.fine_tuning.epochs=2 \
        model.refit_epochs=0 output=runs/bert12
    .venv/bin/python experiments/layers/run.py runs/bert12

Greedily: of the layers that are left, the one goes without which the scores of sentences that
the network was trained on move least. Nothing is trained, no label is asked for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import data, table, write

from tagger.models.bert import BertClassifier
from tagger.models.combiner import sigmoid
from tagger.models.storage import load_model

HERE = Path(__file__).resolve().parent
_N_TEXTS, _FEWEST = 200, 6


def main() -> None:
    run = Path(sys.argv[1])
    classifier = load_model(run).classifier
    texts = _training_texts(run)
    steps = _drop_layers(classifier, texts)
    results = {
        "n_texts": len(texts),
        "model": json.loads((run / "run.json").read_text())["model_version"],
        "steps": steps,
    }
    write(HERE, _report(results), results)


def _training_texts(run: Path) -> list[str]:
    """Sentences of the bulletins that the first fold does not hold out, evenly over the corpus."""
    held_out = set(json.loads((run / "split.json").read_text(encoding="utf-8"))["folds"][0]["held_out"])
    _, examples, _ = data()
    rows = [row for row in range(len(examples)) if examples.bulletins[row] not in held_out and not examples.noise[row]]
    chosen = np.linspace(0, len(rows) - 1, _N_TEXTS).astype(int)
    return [examples.texts[rows[i]].text for i in chosen]


def _drop_layers(classifier: BertClassifier, texts: list[str]) -> list[dict[str, Any]]:
    layers = list(classifier.network.encoder.encoder.layer)
    kept = list(range(len(layers)))
    whole = sigmoid(_scores(classifier, layers, kept, texts))
    steps = []
    while len(kept) > _FEWEST:
        costs = {n: _divergence(_scores(classifier, layers, [k for k in kept if k != n], texts), whole) for n in kept}
        dropped = min(costs, key=costs.__getitem__)
        kept.remove(dropped)
        steps.append({"kept": list(kept), "dropped": dropped, "costs": {n: round(c, 5) for n, c in costs.items()}})
        print(steps[-1], file=sys.stderr, flush=True)
    return steps


def _scores(classifier: BertClassifier, layers: list[nn.Module], kept: list[int], texts: list[str]) -> np.ndarray:
    classifier.network.encoder.encoder.layer = nn.ModuleList([layers[n] for n in kept])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return classifier.decide(texts)


def _divergence(logits: np.ndarray, whole: np.ndarray) -> float:
    """Mean Kullback-Leibler divergence of the probabilities from those of the whole network, in nats."""
    found = np.clip(sigmoid(logits), 1e-7, 1 - 1e-7)
    whole = np.clip(whole, 1e-7, 1 - 1e-7)
    return float(np.mean(whole * np.log(whole / found) + (1 - whole) * np.log((1 - whole) / (1 - found))))


def _report(results: dict[str, Any]) -> str:
    rows = [
        (str(len(step["kept"])), str(step["dropped"]), f"{step['costs'][step['dropped']]:.4f}",
         ", ".join(map(str, step["kept"])))
        for step in results["steps"]
    ]  # fmt: skip
    note = (HERE / "notes.md").read_text(encoding="utf-8")
    return f"# Which layers?\n\n{note}\n" + table(("layers", "dropped", "divergence, nats", "kept"), rows)


if __name__ == "__main__":
    main()
