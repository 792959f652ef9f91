"""Grouped folds: bulletins never part, every row is tested once, domains stay in balance."""

from __future__ import annotations

import numpy as np
import pytest

from tagger.corpus.splits import grouped_folds


def _labels(seed: int = 0, n_groups: int = 40, per_group: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of bulletins, each bulletin with a leaning of its own; the third domain is rare."""
    rng = np.random.default_rng(seed)
    leaning = rng.random((n_groups, 3)) * (0.6, 0.4, 0.06)
    groups = np.repeat([f"b{i:02}" for i in range(n_groups)], per_group)
    y_true = (rng.random((len(groups), 3)) < np.repeat(leaning, per_group, axis=0)).astype(np.int8)
    shuffled = rng.permutation(len(groups))
    return y_true[shuffled], groups[shuffled]


@pytest.mark.parametrize("n_folds", [2, 5, 40])
@pytest.mark.parametrize("seed", range(3))
def test_a_bulletin_is_never_on_both_sides(seed: int, n_folds: int) -> None:
    y_true, groups = _labels(seed)
    for train, test in grouped_folds(y_true, groups, n_folds=n_folds, seed=seed):
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("n_folds", [2, 5, 40])
def test_every_row_is_tested_once_and_trained_on_in_all_other_folds(n_folds: int) -> None:
    y_true, groups = _labels()
    folds = list(grouped_folds(y_true, groups, n_folds=n_folds, seed=1))
    assert len(folds) == n_folds
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(groups)))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(len(groups)))
        assert len(test) > 0


@pytest.mark.parametrize("seed", range(5))
def test_every_fold_has_its_share_of_every_domain(seed: int) -> None:
    y_true, groups = _labels(seed)
    counts = np.array([y_true[test].sum(axis=0) for _, test in grouped_folds(y_true, groups, n_folds=4, seed=seed)])
    wanted = y_true.sum(axis=0) / 4
    # A whole bulletin is placed at a time, and it has at most 8 sentences of a domain.
    assert (np.abs(counts - wanted) <= 4).all()


def test_folds_are_about_equally_large() -> None:
    y_true, groups = _labels(1)
    sizes = [len(test) for _, test in grouped_folds(y_true, groups, n_folds=5, seed=0)]
    assert max(sizes) - min(sizes) <= 16


def test_a_domain_of_three_bulletins_is_in_three_folds() -> None:
    y_true, groups = _labels(2)
    y_true[:, 2] = np.isin(groups, ["b03", "b11", "b30"])
    folds = grouped_folds(y_true, groups, n_folds=3, seed=0)
    assert [int(y_true[test, 2].sum()) for _, test in folds] == [8, 8, 8]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    y_true, groups = _labels(3)

    def tests_of(seed: int) -> list[list[int]]:
        return [test.tolist() for _, test in grouped_folds(y_true, groups, n_folds=5, seed=seed)]

    assert tests_of(1) == tests_of(1)
    same = np.tile([[1, 0, 0]], (len(groups), 1))  # groups that are all alike: only the seed decides
    first, second = (
        [groups[test].tolist() for _, test in grouped_folds(same, groups, n_folds=5, seed=seed)] for seed in (1, 2)
    )
    assert first != second


@pytest.mark.parametrize("n_folds", [0, 1, 4])
def test_a_number_of_folds_that_cannot_be_filled_is_refused(n_folds: int) -> None:
    y_true, groups = np.ones((6, 1)), np.repeat(["a", "b", "c"], 2)
    with pytest.raises(ValueError, match=f"{n_folds} folds of 3 groups: expected 2 to 3"):
        list(grouped_folds(y_true, groups, n_folds=n_folds, seed=0))
