"""Make the font of the plots: a subset of Noto Sans SC with the characters that labels are written in.

::

    python -m tagger.evaluation.fonts.build

It fetches one pinned wheel from PyPI, checks its checksum, and writes the same bytes each time.
Needs pip and fonttools, which comes with matplotlib.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tagger.domains import load_domains
from tagger.errors import InputError

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

PACKAGE = "pylopdf-fonts-zh-cn==0.1.1"
SHA256 = "e2661ef3790cbe0f0f6aa5338b6859b7cd288ee75bc88cd4239c62cd025d4fb3"
FONT, LICENCE = "pylopdf_fonts_zh_cn/NotoSansSC-Regular.otf", "pylopdf_fonts_zh_cn-0.1.1.dist-info/licenses/LICENSE"
COPYRIGHT = (
    "Copyright 2014-2021 Adobe (http://www.adobe.com/), with Reserved Font Name 'Source'.\n"
    "Noto is a trademark of Google Inc. This is a modified version: a subset, under another name.\n\n"
)
#: A name of its own: a Noto Sans SC of the machine may be a variable font, drawn hair-thin, or lack glyphs.
FAMILY = "Tagger Sans SC"
_HERE = Path(__file__).parent
_ROOT = Path(__file__).parents[3]
_SIGNS = "–—‘’“”…‰′″€№™←↑→↓↔∆∑−√∞≈≠≤≥±×÷·•●○■□▲△▼▽◆◇★☆〇㎡"


def characters() -> str:
    """ASCII, Latin-1, GB 2312's signs and 3,755 common hanzi, and whatever the domains and the report's words hold."""
    latin = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
    common = "".join(_gb2312(row) for row in (1, 2, 3, *range(16, 56)))
    domains = "".join(d.id + d.zh + d.en for d in load_domains(_ROOT / "labels/domains.yaml"))
    words = (_HERE.parent / "report" / "words.py").read_text(encoding="utf-8")
    found = {c for c in latin + common + _SIGNS + domains + words if c.isprintable()}
    return "".join(sorted(found))


def _gb2312(row: int) -> str:
    """One row of the standard's table of 94 by 94; places that it leaves empty are left out."""
    return bytes(b for column in range(94) for b in (0xA0 + row, 0xA1 + column)).decode("gb2312", "ignore")


def build(wheel: bytes) -> tuple[bytes, str]:
    """The subset, and its licence, from the wheel's bytes.

    Raises
    ------
    InputError
        They are not the bytes that were pinned.
    """
    found = hashlib.sha256(wheel).hexdigest()
    if found != SHA256:
        raise InputError(f"sha256 {found}, expected {SHA256}", where=PACKAGE, hint="Nothing was written.")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        return _subset(archive.read(FONT)), COPYRIGHT + archive.read(LICENCE).decode()


def _subset(font: bytes) -> bytes:
    from fontTools import subset
    from fontTools.ttLib import TTFont

    loaded = TTFont(io.BytesIO(font), recalcTimestamp=False)
    # What is drawn is horizontal text without hints or alternative forms.
    options = subset.Options(hinting=False, layout_features=["kern", "locl"], name_languages=[0x409],
                             notdef_outline=True, recalc_timestamp=False)  # fmt: skip
    options.drop_tables += ["DSIG", "BASE", "VORG", "vhea", "vmtx", "GSUB"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(loaded)
    _rename(loaded)
    stream = io.BytesIO()
    loaded.save(stream)
    return stream.getvalue()


def _rename(font: TTFont) -> None:
    names = {1: FAMILY, 3: f"{FAMILY}, subset of Noto Sans SC 2.004", 4: FAMILY, 6: FAMILY.replace(" ", "")}
    for record in list(font["name"].names):
        if record.nameID in names:
            font["name"].setName(
                names[record.nameID], record.nameID, record.platformID, record.platEncID, record.langID
            )
    top = font["CFF "].cff
    top.fontNames[0] = names[6]
    top.topDictIndex[0].FamilyName = top.topDictIndex[0].FullName = FAMILY


def main() -> None:
    """Fetch, build and write ``TaggerSansSC.otf`` and ``OFL.txt``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(command, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        font, licence = build(wheel.read_bytes())
    (_HERE / "TaggerSansSC.otf").write_bytes(font)
    (_HERE / "OFL.txt").write_text(licence, encoding="utf-8")
    print(f"{_HERE / 'TaggerSansSC.otf'}  {len(font):,} bytes, {len(characters()):,} characters")


if __name__ == "__main__":
    main()
