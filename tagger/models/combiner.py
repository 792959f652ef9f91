"""Several signals a domain to one calibrated probability: a small logistic regression each.

Fitted on signals of texts that their models did not train on, it weighs them and
calibrates the sum at once (Wolpert, 1992, "Stacked generalization"; with a single
signal it is Platt's sigmoid).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Combiner:
    """Weights of the signals.

    Attributes
    ----------
    weights : ndarray of shape (n_domains, n_signals), float64
    intercepts : ndarray of shape (n_domains,), float64
    """

    weights: np.ndarray
    intercepts: np.ndarray

    def log_odds(self, signals: np.ndarray) -> np.ndarray:
        """Log-odds, float64, shape (n_texts, n_domains), of signals (n_texts, n_domains, n_signals)."""
        return np.einsum("tds,ds->td", signals, self.weights) + self.intercepts

    def predict_proba(self, signals: np.ndarray) -> np.ndarray:
        """Probabilities, float32, shape (n_texts, n_domains)."""
        return sigmoid(self.log_odds(signals)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"weights": self.weights.tolist(), "intercepts": self.intercepts.tolist()}

    @classmethod
    def from_dict(cls, data: Any) -> Combiner:
        """The inverse; a ValueError, KeyError or TypeError on anything else."""
        weights = np.array(data["weights"], dtype=float)
        intercepts = np.array(data["intercepts"], dtype=float)
        if weights.ndim != 2 or intercepts.shape != weights.shape[:1]:
            raise ValueError(f"weights {weights.shape} do not fit intercepts {intercepts.shape}")
        if not (np.isfinite(weights).all() and np.isfinite(intercepts).all()):
            raise ValueError("weights are not finite")
        return cls(weights, intercepts)


def sigmoid(log_odds: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow; of any shape."""
    return np.exp(-np.logaddexp(0, -log_odds))


def fit_combiner(y_true: np.ndarray, signals: np.ndarray, *, C: float = 1.0) -> Combiner:
    """Fit one logistic regression a domain.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    signals : ndarray of shape (n_texts, n_domains, n_signals)
        Of texts that the models behind them did not train on.
    C : float, default=1.0
        Inverse strength of the L2 penalty, > 0.

    Returns
    -------
    Combiner
        A domain without positives, or without negatives, passes its first signal on.
    """
    # Takes a second to import, and a fitted combiner does without it.
    from sklearn.linear_model import LogisticRegression

    y_true = np.asarray(y_true)
    n_domains, n_signals = signals.shape[1:]
    weights, intercepts = np.zeros((n_domains, n_signals)), np.zeros(n_domains)
    weights[:, 0] = 1.0
    for column in range(n_domains):
        target = y_true[:, column]
        if target.min() != target.max():
            model = LogisticRegression(C=C, max_iter=1000).fit(signals[:, column], target)
            weights[column], intercepts[column] = model.coef_[0], model.intercept_[0]
    return Combiner(weights, intercepts)
