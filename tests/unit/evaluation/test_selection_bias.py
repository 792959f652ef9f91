"""The best of many models flatters itself; the correction takes about as much away as luck has added."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.evaluation.metrics import score
from tagger.evaluation.selection_bias import correct_for_choice


def _task(seed: int, n_groups: int = 40, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Labels of three domains, and the bulletin of each text."""
    rng = np.random.default_rng(seed)
    return (rng.random((n_groups * size, 3)) < 0.3).astype(np.int8), np.repeat(np.arange(n_groups), size)


def _predict(y_true: np.ndarray, error: float, rng: np.random.Generator) -> np.ndarray:
    """Tags that are wrong at a rate."""
    return np.where(rng.random(y_true.shape) < error, 1 - y_true, y_true)


@pytest.mark.parametrize("metric", ["f1_macro", "f1_micro"])
def test_what_it_calls_apparent_is_the_best_score(metric: str) -> None:
    y_true, groups = _task(1)
    rng = np.random.default_rng(2)
    y_preds = [_predict(y_true, error, rng) for error in (0.3, 0.1, 0.2)]
    found = correct_for_choice(y_true, y_preds, groups, metric=metric, n_resamples=50)
    assert found["apparent"] == pytest.approx(score(y_true, y_preds[1], ["a", "b", "c"])[metric], abs=1e-12)
    assert found["n_models"] == 3
    assert found["optimism"] == pytest.approx(found["apparent"] - found["corrected"])


def test_among_models_alike_it_takes_back_what_luck_added() -> None:
    truth, apparent, corrected = [], [], []
    for seed in range(30):
        y_true, groups = _task(seed, n_groups=40, size=6)
        rng = np.random.default_rng(1000 + seed)
        y_preds = [_predict(y_true, 0.15, rng) for _ in range(30)]
        found = correct_for_choice(y_true, y_preds, groups, n_resamples=200, seed=seed)
        fresh, _ = _task(5000 + seed, n_groups=400, size=6)
        truth.append(score(fresh, _predict(fresh, 0.15, rng), ["a", "b", "c"])["f1_macro"])
        apparent.append(found["apparent"])
        corrected.append(found["corrected"])
    flattery = np.mean(apparent) - np.mean(truth)
    left = np.mean(corrected) - np.mean(truth)
    assert flattery > 0.02
    # A little low, as each resample scores a few bulletins only; never high.
    assert -0.4 * flattery < left < 0.1 * flattery


def test_a_model_that_is_clearly_best_keeps_its_score() -> None:
    y_true, groups = _task(3)
    rng = np.random.default_rng(4)
    y_preds = [_predict(y_true, 0.05, rng), *(_predict(y_true, 0.4, rng) for _ in range(10))]
    found = correct_for_choice(y_true, y_preds, groups, n_resamples=300)
    assert abs(found["optimism"]) < 0.01
    assert found["interval"][0] < found["apparent"] < found["interval"][1]


def test_the_same_seed_gives_the_same_figures_and_another_gives_others() -> None:
    y_true, groups = _task(5)
    y_preds = [_predict(y_true, 0.2, np.random.default_rng(n)) for n in range(5)]
    one, again, other = (correct_for_choice(y_true, y_preds, groups, n_resamples=40, seed=s) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_domains_without_a_label_or_tag_count_nothing() -> None:
    y_true, groups = np.zeros((8, 2), dtype=np.int8), np.arange(8)
    found = correct_for_choice(y_true, [y_true, y_true], groups, n_resamples=20)
    assert (found["apparent"], found["corrected"]) == (0.0, 0.0)


@pytest.mark.parametrize(("n_models", "n_groups"), [(0, 4), (2, 1)])
def test_nothing_to_choose_from_or_by_is_an_error(n_models: int, n_groups: int) -> None:
    y_true, groups = _task(1, n_groups=n_groups)
    with pytest.raises(ValueError, match="expected 1 or more on 2 or more"):
        correct_for_choice(y_true, [y_true] * n_models, groups)
