"""Metrics against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.metrics import hamming_loss as sklearn_hamming_loss

from tagger.evaluation.metrics import hamming_loss, score, union_by

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]
_IDS = ("traffic", "patrol", "propaganda")


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int, draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(seed)
    figures = score(y_true, y_pred, _IDS)
    assert figures["f1_micro"] == f1_score(y_true, y_pred, average="micro")
    assert figures["f1_macro"] == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    assert figures["precision_micro"] == precision_score(y_true, y_pred, average="micro")
    assert figures["recall_micro"] == recall_score(y_true, y_pred, average="micro")
    assert figures["exact_match"] == pytest.approx(accuracy_score(y_true, y_pred))


def test_figures_of_a_domain_are_those_of_its_column(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(0)
    for column, id in enumerate(_IDS):
        true, pred = y_true[:, column], y_pred[:, column]
        assert score(y_true, y_pred, _IDS)["domains"][id] == {
            "precision": pytest.approx(precision_score(true, pred)),
            "recall": pytest.approx(recall_score(true, pred)),
            "f1": pytest.approx(f1_score(true, pred)),
            "support": true.sum(),
        }


def test_figures_worked_out_by_hand() -> None:
    y_true = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]])
    y_pred = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]])
    figures = score(y_true, y_pred, _IDS)
    assert figures["n_texts"] == 4
    assert figures["precision_micro"] == figures["recall_micro"] == figures["f1_micro"] == 0.75
    assert figures["exact_match"] == 0.5
    assert figures["domains"]["patrol"] == {
        "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2
    }  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_a_ratio_without_a_denominator_is_zero_and_warns_of_nothing() -> None:
    empty = np.zeros((3, 3), dtype=np.int8)
    figures = score(empty, empty, _IDS)
    assert figures["f1_micro"] == figures["f1_macro"] == 0.0
    assert figures["exact_match"] == 1.0
    assert figures["domains"]["traffic"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_figures_are_plain_numbers_that_json_can_hold(draw_labels: DrawArrays) -> None:
    figures = score(*draw_labels(0), _IDS)
    assert {type(value) for value in figures.values()} == {int, float, dict}
    assert {type(v) for d in figures["domains"].values() for v in d.values()} == {int, float}


def test_a_larger_unit_has_the_labels_of_its_sentences() -> None:
    y = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [1, 0]], dtype=np.int8)
    union = union_by(y, ["b", "a", "b", "a", "c"])
    assert union.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert union.dtype == np.int8


def test_a_single_domain_is_scored_by_its_positives_alone() -> None:
    figures = score(np.array([[1], [0], [1]]), np.array([[1], [0], [0]]), ["traffic"])
    assert figures["domains"] == {
        "traffic": {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    }
    assert (figures["precision_micro"], figures["recall_micro"]) == (1.0, 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_hamming_loss_is_that_of_scikit_learn(seed: int, draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(seed)
    assert hamming_loss(y_true, y_pred) == pytest.approx(sklearn_hamming_loss(y_true, y_pred), abs=1e-9)
