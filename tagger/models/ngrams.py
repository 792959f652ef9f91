"""Linear scores of a text from its n-grams of characters, by NumPy alone.

What a TF-IDF vectorizer and a linear classifier a domain make of a text (Joachims, 1998),
kept as arrays: a fine-tuned encoder, which serves without scikit-learn, has it as one of
its signals. `tagger.training.ngrams` fits it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tagger.errors import ModelError
from tagger.models import npz_file
from tagger.models.clauses import clause_windows

FILE = "ngrams.npz"
_DIGIT = re.compile(r"\d")
_ARRAYS = ("terms", "idf", "coef", "intercepts")


class NgramScorer:
    """Scores texts by which n-grams they hold, however often.

    Parameters
    ----------
    terms : ndarray of shape (n_terms,)
        str: the n-grams, digits as 0, in lower case.
    idf : ndarray of shape (n_terms,)
        float32 above 0: inverse document frequencies.
    coef : ndarray of shape (n_terms, n_domains)
        float16.
    intercepts : ndarray of shape (n_domains,)
        float32.

    Raises
    ------
    ValueError
        The parts do not fit each other, or are not finite.

    Notes
    -----
    A text's row of weights has length 1, as in `tagger.models.features.TextFeatures`. Each text is
    scored alone and its n-grams are added up in their order, so that a score is the same to the
    last bit whatever stands beside it.
    """

    def __init__(self, terms: np.ndarray, idf: np.ndarray, coef: np.ndarray, intercepts: np.ndarray) -> None:
        if coef.ndim != 2 or (terms.shape, idf.shape, intercepts.shape) != (coef.shape[:1], coef.shape[:1],
                                                                            coef.shape[1:]):  # fmt: skip
            raise ValueError(f"{terms.shape} terms, idf {idf.shape}, coef {coef.shape}, intercepts {intercepts.shape}")
        if terms.dtype.kind != "U" or not len(terms):
            raise ValueError(f"{len(terms)} terms of type {terms.dtype}, expected strings")
        if not all(np.isfinite(part).all() for part in (idf, coef, intercepts)) or idf.min() <= 0:
            raise ValueError("a number that is not finite, or an idf that is not above 0")
        self.terms, self.idf, self.coef, self.intercepts = terms, idf, coef, intercepts
        self._row_of = {term: row for row, term in enumerate(terms.tolist())}
        self._lengths = sorted({len(term) for term in self._row_of})
        wide = idf.astype(np.float64)
        self._squares, self._weights = wide**2, wide[:, None] * coef

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return self.coef.shape[1]

    def decide(self, texts: Sequence[str]) -> np.ndarray:
        """Margins of texts, float64, shape (n_texts, n_domains); more speaks for a domain."""
        return self._stack([self._margins(text, [(0, len(text))])[0] for text in texts])

    def decide_clauses(self, texts: Sequence[str]) -> np.ndarray:
        """The highest margins of any run of neighbouring clauses, float64, shape (n_texts, n_domains)."""
        return self._stack([self._margins(text, clause_windows(text)).max(axis=0) for text in texts])

    def _stack(self, margins: list[np.ndarray]) -> np.ndarray:
        return np.array(margins).reshape(len(margins), self.n_domains)

    def _margins(self, text: str, spans: Sequence[tuple[int, int]]) -> np.ndarray:
        """Margins of parts of a text, each read as if it stood alone, shape (n_spans, n_domains)."""
        text = fold_digits(text).lower()
        found = [
            (start, start + n, row) for n in self._lengths for start in range(len(text) - n + 1)
            if (row := self._row_of.get(text[start : start + n])) is not None
        ]  # fmt: skip
        starts, ends, rows = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return np.array([self._margin(rows[(starts >= first) & (ends <= last)]) for first, last in spans])

    def _margin(self, rows: np.ndarray) -> np.ndarray:
        rows = np.unique(rows)  # in their order: a sum of numbers depends on it
        length = np.sqrt(self._squares[rows].sum()) or 1.0
        return self._weights[rows].sum(axis=0) / length + self.intercepts

    def save(self, folder: Path) -> None:
        """Write ``ngrams.npz``."""
        npz_file.dump(
            folder / FILE, terms=self.terms, idf=self.idf, coef=self.coef, intercepts=self.intercepts
        )  # fmt: skip

    @classmethod
    def load(cls, folder: Path) -> NgramScorer:
        """Read it back; a `ModelError` if the file is not what `save` writes, or far too large."""
        try:
            return cls(**npz_file.load(folder / FILE, _ARRAYS))
        except npz_file.ERRORS as error:
            raise ModelError(
                f"not the n-grams of a model ({error!r})", where=folder / FILE,
                hint="Train the model again or fetch it anew.",
            ) from None  # fmt: skip


def fold_digits(text: str) -> str:
    """Every digit as 0; the length stays, so spans keep their place."""
    return _DIGIT.sub("0", text)
