"""All figures of one set of scores, at the level of sentences, paragraphs and bulletins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.evaluation.calibration import calibration_error, reliability_curve
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import hamming_loss, score, union_by
from tagger.evaluation.ranking import average_precision
from tagger.evaluation.risk_coverage import coverage_at_risk


def summarize(
    y_true: np.ndarray, y_proba: np.ndarray, thresholds: np.ndarray, *,
    bulletins: np.ndarray, paragraphs: np.ndarray, ids: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """The figures of scores at each level, JSON-ready.

    A larger unit has the labels and the tags of its sentences, and the highest of their scores.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        0 or 1, and scores in [0, 1] by models that did not see the text.
    thresholds : ndarray of shape (n_domains,)
    bulletins : ndarray of shape (n_texts,), str
    paragraphs : ndarray of shape (n_texts,), int
        Within their bulletin.
    ids : sequence of str
        Domain ids in column order.

    Returns
    -------
    dict
        ``n_texts``, ``n_bulletins`` and ``levels{sentence, paragraph, bulletin}``, each what
        `tagger.evaluation.metrics.score` gives, with ``interval_95``, ``hamming_loss``,
        ``average_precision``, ``calibration_error``, ``reliability`` and ``coverage_at_risk``.
        A figure that does not exist, such as the average precision of a domain without
        positives, is None.
    """
    rows = np.arange(len(y_true)).astype(str)
    units = {
        "sentence": list(zip(bulletins.tolist(), rows.tolist(), strict=True)),
        "paragraph": list(zip(bulletins.tolist(), paragraphs.tolist(), strict=True)),
        "bulletin": [(bulletin,) for bulletin in bulletins.tolist()],
    }
    levels = {name: _at_level(y_true, y_proba, thresholds, keys=keys, ids=ids) for name, keys in units.items()}
    return {"n_texts": len(y_true), "n_bulletins": len(np.unique(bulletins)), "levels": levels}


def _at_level(
    y_true: np.ndarray, y_proba: np.ndarray, thresholds: np.ndarray, *, keys: list[tuple], ids: Sequence[str]
) -> dict[str, Any]:
    y_true, y_proba = union_by(y_true, keys), union_by(y_proba, keys)
    groups = np.array([key[0] for key in dict.fromkeys(keys)])
    y_pred = (y_proba >= thresholds).astype(np.int8)
    figures = {
        **score(y_true, y_pred, ids),
        "interval_95": bootstrap_interval(y_true, y_pred, groups),
        "hamming_loss": hamming_loss(y_true, y_pred),
        "average_precision": _named(average_precision(y_true, y_proba), ids),
        "calibration_error": _named(calibration_error(y_true, y_proba), ids),
        "reliability": {
            id: reliability_curve(t, p) for id, t, p in zip(ids, y_true.T, y_proba.T, strict=True)
        },
        "coverage_at_risk": _named(coverage_at_risk(y_true, y_proba, thresholds), ids),
    }  # fmt: skip
    return to_json(figures)


def _named(figure: dict[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """Arrays over the domains as dicts by id."""
    return {
        name: dict(zip(ids, value, strict=True)) if isinstance(value, np.ndarray) else value
        for name, value in figure.items()
    }


def to_json(value: Any) -> Any:
    """Arrays as lists, NaN and infinity as None: what is left is strict JSON."""
    if isinstance(value, dict):
        return {name: to_json(part) for name, part in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [to_json(part) for part in value]
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value
