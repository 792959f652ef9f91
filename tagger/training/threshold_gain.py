"""What it gains to choose thresholds, measured on bulletins that did not choose them."""

from __future__ import annotations

import numpy as np

from tagger.corpus.splits import grouped_folds
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
    n_parts = min(n_parts, len(np.unique(bulletins)))
    if n_parts < 2:
        return {}
    parts = list(grouped_folds(y_true, bulletins, n_folds=n_parts, seed=seed))
    ways = {"half": None, "shared": _ALL, "own": _NONE, "shrunk": shrinkage}
    return {name: _cross_fitted(y_true, y_proba, parts, weight) for name, weight in ways.items()}


def _cross_fitted(
    y_true: np.ndarray, y_proba: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray]], weight: float | None
) -> dict[str, float]:
    y_pred = np.zeros_like(y_true)
    for others, rows in parts:
        thresholds = 0.5 if weight is None else choose_thresholds(y_true[others], y_proba[others], shrinkage=weight)
        y_pred[rows] = y_proba[rows] >= thresholds
    figures = score(y_true, y_pred, [str(column) for column in range(y_true.shape[1])])
    return {name: figures[name] for name in ("f1_micro", "f1_macro")}
