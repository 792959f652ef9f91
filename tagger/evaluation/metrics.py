"""Multi-label metrics at sentence and paragraph level, as scikit-learn computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_fscore_support


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
    Efron and Tibshirani (1993), chapter 13, over clusters; counts per bulletin are
    reweighted, which is the same as resampling and a hundred times faster.
    """
    _, rows = np.unique(groups, return_inverse=True)
    n_groups = int(rows.max()) + 1
    counts = np.zeros((n_groups, 3, y_true.shape[1]))
    hit = (y_true == 1) & (y_pred == 1)
    np.add.at(counts, rows, np.stack([hit, y_true, y_pred], axis=1).astype(float))
    rng = np.random.default_rng(seed)
    uniform = np.full(n_groups, 1 / n_groups)
    # One draw at a time: all at once would take a gigabyte for 100,000 bulletins.
    flat = counts.reshape(n_groups, -1)
    draws = np.array([rng.multinomial(n_groups, uniform).astype(float) @ flat for _ in range(n_resamples)])
    tp, positives, predicted = draws.reshape(n_resamples, 3, -1).transpose(1, 0, 2)
    micro = _f1(tp.sum(axis=1), positives.sum(axis=1), predicted.sum(axis=1))
    macro = _f1(tp, positives, predicted).mean(axis=1)
    tails = [50 * (1 - level), 50 * (1 + level)]
    return {
        "f1_micro": tuple(float(v) for v in np.percentile(micro, tails)),
        "f1_macro": tuple(float(v) for v in np.percentile(macro, tails)),
    }


def _f1(tp: np.ndarray, positives: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.divide(2 * tp, positives + predicted, out=np.zeros_like(tp), where=positives + predicted > 0)
