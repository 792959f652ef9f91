"""Coefficients of agreement: Cohen's kappa, Krippendorff's alpha, MASI; arrays in, numbers out.

Both coefficients are functions of sums over units, so that a bootstrap only has to weigh the
parts of each unit: `kappa_parts` and `alpha_parts` give the parts, `kappa_of` and `alpha_of` the
coefficients of their sums.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

#: A value that was not given.
MISSING = -1


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Agreement of two annotators beyond chance, in [-1, 1].

    Parameters
    ----------
    first, second : ndarray of shape (n_units,)
        0 or 1, or -1 where the annotator gave none; only units that both labelled count.

    Returns
    -------
    float
        nan where chance alone would agree always: both said the same of every unit, or there is none.

    Notes
    -----
    Cohen (1960), "A coefficient of agreement for nominal scales".
    """
    return float(kappa_of(kappa_parts(first[:, None], second[:, None]).sum(axis=0))[0])


def kappa_parts(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Each unit's place in the tables of two annotators.

    Parameters
    ----------
    first, second : ndarray of shape (n_units, n_domains)
        0, 1 or -1 (none given).

    Returns
    -------
    ndarray of shape (n_units, 4, n_domains), float64
        1 in the cell it falls in, of: both no, second alone, first alone, both yes; 0 in all where
        one gave none.
    """
    cells = np.where((first == MISSING) | (second == MISSING), MISSING, 2 * first + second)
    return np.stack([(cells == cell) for cell in range(4)], axis=1).astype(float)


def kappa_of(sums: np.ndarray) -> np.ndarray:
    """Kappa of tables (..., 4, n_domains) as `kappa_parts` orders them: (..., n_domains), nan where undefined."""
    neither, second, first, both = np.moveaxis(sums, -2, 0)
    n = neither + second + first + both
    # Times n squared, so that equal tables give equal numbers however many units there are.
    observed = n * (neither + both)
    expected = (first + both) * (second + both) + (neither + second) * (neither + first)
    return _ratio(observed - expected, n * n - expected)


def krippendorff_alpha(values: np.ndarray, distance: np.ndarray) -> float:
    """Agreement of any number of annotators, with gaps, under any distance.

    Parameters
    ----------
    values : ndarray of shape (n_annotators, n_units), int
        Numbers of values, or -1 where none was given.
    distance : ndarray of shape (n_values, n_values)
        Symmetric, >= 0, with 0 on the diagonal.

    Returns
    -------
    float
        At most 1; 0 is chance; nan where all values are the same or no unit has two.

    Notes
    -----
    Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". A distance that is the
    square of a metric (interval data) is given squared.
    """
    return float(alpha_of(alpha_parts(values, distance).sum(axis=0), distance))


def alpha_parts(values: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Each unit's share of the disagreement, and of the values.

    Parameters
    ----------
    values, distance
        As `krippendorff_alpha` takes them.

    Returns
    -------
    ndarray of shape (n_units, 1 + n_values), float64
        The sum of the coincidences' distances; then how often each value was given. Both are 0 for a
        unit with fewer than two values, which says nothing of agreement.
    """
    n_annotators, n_units = values.shape
    parts = np.zeros((n_units, 1 + len(distance)))
    n_given = (values != MISSING).sum(axis=0)
    for annotator in range(n_annotators):
        units = np.flatnonzero((values[annotator] != MISSING) & (n_given > 1))
        parts[units, 1 + values[annotator, units]] += 1
    for first, second in combinations(range(n_annotators), 2):
        units = np.flatnonzero((values[first] != MISSING) & (values[second] != MISSING))
        apart = distance[values[first, units], values[second, units]]
        parts[units, 0] += 2 * apart / (n_given[units] - 1)
    return parts


def alpha_of(sums: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Alpha of sums of `alpha_parts`, shape (..., 1 + n_values); (...), nan where undefined."""
    observed, counts = sums[..., 0], sums[..., 1:]
    expected = np.einsum("...i,ij,...j->...", counts, distance, counts)
    return 1 - _ratio((counts.sum(axis=-1) - 1) * observed, expected)


def nominal_distance(n_values: int) -> np.ndarray:
    """1 between any two values: float64, shape (n_values, n_values)."""
    return 1.0 - np.eye(n_values)


def masi_distance(first: np.ndarray, second: np.ndarray) -> float:
    """How far two label sets are apart, in [0, 1].

    Parameters
    ----------
    first, second : ndarray of shape (n_domains,)
        0 or 1; two empty sets are equal.

    Notes
    -----
    Passonneau (2006), "Measuring agreement on set-valued items (MASI) for semantic and pragmatic
    annotation": 1 less the Jaccard similarity times 1 (equal), 2/3 (one holds the other), 1/3
    (they overlap) or 0.
    """
    common, union = int((first & second).sum()), int((first | second).sum())
    if not union:
        return 0.0
    smaller, larger = sorted([int(first.sum()), int(second.sum())])
    if smaller == larger == common:
        return 0.0
    monotonicity = 2 / 3 if common == smaller and common else 1 / 3
    return 1 - common / union * monotonicity


def label_sets(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label sets as numbered values, and the MASI distance between them.

    Parameters
    ----------
    labels : ndarray of shape (n_annotators, n_units, n_domains), int8
        0 or 1; -1 where none were given.

    Returns
    -------
    values : ndarray of shape (n_annotators, n_units), int64
        -1 where none were given.
    distance : ndarray of shape (n_values, n_values), float64
    """
    is_given = labels[:, :, 0] != MISSING
    values = np.full(is_given.shape, MISSING)
    sets, numbers = np.unique(labels[is_given], axis=0, return_inverse=True)
    values[is_given] = numbers.ravel()
    distance = np.array([[masi_distance(a, b) for b in sets] for a in sets]).reshape(len(sets), len(sets))
    return values, distance


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """nan where the denominator is 0."""
    shape = np.broadcast(numerator, denominator).shape
    return np.divide(numerator, denominator, out=np.full(shape, np.nan), where=denominator > 0)
