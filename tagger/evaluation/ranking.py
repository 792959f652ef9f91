"""How well scores rank the texts of a domain, without a threshold: precision against recall."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from tagger.evaluation.domain_figures import check_scores, with_macro


def average_precision(y_true: np.ndarray, y_proba: np.ndarray) -> dict[str, Any]:
    """Area under the precision-recall curve of each domain: how well scores rank, without a threshold.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    y_proba : ndarray of shape (n_texts, n_domains)
        Scores; their order alone counts.

    Returns
    -------
    dict
        ``domains``, float64 of shape (n_domains,) in [0, 1], nan where there is no positive;
        ``macro``, their mean without the nan ones, nan if none is left.

    Raises
    ------
    ValueError
        The shapes differ, there is no text, or a score is not finite.
    """
    y_true, y_proba = check_scores(y_true, y_proba)
    # scikit-learn would warn, and call a domain without positives 0, which is no failure of the model.
    domains = [average_precision_score(t, p) if t.any() else np.nan for t, p in zip(y_true.T, y_proba.T, strict=True)]
    return with_macro(np.array(domains, dtype=float))


def precision_recall_points(y_true: np.ndarray, y_proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of one domain at every threshold that changes either.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts,)
        0 or 1, with a 1 among them, and scores.

    Returns
    -------
    recall, precision : ndarray of shape (n_thresholds,)
        float64 in [0, 1], from the highest threshold to the lowest, as scikit-learn's
        ``precision_recall_curve`` has them, without its made-up point at recall 0.

    Raises
    ------
    ValueError
        The shapes differ, there is no positive, or a score is not finite.
    """
    y_true, y_proba = check_scores(y_true, y_proba, n_dims=1)
    if not y_true.any():
        raise ValueError("no positive text: there is no recall")
    order = np.argsort(-y_proba, kind="stable")
    hits = np.cumsum(y_true[order], dtype=float)
    # Texts of equal score are tagged together.
    is_cut = np.append(np.diff(y_proba[order]) != 0, True)
    n_tagged = np.arange(1, len(order) + 1)
    return hits[is_cut] / hits[-1], hits[is_cut] / n_tagged[is_cut]
