"""The rule by which a retrained model takes the place of the one that serves."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.evaluation.comparison import FEW_BULLETINS
from tagger.evaluation.succession import judge_successor

_IDS = ("traffic", "patrol", "propaganda")


def _labels(n_bulletins: int = 60, per_bulletin: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random((n_bulletins * per_bulletin, 3)) < (0.4, 0.3, 0.3)).astype(np.int8)
    return y, np.repeat([f"b{i}" for i in range(n_bulletins)], per_bulletin)


def _flipped(y: np.ndarray, share: float, seed: int, columns: slice = slice(None)) -> np.ndarray:
    """The labels with a share of the answers wrong."""
    wrong = np.random.default_rng(seed).random(y.shape) < share
    mask = np.zeros(y.shape, dtype=bool)
    mask[:, columns] = wrong[:, columns]
    return np.where(mask, 1 - y, y).astype(np.int8)


def test_a_model_as_good_takes_the_place() -> None:
    y, groups = _labels()
    old = _flipped(y, 0.05, 1)
    verdict = judge_successor(y, old, old, groups, ids=_IDS, margin=0.02)
    assert verdict.accepted
    assert verdict.reason.endswith("+0.0 points [+0.0, +0.0], on 480 paragraphs of 60 bulletins")


def test_a_better_model_takes_the_place_without_any_margin() -> None:
    y, groups = _labels()
    assert judge_successor(y, _flipped(y, 0.02, 1), _flipped(y, 0.15, 2), groups, ids=_IDS, margin=0.0).accepted


def test_a_model_that_is_much_worse_does_not() -> None:
    y, groups = _labels()
    verdict = judge_successor(y, _flipped(y, 0.2, 1), _flipped(y, 0.05, 2), groups, ids=_IDS, margin=0.02)
    assert not verdict.accepted
    assert verdict.reason.startswith("worse: micro-F1 0.")
    assert verdict.comparison is not None
    assert verdict.comparison["f1_micro"]["interval"][1] < 0


def test_a_model_that_may_be_worse_is_not_shown_to_be_as_good() -> None:
    """With few labels, of two models that err equally often neither may take the other's place."""
    y, groups = _labels(n_bulletins=24, per_bulletin=3)
    verdict = judge_successor(y, _flipped(y, 0.1, 2), _flipped(y, 0.1, 1), groups, ids=_IDS, margin=0.02)
    assert not verdict.accepted
    assert verdict.reason.startswith("not shown to be as good: ")
    assert verdict.reason.endswith("; 2 points may be lost")


def test_the_margin_is_what_may_be_lost() -> None:
    y, groups = _labels()
    new, old = _flipped(y, 0.08, 1), _flipped(y, 0.05, 2)
    assert not judge_successor(y, new, old, groups, ids=_IDS, margin=0.02).accepted
    assert judge_successor(y, new, old, groups, ids=_IDS, margin=0.2).accepted


def test_a_domain_that_is_lost_counts_though_the_whole_is_better() -> None:
    y, groups = _labels()
    y[:, 2] = np.random.default_rng(5).random(len(y)) < 0.05
    old = np.concatenate([_flipped(y[:, :2], 0.15, 1), y[:, 2:]], axis=1)
    new = np.concatenate([y[:, :2], np.zeros((len(y), 1), dtype=np.int8)], axis=1)
    verdict = judge_successor(y, new, old, groups, ids=_IDS, margin=0.02)
    assert not verdict.accepted
    assert verdict.reason.startswith("worse in propaganda (0.00 against 1.00): micro-F1 0.9")


def test_a_domain_that_is_surely_worse_but_not_surely_by_more_than_the_margin_is_not_lost() -> None:
    """It loses 6 of some 145 measures, each in a bulletin of its own: about 2.1 points, give or take 1.5."""
    y, groups = _labels()
    old = np.concatenate([_flipped(y[:, :2], 0.15, 1), y[:, 2:]], axis=1)
    new = y.copy()
    rows = [np.flatnonzero((groups == f"b{i}") & (y[:, 2] == 1))[0] for i in (1, 11, 21, 31, 41, 51)]
    new[rows, 2] = 0
    verdict = judge_successor(y, new, old, groups, ids=_IDS, margin=0.02)
    assert verdict.comparison is not None
    entry = verdict.comparison["domains"][2]
    assert (entry["difference"] < -0.02, entry["p_holm"] < 0.05) == (True, True)
    assert verdict.accepted
    assert judge_successor(y, new, old, groups, ids=_IDS, margin=0.0).reason.startswith("worse in propaganda (0.98")


@pytest.mark.parametrize("n_bulletins", [0, 1, FEW_BULLETINS - 1])
def test_too_few_bulletins_tell_nothing(n_bulletins: int) -> None:
    y, groups = _labels(n_bulletins)
    verdict = judge_successor(y, y, 1 - y, groups, ids=_IDS, margin=0.02)
    assert (verdict.accepted, verdict.comparison) == (False, None)
    assert f"{n_bulletins} bulletins that neither model was trained on are too few" in verdict.reason
