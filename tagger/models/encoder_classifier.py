"""What the two runners of a fine-tuned encoder share: sentences to pieces to logits.

`BertClassifier` runs it with torch, `OnnxClassifier` with onnxruntime; this module imports
neither. A sentence is read alone, as the encoder was pretrained to read it: sentences read
side by side lose a tenth of what a frozen encoder knows of them (`experiments/probe`). Its
surroundings come in as signals, and so does what a linear classifier makes of its n-grams,
which errs otherwise than the encoder (`experiments/bert`).
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.errors import ModelError
from tagger.models.classifier import Evidence
from tagger.models.combiner import Combiner
from tagger.models.lexicon import LexiconClassifier
from tagger.models.ngrams import NgramScorer
from tagger.models.signals import SignalClassifier, load_signals
from tagger.models.tokenization import PieceTokenizer

SETTINGS = "settings.json"
#: Log-odds below which a word is no evidence.
_LEAST = 0.05
#: Most words that are left out one by one; of a longer sentence, runs of words.
_MAX_WORDS = 48
#: Signals of the sentence itself by its n-grams.
NGRAM_SIGNALS = ("ngrams", "ngram_clauses")


class EncoderClassifier(SignalClassifier):
    """Scores sentences with a fine-tuned encoder.

    Parameters
    ----------
    tokenizer : PieceTokenizer
    ngrams : NgramScorer, optional
        Needed for the signals ``ngrams``, its score of the sentence, and ``ngram_clauses``, the
        highest of any run of clauses.
    lexicon, signals, combiner
        See `SignalClassifier`.

    Raises
    ------
    ValueError
        An unknown signal, or one without what it needs.
    """

    kind: str
    known_signals = (*SignalClassifier.known_signals, *NGRAM_SIGNALS)
    #: The logit of a context that is not there: about that of a sentence of no domain.
    absent = -5.0

    def __init__(
        self, tokenizer: PieceTokenizer, *, ngrams: NgramScorer | None = None,
        lexicon: LexiconClassifier | None = None, signals: Sequence[str] = ("text",),
        combiner: Combiner | None = None,
    ) -> None:  # fmt: skip
        super().__init__(lexicon=lexicon, signals=signals, combiner=combiner)
        if ngrams is None and set(signals) & set(NGRAM_SIGNALS):
            raise ValueError(f"the signals {', '.join(NGRAM_SIGNALS)} need n-grams")
        self.tokenizer, self.ngrams = tokenizer, ngrams

    @abstractmethod
    def run(self, inputs: Sequence[list[int]]) -> np.ndarray:
        """Logits of inputs, float32, shape (n_inputs, n_domains).

        They are the same whatever stands beside them: to the last bit by onnxruntime, to 1e-5 by
        torch, which fills inputs up to the longest of a batch.
        """

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
        found = self._occluded(text.text, column, weights)
        found += [e for name, weight in weights.items() for e in self._evidence(name, text, column, weight)]
        return sorted((e for e in found if e.weight > _LEAST), key=lambda e: -e.weight)[:limit]

    def _evidence(self, name: str, text: TextInContext, column: int, weight: float) -> list[Evidence]:
        """What a signal that is not the sentence's own spoke for."""
        if name in self._readers():
            return []
        if name == "lexicon":
            return self.lexicon_evidence(text, column, weight)
        around = getattr(text, name)
        if not around:
            return []
        gain = float(self.decide([around])[0, column]) - self.absent
        return [Evidence(around, weight * gain, name, ((0, len(around)),))]

    def _occluded(self, text: str, column: int, weights: Mapping[str, float]) -> list[Evidence]:
        """Words by what the weighed scores of the sentence itself lose without them."""
        spans = _words(text)
        texts = [text, *(text[:start] + text[end:] for start, end in spans)]
        scores = [weights[name] * read(texts)[:, column] for name, read in self._readers().items() if name in weights]
        whole, *left = np.sum(scores, axis=0).tolist()
        return [
            Evidence(text[start:end], whole - score, "text", ((start, end),))
            for (start, end), score in zip(spans, left, strict=True)
        ]

    def signal(self, name: str, texts: Sequence[TextInContext], read: Mapping[str, np.ndarray]) -> np.ndarray:
        """One signal of texts, float64, shape (n_texts, n_domains)."""
        if name in NGRAM_SIGNALS:
            return self._readers()[name]([text.text for text in texts])
        return super().signal(name, texts, read)

    def _readers(self) -> dict[str, Callable[[Sequence[str]], np.ndarray]]:
        """What scores a sentence itself, by the signal's name."""
        readers = {"text": self.decide}
        if self.ngrams is not None:
            readers |= {"ngrams": self.ngrams.decide, "ngram_clauses": self.ngrams.decide_clauses}
        return readers

    def save_settings(self, folder: Path, **settings: Any) -> None:
        """Write ``settings.json``, ``tokenizer.json`` and the signals' files."""
        data = {"max_length": self.tokenizer.max_length, **settings}
        (folder / SETTINGS).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        self.tokenizer.save(folder)
        self.save_signals(folder)
        if self.ngrams is not None:
            self.ngrams.save(folder)


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
        signals = load_signals(folder, config)
        ngrams = NgramScorer.load(folder) if set(signals["signals"]) & set(NGRAM_SIGNALS) else None
        return {"tokenizer": tokenizer, "ngrams": ngrams, **signals}, settings
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelError(f"not the settings of an encoder ({error!r})", where=folder / SETTINGS) from None


def _words(text: str) -> list[tuple[int, int]]:
    """Spans of the words of a text, or of runs of words where there are many; none of punctuation alone."""
    import rjieba

    bounds = np.cumsum([0, *map(len, rjieba.cut(text))]).tolist()
    run = -(-(len(bounds) - 1) // _MAX_WORDS) or 1
    edges = [*bounds[:-1:run], bounds[-1]]
    return [(start, end) for start, end in pairwise(edges) if any(c.isalnum() for c in text[start:end])]
