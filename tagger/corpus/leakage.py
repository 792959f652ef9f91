"""Whether what is held out was seen in training, fold by fold; a split that leaks is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tagger.corpus.duplicates import group_bulletins
from tagger.corpus.examples import Examples
from tagger.corpus.splits import Fold, Split
from tagger.errors import CorpusError

_NEW = "Make a new split, which keeps them on one side."


def check_leakage(split: Split, examples: Examples, *, where: str = "split") -> Split:
    """The split with its leakage report.

    Parameters
    ----------
    split : Split
        With the links of its bulletins.
    examples : Examples
        Those that it splits.
    where : str
        Named in errors: the setting or file that the split comes from.

    Returns
    -------
    Split
        ``leakage`` holds, largest over the folds: ``repeated_phrases``, the share of held-out sentences
        whose exact text is trained on too (short formulas and set phrases: no leak by the
        rule of `DuplicateRule`, but worth knowing); ``label_drift``, the difference between the two
        sides' share of a domain, in [0, 1], and which; ``label_set_drift``, the total variation
        distance between their label sets, in [0, 1]; ``folds``, the same for each.

    Raises
    ------
    CorpusError
        A bulletin, or near-duplicates, on both sides of a fold, or rows not held out exactly once;
        names the pair.
    """
    held = np.sort(np.concatenate([fold.held_out for fold in split.folds])) if split.folds else np.array([])
    if not np.array_equal(held, np.arange(len(examples))):
        raise CorpusError("some texts are held out never or twice", where=where, hint=_NEW)
    groups = group_bulletins(examples.bulletins, split.links)
    for fold in split.folds:
        _refuse_same_bulletin(fold, examples, where)
        _refuse_duplicates(fold, split, groups, examples, where)
    folds = [_describe(fold, examples) for fold in split.folds]
    worst = max(folds, key=lambda fold: fold["label_drift"])
    report = {
        "same_bulletin": 0, "near_duplicates": 0,
        "repeated_phrases": max(fold["repeated_phrases"] for fold in folds),
        "label_drift": worst["label_drift"], "label_drift_column": worst["label_drift_column"],
        "label_set_drift": max(fold["label_set_drift"] for fold in folds), "folds": folds,
    }  # fmt: skip
    return replace(split, leakage=report)


def _refuse_same_bulletin(fold: Fold, examples: Examples, where: str) -> None:
    both = np.intersect1d(examples.bulletins[fold.train], examples.bulletins[fold.held_out])
    if len(both):
        one, other = (
            next(examples.ids[row] for row in rows if examples.bulletins[row] == both[0])
            for rows in (fold.train, fold.held_out)
        )
        raise CorpusError(
            f"{fold.name} leaks: bulletin {str(both[0])!r} is trained on ({one}) and held out ({other})", where=where,
            hint=_NEW,
        )  # fmt: skip


def _refuse_duplicates(fold: Fold, split: Split, groups: np.ndarray, examples: Examples, where: str) -> None:
    both = np.intersect1d(groups[fold.train], groups[fold.held_out])
    if not len(both):
        return
    train, held_out = (set(examples.bulletins[rows].tolist()) for rows in (fold.train, fold.held_out))
    for link in split.links:
        one, other = link.bulletins
        if (one in train and other in held_out) or (other in train and one in held_out):
            trained, held = link.ids if one in train else link.ids[::-1]
            raise CorpusError(
                f"{fold.name} leaks: {trained} is trained on and its near-duplicate {held} is held out "
                f"(similarity {link.similarity:.2f})", where=where, hint=_NEW,
            )  # fmt: skip
    raise CorpusError(f"{fold.name} leaks: bulletins that share text with {both[0]} are on both sides", where=where,
                      hint=_NEW)  # fmt: skip


def _describe(fold: Fold, examples: Examples) -> dict[str, Any]:
    """Counts and drift of one fold; page furniture does not count."""
    train, held_out = (rows[~examples.noise[rows]] for rows in (fold.train, fold.held_out))
    seen = {examples.texts[row].text for row in train}
    repeated = sum(examples.texts[row].text in seen for row in held_out)
    drift = np.abs(_share(examples.y_true[train]) - _share(examples.y_true[held_out]))
    return {
        "name": fold.name, "n_train": len(train), "n_held_out": len(held_out),
        "repeated_phrases": round(repeated / max(len(held_out), 1), 4),
        "label_drift": round(float(drift.max()), 4), "label_drift_column": int(drift.argmax()),
        "label_set_drift": round(_set_drift(examples.y_true[train], examples.y_true[held_out]), 4),
    }  # fmt: skip


def _share(y: np.ndarray) -> np.ndarray:
    return y.mean(axis=0) if len(y) else np.zeros(y.shape[1])


def _set_drift(one: np.ndarray, other: np.ndarray) -> float:
    """Total variation distance between the distributions of two sides' label sets."""
    if not len(one) or not len(other):
        return 1.0
    _, rows, counts = np.unique(np.concatenate([one, other]), axis=0, return_inverse=True, return_counts=True)
    rows = rows.reshape(-1)
    first = np.bincount(rows[: len(one)], minlength=len(counts)) / len(one)
    second = np.bincount(rows[len(one) :], minlength=len(counts)) / len(other)
    return float(np.abs(first - second).sum() / 2)
