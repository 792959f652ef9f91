"""Training of the fine-tuned BERT: folds, teacher, student, signals, thresholds."""

from __future__ import annotations

import dataclasses
import logging
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet
from tagger.errors import UsageError
from tagger.evaluation.metrics import score
from tagger.models.bert import BertClassifier
from tagger.models.combiner import fit_combiner, sigmoid
from tagger.models.encoders.folders import find_encoder
from tagger.models.network import SentenceNetwork, load_encoder
from tagger.models.thresholds import choose_thresholds
from tagger.models.tokenization import PieceTokenizer
from tagger.training.batch_plan import plan_batches, read_inputs
from tagger.training.config import BertConfig, FineTuningConfig, TrainConfig
from tagger.training.fine_tuning import Evaluate, Run, Targets, fine_tune, is_bf16
from tagger.training.head_start import fit_head
from tagger.training.stacking import combine_out_of_fold, open_lexicon, with_known_lexicon
from tagger.training.trained import Folds, Trained, make_folds, measure_out_of_fold, silence
from tagger.training.unfinished import Unfinished

log = logging.getLogger(__name__)


def train_bert(
    config: TrainConfig, model: BertConfig, examples: Examples, domains: DomainSet, copies: Examples
) -> Trained:
    """Fine-tune a BERT; see `tagger.training.run.train`.

    A run that was cut off goes on where it stopped: what is done lies beside the output,
    in ``<output>.unfinished``, until the run is over.

    Raises
    ------
    ModelError
        There is no such encoder.
    TrainingError
        The loss is no longer a number.
    UsageError
        Layers that the encoder has not, or too few bulletins for the folds.
    """
    encoder = find_encoder(model.encoder.name)  # first: where there is none, nothing is begun
    unfinished = Unfinished.open(config, examples, copies)
    fitter = _Fitter(config, with_known_lexicon(config, model), domains, unfinished, encoder)
    folds = make_folds(config, examples)[: model.scored_folds]
    signals = _out_of_fold(fitter, examples, copies, folds)
    is_scored = ~np.isnan(signals).any(axis=(1, 2))
    is_text = is_scored & ~examples.noise
    y_proba = silence(combine_out_of_fold(examples.y_true, signals, _among(is_text, folds)), examples)
    thresholds = choose_thresholds(examples.y_true[is_text], y_proba[is_text], shrinkage=model.shrinkage)
    started = time.monotonic()
    classifier = fitter.fit("all bulletins", examples.take(~examples.noise).join(copies.take(~copies.noise)))
    classifier.combiner = fit_combiner(examples.y_true[is_text], signals[is_text])
    metrics = measure_out_of_fold(examples.take(is_scored), y_proba[is_scored], thresholds, domains)
    metrics["cost"] = _cost(time.monotonic() - started, int((~examples.noise).sum()) * model.fine_tuning.epochs)
    fitter.unfinished.remove()
    return Trained(classifier, thresholds, np.where(is_scored[:, None], y_proba, np.nan), metrics)


def _among(is_text: np.ndarray, folds: Folds) -> Folds:
    """Folds among the scored texts: all but the held-out ones to fit on, or, of one fold alone, the same.

    A combiner has a handful of weights a domain: what it gains on the texts that it was
    fitted on is too little to see.
    """
    inner = []
    for _, held_out in folds:
        others = is_text.copy()
        if len(folds) > 1:
            others[held_out] = False
        inner.append((np.flatnonzero(others), held_out))
    return inner


def _cost(seconds: float, n_texts: int) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds_per_1000_sentences": round(1000 * seconds / n_texts, 2), "peak_memory_mib": round(peak)}


def _out_of_fold(fitter: _Fitter, examples: Examples, copies: Examples, folds: Folds) -> np.ndarray:
    """Signals of examples by a network that did not see their bulletin; NaN in folds that are not scored."""
    n_signals = len(fitter.model.signals)
    signals = np.full((*examples.y_true.shape, n_signals), np.nan)
    for number, (rows, held_out) in enumerate(folds, start=1):
        title = f"fold {number} of {len(folds)}"
        found = fitter.unfinished.scores(title)
        if found is None:
            part = examples.take(rows)
            is_theirs = np.isin(copies.bulletins, part.bulletins) & ~copies.noise
            classifier = fitter.fit(title, part.join(copies.take(is_theirs)))
            found = classifier.compute_signals(examples.take(held_out).texts)
            fitter.unfinished.keep_scores(title, found)
        signals[held_out] = found
        log.info("%s done", title)
    return signals


@dataclass
class _Fitter:
    """Fits networks of one config, each a teacher and its student if there is a teacher."""

    config: TrainConfig
    model: BertConfig
    domains: DomainSet
    unfinished: Unfinished
    folder: Path
    tokenizer: PieceTokenizer = field(init=False)

    def __post_init__(self) -> None:
        self.tokenizer = PieceTokenizer.load(self.folder, self.model.max_length)
        self.lexicon = open_lexicon(self.model, self.domains)

    def fit(self, title: str, examples: Examples) -> BertClassifier:
        """A classifier fitted on examples, its signals not yet weighed."""
        teacher = self._teacher(title, examples) if self.model.teacher_epochs else None
        scores = self._scores(teacher, examples) if teacher else None
        network = self._student(self.model.layers, teacher)
        network = self._fine_tune(title, network, examples, self.model.fine_tuning, scores)
        return self._classifier(network)

    def _teacher(self, title: str, examples: Examples) -> SentenceNetwork:
        settings = dataclasses.replace(self.model.fine_tuning, epochs=self.model.teacher_epochs)
        return self._fine_tune(f"teacher, {title}", self._student(None, None), examples, settings, None)

    def _scores(self, teacher: SentenceNetwork, examples: Examples) -> np.ndarray:
        """The teacher's logits, float32, shape (n_texts, n_domains)."""
        classifier = BertClassifier(self.tokenizer, teacher)
        return classifier.decide([text.text for text in examples.texts]).astype(np.float32)

    def _student(self, layers: list[int] | None, teacher: SentenceNetwork | None) -> SentenceNetwork:
        """An untrained network, or one with some of its teacher's layers."""
        torch.manual_seed(self.config.seed)  # of the head, which is random where nothing gives it a start
        network = SentenceNetwork(load_encoder(self.folder), len(self.domains), self.model.fine_tuning.dropout)
        self._check_length(network)
        if teacher is not None:
            network.load_state_dict(teacher.state_dict())
        n_layers = network.encoder.config.num_hidden_layers
        if layers is not None:
            if not layers or not all(0 <= layer < n_layers for layer in layers):
                raise UsageError(f"layers {layers}, expected numbers from 0 to {n_layers - 1}", where="model.layers")
            network.keep_layers(layers)
        return network

    def _check_length(self, network: SentenceNetwork) -> None:
        longest = network.encoder.config.max_position_embeddings
        if self.model.max_length > longest:
            raise UsageError(
                f"found {self.model.max_length}, expected at most the encoder's {longest}", where="model.max_length"
            )

    def _fine_tune(
        self, title: str, network: SentenceNetwork, examples: Examples, settings: FineTuningConfig,
        teacher: np.ndarray | None,
    ) -> SentenceNetwork:  # fmt: skip
        if self.unfinished.restore_network(title, network):
            return network.eval()
        # Seeded here: a part that is taken up from the middle of a run begins like one that is not.
        torch.manual_seed(self.config.seed)
        rng = np.random.default_rng(self.config.seed)
        rows, chosen_by = _hold_out(examples, settings.validation, self.config.seed)
        inputs = read_inputs([examples.texts[row].text for row in rows], self.tokenizer)
        plan = plan_batches(
            [len(ids) for ids in inputs.ids], n_epochs=settings.epochs, budget=settings.batch_pieces, rng=rng
        )
        targets = Targets(examples.y_true[rows], None if teacher is None else teacher[rows])
        pad = self.tokenizer.pad
        if settings.head_start and teacher is None:
            fit_head(
                network, inputs, targets.y_true, plan, n_sentences=settings.head_start, pad=pad, bf16=is_bf16(settings)
            )
        judge = self._judge(examples.take(chosen_by)) if len(chosen_by) else None
        run = Run(title, self.unfinished.checkpoints(title), self.config.seed, pad, judge)
        network = fine_tune(network, inputs, targets, plan, config=settings, run=run)
        self.unfinished.keep_network(title, network)
        return network

    def _judge(self, examples: Examples) -> Evaluate:
        """Figures on held-out bulletins, with the thresholds that suit them."""

        def evaluate(network: SentenceNetwork) -> dict[str, float]:
            y_proba = sigmoid(self._scores(network, examples))
            thresholds = choose_thresholds(examples.y_true, y_proba, shrinkage=self.model.shrinkage)
            figures = score(examples.y_true, (y_proba >= thresholds).astype(np.int8), self.domains.ids)
            return {name: figures[name] for name in ("f1_macro", "f1_micro")}

        return evaluate

    def _classifier(self, network: SentenceNetwork) -> BertClassifier:
        return BertClassifier(self.tokenizer, network, lexicon=self.lexicon, signals=self.model.signals)


def _hold_out(examples: Examples, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, and rows of whole bulletins, about a share of all, to choose the epoch by."""
    if not share:
        return np.arange(len(examples)), np.array([], dtype=int)
    folds = grouped_folds(examples.y_true, examples.bulletins, n_folds=max(round(1 / share), 2), seed=seed)
    return next(folds)
