"""What it gains to choose thresholds, measured on bulletins that did not choose them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.corpus.splits import grouped_folds
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.models.thresholds import choose_thresholds

#: Weights of the shared threshold, in positives: nothing else, and not at all.
_ALL, _NONE = 1e12, 0.0


def threshold_gain(
    y_true: np.ndarray, y_proba: np.ndarray, bulletins: np.ndarray, *, shrinkage: float, n_parts: int = 5, seed: int = 0
) -> dict[str, dict[str, float]]:
    """F1 with thresholds chosen in four ways, each on the other parts of the bulletins.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        Labels, and out-of-fold scores in [0, 1].
    bulletins : ndarray of shape (n_texts,)
    shrinkage : float
        Of the fourth way, see `tagger.models.thresholds.choose_thresholds`.
    n_parts, seed : int
        Of the split by bulletins; fewer parts where there are fewer bulletins.

    Returns
    -------
    dict
        ``half`` (0.5 for all), ``shared`` (one for all domains), ``own`` (one a domain) and
        ``shrunk`` (one a domain, drawn to the shared one), each ``{f1_micro, f1_macro}``;
        empty with one bulletin.
    """
    parts = _parts(y_true, bulletins, n_parts, seed)
    ways = {"half": None, "shared": _ALL, "own": _NONE, "shrunk": shrinkage}
    return {name: _f1(y_true, _tag(y_true, y_proba, parts, weight)) for name, weight in ways.items()} if parts else {}


def cross_fitted_figures(
    y_true: np.ndarray, y_proba: np.ndarray, bulletins: np.ndarray, *,
    shrinkage: float | None, thresholds: np.ndarray, n_parts: int = 5, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """F1 with intervals, each bulletin tagged by thresholds that were chosen on others.

    The figures beside a model are by its own thresholds, which were chosen on the scores that the
    figures are of, and flatter it by what the choice could fit. These do not: cross-fitting, as
    Chernozhukov et al. (2018), "Double/debiased machine learning", call it.

    Parameters
    ----------
    y_true, y_proba, bulletins, n_parts, seed
        See `threshold_gain`.
    shrinkage : float or None
        As the model's thresholds were chosen; None where none were, but given.
    thresholds : ndarray of shape (n_domains,)
        The model's, which stand where none are chosen.

    Returns
    -------
    dict
        ``f1_micro``, ``f1_macro`` and ``interval_95``, see `tagger.evaluation.intervals.bootstrap_interval`;
        empty where there is one bulletin to choose on.
    """
    if shrinkage is None:
        y_pred = (y_proba >= thresholds).astype(y_true.dtype)
    elif parts := _parts(y_true, bulletins, n_parts, seed):
        y_pred = _tag(y_true, y_proba, parts, shrinkage)
    else:
        return {}
    return {**_f1(y_true, y_pred), "interval_95": bootstrap_interval(y_true, y_pred, bulletins)}


def _parts(y_true: np.ndarray, bulletins: np.ndarray, n_parts: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to choose on and rows to tag, part by part; none of one bulletin."""
    n_parts = min(n_parts, len(np.unique(bulletins)))
    return list(grouped_folds(y_true, bulletins, n_folds=n_parts, seed=seed)) if n_parts > 1 else []


def _tag(
    y_true: np.ndarray, y_proba: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]], weight: float | None
) -> np.ndarray:
    y_pred = np.zeros_like(y_true)
    for others, rows in parts:
        thresholds = 0.5 if weight is None else choose_thresholds(y_true[others], y_proba[others], shrinkage=weight)
        y_pred[rows] = y_proba[rows] >= thresholds
    return y_pred


def _f1(y_true: np.ndarray, y_pred: np.ndarray) -> dict[str, float]:
    figures = score(y_true, y_pred, [str(column) for column in range(y_true.shape[1])])
    return {name: figures[name] for name in ("f1_micro", "f1_macro")}
