"""A trained BERT turned into the form that serves, and held to what it was before.

The parity gate: the export is refused if it tags too many sentences otherwise than the
model that it comes from, or if that costs too much macro-F1.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples, examples_from_jsonl
from tagger.errors import ModelError, UsageError
from tagger.evaluation.metrics import score
from tagger.models.manifest import Manifest
from tagger.models.storage import Model, load_model, refuse_foreign, save_model
from tagger.training.composing import compose

#: The gate: the share of sentences that may be tagged otherwise, and the macro-F1 that may be lost.
MAX_CHANGED, MAX_LOSS = 0.005, 0.003
#: Sentences, evenly taken from the data, that int8 weights are rounded for, and no more than a share of
#: them: the gate is measured on the others.
_N_ROUNDING, _MAX_ROUNDING = 400, 0.25
#: Sentences in a round of the speed measurement, and rounds.
_N_TIMED, _N_ROUNDS = 64, 3


def export_model(
    folder: str | Path, output: str | Path, *, int8: bool = True, data: str | Path | None = None
) -> Manifest:
    """Export a trained BERT, hold it to the parity gate and save it.

    Thresholds, signals, configuration and figures of training go over unchanged; what the
    gate found is added to the figures as ``parity``.

    Parameters
    ----------
    folder : path
        A model folder of kind ``bert``.
    output : path
        The model folder to write, of kind ``onnx``.
    int8 : bool, default=True
        Weights in 8 bits, or in float32.
    data : path, optional
        Labelled sentences to measure on, see `examples_from_jsonl`; the corpus by default.

    Raises
    ------
    ModelError
        The model is no BERT, or the export is too far from it.
    UsageError, InputError, CorpusError
        The sentences to measure on cannot be read, are none, or have other domains.
    OutputError
        The output cannot be written.
    """
    refuse_foreign(output)
    model = load_model(folder)
    if model.manifest.kind != "bert":
        raise ModelError(f"a model of kind {model.manifest.kind!r}, expected bert", where=folder,
                         hint="Give a folder written by `tagger train model=bert`.")  # fmt: skip
    examples = _load_validation(model, data)
    # Imports torch and onnx: only once there is something to export.
    from tagger.models.export import export_onnx

    rows = _rows_to_round_for(len(examples)) if int8 else np.array([], dtype=int)
    classifier = export_onnx(model.classifier, int8=int8, texts=[examples.texts[row].text for row in rows])
    exported = replace(model, classifier=classifier)
    others = np.setdiff1d(np.arange(len(examples)), rows)
    parity = compare_models(model, exported, examples.take(others if len(others) else rows))
    refuse_damage(parity, where=output, int8=int8)
    parity["speed_ratio"] = measure_speed_ratio(model, exported, examples)
    manifest = model.manifest
    return save_model(
        output, classifier, model.domains, model.thresholds, config=model.config, name=Path(output).name,
        seed=manifest.seed, data=manifest.data, metrics={**manifest.metrics, "parity": parity},
        selective=model.selective, precedents=model.precedents,
    )  # fmt: skip


def _rows_to_round_for(n_texts: int) -> np.ndarray:
    return np.linspace(0, n_texts - 1, max(min(_N_ROUNDING, int(_MAX_ROUNDING * n_texts)), 1)).astype(int)


def _load_validation(model: Model, data: str | Path | None) -> Examples:
    """Labelled sentences without page furniture."""
    if data is not None:
        examples = examples_from_jsonl(data, model.domains)
    else:
        from tagger.training.data import load_examples

        domains, examples, _ = load_examples(compose())
        if domains.ids != model.domains.ids:
            raise UsageError("a model of other domains than the corpus", where="--data",
                             hint="Give labelled sentences of its own domains.")  # fmt: skip
    examples = examples.take(~examples.noise)
    if not len(examples):
        raise UsageError("found page furniture alone, expected sentences", where=data or "the corpus")
    return examples


def compare_models(before: Model, after: Model, examples: Examples) -> dict[str, Any]:
    """How far an exported model is from the one that it was made of, at the same thresholds.

    Parameters
    ----------
    before, after : Model
        Both of a `tagger.models.encoder_classifier.EncoderClassifier`.
    examples : Examples
        Without page furniture.

    Returns
    -------
    dict
        ``n_texts``; ``changed``, the share of sentences tagged otherwise, in [0, 1];
        ``f1_macro_before``, ``f1_macro_after`` and their difference ``f1_macro_loss``;
        ``mean_logit_delta``, ``max_logit_delta``.
    """
    signals = [model.classifier.compute_signals(examples.texts) for model in (before, after)]  # type: ignore[attr-defined]
    deltas = np.abs(signals[1][:, :, 0] - signals[0][:, :, 0])  # the first signal is the text's own logit
    combiner = before.classifier.weights()  # type: ignore[attr-defined]
    tags = [(combiner.predict_proba(own) >= before.thresholds).astype(np.int8) for own in signals]
    f1_before, f1_after = (score(examples.y_true, own, before.domains.ids)["f1_macro"] for own in tags)
    return {
        "n_texts": len(examples), "changed": float((tags[0] != tags[1]).any(axis=1).mean()),
        "f1_macro_before": f1_before, "f1_macro_after": f1_after, "f1_macro_loss": f1_before - f1_after,
        "mean_logit_delta": float(deltas.mean()), "max_logit_delta": float(deltas.max()),
    }  # fmt: skip


def refuse_damage(parity: dict[str, Any], where: object = "export", *, int8: bool = True) -> None:
    """A `ModelError` with the figures if they break the gate; NaN does."""
    instead = " Export with --no-int8." if int8 else ""
    if parity["changed"] <= MAX_CHANGED and parity["f1_macro_loss"] <= MAX_LOSS:
        return
    raise ModelError(
        f"the export tags {parity['changed']:.2%} of {parity['n_texts']} sentences otherwise (at most "
        f"{MAX_CHANGED:.1%}) and loses {parity['f1_macro_loss']:.4f} of macro-F1 (at most {MAX_LOSS}); "
        f"logits differ by {parity['mean_logit_delta']:.3f} on average", where=where,
        hint=f"Nothing was written.{instead}",
    )  # fmt: skip


def measure_speed_ratio(before: Model, after: Model, examples: Examples) -> float:
    """How many times as many sentences a second the second model scores, the median of rounds taken in turn."""
    rows = np.linspace(0, len(examples) - 1, min(_N_TIMED, len(examples))).astype(int)
    texts = [examples.texts[row].text for row in rows]
    rounds = [[_seconds(model, texts) for model in (before, after)] for _ in range(_N_ROUNDS)]
    slow, fast = np.median(rounds, axis=0)
    return round(float(slow / fast), 2)


def _seconds(model: Model, texts: list[str]) -> float:
    started = time.perf_counter()
    model.classifier.decide(texts)  # type: ignore[attr-defined]
    return time.perf_counter() - started
