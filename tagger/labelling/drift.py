"""Does agreement, or what annotators tag, change as the work goes on?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from tagger.evaluation.intervals import percentile_interval, resample_sums
from tagger.labelling.coefficients import alpha_of, alpha_parts, label_sets
from tagger.labelling.opinions import Opinions


def measure_drift(people: Opinions, *, n_windows: int = 4, n_resamples: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Agreement in windows of time, and each annotator's habits early and late.

    Parameters
    ----------
    people : Opinions
    n_windows : int, default=4
        Windows of about equally many shared units; fewer where moments coincide.
    n_resamples : int, default=1000
    seed : int, default=0

    Returns
    -------
    dict
        ``windows``, oldest first: ``from`` and ``to`` (ISO times, UTC), ``n_units``, ``alpha`` (MASI) and its
        ``interval_95``; ``change``: alpha of the later half less that of the earlier, its interval,
        and ``drifts``, whether the interval leaves out 0; ``annotators``: see `measure_habits`.

    Notes
    -----
    A unit stands in the window in which its second opinion was given: before that nobody could
    disagree. Other texts came later too: a change asks for a look, it does not prove one.
    """
    values, distance = label_sets(people.labels)
    moments = _second_moments(people)
    parts = alpha_parts(values, distance)
    known = np.flatnonzero(~np.isnan(moments))
    windows = [_window(parts, distance, people.bulletins, moments, rows, n_resamples=n_resamples, seed=seed)
               for rows in _cut(known, moments, n_windows)]  # fmt: skip
    halves = _cut(known, moments, 2)
    change = _change(parts, distance, people.bulletins, halves, n_resamples, seed) if len(halves) == 2 else None
    return {"windows": windows, "change": change,
            "annotators": measure_habits(people, n_resamples=n_resamples, seed=seed)}  # fmt: skip


def measure_habits(people: Opinions, *, n_resamples: int = 1000, seed: int = 0) -> dict[str, dict[str, Any]]:
    """How much more often each annotator gives each domain in the later half of their work.

    Returns
    -------
    dict
        Name -> domain id -> ``early``, ``late`` (shares of units), ``interval_95`` of the difference over
        bulletins, and ``drifts``. Annotators without times are left out.
    """
    rows = {name: _halves_of(people, i) for i, name in enumerate(people.annotators)}
    return {
        name: _habits(people, people.annotators.index(name), halves, n_resamples, seed)
        for name, halves in rows.items()
        if len(halves) == 2
    }


def _halves_of(people: Opinions, annotator: int) -> list[np.ndarray]:
    is_known = people.given[annotator] & ~np.isnan(people.times[annotator])
    return _cut(np.flatnonzero(is_known), people.times[annotator], 2)


def _habits(
    people: Opinions, annotator: int, halves: list[np.ndarray], n_resamples: int, seed: int
) -> dict[str, dict[str, Any]]:
    labels = [people.labels[annotator, rows].astype(float) for rows in halves]
    draws = [_share_draws(y, people.bulletins[rows], n_resamples, seed + half)
             for half, (y, rows) in enumerate(zip(labels, halves, strict=True))]  # fmt: skip
    return {
        id: {"early": float(labels[0][:, i].mean()), "late": float(labels[1][:, i].mean()),
             **_interval(draws[1][:, i] - draws[0][:, i])}
        for i, id in enumerate(people.domains.ids)
    }  # fmt: skip


def _share_draws(y: np.ndarray, bulletins: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    counts = np.stack([y, np.ones_like(y)], axis=1)
    sums = resample_sums(counts, bulletins, n_resamples=n_resamples, seed=seed)
    return sums[:, 0] / sums[:, 1]


def _second_moments(people: Opinions) -> np.ndarray:
    """When each unit had its second opinion, nan where it has none or a time is not known."""
    times = np.where(people.given, people.times, np.inf)
    if len(times) < 2:
        return np.full(len(people), np.nan)
    second = np.sort(times, axis=0)[1]  # nan comes last, after inf: such a unit's order is not known
    is_clear = ~(people.given & np.isnan(people.times)).any(axis=0)
    return np.where(is_clear & np.isfinite(second), second, np.nan)


def _cut(rows: np.ndarray, moments: np.ndarray, n_windows: int) -> list[np.ndarray]:
    """Rows in time order, cut into windows of about equal size; equal moments stay together."""
    if not len(rows):
        return []
    ranks = np.searchsorted(np.sort(moments[rows]), moments[rows])
    windows = ranks * n_windows // len(rows)
    return [rows[windows == window] for window in np.unique(windows)]


def _window(
    parts: np.ndarray, distance: np.ndarray, bulletins: np.ndarray, moments: np.ndarray, rows: np.ndarray, *,
    n_resamples: int, seed: int,
) -> dict[str, Any]:  # fmt: skip
    draws = _alpha_draws(parts, distance, bulletins, rows, n_resamples=n_resamples, seed=seed)
    interval = _interval(draws)["interval_95"]
    first, last = (
        datetime.fromtimestamp(t, UTC).isoformat(timespec="seconds") for t in (moments[rows].min(), moments[rows].max())
    )
    alpha = float(alpha_of(parts[rows].sum(axis=0), distance))
    return {"from": first, "to": last, "n_units": len(rows), "alpha": alpha, "interval_95": interval}


def _change(
    parts: np.ndarray,
    distance: np.ndarray,
    bulletins: np.ndarray,
    halves: list[np.ndarray],
    n_resamples: int,
    seed: int,
) -> dict[str, Any]:
    early, late = (float(alpha_of(parts[rows].sum(axis=0), distance)) for rows in halves)
    # Apart, not in pairs: the two halves are different units.
    draws = [_alpha_draws(parts, distance, bulletins, rows, n_resamples=n_resamples, seed=seed + half)
             for half, rows in enumerate(halves)]  # fmt: skip
    return {"early": early, "late": late, "difference": late - early, **_interval(draws[1] - draws[0])}


def _alpha_draws(
    parts: np.ndarray, distance: np.ndarray, bulletins: np.ndarray, rows: np.ndarray, *, n_resamples: int, seed: int
) -> np.ndarray:
    sums = resample_sums(parts[rows][:, :, None], bulletins[rows], n_resamples=n_resamples, seed=seed)
    return alpha_of(sums[:, :, 0], distance)


def _interval(draws: np.ndarray) -> dict[str, Any]:
    known = draws[~np.isnan(draws)]
    if not len(known):
        return {"interval_95": (float("nan"), float("nan")), "drifts": False}
    low, high = percentile_interval(known, 0.95)
    return {"interval_95": (low, high), "drifts": bool(low > 0 or high < 0)}
