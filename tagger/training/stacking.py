"""Signals put together: the lexicon among them, and a combiner that saw none of the texts.

The weights of a fold come from the others; one fold alone (``scored_folds=1``) is divided again by
bulletins (`tagger.training.bert`), so that no score is of a combiner that was fitted on its text.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TypeVar

import numpy as np

from tagger.domains import DomainSet
from tagger.models.combiner import fit_combiner
from tagger.models.lexicon import LexiconClassifier, load_lexicon
from tagger.project import project_path
from tagger.training.config import TrainConfig
from tagger.training.model_config import BertConfig, TfidfConfig
from tagger.training.trained import Folds

log = logging.getLogger(__name__)
_Config = TypeVar("_Config", TfidfConfig, BertConfig)


def combine_out_of_fold(y_true: np.ndarray, signals: np.ndarray, folds: Folds) -> np.ndarray:
    """Probabilities by a combiner that did not see the bulletin either.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
    signals : ndarray of shape (n_texts, n_domains, n_signals)
        By classifiers that did not see the bulletin.
    folds : list of (rows to fit on, rows held out)

    Returns
    -------
    ndarray of shape (n_texts, n_domains)
        float32 in [0, 1]; 0 in rows that no fold holds out.
    """
    y_proba = np.zeros(y_true.shape, dtype=np.float32)
    for rows, held_out in folds:
        y_proba[held_out] = fit_combiner(y_true[rows], signals[rows]).predict_proba(signals[held_out])
    return y_proba


def with_known_lexicon(config: TrainConfig, model: _Config) -> _Config:
    """Without the lexicon signal where the project's own lexicon says nothing: other domains."""
    if config.data.domains is None or model.lexicon is not None or "lexicon" not in model.signals:
        return model
    log.warning("no lexicon for these domains: its signal is left out (model.lexicon=FILE gives one)")
    return dataclasses.replace(model, signals=[name for name in model.signals if name != "lexicon"])


def open_lexicon(model: TfidfConfig | BertConfig, domains: DomainSet) -> LexiconClassifier | None:
    """The lexicon of a config, or None if none of its signals needs one."""
    if "lexicon" not in model.signals:
        return None
    return load_lexicon(model.lexicon or project_path("labels/lexicon.yaml"), domains)
