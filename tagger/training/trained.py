"""What every kind of training run gives, and what it is measured by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.evaluation.intervals import bootstrap_interval
from tagger.evaluation.metrics import score
from tagger.training.config import TrainConfig
from tagger.training.splitting import make_split, rows_to_fit

#: Row numbers to train on, and rows held out, fold by fold.
Folds = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Trained:
    """What a run gives.

    Attributes
    ----------
    classifier : Classifier
    thresholds : ndarray of shape (n_domains,)
    y_proba : ndarray of shape (n_texts, n_domains)
        float32 in [0, 1]: scores of every example by a model that did not see its bulletin; 0 for
        furniture, NaN in folds that were not scored.
    rows : ndarray of int
        Numbers of the examples that the classifier was fitted on, those that chose its epoch among them.
    metrics : dict
        Out of fold, of `measure_out_of_fold`: `tagger.evaluation.metrics.score` and its 95 % intervals.
    curves : list of dict
        Loss and figures, step by step; empty for models without steps.
    finish : callable
        Removes what was kept in case the run is cut off; called when all is saved.
    """

    classifier: Any
    thresholds: np.ndarray
    y_proba: np.ndarray
    rows: np.ndarray
    metrics: dict[str, Any]
    curves: list[dict[str, Any]] = field(default_factory=list)
    finish: Callable[[], None] = lambda: None


def make_folds(config: TrainConfig, examples: Examples) -> Folds:
    """Row numbers to train on, furniture left out, and rows held out.

    Of the bulletins on the training side, the share that ``data.share`` says.

    Raises
    ------
    CorpusError, InputError, UsageError
        See `tagger.training.splitting.make_split`.
    """
    return [(rows_to_fit(config, examples, fold.train), fold.held_out) for fold in make_split(config, examples).folds]


def silence(y_proba: np.ndarray, examples: Examples) -> np.ndarray:
    """Scores with 0 for page furniture."""
    return np.where(examples.noise[:, None], np.float32(0), y_proba)


def measure_out_of_fold(
    examples: Examples, y_proba: np.ndarray, thresholds: np.ndarray, domains: DomainSet
) -> dict[str, Any]:
    """Figures of scores by models that did not see the bulletin, with 95 % intervals; page furniture left out."""
    text = examples.take(~examples.noise)
    y_pred = (y_proba[~examples.noise] >= thresholds).astype(np.int8)
    figures = score(text.y_true, y_pred, domains.ids)
    return {**figures, "interval_95": bootstrap_interval(text.y_true, y_pred, text.bulletins)}
