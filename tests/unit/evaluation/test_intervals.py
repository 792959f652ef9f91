"""Intervals against bulletins that are really resampled, and against the literature."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from tagger.evaluation.intervals import bootstrap_interval, domain_intervals, wilson_interval
from tagger.evaluation.metrics import score

DrawArrays = Callable[..., tuple[np.ndarray, np.ndarray]]
_IDS = ("traffic", "patrol", "propaganda")


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


def test_intervals_are_those_of_bulletins_resampled_one_by_one(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(3)
    groups = np.array([f"b{i % 7}" for i in range(40)])
    explicit = _resampled(y_true, y_pred, groups, seed=5)
    interval = bootstrap_interval(y_true, y_pred, groups, n_resamples=60, seed=5)
    for average, values in explicit.items():
        assert interval[f"f1_{average}"] == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_an_interval_holds_the_figure_itself(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(1)
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


def test_a_single_bulletin_has_an_interval_of_one_point(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(2)
    low, high = bootstrap_interval(y_true, y_pred, np.zeros(40))["f1_micro"]
    assert low == high == pytest.approx(f1_score(y_true, y_pred, average="micro"))


def test_a_lower_level_gives_a_narrower_interval_within_the_wider_one(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(4)
    groups = np.arange(40) // 4
    wide = bootstrap_interval(y_true, y_pred, groups)["f1_micro"]
    narrow = bootstrap_interval(y_true, y_pred, groups, level=0.5)["f1_micro"]
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_the_same_seed_gives_the_same_interval_and_another_seed_another(draw_labels: DrawArrays) -> None:
    y_true, y_pred = draw_labels(0)
    groups = np.arange(40) // 3
    first = bootstrap_interval(y_true, y_pred, groups, seed=1)
    assert first == bootstrap_interval(y_true, y_pred, groups, seed=1)
    assert first != bootstrap_interval(y_true, y_pred, groups, seed=2)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 10), (81, 263)])
def test_wilson_intervals_are_those_of_scipy(k: int, n: int) -> None:
    reference = binomtest(k, n).proportion_ci(method="wilson")
    low, high = wilson_interval(np.array([k]), np.array([n]))
    assert (low[0], high[0]) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_wilson_intervals_of_newcombes_example() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3: 81 of 263.
    low, high = wilson_interval(np.array([81]), np.array([263]))
    assert (round(low[0], 4), round(high[0], 4)) == (0.2553, 0.3662)


def test_intervals_of_domains_come_from_the_draws_of_the_others() -> None:
    rng = np.random.default_rng(0)
    y_true = (rng.random((60, 1)) < 0.4).astype(int)
    y_pred = np.where(rng.random((60, 1)) < 0.2, 1 - y_true, y_true)
    groups = np.arange(60) // 4
    (only,) = domain_intervals(y_true, y_pred, groups)
    assert tuple(only) == bootstrap_interval(y_true, y_pred, groups)["f1_macro"]
