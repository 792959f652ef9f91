"""Scores to probabilities: Platt's sigmoid per domain, fitted on out-of-fold scores."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression


def fit_sigmoids(y_true: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of each domain's sigmoid.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    scores : ndarray of shape (n_texts, n_domains)
        Log-odds of texts that the model did not train on.

    Returns
    -------
    slopes, intercepts : ndarray of shape (n_domains,), float64
        Slopes are positive, so the order of texts never changes; a domain without
        positives or negatives keeps slope 1 and intercept 0.

    Notes
    -----
    Platt (1999), "Probabilistic outputs for support vector machines", with his smoothed
    targets as sample weights.
    """
    fits = [_fit_sigmoid(t, s) for t, s in zip(np.asarray(y_true).T, scores.T, strict=True)]
    return np.array([slope for slope, _ in fits]), np.array([intercept for _, intercept in fits])


def _fit_sigmoid(target: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    n_positive = int(target.sum())
    n_negative = len(target) - n_positive
    if not n_positive or not n_negative:
        return 1.0, 0.0
    # Platt's targets (n+ + 1)/(n+ + 2) and 1/(n- + 2), as two weighted copies of each text.
    soft = np.where(target == 1, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    X = np.concatenate([scores, scores])[:, None]
    y = np.concatenate([np.ones(len(soft)), np.zeros(len(soft))])
    model = LogisticRegression(C=1e6, solver="lbfgs").fit(X, y, np.concatenate([soft, 1 - soft]))
    slope = float(model.coef_[0, 0])
    return (slope, float(model.intercept_[0])) if slope > 0 else (1.0, 0.0)


def apply_sigmoids(scores: np.ndarray, slopes: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
    """Probabilities, float32, of log-odds of shape (n_texts, n_domains)."""
    return expit(scores * slopes + intercepts).astype(np.float32)
