"""Splits that keep a bulletin, and all that shares text with it, on one side, and the domains in balance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tagger.corpus.duplicates import Link, group_bulletins
from tagger.errors import CorpusError, InputError

#: Raised when a split written before can no longer be read.
FORMAT = 1


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes
    ----------
    name : str
        ``fold 1 of 5``, or the source that is held out.
    train, held_out : ndarray of int
        Row numbers.
    set_aside : tuple of str
        Bulletins on neither side: they share text with held-out ones, and are held out elsewhere.
    """

    name: str
    train: np.ndarray
    held_out: np.ndarray
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """Folds of some examples; every row is held out in exactly one.

    Attributes
    ----------
    kind : str
        ``grouped`` or ``leave_one_source_out``.
    seed : int
    folds : tuple of Fold
    bulletins : ndarray of shape (n_texts,), str
        The bulletin of each row.
    links : tuple of Link
        Bulletins that share text.
    leakage : dict
        What `tagger.corpus.leakage.check_leakage` found; {} before it was asked.
    """

    kind: str
    seed: int
    folds: tuple[Fold, ...]
    bulletins: np.ndarray
    links: tuple[Link, ...] = ()
    leakage: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description, from which `read_split` gives the same folds."""
        return {
            "format": FORMAT, "kind": self.kind, "n_folds": len(self.folds), "seed": self.seed, "hash": self.hash,
            "folds": [
                {"name": fold.name, "held_out": self._names(fold), "set_aside": list(fold.set_aside)}
                for fold in self.folds
            ],
            "near_duplicates": {
                "n_pairs": len(self.links),
                "n_bulletins": len({name for link in self.links for name in link.bulletins}),
                "pairs": [{"bulletins": list(link.bulletins), "ids": list(link.ids),
                           "similarity": round(link.similarity, 4)} for link in self.links],
            },
            "leakage": self.leakage,
        }  # fmt: skip

    @property
    def hash(self) -> str:
        """sha256 over the bulletins that each fold holds out and sets aside: the same split, the same hash."""
        folds = [[self._names(fold), list(fold.set_aside)] for fold in self.folds]
        return hashlib.sha256(json.dumps(folds, ensure_ascii=False).encode()).hexdigest()

    def _names(self, fold: Fold) -> list[str]:
        return sorted(set(self.bulletins[fold.held_out].tolist()))


def split_grouped(
    y_true: np.ndarray, bulletins: np.ndarray, links: Sequence[Link], *, n_folds: int, seed: int
) -> Split:
    """K folds over bulletins, those that share text together, stratified over the domains.

    Raises
    ------
    ValueError
        Fewer groups than folds, or fewer than 2 folds.
    """
    groups = group_bulletins(bulletins, links)
    pairs = grouped_folds(y_true, groups, n_folds=n_folds, seed=seed)
    folds = [Fold(f"fold {i} of {n_folds}", train, held_out) for i, (train, held_out) in enumerate(pairs, start=1)]
    return Split("grouped", seed, tuple(folds), bulletins, tuple(links))


def split_by_source(sources: np.ndarray, bulletins: np.ndarray, links: Sequence[Link], *, seed: int = 0) -> Split:
    """A fold a source: how well a model does on a source that it never saw.

    Bulletins that share text with the held-out ones are set aside, not trained on.

    Parameters
    ----------
    sources, bulletins : ndarray of shape (n_texts,), str
        The source and the bulletin of each text.
    links : sequence of Link
    seed : int
        Kept for the record; nothing is drawn.

    Raises
    ------
    CorpusError
        A bulletin without a source.
    ValueError
        Fewer than 2 sources.
    """
    if missing := bulletins[sources == ""].tolist():
        raise CorpusError(f"bulletin {missing[0]!r} has no source, expected one", where="split=leave_one_source_out",
                          hint="data.fields.source names the field that holds it.")  # fmt: skip
    names = np.unique(sources).tolist()
    if len(names) < 2:
        raise ValueError(f"1 source ({names[0]}): expected 2 or more")
    groups = group_bulletins(bulletins, links)
    folds = []
    for name in names:
        is_held = sources == name
        is_aside = np.isin(groups, groups[is_held]) & ~is_held
        aside = tuple(sorted(set(bulletins[is_aside].tolist())))
        folds.append(Fold(name, np.flatnonzero(~is_held & ~is_aside), np.flatnonzero(is_held), aside))
    return Split("leave_one_source_out", seed, tuple(folds), bulletins, tuple(links))


def read_split(path: str | Path, bulletins: np.ndarray, links: Sequence[Link] = ()) -> Split:
    """The split that a ``split.json`` describes, on these bulletins.

    Raises
    ------
    InputError
        The file cannot be read or is no split.
    CorpusError
        It is a split of other bulletins: one is not in it, is not here, or is held out twice.
    """
    try:
        data = json.loads(Path(path).read_bytes().decode("utf-8-sig"))
        if data["format"] != FORMAT:
            raise InputError(f"a split of format {data['format']!r}, expected {FORMAT}", where=path)
        kind, seed = str(data["kind"]), int(data["seed"])
        plans = [_plan(number, fold) for number, fold in enumerate(data["folds"], start=1)]
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint="A run folder holds one: RUN/split.json.") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"not a split ({type(error).__name__}: {error})", where=path,
                         hint="Expected the split.json of a run folder.") from None  # fmt: skip
    _check_same(plans, set(bulletins.tolist()), path)
    folds = []
    for name, held_out, set_aside in plans:
        is_held, is_aside = np.isin(bulletins, sorted(held_out)), np.isin(bulletins, sorted(set_aside))
        train = np.flatnonzero(~is_held & ~is_aside)
        folds.append(Fold(name, train, np.flatnonzero(is_held), tuple(sorted(set_aside))))
    return Split(kind, seed, tuple(folds), bulletins, tuple(links))


def _plan(number: int, fold: Any) -> tuple[str, list[str], list[str]]:
    held_out, set_aside = fold["held_out"], fold.get("set_aside", [])
    for names in (held_out, set_aside):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"fold {number} is not a list of bulletin ids")
    return str(fold.get("name", f"fold {number}")), held_out, set_aside


def _check_same(plans: Sequence[tuple[str, list[str], list[str]]], here: set[str], path: str | Path) -> None:
    held: dict[str, str] = {}
    for name, held_out, set_aside in plans:
        for bulletin in (*held_out, *set_aside):
            if bulletin not in here:
                raise _other_data(path, f"bulletin {bulletin!r} of {name} is not in the data")
        for bulletin in held_out:
            if bulletin in held:
                raise _other_data(path, f"bulletin {bulletin!r} is held out in {held[bulletin]} and in {name}")
            held[bulletin] = name
    if missing := sorted(here - held.keys()):
        raise _other_data(path, f"bulletin {missing[0]!r} of the data is held out in no fold")


def _other_data(path: str | Path, found: str) -> CorpusError:
    return CorpusError(f"{found}, expected each bulletin of the data in one fold", where=path,
                       hint="Take the data that the split was made of, or make a new split.")  # fmt: skip


def bulletins_trained_on(bulletins: np.ndarray, *, share: float, seed: int) -> np.ndarray:
    """Which texts belong to the share of the bulletins that is trained on.

    Parameters
    ----------
    bulletins : ndarray of shape (n_texts,), str
        Those on the training side.
    share : float
        In (0, 1]; at least one bulletin is kept.
    seed : int
        With the same seed a smaller share is part of every larger one.

    Returns
    -------
    ndarray of shape (n_texts,), bool
    """
    names = np.unique(bulletins)
    # By a number of each name's own: the order must not depend on which others are there.
    rank = {name: hashlib.sha256(f"{seed}:{name}".encode()).digest() for name in names.tolist()}
    kept = sorted(rank, key=lambda name: rank[name])[: max(1, int(np.ceil(round(share * len(names), 9))))]
    return np.isin(bulletins, kept)


def grouped_folds(
    y_true: np.ndarray, groups: np.ndarray, *, n_folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """K folds over groups, stratified over the domains.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    groups : ndarray of shape (n_texts,)
        Texts of one group never part.
    n_folds : int
        At least 2 and at most the number of groups.
    seed : int
        Decides between equally good places.

    Yields
    ------
    train, test : ndarray of int
        Row numbers; the test rows of all folds together are every row, once.

    Raises
    ------
    ValueError
        Fewer groups than folds, or fewer than 2 folds.

    Notes
    -----
    Sechidis, Tsoumakas and Vlahavas (2011), "On the stratification of multi-label data",
    with groups in the place of texts: the group richest in the domain that is scarcest
    goes where that domain lacks most.
    """
    names, rows = np.unique(groups, return_inverse=True)
    if n_folds < 2 or len(names) < n_folds:
        raise ValueError(f"{n_folds} folds of {len(names)} groups: expected 2 to {len(names)}")
    counts = np.zeros((len(names), y_true.shape[1] + 1))
    np.add.at(counts, rows, np.column_stack([y_true, y_true.sum(axis=1) == 0]))
    fold_of = _assign(counts, n_folds, np.random.default_rng(seed))
    for fold in range(n_folds):
        is_test = fold_of[rows] == fold
        yield np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _assign(counts: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    wanted = np.tile(counts.sum(axis=0) / n_folds, (n_folds, 1))
    fold_of = np.full(len(counts), -1)
    rarity = 1 / np.clip(counts.sum(axis=0), 1, None)
    order = np.argsort(-(counts * rarity).max(axis=1) + rng.random(len(counts)) * 1e-9)
    for group in order:
        scarcest = int(np.argmax(counts[group] * rarity))
        lacking = wanted[:, scarcest] + 1e-3 * wanted.sum(axis=1) + rng.random(n_folds) * 1e-9
        fold_of[group] = fold = int(np.argmax(lacking))
        wanted[fold] -= counts[group]
    return fold_of
