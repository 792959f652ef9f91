"""Metrics against scikit-learn, intervals against bulletins that are really resampled."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from tagger.evaluation.metrics import bootstrap_interval, score, union_by

_IDS = ("traffic", "patrol", "propaganda")


def _labels(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y_true = (rng.random((n, 3)) < 0.3).astype(np.int8)
    return y_true, np.where(rng.random((n, 3)) < 0.2, 1 - y_true, y_true).astype(np.int8)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    y_true, y_pred = _labels(seed)
    figures = score(y_true, y_pred, _IDS)
    assert figures["f1_micro"] == f1_score(y_true, y_pred, average="micro")
    assert figures["f1_macro"] == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    assert figures["precision_micro"] == precision_score(y_true, y_pred, average="micro")
    assert figures["recall_micro"] == recall_score(y_true, y_pred, average="micro")
    assert figures["exact_match"] == pytest.approx(accuracy_score(y_true, y_pred))


def test_figures_of_a_domain_are_those_of_its_column() -> None:
    y_true, y_pred = _labels(0)
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


def test_figures_are_plain_numbers_that_json_can_hold() -> None:
    figures = score(*_labels(0), _IDS)
    assert {type(value) for value in figures.values()} == {int, float, dict}
    assert {type(v) for d in figures["domains"].values() for v in d.values()} == {int, float}


def test_a_larger_unit_has_the_labels_of_its_sentences() -> None:
    y = np.array([[1, 0], [0, 0], [0, 1], [0, 0], [1, 0]], dtype=np.int8)
    union = union_by(y, ["b", "a", "b", "a", "c"])
    assert union.tolist() == [[1, 1], [0, 0], [1, 0]]
    assert union.dtype == np.int8


def _resampled(y_true: np.ndarray, y_pred: np.ndarray, groups: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Every resample written out, row by row, and scored by scikit-learn."""
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=60)
    values: dict[str, list[float]] = {"micro": [], "macro": []}
    for weight in weights:
        rows = np.concatenate([np.tile(np.flatnonzero(groups == g), w) for g, w in zip(names, weight, strict=True)])
        for average, found in values.items():
            found.append(f1_score(y_true[rows], y_pred[rows], average=average, zero_division=0))
    return values


def test_intervals_are_those_of_bulletins_resampled_one_by_one() -> None:
    y_true, y_pred = _labels(3)
    groups = np.array([f"b{i % 7}" for i in range(40)])
    explicit = _resampled(y_true, y_pred, groups, seed=5)
    interval = bootstrap_interval(y_true, y_pred, groups, n_resamples=60, seed=5)
    for average, values in explicit.items():
        assert interval[f"f1_{average}"] == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_an_interval_holds_the_figure_itself() -> None:
    y_true, y_pred = _labels(1)
    interval = bootstrap_interval(y_true, y_pred, np.arange(40))
    figures = score(y_true, y_pred, _IDS)
    for name in ("f1_micro", "f1_macro"):
        low, high = interval[name]
        assert 0 <= low < figures[name] < high <= 1


def test_whole_bulletins_are_resampled_not_sentences() -> None:
    # One bulletin all right and one all wrong: with two bulletins, F1 goes from 0 to 1.
    y_true = np.ones((20, 1), dtype=np.int8)
    y_pred = np.repeat([[1], [0]], 10, axis=0).astype(np.int8)
    groups = np.repeat(["a", "b"], 10)
    assert bootstrap_interval(y_true, y_pred, groups)["f1_micro"] == (0.0, 1.0)


def test_a_single_bulletin_has_an_interval_of_one_point() -> None:
    y_true, y_pred = _labels(2)
    low, high = bootstrap_interval(y_true, y_pred, np.zeros(40))["f1_micro"]
    assert low == high == pytest.approx(f1_score(y_true, y_pred, average="micro"))


def test_a_lower_level_gives_a_narrower_interval_within_the_wider_one() -> None:
    y_true, y_pred = _labels(4)
    groups = np.arange(40) // 4
    wide = bootstrap_interval(y_true, y_pred, groups)["f1_micro"]
    narrow = bootstrap_interval(y_true, y_pred, groups, level=0.5)["f1_micro"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    y_true, y_pred = _labels(0)
    groups = np.arange(40) // 3
    first = bootstrap_interval(y_true, y_pred, groups, seed=1)
    assert first == bootstrap_interval(y_true, y_pred, groups, seed=1)
    assert first != bootstrap_interval(y_true, y_pred, groups, seed=2)


def test_a_single_domain_is_scored_by_its_positives_alone() -> None:
    figures = score(np.array([[1], [0], [1]]), np.array([[1], [0], [0]]), ["traffic"])
    assert figures["domains"] == {
        "traffic": {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    }
    assert (figures["precision_micro"], figures["recall_micro"]) == (1.0, 0.5)
