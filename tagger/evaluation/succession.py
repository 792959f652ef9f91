"""May a new model take the place of the one that serves? A rule, with the evidence for its answer.

Arrays in, plain numbers out; imports no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.evaluation.comparison import FEW_BULLETINS, holm, paired_bootstrap
from tagger.evaluation.intervals import resample_sums
from tagger.evaluation.metrics import f1_figures

#: Chance of each error: of taking a model that is worse, and of finding any domain lost that is not.
_ALPHA = 0.05
_N_RESAMPLES = 2000


@dataclass(frozen=True)
class Verdict:
    """Whether the new model may serve.

    Attributes
    ----------
    accepted : bool
    reason : str
        In one sentence without a full stop.
    comparison : dict or None
        Of `tagger.evaluation.comparison.paired_bootstrap`, the new model being A; None where
        nothing could be compared.
    """

    accepted: bool
    reason: str
    comparison: dict[str, Any] | None = None


def judge_successor(
    y_true: np.ndarray, y_new: np.ndarray, y_old: np.ndarray, groups: np.ndarray, *,
    ids: Sequence[str], margin: float,
) -> Verdict:  # fmt: skip
    """Whether a new model is not worse than the old one by more than a margin.

    Parameters
    ----------
    y_true, y_new, y_old : ndarray of shape (n_texts, n_domains)
        0 or 1: labels, and both models' tags, of texts that neither model was trained on.
    groups : ndarray of shape (n_texts,)
        The bulletin of each text.
    ids : sequence of str
        The domains in column order.
    margin : float
        In [0, 1]: the F1 that may be lost.

    Notes
    -----
    A test of non-inferiority (Wellek 2010, "Testing statistical hypotheses of equivalence and
    noninferiority", chapter 2): what has to be shown is that the loss of micro-F1 is smaller than
    the margin, with 95 % confidence over paired draws of bulletins. So few labels keep the old model
    where it is. And no domain may be worse by more than the margin where that can be told, however
    few texts it has: by the share of the same draws in which it loses no more than that, one-sided
    and after Holm's correction. Below `FEW_BULLETINS` nothing is accepted, since the intervals are
    too narrow there, see `tagger.evaluation.comparison.verdict`.
    """
    n_bulletins = len(np.unique(groups))
    if n_bulletins < FEW_BULLETINS:
        return Verdict(
            False, f"{n_bulletins} bulletins that neither model was trained on are too few to compare them, "
            f"expected at least {FEW_BULLETINS}",
        )  # fmt: skip
    comparison = paired_bootstrap(y_true, y_new, y_old, groups, n_resamples=_N_RESAMPLES, level=1 - 2 * _ALPHA)
    micro = comparison["f1_micro"]
    p_lost = holm(_p_lost(y_true, y_new, y_old, groups, margin=margin).tolist())
    lost = [
        f"{id} ({entry['a']:.2f} against {entry['b']:.2f})"
        for id, entry, p in zip(ids, comparison["domains"], p_lost, strict=True)
        if p <= _ALPHA
    ]
    figures = _figures(comparison)
    if micro["interval"][0] < -margin:
        found = "worse" if micro["interval"][1] < 0 else "not shown to be as good"
        return Verdict(False, f"{found}: {figures}; {100 * margin:g} points may be lost", comparison)
    if lost:
        return Verdict(False, f"worse in {', '.join(lost)}: {figures}", comparison)
    return Verdict(True, figures, comparison)


def _p_lost(
    y_true: np.ndarray, y_new: np.ndarray, y_old: np.ndarray, groups: np.ndarray, *, margin: float
) -> np.ndarray:
    """One-sided p-value of each domain's being worse by more than the margin: float64 (n_domains,) in (0, 1].

    The share of draws, those of `paired_bootstrap`, in which it loses no more; counted as
    (k + 1) / (n + 1), as there.
    """
    counts = np.stack([y_true, y_true * y_new, y_new, y_true * y_old, y_old], axis=1)
    sums = resample_sums(counts, groups, n_resamples=_N_RESAMPLES, seed=0)
    positives, hits_new, tags_new, hits_old, tags_old = sums.transpose(1, 0, 2)
    f1_new, f1_old = f1_figures(hits_new, positives, tags_new), f1_figures(hits_old, positives, tags_old)
    is_within = (f1_new - f1_old)[:, 2:] >= -margin  # the first two are micro- and macro-F1
    return (1 + is_within.sum(axis=0)) / (1 + _N_RESAMPLES)


def _figures(comparison: dict[str, Any]) -> str:
    micro = comparison["f1_micro"]
    low, high = (100 * bound for bound in micro["interval"])
    return (
        f"micro-F1 {micro['a']:.3f} against {micro['b']:.3f}, {100 * micro['difference']:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}], on {comparison['n_texts']} paragraphs of {comparison['n_bulletins']} bulletins"
    )
