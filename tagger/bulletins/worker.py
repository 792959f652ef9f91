"""The process that opens untrusted documents, one at a time.

``python -m tagger.bulletins.worker [LIMITS]``, the limits as a JSON object of `Limits`. It
bounds its own memory, reads requests as JSON lines and answers with JSON lines, so a document
that crashes it or eats its memory takes nothing else along.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from tagger.bulletins.limits import LIMITS, Limits
from tagger.errors import DocumentError, LimitError, TaggerError


def main() -> None:
    """Answer requests until standard input closes."""
    limits = Limits(**json.loads(sys.argv[1])) if sys.argv[1:] else LIMITS
    _bound_memory(limits.memory)
    for line in sys.stdin:
        answer = _answer(json.loads(line), limits)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _bound_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows; the time limit still holds
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    size = size if most == resource.RLIM_INFINITY else min(size, most)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses it; the time limit still holds
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(request: dict[str, str], limits: Limits) -> dict[str, Any]:
    try:
        extracted = _extract(request["format"], Path(request["path"]), limits)
        if len(extracted["text"] or "") > limits.max_chars:
            raise LimitError(f"more than {limits.max_chars} characters of text")
        return extracted
    except TaggerError as error:
        return {"error": type(error).__name__, "message": error.message, "hint": error.hint}
    except (MemoryError, RecursionError):
        return {"error": "LimitError", "message": "needs more memory than allowed", "hint": ""}
    except Exception as error:  # a parser's own failure on a broken document
        cause = type(error).__name__
        return {"error": "DocumentError", "message": f"cannot be parsed ({cause})", "hint": ""}


def _extract(format: str, path: Path, limits: Limits) -> dict[str, Any]:
    # Imported here: each library costs 0.1-0.3 s, and most runs need one of them.
    if format == "html":
        from tagger.bulletins.html import extract_html

        return extract_html(path.read_text(encoding="utf-8"))
    if format == "docx":
        from tagger.bulletins.docx import extract_docx

        return extract_docx(path.read_bytes(), limits)
    if format == "pdf":
        from tagger.bulletins.pdf import extract_pdf

        return extract_pdf(path.read_bytes(), limits)
    raise DocumentError(f"unknown format {format!r}")


if __name__ == "__main__":
    main()
