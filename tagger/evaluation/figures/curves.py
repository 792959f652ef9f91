"""Curves: precision and recall, reliability, learning, training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger.evaluation.figures.style import INK, LOOKS, MAX_SERIES, PALE, add_legend, label, new_figure, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Points of a drawn curve: more cannot be seen, and would make the page heavy.
_MAX_POINTS = 160


@dataclass(frozen=True)
class Curve:
    """One line.

    Attributes
    ----------
    x, y : ndarray of shape (n_points,)
    mark : tuple of (float, float), optional
        A point of the line to mark.
    low, high : ndarray of shape (n_points,), optional
        Interval of y.
    """

    x: np.ndarray
    y: np.ndarray
    mark: tuple[float, float] | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None


def draw_precision_recall(
    titles: Sequence[str], series: dict[str, list[Curve | None]], *, x_label: str, y_label: str
) -> Figure:
    """A panel a domain, a line a model; the point that its threshold chooses is marked.

    Parameters
    ----------
    titles : sequence of str, length n_domains
    series : dict
        Name -> its curve of each domain; None where the domain has no positive.
    x_label, y_label : str
    """
    figure, axes = panels(len(titles))
    for column, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        axis.set(title=label(title), xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")
        for look, curves in zip(LOOKS, series.values(), strict=False):
            if curve := curves[column]:
                rows = _thinned(curve)
                axis.plot(curve.x[rows], curve.y[rows], color=look.color, linestyle=look.line)
                if curve.mark:
                    axis.plot(*curve.mark, look.marker, color=look.color, markeredgecolor="white", markersize=7)
    _label_edges(figure, x_label, y_label)
    _line_legend(figure, list(series), marker=True)
    return figure


def _thinned(curve: Curve) -> np.ndarray:
    """The rows where a curve moves by what can be seen; its first and last among them."""
    steps = np.hypot(np.diff(curve.x, prepend=curve.x[0]), np.diff(curve.y, prepend=curve.y[0])).cumsum()
    if len(steps) <= _MAX_POINTS:
        return np.arange(len(steps))
    bins = np.floor(steps / max(steps[-1], 1e-12) * (_MAX_POINTS - 2))
    firsts = np.flatnonzero(np.diff(bins, prepend=-1))
    return np.unique([*firsts, len(steps) - 1])


def draw_reliability(titles: Sequence[str], series: dict[str, list[Curve]], *, x_label: str, y_label: str) -> Figure:
    """A panel a domain, a line a model; what is right lies on the diagonal."""
    figure, axes = panels(len(titles))
    for column, (axis, title) in enumerate(zip(axes, titles, strict=True)):
        axis.set(title=label(title), xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axis.plot([0, 1], [0, 1], color=PALE, linewidth=1)
        for look, curves in zip(LOOKS, series.values(), strict=False):
            curve = curves[column]
            if curve.low is not None and curve.high is not None:
                axis.vlines(curve.x, curve.low, curve.high, color=look.color, linewidth=0.7, alpha=0.7)
            axis.plot(curve.x, curve.y, color=look.color, linestyle=look.line, marker=look.marker, markersize=4)
    _label_edges(figure, x_label, y_label)
    _line_legend(figure, list(series), marker=True)
    return figure


def draw_learning(
    series: dict[str, Curve], *, x_label: str, y_label: str, ceiling: float | None = None, ceiling_label: str = ""
) -> Figure:
    """F1 over the number of bulletins that were trained on, with intervals."""
    figure = new_figure(3.6, width=6.5)
    axis = figure.subplots()
    handles = []
    for look, curve in zip(LOOKS, series.values(), strict=False):
        if curve.low is not None and curve.high is not None:
            axis.fill_between(curve.x, curve.low, curve.high, color=look.color, alpha=0.13, linewidth=0)
        handles += axis.plot(curve.x, curve.y, color=look.color, linestyle=look.line, marker=look.marker)
    names = list(series)[:MAX_SERIES]
    if ceiling is not None:
        handles.append(axis.axhline(ceiling, color=INK, linewidth=1, linestyle=(0, (1, 2))))
        names.append(ceiling_label)
    axis.set(xlabel=x_label, ylabel=y_label)
    add_legend(figure, names, handles)
    return figure


def draw_training(panels_of: dict[str, dict[str, Curve]], *, x_label: str) -> Figure:
    """What a run wrote down step by step: a panel a figure, a line a part of the run.

    Parameters
    ----------
    panels_of : dict
        Title of a panel -> name of a line -> its curve.
    x_label : str
    """
    figure, axes = panels(len(panels_of), n_columns=2, height=2.4)
    names = list(dict.fromkeys(name for lines in panels_of.values() for name in lines))
    looks = {name: _look_of_part(i) for i, name in enumerate(names)}
    for axis, (title, lines) in zip(axes, panels_of.items(), strict=True):
        axis.set(title=label(title), xlabel=x_label)
        for name, curve in lines.items():
            axis.plot(curve.x, curve.y, linewidth=1.1, **looks[name])
    handles = [_proxy(**look) for look in looks.values()]
    if len(names) > 1:
        add_legend(figure, names, handles)
    return figure


def _look_of_part(number: int) -> dict[str, Any]:
    """Of many parts, such as folds: the lines repeat after six, then in another colour."""
    look = LOOKS[number % MAX_SERIES]
    color = LOOKS[(number + number // MAX_SERIES) % MAX_SERIES].color
    return {"color": color, "linestyle": look.line}


def _label_edges(figure: Figure, x_label: str, y_label: str) -> None:
    """Once for all panels."""
    figure.supxlabel(x_label, fontsize=9)
    figure.supylabel(y_label, fontsize=9)


def _line_legend(figure: Figure, names: Sequence[str], *, marker: bool) -> None:
    names = names[:MAX_SERIES]
    looks = LOOKS[: len(names)]
    handles = [_proxy(color=k.color, linestyle=k.line, marker=k.marker if marker else "") for k in looks]
    add_legend(figure, names, handles)


def _proxy(**look: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], **look)


def mark_axes(axis: Axes) -> Axes:
    """Only the vertical grid, for plots of bars."""
    axis.grid(axis="y", visible=False)
    return axis
