"""`read_bulletin`: one file, of any format we read, as a bulletin."""

from __future__ import annotations

import os.path
import sys
from functools import cache
from pathlib import Path

from tagger.bulletins.bulletin import Bulletin, parse_bulletin
from tagger.bulletins.decoding import decode
from tagger.bulletins.isolated import Extractor
from tagger.bulletins.limits import LIMITS, Limits, read_bytes, within_limit
from tagger.bulletins.metadata import PageFacts
from tagger.errors import DocumentError, InputError, TaggerError

#: File name suffix -> format.
FORMATS = {
    ".txt": "txt", ".md": "txt", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".docx": "docx", ".pdf": "pdf",
}  # fmt: skip
_HTML_OPENINGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<meta", b"<div", b"<p>")


def read_bulletin(path: str | Path, *, encoding: str | None = None, limits: Limits = LIMITS) -> Bulletin:
    """Read one document.

    Parameters
    ----------
    path : str or Path
        A .txt, .html, .docx or .pdf file, or ``-`` for standard input, whose format is
        told from its first bytes.
    encoding : str, optional
        For text and HTML; by default it is recognised (`decode`).
    limits : Limits

    Returns
    -------
    Bulletin
        Its ``original`` is the decoded file for text, and the extracted text otherwise.

    Raises
    ------
    InputError
        The file cannot be read, decoded or parsed, or holds no text.
    """
    source = str(path)
    try:
        format, data = _load(path, limits)
    except TaggerError as error:
        raise _located(error, source) from None
    return _parse(format, data, encoding, source, limits)


def read_document(data: bytes, name: str, *, encoding: str | None = None, limits: Limits = LIMITS) -> Bulletin:
    """Read one document that is in memory already, as `read_bulletin` reads a file of that name.

    Parameters
    ----------
    data : bytes
    name : str
        Its file name, of which the suffix tells the format; never opened.

    Raises
    ------
    InputError
        As `read_bulletin`.
    """
    format = FORMATS.get(Path(name).suffix.lower())
    if format is None:
        raise _unknown_type(name)
    return _parse(format, within_limit(data, name, limits), encoding, name, limits)


def _parse(format: str, data: bytes, encoding: str | None, source: str, limits: Limits) -> Bulletin:
    try:
        original, facts, furniture = _extract(format, data, encoding, source, limits)
    except TaggerError as error:
        raise _located(error, source) from None
    if not original.strip():
        raise InputError("empty, there is no text in it", where=source)
    name = "stdin" if source == "-" else Path(source).stem
    return parse_bulletin(
        original, id=name, source=source, facts=facts, furniture=furniture, wrapped=format == "pdf"
    )  # fmt: skip


def _load(path: str | Path, limits: Limits) -> tuple[str, bytes]:
    if str(path) == "-":
        data = within_limit(sys.stdin.buffer.read(limits.max_bytes + 1), "-", limits)
        return _sniff(data), data
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None and os.path.exists(path):
        raise _unknown_type(path)
    return format or "txt", read_bytes(path, limits)


def _unknown_type(path: str | Path) -> InputError:
    return InputError(
        f"unknown file type {Path(path).suffix!r}", where=path,
        hint=f"Expected one of {', '.join(FORMATS)}, .jsonl, .csv.",
    )  # fmt: skip


def _sniff(data: bytes) -> str:
    if data.startswith(b"%PDF"):
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "docx"
    head = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "html" if head.startswith(_HTML_OPENINGS) else "txt"


def _extract(
    format: str, data: bytes, encoding: str | None, source: str, limits: Limits
) -> tuple[str, PageFacts, list[list[int]]]:
    """Text, stated facts, and the spans of the text that are lists of links."""
    if format == "txt":
        _refuse_disguise(data)
        return decode(data, where=source, encoding=encoding), PageFacts(), []
    if not data:
        return "", PageFacts(), []
    if format == "html":
        data = decode(data, where=source, encoding=encoding).encode("utf-8", "replace")
    answer = extractor(limits).extract(format, data)
    facts = PageFacts(answer["title"], answer["date"], answer["issuer"])
    return answer["text"] or "", facts, answer.get("links", [])


def _refuse_disguise(data: bytes) -> None:
    """A PDF called .txt is valid Latin text in parts; say what it is instead of tagging it."""
    for magic, name in ((b"%PDF-", "a PDF"), (b"PK\x03\x04", "a zip or Word file")):
        if data.startswith(magic):
            raise DocumentError(f"{name} by its content, not plain text", hint="Rename it.")


@cache
def extractor(limits: Limits = LIMITS) -> Extractor:
    """The process-wide extractor of HTML, docx and PDF text within some limits."""
    return Extractor(limits)


def _located(error: TaggerError, source: str) -> TaggerError:
    if error.where:
        return error
    return type(error)(error.message, where=source, hint=error.hint)
