"""Text of a PDF by pypdfium2; runs in the worker process."""

from __future__ import annotations

from collections.abc import Iterator

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
        pages = list(_page_texts(document, limits))
    except pypdfium2.PdfiumError as error:
        raise _unreadable(data, str(error).rstrip(".")) from None
    text = "\n".join(pages).replace("\r\n", "\n").replace("\ufffe", "")
    if not text.strip():
        raise DocumentError("a PDF without text, probably scanned pictures", hint="Run character recognition first.")
    return {"text": text, "title": None, "date": None, "issuer": None}


def _page_texts(document, limits: Limits) -> Iterator[str]:  # type: ignore[no-untyped-def]
    n_chars = 0
    for page in document:
        text = page.get_textpage()
        n_chars += text.count_chars()
        if n_chars > limits.max_chars:
            raise LimitError(f"more than {limits.max_chars} characters")
        yield text.get_text_bounded()
        text.close()
        page.close()


def _unreadable(data: bytes, cause: str) -> DocumentError:
    if b"/Encrypt" in data or "password" in cause.lower():
        return DocumentError("an encrypted PDF", hint="Save it without a password.")
    return DocumentError(f"a damaged PDF ({cause})", hint="Fetch it again.")
