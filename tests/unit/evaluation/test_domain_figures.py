"""What every figure of scores refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tagger.evaluation.calibration import calibration_error
from tagger.evaluation.ranking import average_precision
from tagger.evaluation.risk_coverage import coverage_at_risk

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("figure", [average_precision, calibration_error, lambda t, p: coverage_at_risk(t, p, 0.5)])
def test_scores_that_fit_no_labels_are_refused(figure, draw_scores: DrawArrays) -> None:
    y_true, y_proba = draw_scores(0)
    with pytest.raises(ValueError, match=r"y_true \(300, 3\) and y_proba \(299, 3\)"):
        figure(y_true, y_proba[:299])
    with pytest.raises(ValueError, match="2-d and not empty"):
        figure(y_true[:0], y_proba[:0])
    y_proba[4, 1] = np.nan
    with pytest.raises(ValueError, match="nan or infinity"):
        figure(y_true, y_proba)
