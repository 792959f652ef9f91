"""What the tests of reading share: sample bulletins, builders of documents, a check of growth."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample bulletins, one phenomenon each."""
    return TESTS / "data" / "bulletins"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of held-out bulletins and their gold, which lies beside the checkout."""
    folder = Path(os.environ.get("TAGGER_SHARED") or TESTS.parents[1] / "shared")
    if not (folder / "bulletins").is_dir() or not (folder / "gold").is_dir():
        pytest.skip(f"no held-out bulletins at {folder}; set TAGGER_SHARED")
    return folder


@pytest.fixture
def make_docx() -> Callable[..., bytes]:
    """A Word document of paragraphs, then changed by a function."""
    import docx

    def make(*paragraphs: str, change: Callable = lambda document: None) -> bytes:
        document = docx.Document()
        for paragraph in paragraphs:
            document.add_paragraph(paragraph)
        change(document)
        file = io.BytesIO()
        document.save(file)
        return file.getvalue()

    return make


@pytest.fixture
def make_pdf() -> Callable[..., bytes]:
    """A PDF of pages, each a sequence of printed lines; encrypted if a password is given."""
    from pypdf import PdfReader, PdfWriter
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))

    def make(*pages: Sequence[str], password: str | None = None) -> bytes:
        file = io.BytesIO()
        canvas = Canvas(file)
        for lines in pages:
            canvas.setFont("STSong-Light", 12)
            for i, line in enumerate(lines):
                canvas.drawString(72, 780 - 18 * i, line)
            canvas.showPage()
        canvas.save()
        if password is None:
            return file.getvalue()
        writer = PdfWriter(clone_from=PdfReader(file))
        writer.encrypt(password, algorithm="RC4-128")
        encrypted = io.BytesIO()
        writer.write(encrypted)
        return encrypted.getvalue()

    return make


def _least_time(function: Callable[[str], object], text: str, enough: float) -> float:
    """Processor seconds, so that a busy machine does not count; again if garbage was collected."""
    least = float("inf")
    for _ in range(3):
        start = time.process_time()
        function(text)
        least = min(least, time.process_time() - start)
        if least <= enough:
            break
    return least


@pytest.fixture
def assert_linear() -> Callable[..., None]:
    """Fail if a function's time grows faster than its text, up to ``top`` characters.

    Each step has four times the text of the one before the last: linear work takes four times
    as long, quadratic 16. The sizes double so that exponential work is caught while it is short.
    """

    def check(function: Callable[[str], object], unit: str, *, around: tuple[str, str] = ("", ""), top: int = 200_000):
        took = [1.0, 1.0]
        size = 32
        while size <= top:
            text = around[0] + unit * (size // len(unit) + 1) + around[1]
            allowed = 0.2 + 9 * took[-2]
            took.append(_least_time(function, text, allowed))
            assert took[-1] <= allowed, f"{took[-3]:.3f} s, then {took[-1]:.3f} s for four times {unit!r}"
            size *= 2

    return check
