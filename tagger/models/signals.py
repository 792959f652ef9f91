"""A sentence's probability from several signals: its own score, its surroundings', its words.

A classifier of this kind scores any piece of text alone; the surroundings of a sentence
are texts like any other, scored once however many sentences they surround. A combiner
weighs the signals and calibrates the sum.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.models.classifier import Evidence
from tagger.models.combiner import Combiner
from tagger.models.lexicon import LexiconClassifier

_COMBINER = "combiner.json"
#: Fields of a text in context that are texts themselves.
CONTEXT = ("lead_in", "previous", "following", "title")


class SignalClassifier(ABC):
    """Puts a probability together from signals.

    Parameters
    ----------
    lexicon : LexiconClassifier, optional
        Needed for the signal ``lexicon``.
    signals : sequence of str, default=("text",)
        Names from `known_signals`; the first must be ``text``.
    combiner : Combiner, optional
        Weights of the signals; without one only the first counts.

    Raises
    ------
    ValueError
        An unknown signal, or ``lexicon`` without a lexicon.
    """

    #: What a probability can be put together from.
    known_signals: tuple[str, ...] = ("text", "lexicon", *CONTEXT)
    #: The score of a context that is not there: that of a text that says nothing.
    absent: float = -1.0

    def __init__(
        self, *, lexicon: LexiconClassifier | None = None, signals: Sequence[str] = ("text",),
        combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        unknown = [name for name in signals if name not in self.known_signals]
        if unknown or not signals or signals[0] != "text":
            raise ValueError(f"signals {list(signals)}: expected text, then some of {self.known_signals[1:]}")
        if "lexicon" in signals and lexicon is None:
            raise ValueError("the signal lexicon needs a lexicon")
        self.lexicon, self.signals, self.combiner = lexicon, tuple(signals), combiner

    @property
    @abstractmethod
    def n_domains(self) -> int:
        """Columns of every score array."""

    @abstractmethod
    def decide(self, texts: Sequence[str]) -> np.ndarray:
        """Scores of texts alone, float64, shape (n_texts, n_domains); more speaks for a domain."""

    def compute_signals(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """The signals of texts, float64, shape (n_texts, n_domains, n_signals)."""
        if not texts:
            return np.zeros((0, self.n_domains, len(self.signals)))
        read = self._decide_each(texts)
        return np.stack([self.signal(name, texts, read) for name in self.signals], axis=2)

    def predict_proba(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Calibrated probabilities, float32, shape (n_texts, n_domains)."""
        signals = self.compute_signals(texts)
        return self.weights().predict_proba(signals)

    def weights(self) -> Combiner:
        """The combiner, or one that passes the first signal on."""
        if self.combiner is not None:
            return self.combiner
        first = np.eye(1, len(self.signals))
        return Combiner(np.repeat(first, self.n_domains, axis=0), np.zeros(self.n_domains))

    def signal(self, name: str, texts: Sequence[TextInContext], read: Mapping[str, np.ndarray]) -> np.ndarray:
        """One signal of texts, float64, shape (n_texts, n_domains).

        Parameters
        ----------
        name : str
        texts : sequence of TextInContext
        read : mapping of str to ndarray of shape (n_domains,)
            The scores of the texts and of what surrounds them.
        """
        if name == "lexicon":
            assert self.lexicon is not None
            return self.lexicon.predict_proba(texts).astype(float)
        nothing = np.full(self.n_domains, self.absent)
        values = [getattr(text, name) for text in texts]
        return np.stack([read[value] if value or name == "text" else nothing for value in values])

    def _decide_each(self, texts: Sequence[TextInContext]) -> dict[str, np.ndarray]:
        """Neighbours and titles repeat within a batch: each different text is scored once."""
        fields = [name for name in self.signals if name in CONTEXT]
        around = {getattr(text, name) for text in texts for name in fields} - {""}
        different = sorted(around | {text.text for text in texts})
        return dict(zip(different, self.decide(different), strict=True))

    def lexicon_evidence(self, text: TextInContext, column: int, weight: float) -> list[Evidence]:
        """The lexicon's words in a text, each with its share of the signal `weight` is the weight of."""
        assert self.lexicon is not None
        found = self.lexicon.explain(text, column)
        share = float(self.lexicon.predict_proba([text])[0, column]) / max(len(found), 1)
        return [Evidence(e.ngram, weight * share, e.field, e.spans) for e in found]

    def save_signals(self, folder: Path) -> None:
        """Write ``combiner.json`` and, if there is one, ``lexicon.json``."""
        data = {"signals": list(self.signals), **self.weights().to_dict()}
        (folder / _COMBINER).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        if self.lexicon is not None:
            self.lexicon.save(folder)


def load_signals(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """What `SignalClassifier.save_signals` wrote, as arguments of the classifier.

    Raises
    ------
    OSError, ValueError, KeyError, TypeError, RecursionError
        Files that are not ours.
    """
    data = json.loads((folder / _COMBINER).read_text(encoding="utf-8"))
    names = data["signals"]
    lexicon = LexiconClassifier.load(folder, config) if "lexicon" in names else None
    return {"lexicon": lexicon, "signals": names, "combiner": Combiner.from_dict(data)}
