"""How far a figure can be trusted: intervals by resampling whole bulletins, and of shares."""

from __future__ import annotations

import numpy as np

from tagger.evaluation.metrics import count_tags, f1_figures


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
    draws = resample_sums(count_tags(y_true, y_pred), groups, n_resamples=n_resamples, seed=seed)
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
    sums = sum_groups(values, groups)
    n_groups = len(sums)
    rng = np.random.default_rng(seed)
    uniform = np.full(n_groups, 1 / n_groups)
    # One draw at a time: all at once would take a gigabyte for 100,000 bulletins.
    flat = sums.reshape(n_groups, -1)
    draws = [rng.multinomial(n_groups, uniform).astype(float) @ flat for _ in range(n_resamples)]
    return np.array(draws).reshape(n_resamples, *values.shape[1:])


def sum_groups(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sums of the texts of each bulletin.

    Parameters
    ----------
    values : ndarray of shape (n_texts, ...)
    groups : ndarray of shape (n_texts,)
        The bulletin of each text; n_texts is at least 1.

    Returns
    -------
    ndarray of shape (n_groups, ...)
        float64, in the order of the sorted names.
    """
    _, rows = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(rows.max()) + 1, *values.shape[1:]))
    np.add.at(sums, rows, values.astype(float))
    return sums


def percentile_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """The middle `level` of resampled values: (low, high).

    Parameters
    ----------
    values : ndarray of shape (n_resamples,)
    level : float
        In (0, 1).
    """
    low, high = np.percentile(values, [50 * (1 - level), 50 * (1 + level)])
    return float(low), float(high)


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
