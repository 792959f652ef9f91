"""Is one model better than another on the same texts? Differences, tests and a sentence.

Arrays in, plain numbers out; imports no models.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.errors import UsageError
from tagger.evaluation.metrics import f1_figures, percentile_interval, resample_sums

_METRICS = {"f1_micro": "micro-F1", "f1_macro": "macro-F1"}
#: Below so many bulletins a percentile interval is too narrow to keep silent about it.
_FEW = 20


def paired_bootstrap(
    y_true: np.ndarray, y_pred_a: np.ndarray, y_pred_b: np.ndarray, groups: np.ndarray, *,
    n_resamples: int = 2000, seed: int = 0, level: float = 0.95,
) -> dict[str, Any]:  # fmt: skip
    """F1 of model A less F1 of model B, both on the same resampled bulletins.

    Parameters
    ----------
    y_true, y_pred_a, y_pred_b : ndarray of shape (n_texts, n_domains)
        0 or 1: the labels and the tags of the two models.
    groups : ndarray of shape (n_texts,)
        The bulletin of each text.
    n_resamples : int, default=2000
        How often the bulletins are drawn.
    seed : int, default=0
        The same seed and arrays give the same result.
    level : float, default=0.95
        Coverage of the intervals, in (0, 1).

    Returns
    -------
    dict
        ``n_texts, n_bulletins, n_resamples, level``; ``f1_micro``, ``f1_macro`` and each entry of
        ``domains``, a list in column order: ``a`` and ``b``, the F1 of the models in [0, 1];
        ``difference`` = a - b and its ``interval`` (low, high), in [-1, 1]; ``p_value``, two-sided,
        in [2 / (n_resamples + 1), 1]; ``share_a_better``, the share of resamples with a > b. A
        domain also has ``p_holm``, corrected for the number of domains.

    Raises
    ------
    UsageError
        The arrays are of different texts or domains, are empty or hold other than 0 and 1.

    Notes
    -----
    The percentile interval of Efron and Tibshirani (1993), "An introduction to the bootstrap",
    chapter 13, over paired draws (Koehn 2004, "Statistical significance tests for machine
    translation evaluation"). The p-value is twice the smaller share of differences on either side
    of 0, counted as (k + 1) / (n + 1) so that it is never 0 (Davison and Hinkley 1997, "Bootstrap
    methods and their application", section 4.2). Few bulletins make intervals too narrow, see
    `verdict`; a domain without a label or tag has F1 0, as in `tagger.evaluation.metrics.score`.
    """
    _check_tags(y_true, y_pred_a, y_pred_b)
    _check_groups(groups, len(y_true))
    counts = _count(y_true, y_pred_a, y_pred_b)
    observed = _f1_of_both(counts.sum(axis=0, keepdims=True))[:, 0]
    drawn = _f1_of_both(resample_sums(counts, groups, n_resamples=n_resamples, seed=seed))
    entries = [_difference(o, d, level) for o, d in zip(observed.T, np.moveaxis(drawn, 2, 0), strict=True)]
    corrected = holm([entry["p_value"] for entry in entries[2:]])
    return {
        "n_texts": len(y_true),
        "n_bulletins": len(np.unique(groups)),
        "n_resamples": n_resamples,
        "level": level,
        "f1_micro": entries[0],
        "f1_macro": entries[1],
        "domains": [{**entry, "p_holm": p} for entry, p in zip(entries[2:], corrected.tolist(), strict=True)],
    }


def mcnemar(y_true: np.ndarray, y_pred_a: np.ndarray, y_pred_b: np.ndarray) -> list[dict[str, Any]]:
    """Exact McNemar test of each domain: whose decisions are right where the other's are wrong.

    Parameters
    ----------
    y_true, y_pred_a, y_pred_b : ndarray of shape (n_texts, n_domains)
        0 or 1: the labels and the tags of the two models.

    Returns
    -------
    list of dict
        In column order: ``only_a_right`` and ``only_b_right``, numbers of texts; ``p_value``,
        two-sided, in [0, 1], 1 where they decide alike; ``p_holm``, corrected for the number of
        domains.

    Raises
    ------
    UsageError
        The arrays are of different texts or domains, are empty or hold other than 0 and 1.

    Notes
    -----
    McNemar (1947), "Note on the sampling error of the difference between correlated proportions or
    percentages", with the binomial distribution in place of chi-squared. It takes texts for
    independent; those of one bulletin are not, so its p-values are too small where errors come in
    whole bulletins. `paired_bootstrap` does not assume that.
    """
    from scipy.stats import binomtest

    _check_tags(y_true, y_pred_a, y_pred_b)
    a_right, b_right = y_pred_a == y_true, y_pred_b == y_true
    only_a, only_b = (a_right & ~b_right).sum(axis=0), (b_right & ~a_right).sum(axis=0)
    pairs = list(zip(only_a.tolist(), only_b.tolist(), strict=True))
    p_values = [float(binomtest(a, a + b).pvalue) if a + b else 1.0 for a, b in pairs]
    corrected = holm(p_values).tolist()
    return [
        {"only_a_right": a, "only_b_right": b, "p_value": p, "p_holm": q}
        for (a, b), p, q in zip(pairs, p_values, corrected, strict=True)
    ]


def holm(p_values: Sequence[float]) -> np.ndarray:
    """P-values corrected for their number: rejecting those <= alpha errs at all with a chance of alpha at most.

    Parameters
    ----------
    p_values : sequence of float
        In [0, 1], in any order.

    Returns
    -------
    ndarray of shape (n_tests,)
        float64 in [0, 1], in the order given.

    Notes
    -----
    Holm (1979), "A simple sequentially rejective multiple test procedure". It holds however the
    tests depend on each other.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    # The smallest of n is multiplied by n, the next by n - 1; none may fall below one before it.
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def verdict(
    comparison: dict[str, Any], a: str = "A", b: str = "B", *, metric: str = "f1_micro", ids: Sequence[str] = ()
) -> str:
    """The comparison in one plain sentence.

    Parameters
    ----------
    comparison : dict
        Of `paired_bootstrap`.
    a, b : str, default="A", "B"
        What to call the models.
    metric : {"f1_micro", "f1_macro"}, default="f1_micro"
        The figure that decides.
    ids : sequence of str, optional
        Domain ids in column order; domains that differ after Holm's correction are then named.

    Returns
    -------
    str
        Differences and intervals in points: hundredths of F1.

    Notes
    -----
    One model is called better only where the interval lies clear of 0, and never on so few
    bulletins that even winning every one of them could be chance: 2 ** (1 - n) > 1 - level, fewer
    than 6 for 95 %. On fewer than 20 the sentence says that the interval is too narrow: between
    models that were equal by construction, 95 % intervals missed 0 in 20 % of simulated
    comparisons on 5 bulletins, 12 % on 10, 6 to 9 % on 20 and 6 % on 200.
    """
    found, n, level = comparison[metric], comparison["n_bulletins"], comparison["level"]
    # A resampled interval may lie wholly on the other side of a tiny difference: no verdict either.
    is_clear = all(bound * found["difference"] > 0 for bound in found["interval"])
    is_enough = 2.0 ** (1 - n) <= 1 - level
    lead = _describe_lead(found, _METRICS[metric], (a, b), "better than" if is_clear and is_enough else "ahead of")
    if not is_enough:
        return f"No difference can be told: {n} bulletin{'s are' if n > 1 else ' is'} too few; {lead}."
    basis = f"{100 * level:g} % interval over {n} bulletins{', which are few: it is too narrow' if n < _FEW else ''}"
    opening = "" if is_clear else "No difference can be told: "
    return f"{opening}{lead} ({basis}){_describe_domains(comparison, ids, (a, b))}."


def _check_tags(*arrays: np.ndarray) -> None:
    """Refuse what would be compared without sense, before a figure is made of it."""
    shapes = [np.shape(array) for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise UsageError(
            f"found labels {shapes[0]}, tags {shapes[1]} and {shapes[2]}, expected one shape, texts by domains",
            where="comparison",
            hint="Compare models on the same texts and domains.",
        )
    if not all(np.isin(array, (0, 1)).all() for array in arrays):
        raise UsageError(
            "found labels or tags other than 0 and 1", where="comparison", hint="Apply the thresholds to scores first."
        )


def _check_groups(groups: np.ndarray, n_texts: int) -> None:
    if np.shape(groups) != (n_texts,):
        raise UsageError(
            f"found groups {np.shape(groups)} for {n_texts} texts, expected one bulletin a text", where="comparison"
        )


def _count(y_true: np.ndarray, y_pred_a: np.ndarray, y_pred_b: np.ndarray) -> np.ndarray:
    """Hits of A and of B, labels, tags of A and of B; float64, shape (n_texts, 5, n_domains)."""
    true, a, b = (np.asarray(y, dtype=float) for y in (y_true, y_pred_a, y_pred_b))
    return np.stack([true * a, true * b, true, a, b], axis=1)


def _f1_of_both(sums: np.ndarray) -> np.ndarray:
    """F1 of A and of B from sums of `_count`; shape (2, n_resamples, 2 + n_domains)."""
    hits_a, hits_b, positives, tags_a, tags_b = sums.transpose(1, 0, 2)
    return np.stack([f1_figures(hits_a, positives, tags_a), f1_figures(hits_b, positives, tags_b)])


def _difference(observed: np.ndarray, drawn: np.ndarray, level: float) -> dict[str, Any]:
    """One figure of A and B, shape (2,), beside its resamples, shape (2, n_resamples)."""
    a, b = observed.tolist()
    differences = drawn[0] - drawn[1]
    n_not_above, n_not_below = int((differences <= 0).sum()), int((differences >= 0).sum())
    smaller = (1 + min(n_not_above, n_not_below)) / (1 + len(differences))
    return {
        "a": a,
        "b": b,
        "difference": a - b,
        "interval": percentile_interval(differences, level),
        "p_value": min(1.0, 2 * smaller),
        "share_a_better": float((differences > 0).mean()),
    }


def _describe_lead(found: dict[str, Any], metric: str, names: tuple[str, str], relation: str) -> str:
    """By how much the leader leads, said of the leader so that the difference reads without a sign."""
    sign = 1 if found["difference"] >= 0 else -1
    ahead, behind = names[::sign]
    # Adding 0 turns a minus 0 into a plain one.
    low, high = sorted(100 * sign * bound + 0.0 for bound in found["interval"])
    gap = f"{100 * abs(found['difference']):.1f} points of {metric} [{_point(low)}, {_point(high)}]"
    if found["difference"] == 0:
        return f"{ahead} and {behind} differ by {gap}"
    better, worse = sorted((found["a"], found["b"]), reverse=True)
    return f"{ahead} is {relation} {behind} by {gap}, {better:.3f} against {worse:.3f}"


def _point(value: float) -> str:
    """With one decimal; with two where one would round a bound that is clear of 0 onto it."""
    return f"{value:.1f}" if value == 0 or abs(value) >= 0.05 else f"{value:.2f}"


def _describe_domains(comparison: dict[str, Any], ids: Sequence[str], names: tuple[str, str]) -> str:
    """The domains that differ after correction, under the name of the model that is ahead in them."""
    if not ids:
        return ""
    alpha = 1 - comparison["level"]
    gaps = {id: e["difference"] for id, e in zip(ids, comparison["domains"], strict=True) if e["p_holm"] <= alpha}
    won = {
        name: [f"{id} by {100 * abs(gap):.1f}" for id, gap in gaps.items() if gap * sign > 0]
        for name, sign in zip(names, (1, -1), strict=True)
    }
    parts = [f"{name} in {', '.join(domains)}" for name, domains in won.items() if domains]
    return f"; ahead by domain: {' and '.join(parts)}" if parts else "; no difference within a domain can be told"
