"""Text in context -> sparse TF-IDF rows: n-grams of characters and words, the context apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from tagger.bulletins.context import TextInContext

_DIGIT = re.compile(r"\d")
#: Words come joined by spaces from the segmenter; each token is what stands between them.
_TOKEN = r"(?u)\S+"


class TextFeatures(TransformerMixin, BaseEstimator):
    """TF-IDF over n-grams of a sentence and of its context.

    Parameters
    ----------
    char_ngrams : tuple of (int, int) or None, default=(1, 4)
        Shortest and longest character n-grams of the sentence; None for none.
    word_ngrams : tuple of (int, int) or None, default=(1, 2)
        Shortest and longest word n-grams of the sentence (segmented by jieba).
    context : sequence of str, default=("lead_in",)
        Fields of `TextInContext` that get columns of their own.
    context_ngrams : tuple of (int, int), default=(1, 3)
        Character n-grams of the context fields.
    context_weight : float, default=0.5
        Length of a context row where the sentence's is 1; in [0, inf).
    word_weight : float, default=1.0
        Length of the word row where the character row is 1.
    min_df : int, default=2
        Fewest texts an n-gram must occur in.

    Attributes
    ----------
    blocks_ : list of dict
        Per block: ``field``, ``analyzer``, ``ngrams``, ``weight``, ``terms`` (ndarray of
        str, in column order) and ``idf`` (ndarray of float64, same length).

    Notes
    -----
    Fitted vocabularies are kept as arrays, not as dictionaries: a saved model loads ten
    times faster. Every digit counts as 0, so that no model learns a figure by heart.
    """

    def __init__(
        self, char_ngrams=(1, 4), word_ngrams=(1, 2), context=("lead_in",), context_ngrams=(1, 3),
        context_weight=0.5, word_weight=1.0, min_df=2,
    ):  # fmt: skip
        self.char_ngrams = char_ngrams
        self.word_ngrams = word_ngrams
        self.context = context
        self.context_ngrams = context_ngrams
        self.context_weight = context_weight
        self.word_weight = word_weight
        self.min_df = min_df

    def fit(self, texts: Sequence[TextInContext | str], y: object = None) -> TextFeatures:
        """Learn vocabularies and document frequencies.

        Raises
        ------
        ValueError
            No texts, something that is not text, no n-gram that occurs `min_df` times, or
            a field that `TextInContext` does not have.
        """
        contexts = as_contexts(texts)
        if unknown := set(self.context) - set(TextInContext._fields):
            raise ValueError(f"context {min(unknown)!r}, expected some of {', '.join(TextInContext._fields)}")
        self.blocks_ = []
        for plan in self._plan():
            vectorizer = _new_vectorizer(plan, min_df=self.min_df)
            try:
                vectorizer.fit(_documents(contexts, plan))
            except ValueError:
                if plan["field"] == "text":
                    raise
                continue  # no bulletin has such a context
            self.blocks_.append(_fitted_block(plan, vectorizer))
        if not self.blocks_:
            raise ValueError("no n-grams of any kind are asked for")
        self._restore()
        return self

    def transform(self, texts: Sequence[TextInContext | str]) -> sp.csr_matrix:
        """Rows of weights, float64, shape (n_texts, n_features), C-ordered sparse."""
        check_is_fitted(self, "blocks_")
        contexts = as_contexts(texts)
        columns = [
            vectorizer.transform(_documents(contexts, block)) * block["weight"]
            for block, vectorizer in zip(self.blocks_, self._vectorizers, strict=True)
        ]
        return sp.csr_matrix(sp.hstack(columns, format="csr"))

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """``field:analyzer:ngram`` of every column, ndarray of object, shape (n_features,)."""
        check_is_fitted(self, "blocks_")
        names = [f"{b['field']}:{b['analyzer']}:{t}" for b in self.blocks_ for t in b["terms"]]
        return np.array(names, dtype=object)

    def _plan(self) -> Iterable[dict[str, Any]]:
        for analyzer, ngrams, weight in (
            ("char", self.char_ngrams, 1.0),
            ("word", self.word_ngrams, self.word_weight),
        ):
            if ngrams is not None:
                yield {"field": "text", "analyzer": analyzer, "ngrams": list(ngrams), "weight": weight}
        for field in self.context:
            yield {
                "field": field, "analyzer": "char", "ngrams": list(self.context_ngrams),
                "weight": self.context_weight,
            }  # fmt: skip

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


def as_contexts(texts: Sequence[TextInContext | str]) -> list[TextInContext]:
    """Plain strings as texts without context; anything else but `TextInContext` is a ValueError."""
    if isinstance(texts, (str, bytes)) or not hasattr(texts, "__len__"):
        raise ValueError("expected a sequence of texts, got a single one")
    if not len(texts):
        raise ValueError("no texts: 0 sample(s) found while a minimum of 1 is required")
    contexts = [TextInContext(t) if isinstance(t, str) else t for t in texts]
    for context in contexts:
        if not isinstance(context, TextInContext):
            raise ValueError(f"expected str or TextInContext, got {type(context).__name__}")
    return contexts


def segment(text: str) -> str:
    """The words of a text joined by spaces (jieba's dictionary, rjieba's speed)."""
    import rjieba

    return " ".join(word for word in rjieba.cut(text) if not word.isspace())


def fold_digits(text: str) -> str:
    """Every digit as 0; the length stays, so spans keep their place."""
    return _DIGIT.sub("0", text)


def _documents(contexts: Sequence[TextInContext], block: dict[str, Any]) -> list[str]:
    texts = [fold_digits(getattr(context, block["field"])) for context in contexts]
    return [segment(text) for text in texts] if block["analyzer"] == "word" else texts


def _new_vectorizer(plan: dict[str, Any], **options: Any) -> TfidfVectorizer:
    if plan["analyzer"] == "word":
        options["token_pattern"] = _TOKEN
    return TfidfVectorizer(
        analyzer=plan["analyzer"], ngram_range=tuple(plan["ngrams"]), sublinear_tf=True,
        lowercase=True, dtype=np.float64, **options,
    )  # fmt: skip


def _fitted_block(plan: dict[str, Any], vectorizer: TfidfVectorizer) -> dict[str, Any]:
    terms = np.array([str(term) for term in vectorizer.get_feature_names_out()])
    return {**plan, "weight": float(plan["weight"]), "terms": terms, "idf": vectorizer.idf_}


def _restored_vectorizer(block: dict[str, Any]) -> TfidfVectorizer:
    vocabulary = {str(term): column for column, term in enumerate(block["terms"])}
    vectorizer = _new_vectorizer(block, vocabulary=vocabulary)
    vectorizer.idf_ = block["idf"]
    return vectorizer
