"""What the two runners of a fine-tuned encoder share: sentences to pieces to logits.

`BertClassifier` runs it with torch, `OnnxClassifier` with onnxruntime; this module imports
neither. A sentence is read alone, as the encoder was pretrained to read it: sentences read
side by side lose a tenth of what a frozen encoder knows of them (`experiments/probe`). Its
surroundings come in as signals.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models.classifier import Evidence
from tagger.models.combiner import Combiner
from tagger.models.lexicon import LexiconClassifier
from tagger.models.signals import SignalClassifier, load_signals
from tagger.models.tokenization import PieceTokenizer

SETTINGS = "settings.json"
#: Log-odds below which a word is no evidence.
_LEAST = 0.05
#: Most words that are left out one by one; of a longer sentence, runs of words.
_MAX_WORDS = 48


class EncoderClassifier(SignalClassifier):
    """Scores sentences with a fine-tuned encoder.

    Parameters
    ----------
    tokenizer : PieceTokenizer
    lexicon, signals, combiner
        See `SignalClassifier`.
    """

    kind: str
    #: The logit of a context that is not there: about that of a sentence of no domain.
    absent = -5.0

    def __init__(
        self, tokenizer: PieceTokenizer, *, lexicon: LexiconClassifier | None = None,
        signals: Sequence[str] = ("text",), combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lexicon=lexicon, signals=signals, combiner=combiner)
        self.tokenizer = tokenizer

    @abstractmethod
    def run(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Logits of inputs, float32, shape (n_inputs, n_domains); the same whatever stands beside them."""

    @abstractmethod
    def run_embedding(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Means of the last hidden states of inputs, float32, shape (n_inputs, hidden_size)."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts alone, float32, shape (n_texts, hidden_size); of a long one, of its first window."""
        return self.run_embedding([windows[0] for windows in self.tokenizer.windows(texts)])

    def decide(self, texts: Sequence[str]) -> np.ndarray:
        """Logits of texts alone, float64, shape (n_texts, n_domains); of a long one, its windows' highest."""
        windows = self.tokenizer.windows(texts)
        if not windows:
            return np.zeros((0, self.n_domains))
        logits = self.run([window for text in windows for window in text])
        firsts = np.cumsum([0, *(len(text) for text in windows[:-1])])
        return np.maximum.reduceat(logits, firsts, axis=0).astype(float)

    def explain(self, text: TextInContext, column: int, limit: int = 5) -> list[Evidence]:
        """The words whose absence would cost a domain's score most, and what around the sentence spoke for it.

        Weights are log-odds: of a word, what the score loses without it (occlusion: Zeiler and
        Fergus, 2014); of a surrounding text, what it adds to one that says nothing.
        """
        weights = dict(zip(self.signals, self.weights().weights[column].tolist(), strict=True))
        found = [e for name, weight in weights.items() for e in self._evidence(name, text, column, weight)]
        return sorted((e for e in found if e.weight > _LEAST), key=lambda e: -e.weight)[:limit]

    def _evidence(self, name: str, text: TextInContext, column: int, weight: float) -> list[Evidence]:
        if name == "text":
            return self._occluded(text.text, column, weight)
        if name == "lexicon":
            return self.lexicon_evidence(text, column, weight)
        around = getattr(text, name)
        if not around:
            return []
        gain = float(self.decide([around])[0, column]) - self.absent
        return [Evidence(around, weight * gain, name, ((0, len(around)),))]

    def _occluded(self, text: str, column: int, weight: float) -> list[Evidence]:
        spans = _words(text)
        without = [text[:start] + text[end:] for start, end in spans]
        whole, *left = self.decide([text, *without])[:, column].tolist()
        return [
            Evidence(text[start:end], weight * (whole - score), "text", ((start, end),))
            for (start, end), score in zip(spans, left, strict=True)
        ]

    def save_settings(self, folder: Path, **settings: Any) -> None:
        """Write ``settings.json``, ``tokenizer.json`` and the signals' files."""
        data = {"max_length": self.tokenizer.max_length, **settings}
        (folder / SETTINGS).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        self.tokenizer.save(folder)
        self.save_signals(folder)


def load_settings(folder: Path, config: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `EncoderClassifier.save_settings` wrote: the classifier's arguments, and all settings.

    Raises
    ------
    ModelError
        Files that are not ours.
    """
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        tokenizer = PieceTokenizer.load(folder, int(settings["max_length"]))
        return {"tokenizer": tokenizer, **load_signals(folder, config)}, settings
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelError(f"not the settings of an encoder ({error!r})", where=folder / SETTINGS) from None


def _words(text: str) -> list[tuple[int, int]]:
    """Spans of the words of a text, or of runs of words where there are many; none of punctuation alone."""
    import rjieba

    bounds = np.cumsum([0, *map(len, rjieba.cut(text))]).tolist()
    run = -(-(len(bounds) - 1) // _MAX_WORDS) or 1
    edges = [*bounds[:-1:run], bounds[-1]]
    return [(start, end) for start, end in pairwise(edges) if any(c.isalnum() for c in text[start:end])]
