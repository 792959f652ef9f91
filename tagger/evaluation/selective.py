"""Selective prediction: for each domain the answers yes, ask a person and no, with promises.

From scores that the model did not train on come two bounds a domain: a score of at least `high` is
answered yes, one below `low` no, and between them a person is asked. Two things are promised, each
for each domain with confidence ``1 - delta``: of what is answered yes, a stated share is right
(precision); of what is true, at most a stated share is answered no (recall).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc

from tagger.evaluation.metrics import union_by

#: Bulletins below which a variance over them says too little.
MIN_BULLETINS = 20
#: By how much the number of texts answered yes grows from one cut that is tested to the next.
_STEP = 1.03


class _Tested(NamedTuple):
    """Errors among counted texts, bulletin by bulletin."""

    errors: np.ndarray
    counts: np.ndarray


def fewest_texts(risk: float, delta: float) -> int:
    """How many texts, all of them right, it takes to promise an error rate below `risk`.

    Parameters
    ----------
    risk, delta : float
        In (0, 1).
    """
    return math.ceil(math.log(delta) / math.log(1 - risk))


def calibrate_selective(
    y_true: np.ndarray, y_proba: np.ndarray, groups: np.ndarray, *,
    precision: float = 0.95, recall: float = 0.95, delta: float = 0.1, thresholds: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The scores from which a domain is answered yes, and below which it is answered no.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        0 or 1, and scores in [0, 1] of texts that the model did not train on (out of fold), page
        furniture left out.
    groups : ndarray of shape (n_texts,)
        The bulletin of each text.
    precision : float, default=0.95
        At least this share of the texts answered yes has the domain, in (0, 1).
    recall : float, default=0.95
        At most the rest of the texts with the domain is answered no, in (0, 1).
    delta : float, default=0.1
        With at most this probability over calibration sets one promise of one domain is broken.
    thresholds : ndarray of shape (n_domains,), optional
        Where both promises hold at once, nobody need be asked: the cut is then as near to the
        domain's threshold as they let it be. Default: 0.5.

    Returns
    -------
    ndarray of shape (n_domains, 2)
        float64, ``low <= high``. ``low`` is 0 where no score lets us say no, ``high`` is inf where
        none lets us say yes: that domain has too few texts, or is told too badly.

    Raises
    ------
    ValueError
        Shapes differ, scores are not in [0, 1], or a share is not in (0, 1).

    Notes
    -----
    Precision is not monotone in the cut: a higher one may be worse. Conformal risk control
    (Angelopoulos, Bates, Fisch, Lei and Schuster, 2022) needs a monotone loss, so cuts are tested,
    as in "Learn then Test" (Angelopoulos, Bates, Candès, Jordan and Lei, 2021): one after the
    other from a first one downwards, up to the first that fails (fixed-sequence testing), which
    needs no correction for their number. The first is the one where the scores, taken for
    probabilities, let us hope most; the labels have no say in it. The share of true texts lost is
    monotone, and the same test, from 0 upwards, is the risk-controlling one of Bates et al. (2021);
    conformal risk control would hold only on average over calibration sets, and asks for a largest
    number of tags in a bulletin.

    Sentences of one bulletin are alike, so bulletins are the sample: see `p_value`. That is an
    approximation for many bulletins, not a bound without assumptions: one that lets all tags of a
    bulletin be wrong together needs hundreds of bulletins without any error. It assumes that new
    bulletins are like these.

    Where the two searches overlap (the cut found for no lies above the one found for yes), every cut
    between them was let through for both promises, and one is taken for both, so that nobody is
    asked: the threshold, clipped to the overlap. It is never above the highest cut that was tested
    for yes, as nothing is known of precision there. The threshold may lie between two cuts that
    were tested: precision has passed on both sides of it, where the numbers of texts differ by some
    3 %, and not at the very place.
    """
    y_true, y_proba, members = _check(y_true, y_proba, groups, precision, recall, delta)
    wanted = np.full(y_true.shape[1], 0.5) if thresholds is None else np.asarray(thresholds, dtype=float)
    # One correlation for all domains: in one of them the errors are too few to tell it.
    yes_likeness = likeness([(y_proba >= 0.5, y_true == 0)], members)
    no_likeness = likeness([(y_true == 1, y_proba < 0.5)], members)
    bounds = np.zeros((y_true.shape[1], 2))
    for column, (truth, scores) in enumerate(zip(y_true.T, y_proba.T, strict=True)):
        low = _lowest_loss(truth, scores, members, 1 - recall, delta, no_likeness)
        high, highest = _widest_yes(truth, scores, members, 1 - precision, delta, yes_likeness)
        if low > high:
            low = high = float(np.clip(wanted[column], high, min(low, highest)))
        bounds[column] = low, high
    return bounds


def _check(
    y_true: np.ndarray, y_proba: np.ndarray, groups: np.ndarray, *shares: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and the number of each text's bulletin."""
    y_true, y_proba, groups = np.asarray(y_true), np.asarray(y_proba, dtype=float), np.asarray(groups)
    if y_true.ndim != 2 or y_true.shape != y_proba.shape or len(groups) != len(y_true) or not y_true.size:
        raise ValueError(
            f"y_true {y_true.shape}, y_proba {y_proba.shape} and groups {groups.shape} must agree and not be empty"
        )
    if not ((y_proba >= 0) & (y_proba <= 1)).all():  # of nan too
        raise ValueError("y_proba holds something else than scores between 0 and 1")
    if not all(0 < share < 1 for share in shares):
        raise ValueError(f"precision, recall and delta {shares}, expected numbers between 0 and 1")
    return y_true, y_proba, np.unique(groups, return_inverse=True)[1]


def p_value(errors: np.ndarray, counts: np.ndarray, risk: float, *, likeness: float = 0.0) -> float:
    """How surprising so few errors would be if the error rate were `risk` or more.

    Parameters
    ----------
    errors, counts : ndarray of shape (n_bulletins,)
        Errors, and texts that could be one, of each bulletin.
    risk : float
        In (0, 1).
    likeness : float, default=0
        Correlation of the errors within a bulletin, in [0, 1], known from elsewhere; what these
        texts show on top of it counts too.

    Returns
    -------
    float
        In [0, 1]; the binomial one if every bulletin has one text.

    Notes
    -----
    The binomial test with the sample size divided by the design effect, as Korn and Graubard
    (1998, "Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data") do for surveys. The design effect is that of the linearised
    variance over bulletins, at least Kish's (1965) for the correlation given, so that a sample
    without errors does not count its sentences as independent.
    """
    n_texts, n_errors = float(counts.sum()), float(errors.sum())
    if n_errors >= n_texts * risk:
        return 1.0
    effect = max(1.0, 1 + likeness * (float(counts @ counts) / n_texts - 1), _design_effect(errors, counts))
    n_texts, n_errors = n_texts / effect, n_errors / effect
    return float(betainc(n_texts - n_errors, n_errors + 1, 1 - risk))


def _design_effect(errors: np.ndarray, counts: np.ndarray) -> float:
    """Variance of the error rate over bulletins in that of as many independent texts."""
    n_bulletins, n_texts = int((counts > 0).sum()), counts.sum()
    rate = errors.sum() / n_texts
    if rate in (0, 1) or n_bulletins < 2:
        return 1.0
    variance = n_bulletins / (n_bulletins - 1) * ((errors - rate * counts) ** 2).sum() / n_texts**2
    return float(variance / (rate * (1 - rate) / n_texts))


def likeness(parts: list[tuple[np.ndarray, np.ndarray]], members: np.ndarray) -> float:
    """How much errors of one bulletin are alike, over all domains: their correlation, in [0, 1].

    Parameters
    ----------
    parts : list of (ndarray, ndarray), each bool of shape (n_texts, n_domains)
        Which texts count, and which are errors.
    members : ndarray of shape (n_texts,)
        The bulletin of each text, 0 to n_bulletins - 1.
    """
    together = n_pairs = alone = n_texts = 0.0
    for counted, wrong in parts:
        for column in range(counted.shape[1]):
            rows = counted[:, column]
            if not rows.any():
                continue
            residual = wrong[rows, column] - wrong[rows, column].mean()
            sums = np.bincount(members[rows], weights=residual)
            sizes = np.bincount(members[rows])
            together += float((sums**2).sum() - (residual**2).sum())
            n_pairs += float((sizes * (sizes - 1)).sum())
            alone, n_texts = alone + float((residual**2).sum()), n_texts + len(residual)
    if not n_pairs or not alone:
        return 0.0
    return float(np.clip(together / n_pairs / (alone / n_texts), 0, 1))


def _widest_yes(
    truth: np.ndarray, scores: np.ndarray, members: np.ndarray, risk: float, delta: float, alike: float
) -> tuple[float, float]:
    """The lowest cut above which precision is promised, and the highest; (inf, inf) if none is."""
    order = np.argsort(-scores, kind="stable")
    ranked, wrong, of = scores[order], truth[order] == 0, members[order]
    sizes = _sizes(ranked, fewest_texts(risk, delta))
    # What the scores say of their own errors: where to begin must not depend on the labels.
    hopes = np.cumsum(1 - ranked)
    planned = [p_value(hopes[n - 1 : n], np.array([float(n)]), risk) for n in sizes]
    found: list[int] = []
    for n in sizes[int(np.argmin(planned)) :] if sizes else []:
        tested = _by_bulletin(of[:n], wrong[:n])
        if len(tested.counts) < MIN_BULLETINS or p_value(*tested, risk, likeness=alike) > delta:
            break
        found.append(n)
    return (_between(ranked, found[-1]), float(ranked[found[0] - 1])) if found else (math.inf, math.inf)


def _sizes(ranked: np.ndarray, fewest: int) -> list[int]:
    """How many texts are answered yes at the cuts that are tested, rising."""
    # Texts of equal score get one answer.
    possible = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], ranked[-1] > 0)) + 1
    sizes: list[int] = []
    for n in possible[possible >= fewest].tolist():
        if not sizes or n >= sizes[-1] * _STEP:
            sizes.append(n)
    return sizes


def _lowest_loss(
    truth: np.ndarray, scores: np.ndarray, members: np.ndarray, risk: float, delta: float, alike: float
) -> float:
    """The highest cut below which few enough true texts lie; 0 if there is none."""
    order = np.argsort(scores, kind="stable")
    order = order[truth[order] == 1]
    ranked, of, low = scores[order], members[order], 0.0
    for n_lost, cut in enumerate(ranked.tolist()):
        tested = _by_bulletin(of, np.arange(len(of)) < n_lost)
        if len(tested.counts) < MIN_BULLETINS or p_value(*tested, risk, likeness=alike) > delta:
            break
        low = cut
    return low


def _by_bulletin(members: np.ndarray, wrong: np.ndarray) -> _Tested:
    """Sums over the bulletins that have a text at all."""
    counts = np.bincount(members)
    errors = np.bincount(members, weights=wrong)
    return _Tested(errors[counts > 0], counts[counts > 0].astype(float))


def _between(ranked: np.ndarray, n: int) -> float:
    """A score that the first n texts reach and the next does not."""
    following = ranked[n] if n < len(ranked) else 0.0
    return float((ranked[n - 1] + following) / 2)


def answer(y_proba: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where scores say yes, and where a person is asked: two bool arrays like `y_proba`.

    Parameters
    ----------
    y_proba : ndarray of shape (n_texts, n_domains)
    bounds : ndarray of shape (n_domains, 2)
    """
    low, high = np.asarray(bounds).T
    yes = np.asarray(y_proba) >= high
    return yes, (y_proba >= low) & ~yes


def review_load(
    y_true: np.ndarray, y_proba: np.ndarray, bounds: np.ndarray, *, keys: Sequence[Any] | None = None
) -> dict[str, Any]:
    """How much goes to a person, and what becomes of the true tags.

    Parameters
    ----------
    y_true, y_proba : ndarray of shape (n_texts, n_domains)
        0 or 1, and scores; of other texts than those of the calibration, or what comes out is
        somewhat too good (`held_out_load`).
    bounds : ndarray of shape (n_domains, 2)
        See `calibrate_selective`.
    keys : sequence of length n_texts, optional
        What the texts are grouped by, such as (bulletin, paragraph): a larger unit is answered yes
        in a domain where one of its sentences is, asked where one is and none is answered yes.

    Returns
    -------
    dict
        ``n_units``; ``share_asked``, the share of units with a question in any domain;
        ``questions``, the mean number of domains asked of a unit; ``precision`` of what is
        answered yes, over all domains; ``found``, ``asked`` and ``lost``, the shares of the true
        tags answered yes, shown to a person and answered no, together 1; ``domains``, a dict of
        ``share_yes``, ``share_asked``, ``precision``, ``found``, ``asked``, ``lost``, each float64
        of shape (n_domains,). Ratios are in [0, 1], nan without a denominator.
    """
    return _load(*answer(y_proba, bounds), np.asarray(y_true) == 1, keys)


def held_out_load(
    y_true: np.ndarray, y_proba: np.ndarray, groups: np.ndarray, *,
    keys: Sequence[Any] | None = None, n_folds: int = 5, seed: int = 0, **promises: Any,
) -> dict[str, Any]:  # fmt: skip
    """The review load to expect on new bulletins: each is answered by bounds of the other folds.

    Parameters
    ----------
    y_true, y_proba, groups, **promises
        See `calibrate_selective`. Bounds of all bulletins are somewhat tighter than those of
        ``(n_folds - 1) / n_folds`` of them, so the load is rather too high than too low.
    keys
        See `review_load`; a unit lies within one bulletin.
    n_folds, seed : int
        Folds over bulletins, dealt by chance.

    Returns
    -------
    dict
        See `review_load`.
    """
    y_true, y_proba, groups = np.asarray(y_true), np.asarray(y_proba), np.asarray(groups)
    names, members = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[members] % min(n_folds, len(names))
    yes, ask = np.zeros(y_true.shape, dtype=bool), np.ones(y_true.shape, dtype=bool)
    for number in range(min(n_folds, len(names))):
        rows = fold == number
        if not rows.all():  # of one bulletin alone nothing is known
            bounds = calibrate_selective(y_true[~rows], y_proba[~rows], groups[~rows], **promises)
            yes[rows], ask[rows] = answer(y_proba[rows], bounds)
    return _load(yes, ask, y_true == 1, keys)


def _load(yes: np.ndarray, ask: np.ndarray, truth: np.ndarray, keys: Sequence[Any] | None) -> dict[str, Any]:
    if keys is not None:
        yes, ask, truth = (union_by(part, keys) for part in (yes, ask, truth))
        ask = ask & ~yes
    parts = {"yes": yes, "ask": ask, "true": truth, "found": yes & truth, "asked": ask & truth}
    sums = {name: part.sum(axis=0) for name, part in parts.items()}
    overall = _shares({name: values.sum() for name, values in sums.items()}, truth.size)
    return {
        "n_units": len(truth),
        "share_asked": float(ask.any(axis=1).mean()),
        "questions": float(ask.sum(axis=1).mean()),
        **{name: float(overall[name]) for name in ("precision", "found", "asked", "lost")},
        "domains": _shares(sums, len(truth)),
    }


def _shares(sums: dict[str, Any], n_units: int) -> dict[str, np.ndarray]:
    """Sums of one domain or of all as shares."""
    lost = sums["true"] - sums["found"] - sums["asked"]
    parts = {
        "share_yes": (sums["yes"], n_units), "share_asked": (sums["ask"], n_units),
        "precision": (sums["found"], sums["yes"]), "found": (sums["found"], sums["true"]),
        "asked": (sums["asked"], sums["true"]), "lost": (lost, sums["true"]),
    }  # fmt: skip
    return {name: _ratio(*pair) for name, pair in parts.items()}


def _ratio(part: Any, whole: Any) -> np.ndarray:
    part, whole = np.asarray(part, dtype=float), np.broadcast_to(np.asarray(whole, dtype=float), np.shape(part))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
