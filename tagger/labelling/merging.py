"""One set of labels a unit out of several annotators': by vote, by Dawid and Skene, or by an adjudicator."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.labelling.opinions import MISSING, Opinions


@dataclass(frozen=True)
class Merged:
    """One label set a unit.

    Attributes
    ----------
    opinions : Opinions
        What was merged.
    labels : ndarray of shape (n_units, n_domains), int8
        0 or 1; -1 in every domain of a unit that is open: nobody labelled it, or the vote is tied.
    confidence : ndarray of shape (n_units, n_domains), float64
        How sure each answer is, in [0, 1]: the share of votes for it, or its posterior
        probability; nan where the unit is open because nobody labelled it.
    method : ndarray of shape (n_units,), str
        ``vote``, ``dawid_skene``, ``adjudicator``, or ``open``.
    """

    opinions: Opinions
    labels: np.ndarray
    confidence: np.ndarray
    method: np.ndarray

    @property
    def is_open(self) -> np.ndarray:
        """Units without merged labels, bool, shape (n_units,)."""
        return self.labels[:, 0] == MISSING

    def lines(self) -> Iterator[dict[str, Any]]:
        """Units in the form that `tagger train` and `tagger evaluate` read, open ones left out.

        Sentences and paragraphs of a bulletin stand together, in page order.
        """
        order = sorted(np.flatnonzero(~self.is_open).tolist(), key=self._place)
        for unit, labels in zip(order, self.opinions.domains.decode(self.labels[order]), strict=True):
            yield self._line(unit, labels)

    def _place(self, unit: int) -> tuple[str, int, str, int]:
        where = self.opinions.units[unit]
        return where.bulletin, where.paragraph, where.uid, -1 if where.sentence is None else where.sentence

    def _line(self, number: int, labels: tuple[str, ...]) -> dict[str, Any]:
        unit = self.opinions.units[number]
        place = {"bulletin": unit.bulletin, "paragraph": unit.paragraph}
        sentence = {} if unit.sentence is None else {"sentence": unit.sentence}
        names = [
            name for name, given in zip(self.opinions.annotators, self.opinions.given[:, number], strict=True) if given
        ]
        return {
            "uid": unit.uid, **place, **sentence, "text": unit.text, "domains": list(labels),
            "annotators": names, "merged_by": str(self.method[number]),
            "confidence": round(float(self.confidence[number].min()), 4),
        }  # fmt: skip


def merge_by_vote(opinions: Opinions) -> Merged:
    """What more than half of a unit's annotators say, domain by domain.

    A unit with a tie in any domain stays open: two people who differ are no majority, and a guess
    would look like a label. It belongs in the review queue, or before an adjudicator.
    """
    n_given, n_yes = _count(opinions)
    share = np.divide(n_yes, n_given, out=np.full(n_yes.shape, np.nan), where=n_given > 0)
    is_open = (n_given[:, 0] == 0) | (share == 0.5).any(axis=1)
    labels = np.where(is_open[:, None], MISSING, share > 0.5).astype(np.int8)
    return Merged(opinions, labels, np.maximum(share, 1 - share), np.where(is_open, "open", "vote"))


def _count(opinions: Opinions) -> tuple[np.ndarray, np.ndarray]:
    """How many labelled each unit, and how many said yes: both float64, shape (n_units, n_domains)."""
    is_given = opinions.labels != MISSING
    return is_given.sum(axis=0).astype(float), (opinions.labels == 1).sum(axis=0).astype(float)


def merge_by_dawid_skene(opinions: Opinions, *, n_iter: int = 100) -> Merged:
    """The most probable labels when each annotator errs in a way of their own, learned from all units.

    Parameters
    ----------
    opinions : Opinions
    n_iter : int, default=100
        Most rounds of expectation and maximisation, a domain.

    Returns
    -------
    Merged
        Open only where nobody labelled, or the posterior is exactly one half.

    Notes
    -----
    Dawid and Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM
    algorithm", as crowd-kit computes it (Ustalov et al. 2024), for each domain's yes or no. It needs
    overlap: with a few dozen shared units, the vote is as good and tells its ties.
    """
    columns = [_dawid_skene(labels, n_iter) for labels in np.moveaxis(opinions.labels, 2, 0)]
    probability = np.stack(columns, axis=1)
    is_open = np.isnan(probability).any(axis=1) | (probability == 0.5).any(axis=1)
    labels = np.where(is_open[:, None], MISSING, probability > 0.5).astype(np.int8)
    confidence = np.maximum(probability, 1 - probability)
    return Merged(opinions, labels, confidence, np.where(is_open, "open", "dawid_skene"))


def _dawid_skene(labels: np.ndarray, n_iter: int) -> np.ndarray:
    """Probability of yes of each unit, shape (n_units,), nan where nobody labelled it."""
    import pandas as pd
    from crowdkit.aggregation.classification.dawid_skene import DawidSkene

    annotators, units = np.nonzero(labels != MISSING)
    answers = labels[annotators, units].astype(int)
    probability = np.full(labels.shape[1], np.nan)
    if not len(answers):
        return probability
    if answers.min() == answers.max():  # nothing to learn from; the library divides by zero
        probability[units] = float(answers[0])
        return probability
    frame = pd.DataFrame({"task": units, "worker": annotators, "label": answers})
    with warnings.catch_warnings():
        # crowd-kit 1.4 calls pandas in ways that pandas 3 announces the end of; the extra caps pandas at 3.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = DawidSkene(n_iter=n_iter).fit_predict_proba(frame)
    probability[found.index.to_numpy()] = found[1].to_numpy()
    return probability


def merge_by_adjudicator(opinions: Opinions, name: str) -> Merged:
    """The adjudicator's labels where there are any; elsewhere the others' vote.

    Raises
    ------
    InputError
        There is no annotator of that name.
    """
    judged = opinions.only([name]).labels[0]
    is_judged = judged[:, 0] != MISSING
    voted = merge_by_vote(opinions.only([other for other in opinions.annotators if other != name]))
    labels = np.where(is_judged[:, None], judged, voted.labels).astype(np.int8)
    confidence = np.where(is_judged[:, None], 1.0, voted.confidence)
    return Merged(opinions, labels, confidence, np.where(is_judged, "adjudicator", voted.method))
