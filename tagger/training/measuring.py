"""A saved model measured on labelled sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples, examples_from_jsonl
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score, union_by
from tagger.models.storage import Model


def predict_examples(model: Model, examples: Examples) -> np.ndarray:
    """Tags of examples, int8, shape (n_texts, n_domains); page furniture gets none."""
    y_proba = model.classifier.predict_proba(examples.texts)
    return ((y_proba >= model.thresholds) & ~examples.noise[:, None]).astype(np.int8)


def measure(model: Model, data: str | Path) -> dict[str, Any]:
    """Figures at sentence, paragraph and bulletin level.

    Parameters
    ----------
    model : Model
    data : path
        Labelled sentences, see `tagger.corpus.examples.examples_from_jsonl`.

    Returns
    -------
    dict
        Level -> `tagger.evaluation.metrics.score` with ``interval_95``; a larger unit
        has the labels, and the tags, of its sentences. By sentence also ``n_furniture``: the
        sentences that are taken for page furniture and answered by rule, with no domain. Unlike in
        the figures of a training run they count: what is measured is what `tagger predict` says
        of the sentences given, the rule included.
    """
    examples = examples_from_jsonl(data, model.domains)
    y_pred = predict_examples(model, examples)
    paragraphs = list(zip(examples.bulletins, examples.paragraphs, strict=True))
    levels = {
        "sentence": list(range(len(examples))),
        "paragraph": paragraphs,
        "bulletin": list(examples.bulletins),
    }
    figures = {name: _level(model, examples, y_pred, keys) for name, keys in levels.items()}
    figures["sentence"]["n_furniture"] = int(examples.noise.sum())
    return figures


def _level(model: Model, examples: Examples, y_pred: np.ndarray, keys: list[Any]) -> dict[str, Any]:
    firsts = {key: i for i, key in reversed(list(enumerate(keys)))}
    groups = examples.bulletins[[firsts[key] for key in dict.fromkeys(keys)]]
    true, pred = union_by(examples.y_true, keys), union_by(y_pred, keys)
    return {**score(true, pred, model.domains.ids), "interval_95": bootstrap_interval(true, pred, groups)}
