"""Do annotators agree? Per domain and pair, over all, and where they part; models beside people.

What Label Studio sells in its Enterprise edition, on the files of `tagger labels pull`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from tagger.domains import DomainSet
from tagger.evaluation.intervals import percentile_interval, resample_sums
from tagger.evaluation.metrics import score
from tagger.labelling.coefficients import (
    MISSING,
    alpha_of,
    alpha_parts,
    kappa_of,
    kappa_parts,
    label_sets,
    nominal_distance,
)
from tagger.labelling.merging import merge_by_vote
from tagger.labelling.opinions import Opinions


def measure_agreement(opinions: Opinions, *, n_resamples: int = 1000, seed: int = 0) -> dict[str, Any]:
    """All figures of agreement.

    Parameters
    ----------
    opinions : Opinions
        Of people, and of models as further annotators (`Opinions.with_model`). Models count in
        ``pairs`` with people and in ``f1`` alone, never in the people's own agreement.
    n_resamples : int, default=1000
        Draws of bulletins behind each interval.
    seed : int, default=0

    Returns
    -------
    dict
        ``n_units``, ``n_bulletins``, ``n_shared`` (units that two people or more labelled),
        ``annotators``, ``alpha`` (`measure_alpha`), ``pairs`` (`measure_pairs`), ``confusion``
        (`count_confusion`) and ``f1`` (`measure_f1`). Figures that are not defined are nan.
    """
    people = opinions.people
    return {
        "n_units": len(opinions),
        "n_bulletins": len(np.unique(opinions.bulletins)),
        "n_shared": int((people.given.sum(axis=0) > 1).sum()),
        "annotators": describe_annotators(opinions),
        "alpha": measure_alpha(people, n_resamples=n_resamples, seed=seed),
        "pairs": measure_pairs(opinions, n_resamples=n_resamples, seed=seed),
        "confusion": count_confusion(people),
        "f1": measure_f1(opinions),
    }


def describe_annotators(opinions: Opinions) -> dict[str, dict[str, Any]]:
    """What each annotator did: units labelled, skipped, without a domain, seconds a unit, tags by domain.

    ``accepted`` is the share of pre-annotated units whose tags were left as they were: near 1 it
    asks whether the annotator reads them. nan where no unit tells.
    """
    first_model = len(opinions.annotators) - opinions.n_models
    return {name: {"model": i >= first_model, **_describe(opinions, i)} for i, name in enumerate(opinions.annotators)}


def _describe(opinions: Opinions, annotator: int) -> dict[str, Any]:
    is_given = opinions.given[annotator]
    labels = opinions.labels[annotator, is_given]
    lead_times = opinions.lead_times[annotator, is_given]
    known = lead_times[~np.isnan(lead_times)]
    origins = opinions.origins[annotator, is_given]
    n_shown = int(np.isin(origins, ("prediction", "prediction-changed")).sum())
    return {
        "n_labelled": int(is_given.sum()),
        "n_skipped": int(opinions.skipped[annotator].sum()),
        "n_empty": int((labels.sum(axis=1) == 0).sum()),
        "seconds": float(np.median(known)) if len(known) else float("nan"),
        "accepted": int((origins == "prediction").sum()) / n_shown if n_shown else float("nan"),
        "domains": dict(zip(opinions.domains.ids, labels.sum(axis=0, dtype=int).tolist(), strict=True)),
    }


def measure_alpha(people: Opinions, *, n_resamples: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Krippendorff's alpha over all annotators, with 95 % intervals over bulletins.

    Returns
    -------
    dict
        ``sets``, of whole label sets under the MASI distance, and ``domains{id: ...}``, of each
        domain's yes or no; each ``{"alpha": float, "interval_95": (low, high)}``.
    """
    values, distance = label_sets(people.labels)
    each = {
        id: _alpha(column, nominal_distance(2), people.bulletins, n_resamples, seed)
        for id, column in zip(people.domains.ids, np.moveaxis(people.labels, 2, 0), strict=True)
    }
    return {"sets": _alpha(values, distance, people.bulletins, n_resamples, seed), "domains": each}


def _alpha(
    values: np.ndarray, distance: np.ndarray, bulletins: np.ndarray, n_resamples: int, seed: int
) -> dict[str, Any]:
    parts = alpha_parts(values, distance)
    draws = resample_sums(parts[:, :, None], bulletins, n_resamples=n_resamples, seed=seed)[:, :, 0]
    return {"alpha": float(alpha_of(parts.sum(axis=0), distance)), "interval_95": _interval(alpha_of(draws, distance))}


def measure_pairs(opinions: Opinions, *, n_resamples: int = 1000, seed: int = 0) -> list[dict[str, Any]]:
    """Each pair of annotators that share units: Cohen's kappa by domain, F1, equal sets.

    Returns
    -------
    list of dict
        ``annotators``, ``n_units``, ``exact_match``, ``f1_micro``, ``f1_macro`` (the same from either side),
        ``mean_kappa`` over the domains where it is defined, and ``domains{id: {kappa, interval_95, both,
        first_alone, second_alone}}``. Pairs of two models are left out.
    """
    names, n_people = opinions.annotators, len(opinions.annotators) - opinions.n_models
    pairs = combinations(range(len(names)), 2)
    rows = (_pair(opinions, a, b, n_resamples, seed) for a, b in pairs if a < n_people)
    return [row for row in rows if row["n_units"]]


def _pair(opinions: Opinions, first: int, second: int, n_resamples: int, seed: int) -> dict[str, Any]:
    is_shared = opinions.given[first] & opinions.given[second]
    a, b = opinions.labels[first, is_shared], opinions.labels[second, is_shared]
    row = {"annotators": [opinions.annotators[first], opinions.annotators[second]], "n_units": len(a)}
    if not len(a):
        return row
    parts = kappa_parts(a, b)
    kappas = kappa_of(parts.sum(axis=0))
    draws = kappa_of(resample_sums(parts, opinions.bulletins[is_shared], n_resamples=n_resamples, seed=seed))
    figures = score(a, b, opinions.domains.ids)
    domains = {
        id: {
            "kappa": float(kappas[i]), "interval_95": _interval(draws[:, i]), "both": int(parts[:, 3, i].sum()),
            "first_alone": int(parts[:, 2, i].sum()), "second_alone": int(parts[:, 1, i].sum()),
        }
        for i, id in enumerate(opinions.domains.ids)
    }  # fmt: skip
    shared = {name: figures[name] for name in ("exact_match", "f1_micro", "f1_macro")}
    return {**row, **shared, "mean_kappa": _mean(kappas), "domains": domains}


def count_confusion(people: Opinions) -> dict[str, Any]:
    """What one annotator says where another says a domain and they differ.

    Returns
    -------
    dict
        ``rows``, the domain ids; ``columns``, the domain ids and ``none``; ``counts``, float64, shape
        (n_domains, n_domains + 1): over ordered pairs of annotators and units, how often the first
        gave the row's domain and the second did not but gave the column's, which the first did not;
        ``none`` where the second gave nothing in its place. A unit with several such columns is
        shared out among them, so that a row sums to its disagreements.
    """
    n_domains = len(people.domains)
    counts = np.zeros((n_domains, n_domains + 1))
    for first, second in combinations(range(len(people.annotators)), 2):
        is_shared = people.given[first] & people.given[second]
        a, b = people.labels[first, is_shared], people.labels[second, is_shared]
        counts += _replaced(a, b) + _replaced(b, a)
    ids = list(people.domains.ids)
    return {"rows": ids, "columns": [*ids, "none"], "counts": counts}


def _replaced(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    gone = ((first == 1) & (second == 0)).astype(float)
    come = ((second == 1) & (first == 0)).astype(float)
    come = np.column_stack([come, come.sum(axis=1) == 0])
    return gone.T @ (come / come.sum(axis=1, keepdims=True))


def measure_f1(opinions: Opinions) -> dict[str, dict[str, Any]]:
    """Each annotator, people and models, against the other people: what a model's F1 can be held against.

    Returns
    -------
    dict
        Name -> ``model`` (bool); ``n_units``; ``f1_micro``, ``f1_macro`` and ``domains{id: F1}`` against the vote of
        the other people on the units that they agree on how to tag (`tagger.labelling.merging`); and ``pairs``,
        the mean of micro-F1 against each other person. nan without shared units.
    """
    n_people = len(opinions.annotators) - opinions.n_models
    return {
        name: {"model": i >= n_people, **_against_others(opinions, i)} for i, name in enumerate(opinions.annotators)
    }


def _against_others(opinions: Opinions, annotator: int) -> dict[str, Any]:
    people = opinions.people
    others = people.only([name for i, name in enumerate(people.annotators) if i != annotator])
    voted = merge_by_vote(others).labels
    own = opinions.labels[annotator]
    is_shared = (own[:, 0] != MISSING) & (voted[:, 0] != MISSING)
    each = [_f1_micro(opinions.domains, other, own) for other in others.labels]
    known = np.array([f1 for f1 in each if not np.isnan(f1)])
    row = {"n_units": int(is_shared.sum()), "pairs": _mean(known)}
    if not is_shared.any():
        return {**row, "f1_micro": float("nan"), "f1_macro": float("nan"), "domains": {}}
    figures = score(voted[is_shared], own[is_shared], opinions.domains.ids)
    f1s = {id: domain["f1"] for id, domain in figures["domains"].items()}
    return {**row, "f1_micro": figures["f1_micro"], "f1_macro": figures["f1_macro"], "domains": f1s}


def _f1_micro(domains: DomainSet, y_true: np.ndarray, y_pred: np.ndarray) -> float:
    is_shared = (y_true[:, 0] != MISSING) & (y_pred[:, 0] != MISSING)
    if not is_shared.any():
        return float("nan")
    return score(y_true[is_shared], y_pred[is_shared], domains.ids)["f1_micro"]


def _interval(draws: np.ndarray) -> tuple[float, float]:
    """95 % of the draws in which the coefficient is defined; nan if it never is."""
    known = draws[~np.isnan(draws)]
    return percentile_interval(known, 0.95) if len(known) else (float("nan"), float("nan"))


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
