"""Coverage at a risk, by hand and against every margin tried in turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tagger.evaluation.risk_coverage import coverage_at_risk

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]


def test_coverage_at_risk_by_hand() -> None:
    # Surest first: right, right, right, wrong, right; then one wrong of 4 is too much, of 5 it is not.
    y_proba = np.array([[0.99], [0.02], [0.95], [0.90], [0.30]])
    y_true = np.array([[1], [0], [1], [0], [0]])
    assert coverage_at_risk(y_true, y_proba, [0.5], risk=0.2)["domains"].tolist() == [1.0]
    found = coverage_at_risk(y_true, y_proba, [0.5], risk=0.19)
    assert found["domains"].tolist() == [0.6]
    assert found["margins"] == pytest.approx([0.45])


def _best_coverage(wrong: np.ndarray, confidence: np.ndarray, risk: float) -> float:
    """Every margin tried in turn."""
    kept = [confidence >= margin for margin in confidence]
    return max((k.mean() for k in kept if wrong[k].mean() <= risk), default=0.0)


@pytest.mark.parametrize("risk", [0.0, 0.03, 0.1, 0.25])
def test_coverage_at_risk_is_the_best_of_all_margins(risk: float, draw_scores: DrawArrays) -> None:
    y_true, y_proba = draw_scores(3)
    y_proba, thresholds = y_proba.round(2).astype(np.float32), np.array([0.3, 0.5, 0.62])
    found = coverage_at_risk(y_true, y_proba, thresholds, risk=risk)
    confidence = np.abs(y_proba.astype(float) - thresholds)
    wrong = (y_proba >= thresholds) != y_true
    best = [_best_coverage(w, c, risk) for w, c in zip(wrong.T, confidence.T, strict=True)]
    assert found["domains"] == pytest.approx(best, abs=1e-12)
    assert found["macro"] == pytest.approx(np.mean(best))
    # Its margins give what it says.
    assert (confidence >= found["margins"]).mean(axis=0) == pytest.approx(best, abs=1e-12)


def test_where_the_surest_is_wrong_nothing_may_be_decided_without_risk() -> None:
    y_true, y_proba = np.array([[0], [1]]), np.array([[0.99], [0.7]])
    found = coverage_at_risk(y_true, y_proba, [0.5], risk=0.0)
    assert (found["domains"].tolist(), found["margins"].tolist(), found["macro"]) == ([0.0], [np.inf], 0.0)
    assert coverage_at_risk(y_true, y_proba, [0.5], risk=0.5)["domains"].tolist() == [1.0]


def test_a_score_at_the_threshold_is_a_tag() -> None:
    for label, coverage in ((1, 1.0), (0, 0.0)):
        found = coverage_at_risk(np.array([[label]]), np.array([[0.5]]), [0.5], risk=0.0)
        assert found["domains"].tolist() == [coverage]


def test_texts_of_equal_confidence_are_decided_together() -> None:
    # 0.75 and 0.25 are as sure of opposite answers; one of the two is wrong.
    y_true, y_proba = np.array([[1], [1], [0]]), np.array([[0.75], [0.25], [0.5]])
    for order in ([0, 1, 2], [1, 0, 2]):
        found = coverage_at_risk(y_true[order], y_proba[order], [0.5], risk=0.3)
        assert found["domains"].tolist() == [0.0]
