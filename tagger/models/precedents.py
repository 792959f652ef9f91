"""Labelled sentences of the training data that are nearest to a new one: precedents for its tags.

The index is two files of the model folder. ``precedents.npz`` holds the sentences' vectors: the
classifier's embeddings, centred, cut down to a few principal components (Jolliffe, 2002) and
rounded to one byte a number. ``precedents.json.z`` holds the sentences, their labels and ids,
deflated. Neither is read before somebody asks for a precedent.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tagger.errors import ModelError
from tagger.models import npz_file

VECTORS, SENTENCES = "precedents.npz", "precedents.json.z"
#: Components that are kept; 12,000 sentences then take less than 2 MB.
N_COMPONENTS = 64
#: Share of two sentences' pairs of characters from which one tells nothing beside the other.
_ALIKE = 0.6
_ARRAYS = ("codes", "scale", "mean", "components")


@dataclass(frozen=True)
class Precedent:
    """A labelled sentence near another.

    Attributes
    ----------
    id : str
        Where it stands in the training data.
    text : str
    domains : tuple of str
        Its labels; () for a sentence of no domain.
    similarity : float
        Cosine of the two centred embeddings, in [-1, 1].
    """

    id: str
    text: str
    domains: tuple[str, ...]
    similarity: float


class Precedents:
    """An index of labelled sentences.

    Parameters
    ----------
    codes : ndarray of shape (n_texts, n_components)
        int8: vectors of length 1, divided by `scale`.
    scale : float
        Above 0.
    mean : ndarray of shape (n_dims,)
        float32: of the embeddings of length 1.
    components : ndarray of shape (n_components, n_dims)
        float16: orthonormal rows.
    texts, ids : sequence of str, length n_texts
    domains : sequence of tuple of str, length n_texts

    Raises
    ------
    ValueError
        The parts do not fit each other.
    """

    def __init__(
        self, codes: np.ndarray, scale: float, mean: np.ndarray, components: np.ndarray, *,
        texts: Sequence[str], domains: Sequence[tuple[str, ...]], ids: Sequence[str],
    ) -> None:  # fmt: skip
        self.codes, self.scale, self.mean, self.components = codes, float(scale), mean, components
        self.texts, self.domains, self.ids = list(texts), list(domains), list(ids)
        lengths = {len(codes), len(self.texts), len(self.domains), len(self.ids)}
        fits = components.ndim == 2 and (codes.shape[1:], mean.shape) == (components.shape[:1], components.shape[1:])
        if len(lengths) != 1 or not fits or codes.dtype != np.int8:
            raise ValueError(f"{sorted(lengths)} sentences, codes {codes.shape} and components {components.shape}")
        if not (self.scale > 0 and all(np.isfinite(part).all() for part in (scale, mean, components))):
            raise ValueError("a number that is not finite")

    def __len__(self) -> int:
        return len(self.texts)

    def nearest(self, embedding: np.ndarray, k: int = 3) -> list[Precedent]:
        """The nearest sentences, nearest first, none nearly identical to one before it.

        Parameters
        ----------
        embedding : ndarray of shape (n_dims,)
            As the classifier that the index was built with gives it.
        k : int, default=3
            At most so many.

        Raises
        ------
        ModelError
            It has other dimensions, or holds nan.
        """
        embedding = np.asarray(embedding, dtype=np.float32)
        if embedding.shape != self.mean.shape or not np.isfinite(embedding).all():
            raise ModelError(
                f"an embedding of shape {embedding.shape}, expected {self.mean.shape} finite numbers",
                where=VECTORS, hint="Train the model again.",
            )  # fmt: skip
        (query,) = _project(embedding[None], self.mean, self.components)
        similarity = np.clip(self.codes @ query * self.scale, -1, 1)
        found: list[Precedent] = []
        for row in self._distinct(np.argsort(-similarity, kind="stable"), k):
            found.append(Precedent(self.ids[row], self.texts[row], self.domains[row], float(similarity[row])))
        return found

    def _distinct(self, order: np.ndarray, k: int) -> Iterator[int]:
        kept: list[set[str]] = []
        for row in order.tolist():
            if len(kept) >= k:
                return
            pairs = _pairs(self.texts[row])
            if all(_overlap(pairs, other) < _ALIKE for other in kept):
                kept.append(pairs)
                yield row

    def save(self, folder: Path) -> None:
        """Write the two files; the same index, the same bytes."""
        npz_file.dump(
            folder / VECTORS, codes=self.codes, scale=np.float64(self.scale), mean=self.mean,
            components=self.components,
        )  # fmt: skip
        data = {"ids": self.ids, "domains": [list(labels) for labels in self.domains], "texts": self.texts}
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (folder / SENTENCES).write_bytes(zlib.compress(text.encode(), 9))

    @classmethod
    def load(cls, folder: Path) -> Precedents:
        """Read them back.

        Raises
        ------
        ModelError
            They are not what `save` writes, or far too large.
        """
        try:
            arrays, data = _read_arrays(folder / VECTORS), _read_sentences(folder / SENTENCES)
            texts, ids = _strings(data["texts"]), _strings(data["ids"])
            domains = [tuple(_strings(labels)) for labels in data["domains"]]
            return cls(**arrays, texts=texts, domains=domains, ids=ids)
        except npz_file.ERRORS as error:
            raise ModelError(
                f"not an index of precedents ({error!r})", where=folder / VECTORS,
                hint="Train the model again or fetch it anew.",
            ) from None  # fmt: skip


class PrecedentFiles:
    """An index that is read when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: Precedents | None = None

    def nearest(self, embedding: np.ndarray, k: int = 3) -> list[Precedent]:
        """See `Precedents.nearest`."""
        return self.read().nearest(embedding, k)

    def save(self, folder: Path) -> None:
        """See `Precedents.save`."""
        self.read().save(folder)

    def __len__(self) -> int:
        return len(self.read())

    def read(self) -> Precedents:
        """The index itself."""
        if self._read is None:
            self._read = Precedents.load(self._folder)
        return self._read


def open_precedents(folder: Path) -> PrecedentFiles | None:
    """The index of a model folder, yet unread; None if it has none."""
    return PrecedentFiles(folder) if (folder / VECTORS).exists() else None


def build_precedents(
    embeddings: np.ndarray, texts: Sequence[str], domains: Sequence[tuple[str, ...]], ids: Sequence[str]
) -> Precedents:
    """An index of sentences; of those that read the same, the first.

    Parameters
    ----------
    embeddings : ndarray of shape (n_texts, n_dims)
        As ``classifier.embed(texts)`` gives them.
    texts, ids : sequence of str, length n_texts
    domains : sequence of tuple of str, length n_texts

    Returns
    -------
    Precedents
        Of at most `N_COMPONENTS` components; the same input gives the same index.

    Raises
    ------
    ValueError
        Lengths differ, there is no text, or an embedding is not finite.
    """
    embeddings = np.asarray(embeddings, dtype=np.float32)
    if not len(texts) == len(domains) == len(ids) == len(embeddings) or embeddings.ndim != 2 or not len(texts):
        raise ValueError(f"embeddings {embeddings.shape} of {len(texts)} texts, expected one a text, and some")
    if not np.isfinite(embeddings).all():
        raise ValueError("embeddings hold nan or infinity")
    rows = sorted({text: row for row, text in reversed(list(enumerate(texts)))}.values())
    vectors = _unit(embeddings[rows])
    mean = vectors.mean(axis=0)
    components = _principal_components(vectors - mean)
    projected = _project(embeddings[rows], mean, components)
    scale = float(np.abs(projected).max()) / 127 or 1.0
    return Precedents(
        np.rint(projected / scale).astype(np.int8), scale, mean, components, texts=[texts[row] for row in rows],
        domains=[tuple(domains[row]) for row in rows], ids=[ids[row] for row in rows],
    )  # fmt: skip


def _principal_components(centred: np.ndarray) -> np.ndarray:
    """Directions of most variance, float16, each with its largest number positive."""
    n_components = min(N_COMPONENTS, *centred.shape)
    wide = centred.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    components = directions[:, ::-1][:, :n_components].T
    # A direction and its opposite are as good: one is chosen, so that the index repeats itself.
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(n_components), largest])
    return (components * signs[:, None]).astype(np.float16)


def _project(embeddings: np.ndarray, mean: np.ndarray, components: np.ndarray) -> np.ndarray:
    """Vectors of length 1 in the space of the components."""
    return _unit((_unit(embeddings) - mean) @ components.T.astype(np.float32))


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; what is zero stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _pairs(text: str) -> set[str]:
    """Neighbouring characters, numbers apart: bulletins repeat a sentence with other figures."""
    kept = [c for c in text if c.isalpha()]
    return {a + b for a, b in pairwise(kept)} or {text}


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _read_arrays(path: Path) -> dict[str, Any]:
    arrays = npz_file.load(path, _ARRAYS)
    return {**arrays, "scale": float(arrays["scale"]), "mean": arrays["mean"].astype(np.float32)}


def _read_sentences(path: Path) -> Any:
    unpacking = zlib.decompressobj()
    data = unpacking.decompress(path.read_bytes(), npz_file.MAX_BYTES)
    if not unpacking.eof:
        raise ValueError("cut off, or unpacks to more than is read")
    return json.loads(data)


def _strings(values: Any) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("texts, ids and labels must be lists of strings")
    return values
