"""One training run: examples, out-of-fold scores, calibration, thresholds, a saved model."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.corpus.authored import load_corpus
from tagger.corpus.damage import damaged_copies
from tagger.corpus.examples import Examples, examples_from_corpus
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet, load_domains
from tagger.errors import UsageError
from tagger.evaluation.metrics import bootstrap_interval, score
from tagger.models.combiner import fit_combiner
from tagger.models.lexicon import load_lexicon
from tagger.models.manifest import Manifest
from tagger.models.storage import refuse_foreign, save_model
from tagger.models.thresholds import choose_thresholds
from tagger.project import project_path
from tagger.training.config import LexiconConfig, TfidfConfig, TrainConfig, config_to_dict

if TYPE_CHECKING:
    from tagger.models.tfidf import TfidfClassifier

log = logging.getLogger(__name__)

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


def run(config: TrainConfig) -> Manifest:
    """Train, measure out of fold and save; the model folder is ``config.output``.

    Raises
    ------
    CorpusError, UsageError, OutputError
    """
    refuse_foreign(config.output)  # now rather than after minutes of training
    started = time.monotonic()
    domains, examples, copies = load_examples(config)
    log.info("%d sentences of %d bulletins", len(examples), len(np.unique(examples.bulletins)))
    trained = train(config, examples, domains, copies)
    data = {
        "hash": examples.hash,
        "n_bulletins": len(np.unique(examples.bulletins)),
        "n_texts": len(examples),
    }
    manifest = save_model(
        config.output, trained.classifier, domains, trained.thresholds,
        config=_portable(config), name=Path(config.output).name, seed=config.seed, data=data,
        metrics=trained.metrics,
    )  # fmt: skip
    log.info("trained in %.1f s", time.monotonic() - started)
    return manifest


def load_examples(config: TrainConfig) -> tuple[DomainSet, Examples, Examples]:
    """The domain set, the examples that a config names, and their damaged copies (often none)."""
    domains = load_domains(config.data.domains or project_path("labels/domains.yaml"))
    corpus = load_corpus(config.data.corpus or project_path("labels/corpus"), domains)
    copies = damaged_copies(corpus, config.augmentation, seed=config.seed)
    return domains, examples_from_corpus(corpus, domains), examples_from_corpus(copies, domains)


def train(config: TrainConfig, examples: Examples, domains: DomainSet, copies: Examples | None = None) -> Trained:
    """Train the model of a config on examples.

    Thresholds and weights of signals come from out-of-fold scores of `examples`; the
    returned classifier is fitted on all of them. `copies` are only trained on, each with
    the bulletin that it is a copy of. Page furniture is neither trained on nor tagged.
    """
    if isinstance(config.model, LexiconConfig):
        return _without_training(config.model, examples, domains)
    return _tfidf(config, config.model, examples, domains, copies or examples.take(np.array([], dtype=int)))


def _without_training(config: LexiconConfig, examples: Examples, domains: DomainSet) -> Trained:
    classifier = load_lexicon(config.lexicon or project_path("labels/lexicon.yaml"), domains)
    y_proba = _silenced(classifier.predict_proba(examples.texts), examples)
    thresholds = np.full(len(domains), 0.5)
    return Trained(classifier, thresholds, y_proba, _metrics(examples, y_proba, thresholds, domains))


def _tfidf(
    config: TrainConfig, model: TfidfConfig, examples: Examples, domains: DomainSet, copies: Examples
) -> Trained:
    new_classifier = _factory(_with_known_lexicon(config, model), domains)
    folds = _folds(config, examples)
    signals = _out_of_fold(new_classifier, examples, copies, folds)
    y_proba = _silenced(_combined_out_of_fold(signals, examples, folds), examples)
    is_text = ~examples.noise
    thresholds = choose_thresholds(examples.y_true[is_text], y_proba[is_text], shrinkage=model.shrinkage)
    content = examples.take(is_text).join(copies.take(~copies.noise))
    classifier = new_classifier().fit(content.texts, content.y_true)
    classifier.combiner = fit_combiner(examples.y_true[is_text], signals[is_text])
    return Trained(classifier, thresholds, y_proba, _metrics(examples, y_proba, thresholds, domains))


def _folds(config: TrainConfig, examples: Examples) -> Folds:
    """Row numbers to train on, furniture left out, and rows held out."""
    n_folds = config.split.n_folds
    try:
        folds = list(grouped_folds(examples.y_true, examples.bulletins, n_folds=n_folds, seed=config.seed))
    except ValueError as error:
        raise UsageError(str(error), where="training", hint="More bulletins or fewer folds.") from None
    return [(rows[~examples.noise[rows]], held_out) for rows, held_out in folds]


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


def _silenced(y_proba: np.ndarray, examples: Examples) -> np.ndarray:
    return np.where(examples.noise[:, None], np.float32(0), y_proba)


def _metrics(examples: Examples, y_proba: np.ndarray, thresholds: np.ndarray, domains: DomainSet) -> dict[str, Any]:
    y_pred = (y_proba >= thresholds).astype(np.int8)
    figures = score(examples.y_true, y_pred, domains.ids)
    return {**figures, "interval_95": bootstrap_interval(examples.y_true, y_pred, examples.bulletins)}


def _portable(config: TrainConfig) -> dict[str, Any]:
    """The config without the output folder: a model is the same wherever it is written."""
    data = config_to_dict(config)
    data.pop("output")
    return data
