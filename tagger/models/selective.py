"""The bounds of selective prediction as a file of the model folder: `selective.json`.

How they are found: `tagger.evaluation.selective`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import ModelError

FILE = "selective.json"
#: Raised when a file written before can no longer be read.
FORMAT = 1


@dataclass(frozen=True)
class Selective:
    """Two bounds a domain, and what they promise.

    Attributes
    ----------
    bounds : ndarray of shape (n_domains, 2)
        float64 ``low <= high``: a score of at least `high` is answered yes, one below `low` no, a
        person is asked between them. ``low`` is 0 where no score means no, ``high`` inf where none
        means yes.
    precision, recall : float
        In (0, 1): of what is answered yes at least this share is right; of what is true at most
        the rest is answered no.
    delta : float
        In (0, 1): the probability with which one promise of one domain may be broken.
    n_positives : tuple of int
        Texts of each domain in the calibration set.
    n_bulletins : int
        Bulletins in the calibration set.
    load : dict
        Level (``sentence``, ``paragraph``) -> figures of `tagger.evaluation.selective.held_out_load`
        over all domains, by name; empty if they were not measured.

    Raises
    ------
    ValueError
        Bounds or promises that cannot be.
    """

    bounds: np.ndarray
    precision: float
    recall: float
    delta: float
    n_positives: tuple[int, ...]
    n_bulletins: int
    load: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        low, high = self.bounds.T
        if not ((low >= 0) & (low <= high) & (low <= 1)).all() or np.isnan(self.bounds).any():
            raise ValueError(f"bounds {self.bounds.tolist()}, expected 0 <= low <= high")
        if not ((high > 0) & ((high <= 1) | np.isinf(high))).all():
            raise ValueError(f"upper bounds {high.tolist()}, expected scores above 0, or none")
        if not all(0 < share < 1 for share in (self.precision, self.recall, self.delta)):
            raise ValueError("precision, recall and delta, expected numbers between 0 and 1")

    def answer(self, y_proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where scores say yes, and where a person is asked: bool, each like `y_proba`."""
        low, high = self.bounds.T
        yes = y_proba >= high
        return yes, (y_proba >= low) & ~yes

    def notes(self) -> list[str]:
        """For each domain what cannot be answered, in words; "" where yes and no both can."""
        return [_note(low, high) for low, high in self.bounds.tolist()]

    def to_dict(self, ids: Sequence[str]) -> dict[str, Any]:
        """A JSON-ready description, the inverse of `from_dict`."""
        rows = zip(ids, self.bounds.tolist(), self.n_positives, self.notes(), strict=True)
        return {
            "format": FORMAT, "precision": self.precision, "recall": self.recall, "delta": self.delta,
            "n_bulletins": self.n_bulletins, "load": self.load,
            "domains": {
                id: {"low": low, "high": None if math.isinf(high) else high, "n_positives": n,
                     **({"note": note} if note else {})}
                for id, (low, high), n, note in rows
            },
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], ids: Sequence[str]) -> Selective:
        """Build from parsed JSON; anything unexpected is a ValueError, KeyError or TypeError."""
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r}, expected {FORMAT}")
        if set(data["domains"]) != set(ids):
            raise ValueError(f"domains {sorted(data['domains'])}, expected {sorted(ids)}")
        rows = [data["domains"][id] for id in ids]
        bounds = [[float(row["low"]), math.inf if row["high"] is None else float(row["high"])] for row in rows]
        load = {str(level): {str(k): float(v) for k, v in own.items()} for level, own in dict(data["load"]).items()}
        return cls(
            np.array(bounds), float(data["precision"]), float(data["recall"]), float(data["delta"]),
            tuple(int(row["n_positives"]) for row in rows), int(data["n_bulletins"]), load,
        )  # fmt: skip

    def save(self, folder: Path, ids: Sequence[str]) -> None:
        """Write ``selective.json``."""
        text = json.dumps(self.to_dict(ids), ensure_ascii=False, indent=1, allow_nan=False)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def load_selective(folder: Path, ids: Sequence[str]) -> Selective | None:
    """Read ``selective.json``; None if a folder has none.

    Raises
    ------
    ModelError
        It is not what `Selective.save` writes for these domains.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return Selective.from_dict(json.loads(path.read_text(encoding="utf-8")), ids)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"not a model's bounds ({error!r})", where=path, hint="Train the model again or fetch it anew."
        ) from None


def _note(low: float, high: float) -> str:
    if math.isinf(high):
        return "asks wherever it does not say no" if low else "always asks"
    return "" if low else "asks wherever it does not say yes"
