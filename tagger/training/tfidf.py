"""Training of the TF-IDF baseline."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import UsageError
from tagger.models.combiner import fit_combiner
from tagger.models.lexicon import load_lexicon
from tagger.models.thresholds import choose_thresholds
from tagger.project import project_path
from tagger.training.config import TfidfConfig, TrainConfig
from tagger.training.trained import Folds, Trained, make_folds, measure_out_of_fold, silence

if TYPE_CHECKING:
    from tagger.models.tfidf import TfidfClassifier

log = logging.getLogger(__name__)


def train_tfidf(
    config: TrainConfig, model: TfidfConfig, examples: Examples, domains: DomainSet, copies: Examples
) -> Trained:
    """Train the baseline; see `tagger.training.run.train`."""
    new_classifier = _factory(_with_known_lexicon(config, model), domains)
    folds = make_folds(config, examples)
    signals = _out_of_fold(new_classifier, examples, copies, folds)
    y_proba = silence(_combined_out_of_fold(signals, examples, folds), examples)
    is_text = ~examples.noise
    thresholds = choose_thresholds(examples.y_true[is_text], y_proba[is_text], shrinkage=model.shrinkage)
    content = examples.take(is_text).join(copies.take(~copies.noise))
    classifier = new_classifier().fit(content.texts, content.y_true)
    classifier.combiner = fit_combiner(examples.y_true[is_text], signals[is_text])
    return Trained(classifier, thresholds, y_proba, measure_out_of_fold(examples, y_proba, thresholds, domains))


def _out_of_fold(
    new_classifier: Callable[[], TfidfClassifier], examples: Examples, copies: Examples, folds: Folds
) -> np.ndarray:
    """Signals of every example from a model that did not see its bulletin, (n_texts, n_domains, n_signals)."""
    signals = np.zeros((*examples.y_true.shape, len(new_classifier().signals)))
    for number, (rows, held_out) in enumerate(folds, start=1):
        part = examples.take(rows)
        is_theirs = np.isin(copies.bulletins, part.bulletins) & ~copies.noise
        part = part.join(copies.take(is_theirs))
        try:
            classifier = new_classifier().fit(part.texts, part.y_true)
        except ValueError as error:
            raise UsageError(str(error), where="training", hint="More text, or a smaller min_df.") from None
        signals[held_out] = classifier.compute_signals(examples.take(held_out).texts)
        log.info("fold %d of %d", number, len(folds))
    return signals


def _combined_out_of_fold(signals: np.ndarray, examples: Examples, folds: Folds) -> np.ndarray:
    """Probabilities by a combiner that did not see the bulletin either."""
    y_proba = np.zeros(examples.y_true.shape, dtype=np.float32)
    for rows, held_out in folds:
        y_proba[held_out] = fit_combiner(examples.y_true[rows], signals[rows]).predict_proba(signals[held_out])
    return y_proba


def _with_known_lexicon(config: TrainConfig, model: TfidfConfig) -> TfidfConfig:
    """Without the lexicon signal where the project's own lexicon says nothing: other domains."""
    if config.data.domains is None or model.lexicon is not None or "lexicon" not in model.signals:
        return model
    log.warning("no lexicon for these domains: its signal is left out (model.lexicon=FILE gives one)")
    return dataclasses.replace(model, signals=[name for name in model.signals if name != "lexicon"])


def _factory(model: TfidfConfig, domains: DomainSet) -> Callable[[], TfidfClassifier]:
    """Makes unfitted classifiers of a config; a setting that makes none is a `UsageError`."""
    # scikit-learn takes 1.5 s to import: only where a model is fitted.
    from tagger.models.features import TextFeatures
    from tagger.models.linear_head import LinearHead
    from tagger.models.tfidf import TfidfClassifier

    needs_lexicon = "lexicon" in model.signals
    lexicon = load_lexicon(model.lexicon or project_path("labels/lexicon.yaml"), domains) if needs_lexicon else None

    def new_classifier() -> TfidfClassifier:
        features = TextFeatures(**dataclasses.asdict(model.features))
        head = LinearHead(**dataclasses.asdict(model.head))
        return TfidfClassifier(features, head, lexicon=lexicon, signals=model.signals)

    try:
        new_classifier()
    except ValueError as error:
        raise UsageError(str(error), where="model") from None
    return new_classifier
