"""When is it enough? A hint from how little the newest labels still change a model's tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tagger.labelling.coefficients import kappa_of, kappa_parts

#: Agreement of successive models above which the newest labels changed next to nothing.
FLAT = 0.99
#: So many steps in a row must be flat.
STEPS = 3


@dataclass(frozen=True)
class StoppingHint:
    """How much the last steps changed.

    Attributes
    ----------
    n_labels : tuple of int
        Labels that each of the successive models was trained on, rising.
    kappas : tuple of float
        Agreement of each model's tags with those of the one before; one fewer.
    flat : float
        The bar.
    """

    n_labels: tuple[int, ...]
    kappas: tuple[float, ...]
    flat: float = FLAT

    @property
    def is_flat(self) -> bool:
        """Whether the mean of the last three kappas is at the bar or above: more labels of this kind change little."""
        return len(self.kappas) >= STEPS and float(np.mean(self.kappas[-STEPS:])) >= self.flat

    def __str__(self) -> str:
        if len(self.kappas) < STEPS:
            return f"too few labels to tell whether the curve is flat ({self.n_labels[-1] if self.n_labels else 0})"
        changes = ", ".join(f"{kappa:.3f}" for kappa in self.kappas[-STEPS:])
        steps = (
            f"from {self.n_labels[-STEPS - 1]} to {self.n_labels[-1]} labels: agreement of successive models {changes}"
        )
        if self.is_flat:
            return (
                f"the curve is flat {steps} (>= {self.flat:g} on average); more labels of this kind will change little"
            )
        return f"labels still help {steps} (flat from {self.flat:g} on average)"


def stopping_hint(y_preds: Sequence[np.ndarray], n_labels: Sequence[int], *, flat: float = FLAT) -> StoppingHint:
    """Compare the tags of successive models on the same texts.

    Parameters
    ----------
    y_preds : sequence of ndarray of shape (n_texts, n_domains)
        0 or 1: the tags of models trained on more and more labels, on texts that none needs labels for.
    n_labels : sequence of int
        As many.
    flat : float, default=0.99

    Notes
    -----
    Bloodgood and Vijay-Shanker (2009), "A method for stopping active learning based on stabilizing
    predictions and the need for user-adjustable stopping": stop when Cohen's kappa of successive
    models, averaged over the last three, is 0.99 or more. All domains' decisions make one table here,
    where a rare domain counts by its texts.
    """
    kappas = [_kappa(before, after) for before, after in pairwise(y_preds)]
    return StoppingHint(tuple(n_labels), tuple(kappas), flat)


def hint_from_labels(
    tags_after: Callable[[np.ndarray], np.ndarray], order: np.ndarray, *, step: int = 100, flat: float = FLAT
) -> StoppingHint:
    """Train on the oldest labels, then with each later step of them, and compare.

    Parameters
    ----------
    tags_after : callable
        Takes numbers of labelled units, trains on them and returns tags of fixed texts, 0 or 1, of shape
        (n_texts, n_domains).
    order : ndarray of int
        Numbers of the labelled units, oldest first.
    step : int, default=100
        Labels between two models.
    """
    n_labels = [n for n in range(len(order) - STEPS * step, len(order) + 1, step) if n >= step]
    return stopping_hint([tags_after(order[:n]) for n in n_labels], n_labels, flat=flat)


def _kappa(before: np.ndarray, after: np.ndarray) -> float:
    sums = kappa_parts(before.reshape(-1, 1), after.reshape(-1, 1)).sum(axis=0)
    kappa = float(kappa_of(sums)[0])
    return 1.0 if np.isnan(kappa) else kappa  # neither tagged anything, or both everything
