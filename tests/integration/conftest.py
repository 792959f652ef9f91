"""The `tagger` command as a process of its own, and documents to give it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import tagger

Run = Callable[..., "subprocess.CompletedProcess[str]"]
_ROOT = str(Path(tagger.__file__).parents[1])


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of a child process that finds this very package."""
    return {**os.environ, "PYTHONPATH": _ROOT, "PYTHONIOENCODING": ""}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Runs ``python -m tagger`` in the test's folder; output is decoded as UTF-8, newlines kept."""

    def call(*args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tagger", *map(str, args)]
        done = subprocess.run(command, input=stdin, capture_output=True, cwd=tmp_path, env=environment, check=False)
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def predict(run: Run, lexicon_folder: Path) -> Run:
    """Runs ``tagger predict`` with the lexicon model, which opens fastest."""

    def call(*args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        return run("predict", *args, "--model", lexicon_folder, stdin=stdin)

    return call


@pytest.fixture(scope="session")
def docx() -> bytes:
    """A Word document of two paragraphs."""
    import docx as python_docx

    document = python_docx.Document()
    document.add_paragraph("强化巡控保稳定。民警每晚在夜市巡逻。")
    document.add_paragraph("向群众发放宣传单。")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


@pytest.fixture(scope="session")
def pdf() -> bytes:
    """A PDF of one page."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.setFont("STSong-Light", 12)
    canvas.drawString(72, 720, "民警每晚在夜市巡逻。")
    canvas.save()
    return stream.getvalue()


def with_document_xml(docx: bytes, xml: bytes) -> bytes:
    """A Word document with another main part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "word/document.xml" else old.read(name), compresslevel=1)
    return out.getvalue()


@pytest.fixture(scope="session")
def zip_bomb(docx: bytes) -> bytes:
    """A Word document of 100 KB that unpacks to 100 MB."""
    return with_document_xml(docx, b" " * 100_000_000)


@pytest.fixture(scope="session")
def entity_bomb(docx: bytes) -> bytes:
    """A Word document whose entities would grow to a thousand million laughs."""
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">{entities}]><d>&l9;</d>'
    return with_document_xml(docx, xml.encode())


@pytest.fixture(scope="session")
def encrypted_pdf(pdf: bytes) -> bytes:
    """A PDF that opens with a password only."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt("secret", algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()
