"""The precedents of a run: its training sentences, as its classifier embeds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.corpus.examples import Examples
from tagger.domains import DomainSet
from tagger.models.precedents import Precedents, build_precedents

#: Sentences above which an index is thinned out, evenly over the data: some 2 MB.
MAX_TEXTS = 15_000


def choose_precedents(
    classifier: Any, examples: Examples, rows: np.ndarray, domains: DomainSet
) -> Precedents | None:  # fmt: skip
    """An index of what the final model learnt from; None for a classifier without embeddings.

    Parameters
    ----------
    classifier : Classifier
        One with a method ``embed(texts)``, float32 of shape (n_texts, n_dims), has precedents.
    examples : Examples
        All of the run.
    rows : ndarray of int
        Numbers of those that the classifier was fitted on: no others are precedents.
    domains : DomainSet
    """
    embed = getattr(classifier, "embed", None)
    if embed is None or not len(rows):
        return None
    if len(rows) > MAX_TEXTS:
        rows = rows[np.linspace(0, len(rows) - 1, MAX_TEXTS).astype(int)]
    texts = [examples.texts[row].text for row in rows]
    labels = domains.decode(examples.y_true[rows])
    return build_precedents(embed(texts), texts, labels, [str(examples.ids[row]) for row in rows])
