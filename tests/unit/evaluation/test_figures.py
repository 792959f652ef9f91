"""Plots: what they are made of, and what they look like where that can be told by arithmetic."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tagger.evaluation.cooccurrence import count_confusions
from tagger.evaluation.figures.bars import Bars, draw_answers, draw_bars, draw_confusions, draw_cost
from tagger.evaluation.figures.curves import (
    Curve,
    draw_learning,
    draw_precision_recall,
    draw_reliability,
    draw_training,
)
from tagger.evaluation.figures.style import LOOKS, drawing, label, text_width, to_png, to_svg
from tagger.evaluation.fonts import build
from tagger.evaluation.typeface import FONT, drawable, missing_glyphs, page_font

_RARE = "𠮷"  # on no keyboard, in neither font


# Figures behind the plots.


def test_confusions_by_hand() -> None:
    y_true = np.array([[1, 0], [1, 0], [1, 0], [0, 0], [1, 1], [0, 0]])
    y_pred = np.array([[1, 0], [0, 1], [0, 0], [0, 1], [1, 1], [0, 0]])
    assert count_confusions(y_true, y_pred).tolist() == [[2, 1, 1], [0, 1, 0], [0, 1, 1]]


def test_every_miss_stands_somewhere_in_its_row() -> None:
    rng = np.random.default_rng(3)
    y_true, y_pred = ((rng.random((200, 4)) < 0.3).astype(int) for _ in range(2))
    counts = count_confusions(y_true, y_pred)
    assert np.diag(counts)[:-1].tolist() == (y_true & y_pred).sum(axis=0).tolist()
    off = counts[:-1, :-1] - np.diag(np.diag(counts)[:-1])
    assert (off.sum(axis=1) + counts[:-1, -1] >= (y_true & ~y_pred & 1).sum(axis=0)).all()
    assert counts[-1, -1] == (~(y_true | y_pred).any(axis=1)).sum()


# The font.


def test_the_font_has_what_chinese_labels_are_written_in() -> None:
    assert missing_glyphs(build.characters()) == []
    common = bytes(b for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for b in (row, cell))
    assert len(common.decode("gb2312", "ignore")) == 3755
    assert missing_glyphs(common.decode("gb2312", "ignore")) == []
    assert FONT.stat().st_size < 1_500_000


def test_the_font_is_licensed_and_called_something_else_than_the_one_it_is_made_of() -> None:
    from fontTools.ttLib import TTFont

    licence = (FONT.parent / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert TTFont(FONT)["name"].getDebugName(1) == build.FAMILY


def test_another_font_than_the_pinned_one_is_refused() -> None:
    from tagger.errors import InputError

    with pytest.raises(InputError, match="Nothing was written"):
        build.build(b"another wheel")


def test_glyphs_that_are_missing_are_written_as_their_code() -> None:
    assert missing_glyphs(f"巡逻{_RARE}a {_RARE}") == [_RARE]
    assert drawable(f"巡逻{_RARE}\n队") == "巡逻[U+20BB7] 队"


def test_every_character_of_a_label_is_drawn_with_a_glyph() -> None:
    # Matplotlib warns of each glyph that it lacks, and warnings are errors here.
    with drawing():
        figure = draw_answers([label(f"巡逻防控{_RARE}"), label("日本語Ελλάςж")], np.eye(2), ["是", "否"], x_label="−%")
        to_svg(figure)


def test_a_page_gets_the_glyphs_that_it_needs() -> None:
    import base64

    from fontTools.ttLib import TTFont

    kind, data = page_font("巡逻 abc").split(",", 1)
    assert kind == "data:font/woff;base64"
    assert set(TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()) == set(map(ord, "巡逻 abc"))


# The plots.


def _bars(n: int, value: float = 0.5) -> Bars:
    return Bars(np.full(n, value), np.column_stack([np.full(n, value - 0.1), np.full(n, value + 0.1)]))


def _figures(n: int, names: list[str]) -> dict[str, object]:
    """Every kind of plot, of n domains and with these names for series and domains."""
    rows = [f"{names[0]}{i}" for i in range(n)]
    curve = Curve(np.linspace(0, 1, 500), np.linspace(1, 0, 500), mark=(0.5, 0.5))
    short = Curve(np.array([0.1, 0.9]), np.array([0.2, 0.8]), low=np.array([0.1, 0.7]), high=np.array([0.3, 0.9]))
    lines = {name: [curve, *[None] * (n - 1)] for name in names}
    return {
        "bars": draw_bars(rows, dict.fromkeys(names, _bars(n)), x_label="F1", ceiling=[0.9, *[None] * (n - 1)],
                          ceiling_label="人"),
        "pr": draw_precision_recall(rows, lines, x_label="x", y_label="y"),
        "reliability": draw_reliability(rows, dict.fromkeys(names, [short] * n), x_label="x", y_label="y"),
        "learning": draw_learning(dict.fromkeys(names, short), x_label="x", y_label="y", ceiling=0.9,
                                  ceiling_label="人"),
        "training": draw_training({"loss": dict.fromkeys(names, short)}, x_label="步"),
        "confusions": draw_confusions(rows, np.arange((n + 1) ** 2).reshape(n + 1, -1), title=names[0], none_row="多",
                                      none_column="漏", x_label="x", y_label="y"),
        "answers": draw_answers(rows, np.full((n, 3), 1 / 3), ["是", "问", "否"], x_label="x"),
        "cost": draw_cost(names, [(0.9, 0.8, 0.95)] * len(names), {"秒": [10.0] * len(names)}, y_label="F1"),
    }  # fmt: skip


@pytest.mark.parametrize(("n", "names"), [(1, ["a"]), (6, ["模型", "b"]), (20, list("abc"))])
def test_no_word_of_a_plot_is_cut_off(n: int, names: list[str]) -> None:
    with drawing():
        for kind, figure in _figures(n, names).items():
            figure.draw_without_rendering()
            drawn = figure.get_tightbbox()  # of all that is seen, in inches
            width, height = figure.get_size_inches()
            assert min(drawn.x0, drawn.y0) >= -0.02, kind
            assert drawn.x1 <= width + 0.02, kind
            assert drawn.y1 <= height + 0.02, kind


def test_names_of_any_kind_are_drawn_as_they_are() -> None:
    names = ["_hidden", "$x_{1}$", "a\\frac{", "很长的名字" * 20]
    with drawing():
        for figure in _figures(1, names).values():
            figure.draw_without_rendering()
        legend = draw_learning({name: Curve(np.arange(2), np.arange(2)) for name in names}, x_label="", y_label="")
    shown = [text.get_text() for text in legend.legends[0].get_texts()]
    assert shown[:3] == [" _hidden", "$x_{1}$", "a\\frac{"]
    assert shown[3].endswith("…")
    assert text_width(shown[3]) <= 36


def test_the_same_numbers_give_the_same_picture_and_matplotlib_is_left_as_it_was() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    with drawing():
        one, other = (to_svg(draw_bars(["a"], {"b": _bars(1)}, x_label="")) for _ in range(2))
        assert to_png(draw_answers(["a"], np.ones((1, 1)), ["b"], x_label="")).startswith(b"\x89PNG")
    assert one == other
    assert dict(matplotlib.rcParams) == before


def test_series_can_be_told_apart_without_colour() -> None:
    assert len({str(look.line) for look in LOOKS}) == len({look.marker for look in LOOKS}) == len(LOOKS)
    assert len({look.hatch for look in LOOKS}) == len(LOOKS)
    rgb = np.array([[int(look.color[i : i + 2], 16) for i in (1, 3, 5)] for look in LOOKS[:3]]) / 255
    lightness = np.sort(rgb @ [0.2126, 0.7152, 0.0722])
    assert np.diff(lightness).min() > 0.1


def test_a_drawn_curve_keeps_its_ends_and_few_points() -> None:
    with drawing():
        x = np.linspace(0, 1, 20_000)
        figure = draw_precision_recall(["a"], {"m": [Curve(x, 1 - x**4)]}, x_label="", y_label="")
    (line,) = figure.axes[0].lines
    points = np.array(line.get_data()).T
    assert len(points) <= 200
    assert points[0] == pytest.approx((0, 1))
    assert points[-1] == pytest.approx((1, 0))
    # No point of the whole curve is farther from the drawn one than the eye can see.
    assert np.abs(np.interp(x, points[:, 0], points[:, 1]) - (1 - x**4)).max() < 0.01
