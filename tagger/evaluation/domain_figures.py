"""What the figures made of scores, one a domain, have in common: what they ask of arrays, and their mean."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_scores(y_true: np.ndarray, y_proba: np.ndarray, n_dims: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores in double precision, so that sums over many texts keep their digits.

    Parameters
    ----------
    y_true, y_proba : array-like of one shape, of `n_dims` dimensions
        0 or 1, and scores; a row a text.
    n_dims : int, default=2
        2 for a column a domain, 1 for a single domain.

    Returns
    -------
    y_true, y_proba : ndarray
        As given, the scores as float64.

    Raises
    ------
    ValueError
        The shapes differ or have other dimensions, there is no text, or a score is not finite.
    """
    y_true, y_proba = np.asarray(y_true), np.asarray(y_proba, dtype=float)
    if y_true.shape != y_proba.shape or y_true.ndim != n_dims or not y_true.size:
        raise ValueError(f"y_true {y_true.shape} and y_proba {y_proba.shape} must be equal, {n_dims}-d and not empty")
    # A nan would drop out of a mean, and a model gone wrong would look well.
    if not np.isfinite(y_proba).all():
        raise ValueError("y_proba holds nan or infinity, expected scores")
    return y_true, y_proba


def with_macro(domains: np.ndarray) -> dict[str, Any]:
    """A figure of each domain, and their mean.

    Parameters
    ----------
    domains : ndarray of shape (n_domains,)
        float64; nan where a domain has no such figure.

    Returns
    -------
    dict
        ``macro``, the mean without the nan ones, nan if none is left; ``domains``, as given.
    """
    known = domains[~np.isnan(domains)]
    return {"macro": float(known.mean()) if len(known) else float("nan"), "domains": domains}
