"""Signals are weighed and calibrated by one logistic regression a domain."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tagger.models.combiner import Combiner, fit_combiner


@pytest.fixture
def signals() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(300, 2, 3))


@pytest.fixture
def y_true(signals: np.ndarray) -> np.ndarray:
    """The first domain follows its first signal, the second its third."""
    noise = np.random.default_rng(1).normal(scale=0.5, size=(300, 2))
    return (np.column_stack([signals[:, 0, 0], signals[:, 1, 2]]) + noise > 0).astype(int)


def test_the_weights_are_those_of_logistic_regression(signals: np.ndarray, y_true: np.ndarray) -> None:
    combiner = fit_combiner(y_true, signals)
    for column in range(2):
        expected = LogisticRegression(max_iter=1000).fit(signals[:, column], y_true[:, column])
        np.testing.assert_allclose(combiner.weights[column], expected.coef_[0])
        probabilities = combiner.predict_proba(signals)[:, column]
        np.testing.assert_allclose(probabilities, expected.predict_proba(signals[:, column])[:, 1], atol=1e-6)


def test_the_signal_that_decides_weighs_most(signals: np.ndarray, y_true: np.ndarray) -> None:
    weights = np.abs(fit_combiner(y_true, signals).weights)
    assert weights.argmax(axis=1).tolist() == [0, 2]


def test_probabilities_are_calibrated_on_average(signals: np.ndarray, y_true: np.ndarray) -> None:
    probabilities = fit_combiner(y_true, signals).predict_proba(signals)
    np.testing.assert_allclose(probabilities.mean(axis=0), y_true.mean(axis=0), atol=1e-3)


@pytest.mark.parametrize("value", [0, 1])
def test_a_domain_of_one_kind_passes_its_first_signal_on(signals: np.ndarray, value: int) -> None:
    combiner = fit_combiner(np.full((300, 2), value), signals)
    assert combiner.weights.tolist() == [[1, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(combiner.log_odds(signals), signals[:, :, 0])


def test_a_combiner_survives_json(signals: np.ndarray, y_true: np.ndarray) -> None:
    combiner = fit_combiner(y_true, signals)
    again = Combiner.from_dict(combiner.to_dict())
    np.testing.assert_array_equal(again.predict_proba(signals), combiner.predict_proba(signals))


@pytest.mark.parametrize(
    "data",
    [
        {"weights": [1.0, 2.0], "intercepts": [0.0, 0.0]},
        {"weights": [[1.0]], "intercepts": [0.0, 0.0]},
        {"weights": [[float("nan")]], "intercepts": [0.0]},
    ],
)
def test_weights_of_the_wrong_form_are_refused(data: dict) -> None:
    with pytest.raises(ValueError, match="weights"):
        Combiner.from_dict(data)
