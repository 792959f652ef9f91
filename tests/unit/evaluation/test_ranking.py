"""Precision against recall without a threshold, against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from tagger.evaluation.ranking import average_precision, precision_recall_points

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_scikit_learn(seed: int, draw_scores: DrawArrays) -> None:
    y_true, y_proba = draw_scores(seed)
    found = average_precision(y_true, y_proba)
    each = average_precision_score(y_true, y_proba, average=None)
    assert found["domains"] == pytest.approx(each, abs=1e-9)
    assert found["macro"] == pytest.approx(average_precision_score(y_true, y_proba, average="macro"), abs=1e-9)


def test_average_precision_leaves_out_a_domain_without_positives(draw_scores: DrawArrays) -> None:
    y_true, y_proba = draw_scores(0)
    y_true[:, 1] = 0
    found = average_precision(y_true, y_proba)
    assert np.isnan(found["domains"]).tolist() == [False, True, False]
    assert found["macro"] == pytest.approx((found["domains"][0] + found["domains"][2]) / 2)
    assert np.isnan(average_precision(np.zeros_like(y_true), y_proba)["macro"])


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_are_those_of_scikit_learn(seed: int, draw_scores: DrawArrays) -> None:
    y_true, y_proba = (y[:, 0].round(2) for y in draw_scores(seed))  # equal scores among them
    precision, recall, _ = precision_recall_curve(y_true, y_proba)
    found = precision_recall_points(y_true, y_proba)
    assert found[0] == pytest.approx(recall[:-1][::-1], abs=1e-9)
    assert found[1] == pytest.approx(precision[:-1][::-1], abs=1e-9)


def test_without_a_positive_there_is_no_curve() -> None:
    with pytest.raises(ValueError, match="no positive"):
        precision_recall_points(np.zeros(3), np.ones(3))
