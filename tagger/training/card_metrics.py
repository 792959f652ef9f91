"""The figures of a run that its model folder keeps: those of the manifest and of the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tagger.evaluation.intervals import domain_intervals

_OVERALL = ("n_texts", "f1_micro", "f1_macro", "precision_micro", "recall_micro", "exact_match", "interval_95")


def card_metrics(
    metrics: Mapping[str, Any], summary: Mapping[str, Any], *,
    y_true: np.ndarray, y_pred: np.ndarray, bulletins: np.ndarray, ids: Sequence[str],
    other_bulletins: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Figures by sentence, with an interval for each domain, and in short those of larger units.

    Parameters
    ----------
    metrics : mapping
        By sentence: `tagger.training.trained.measure_out_of_fold`, and what else is kept.
    summary : mapping
        `tagger.training.run_metrics.summarize_scored` of the same texts: page furniture left out of all.
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1, out of fold.
    bulletins : ndarray of shape (n_texts,)
    ids : sequence of str
        Domain ids in column order.
    other_bulletins : mapping, optional
        `tagger.training.threshold_gain.cross_fitted_figures` of them.

    Returns
    -------
    dict
        `metrics` with ``average_precision``, ``calibration_error``, ``levels{paragraph, bulletin}``
        and ``interval_95{..., domains{id: (low, high)}}``, of F1; ``furniture{n_texts, n_labelled}``,
        the lines left out; ``thresholds_of_other_bulletins{f1_micro, f1_macro, interval_95}``.
    """
    levels = summary["levels"]
    own = {name: levels["sentence"][name] for name in ("average_precision", "calibration_error")}
    larger = {
        level: {name: levels[level][name] for name in _OVERALL if name in levels[level]}
        for level in ("paragraph", "bulletin")
    }
    each = map(tuple, domain_intervals(y_true, y_pred, bulletins).tolist())
    intervals = {**metrics["interval_95"], "domains": dict(zip(ids, each, strict=True))}
    more = {"furniture": summary.get("furniture"), "thresholds_of_other_bulletins": dict(other_bulletins or {})}
    more = {name: value for name, value in more.items() if value}
    return {**metrics, **own, "levels": larger, "interval_95": intervals, **more}
