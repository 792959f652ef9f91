"""Calibration: what scores promise, against what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.evaluation.domain_figures import check_scores, with_macro


def reliability_curve(
    y_true: np.ndarray, y_proba: np.ndarray, n_bins: int = 15, *, strategy: str = "mass"
) -> dict[str, np.ndarray]:
    """What the scores of one domain promise, and what they hold, bin by bin.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts,)
        0 or 1.
    y_proba : ndarray of shape (n_texts,)
        Scores in [0, 1].
    n_bins : int, default=15
        At most this many bins; equal scores share one, so there may be fewer.
    strategy : {"mass", "width"}, default="mass"
        Bins of about as many texts each, for figures; or of equal width, empty ones left out, for
        the eye: most scores lie next to 0, where bins of equal mass fall together.

    Returns
    -------
    dict
        ``mean_proba`` and ``share_positive``, float64 in [0, 1], and ``n_texts``, int64, each of
        shape (n_found,), 1 <= n_found <= n_bins, in rising order of score.

    Raises
    ------
    ValueError
        The shapes differ, there is no text, a score is not finite, or n_bins is below 1.

    Notes
    -----
    Niculescu-Mizil and Caruana (2005), "Predicting good probabilities with supervised learning",
    with the bins of equal mass of Nguyen and O'Connor (2015): most scores lie next to 0, and bins
    of equal width would leave most of them empty.
    """
    y_true, y_proba = check_scores(y_true, y_proba, n_dims=1)
    if n_bins < 1:
        raise ValueError(f"n_bins {n_bins}, expected 1 or more")
    if strategy == "width":
        places = np.minimum((y_proba * n_bins).astype(int), n_bins - 1)
    else:
        # By the first rank of equal scores: the order of the rows must not move the curve.
        places = np.searchsorted(np.sort(y_proba), y_proba) * n_bins // len(y_proba)
    _, bins = np.unique(places, return_inverse=True)
    n_texts = np.bincount(bins)
    return {
        "mean_proba": np.bincount(bins, weights=y_proba) / n_texts,
        "share_positive": np.bincount(bins, weights=y_true) / n_texts,
        "n_texts": n_texts,
    }


def calibration_error(y_true: np.ndarray, y_proba: np.ndarray, n_bins: int = 15) -> dict[str, Any]:
    """Expected calibration error of each domain: how far a score is from the share that is right.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        0 or 1, and scores in [0, 1].
    n_bins : int, default=15
        Bins of `reliability_curve`.

    Returns
    -------
    dict
        ``domains``, float64 of shape (n_domains,) in [0, 1], and ``macro``, their mean.

    Raises
    ------
    ValueError
        The shapes differ, there is no text, a score is not finite, or n_bins is below 1.

    Notes
    -----
    Guo, Pleiss, Sun and Weinberger (2017), "On calibration of modern neural networks", for the
    score of the positive class and bins of equal mass. Chance alone makes it larger than 0: compare
    only figures of as many texts.
    """
    y_true, y_proba = check_scores(y_true, y_proba)
    curves = [reliability_curve(t, p, n_bins) for t, p in zip(y_true.T, y_proba.T, strict=True)]
    gaps = [np.abs(c["mean_proba"] - c["share_positive"]) @ c["n_texts"] / len(y_true) for c in curves]
    return with_macro(np.array(gaps, dtype=float))
