"""The bounds of selective prediction of a run, from its out-of-fold scores."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np

from tagger.evaluation.selective import calibrate_selective, fewest_texts, held_out_load
from tagger.models.selective import Selective

log = logging.getLogger(__name__)
_FIGURES = ("share_asked", "questions", "precision", "found", "asked", "lost")


def choose_selective(
    y_true: np.ndarray, y_proba: np.ndarray, bulletins: np.ndarray, paragraphs: np.ndarray, *,
    ids: Sequence[str], thresholds: np.ndarray | None = None,
    precision: float = 0.95, recall: float = 0.95, delta: float = 0.1,
) -> Selective:  # fmt: skip
    """Bounds for every domain, with the review load they mean; a domain that cannot have them is named in the log.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        Labels and out-of-fold scores, page furniture left out. Rows with nan, of folds that were
        not scored, do not count.
    bulletins, paragraphs : ndarray of shape (n_texts,)
        Where each text stands.
    ids : sequence of str
        Domain ids in column order.
    thresholds, precision, recall, delta
        See `tagger.evaluation.selective.calibrate_selective`.
    """
    rows = ~np.isnan(y_proba).any(axis=1)
    y_true, y_proba, bulletins, paragraphs = y_true[rows], y_proba[rows], bulletins[rows], paragraphs[rows]
    promises = {"precision": precision, "recall": recall, "delta": delta}
    bounds = calibrate_selective(y_true, y_proba, bulletins, thresholds=thresholds, **promises)
    places = list(zip(bulletins.tolist(), paragraphs.tolist(), strict=True))
    levels = {
        level: held_out_load(y_true, y_proba, bulletins, keys=keys, thresholds=thresholds, **promises)
        for level, keys in (("sentence", None), ("paragraph", places))
    }
    # A figure that is nan, such as the precision of no yes at all, is none.
    load = {
        level: {name: round(found[name], 4) for name in _FIGURES if not math.isnan(found[name])}
        for level, found in levels.items()
    }
    selective = Selective(
        bounds, precision, recall, delta, tuple(y_true.sum(axis=0).tolist()), len(np.unique(bulletins)), load
    )
    _tell(selective, ids)
    return selective


def _tell(selective: Selective, ids: Sequence[str]) -> None:
    fewest = fewest_texts(1 - selective.precision, selective.delta)
    noted = [(id, n) for id, n, note in zip(ids, selective.n_positives, selective.notes(), strict=True) if note]
    few = ", ".join(id for id, n in noted if n < fewest)
    poor = ", ".join(id for id, n in noted if n >= fewest)
    if few:
        log.warning("--ask asks more about %s: at least %d labelled sentences are needed", few, fewest)
    if poor:
        log.warning("--ask asks more about %s: not told well enough for both promises", poor)
