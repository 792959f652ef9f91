"""Calibration: the order of texts stays, and the curve is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from tagger.models.calibration import apply_sigmoids, fit_sigmoids


def _log_odds(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident scores: the true probability is that of a third of the log-odds, less one."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 4, n)
    y_true = (rng.random(n) < expit(scores / 3 - 1)).astype(int)
    return y_true, scores


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_are_those_of_scikit_learns_sigmoid_calibration(seed: int) -> None:
    y_true, scores = _log_odds(seed)
    X = scores[:, None]
    head = LogisticRegression().fit(X, y_true)
    judged = CalibratedClassifierCV(FrozenEstimator(head), method="sigmoid", ensemble=False).fit(X, y_true)
    decision = head.decision_function(X)[:, None]
    ours = apply_sigmoids(decision, *fit_sigmoids(y_true[:, None], decision))
    assert ours[:, 0] == pytest.approx(judged.predict_proba(X)[:, 1], abs=2e-3)


def test_overconfident_log_odds_are_brought_back() -> None:
    y_true, scores = _log_odds(0, n=20_000)
    slopes, intercepts = fit_sigmoids(y_true[:, None], scores[:, None])
    assert slopes[0] == pytest.approx(1 / 3, abs=0.02)
    assert intercepts[0] == pytest.approx(-1, abs=0.08)


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_texts_never_changes(seed: int) -> None:
    y_true, scores = _log_odds(seed, n=40)
    slopes, intercepts = fit_sigmoids(y_true[:, None], scores[:, None])
    assert slopes[0] > 0
    y_proba = apply_sigmoids(np.sort(scores)[:, None], slopes, intercepts)[:, 0]
    assert (np.diff(y_proba) >= 0).all()


@pytest.mark.parametrize("y_true", [np.zeros(4), np.ones(4)], ids=["no_positives", "no_negatives"])
def test_a_domain_of_one_kind_keeps_its_scores(y_true: np.ndarray) -> None:
    slopes, intercepts = fit_sigmoids(y_true[:, None], np.array([[-2.0], [-1.0], [1.0], [2.0]]))
    assert (slopes.tolist(), intercepts.tolist()) == ([1.0], [0.0])


def test_scores_that_point_the_wrong_way_are_left_alone() -> None:
    scores = np.array([[3.0], [2.0], [-2.0], [-3.0]])
    slopes, intercepts = fit_sigmoids(np.array([[0], [0], [1], [1]]), scores)
    assert (slopes.tolist(), intercepts.tolist()) == ([1.0], [0.0])


def test_each_domain_is_fitted_by_itself() -> None:
    (first, a), (second, b) = _log_odds(1), _log_odds(2)
    together = fit_sigmoids(np.column_stack([first, second]), np.column_stack([a, b]))
    alone = [fit_sigmoids(y[:, None], s[:, None]) for y, s in ((first, a), (second, b))]
    assert together[0].tolist() == [slope[0] for slope, _ in alone]
    assert together[1].tolist() == [intercept[0] for _, intercept in alone]


def test_separable_scores_do_not_run_away() -> None:
    # Platt's smoothed targets: 20 clean positives speak for 21/22, not for certainty.
    scores = np.concatenate([np.full(20, 2.0), np.full(20, -2.0)])[:, None]
    y_true = (scores > 0).astype(int)
    y_proba = apply_sigmoids(scores, *fit_sigmoids(y_true, scores))
    assert y_proba.max() == pytest.approx(21 / 22, abs=1e-3)
    assert y_proba.min() == pytest.approx(1 / 22, abs=1e-3)


def test_probabilities_are_single_precision_within_the_unit_interval() -> None:
    y_proba = apply_sigmoids(np.array([[-1e4, 0.0, 1e4]]), np.ones(3), np.zeros(3))
    assert y_proba.dtype == np.float32
    assert y_proba.tolist() == [[0.0, 0.5, 1.0]]
