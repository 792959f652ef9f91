"""Who watches a run, and what is told fold by fold: the score so far.

A search watches its trials, to cut a poor one short. What watches is set around the call of a
run rather than handed through every layer of it: no part of a training depends on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import numpy as np

from tagger.corpus.examples import Examples
from tagger.evaluation.metrics import score
from tagger.models.combiner import fit_combiner
from tagger.models.thresholds import choose_thresholds
from tagger.training.stacking import combine_out_of_fold
from tagger.training.trained import Folds

#: Called with the number of folds done and ``{f1_macro, f1_micro}``; what it raises ends the run.
Watch = Callable[[int, dict[str, float]], None]
_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextlib.contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Have the runs inside the context watched."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def tell_folds(examples: Examples, signals: np.ndarray, folds: Folds, shrinkage: float) -> None:
    """Tell who watches, if anybody, how good the folds are that are done.

    Parameters
    ----------
    examples : Examples
    signals : ndarray of shape (n_texts, n_domains, n_signals)
        Filled in the rows that `folds` hold out.
    folds : list of (rows to fit on, rows held out)
        Those that are done.
    shrinkage : float
        See `tagger.models.thresholds.choose_thresholds`.
    """
    watch = _WATCH.get()
    if watch is not None:
        watch(len(folds), score_so_far(examples, signals, folds, shrinkage))


def score_so_far(examples: Examples, signals: np.ndarray, folds: Folds, shrinkage: float) -> dict[str, float]:
    """Micro- and macro-F1 of the folds that are done.

    The weights of the signals come from the other folds that are done, with one fold alone from
    itself, and the thresholds from all of them: a little flattering, for every trial alike.
    """
    done = np.concatenate([held_out for _, held_out in folds])
    done = done[~examples.noise[done]]
    y_proba = _combine(examples, signals, folds, done)[done]
    y_true = examples.y_true[done]
    y_pred = (y_proba >= choose_thresholds(y_true, y_proba, shrinkage=shrinkage)).astype(np.int8)
    figures = score(y_true, y_pred, [str(column) for column in range(y_true.shape[1])])
    return {name: float(figures[name]) for name in ("f1_macro", "f1_micro")}


def _combine(examples: Examples, signals: np.ndarray, folds: Folds, done: np.ndarray) -> np.ndarray:
    if len(folds) > 1:
        inner = [(np.setdiff1d(done, held_out), held_out) for _, held_out in folds]
        return combine_out_of_fold(examples.y_true, signals, inner)
    y_proba = np.zeros(examples.y_true.shape, dtype=np.float32)
    y_proba[done] = fit_combiner(examples.y_true[done], signals[done]).predict_proba(signals[done])
    return y_proba
