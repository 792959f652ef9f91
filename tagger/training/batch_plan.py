"""What a network is trained on, batch by batch: decided before the first step, by the seed.

A plan that exists as a whole makes a resumed run equal to an uninterrupted one, and tells
how many steps, and so how many minutes, are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tagger.models.tokenization import PieceTokenizer


@dataclass(frozen=True)
class Inputs:
    """Sentences as a network reads them.

    Attributes
    ----------
    ids : list of list of int
        Piece ids, begin and end included.
    rows : ndarray of shape (n_inputs,)
        The row of each input's labels; several inputs of a long sentence have the same.
    """

    ids: list[list[int]]
    rows: np.ndarray


def read_inputs(texts: Sequence[str], tokenizer: PieceTokenizer) -> Inputs:
    """Cut sentences into pieces; one that is too long becomes several inputs."""
    windows = tokenizer.windows(texts)
    rows = np.repeat(np.arange(len(texts)), [len(text) for text in windows])
    return Inputs([ids for text in windows for ids in text], rows)


def plan_batches(lengths: Sequence[int], *, n_epochs: int, budget: int, rng: np.random.Generator) -> list[list[int]]:
    """All batches of a training run, as input numbers.

    Batches hold inputs of like length, which saves more than half of the time, and come in
    random order; every epoch puts them together anew.

    Parameters
    ----------
    lengths : sequence of int
        Pieces of each input.
    n_epochs : int
    budget : int
        Most pieces in a batch, filling included.
    rng : numpy.random.Generator
    """
    return [batch for _ in range(n_epochs) for batch in _epoch(np.asarray(lengths), budget, rng)]


def _epoch(lengths: np.ndarray, budget: int, rng: np.random.Generator) -> list[list[int]]:
    # The jitter mixes neighbours in length; sorted strictly, the same sentences would always meet.
    order = np.argsort(-(lengths * rng.uniform(0.9, 1.1, len(lengths))), kind="stable")
    batches = _fill(order.tolist(), lengths, budget)
    return [batches[i] for i in rng.permutation(len(batches))]


def _fill(order: Sequence[int], lengths: np.ndarray, budget: int) -> list[list[int]]:
    batches: list[list[int]] = []
    longest = 0
    for number in order:
        longest = max(longest, int(lengths[number]))
        if not batches or longest * (len(batches[-1]) + 1) > budget:
            batches.append([])
            longest = int(lengths[number])
        batches[-1].append(number)
    return batches
