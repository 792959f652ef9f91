"""Text of a PDF by pypdfium2; runs in the worker process."""

from __future__ import annotations

from tagger.bulletins.limits import LIMITS, Limits
from tagger.errors import DocumentError, LimitError


def extract_pdf(data: bytes, limits: Limits = LIMITS) -> dict[str, str | None]:
    """Text of a PDF, one printed line a line.

    Raises
    ------
    DocumentError
        Damaged, encrypted, or pictures without text.
    LimitError
        More than ``limits.max_chars`` characters.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        pages = [page.get_textpage().get_text_bounded() for page in _pages(document, limits)]
    except pypdfium2.PdfiumError as error:
        raise _unreadable(data, str(error).rstrip(".")) from None
    text = "\n".join(pages).replace("\r\n", "\n").replace("\ufffe", "")
    if not text.strip():
        raise DocumentError("a PDF without text, probably scanned pictures", hint="Run character recognition first.")
    return {"text": text, "title": None, "date": None, "issuer": None}


def _pages(document, limits: Limits):  # type: ignore[no-untyped-def]
    chars = 0
    for page in document:
        chars += page.get_textpage().count_chars()
        if chars > limits.max_chars:
            raise LimitError(f"more than {limits.max_chars} characters")
        yield page


def _unreadable(data: bytes, cause: str) -> DocumentError:
    if b"/Encrypt" in data or "password" in cause.lower():
        return DocumentError("an encrypted PDF", hint="Save it without a password.")
    return DocumentError(f"a damaged PDF ({cause})", hint="Fetch it again.")
