"""Fits the n-gram scorer that a fine-tuned encoder has as a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tagger.errors import UsageError
from tagger.models.ngrams import NgramScorer

if TYPE_CHECKING:
    from tagger.corpus.examples import Examples
    from tagger.training.model_config import NgramsConfig


def fit_ngrams(settings: NgramsConfig, examples: Examples) -> NgramScorer:
    """A scorer of sentences alone.

    Parameters
    ----------
    settings : NgramsConfig
    examples : Examples
        The sentences, without page furniture.

    Returns
    -------
    NgramScorer
        The same for the same examples and settings.

    Raises
    ------
    UsageError
        Settings that no scorer can be fitted with, or no n-gram that is frequent enough.
    """
    # scikit-learn takes 1.5 s to import: only where a scorer is fitted.
    from tagger.models.features import TextFeatures
    from tagger.models.linear_head import LinearHead

    if len(settings.lengths) != 2 or not 1 <= settings.lengths[0] <= settings.lengths[1]:
        raise UsageError(f"found {settings.lengths}, expected the shortest and the longest length, from 1 on",
                         where="model.ngrams.lengths")  # fmt: skip
    features = TextFeatures(char_ngrams=tuple(settings.lengths), word_ngrams=None, binary=True, min_df=settings.min_df)
    head = LinearHead(C=settings.C, loss=settings.loss, positive_weight=settings.positive_weight)
    try:
        head.fit(features.fit_transform([text.text for text in examples.texts]), examples.y_true)
        (block,) = features.blocks_
        return NgramScorer(
            block["terms"], block["idf"].astype(np.float32), np.ascontiguousarray(head.coef_.T, dtype=np.float16),
            head.intercept_.astype(np.float32),
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error), where="model.ngrams") from None
