"""Text of a Word document, tables and headers included; runs in the worker process."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tagger.bulletins.limits import LIMITS, Limits
from tagger.errors import DocumentError, LimitError

if TYPE_CHECKING:
    from docx.table import Table, _Cell
    from docx.text.paragraph import Paragraph

_CHUNK = 1 << 20


def extract_docx(data: bytes, limits: Limits = LIMITS) -> dict[str, str | None]:
    """Text of a .docx.

    Raises
    ------
    DocumentError
        Not a Word document, damaged, encrypted, or with entity declarations.
    LimitError
        It unpacks to more than ``limits.max_expanded`` bytes.
    """
    _check_archive(data, limits)
    import docx

    try:
        document = docx.Document(io.BytesIO(data))
        lines = list(_document_lines(document))
    except (KeyError, ValueError, AttributeError, SyntaxError, zipfile.BadZipFile) as error:
        raise DocumentError(f"not a readable Word document ({type(error).__name__})") from None
    return {"text": "\n".join(lines), "title": None, "date": None, "issuer": None}


def _check_archive(data: bytes, limits: Limits) -> None:
    """Unpack every member once, counting: what a zip declares of its sizes may be a lie."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise DocumentError(
            "an encrypted or old binary Word file", hint="Save it as .docx without a password."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > limits.max_expanded:
                raise _too_large(limits)
            left = limits.max_expanded
            for info in archive.infolist():
                left = _check_member(archive, info, left, limits)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise DocumentError(f"a damaged Word document ({error})") from None
    except Exception as error:
        if isinstance(error, (DocumentError, LimitError)):
            raise
        raise DocumentError(f"a damaged Word document ({type(error).__name__})") from None


def _check_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, limits: Limits
) -> int:
    is_xml = info.filename.endswith((".xml", ".rels"))
    head = b""
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _too_large(limits)
            head = head or chunk
    if is_xml and (b"<!DOCTYPE" in head or b"<!ENTITY" in head):
        raise DocumentError("a Word document that declares entities, which no Word writes")
    return left


def _too_large(limits: Limits) -> LimitError:
    return LimitError(f"unpacks to more than {limits.max_expanded >> 20} MiB")


def _document_lines(document) -> Iterator[str]:  # type: ignore[no-untyped-def]
    yield from _once(_header_lines(document, "header"))
    yield from _block_lines(document)
    yield from _once(_header_lines(document, "footer"))


def _header_lines(document, kind: str) -> Iterator[str]:  # type: ignore[no-untyped-def]
    for section in document.sections:
        block = getattr(section, kind)
        if not block.is_linked_to_previous:
            yield from _block_lines(block)


def _once(lines: Iterator[str]) -> Iterator[str]:
    """Headers repeat from section to section."""
    yield from dict.fromkeys(lines)


def _block_lines(block) -> Iterator[str]:  # type: ignore[no-untyped-def]
    for part in block.iter_inner_content():
        yield from _table_lines(part) if hasattr(part, "rows") else _paragraph_lines(part)


def _paragraph_lines(paragraph: Paragraph) -> Iterator[str]:
    yield from (line for line in paragraph.text.split("\n") if line.strip())


def _table_lines(table: Table) -> Iterator[str]:
    """One line a row, cells parted by tabs; a merged cell once."""
    for row in table.rows:
        cells = {id(cell._tc): cell for cell in row.cells}
        texts = [_cell_text(cell) for cell in cells.values()]
        if any(texts):
            yield "\t".join(texts)


def _cell_text(cell: _Cell) -> str:
    return " ".join(line.strip() for line in _block_lines(cell))
