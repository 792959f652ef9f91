"""Which domain is tagged where another was meant."""

from __future__ import annotations

import numpy as np


def count_confusions(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """A confusion matrix of multi-label tags.

    Parameters
    ----------
    y_true, y_pred : ndarray of shape (n_texts, n_domains)
        0 or 1.

    Returns
    -------
    ndarray of shape (n_domains + 1, n_domains + 1)
        int64. On the diagonal, the texts of a domain that are tagged with it. In row i and column
        j, the texts in which i is labelled and missed, and j is tagged and wrong: j stands where i
        was meant. The last column counts missed labels beside which no wrong tag stands, the last
        row wrong tags beside which no label is missed; the corner, texts without labels and tags.

    Notes
    -----
    After the multi-label confusion matrix of Heydarian, Doyle and Samavi (2022, "MLCM: multi-label
    confusion matrix", IEEE Access 10), except that a wrong tag is never charged to a label that
    was found. A text with two missed labels and one wrong tag counts in two cells.
    """
    true, pred = np.asarray(y_true) == 1, np.asarray(y_pred) == 1
    missed, wrong = (true & ~pred).astype(int), (pred & ~true).astype(int)
    n_domains = true.shape[1]
    counts = np.zeros((n_domains + 1, n_domains + 1), dtype=np.int64)
    counts[:-1, :-1] = missed.T @ wrong
    counts[np.arange(n_domains), np.arange(n_domains)] = (true & pred).sum(axis=0)
    counts[:-1, -1] = missed[~wrong.any(axis=1)].sum(axis=0)
    counts[-1, :-1] = wrong[~missed.any(axis=1)].sum(axis=0)
    counts[-1, -1] = int((~true & ~pred).all(axis=1).sum())
    return counts
