"""What every kind of training run gives, and what it is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet
from tagger.errors import UsageError
from tagger.evaluation.metrics import bootstrap_interval, score
from tagger.training.config import TrainConfig

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
        Scores of every example by a model that did not see its bulletin; 0 for furniture.
    metrics : dict
        Out of fold: `tagger.evaluation.metrics.score` and its 95 % intervals.
    """

    classifier: Any
    thresholds: np.ndarray
    y_proba: np.ndarray
    metrics: dict[str, Any]


def make_folds(config: TrainConfig, examples: Examples) -> Folds:
    """Row numbers to train on, furniture left out, and rows held out."""
    n_folds = config.split.n_folds
    try:
        folds = list(grouped_folds(examples.y_true, examples.bulletins, n_folds=n_folds, seed=config.seed))
    except ValueError as error:
        raise UsageError(str(error), where="training", hint="More bulletins or fewer folds.") from None
    return [(rows[~examples.noise[rows]], held_out) for rows, held_out in folds]


def silence(y_proba: np.ndarray, examples: Examples) -> np.ndarray:
    """Scores with 0 for page furniture."""
    return np.where(examples.noise[:, None], np.float32(0), y_proba)


def measure_out_of_fold(
    examples: Examples, y_proba: np.ndarray, thresholds: np.ndarray, domains: DomainSet
) -> dict[str, Any]:
    """Figures of scores by models that did not see the bulletin, with 95 % intervals."""
    y_pred = (y_proba >= thresholds).astype(np.int8)
    figures = score(examples.y_true, y_pred, domains.ids)
    return {**figures, "interval_95": bootstrap_interval(examples.y_true, y_pred, examples.bulletins)}
