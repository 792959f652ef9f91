"""The TF-IDF baseline: weighted n-grams of a sentence, its clauses and its context.

One linear classifier a domain scores any piece of text. A sentence's probability is put
together from the scores of the whole sentence, of its best run of clauses, of its
lead-in, neighbours and title, and from the lexicon's words in it (`TfidfClassifier.known_signals`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models import skops_file
from tagger.models.classifier import Evidence
from tagger.models.clauses import clause_windows
from tagger.models.combiner import Combiner
from tagger.models.features import TextFeatures
from tagger.models.lexicon import LexiconClassifier
from tagger.models.linear_head import LinearHead
from tagger.models.ngrams import fold_digits
from tagger.models.signals import CONTEXT, SignalClassifier, load_signals

_ESTIMATORS = "model.skops"
_TRUSTED = ("tagger.models.features.TextFeatures", "tagger.models.linear_head.LinearHead")


class TfidfClassifier(SignalClassifier):
    """Scores texts by weighted n-grams.

    Parameters
    ----------
    features : TextFeatures
    head : LinearHead
    lexicon, signals, combiner
        See `SignalClassifier`; ``clauses`` is one more signal, the best run of clauses.
    """

    kind = "tfidf"
    known_signals = ("text", "clauses", "lexicon", *CONTEXT)

    def __init__(
        self, features: TextFeatures, head: LinearHead, *, lexicon: LexiconClassifier | None = None,
        signals: Sequence[str] = ("text",), combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lexicon=lexicon, signals=signals, combiner=combiner)
        self.features, self.head = features, head

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return len(self.head.intercept_)

    def fit(self, texts: Sequence[TextInContext], y: np.ndarray) -> TfidfClassifier:
        """Fit features and head on the sentences alone; `y` has shape (n_texts, n_domains).

        The combiner is not fitted: it needs signals of texts that this model did not see.
        """
        self.head.fit(self.features.fit_transform([text.text for text in texts]), y)
        return self

    def compute_signals(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """The signals of texts, float64, shape (n_texts, n_domains, n_signals)."""
        check_is_fitted(self.head, "intercept_")
        return super().compute_signals(texts)

    def explain(self, text: TextInContext, column: int, limit: int = 5) -> list[Evidence]:
        """The n-grams and words that carried a domain's score, by their share of its log-odds.

        An n-gram within a stronger one of the same field is left out.
        """
        weights = dict(zip(self.signals, self.weights().weights[column], strict=True))
        parts = [
            part for name, weight in weights.items() for part in self._evidence_of(name, text, column, float(weight))
        ]
        return _distinct(sorted(_summed(parts), key=lambda e: -e.weight), limit)

    def signal(self, name: str, texts: Sequence[TextInContext], read: Mapping[str, np.ndarray]) -> np.ndarray:
        """One signal of texts, float64, shape (n_texts, n_domains)."""
        if name == "clauses":
            return self._best_windows([text.text for text in texts])
        return super().signal(name, texts, read)

    def decide(self, texts: Sequence[str]) -> np.ndarray:
        """Margins of texts alone, float64, shape (n_texts, n_domains)."""
        scores = self.head.decision_function(self.features.transform(texts))
        return scores.reshape(len(texts), -1)

    def _best_windows(self, texts: Sequence[str]) -> np.ndarray:
        windows = [[text[start:end] for start, end in clause_windows(text)] for text in texts]
        scores = self.decide([window for row in windows for window in row])
        firsts = np.cumsum([0, *(len(row) for row in windows[:-1])])
        return np.maximum.reduceat(scores, firsts, axis=0)

    def _evidence_of(self, name: str, text: TextInContext, column: int, weight: float) -> Iterable[Evidence]:
        if name == "lexicon":
            return self.lexicon_evidence(text, column, weight)
        if name == "clauses":
            start, end = self._best_window(text.text, column)
            return self._ngrams(text.text[start:end], column, weight, "text", shift=start)
        return self._ngrams(getattr(text, name), column, weight, name)

    def _best_window(self, text: str, column: int) -> tuple[int, int]:
        windows = clause_windows(text)
        scores = self.decide([text[start:end] for start, end in windows])
        return windows[int(scores[:, column].argmax())]

    def _ngrams(self, text: str, column: int, weight: float, field: str, shift: int = 0) -> Iterator[Evidence]:
        if not text:
            return
        row = self.features.transform([text])
        folded = fold_digits(text).lower()
        for index, value in zip(row.indices, row.data, strict=True):
            ngram = self.features.written_form(int(index))
            spans = tuple((start + shift, end + shift) for start, end in _occurrences(folded, ngram))
            yield Evidence(ngram, float(value * self.head.coef_[column, index] * weight), field, spans)

    def save(self, folder: Path) -> None:
        """Write ``model.skops``, ``combiner.json`` and, if there is one, ``lexicon.json``."""
        skops_file.dump({"features": self.features, "head": self.head}, folder / _ESTIMATORS)
        self.save_signals(folder)

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> TfidfClassifier:
        """Read them back, admitting no types but scikit-learn's, NumPy's and our own two."""
        parts = skops_file.load(folder / _ESTIMATORS, _TRUSTED)
        try:
            return cls(parts["features"], parts["head"], **load_signals(folder, config))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"not a TF-IDF model ({error})", where=folder) from None


def _occurrences(text: str, ngram: str) -> Iterator[tuple[int, int]]:
    start = text.find(ngram)
    while start >= 0:
        yield start, start + len(ngram)
        start = text.find(ngram, start + 1)


def _summed(parts: Iterable[Evidence]) -> Iterator[Evidence]:
    """One piece of evidence an n-gram and field, whichever signals it came through."""
    weights: dict[tuple[str, str], float] = {}
    spans: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
    for part in parts:
        key = part.ngram, part.field
        weights[key] = weights.get(key, 0.0) + part.weight
        spans[key] = tuple(sorted({*spans.get(key, ()), *part.spans}))
    for (ngram, field), weight in weights.items():
        if weight > 0 and spans[ngram, field]:
            yield Evidence(ngram, weight, field, spans[ngram, field])


def _distinct(evidence: Iterable[Evidence], limit: int) -> list[Evidence]:
    kept: list[Evidence] = []
    for e in evidence:
        if not any(e.field == k.field and (e.ngram in k.ngram or k.ngram in e.ngram) for k in kept):
            kept.append(e)
        if len(kept) == limit:
            break
    return kept
