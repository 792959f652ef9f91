"""May a new model take the place of the one that serves? A rule, with the evidence for its answer.

Arrays in, plain numbers out; imports no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tagger.evaluation.comparison import paired_bootstrap

#: Fewer bulletins than this vary too little when they are drawn again: an interval over them says nothing.
FEWEST_BULLETINS = 10
#: Two-sided, so that each bound is one-sided with 95 %.
_LEVEL = 0.9


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
    where it is. And no domain may be worse by more than the margin where that can be told after
    Holm's correction, however few texts it has.
    """
    n_bulletins = len(np.unique(groups))
    if n_bulletins < FEWEST_BULLETINS:
        return Verdict(
            False, f"{n_bulletins} bulletins that neither model was trained on are too few to compare them, "
            f"expected {FEWEST_BULLETINS}",
        )  # fmt: skip
    comparison = paired_bootstrap(y_true, y_new, y_old, groups, level=_LEVEL)
    micro = comparison["f1_micro"]
    lost = [
        f"{id} ({entry['a']:.2f} against {entry['b']:.2f})"
        for id, entry in zip(ids, comparison["domains"], strict=True)
        if entry["p_holm"] <= 1 - _LEVEL and entry["difference"] < -margin
    ]
    figures = _figures(comparison)
    if micro["interval"][0] < -margin:
        found = "worse" if micro["interval"][1] < 0 else "not shown to be as good"
        return Verdict(False, f"{found}: {figures}; {100 * margin:g} points may be lost", comparison)
    if lost:
        return Verdict(False, f"worse in {', '.join(lost)}: {figures}", comparison)
    return Verdict(True, figures, comparison)


def _figures(comparison: dict[str, Any]) -> str:
    micro = comparison["f1_micro"]
    low, high = (100 * bound for bound in micro["interval"])
    return (
        f"micro-F1 {micro['a']:.3f} against {micro['b']:.3f}, {100 * micro['difference']:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}], on {comparison['n_texts']} paragraphs of {comparison['n_bulletins']} bulletins"
    )
