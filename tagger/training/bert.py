"""Training of the fine-tuned BERT: folds, teacher, student, signals, thresholds."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from tagger.corpus.examples import Examples
from tagger.corpus.splits import grouped_folds
from tagger.domains import DomainSet
from tagger.models.combiner import fit_combiner
from tagger.models.encoders.folders import find_encoder
from tagger.models.thresholds import choose_thresholds
from tagger.training.bert_checks import check_bert
from tagger.training.config import TrainConfig
from tagger.training.fitter import Fitter
from tagger.training.fold_watch import tell_folds
from tagger.training.model_config import BertConfig
from tagger.training.splitting import group_by_text, rows_to_fit, with_copies
from tagger.training.stacking import combine_out_of_fold, with_known_lexicon
from tagger.training.trained import Folds, Trained, make_folds, measure_out_of_fold, silence
from tagger.training.unfinished import Unfinished

log = logging.getLogger(__name__)
#: Into how many parts a fold that stands alone is divided to weigh its signals.
_N_PARTS = 5
#: What a fold is called in progress lines and in what is kept of an unfinished run.
_TITLE = "fold {} of {}"


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
        A setting out of its range, layers that the encoder has not, or too few bulletins for the folds.
    """
    encoder = find_encoder(model.encoder.name)  # first: where there is none, nothing is begun
    check_bert(model, encoder)
    unfinished = Unfinished.open(config, examples, copies)
    groups = group_by_text(config, examples)
    fitter = Fitter(config, with_known_lexicon(config, model), domains, unfinished, encoder, groups)
    folds = make_folds(config, examples)
    if config.split.kind == "leave_one_source_out" and model.scored_folds is not None:
        log.warning(
            "model.scored_folds=%d holds out that many of %d sources (null: each)", model.scored_folds, len(folds)
        )
    folds = folds[: model.scored_folds]
    signals = _out_of_fold(fitter, examples, copies, folds)
    is_scored = ~np.isnan(signals).any(axis=(1, 2))
    is_text = is_scored & ~examples.noise
    y_proba = silence(
        combine_out_of_fold(examples.y_true, signals, _among(is_text, folds, examples, groups, config.seed)), examples
    )
    thresholds = choose_thresholds(examples.y_true[is_text], y_proba[is_text], shrinkage=model.shrinkage)
    # Without an epoch of its own the final network is that of the first fold, which saw no more.
    rows = folds[0][0] if model.refit_epochs == 0 else rows_to_fit(config, examples, np.arange(len(examples)))
    content = with_copies(examples, copies, rows)
    if model.refit_epochs is not None:
        classifier = fitter.go_on(
            content, after=_TITLE.format(1, len(folds)), seen=with_copies(examples, copies, folds[0][0])
        )
    else:
        classifier = fitter.fit("all bulletins", content)
    classifier.combiner = fit_combiner(examples.y_true[is_text], signals[is_text])
    metrics = measure_out_of_fold(examples.take(is_scored), y_proba[is_scored], thresholds, domains)
    metrics["cost"] = unfinished.cost()
    return Trained(
        classifier, thresholds, np.where(is_scored[:, None], y_proba, np.nan), rows, metrics,
        curves=fitter.unfinished.curves(), finish=fitter.unfinished.remove,
    )  # fmt: skip


def _among(
    is_text: np.ndarray, folds: Folds, examples: Examples, groups: Mapping[str, str], seed: int
) -> Folds:  # fmt: skip
    """Folds among the scored texts, whose combiner weighs the signals of bulletins that it did not see.

    Of several folds, each is weighed by the others; one fold alone is divided again.
    """
    held_out = [rows for _, rows in folds]
    if len(held_out) == 1:
        held_out = _divide(held_out[0], examples, groups, seed)
    scored = np.concatenate(held_out)
    others = (scored[~np.isin(scored, rows)] if len(held_out) > 1 else scored for rows in held_out)
    return [(fit[is_text[fit]], rows) for fit, rows in zip(others, held_out, strict=True)]


def _divide(rows: np.ndarray, examples: Examples, groups: Mapping[str, str], seed: int) -> list[np.ndarray]:
    """Rows in parts of whole groups of bulletins; in one part where there is but one group."""
    group_of = np.array([groups[bulletin] for bulletin in examples.bulletins[rows].tolist()])
    n_parts = min(_N_PARTS, len(np.unique(group_of)))
    if n_parts < 2:
        log.warning("one bulletin is scored: the figures are of signals that were weighed on it, and flatter")
        return [rows]
    return [rows[part] for _, part in grouped_folds(examples.y_true[rows], group_of, n_folds=n_parts, seed=seed)]


def _out_of_fold(fitter: Fitter, examples: Examples, copies: Examples, folds: Folds) -> np.ndarray:
    """Signals of examples by a network that did not see their bulletin; NaN in folds that are not scored."""
    n_signals = len(fitter.model.signals)
    signals = np.full((*examples.y_true.shape, n_signals), np.nan)
    for number, (rows, held_out) in enumerate(folds, start=1):
        title = _TITLE.format(number, len(folds))
        found = fitter.unfinished.scores(title)
        if found is None:
            classifier = fitter.fit(title, with_copies(examples, copies, rows))
            found = classifier.compute_signals(examples.take(held_out).texts)
            fitter.unfinished.keep_scores(title, found)
        signals[held_out] = found
        log.info("%s done", title)
        tell_folds(examples, signals, folds[:number], fitter.model.shrinkage)
    return signals
