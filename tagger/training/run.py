"""One training run: examples, out-of-fold scores, calibration, thresholds, a run folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import tagger
from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.folders import replace_folder
from tagger.models.lexicon import load_lexicon
from tagger.models.manifest import Manifest
from tagger.models.storage import save_model
from tagger.project import project_path
from tagger.training.card_metrics import card_metrics
from tagger.training.config import TrainConfig, portable_config
from tagger.training.data import describe_source, load_examples, load_test
from tagger.training.environment import code_version, describe_machine, library_versions
from tagger.training.finished import hash_inputs
from tagger.training.model_config import BertConfig, LexiconConfig
from tagger.training.precedents import choose_precedents
from tagger.training.run_folder import (
    FILE,
    FORMAT,
    Scored,
    refuse_foreign_run,
    write_config,
    write_json,
    write_jsonl,
    write_scores,
    write_sentences,
)
from tagger.training.run_metrics import measure_run, summarize_scored
from tagger.training.selective import choose_selective
from tagger.training.splitting import make_split
from tagger.training.trained import Trained, measure_out_of_fold, silence

log = logging.getLogger(__name__)
Load = Callable[[TrainConfig], tuple[DomainSet, Examples, Examples]]


def run(config: TrainConfig, load: Load = load_examples) -> Manifest:
    """Train, measure and save; ``config.output`` is the run folder, see `tagger.training.run_folder`.

    `load` reads the data; a search, whose runs share them, reads them once.

    Raises
    ------
    CorpusError, UsageError, OutputError
    """
    refuse_foreign_run(config.output)  # now rather than after minutes of training
    started, clock = datetime.now(UTC), time.monotonic()
    domains, examples, copies = load(config)
    test, inputs = load_test(config, domains), hash_inputs(config)
    log.info("%d sentences of %d bulletins", len(examples), len(np.unique(examples.bulletins)))
    trained = train(config, examples, domains, copies)
    # Of a run that was cut off and taken up, all of it.
    seconds = time.monotonic() - clock + trained.metrics.get("cost", {}).pop("seconds_before", 0.0)
    record = {
        "format": FORMAT, "kind": config.model.kind, "seed": config.seed,
        "started": started.isoformat(timespec="seconds"), "seconds": round(seconds, 1),
        "tagger_version": tagger.__version__, "code": code_version(), "libraries": library_versions(),
        "machine": describe_machine(), "data": _describe_data(config, examples),
        "inputs": inputs,
    }  # fmt: skip
    finished = Finished(config, domains, examples, trained, _score_test(trained, test))
    manifest = replace_folder(Path(config.output), lambda folder: _fill(folder, finished, record))
    trained.finish()
    log.info("trained in %.1f s", record["seconds"])
    return manifest


@dataclass(frozen=True)
class Finished:
    """What a run has to write down."""

    config: TrainConfig
    domains: DomainSet
    examples: Examples
    trained: Trained
    test: Scored | None

    @property
    def scored(self) -> Scored:
        """The examples of the folds that were scored."""
        is_scored = ~np.isnan(self.trained.y_proba).any(axis=1)
        return Scored(self.examples.take(is_scored), self.trained.y_proba[is_scored])


def _score_test(trained: Trained, test: Examples | None) -> Scored | None:
    if test is None:
        return None
    return Scored(test, silence(trained.classifier.predict_proba(test.texts), test))


def _fill(folder: Path, run: Finished, record: dict[str, Any]) -> Manifest:
    metrics = measure_run(run.trained, run.scored, run.domains, shrinkage=getattr(run.config.model, "shrinkage", None))
    if run.test is not None:
        metrics["test"] = summarize_scored(run.test, run.trained.thresholds, run.domains)
    split = make_split(run.config, run.examples).to_dict()
    manifest = _save_model(folder / "model", run, _describe_fitting(run, record["data"], split), metrics)
    metrics["cost"] |= {"seconds": record["seconds"], "size_bytes": _size(folder / "model")}
    _write_scored(folder, run)
    write_jsonl(folder / "curves.jsonl", run.trained.curves)
    write_config(folder / "config.yaml", run.config)
    write_json(folder / "split.json", split)
    write_json(folder / "metrics.json", metrics)
    write_json(folder / FILE, {**record, "split_hash": split["hash"], "model_version": manifest.version})
    return manifest


def _save_model(folder: Path, run: Finished, data: dict[str, Any], metrics: dict[str, Any]) -> Manifest:
    """The model with its bounds for selective prediction, its precedents and its card."""
    config, trained, ids = run.config, run.trained, run.domains.ids
    examples, y_proba = run.scored.text.examples, run.scored.text.y_proba
    selective = choose_selective(
        examples.y_true, y_proba, examples.bulletins, examples.paragraphs, ids=ids, thresholds=trained.thresholds
    )
    y_pred = (y_proba >= trained.thresholds).astype(np.int8)
    figures = card_metrics(
        trained.metrics, metrics["out_of_fold"],
        y_true=examples.y_true, y_pred=y_pred, bulletins=examples.bulletins, ids=ids,
        other_bulletins=metrics["thresholds"]["other_bulletins"],
    )  # fmt: skip
    keeps = getattr(config.model, "precedents", False)
    return save_model(
        folder, trained.classifier, run.domains, trained.thresholds, config=portable_config(config),
        name=Path(config.output).name, seed=config.seed, data=data, metrics=figures, selective=selective,
        precedents=choose_precedents(trained.classifier, run.examples, trained.rows, run.domains) if keeps else None,
    )  # fmt: skip


def _write_scored(folder: Path, run: Finished) -> None:
    thresholds, ids = run.trained.thresholds, run.domains.ids
    write_scores(folder / "out_of_fold.npz", run.scored.text, thresholds, ids)
    if run.test is not None:
        write_scores(folder / "test.npz", run.test.text, thresholds, ids)
    parts = [run.scored, run.test] if run.test is not None else [run.scored]
    write_sentences(folder / "sentences.jsonl", [part.examples for part in parts])


def _describe_data(config: TrainConfig, examples: Examples) -> dict[str, Any]:
    return {
        "source": describe_source(config.data), "hash": examples.hash,
        "n_bulletins": len(np.unique(examples.bulletins)), "n_texts": len(examples),
    }  # fmt: skip


def _describe_fitting(run: Finished, data: dict[str, Any], split: dict[str, Any]) -> dict[str, Any]:
    """The data as the model knows them: how many sentences it was fitted on, and how they were split."""
    told = {"kind": split["kind"], "n_folds": split["n_folds"], "seed": split["seed"]}
    return {**data, "n_fitted": len(run.trained.rows), "split": told}


def train(config: TrainConfig, examples: Examples, domains: DomainSet, copies: Examples | None = None) -> Trained:
    """Train the model of a config on examples.

    Thresholds and weights of signals come from out-of-fold scores of `examples`; the
    returned classifier is fitted on those that ``rows`` of the result names, which is all of
    them unless the config says otherwise. `copies` are only trained on, each with the bulletin
    that it is a copy of. Page furniture is neither trained on nor tagged.
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
    rows = np.array([], dtype=int)  # a lexicon is written, not fitted
    return Trained(classifier, thresholds, y_proba, rows, measure_out_of_fold(examples, y_proba, thresholds, domains))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
