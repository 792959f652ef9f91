"""Risk against coverage: how many texts each domain may decide alone at a given rate of errors.

It describes the texts at hand; bounds that hold for others are those of `selective`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.evaluation.domain_figures import check_scores, with_macro


def coverage_at_risk(
    y_true: np.ndarray, y_proba: np.ndarray, thresholds: np.ndarray, *, risk: float = 0.05
) -> dict[str, Any]:
    """The largest share of texts that each domain may decide alone, the surest first, at an error rate.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        0 or 1, and scores in [0, 1].
    thresholds : ndarray of shape (n_domains,)
        A text is tagged where ``y_proba >= threshold``; the distance to it is the confidence.
    risk : float, default=0.05
        The share of wrong decisions allowed among those taken, in [0, 1].

    Returns
    -------
    dict
        ``domains``, the coverage, float64 of shape (n_domains,) in [0, 1]; ``macro``, its mean;
        ``margins``, float64 of shape (n_domains,): decide where ``|y_proba - threshold| >=
        margin``, ask a person elsewhere; inf where nothing may be decided.

    Raises
    ------
    ValueError
        The shapes differ, there is no text, or a score is not finite.

    Notes
    -----
    The risk-coverage curve of El-Yaniv and Wiener (2010), "On the foundations of noise-free
    selective classification". It describes these texts: chosen on them, the risk on others is
    somewhat higher, and nothing is promised.
    """
    y_true, y_proba = check_scores(y_true, y_proba)
    wrong = (y_proba >= thresholds) != (y_true == 1)
    confidence = np.abs(y_proba - thresholds)
    found = [_surest(w, c, risk) for w, c in zip(wrong.T, confidence.T, strict=True)]
    coverage, margins = np.array(found).T
    return {**with_macro(coverage), "margins": margins}


def _surest(wrong: np.ndarray, confidence: np.ndarray, risk: float) -> tuple[float, float]:
    """Coverage and smallest confidence of the longest run of the surest with few enough errors."""
    order = np.argsort(-confidence, kind="stable")
    ranked, taken = confidence[order], np.arange(1, len(order) + 1)
    # Texts of equal confidence are decided together or not at all.
    is_cut = np.append(ranked[:-1] > ranked[1:], True)
    allowed = np.flatnonzero(is_cut & (np.cumsum(wrong[order]) / taken <= risk))
    return (taken[allowed[-1]] / len(order), ranked[allowed[-1]]) if len(allowed) else (0.0, np.inf)
