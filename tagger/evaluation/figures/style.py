"""How every plot looks, and how it becomes a picture: the same numbers give the same bytes.

A series is told by its line, marker and hatch as well as by its colour, and the colours differ in
lightness, so that a plot can be read in grey.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from tagger.evaluation.typeface import drawable, register_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: As many series as can be told apart in grey.
MAX_SERIES = 6
INK, PALE = "#222222", "#bbbbbb"
#: Inches: as wide as a page, and as the widest legend of one column.
_WIDTH, _NARROWEST = 9.0, 5.0


@dataclass(frozen=True)
class Look:
    """What tells one series from the others."""

    color: str
    line: Any
    marker: str
    hatch: str


LOOKS = (
    Look("#16325c", "-", "o", ""),
    Look("#e08a2e", (0, (5, 1.5)), "s", "////"),
    Look("#2f7f6f", (0, (1, 1)), "^", "...."),
    Look("#b23a6b", (0, (6, 1.5, 1, 1.5)), "D", "xxxx"),
    Look("#8fb7e0", (0, (3, 1, 1, 1, 1, 1)), "v", "\\\\\\\\"),
    Look("#7a7a7a", (0, (10, 2)), "P", "++++"),
)
_SETTINGS = {
    "font.size": 9, "axes.edgecolor": "#555555", "axes.labelcolor": INK, "text.color": INK,
    "xtick.color": "#444444", "ytick.color": "#444444", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e3e3e3", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "legend.frameon": False, "lines.linewidth": 1.5, "hatch.linewidth": 0.6, "axes.titlesize": 9.5,
    "axes.unicode_minus": False,
    # A label may hold dollar signs: it is text, never a formula.
    "text.parse_math": False, "svg.fonttype": "path", "svg.hashsalt": "tagger",
}  # fmt: skip


@contextmanager
def drawing() -> Iterator[None]:
    """The settings of every plot; matplotlib's own are left as they were."""
    import matplotlib

    with matplotlib.rc_context({**_SETTINGS, "font.family": register_font()}):
        yield


def new_figure(height: float, *, width: float = _WIDTH) -> Figure:
    """An empty figure, in inches, laid out so that nothing is cut off."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def panels(n: int, *, n_columns: int = 3, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """Small plots side by side, the places left over empty."""
    n_columns = min(n, n_columns if n <= 9 else 4)
    n_rows = math.ceil(n / n_columns)
    figure = new_figure(height * n_rows + 0.5, width=min(_WIDTH, max(_NARROWEST, 3.6 * n_columns)))
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for unused in axes[n:]:
        unused.set_axis_off()
    return figure, axes[:n]


def plain_logarithms(axis: Axes) -> None:
    """Ticks of a logarithmic x axis as plain numbers: its own are formulas, which are not parsed here."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=6))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())


def to_svg(figure: Figure) -> str:
    """The picture, text as paths: it needs no font to be seen."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def to_png(figure: Figure, *, dpi: int = 150) -> bytes:
    """The picture as pixels."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def label(text: str, width: int = 30) -> str:
    """A text fit to be drawn: no boxes for glyphs, not wider than `width` Latin letters.

    A leading underscore would hide a series from the legend; it gets a blank before it.
    """
    text = drawable(text)
    if text_width(text) > width:
        kept, used = [], 1
        for c in text:
            used += text_width(c)
            if used > width:
                break
            kept.append(c)
        text = "".join(kept).rstrip() + "…"
    return f" {text}" if text.startswith("_") else text


def text_width(text: str) -> int:
    """In Latin letters: a Chinese character takes two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def add_legend(figure: Figure, names: Sequence[str], handles: Sequence[Any]) -> None:
    """One legend above all plots."""
    labels = [label(name, 36) for name in names]
    widest = max(map(text_width, labels), default=1)
    room = 11 * figure.get_figwidth()  # Latin letters of the size of a legend
    n_columns = max(1, min(len(labels), int(room / (widest + 8))))
    figure.legend(handles, labels, loc="outside upper center", ncols=n_columns, handlelength=3.4)
