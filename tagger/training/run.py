"""One training run: examples, out-of-fold scores, calibration, thresholds, a saved model."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.errors import OutputError
from tagger.models.lexicon import load_lexicon
from tagger.models.manifest import Manifest
from tagger.models.storage import refuse_foreign, save_model
from tagger.project import project_path
from tagger.training.config import BertConfig, LexiconConfig, TrainConfig, config_to_dict
from tagger.training.data import load_examples
from tagger.training.trained import Trained, measure_out_of_fold, silence

log = logging.getLogger(__name__)


def run(config: TrainConfig) -> Manifest:
    """Train, measure out of fold and save; the model folder is ``config.output``.

    Beside it come the out-of-fold scores, ``<output>.out_of_fold.npz``.

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
    _write_scores(config, trained, examples, domains)
    log.info("trained in %.1f s", time.monotonic() - started)
    return manifest


def _write_scores(config: TrainConfig, trained: Trained, examples: Examples, domains: DomainSet) -> None:
    """The out-of-fold scores beside the model, for comparisons: ``<output>.out_of_fold.npz``.

    Sentences in folds that were not scored are left out.
    """
    is_scored = ~np.isnan(trained.y_proba).any(axis=1)
    path = Path(f"{config.output}.out_of_fold.npz")
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(
                file, ids=np.array(examples.ids)[is_scored], bulletins=examples.bulletins[is_scored],
                y_true=examples.y_true[is_scored], y_proba=trained.y_proba[is_scored],
                thresholds=trained.thresholds, domains=np.array(domains.ids),
            )  # fmt: skip
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=path) from None


def train(config: TrainConfig, examples: Examples, domains: DomainSet, copies: Examples | None = None) -> Trained:
    """Train the model of a config on examples.

    Thresholds and weights of signals come from out-of-fold scores of `examples`; the
    returned classifier is fitted on all of them. `copies` are only trained on, each with
    the bulletin that it is a copy of. Page furniture is neither trained on nor tagged.
    """
    if isinstance(config.model, LexiconConfig):
        return _without_training(config.model, examples, domains)
    copies = copies or examples.take(np.array([], dtype=int))
    # Each kind brings its own heavy libraries: only the one that is asked for is loaded.
    if isinstance(config.model, BertConfig):
        from tagger.training.bert import train_bert

        return train_bert(config, config.model, examples, domains, copies)
    from tagger.training.tfidf import train_tfidf

    return train_tfidf(config, config.model, examples, domains, copies)


def _without_training(config: LexiconConfig, examples: Examples, domains: DomainSet) -> Trained:
    classifier = load_lexicon(config.lexicon or project_path("labels/lexicon.yaml"), domains)
    y_proba = silence(classifier.predict_proba(examples.texts), examples)
    thresholds = np.full(len(domains), 0.5)
    return Trained(classifier, thresholds, y_proba, measure_out_of_fold(examples, y_proba, thresholds, domains))


def _portable(config: TrainConfig) -> dict[str, Any]:
    """The config without the output folder: a model is the same wherever it is written."""
    data = config_to_dict(config)
    data.pop("output")
    return data
