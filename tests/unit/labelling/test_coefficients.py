"""Kappa, alpha and MASI against published examples and against other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tagger.labelling.coefficients import (
    MISSING,
    alpha_of,
    alpha_parts,
    cohen_kappa,
    kappa_of,
    kappa_parts,
    krippendorff_alpha,
    label_sets,
    masi_distance,
    nominal_distance,
)


def _values(*rows: str) -> np.ndarray:
    return np.array([[MISSING if value == "." else int(value) for value in row.split()] for row in rows])


#: Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", example C: four observers, gaps.
_FOUR = _values(
    "1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."
)


def test_alpha_of_binary_data_is_krippendorffs() -> None:
    """Example A: Meg and Owen on ten articles; 0.095."""
    values = _values("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
    assert krippendorff_alpha(values, nominal_distance(2)) == pytest.approx(1 - 19 * 4 / (14 * 6), abs=1e-9)


def test_alpha_of_nominal_data_is_krippendorffs() -> None:
    """Example B: Ben and Gerry, categories a to e, twelve units; 0.692."""
    values = np.array([["abcde".index(v) for v in row] for row in ("aabbdcccedda", "babbbccceddd")])
    counts = np.bincount(values.ravel())
    agreed = 2 + 4 + 6 + 4 + 2  # o_cc of a to e in the printed coincidence matrix
    by_hand = 1 - 23 * (24 - agreed) / (24 * 24 - (counts**2).sum())
    assert krippendorff_alpha(values, nominal_distance(5)) == pytest.approx(by_hand, abs=1e-9)
    assert by_hand == pytest.approx(0.692, abs=5e-4)


def test_alpha_with_gaps_and_four_observers_is_krippendorffs() -> None:
    """Example C, nominal: (39 * 32 - 344) / (1560 - 344), 0.743."""
    assert krippendorff_alpha(_FOUR, nominal_distance(6)) == pytest.approx(904 / 1216, abs=1e-9)


def test_alpha_takes_any_distance() -> None:
    """Example C, interval data: 0.849."""
    ranks = np.arange(6.0)
    alpha = krippendorff_alpha(_FOUR, (ranks[:, None] - ranks) ** 2)
    assert alpha == pytest.approx(0.849107142857143, abs=1e-9)


def test_a_unit_with_one_value_does_not_count() -> None:
    alone = np.append(_FOUR, [[5], [MISSING], [MISSING], [MISSING]], axis=1)
    assert krippendorff_alpha(alone, nominal_distance(6)) == krippendorff_alpha(_FOUR, nominal_distance(6))


def test_alpha_and_kappa_are_not_defined_without_variety() -> None:
    same = np.ones((2, 5), dtype=int)
    assert np.isnan(krippendorff_alpha(same, nominal_distance(2)))
    assert np.isnan(cohen_kappa(same[0], same[1]))
    assert np.isnan(krippendorff_alpha(_values("1 . 1", ". 1 ."), nominal_distance(2)))


def test_kappa_is_cohens() -> None:
    """The worked example of fifty grant proposals: 20 both yes, 15 both no, 5 and 10 apart; 0.4."""
    first = np.array([1] * 25 + [0] * 25)
    second = np.array([1] * 20 + [0] * 5 + [1] * 10 + [0] * 15)
    assert cohen_kappa(first, second) == pytest.approx(0.4, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(arrays(np.int8, (2, 12), elements=st.integers(0, 1)))
def test_kappa_is_scikit_learns(values: np.ndarray) -> None:
    from sklearn.metrics import cohen_kappa_score

    if len(np.unique(values)) == 2 and not (values[0] == values[0][0]).all():
        expected = cohen_kappa_score(values[0], values[1], labels=[0, 1])
        assert cohen_kappa(values[0], values[1]) == pytest.approx(expected, abs=1e-12)


def test_kappa_leaves_out_what_one_did_not_label() -> None:
    first, second = np.array([1, 0, 1, 0, 1]), np.array([1, 0, 0, 0, MISSING])
    assert cohen_kappa(first, second) == cohen_kappa(first[:4], second[:4])


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("abc", "abc", 0.0),
        ("ab", "abcd", 1 - 1 / 2 * 2 / 3),  # one holds the other; NLTK prints 0.665 with its rounded weight
        ("abc", "bcd", 1 - 1 / 2 * 1 / 3),  # they overlap
        ("ab", "cd", 1.0),
        ("", "", 0.0),
        ("", "a", 1.0),
    ],
)
def test_masi_is_passonneaus(first: str, second: str, distance: float) -> None:
    a, b = (np.array([letter in word for letter in "abcd"], dtype=np.int8) for word in (first, second))
    assert masi_distance(a, b) == pytest.approx(distance, abs=1e-12)
    assert masi_distance(b, a) == masi_distance(a, b)


def test_label_sets_are_numbered_and_gaps_kept() -> None:
    labels = np.array([[[1, 0], [0, 0], [1, 1]], [[1, 0], [-1, -1], [0, 1]]], dtype=np.int8)
    values, distance = label_sets(labels)
    assert values[0, 0] == values[1, 0]
    assert values[1, 1] == MISSING
    assert distance[values[0, 2], values[1, 2]] == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert (np.diag(distance) == 0).all()
    assert (distance == distance.T).all()


@settings(max_examples=40, deadline=None)
@given(arrays(np.int8, (3, 8), elements=st.integers(-1, 2)), arrays(np.int64, 8, elements=st.integers(0, 3)))
def test_weighted_parts_are_the_alpha_of_repeated_units(values: np.ndarray, weights: np.ndarray) -> None:
    """What the bootstrap relies on: a unit drawn twice is a unit that stands there twice."""
    distance = nominal_distance(3)
    weighted = alpha_of(weights @ alpha_parts(values, distance), distance)
    repeated = krippendorff_alpha(np.repeat(values, weights, axis=1), distance)
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(arrays(np.int8, (2, 8, 2), elements=st.integers(0, 1)), arrays(np.int64, 8, elements=st.integers(0, 3)))
def test_weighted_parts_are_the_kappa_of_repeated_units(labels: np.ndarray, weights: np.ndarray) -> None:
    weighted = kappa_of(np.tensordot(weights, kappa_parts(*labels), axes=1))
    repeated = [cohen_kappa(*np.repeat(labels[:, :, column], weights, axis=1)) for column in range(2)]
    np.testing.assert_allclose(weighted, repeated, atol=1e-12)
