"""The lexicon model: a short list of words a domain, the thing an analyst would do with grep.

It needs no training, explains itself, serves weak pre-labelling, and is the honest
opponent of every trained model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bulletins.context import TextInContext
from tagger.bulletins.normalize import normalize
from tagger.domains import DomainSet
from tagger.errors import CorpusError, ModelError
from tagger.models.classifier import Evidence

_FILE = "lexicon.json"


class LexiconClassifier:
    """Scores a text by the listed words in it.

    Parameters
    ----------
    words : sequence of sequence of str
        For each domain in column order, its words; a longer word hides a shorter one
        that it contains, so that an excluded word can hide a listed one.
    excluded : sequence of sequence of str
        For each domain, phrases in which a listed word means something else (警犬).

    Notes
    -----
    The score is ``1 - 0.5 ** (number of distinct words found)``: 0, 0.5, 0.75, ...
    """

    kind = "lexicon"

    def __init__(self, words: Sequence[Sequence[str]], excluded: Sequence[Sequence[str]]) -> None:
        # An empty word would be found in every text.
        self.words = [[n for w in row if (n := normalize(w).text)] for row in words]
        self.excluded = [[n for w in row if (n := normalize(w).text)] for row in excluded]
        self._patterns = [_pattern([*w, *x]) for w, x in zip(self.words, self.excluded, strict=True)]
        self._listed = [frozenset(row) for row in self.words]

    @property
    def n_domains(self) -> int:
        """Columns of every score array."""
        return len(self.words)

    def predict_proba(self, texts: Sequence[TextInContext]) -> np.ndarray:
        """Scores, float32, shape (n_texts, n_domains); only the sentence itself is looked at."""
        scores = np.zeros((len(texts), len(self.words)), dtype=np.float32)
        for row, text in enumerate(texts):
            for column in range(len(self.words)):
                scores[row, column] = 1 - 0.5 ** len(self._found(text.text, column))
        return scores

    def explain(self, text: TextInContext, column: int, limit: int = 5) -> list[Evidence]:
        """The words found, each with weight 1."""
        found = self._found(text.text, column)
        return [Evidence(word, 1.0, "text", tuple(spans)) for word, spans in found.items()][:limit]

    def _found(self, text: str, column: int) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for match in self._patterns[column].finditer(text):
            if match.group() in self._listed[column]:
                found.setdefault(match.group(), []).append(match.span())
        return found

    def save(self, folder: Path) -> None:
        """Write ``lexicon.json``."""
        data = {"words": self.words, "excluded": self.excluded}
        text = json.dumps(data, ensure_ascii=False, indent=1)
        (folder / _FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, config: Mapping[str, Any]) -> LexiconClassifier:
        """Read ``lexicon.json``."""
        try:
            data = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return cls(data["words"], data["excluded"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"not a lexicon ({error})", where=folder / _FILE) from None


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    """One expression for all words, longest first; words are literal, so matching is linear."""
    ordered = sorted(set(words), key=lambda w: (-len(w), w))
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")


def load_lexicon(path: str | Path, domains: DomainSet) -> LexiconClassifier:
    """Build the model from ``labels/lexicon.yaml``.

    Raises
    ------
    CorpusError
        The file is missing, not YAML, or names unknown or too few domains.
    """
    import yaml

    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        entries = {domains.ids[domains.column(name)]: entry for name, entry in data.items()}
        words = [[str(w) for w in entries[i]["words"]] for i in domains.ids]
        excluded = [[str(w) for w in entries[i].get("not", [])] for i in domains.ids]
    except CorpusError as error:
        raise CorpusError(error.message, where=path, hint=error.hint) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise CorpusError(
            f"not a lexicon ({error})", where=path, hint="Expected domain: {words: [...], not: [...]}."
        ) from None
    return LexiconClassifier(words, excluded)
