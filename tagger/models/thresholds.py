"""Decision thresholds per domain, chosen on scores the model did not train on."""

from __future__ import annotations

import numpy as np


def choose_thresholds(y_true: np.ndarray, y_proba: np.ndarray, *, shrinkage: float = 50.0) -> np.ndarray:
    """The threshold of each domain that gives the best F1, drawn to a shared one.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    y_proba : ndarray of shape (n_texts, n_domains)
        Out-of-fold or validation scores in [0, 1]; never test scores.
    shrinkage : float, default=50
        The weight of the shared threshold, in positives: a domain with that many
        positives gets the mean of its own best threshold and the shared one.

    Returns
    -------
    ndarray of shape (n_domains,)
        float64 in (0, 1). A text is tagged where ``y_proba >= threshold``.

    Raises
    ------
    ValueError
        The shapes differ.

    Notes
    -----
    Lipton, Elkan and Naryanaswamy (2014), "Optimal thresholding of classifiers to
    maximize F1 measure"; the shrinkage keeps rare domains from fitting their noise.
    """
    y_true, y_proba = np.asarray(y_true), np.asarray(y_proba)
    if y_true.shape != y_proba.shape or y_true.ndim != 2:
        raise ValueError(f"y_true {y_true.shape} and y_proba {y_proba.shape} must be equal and 2-d")
    shared = best_threshold(y_true.ravel(), y_proba.ravel())
    own = np.array([best_threshold(t, p) for t, p in zip(y_true.T, y_proba.T, strict=True)])
    positives = y_true.sum(axis=0)
    weight, drawn = positives + shrinkage, positives * own + shrinkage * shared
    return np.divide(drawn, weight, out=np.full(len(own), shared), where=weight > 0)


def best_threshold(y_true: np.ndarray, y_proba: np.ndarray) -> float:
    """The cut with the best F1, midway between the two neighbouring scores; 0.5 without positives.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts,)
    """
    if not np.any(y_true):
        return 0.5
    order = np.argsort(-y_proba, kind="stable")
    scores, hits = y_proba[order].astype(float), np.cumsum(y_true[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    # A cut can only lie where the score changes.
    is_cut = np.append(scores[:-1] > scores[1:], True)
    best = int(np.argmax(np.where(is_cut, f1, -1.0)))
    following = scores[best + 1] if best + 1 < len(scores) else 0.0
    return float(np.clip((scores[best] + following) / 2, 1e-6, 1 - 1e-6))
