"""What every classifier can do, whatever is inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tagger.bulletins.context import TextInContext


@dataclass(frozen=True)
class Evidence:
    """One piece of text that speaks for or against a tag.

    Attributes
    ----------
    ngram : str
        The n-gram or word, as the model sees it.
    weight : float
        Its share of the decision score (log-odds for linear models); positive speaks for the tag.
    field : str
        ``text`` for the sentence itself, else the field of `TextInContext`.
    spans : tuple of (int, int)
        Half-open spans of its occurrences in that field's normalised text.
    """

    ngram: str
    weight: float
    field: str
    spans: tuple[tuple[int, int], ...]


class Classifier(Protocol):
    """Scores texts; holds no thresholds and knows no files but its own."""

    kind: str

    def predict_proba(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Scores in [0, 1], float32, shape (n_texts, n_domains)."""
        ...

    def explain(self, text: TextInContext, column: int, limit: int = 5) -> list[Evidence]:
        """The strongest evidence for one domain's score, strongest first."""
        ...

    def save(self, folder: Path) -> None:
        """Write its own files into an existing folder."""
        ...

    @classmethod
    def load(cls, folder: Path, config: dict[str, Any]) -> Classifier:
        """Read them back; anything unexpected is a `ModelError`."""
        ...
