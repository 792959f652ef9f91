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
from tagger.models.thresholds import choose_thresholds
from tagger.training.config import TrainConfig
from tagger.training.fold_watch import tell_folds
from tagger.training.model_config import TfidfConfig
from tagger.training.splitting import rows_to_fit, with_copies
from tagger.training.stacking import combine_out_of_fold, open_lexicon, with_known_lexicon
from tagger.training.trained import Folds, Trained, make_folds, measure_out_of_fold, silence

if TYPE_CHECKING:
    from tagger.models.tfidf import TfidfClassifier

log = logging.getLogger(__name__)


def train_tfidf(
    config: TrainConfig, model: TfidfConfig, examples: Examples, domains: DomainSet, copies: Examples
) -> Trained:
    """Train the baseline; see `tagger.training.run.train`."""
    new_classifier = _factory(with_known_lexicon(config, model), domains)
    folds = make_folds(config, examples)
    signals = _out_of_fold(new_classifier, examples, copies, folds, shrinkage=model.shrinkage)
    y_proba = silence(combine_out_of_fold(examples.y_true, signals, folds), examples)
    is_text = ~examples.noise
    thresholds = choose_thresholds(examples.y_true[is_text], y_proba[is_text], shrinkage=model.shrinkage)
    rows = rows_to_fit(config, examples, np.arange(len(examples)))
    content = with_copies(examples, copies, rows)
    classifier = new_classifier().fit(content.texts, content.y_true)
    classifier.combiner = fit_combiner(examples.y_true[is_text], signals[is_text])
    return Trained(classifier, thresholds, y_proba, rows, measure_out_of_fold(examples, y_proba, thresholds, domains))


def _out_of_fold(
    new_classifier: Callable[[], TfidfClassifier], examples: Examples, copies: Examples, folds: Folds, *,
    shrinkage: float,
) -> np.ndarray:  # fmt: skip
    """Signals of every example from a model that did not see its bulletin, (n_texts, n_domains, n_signals)."""
    signals = np.zeros((*examples.y_true.shape, len(new_classifier().signals)))
    for number, (rows, held_out) in enumerate(folds, start=1):
        part = with_copies(examples, copies, rows)
        try:
            classifier = new_classifier().fit(part.texts, part.y_true)
        except ValueError as error:
            raise UsageError(str(error), where="training", hint="More text, or a smaller min_df.") from None
        signals[held_out] = classifier.compute_signals(examples.take(held_out).texts)
        log.info("fold %d of %d", number, len(folds))
        tell_folds(examples, signals, folds[:number], shrinkage)
    return signals


def _factory(model: TfidfConfig, domains: DomainSet) -> Callable[[], TfidfClassifier]:
    """Makes unfitted classifiers of a config; a setting that makes none is a `UsageError`."""
    # scikit-learn takes 1.5 s to import: only where a model is fitted.
    from tagger.models.features import TextFeatures
    from tagger.models.linear_head import LinearHead
    from tagger.models.tfidf import TfidfClassifier

    lexicon = open_lexicon(model, domains)

    def new_classifier() -> TfidfClassifier:
        features = TextFeatures(**dataclasses.asdict(model.features))
        head = LinearHead(**dataclasses.asdict(model.head))
        return TfidfClassifier(features, head, lexicon=lexicon, signals=model.signals)

    try:
        new_classifier()
    except ValueError as error:
        raise UsageError(str(error), where="model") from None
    return new_classifier
