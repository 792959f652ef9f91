"""The font that ships with the plots: registered with matplotlib, asked what it lacks, cut down for a page."""

from __future__ import annotations

import base64
import io
import logging
from functools import cache
from pathlib import Path

from tagger.evaluation.fonts.build import FAMILY

FONT = Path(__file__).parent / "fonts" / "TaggerSansSC.otf"
#: Matplotlib brings it along: Greek, Cyrillic, arrows, whatever Latin letters ours lacks.
FALLBACK = "DejaVu Sans"


@cache
def register_font() -> list[str]:
    """Make the font known to matplotlib; the families to draw with, first choice first."""
    from matplotlib import font_manager

    font_manager.fontManager.addfont(str(FONT))
    return [FAMILY, FALLBACK]


@cache
def _covered() -> frozenset[int]:
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    register_font()
    files = [str(FONT), font_manager.findfont(FALLBACK, fallback_to_default=False)]
    return frozenset(code for file in files for code in FT2Font(file).get_charmap())


def missing_glyphs(text: str) -> list[str]:
    """The characters of a text that no font of the plots has, each once, in order."""
    return [c for c in dict.fromkeys(text) if ord(c) not in _covered() and not c.isspace()]


def drawable(text: str) -> str:
    """A text with characters that cannot be drawn written as ``U+9F98``, and white space as blanks.

    Drawn as they are, they would be boxes, one like the other.
    """
    missing = {ord(c): f"[U+{ord(c):04X}]" for c in missing_glyphs(text)}
    return " ".join(text.translate(missing).split())


def page_font(text: str) -> str:
    """A ``data:`` URI of the font with the characters of a text alone, as WOFF.

    A page with it reads the same on a machine without Chinese fonts.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    # It tells of every table at the level on which we say what is being done.
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subset.Options(flavor="woff", hinting=False, notdef_outline=True, recalc_timestamp=False)
    font = TTFont(FONT, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(font)
    font.flavor = "woff"
    stream = io.BytesIO()
    font.save(stream)
    return "data:font/woff;base64," + base64.b64encode(stream.getvalue()).decode()
