"""Texts -> sparse TF-IDF rows: n-grams of characters and of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from tagger.models.ngrams import fold_digits

#: Words come joined by spaces from the segmenter; each token is what stands between them.
_TOKEN = r"(?u)\S+"


class TextFeatures(TransformerMixin, BaseEstimator):
    """TF-IDF over n-grams of characters and words.

    Parameters
    ----------
    char_ngrams : tuple of (int, int) or None, default=(1, 3)
        Shortest and longest character n-grams; None for none.
    word_ngrams : tuple of (int, int) or None, default=(1, 2)
        Shortest and longest word n-grams (segmented by jieba); None for none.
    binary : bool, default=True
        Whether an n-gram counts once however often it occurs; else its count is dampened
        by a logarithm.
    min_df : int, default=2
        Fewest texts an n-gram must occur in.

    Attributes
    ----------
    blocks_ : list of dict
        Per kind of n-gram: ``analyzer``, ``ngrams``, ``binary``, ``terms`` (ndarray of
        str, in column order) and ``idf`` (ndarray of float64, same length).

    Notes
    -----
    Fitted vocabularies are kept as arrays, not as dictionaries: a saved model loads ten
    times faster. Every digit counts as 0, so that no model learns a figure by heart.
    Each block's rows have length 1.
    """

    def __init__(self, char_ngrams=(1, 3), word_ngrams=(1, 2), binary=True, min_df=2):
        self.char_ngrams = char_ngrams
        self.word_ngrams = word_ngrams
        self.binary = binary
        self.min_df = min_df

    def fit(self, texts: Sequence[str], y: object = None) -> TextFeatures:
        """Learn vocabularies and document frequencies.

        Raises
        ------
        ValueError
            No texts, something that is not text, or no n-gram that occurs `min_df` times.
        """
        texts = checked_texts(texts)
        self.blocks_ = []
        for plan in self._plan():
            vectorizer = _new_vectorizer(plan, min_df=self.min_df)
            vectorizer.fit(_documents(texts, plan))
            self.blocks_.append(_fitted_block(plan, vectorizer))
        if not self.blocks_:
            raise ValueError("no n-grams of any kind are asked for")
        self._restore()
        return self

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows of weights, float64, shape (n_texts, n_features), in CSR format."""
        check_is_fitted(self, "blocks_")
        texts = checked_texts(texts)
        columns = [
            vectorizer.transform(_documents(texts, block))
            for block, vectorizer in zip(self.blocks_, self._vectorizers, strict=True)
        ]
        return sp.csr_matrix(sp.hstack(columns, format="csr"))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """``analyzer:ngram`` of every column, ndarray of object, shape (n_features,)."""
        check_is_fitted(self, "blocks_")
        names = [f"{block['analyzer']}:{term}" for block in self.blocks_ for term in block["terms"]]
        return np.array(names, dtype=object)

    def written_form(self, column: int) -> str:
        """A column's n-gram as it stands in a text: words without the spaces between them."""
        for block in self.blocks_:
            if column < len(block["terms"]):
                term = str(block["terms"][column])
                return term.replace(" ", "") if block["analyzer"] == "word" else term
            column -= len(block["terms"])
        raise IndexError(f"column {column} is beyond the last one")

    def _plan(self) -> Iterable[dict[str, Any]]:
        for analyzer, ngrams in (("char", self.char_ngrams), ("word", self.word_ngrams)):
            if ngrams is not None:
                yield {"analyzer": analyzer, "ngrams": list(ngrams), "binary": bool(self.binary)}

    def _restore(self) -> None:
        """Working vectorizers from the fitted blocks."""
        self._vectorizers = [_restored_vectorizer(block) for block in self.blocks_]

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_vectorizers", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "blocks_" in self.__dict__:
            self._restore()

    def __sklearn_tags__(self):  # type: ignore[no-untyped-def]
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def checked_texts(texts: Sequence[str]) -> list[str]:
    """The texts as a list; a ValueError unless they are one or more strings."""
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__len__"):
        raise ValueError("expected a sequence of texts, got a single one")
    if not len(texts):
        raise ValueError("no texts: 0 sample(s) found while a minimum of 1 is required")
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"expected str, got {type(text).__name__}")
    return list(texts)


def segment(text: str) -> str:
    """The words of a text joined by spaces (jieba's dictionary, rjieba's speed)."""
    import rjieba

    return " ".join(word for word in rjieba.cut(text) if not word.isspace())


def _documents(texts: Sequence[str], block: dict[str, Any]) -> list[str]:
    folded = [fold_digits(text) for text in texts]
    return [segment(text) for text in folded] if block["analyzer"] == "word" else folded


def _new_vectorizer(plan: dict[str, Any], **options: Any) -> TfidfVectorizer:
    if plan["analyzer"] == "word":
        options["token_pattern"] = _TOKEN
    return TfidfVectorizer(
        analyzer=plan["analyzer"], ngram_range=tuple(plan["ngrams"]), binary=plan["binary"],
        sublinear_tf=True, lowercase=True, dtype=np.float64, **options,
    )  # fmt: skip


def _fitted_block(plan: dict[str, Any], vectorizer: TfidfVectorizer) -> dict[str, Any]:
    terms = np.array([str(term) for term in vectorizer.get_feature_names_out()])
    return {**plan, "terms": terms, "idf": vectorizer.idf_}


def _restored_vectorizer(block: dict[str, Any]) -> TfidfVectorizer:
    vocabulary = {str(term): column for column, term in enumerate(block["terms"])}
    vectorizer = _new_vectorizer(block, vocabulary=vocabulary)
    vectorizer.idf_ = block["idf"]
    return vectorizer
