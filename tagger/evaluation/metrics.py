"""Multi-label metrics of tags at sentence and paragraph level, as scikit-learn computes them.

What scores rather than tags make: `ranking`, `calibration`, `risk_coverage`. How far a figure can be
trusted: `intervals`; two models side by side: `comparison`.
"""

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


def hamming_loss(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Share of the single yes-or-no decisions that are wrong, in [0, 1].

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1.
    """
    return float(np.mean(np.asarray(y_true) != np.asarray(y_pred)))


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


def count_tags(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """What F1 is made of, text by text: rightly tagged, labelled, tagged.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1.

    Returns
    -------
    ndarray of shape (n_texts, 3, n_domains)
        0 or 1, in the order of the arguments of `f1_figures`.
    """
    return np.stack([(y_true == 1) & (y_pred == 1), y_true, y_pred], axis=1)


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
    micro = f1_of_counts(tp.sum(axis=1), positives.sum(axis=1), predicted.sum(axis=1))
    each = f1_of_counts(tp, positives, predicted)
    return np.column_stack([micro, each.mean(axis=1), each])


def f1_of_counts(tp: np.ndarray, positives: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """F1 from counts, float64 of their shape, in [0, 1]; 0 where there is neither a label nor a tag.

    Parameters
    ----------
    tp, positives, predicted : ndarray of any one shape
        float64: texts rightly tagged, labelled and tagged.
    """
    return np.divide(2 * tp, positives + predicted, out=np.zeros_like(tp), where=positives + predicted > 0)
