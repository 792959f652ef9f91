"""Reliability against scikit-learn, calibration error by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from tagger.evaluation.calibration import calibration_error, reliability_curve

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("n_bins", [1, 10, 15])
def test_a_reliability_curve_is_that_of_scikit_learn(n_bins: int, draw_scores: DrawArrays) -> None:
    y_true, y_proba = (y[:, 0] for y in draw_scores(1))
    found = reliability_curve(y_true, y_proba, n_bins)
    positive, proba = calibration_curve(y_true, y_proba, n_bins=n_bins, strategy="quantile")
    assert found["share_positive"] == pytest.approx(positive, abs=1e-9)
    assert found["mean_proba"] == pytest.approx(proba, abs=1e-9)
    assert found["n_texts"].tolist() == [300 // n_bins] * n_bins


@pytest.mark.parametrize("seed", range(3))
def test_bins_of_equal_width_are_those_of_scikit_learn(seed: int, draw_scores: DrawArrays) -> None:
    y_true, y_proba = (y[:, 0].round(2) for y in draw_scores(seed))
    y_proba = np.clip(y_proba + 0.001, 0, 1)  # at the edge of a bin, the two round differently
    share, mean = calibration_curve(y_true, y_proba, n_bins=10, strategy="uniform")
    found = reliability_curve(y_true, y_proba, 10, strategy="width")
    assert found["mean_proba"] == pytest.approx(mean, abs=1e-9)
    assert found["share_positive"] == pytest.approx(share, abs=1e-9)
    assert found["n_texts"].sum() == 300


def test_calibration_error_by_hand() -> None:
    # Two bins of two: |0.15 - 0.5| and |0.8 - 1|, the same weight; the second domain is never wrong.
    y_true = np.array([[0, 0], [1, 0], [1, 1], [1, 1]])
    y_proba = np.array([[0.1, 0.0], [0.2, 0.0], [0.7, 1.0], [0.9, 1.0]])
    found = calibration_error(y_true, y_proba, n_bins=2)
    assert found["domains"] == pytest.approx([(0.35 + 0.2) / 2, 0.0])
    assert found["macro"] == pytest.approx(0.1375)


def test_a_bin_weighs_as_many_as_it_holds() -> None:
    # Three texts promise 0.2 and hold 1/3; one promises 0.6 and holds 1.
    y_true, y_proba = np.array([[0], [1], [0], [1]]), np.array([[0.2], [0.2], [0.2], [0.6]])
    assert calibration_error(y_true, y_proba, n_bins=2)["macro"] == pytest.approx(0.75 * (1 / 3 - 0.2) + 0.25 * 0.4)


def test_equal_scores_share_a_bin_whatever_the_order_of_the_texts(draw_scores: DrawArrays) -> None:
    # All scores 0.25, one in four right: split in bins by row, the error would be large.
    y_true = np.repeat([0, 1], [60, 20]).reshape(-1, 1)
    y_proba = np.full((80, 1), 0.25, dtype=np.float32)
    assert calibration_error(y_true, y_proba)["macro"] == 0.0
    y_true, y_proba = draw_scores(2)
    y_proba = y_proba.round(1)
    shuffled = np.random.default_rng(0).permutation(300)
    assert calibration_error(y_true, y_proba)["domains"] == pytest.approx(
        calibration_error(y_true[shuffled], y_proba[shuffled])["domains"], abs=1e-12
    )


def test_calibration_error_is_small_for_honest_scores_and_large_for_boastful_ones() -> None:
    rng = np.random.default_rng(0)
    y_proba = rng.random((20_000, 2))
    y_true = rng.random((20_000, 2)) < y_proba
    assert calibration_error(y_true, y_proba)["macro"] < 0.02
    # Pushed to 0 and 1, scores that should be 1/4 and 3/4 on average.
    assert calibration_error(y_true, y_proba.round())["macro"] == pytest.approx(0.25, abs=0.02)


def test_fewer_texts_than_bins_are_a_bin_each() -> None:
    found = reliability_curve(np.array([1, 0, 1]), np.array([0.9, 0.2, 0.4]))
    assert found["mean_proba"] == pytest.approx([0.2, 0.4, 0.9])
    assert found["share_positive"].tolist() == [0.0, 1.0, 1.0]


def test_a_reliability_curve_needs_a_bin_and_a_single_domain(draw_scores: DrawArrays) -> None:
    y_true, y_proba = draw_scores(0)
    with pytest.raises(ValueError, match="n_bins 0"):
        reliability_curve(y_true[:, 0], y_proba[:, 0], 0)
    with pytest.raises(ValueError, match="1-d and not empty"):
        reliability_curve(y_true, y_proba)
