"""Text of a Word document, tables and headers included; runs in the worker process."""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator

from tagger.bulletins.limits import LIMITS, Limits
from tagger.errors import DocumentError, LimitError

_CHUNK = 1 << 20
#: What the zip reader raises on a damaged, encrypted or exotically packed archive.
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError, OSError,
)  # fmt: skip
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
#: Characters that Word writes as elements.
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
#: What of a paragraph is not its text: properties, deleted text, pinyin above the line, a second
#: copy for old programs, and text boxes, which make lines of their own.
_UNREAD = frozenset({"pPr", "rPr", "del", "moveFrom", "rt", "Fallback", "txbxContent"})
#: Styles of a title, by name or id; a first section's heading, told by its number, is none.
_TITLE_STYLES = frozenset({"title", "heading 1", "heading1"})
_NUMBERED = re.compile(
    r"第?[一二三四五六七八九十]{1,3}[、.．章节]|[（(][一二三四五六七八九十]{1,3}[）)]|\d{1,2}[、.．]"
)


def extract_docx(data: bytes, limits: Limits = LIMITS) -> dict[str, str | None]:
    """Text of a .docx, and as ``title`` its first paragraph in a title's style, or None.

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
        title = _title(document)
    except (KeyError, ValueError, AttributeError, SyntaxError, zipfile.BadZipFile) as error:
        raise DocumentError(f"not a readable Word document ({type(error).__name__})") from None
    return {"text": "\n".join(lines), "title": title, "date": None, "issuer": None}


def _check_archive(data: bytes, limits: Limits) -> None:
    """Unpack every member once, counting: what a zip declares of its sizes may be a lie."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise DocumentError("an encrypted or old binary Word file", hint="Save it as .docx without a password.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > limits.max_expanded:
                raise _too_large(limits)
            left = limits.max_expanded
            for info in archive.infolist():
                left = _check_member(archive, info, left, limits)
    except _BROKEN_ARCHIVE as error:
        raise DocumentError(f"a damaged Word document ({error})") from None


def _check_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int, limits: Limits) -> int:
    is_xml = info.filename.lower().endswith((".xml", ".rels"))
    with archive.open(info) as member:
        while chunk := member.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _too_large(limits)
            plain = chunk.replace(b"\0", b"") if is_xml else b""  # UTF-16 hides nothing
            if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
                raise DocumentError("a Word document that declares entities, which no Word writes")
    return left


def _too_large(limits: Limits) -> LimitError:
    return LimitError(f"unpacks to more than {limits.max_expanded >> 20} MiB")


def _title(document) -> str | None:  # type: ignore[no-untyped-def]
    styles = {
        style.style_id
        for style in document.styles
        if _TITLE_STYLES & {(style.name or "").lower(), (style.style_id or "").lower()}
    }
    for paragraph in document.element.body.iter(f"{_W}p"):
        text = " ".join("".join(_pieces(paragraph)).split()) if paragraph.style in styles else ""
        if text and not _NUMBERED.match(text):
            return text
    return None


def _document_lines(document) -> Iterator[str]:  # type: ignore[no-untyped-def]
    yield from _once(_header_lines(document, "header"))
    yield from _block_lines(document.element.body)
    yield from _once(_header_lines(document, "footer"))


def _header_lines(document, kind: str) -> Iterator[str]:  # type: ignore[no-untyped-def]
    for section in document.sections:
        block = getattr(section, kind)
        if not block.is_linked_to_previous:
            yield from _block_lines(block._element)


def _once(lines: Iterator[str]) -> Iterator[str]:
    """Headers repeat from section to section."""
    yield from dict.fromkeys(lines)


# The elements are walked here because python-docx's own text leaves out what stands in smart
# tags, content controls, fields, tracked insertions and text boxes.


def _block_lines(block) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """Lines of the paragraphs and tables in an element, whatever wraps them."""
    for child in block:
        name = _name(child)
        if name == "p":
            yield from _paragraph_lines(child)
        elif name == "tbl":
            yield from _table_lines(child)
        elif name in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _block_lines(child)


def _paragraph_lines(paragraph) -> Iterator[str]:  # type: ignore[no-untyped-def]
    yield from (line for line in "".join(_pieces(paragraph)).split("\n") if line.strip())
    for box in paragraph.iter(f"{_W}txbxContent"):
        is_copy = any(_name(above) == "Fallback" for above in box.iterancestors())
        if not is_copy and next(box.iterancestors(f"{_W}p")) is paragraph:
            yield from _block_lines(box)


def _pieces(element) -> Iterator[str]:  # type: ignore[no-untyped-def]
    for child in element:
        name = _name(child)
        if name in _SIGNS:
            yield _SIGNS[name]
        elif name == "t":
            yield child.text or ""
        elif name not in _UNREAD:
            yield from _pieces(child)


def _table_lines(table) -> Iterator[str]:  # type: ignore[no-untyped-def]
    """One line a row, cells parted by tabs; a merged cell once."""
    for row in _named(table, "tr"):
        texts = [" ".join(line.strip() for line in _block_lines(cell)) for cell in _named(row, "tc")]
        if any(texts):
            yield "\t".join(texts)


def _named(element, name: str):  # type: ignore[no-untyped-def]
    """Children of a name, content controls looked through."""
    for child in element:
        if _name(child) == name:
            yield child
        elif _name(child) in ("sdt", "sdtContent"):
            yield from _named(child, name)


def _name(element) -> str:  # type: ignore[no-untyped-def]
    """An element's name without its namespace; "" for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
