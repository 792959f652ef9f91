"""The TF-IDF baseline: n-gram features, one logistic regression a domain, calibrated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models import skops_file
from tagger.models.calibration import apply_sigmoids
from tagger.models.classifier import Evidence
from tagger.models.features import TextFeatures, fold_digits
from tagger.models.linear_head import LinearHead

_ESTIMATORS, _CALIBRATION = "model.skops", "calibration.json"
_TRUSTED = ("tagger.models.features.TextFeatures", "tagger.models.linear_head.LinearHead")


class TfidfClassifier:
    """Scores texts by weighted n-grams.

    Parameters
    ----------
    features : TextFeatures
    head : LinearHead
    slopes, intercepts : ndarray of shape (n_domains,), optional
        Calibration of the head's log-odds; identity by default.
    """

    kind = "tfidf"

    def __init__(
        self, features: TextFeatures, head: LinearHead, *,
        slopes: np.ndarray | None = None, intercepts: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.features, self.head = features, head
        self.slopes, self.intercepts = slopes, intercepts

    def fit(self, texts: Sequence[TextInContext], y: np.ndarray) -> TfidfClassifier:
        """Fit features and head; `y` is an indicator array of shape (n_texts, n_domains)."""
        self.head.fit(self.features.fit_transform(texts), y)
        return self

    def decision_function(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Uncalibrated log-odds, float64, shape (n_texts, n_domains)."""
        if not texts:
            return np.zeros((0, len(self.head.intercept_)))
        return self.head.decision_function(self.features.transform(texts))

    def predict_proba(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Calibrated probabilities, float32, shape (n_texts, n_domains)."""
        scores = self.decision_function(texts)
        n_domains = scores.shape[1]
        slopes = np.ones(n_domains) if self.slopes is None else self.slopes
        intercepts = np.zeros(n_domains) if self.intercepts is None else self.intercepts
        return apply_sigmoids(scores, slopes, intercepts)

    def explain(self, text: TextInContext, column: int, limit: int = 5) -> list[Evidence]:
        """The n-grams that carried a domain's score, by their share of its log-odds.

        An n-gram within a stronger one at the same place is left out.
        """
        row = self.features.transform([text])
        slope = 1.0 if self.slopes is None else float(self.slopes[column])
        weights = row.data * self.head.coef_[column, row.indices] * slope
        order = np.argsort(-weights, kind="stable")
        evidence = (self._evidence(text, int(row.indices[i]), float(weights[i])) for i in order)
        return _distinct((e for e in evidence if e.weight > 0 and e.spans), limit)

    def _evidence(self, text: TextInContext, index: int, weight: float) -> Evidence:
        for block in self.features.blocks_:
            if index < len(block["terms"]):
                break
            index -= len(block["terms"])
        ngram = str(block["terms"][index])
        # Words are joined by spaces in the vocabulary, and stand without them in the text.
        written = ngram.replace(" ", "") if block["analyzer"] == "word" else ngram
        spans = _occurrences(fold_digits(getattr(text, block["field"])).lower(), written)
        return Evidence(written, weight, block["field"], tuple(spans))

    def save(self, folder: Path) -> None:
        """Write ``model.skops`` and ``calibration.json``."""
        skops_file.dump({"features": self.features, "head": self.head}, folder / _ESTIMATORS)
        n_domains = len(self.head.intercept_)
        slopes = np.ones(n_domains) if self.slopes is None else self.slopes
        intercepts = np.zeros(n_domains) if self.intercepts is None else self.intercepts
        calibration = {"slopes": slopes.tolist(), "intercepts": intercepts.tolist()}
        (folder / _CALIBRATION).write_text(json.dumps(calibration, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> TfidfClassifier:
        """Read them back, admitting no types but scikit-learn's, NumPy's and our own two."""
        parts = skops_file.load(folder / _ESTIMATORS, _TRUSTED)
        try:
            calibration = json.loads((folder / _CALIBRATION).read_text())
            return cls(
                parts["features"], parts["head"],
                slopes=np.array(calibration["slopes"], dtype=float),
                intercepts=np.array(calibration["intercepts"], dtype=float),
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"not a TF-IDF model ({error})", where=folder) from None


def _occurrences(text: str, ngram: str) -> Iterator[tuple[int, int]]:
    start = text.find(ngram)
    while start >= 0:
        yield start, start + len(ngram)
        start = text.find(ngram, start + 1)


def _distinct(evidence: Iterator[Evidence], limit: int) -> list[Evidence]:
    kept: list[Evidence] = []
    for e in evidence:
        overlaps = any(e.field == k.field and (e.ngram in k.ngram or k.ngram in e.ngram) for k in kept)
        if not overlaps:
            kept.append(e)
        if len(kept) == limit:
            break
    return kept
