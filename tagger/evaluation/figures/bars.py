"""Bars, matrices and points: F1 by domain, confusions, answers, cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tagger.evaluation.figures.curves import mark_axes
from tagger.evaluation.figures.style import (
    INK,
    LOOKS,
    MAX_SERIES,
    add_legend,
    label,
    new_figure,
    panels,
    plain_logarithms,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Cells of a matrix above which the counts in them would be too small to read.
_MAX_CELLS = 26


@dataclass(frozen=True)
class Bars:
    """A figure of each domain with its interval.

    Attributes
    ----------
    values : ndarray of shape (n_domains,)
        In [0, 1].
    intervals : ndarray of shape (n_domains, 2)
        Low and high.
    """

    values: np.ndarray
    intervals: np.ndarray


def draw_bars(
    rows: Sequence[str], series: dict[str, Bars], *, x_label: str,
    ceiling: Sequence[float | None] | None = None, ceiling_label: str = "",
) -> Figure:  # fmt: skip
    """A group of bars a row, one a model, with intervals, and the ceiling as a line across the group.

    Parameters
    ----------
    rows : sequence of str
    series : dict
        Name -> the figures of all rows.
    x_label : str
    ceiling : sequence of float or None, length n_rows, optional
    ceiling_label : str
    """
    n_series, thick = min(len(series), MAX_SERIES), 0.21
    figure = new_figure(len(rows) * (n_series * thick + 0.16) + 1.1)
    axis = mark_axes(figure.subplots())
    height = 0.82 / n_series
    handles = [_add_bars(axis, bars, i, height) for i, bars in enumerate(list(series.values())[:MAX_SERIES])]
    names = list(series)[:MAX_SERIES]
    if ceiling is not None:
        handles.append(_add_ceiling(axis, ceiling))
        names.append(ceiling_label)
    axis.set(xlim=(0, 1.08), xlabel=x_label, xticks=np.linspace(0, 1, 11), ylim=(len(rows) - 0.5, -0.5))
    axis.set_yticks(range(len(rows)), [label(row, 28) for row in rows])
    axis.tick_params(axis="y", length=0)
    add_legend(figure, names, handles)
    return figure


def _add_bars(axis: Axes, bars: Bars, number: int, height: float):  # type: ignore[no-untyped-def]
    look = LOOKS[number]
    places = np.arange(len(bars.values)) - 0.41 + height * (number + 0.5)
    drawn = axis.barh(
        places, bars.values, height * 0.92, color=look.color, hatch=look.hatch, edgecolor="white", linewidth=0.4
    )
    # The observed figure may lie outside a percentile interval of few bulletins.
    reach = np.clip([bars.values - bars.intervals[:, 0], bars.intervals[:, 1] - bars.values], 0, None)
    for color, width in (("white", 2.6), (INK, 1.0)):  # a white edge, to be seen on a dark bar
        axis.errorbar(bars.values, places, xerr=reach, fmt="none", ecolor=color, elinewidth=width, capsize=0)
    for place, value in zip(places, bars.values, strict=True):
        axis.text(1.02, place, f"{value:.3f}", va="center", fontsize=6.5)
    return drawn


def _add_ceiling(axis: Axes, ceiling: Sequence[float | None]):  # type: ignore[no-untyped-def]
    from matplotlib.lines import Line2D

    for row, value in enumerate(ceiling):
        if value is not None:
            axis.vlines(value, row - 0.46, row + 0.46, color="white", linewidth=3.2)
            axis.vlines(value, row - 0.46, row + 0.46, color=INK, linewidth=1.4, linestyle=(0, (2, 1)))
    return Line2D([], [], color=INK, linewidth=1.4, linestyle=(0, (2, 1)))


def draw_confusions(
    names: Sequence[str], counts: np.ndarray, *, title: str, none_row: str, none_column: str, x_label: str, y_label: str
) -> Figure:
    """Counts of `tagger.evaluation.cooccurrence.count_confusions`; hits are given, but not shaded.

    Parameters
    ----------
    names : sequence of str, length n_domains
    counts : ndarray of shape (n_domains + 1, n_domains + 1)
    title, none_row, none_column, x_label, y_label : str
    """
    n = len(counts)
    size = min(9.0, 2.6 + 0.5 * n)
    figure = new_figure(size * 0.86, width=size)
    axis = figure.subplots()
    shades = _shades(counts)
    axis.imshow(shades, cmap="Greys", vmin=0, vmax=1.15, aspect="auto")
    axis.axhline(n - 1.5, color="#555555", linewidth=0.8)
    axis.axvline(n - 1.5, color="#555555", linewidth=0.8)
    width = 20 if n <= 10 else 14
    axis.set_xticks(range(n), [label(name, width) for name in (*names, none_column)], rotation=40, ha="right")
    axis.set_yticks(range(n), [label(name, width) for name in (*names, none_row)])
    axis.set(title=label(title, 50), xlabel=x_label, ylabel=y_label)
    axis.grid(visible=False)
    _write_counts(axis, counts, shades)
    return figure


def _shades(counts: np.ndarray) -> np.ndarray:
    """How dark each cell is, in [0, 1]; the margins on a scale of their own, for they outnumber all else."""
    shades = counts.astype(float)
    np.fill_diagonal(shades, 0)
    inner, margins = shades[:-1, :-1], np.concatenate([shades[-1], shades[:, -1]])
    shades[:-1, :-1] = inner / max(inner.max(initial=0), 1)
    shades[-1], shades[:, -1] = (0.45 * edge / max(margins.max(), 1) for edge in (shades[-1], shades[:, -1]))
    return shades


def _write_counts(axis: Axes, counts: np.ndarray, shades: np.ndarray) -> None:
    size = 8 if len(counts) <= 10 else 5.5
    for i, j in np.ndindex(counts.shape):
        if counts[i, j] and len(counts) <= _MAX_CELLS:
            is_hit = i == j
            color = "white" if shades[i, j] > 0.6 else ("#777777" if is_hit else INK)
            style = "italic" if is_hit else "normal"
            axis.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=size, color=color, style=style)


def draw_answers(rows: Sequence[str], shares: np.ndarray, names: Sequence[str], *, x_label: str) -> Figure:
    """Shares that make a whole, side by side in one bar a row.

    Parameters
    ----------
    rows : sequence of str, length n_rows
    shares : ndarray of shape (n_rows, n_parts)
        In [0, 1].
    names : sequence of str, length n_parts
    x_label : str
    """
    figure = new_figure(0.33 * len(rows) + 1.1, width=8)
    axis = mark_axes(figure.subplots())
    colors, hatches = ("#16325c", "#e0b070", "#e9e9e9"), ("", "////", "")
    left, handles = np.zeros(len(rows)), []
    for column in range(len(names)):
        handles.append(axis.barh(range(len(rows)), shares[:, column], 0.7, left=left, color=colors[column],
                                 hatch=hatches[column], edgecolor="white", linewidth=0.4))  # fmt: skip
        left = left + shares[:, column]
    axis.set_yticks(range(len(rows)), [label(row, 28) for row in rows])
    axis.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel=x_label)
    add_legend(figure, names, handles)
    return figure


def draw_cost(
    names: Sequence[str], f1: Sequence[tuple[float, float, float]], costs: dict[str, Sequence[float | None]],
    *, y_label: str,
) -> Figure:  # fmt: skip
    """What a model costs against its F1: a panel a cost, on a logarithmic scale.

    Parameters
    ----------
    names : sequence of str, length n_models
    f1 : sequence of (value, low, high), length n_models
    costs : dict
        Title of a panel -> the cost of each model; None or 0 where it is not known.
    y_label : str
    """
    figure, axes = panels(len(costs), n_columns=3, height=2.7)
    for axis, (title, values) in zip(axes, costs.items(), strict=True):
        axis.set(xlabel=label(title, 40), xscale="log")
        plain_logarithms(axis)
        known = [cost for cost in values if cost] or [1.0]
        axis.set_xlim(min(known) / 2.2, max(known) * 2.2)
        for look, (value, low, high), cost in zip(LOOKS, f1, values, strict=False):
            if cost:
                axis.vlines(cost, low, high, color=look.color, linewidth=1)
                axis.plot(cost, value, look.marker, color=look.color, markersize=8, markeredgecolor="white")
    axes[0].set_ylabel(y_label)
    from matplotlib.lines import Line2D

    looks = LOOKS[: min(len(names), MAX_SERIES)]
    handles = [Line2D([], [], color=k.color, marker=k.marker, linestyle="", markersize=7) for k in looks]
    add_legend(figure, list(names)[:MAX_SERIES], handles)
    return figure
