"""Labels and scores of texts: how they are read from an archive of arrays, and larger units made of them."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tagger.errors import InputError, LimitError
from tagger.evaluation.metrics import union_by

LEVELS = ("sentence", "paragraph", "bulletin")
_ARRAYS = ("ids", "bulletins", "paragraphs", "y_true", "y_proba", "thresholds", "domains")
_MAX_BYTES = 2 * 2**30
#: What zipfile and NumPy raise between them for an archive that is damaged, cut short or none at all.
_DAMAGED = (
    OSError, ValueError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error, tokenize.TokenError,
    SyntaxError,
)  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """Labels and scores of texts that the model did not see in training.

    Attributes
    ----------
    ids : ndarray of shape (n_texts,), str
        Each once.
    bulletins : ndarray of shape (n_texts,), str
    paragraphs : ndarray of shape (n_texts,), int
        Within their bulletin.
    y_true : ndarray of shape (n_texts, n_domains), int8
    y_proba : ndarray of shape (n_texts, n_domains), float32
        In [0, 1].
    thresholds : ndarray of shape (n_domains,), float64
    """

    ids: np.ndarray
    bulletins: np.ndarray
    paragraphs: np.ndarray
    y_true: np.ndarray
    y_proba: np.ndarray
    thresholds: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def y_pred(self) -> np.ndarray:
        """The tags, int8, shape (n_texts, n_domains)."""
        return (self.y_proba >= self.thresholds).astype(np.int8)

    def take(self, rows: np.ndarray) -> Scores:
        """The texts at the given row numbers."""
        return Scores(
            self.ids[rows], self.bulletins[rows], self.paragraphs[rows], self.y_true[rows], self.y_proba[rows],
            self.thresholds,
        )  # fmt: skip

    def at_level(self, level: str) -> Scores:
        """Of larger units: the labels of their sentences and the highest of their scores.

        Parameters
        ----------
        level : {"sentence", "paragraph", "bulletin"}

        Returns
        -------
        Scores
            A row a unit, in the order of their first sentences; the id of a paragraph is
            ``bulletin.paragraph``.
        """
        if level == "sentence":
            return self
        keys = self.bulletins.tolist()
        if level == "paragraph":
            keys = list(zip(keys, self.paragraphs.tolist(), strict=True))
        firsts = {key: row for row, key in reversed(list(enumerate(keys)))}
        units = list(dict.fromkeys(keys))
        first = self.take(np.array([firsts[unit] for unit in units], dtype=int))
        ids = [unit if isinstance(unit, str) else f"{unit[0]}.{unit[1]}" for unit in units]
        y_true, y_proba = union_by(self.y_true, keys), union_by(self.y_proba, keys)
        return replace(first, ids=np.array(ids), y_true=y_true, y_proba=y_proba)


def read_scores(path: Path) -> tuple[Scores, tuple[str, ...]]:
    """Scores from an archive of arrays, and the ids of the domains in column order.

    Raises
    ------
    InputError
        The archive is missing or damaged, lacks an array, or holds one of another type, shape or range.
    LimitError
        It would unpack to more than 2 GiB.
    """
    arrays = _read_arrays(path)
    _check_kinds(arrays, path)
    _check_shapes(arrays, path)
    _check_values(arrays, path)
    domains = tuple(arrays.pop("domains").tolist())
    arrays["y_true"] = arrays["y_true"].astype(np.int8)
    return Scores(**arrays), domains


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError("is missing", where=path, hint="The run folder is not whole; train again.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MAX_BYTES:
            raise LimitError(f"unpacks to {size:,} bytes, expected at most {_MAX_BYTES:,}", where=path)
        with np.load(path, allow_pickle=False) as file:
            if missing := [name for name in _ARRAYS if name not in file.files]:
                raise InputError(f"no array {missing[0]} in it", where=path, hint="Train again.")
            return {name: file[name] for name in _ARRAYS}
    except _DAMAGED as error:
        raise InputError(f"not an archive of arrays ({error})", where=path, hint="Train again.") from None


def _refuse(path: Path, found: str, expected: str) -> None:
    raise InputError(f"{found}, expected {expected}", where=path, hint="The file is damaged; train again.")


def _check_kinds(arrays: dict[str, np.ndarray], path: Path) -> None:
    kinds = {"ids": "U", "bulletins": "U", "domains": "U", "paragraphs": "iu", "y_true": "iub", "y_proba": "f",
             "thresholds": "f"}  # fmt: skip
    names = {"U": "text", "iu": "whole numbers", "iub": "0 and 1", "f": "numbers"}
    for name, kind in kinds.items():
        if arrays[name].dtype.kind not in kind:
            _refuse(path, f"{name} of type {arrays[name].dtype}", names[kind])


def _check_shapes(arrays: dict[str, np.ndarray], path: Path) -> None:
    n_texts, n_domains = arrays["ids"].size, arrays["domains"].size
    if not n_texts or not n_domains:
        _refuse(path, f"{n_texts} texts and {n_domains} domains", "at least one of each")
    expected = {
        **dict.fromkeys(("ids", "bulletins", "paragraphs"), (n_texts,)),
        **dict.fromkeys(("y_true", "y_proba"), (n_texts, n_domains)),
        **dict.fromkeys(("thresholds", "domains"), (n_domains,)),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            _refuse(path, f"{name} of shape {arrays[name].shape}", f"{shape}")


def _check_values(arrays: dict[str, np.ndarray], path: Path) -> None:
    if len(set(arrays["ids"].tolist())) < arrays["ids"].size:
        _refuse(path, "an id twice", "every text once")
    if not np.isin(arrays["y_true"], (0, 1)).all():
        _refuse(path, "labels other than 0 and 1", "0 and 1")
    # Of nan too, which is in no range.
    if not ((arrays["y_proba"] >= 0) & (arrays["y_proba"] <= 1)).all():
        _refuse(path, "scores outside [0, 1] or none", "numbers in [0, 1]")
    if not np.isfinite(arrays["thresholds"]).all():
        _refuse(path, "a threshold that is no number", "numbers")
