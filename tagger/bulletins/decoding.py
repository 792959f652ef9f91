"""Bytes to text, strictly: a wrong guess is worse than an error.

The cascade: byte order mark, strict UTF-8 (an error where it is no Chinese and another
encoding is), what the document declares, then GB18030, Big5 and UTF-16 without a mark, judged
by how many frequent characters each gives. Real Chinese has at least half of its hanzi among
the frequent ones; a wrong decoding has few.
"""

from __future__ import annotations

import codecs
import re

from tagger.bulletins.frequency import is_han, share_common
from tagger.errors import DecodingError, UsageError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,20})""", re.IGNORECASE)
#: What pages call GBK or Big5 is in truth the larger sets.
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "big5-hkscs": "big5hkscs"}
#: Letters of other scripts, private and control characters, of which wrongly decoded bytes are
#: full; not ASCII letters, which are the tags of a page in every reading.
_STRANGE = re.compile(r"[\x01-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff]|[^\W\d_a-zA-Z]")
_PLAIN = re.compile(rb"[\t\n\r\x20-\x7e]*")
#: What is tried where bytes are not UTF-8.
CANDIDATES = ("gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
#: Least share of frequent characters to believe a guess, and its least lead over the next one.
_MIN_SHARE, _MIN_LEAD = 0.3, 0.1
_JUDGED_BYTES = 65_536


def decode(data: bytes, *, where: object = "", encoding: str | None = None) -> str:
    """Decode a document.

    Parameters
    ----------
    data : bytes
    where : object
        Named in errors: a path, or ``-`` for standard input.
    encoding : str, optional
        Use this encoding alone.

    Returns
    -------
    str
        Without a byte order mark; newlines untouched.

    Raises
    ------
    DecodingError
        The bytes are binary, damaged, or no encoding is clearly right.
    UsageError
        `encoding` is not an encoding Python knows.
    """
    text = _decode_as(data, encoding, where) if encoding else _guess(data, where)
    if "\0" in text:
        raise DecodingError(
            f"not text: NUL character at offset {text.index(chr(0))}", where=where,
            hint="Nothing was tagged.",
        )  # fmt: skip
    return text


def known_encoding(name: str) -> str:
    """Python's own name of an encoding; a `UsageError` if it knows none of that name."""
    try:
        "".encode(name)  # refuses codecs that are no encodings of text (rot13)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError):
        raise UsageError(
            f"unknown encoding {name!r}", where="--encoding",
            hint="Use a name such as utf-8, gb18030, big5 or utf-16.",
        ) from None  # fmt: skip


def _decode_as(data: bytes, encoding: str, where: object) -> str:
    name = known_encoding(encoding)
    try:
        # A mark is not text; it stays out of the offsets in every encoding.
        return data.decode("utf-8-sig" if name == "utf-8" else name).removeprefix("\ufeff")
    except (UnicodeDecodeError, ValueError, LookupError) as error:
        raise DecodingError(
            f"not {encoding} ({_cause(error)})", where=where,
            hint="Leave --encoding out to have it recognised. Nothing was tagged.",
        ) from None  # fmt: skip


def _guess(data: bytes, where: object) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decode_as(data, name, where)
    try:
        return _not_by_chance(data, data.decode("utf-8"), where)
    except UnicodeDecodeError as error:
        cause = _cause(error)
    declared = _declared_encoding(data)
    if declared and (text := _try(data, declared)) and _is_plausible(text, declared):
        return text
    return _judge(data, where, cause)


def _not_by_chance(data: bytes, text: str, where: object) -> str:
    """Valid UTF-8, unless it is so by chance: 通 in GBK is a letter, UTF-16 may be mere signs."""
    if _PLAIN.fullmatch(data) or _share(data[:_JUDGED_BYTES], "utf-8") >= _MIN_SHARE:
        return text
    best = _clear_best(data)
    if best is None:
        return text
    raise DecodingError(
        f"valid UTF-8 that is no Chinese, while {best} makes Chinese of it", where=where,
        hint=f"Pass --encoding {best} or --encoding utf-8. Nothing was tagged.",
    )  # fmt: skip


def _clear_best(data: bytes) -> str | None:
    """The candidate that gives the most frequent characters, if it is clearly the best."""
    sample = data[:_JUDGED_BYTES]
    shares = {name: _share(sample, name) for name in CANDIDATES}
    best, second = sorted(shares, key=lambda name: -shares[name])[:2]
    is_clear = shares[best] >= _MIN_SHARE and shares[best] - shares[second] >= _MIN_LEAD
    return best if is_clear else None


def _judge(data: bytes, where: object, cause: str) -> str:
    best = _clear_best(data)
    if best is not None:
        text = _try(data, best)
        if text is not None:
            return text
        raise DecodingError(
            f"not UTF-8 ({cause}), and looks like {best} but has damaged bytes", where=where,
            hint="Mend the file or convert it to UTF-8. Nothing was tagged.",
        )  # fmt: skip
    raise DecodingError(
        f"not UTF-8 ({cause}), and no other encoding is clearly right", where=where,
        hint="Pass --encoding if you know it; a binary file cannot be read. Nothing was tagged.",
    )  # fmt: skip


def _share(sample: bytes, encoding: str) -> float:
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    if "\0" in text or text.count("\ufffd") > len(text) * 0.02:
        return 0.0
    han = sum(map(is_han, text))
    strange = sum(not is_han(char) for char in _STRANGE.findall(text))
    return share_common(text) * han / max(han + strange, 1)


def _declared_encoding(data: bytes) -> str | None:
    match = _DECLARED.search(data[:2048])
    if not match:
        return None
    name = match.group(1).decode("ascii").lower()
    return _SUPERSETS.get(name, name)


def _is_plausible(text: str, declared: str) -> bool:
    """Whether a declaration may be true; one of a Western encoding is a left-over template."""
    if not any(map(is_han, text)):
        return declared in CANDIDATES
    return share_common(text[:_JUDGED_BYTES]) >= _MIN_SHARE


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError, ValueError):
        return None


def _cause(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte 0x{error.object[error.start]:02X} at offset {error.start}"
    return str(error)
