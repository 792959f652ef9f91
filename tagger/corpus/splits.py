"""Splits that keep a bulletin on one side and the domains in balance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def grouped_folds(
    y_true: np.ndarray, groups: np.ndarray, *, n_folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """K folds over groups, stratified over the domains.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    groups : ndarray of shape (n_texts,)
        Texts of one group never part.
    n_folds : int
        At least 2 and at most the number of groups.
    seed : int
        Decides between equally good places.

    Yields
    ------
    train, test : ndarray of int
        Row numbers; the test rows of all folds together are every row, once.

    Raises
    ------
    ValueError
        Fewer groups than folds, or fewer than 2 folds.

    Notes
    -----
    Sechidis, Tsoumakas and Vlahavas (2011), "On the stratification of multi-label data",
    with groups in the place of texts: the group richest in the domain that is scarcest
    goes where that domain lacks most.
    """
    names, rows = np.unique(groups, return_inverse=True)
    if n_folds < 2 or len(names) < n_folds:
        raise ValueError(f"{n_folds} folds of {len(names)} groups: expected 2 to {len(names)}")
    counts = np.zeros((len(names), y_true.shape[1] + 1))
    np.add.at(counts, rows, np.column_stack([y_true, y_true.sum(axis=1) == 0]))
    fold_of = _assign(counts, n_folds, np.random.default_rng(seed))
    for fold in range(n_folds):
        is_test = fold_of[rows] == fold
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _assign(counts: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    wanted = np.tile(counts.sum(axis=0) / n_folds, (n_folds, 1))
    fold_of = np.full(len(counts), -1)
    rarity = 1 / np.clip(counts.sum(axis=0), 1, None)
    order = np.argsort(-(counts * rarity).max(axis=1) + rng.random(len(counts)) * 1e-9)
    for group in order:
        scarcest = int(np.argmax(counts[group] * rarity))
        lacking = wanted[:, scarcest] + 1e-3 * wanted.sum(axis=1) + rng.random(n_folds) * 1e-9
        fold_of[group] = fold = int(np.argmax(lacking))
        wanted[fold] -= counts[group]
    return fold_of
