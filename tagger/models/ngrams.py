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
#: Texts that are scored at a time: enough for NumPy, little enough for memory.
_CHUNK = 256
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
    scored by itself and its n-grams are added up in their order, so that a score is the same to the
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
        self._alphabet, codes, self._base = _encode_terms(terms)
        self._order = np.argsort(codes, kind="stable")
        self._codes = codes[self._order]
        self._lengths = np.unique(np.char.str_len(terms)).tolist()
        wide = idf.astype(np.float64)
        self._squares, self._weights = wide**2, wide[:, None] * coef

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return self.coef.shape[1]

    def decide(self, texts: Sequence[str]) -> np.ndarray:
        """Margins of texts, float64, shape (n_texts, n_domains); more speaks for a domain."""
        return self._highest(texts, [[(0, len(text))] for text in texts])

    def decide_clauses(self, texts: Sequence[str]) -> np.ndarray:
        """The highest margins of any run of neighbouring clauses, float64, shape (n_texts, n_domains)."""
        return self._highest(texts, [clause_windows(text) for text in texts])

    def _highest(self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]]) -> np.ndarray:
        """The highest margins of the parts of each text, each part read as if it stood alone."""
        chunks = [slice(start, start + _CHUNK) for start in range(0, len(texts), _CHUNK)]
        found = [self._highest_of_chunk(texts[chunk], spans[chunk]) for chunk in chunks]
        return np.concatenate([np.zeros((0, self.n_domains)), *found])

    def _highest_of_chunk(self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]]) -> np.ndarray:
        # One after the other, with a character between them that no n-gram has.
        places = np.cumsum([0, *(len(text) + 1 for text in texts[:-1])]).tolist()
        shifted = [(place + a, place + b) for place, own in zip(places, spans, strict=True) for a, b in own]
        margins = self._margins("\0".join(map(_fold, texts)), np.array(shifted))
        return np.maximum.reduceat(margins, np.cumsum([0, *(len(own) for own in spans[:-1])]), axis=0)

    def _margins(self, text: str, spans: np.ndarray) -> np.ndarray:
        """Margins of parts of a text, float64, shape (n_spans, n_domains)."""
        ids = self._ids(text)
        keys = np.unique(np.concatenate([self._keys(ids, n, spans) for n in self._lengths]))
        numbers, rows = np.divmod(keys, len(self.terms))
        present, firsts = np.unique(numbers, return_index=True)
        margins = np.tile(self.intercepts.astype(np.float64), (len(spans), 1))
        if len(present):
            lengths = np.sqrt(np.add.reduceat(self._squares[rows], firsts))
            margins[present] += np.add.reduceat(self._weights[rows], firsts, axis=0) / lengths[:, None]
        return margins

    def _keys(self, ids: np.ndarray, n: int, spans: np.ndarray) -> np.ndarray:
        """Which n-grams each part holds, as ``part * n_terms + row``; one that it holds twice comes twice."""
        places, rows = self._matches(ids, n)
        first = np.searchsorted(places, spans[:, 0])
        n_found = np.maximum(np.searchsorted(places, spans[:, 1] - n, side="right") - first, 0)
        numbers = np.repeat(np.arange(len(spans)), n_found)
        within = np.arange(len(numbers)) - np.repeat(np.cumsum(n_found) - n_found, n_found)
        return numbers * len(self.terms) + rows[np.repeat(first, n_found) + within]

    def _matches(self, ids: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Where a known n-gram of n characters begins, in order, and its row."""
        windows = [ids[k : len(ids) - n + 1 + k] for k in range(n)] if len(ids) >= n else [ids[:0]]
        codes = sum(part * self._base**k for k, part in enumerate(windows))
        at = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        is_known = (self._codes[at] == codes) & np.all([part > 0 for part in windows], axis=0)
        return np.flatnonzero(is_known), self._order[at[is_known]]

    def _ids(self, text: str) -> np.ndarray:
        """Numbers of the characters, int64 from 1; 0 for one that is in no n-gram."""
        read = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        at = np.minimum(np.searchsorted(self._alphabet, read), len(self._alphabet) - 1)
        return np.where(self._alphabet[at] == read, at + 1, 0)

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


def _encode_terms(terms: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The characters of n-grams, in order, and each n-gram as one number: its characters' numbers, to a base."""
    characters = np.ascontiguousarray(terms, dtype=terms.dtype.newbyteorder("<")).view("<u4").reshape(len(terms), -1)
    alphabet = np.unique(characters[characters > 0])
    base, longest = len(alphabet) + 1, characters.shape[1]
    if not len(alphabet) or base**longest >= 2**63:
        raise ValueError(f"n-grams of {longest} of {len(alphabet)} characters, which no number of 64 bits tells apart")
    ids = np.where(characters > 0, np.searchsorted(alphabet, characters) + 1, 0)
    return alphabet, ids @ np.array([base**k for k in range(longest)], dtype=np.int64), base


def _fold(text: str) -> str:
    """Digits as 0, in lower case, each character in its place: a few grow in lower case."""
    folded = fold_digits(text)
    lower = folded.lower()
    return lower if len(lower) == len(folded) else "".join(c.lower()[0] for c in folded)


def fold_digits(text: str) -> str:
    """Every digit as 0; the length stays, so spans keep their place."""
    return _DIGIT.sub("0", text)
