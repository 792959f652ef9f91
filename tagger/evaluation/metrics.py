"""Multi-label metrics at sentence and paragraph level, as scikit-learn computes them.

Labels make `score` and `hamming_loss`; scores make average precision, calibration and selective
prediction; `bootstrap_interval` says how far a figure can be trusted. Two models are compared in
`tagger.evaluation.comparison`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_fscore_support


def score(y_true: np.ndarray, y_pred: np.ndarray, ids: Sequence[str]) -> dict[str, Any]:
    """Precision, recall and F1: micro, macro and per domain, and the share of exact matches.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1.
    ids : sequence of str
        Domain ids in column order.

    Returns
    -------
    dict
        ``n_texts, f1_micro, precision_micro, recall_micro, f1_macro, exact_match`` and
        ``domains{id: {precision, recall, f1, support}}``; ratios in [0, 1], 0 without a
        denominator.
    """
    # A single column is a binary target for scikit-learn, which would also score its zeros.
    labels = [1] if len(ids) == 1 else None
    micro = precision_recall_fscore_support(y_true, y_pred, labels=labels, average="micro", zero_division=0)
    each = precision_recall_fscore_support(y_true, y_pred, labels=labels, average=None, zero_division=0)
    domains = {
        id: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
        for id, p, r, f, n in zip(ids, *each, strict=True)
    }
    return {
        "n_texts": len(y_true),
        "f1_micro": float(micro[2]),
        "precision_micro": float(micro[0]),
        "recall_micro": float(micro[1]),
        "f1_macro": float(np.mean(each[2])),
        "exact_match": float(np.mean(np.all(np.asarray(y_true) == np.asarray(y_pred), axis=1))),
        "domains": domains,
    }


def union_by(y: np.ndarray, keys: Sequence[Any]) -> np.ndarray:
    """Labels of larger units: the union of the rows that share a key, in first-seen order.

    Parameters
    ----------
    y : ndarray of shape (n_texts, n_domains)
    keys : sequence, length n_texts
        What the rows are grouped by, such as (bulletin, paragraph).

    Returns
    -------
    ndarray of shape (n_units, n_domains), of y's dtype
    """
    order: dict[Any, int] = {}
    rows = [order.setdefault(key, len(order)) for key in keys]
    union = np.zeros((len(order), y.shape[1]), dtype=y.dtype)
    np.maximum.at(union, rows, y)
    return union


def hamming_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the single yes-or-no decisions that are wrong, in [0, 1].

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1.
    """
    return float(np.mean(np.asarray(y_true) != np.asarray(y_pred)))


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
    y_true, y_proba = _check_scores(y_true, y_proba)
    # scikit-learn would warn, and call a domain without positives 0, which is no failure of the model.
    domains = [average_precision_score(t, p) if t.any() else np.nan for t, p in zip(y_true.T, y_proba.T, strict=True)]
    return _with_macro(np.array(domains, dtype=float))


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
    y_true, y_proba = _check_scores(y_true, y_proba, n_dims=1)
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
    y_true, y_proba = _check_scores(y_true, y_proba)
    curves = [reliability_curve(t, p, n_bins) for t, p in zip(y_true.T, y_proba.T, strict=True)]
    gaps = [np.abs(c["mean_proba"] - c["share_positive"]) @ c["n_texts"] / len(y_true) for c in curves]
    return _with_macro(np.array(gaps, dtype=float))


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
    y_true, y_proba = _check_scores(y_true, y_proba, n_dims=1)
    if not y_true.any():
        raise ValueError("no positive text: there is no recall")
    order = np.argsort(-y_proba, kind="stable")
    hits = np.cumsum(y_true[order], dtype=float)
    # Texts of equal score are tagged together.
    is_cut = np.append(np.diff(y_proba[order]) != 0, True)
    n_tagged = np.arange(1, len(order) + 1)
    return hits[is_cut] / hits[-1], hits[is_cut] / n_tagged[is_cut]


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
    y_true, y_proba = _check_scores(y_true, y_proba)
    wrong = (y_proba >= thresholds) != (y_true == 1)
    confidence = np.abs(y_proba - thresholds)
    found = [_surest(w, c, risk) for w, c in zip(wrong.T, confidence.T, strict=True)]
    coverage, margins = np.array(found).T
    return {**_with_macro(coverage), "margins": margins}


def _surest(wrong: np.ndarray, confidence: np.ndarray, risk: float) -> tuple[float, float]:
    """Coverage and smallest confidence of the longest run of the surest with few enough errors."""
    order = np.argsort(-confidence, kind="stable")
    ranked, taken = confidence[order], np.arange(1, len(order) + 1)
    # Texts of equal confidence are decided together or not at all.
    is_cut = np.append(ranked[:-1] > ranked[1:], True)
    allowed = np.flatnonzero(is_cut & (np.cumsum(wrong[order]) / taken <= risk))
    return (taken[allowed[-1]] / len(order), ranked[allowed[-1]]) if len(allowed) else (0.0, np.inf)


def _check_scores(y_true: np.ndarray, y_proba: np.ndarray, n_dims: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and scores in double precision, so that sums over many texts keep their digits."""
    y_true, y_proba = np.asarray(y_true), np.asarray(y_proba, dtype=float)
    if y_true.shape != y_proba.shape or y_true.ndim != n_dims or not y_true.size:
        raise ValueError(f"y_true {y_true.shape} and y_proba {y_proba.shape} must be equal, {n_dims}-d and not empty")
    # A nan would drop out of a mean, and a model gone wrong would look well.
    if not np.isfinite(y_proba).all():
        raise ValueError("y_proba holds nan or infinity, expected scores")
    return y_true, y_proba


def _with_macro(domains: np.ndarray) -> dict[str, Any]:
    known = domains[~np.isnan(domains)]
    return {"macro": float(known.mean()) if len(known) else float("nan"), "domains": domains}


def bootstrap_interval(
    y_true: np.ndarray, y_pred: np.ndarray, groups: np.ndarray, *,
    n_resamples: int = 1000, seed: int = 0, level: float = 0.95,
) -> dict[str, tuple[float, float]]:  # fmt: skip
    """Percentile intervals of micro- and macro-F1 by resampling whole bulletins.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
    groups : ndarray of shape (n_texts,)
        The bulletin of each text.
    n_resamples : int, default=1000
        How often the bulletins are drawn.
    seed : int, default=0
        The same seed and arrays give the same intervals.
    level : float, default=0.95
        Coverage, in (0, 1).

    Returns
    -------
    dict
        ``f1_micro`` and ``f1_macro``, each (low, high), 0 <= low <= high <= 1.

    Notes
    -----
    Efron and Tibshirani (1993), "An introduction to the bootstrap", chapter 13, over clusters.
    """
    figures = _resampled_f1(y_true, y_pred, groups, n_resamples, seed)
    return {
        "f1_micro": percentile_interval(figures[:, 0], level),
        "f1_macro": percentile_interval(figures[:, 1], level),
    }


def domain_intervals(
    y_true: np.ndarray, y_pred: np.ndarray, groups: np.ndarray, *,
    n_resamples: int = 1000, seed: int = 0, level: float = 0.95,
) -> np.ndarray:  # fmt: skip
    """Percentile intervals of the F1 of each domain, by the draws of `bootstrap_interval`.

    Returns
    -------
    ndarray of shape (n_domains, 2)
        float64, 0 <= low <= high <= 1.
    """
    figures = _resampled_f1(y_true, y_pred, groups, n_resamples, seed)
    return np.array([percentile_interval(column, level) for column in figures[:, 2:].T])


def _resampled_f1(
    y_true: np.ndarray, y_pred: np.ndarray, groups: np.ndarray, n_resamples: int, seed: int
) -> np.ndarray:
    """`f1_figures` of each resample, shape (n_resamples, 2 + n_domains)."""
    hit = (y_true == 1) & (y_pred == 1)
    counts = np.stack([hit, y_true, y_pred], axis=1)
    draws = resample_sums(counts, groups, n_resamples=n_resamples, seed=seed)
    return f1_figures(*draws.transpose(1, 0, 2))


def resample_sums(values: np.ndarray, groups: np.ndarray, *, n_resamples: int, seed: int) -> np.ndarray:
    """Column sums over bulletins drawn with replacement, as many as there are.

    Parameters
    ----------
    values : ndarray of shape (n_texts, n_counts, n_domains)
        Counts of each text, such as hits, positives and predictions; columns side by side see
        the same draws.
    groups : ndarray of shape (n_texts,)
        The bulletin of each text.
    n_resamples : int
        How often the bulletins are drawn.
    seed : int
        The same seed and number of bulletins give the same draws.

    Returns
    -------
    ndarray of shape (n_resamples, n_counts, n_domains)
        float64; exact while a sum is below 2**53.

    Notes
    -----
    The sums of each bulletin are weighted by how often it is drawn, which is the same as
    resampling its texts and a hundred times faster.
    """
    _, rows = np.unique(groups, return_inverse=True)
    n_groups = int(rows.max()) + 1
    sums = np.zeros((n_groups, *values.shape[1:]))
    np.add.at(sums, rows, values.astype(float))
    rng = np.random.default_rng(seed)
    uniform = np.full(n_groups, 1 / n_groups)
    # One draw at a time: all at once would take a gigabyte for 100,000 bulletins.
    flat = sums.reshape(n_groups, -1)
    draws = [rng.multinomial(n_groups, uniform).astype(float) @ flat for _ in range(n_resamples)]
    return np.array(draws).reshape(n_resamples, *values.shape[1:])


def f1_figures(tp: np.ndarray, positives: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Micro-F1, macro-F1 and the F1 of each domain, side by side, from counts.

    Parameters
    ----------
    tp, positives, predicted : ndarray of shape (n_resamples, n_domains)
        float64: texts of the domain rightly tagged, labelled and tagged.

    Returns
    -------
    ndarray of shape (n_resamples, 2 + n_domains)
        float64 in [0, 1]; 0 where a domain is neither labelled nor tagged.
    """
    micro = _f1(tp.sum(axis=1), positives.sum(axis=1), predicted.sum(axis=1))
    each = _f1(tp, positives, predicted)
    return np.column_stack([micro, each.mean(axis=1), each])


def percentile_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """The middle `level` of resampled values: (low, high)."""
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


def _f1(tp: np.ndarray, positives: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.divide(2 * tp, positives + predicted, out=np.zeros_like(tp), where=positives + predicted > 0)


def wilson_interval(successes: np.ndarray, n: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a share, also where it is 0 or 1 or of few: (low, high), float64 in [0, 1].

    Parameters
    ----------
    successes, n : ndarray
        Of one shape; n above 0.
    level : float, default=0.95

    Notes
    -----
    Wilson (1927), "Probable inference, the law of succession, and statistical inference". It takes
    the texts for independent.
    """
    from scipy.special import ndtri

    k, n, z = np.asarray(successes, dtype=float), np.asarray(n, dtype=float), float(ndtri(0.5 + level / 2))
    center = (k + z * z / 2) / (n + z * z)
    reach = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4)
    return np.clip(center - reach, 0, 1), np.clip(center + reach, 0, 1)
