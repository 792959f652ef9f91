"""Thresholds against an exhaustive search, and how rare domains are drawn to the shared one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tagger.models.thresholds import best_threshold, choose_thresholds


def _best_f1(y_true: np.ndarray, y_proba: np.ndarray) -> float:
    """The best F1 of every cut that can be made, one by one."""
    return max(f1_score(y_true, y_proba >= cut, zero_division=0) for cut in np.unique(y_proba))


def _scores(seed: int, n: int = 60, decimals: int = 8) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y_true = (rng.random(n) < 0.3).astype(int)
    y_true[0] = 1
    y_proba = np.clip(0.2 + 0.3 * y_true + rng.normal(0, 0.2, n), 0.01, 0.99).round(decimals)
    return y_true, y_proba


@pytest.mark.parametrize("decimals", [1, 2, 8], ids=lambda d: f"rounded_to_{d}")
@pytest.mark.parametrize("seed", range(8))
def test_no_other_cut_gives_a_better_f1(seed: int, decimals: int) -> None:
    y_true, y_proba = _scores(seed, decimals=decimals)
    threshold = best_threshold(y_true, y_proba)
    assert f1_score(y_true, y_proba >= threshold) == pytest.approx(_best_f1(y_true, y_proba), abs=1e-12)


def test_the_cut_lies_midway_between_its_neighbours() -> None:
    assert best_threshold(np.array([1, 1, 0]), np.array([0.9, 0.8, 0.3])) == pytest.approx(0.55)


def test_of_equally_good_cuts_the_highest_is_taken() -> None:
    # One hit of one tag, and two hits of four tags with two positives: both F1 2/3.
    y_true, y_proba = np.array([1, 0, 0, 1]), np.array([0.9, 0.7, 0.5, 0.3])
    assert best_threshold(y_true, y_proba) == pytest.approx(0.8)


def test_equal_scores_are_never_parted() -> None:
    y_true, y_proba = np.array([1, 0, 1, 0]), np.array([0.6, 0.6, 0.6, 0.2])
    assert best_threshold(y_true, y_proba) == pytest.approx(0.4)


def test_without_positives_the_cut_is_one_half() -> None:
    assert best_threshold(np.zeros(3), np.array([0.1, 0.2, 0.9])) == 0.5


@pytest.mark.parametrize(("score", "expected"), [(0.0, 1e-6), (1.0, 0.5), (0.6, 0.3)])
def test_where_every_text_is_positive_the_cut_stays_inside_the_unit_interval(score: float, expected: float) -> None:
    assert best_threshold(np.ones(4), np.full(4, score)) == pytest.approx(expected)


def test_single_precision_scores_are_cut_where_double_ones_are() -> None:
    y_true, y_proba = _scores(3)
    single = y_proba.astype(np.float32)
    tagged = single >= best_threshold(y_true, single)
    assert np.array_equal(tagged, y_proba >= best_threshold(y_true, y_proba))


def _two_domains() -> tuple[np.ndarray, np.ndarray]:
    first, second = _scores(1), _scores(2)
    return np.column_stack([first[0], second[0]]), np.column_stack([first[1], second[1]])


def test_without_shrinkage_each_domain_has_its_own_best_cut() -> None:
    y_true, y_proba = _two_domains()
    own = [best_threshold(t, p) for t, p in zip(y_true.T, y_proba.T, strict=True)]
    assert choose_thresholds(y_true, y_proba, shrinkage=0.0).tolist() == own


def test_with_as_many_positives_as_the_shrinkage_a_domain_gets_the_mean_of_its_own_and_the_shared_cut() -> None:
    y_true, y_proba = _two_domains()
    n_positives = y_true[:, 0].sum()
    thresholds = choose_thresholds(y_true, y_proba, shrinkage=float(n_positives))
    shared = best_threshold(y_true.ravel(), y_proba.ravel())
    own = best_threshold(y_true[:, 0], y_proba[:, 0])
    assert own != shared
    assert thresholds[0] == pytest.approx((own + shared) / 2)


@pytest.mark.parametrize("shrinkage", [0.0, 50.0])
def test_a_domain_without_positives_gets_the_shared_cut(shrinkage: float) -> None:
    y_true, y_proba = _two_domains()
    y_true[:, 1] = 0
    shared = best_threshold(y_true.ravel(), y_proba.ravel())
    assert choose_thresholds(y_true, y_proba, shrinkage=shrinkage)[1] == pytest.approx(shared)


def test_thresholds_are_double_precision_one_a_domain() -> None:
    thresholds = choose_thresholds(*_two_domains())
    assert thresholds.dtype == np.float64
    assert thresholds.shape == (2,)
    assert ((thresholds > 0) & (thresholds < 1)).all()


@pytest.mark.parametrize("y_proba", [np.zeros((3, 2)), np.zeros((4, 3)), np.zeros(8)])
def test_scores_of_another_shape_are_refused(y_proba: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"y_true \(4, 2\) and y_proba .* must be equal and 2-d"):
        choose_thresholds(np.zeros((4, 2)), y_proba)
