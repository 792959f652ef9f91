"""Is one model better than another on the same texts? Differences, tests and a sentence.

Arrays in, plain numbers out; imports no models.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from tagger.errors import UsageError
from tagger.evaluation.intervals import percentile_interval, resample_sums
from tagger.evaluation.metrics import f1_figures

_METRICS = {"f1_micro": "micro-F1", "f1_macro": "macro-F1"}
#: Below so many bulletins a percentile interval is too narrow to keep silent about it.
FEW_BULLETINS = 20


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
    return bootstrap_of_seeds(y_true, [y_pred_a], [y_pred_b], groups, n_resamples=n_resamples, seed=seed, level=level)


def bootstrap_of_seeds(
    y_true: np.ndarray, y_preds_a: Sequence[np.ndarray], y_preds_b: Sequence[np.ndarray], groups: np.ndarray, *,
    n_resamples: int = 2000, seed: int = 0, level: float = 0.95,
) -> dict[str, Any]:  # fmt: skip
    """Mean F1 of the runs of A less mean F1 of the runs of B, which differ in their seeds alone.

    Parameters
    ----------
    y_true : ndarray of shape (n_texts, n_domains)
        0 or 1.
    y_preds_a, y_preds_b : sequence of ndarray of shape (n_texts, n_domains)
        The tags of each run; at least one a side.
    groups, n_resamples, seed, level
        As of `paired_bootstrap`.

    Returns
    -------
    dict
        As of `paired_bootstrap`, with which it agrees where each side has one run.

    Raises
    ------
    UsageError
        As of `paired_bootstrap`.

    Notes
    -----
    Bulletins and seeds are both drawn with replacement, so that the interval holds what another
    choice of seeds would do too (Bouthillier et al. 2021, "Accounting for variance in machine
    learning benchmarks"). n seeds make their part of the variance too small by (n - 1) / n: with
    one seed a side the interval speaks of these two runs, not of their configurations.
    """
    y_preds, n_a = [*y_preds_a, *y_preds_b], len(y_preds_a)
    for y_pred in y_preds:
        _check_tags(y_true, y_pred, y_pred)
    _check_groups(groups, len(y_true))
    counts = _count(y_true, y_preds)
    drawn = _f1_of_all(resample_sums(counts, groups, n_resamples=n_resamples, seed=seed))
    observed = _f1_of_all(counts.sum(axis=0, keepdims=True))
    rng = np.random.default_rng([seed, 1])  # not the stream that draws bulletins
    drawn_a, drawn_b = (_draw_seeds(part, rng) for part in (drawn[:n_a], drawn[n_a:]))
    pairs = np.stack([drawn_a, drawn_b])
    both = np.stack([observed[:n_a].mean(axis=0), observed[n_a:].mean(axis=0)])[:, 0]
    entries = [_difference(o, d, level) for o, d in zip(both.T, np.moveaxis(pairs, 2, 0), strict=True)]
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


def correct_together(comparisons: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Comparisons made side by side, their p-values corrected for the number of all of them.

    Parameters
    ----------
    comparisons : sequence of dict
        Of `paired_bootstrap`; with ``mcnemar``, a list of `mcnemar`, where there is one.

    Returns
    -------
    list of dict
        With ``p_holm`` of micro- and of macro-F1 over the comparisons, and of the domains over all
        domains of all comparisons, and likewise of McNemar's test. A single comparison keeps its own.
    """
    made = [copy.deepcopy(comparison) for comparison in comparisons]
    families = [[c[name] for c in made] for name in _METRICS]
    families += [[entry for c in made for entry in c.get(name) or []] for name in ("domains", "mcnemar")]
    for family in families:
        for entry, p in zip(family, holm([entry["p_value"] for entry in family]).tolist(), strict=True):
            entry["p_holm"] = p
    return made


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
    than 6 for 95 %. Among several comparisons (`correct_together`) the corrected p-value must be small
    enough as well. On fewer than 20 the sentence says that the interval is too narrow: between
    models that were equal by construction, 95 % intervals missed 0 in 20 % of simulated
    comparisons on 5 bulletins, 12 % on 10, 6 to 9 % on 20 and 6 % on 200.
    """
    found, n, level = comparison[metric], comparison["n_bulletins"], comparison["level"]
    is_enough = 2.0 ** (1 - n) <= 1 - level
    is_clear = _is_clear(found, level)
    lead = _describe_lead(found, _METRICS[metric], (a, b), "better than" if is_clear and is_enough else "ahead of")
    if not is_enough:
        return f"No difference can be told: {n} bulletin{'s are' if n > 1 else ' is'} too few; {lead}."
    few = ", which are few: it is too narrow" if n < FEW_BULLETINS else ""
    basis = f"{100 * level:g} % interval over {n} bulletins{few}"
    if "p_holm" in found:
        basis += f"; p = {found['p_holm']:.2g} after correction"
    opening = "" if is_clear else "No difference can be told: "
    return f"{opening}{lead} ({basis}){_describe_domains(comparison, ids, (a, b))}."


def decide(comparison: dict[str, Any], metric: str = "f1_micro") -> str:
    """What `verdict` says, in one word.

    Parameters
    ----------
    comparison : dict
        Of `paired_bootstrap`, or of `correct_together`.
    metric : {"f1_micro", "f1_macro"}, default="f1_micro"

    Returns
    -------
    {"better", "open", "too_few"}
        ``better`` is the model with the higher figure; ``too_few`` are the bulletins.
    """
    n, level = comparison["n_bulletins"], comparison["level"]
    if 2.0 ** (1 - n) > 1 - level:
        return "too_few"
    return "better" if _is_clear(comparison[metric], level) else "open"


def _is_clear(found: dict[str, Any], level: float) -> bool:
    """Whether the interval is clear of 0, and the p-value, where it was corrected, small enough."""
    # A resampled interval may lie wholly on the other side of a tiny difference: no verdict either.
    is_clear = all(bound * found["difference"] > 0 for bound in found["interval"])
    # 1 - 0.95 is a little more than 0.05; the smallest p-value that a resample can have is no such boundary.
    return is_clear and found.get("p_holm", 0.0) <= 1 - level


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


def _count(y_true: np.ndarray, y_preds: Sequence[np.ndarray]) -> np.ndarray:
    """Labels, then hits and tags of each run; float64, shape (n_texts, 1 + 2 * n_runs, n_domains)."""
    true, tags = np.asarray(y_true, dtype=float), [np.asarray(y, dtype=float) for y in y_preds]
    return np.stack([true, *(part for y in tags for part in (true * y, y))], axis=1)


def _f1_of_all(sums: np.ndarray) -> np.ndarray:
    """F1 of each run from sums of `_count`; shape (n_runs, n_resamples, 2 + n_domains)."""
    positives, *parts = sums.transpose(1, 0, 2)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return np.stack([f1_figures(hits, positives, tags) for hits, tags in pairs])


def _draw_seeds(drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mean over as many runs as there are, drawn anew for each resample of the bulletins."""
    n_runs, n_resamples, _ = drawn.shape
    if n_runs == 1:
        return drawn[0]
    weights = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=n_resamples) / n_runs
    return np.einsum("nr,rnf->nf", weights, drawn)


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
