"""How much the best of many models flatters itself, and what it would score where nobody chose by it.

Arrays in, plain numbers out; imports no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.evaluation.intervals import sum_groups
from tagger.evaluation.metrics import count_tags, f1_of_counts


def correct_for_choice(
    y_true: np.ndarray, y_preds: Sequence[np.ndarray], groups: np.ndarray, *,
    metric: str = "f1_macro", n_resamples: int = 1000, seed: int = 0, level: float = 0.95,
) -> dict[str, Any]:  # fmt: skip
    """The score of "the best of these" on bulletins that it was not chosen by.

    The best of many scores is high partly by luck. Every resample of the bulletins chooses the
    best model on those that it drew and scores it on those that it left out; no model is trained
    again (BBC-CV: Tsamardinos, Greasidou, Borboudakis 2018, "Bootstrapping the out-of-sample
    predictions for efficient and accurate cross-validation", Machine Learning 107).

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    y_preds : sequence of ndarray of shape (n_texts, n_domains)
        The tags of every model, by folds that did not see the bulletin.
    groups : ndarray of shape (n_texts,)
        The bulletin of each text; at least 2 different ones.
    metric : str
        ``f1_macro`` or ``f1_micro``.
    n_resamples, seed : int
    level : float
        Of the interval, in (0, 1).

    Returns
    -------
    dict
        ``apparent`` (the best as it scores on all), ``corrected``, ``optimism`` (their difference),
        ``interval`` (low, high; rather wide, as a resample leaves out only some 37 % of the
        bulletins) and ``n_models``.

    Raises
    ------
    ValueError
        There is no model, or there are fewer than 2 bulletins.
    """
    n_groups = len(np.unique(groups))
    if n_groups < 2 or not len(y_preds):
        raise ValueError(f"{len(y_preds)} models on {n_groups} groups: expected 1 or more on 2 or more")
    counts = np.stack([sum_groups(count_tags(y_true, y_pred), groups) for y_pred in y_preds])
    apparent = float(_f1(counts.sum(axis=1), metric).max())
    scores = _out_of_bag(counts, metric, n_resamples, np.random.default_rng(seed))
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    corrected = float(scores.mean())
    return {"apparent": apparent, "corrected": corrected, "optimism": apparent - corrected,
            "interval": [float(low), float(high)], "n_models": len(y_preds)}  # fmt: skip


def _out_of_bag(counts: np.ndarray, metric: str, n_resamples: int, rng: np.random.Generator) -> np.ndarray:
    """The score left out of each resample, of the model that is best within it: shape (n_resamples,)."""
    n_groups = counts.shape[1]
    drawn = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_resamples)
    drawn = drawn[(drawn == 0).any(axis=1)]  # with few bulletins, a draw may leave none out
    within, without = (
        _f1(np.einsum("rg,mgcd->rmcd", weights, counts, optimize=True), metric) for weights in (drawn, drawn == 0)
    )
    return without[np.arange(len(drawn)), within.argmax(axis=1)]


def _f1(counts: np.ndarray, metric: str) -> np.ndarray:
    """F1 of sums of `count_tags`, shape (..., 3, n_domains), over all domains."""
    summed = counts.sum(axis=-1, keepdims=True) if metric == "f1_micro" else counts
    return f1_of_counts(*np.moveaxis(summed, -2, 0)).mean(axis=-1)
