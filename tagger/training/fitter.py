"""Fits networks: a teacher, its student, and the network that goes on from a fold's; imports torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet
from tagger.evaluation.metrics import score
from tagger.models.bert import BertClassifier
from tagger.models.combiner import sigmoid
from tagger.models.encoder_classifier import NGRAM_SIGNALS
from tagger.models.network import SentenceNetwork, load_encoder
from tagger.models.ngrams import NgramScorer
from tagger.models.thresholds import choose_thresholds
from tagger.models.tokenization import PieceTokenizer
from tagger.training.batch_plan import plan_batches, read_inputs
from tagger.training.config import TrainConfig
from tagger.training.distillation import read_teacher
from tagger.training.fine_tuning import Evaluate, Run, Targets, fine_tune, is_bf16
from tagger.training.head_start import fit_head
from tagger.training.model_config import BertConfig, FineTuningConfig
from tagger.training.ngrams import fit_ngrams
from tagger.training.stacking import open_lexicon
from tagger.training.unfinished import Unfinished


@dataclass
class Fitter:
    """Fits networks of one config, each a teacher and its student if there is a teacher."""

    config: TrainConfig
    model: BertConfig
    domains: DomainSet
    unfinished: Unfinished
    folder: Path
    #: Bulletin -> the group that it stays with, see `tagger.training.splitting.group_by_text`.
    groups: Mapping[str, str]
    tokenizer: PieceTokenizer = field(init=False)

    def __post_init__(self) -> None:
        self.tokenizer = PieceTokenizer.load(self.folder, self.model.max_length)
        self.lexicon = open_lexicon(self.model, self.domains)

    def fit(self, title: str, examples: Examples) -> BertClassifier:
        """A classifier fitted on examples, its signals not yet weighed."""
        ngrams = self._ngrams(examples)  # first: settings that fit none are told before anything is trained
        return self._classifier(self._fit(title, examples)[0], ngrams)

    def go_on(self, examples: Examples, *, after: str, seen: Examples) -> BertClassifier:
        """The classifier of a part of the bulletins, trained on with all of them for ``refit_epochs``."""
        network, teacher = self._fit(after, seen)  # kept when the part was done: nothing is trained here
        if not self.model.refit_epochs:
            return self._classifier(network, self._ngrams(seen))
        # On all of them: no bulletins are left, that the network has not seen, to choose an epoch by.
        settings = dataclasses.replace(
            self.model.fine_tuning, epochs=self.model.refit_epochs, head_start=0, validation=0.0
        )
        network = self._fine_tune("all bulletins", network, examples, settings, teacher)
        return self._classifier(network, self._ngrams(examples))

    def _fit(self, title: str, examples: Examples) -> tuple[SentenceNetwork, SentenceNetwork | None]:
        """A network and its teacher, if it has one."""
        teacher = self._teacher(title, examples) if self.model.teacher_epochs else None
        network = self._student(self.model.layers, teacher)
        return self._fine_tune(title, network, examples, self.model.fine_tuning, teacher), teacher

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
        if teacher is not None:
            network.load_state_dict(teacher.state_dict())
        if layers is not None:
            network.keep_layers(layers)
        return network.to("cuda" if torch.cuda.is_available() else "cpu")

    def _fine_tune(
        self, title: str, network: SentenceNetwork, examples: Examples, settings: FineTuningConfig,
        teacher: SentenceNetwork | None,
    ) -> SentenceNetwork:  # fmt: skip
        if self.unfinished.restore_network(title, network):
            return network.eval()
        # Seeded here: a part that is taken up from the middle of a run begins like one that is not.
        torch.manual_seed(self.config.seed)
        rng = np.random.default_rng(self.config.seed)
        rows, chosen_by = self._hold_out(examples, settings.validation)
        inputs = read_inputs([examples.texts[row].text for row in rows], self.tokenizer)
        plan = plan_batches(
            [len(ids) for ids in inputs.ids], n_epochs=settings.epochs, budget=settings.batch_pieces, rng=rng
        )
        pad, bf16 = self.tokenizer.pad, is_bf16(settings)
        taught = None
        if teacher is not None:
            taught = read_teacher(teacher, inputs.ids, pad, with_hidden=settings.hidden_weight > 0, bf16=bf16)
        targets = Targets(examples.y_true[rows], taught)
        if settings.head_start and teacher is None:
            fit_head(network, inputs, targets.y_true, plan, n_sentences=settings.head_start, pad=pad, bf16=bf16)
        judge = self._judge(examples.take(chosen_by)) if len(chosen_by) else None
        run = Run(title, self.unfinished.checkpoints(title), self.config.seed, pad, judge)
        network = fine_tune(network, inputs, targets, plan, config=settings, run=run)
        self.unfinished.keep_curve(title, run.history, n_read=round(len(rows) * _epochs_told(run, plan, settings)))
        self.unfinished.keep_network(title, network)
        return network

    def _hold_out(self, examples: Examples, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on, and rows of whole groups of bulletins, about a share of all, to choose the epoch by."""
        groups = np.array([self.groups[bulletin] for bulletin in examples.bulletins.tolist()])
        n_groups = len(np.unique(groups))
        if not share or n_groups < 2:
            return np.arange(len(examples)), np.array([], dtype=int)
        n_folds = min(max(round(1 / share), 2), n_groups)
        return next(grouped_folds(examples.y_true, groups, n_folds=n_folds, seed=self.config.seed))

    def _judge(self, examples: Examples) -> Evaluate:
        """Figures on held-out bulletins, with the thresholds that suit them."""

        def evaluate(network: SentenceNetwork) -> dict[str, float]:
            y_proba = sigmoid(self._scores(network, examples))
            thresholds = choose_thresholds(examples.y_true, y_proba, shrinkage=self.model.shrinkage)
            figures = score(examples.y_true, (y_proba >= thresholds).astype(np.int8), self.domains.ids)
            return {name: figures[name] for name in ("f1_macro", "f1_micro")}

        return evaluate

    def _ngrams(self, examples: Examples) -> NgramScorer | None:
        """The scorer behind the signals of n-grams, if there are any."""
        return fit_ngrams(self.model.ngrams, examples) if set(self.model.signals) & set(NGRAM_SIGNALS) else None

    def _classifier(self, network: SentenceNetwork, ngrams: NgramScorer | None) -> BertClassifier:
        return BertClassifier(
            self.tokenizer, network, ngrams=ngrams, lexicon=self.lexicon, signals=self.model.signals
        )  # fmt: skip


def _epochs_told(run: Run, plan: Sequence[list[int]], settings: FineTuningConfig) -> float:
    """Epochs up to the last step that has its seconds; early stopping may have left the rest of the plan."""
    last = max((step["step"] for step in run.history), default=0)
    return settings.epochs * last * settings.accumulate / len(plan)
