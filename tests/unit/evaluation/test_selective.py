"""Selective prediction: promises that hold on new bulletins, p-values against references, the review load."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tagger.evaluation.selective import (
    answer,
    calibrate_selective,
    fewest_texts,
    held_out_load,
    likeness,
    p_value,
    review_load,
)


def _bulletins(seed: int, n_bulletins: int, effect: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and bulletins of a world in which each bulletin is told better or worse as a whole."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(n_bulletins), rng.integers(8, 36, n_bulletins))
    y_true = rng.random(len(of)) < rng.beta(0.6, 3.0, n_bulletins)[of]
    noise = rng.logistic(0, 0.8, len(of)) + rng.normal(0, effect, n_bulletins)[of]
    y_proba = 1 / (1 + np.exp(-(np.where(y_true, 2.5, -2.5) + noise)))
    return y_true[:, None].astype(np.int8), y_proba[:, None], of


@pytest.fixture(scope="module")
def population() -> tuple[np.ndarray, np.ndarray]:
    """What the promises are about: labels and scores of a world of bulletins."""
    return _bulletins(0, 5_000)[:2]


@pytest.mark.parametrize("n_bulletins", [80, 250])
def test_promises_are_kept_in_nearly_all_worlds(population: tuple[np.ndarray, np.ndarray], n_bulletins: int) -> None:
    n_worlds, n_broken, n_yes = 120, np.zeros(2), 0
    for seed in range(1, n_worlds + 1):
        bounds = calibrate_selective(*_bulletins(seed, n_bulletins), precision=0.95, recall=0.95, delta=0.1)
        load = review_load(*population, bounds)
        n_yes += np.isfinite(bounds[0, 1])
        n_broken += [load["precision"] < 0.95, load["lost"] > 0.05]
    # Three standard errors above the promised one in ten.
    assert (n_broken / n_worlds <= 0.1 + 3 * math.sqrt(0.09 / n_worlds)).all(), n_broken
    # And not by asking always.
    assert n_yes >= n_worlds * (0.1 if n_bulletins == 80 else 0.5)


def test_taking_sentences_for_a_sample_of_their_own_would_break_promises() -> None:
    # What the grouping is there for: bulletins that are told well or badly as a whole.
    population = _bulletins(0, 20_000, effect=2.5)[:2]
    n_lost = [0, 0]
    for seed in range(1, 61):
        y_true, y_proba, of = _bulletins(seed, 250, effect=2.5)
        for way, groups in enumerate((of, np.arange(len(of)))):
            bounds = calibrate_selective(y_true, y_proba, groups, delta=0.1)
            n_lost[way] += review_load(*population, bounds)["lost"] > 0.05
    assert n_lost[0] <= 60 * 0.1 + 3 * math.sqrt(60 * 0.09)
    assert n_lost[1] > 2 * n_lost[0]


@pytest.mark.parametrize(("n_texts", "n_errors"), [(45, 0), (100, 2), (400, 9), (60, 3)])
def test_of_single_texts_the_p_value_is_the_binomial_one(n_texts: int, n_errors: int) -> None:
    errors = np.zeros(n_texts)
    errors[:n_errors] = 1
    expected = 1.0 if n_errors >= n_texts * 0.05 else binom.cdf(n_errors, n_texts, 0.05)
    # A rate's variance over n bulletins has n - 1 degrees of freedom: a design effect of n / (n - 1).
    assert p_value(errors, np.ones(n_texts), 0.05) == pytest.approx(expected, rel=0.03)
    if not n_errors:
        assert p_value(errors, np.ones(n_texts), 0.05) == pytest.approx(expected, abs=1e-12)


def test_errors_that_come_together_surprise_less() -> None:
    counts = np.full(50, 8.0)
    spread, together = np.zeros(50), np.zeros(50)
    spread[:6], together[0] = 1, 6
    assert p_value(together, counts, 0.05) > 2 * p_value(spread, counts, 0.05)


def test_texts_that_are_known_to_be_alike_count_less_even_without_an_error() -> None:
    errors, counts = np.zeros(20), np.full(20, 5.0)
    assert p_value(errors, counts, 0.05) == pytest.approx(0.95**100)
    assert p_value(errors, counts, 0.05, likeness=0.25) == pytest.approx(0.95**50)  # an effect of 1 + 0.25 * 4
    assert p_value(errors, counts, 0.05, likeness=1.0) == pytest.approx(0.95**20)


def test_likeness_is_one_of_bulletins_that_are_wrong_as_a_whole_and_nothing_of_single_texts() -> None:
    of = np.repeat(np.arange(40), 5)
    wrong = (of % 4 == 0)[:, None]
    assert likeness([(np.ones_like(wrong), wrong)], of) == pytest.approx(1)
    assert likeness([(np.ones_like(wrong), wrong)], np.arange(200)) == 0
    chance = np.random.default_rng(0).random((200, 1)) < 0.3
    assert likeness([(np.ones_like(wrong), chance)], of) < 0.1


@pytest.mark.parametrize(("risk", "delta", "expected"), [(0.05, 0.1, 45), (0.05, 0.05, 59), (0.1, 0.1, 22)])
def test_so_many_texts_without_an_error_are_just_enough(risk: float, delta: float, expected: int) -> None:
    assert fewest_texts(risk, delta) == expected
    assert (1 - risk) ** expected <= delta < (1 - risk) ** (expected - 1)


def test_a_domain_with_too_few_positives_is_always_asked() -> None:
    y_true, y_proba = np.zeros((400, 1), dtype=np.int8), np.full((400, 1), 0.01)
    y_true[::10], y_proba[::10] = 1, 0.99  # 40, told without an error
    bounds = calibrate_selective(y_true, y_proba, np.arange(400) // 8)
    assert bounds.tolist() == [[0.0, math.inf]]
    yes, ask = answer(y_proba, bounds)
    assert ask.all()
    assert not yes.any()


def test_few_bulletins_are_no_sample_however_many_their_sentences() -> None:
    y_true = np.tile(np.array([[1], [0]], dtype=np.int8), (500, 1))
    y_proba = np.where(y_true == 1, 0.9, 0.1)
    assert calibrate_selective(y_true, y_proba, np.arange(1000) // 100).tolist() == [[0.0, math.inf]]
    assert np.isfinite(calibrate_selective(y_true, y_proba, np.arange(1000) // 20)).all()


def test_where_both_promises_hold_at_once_nobody_is_asked() -> None:
    y_true = np.tile(np.array([[1], [0], [0]], dtype=np.int8), (400, 1))
    y_proba = np.where(y_true == 1, 0.9, 0.2)
    ((low, high),) = calibrate_selective(y_true, y_proba, np.arange(1200) // 12, thresholds=np.array([0.6]))
    assert low == high == 0.6
    assert review_load(y_true, y_proba, np.array([[low, high]]))["share_asked"] == 0


def test_a_domain_whose_best_scores_are_wrong_is_never_answered_yes() -> None:
    rng = np.random.default_rng(0)
    y_true = (rng.random((3000, 1)) < 0.5).astype(np.int8)
    y_proba = rng.random((3000, 1))
    ((low, high),) = calibrate_selective(y_true, y_proba, np.arange(3000) // 20)
    assert math.isinf(high)
    assert 0 < low < 0.08  # of scores by chance, 5 % of the true texts lie below 0.05


@pytest.mark.parametrize("promise", [{"precision": 0.99}, {"recall": 0.99}, {"delta": 0.01}], ids=str)
def test_more_promised_is_more_asked(promise: dict[str, float]) -> None:
    y_true, y_proba, of = _bulletins(3, 300, effect=0.3)
    share = [review_load(y_true, y_proba, calibrate_selective(y_true, y_proba, of, **own))["share_asked"]
             for own in ({"precision": 0.9, "recall": 0.9}, {"precision": 0.9, "recall": 0.9, **promise})]  # fmt: skip
    assert share[1] > share[0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_texts_and_the_names_of_bulletins_change_nothing(seed: int) -> None:
    y_true, y_proba, of = _bulletins(4, 60, effect=0.3)
    order = np.random.default_rng(seed).permutation(len(of))
    names = np.array([f"b{(number * 7919) % 60:02}" for number in range(60)])
    bounds = calibrate_selective(y_true, y_proba, of)
    assert np.array_equal(calibrate_selective(y_true[order], y_proba[order], names[of[order]]), bounds)


def test_bounds_are_in_order_and_in_range() -> None:
    for seed in range(20):
        y_true, y_proba, of = _bulletins(seed, 100)
        ((low, high),) = calibrate_selective(y_true, y_proba.round(1), of)
        assert 0 <= low <= high
        assert high <= 1 or math.isinf(high)


def test_what_is_asked_found_and_lost_is_told_by_domain_and_in_all() -> None:
    y_true = np.array([[1, 0], [1, 0], [1, 1], [0, 0]])
    y_proba = np.array([[0.9, 0.1], [0.5, 0.1], [0.1, 0.9], [0.9, 0.5]])
    load = review_load(y_true, y_proba, np.array([[0.2, 0.8], [0.2, 0.8]]))
    assert (load["n_units"], load["share_asked"], load["questions"]) == (4, 0.5, 0.5)
    assert load["precision"] == pytest.approx(2 / 3)
    assert [load[name] for name in ("found", "asked", "lost")] == [0.5, 0.25, 0.25]
    domains = load["domains"]
    assert domains["share_yes"].tolist() == [0.5, 0.25]
    assert domains["precision"].tolist() == [0.5, 1.0]
    assert domains["lost"].tolist() == pytest.approx([1 / 3, 0])


def test_of_a_paragraph_a_question_is_settled_by_a_yes_of_its_sentences() -> None:
    y_true, y_proba = np.array([[1], [0], [1]]), np.array([[0.9], [0.5], [0.5]])
    load = review_load(y_true, y_proba, np.array([[0.2, 0.8]]), keys=[0, 0, 1])
    assert (load["n_units"], load["share_asked"], load["precision"]) == (2, 0.5, 1.0)
    assert (load["found"], load["asked"], load["lost"]) == (0.5, 0.5, 0.0)


def test_a_ratio_without_a_denominator_is_no_number() -> None:
    load = review_load(np.array([[0]]), np.array([[0.5]]), np.array([[0.0, math.inf]]))
    assert math.isnan(load["precision"])
    assert math.isnan(load["lost"])


def test_the_load_is_told_by_bounds_of_other_bulletins() -> None:
    y_true, y_proba, of = _bulletins(5, 300, effect=0.3)
    load = held_out_load(y_true, y_proba, of, precision=0.9, recall=0.9)
    seen = review_load(y_true, y_proba, calibrate_selective(y_true, y_proba, of, precision=0.9, recall=0.9))
    assert load["n_units"] == len(of)
    assert load["share_asked"] == pytest.approx(seen["share_asked"], abs=0.05)
    assert load["precision"] > 0.89
    # Labels that stand on their heads in one fold's bulletins are told by the others alone.
    assert held_out_load(y_true, y_proba, np.zeros(len(of)))["share_asked"] == 1


@pytest.mark.parametrize(
    ("y_proba", "groups", "promises"),
    [
        (np.zeros((3, 1)), np.zeros(3), {}),
        (np.zeros((4, 1)), np.zeros(3), {}),
        (np.full((4, 1), np.nan), np.zeros(4), {}),
        (np.full((4, 1), 1.5), np.zeros(4), {}),
        (np.zeros((4, 1)), np.zeros(4), {"precision": 1.0}),
        (np.zeros((4, 1)), np.zeros(4), {"recall": 0.0}),
        (np.zeros((4, 1)), np.zeros(4), {"delta": 2.0}),
    ],
)
def test_what_cannot_be_calibrated_is_refused(
    y_proba: np.ndarray, groups: np.ndarray, promises: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=r"expected|must agree|between 0 and 1"):
        calibrate_selective(np.zeros((4, 1)), y_proba, groups, **promises)
