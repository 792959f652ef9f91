"""What the two runners of a fine-tuned encoder share: pages to passages to scores.

`BertClassifier` runs it with torch, `OnnxClassifier` with onnxruntime; this module imports
neither. A passage is read alone or beside others with the same result, so the scores of a
sentence depend on its page and on nothing else in the call.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import Page, TextInContext
from tagger.errors import ModelError
from tagger.models.combiner import Combiner
from tagger.models.passages import PageCutter, Passage
from tagger.models.tokenization import PieceTokenizer

SETTINGS = "settings.json"


class PassageClassifier(ABC):
    """Scores sentences on their pages.

    Parameters
    ----------
    cutter : PageCutter
    calibration : Combiner
        With one signal, the network's logit: Platt's sigmoid a domain.
    """

    kind: str

    def __init__(self, cutter: PageCutter, calibration: Combiner) -> None:
        self.cutter, self.calibration = cutter, calibration

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return len(self.calibration.intercepts)

    @abstractmethod
    def run(self, passages: Sequence[Passage]) -> list[np.ndarray]:
        """Logits of each passage's spans, float32, shape (n_spans, n_domains) each."""

    def predict_logits(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Uncalibrated logits, float32, shape (n_texts, n_domains).

        Of a sentence in several parts, the highest of its parts.
        """
        wanted = _by_page(texts)
        logits = np.full((len(texts), self.n_domains), -np.inf, dtype=np.float32)
        passages, rows = self._needed(wanted)
        for passage, row_of, scores in zip(passages, rows, self.run(passages), strict=True):
            for span, score in zip(passage.spans, scores, strict=True):
                for row in row_of.get(span.sentence, ()):
                    np.maximum(logits[row], score, out=logits[row])
        return logits

    def predict_proba(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Calibrated probabilities, float32, shape (n_texts, n_domains)."""
        return self.calibration.predict_proba(self.predict_logits(texts)[:, :, None])

    def _needed(self, wanted: dict[Page, dict[int, list[int]]]) -> tuple[list[Passage], list[dict[int, list[int]]]]:
        """The passages in which wanted sentences stand, each with the rows of its sentences."""
        passages, rows = [], []
        for row_of, encoded in zip(wanted.values(), self.cutter.encode(list(wanted)), strict=True):
            for passage in self.cutter.cut(encoded):
                if any(span.sentence in row_of for span in passage.spans):
                    passages.append(passage)
                    rows.append(row_of)
        return passages, rows


def _by_page(texts: Sequence[TextInContext]) -> dict[Page, dict[int, list[int]]]:
    """Page -> sentence number -> the rows that ask for it."""
    wanted: dict[Page, dict[int, list[int]]] = {}
    of_object: dict[int, dict[int, list[int]]] = {}
    for row, text in enumerate(texts):
        page, position = text.on_page()
        rows = of_object.get(id(text.page)) if text.page is not None else None
        if rows is None:  # hashing a page reads all of it: once for the texts that share it
            rows = wanted.setdefault(page, {})
        if text.page is not None:
            of_object[id(text.page)] = rows
        rows.setdefault(position, []).append(row)
    return wanted


def settings_of(classifier: PassageClassifier) -> dict[str, Any]:
    """What both runners write into ``settings.json``, JSON-ready."""
    cutter = classifier.cutter
    return {
        "max_length": cutter.max_length, "max_title": cutter.max_title,
        "calibration": classifier.calibration.to_dict(),
    }  # fmt: skip


def read_settings(folder: Path) -> tuple[PageCutter, Combiner, dict[str, Any]]:
    """Cutter, calibration and all settings of a model folder; a `ModelError` if it has none."""
    tokenizer = PieceTokenizer.load(folder)
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        cutter = PageCutter(tokenizer, int(settings["max_length"]), int(settings["max_title"]))
        return cutter, Combiner.from_dict(settings["calibration"]), settings
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"not the settings of an encoder ({error!r})", where=folder / SETTINGS) from None
