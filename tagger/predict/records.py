"""Files of records (.jsonl, .csv): read one at a time, in constant memory, none lost."""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from tagger.bulletins.bulletin import parse_bulletin
from tagger.bulletins.decoding import CANDIDATES, decode, known_encoding
from tagger.errors import DecodingError, InputError
from tagger.models.storage import Model
from tagger.predict.tagging import TaggedBulletin, tag_bulletins

#: Longest line of a record file, in characters; a longer one is a bad record, not a crash.
_MAX_LINE = 8 << 20
_SAMPLE = 1 << 16
_CHUNK = 256
#: What stands for a line that is too long, and for bytes that cannot be decoded.
_TOO_LONG, _BROKEN = "\udc01", "\udc00"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
#: The first line by which a spreadsheet tells its delimiter.
_SEPARATOR = re.compile("sep=([,;\t])\r?\n?", re.IGNORECASE)
_MARK_BROKEN = "tagger.mark_broken"
codecs.register_error(_MARK_BROKEN, lambda error: (_BROKEN, error.end))  # type: ignore[attr-defined]
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One record as it came, or what is wrong with it.

    Attributes
    ----------
    line : int
        Where it stands in its file, from 1.
    fields : dict
        Its own fields; for a record that cannot be parsed, ``raw`` with its beginning.
    text : str
    error : str
        "" for a good record.
    """

    line: int
    fields: dict[str, Any]
    text: str = ""
    error: str = ""


@dataclass(frozen=True)
class TaggedRecord:
    """A record with its tags; `tagged` is None for a bad one."""

    record: Record
    tagged: TaggedBulletin | None
    source: str = ""
    fieldnames: tuple[str, ...] = field(default=())


def tag_records(path: str, model: Model, text_field: str, encoding: str | None = None) -> Iterator[TaggedRecord]:
    """Tag every record of a file, in order.

    A record's text is read like a bulletin of its own: its tags are the union of its
    sentences' tags, its scores the highest.

    Raises
    ------
    InputError
        The file as a whole cannot be read: missing, binary, a CSV without `text_field`.
    """
    records, fieldnames = _open(path, text_field, encoding)
    while chunk := list(islice(records, _CHUNK)):
        good = (parse_bulletin(r.text, id=str(r.line), source=path) for r in chunk if not r.error)
        tagged = tag_bulletins(good, model)
        for record in chunk:
            yield TaggedRecord(record, None if record.error else next(tagged), path, fieldnames)


def _open(path: str, text_field: str, encoding: str | None) -> tuple[Iterator[Record], tuple[str, ...]]:
    if encoding:
        known_encoding(encoding)
    with ExitStack() as stack:
        file = stack.enter_context(_binary(path))
        sample = file.read(_SAMPLE)
        if not sample.strip():
            raise InputError("empty, there is no record in it", where=path)
        encoding = encoding or _encoding_of(sample, path)
        stack.pop_all()  # from here on `_lines` closes it
    lines = _lines(io.BufferedReader(_Resumed(sample, file), _SAMPLE), encoding, path)
    if path.lower().endswith(".csv") or (path == "-" and not _is_jsonl(sample, encoding)):
        return _csv_records(lines, text_field, path)
    return _jsonl_records(lines, text_field), ()


def _is_jsonl(sample: bytes, encoding: str) -> bool:
    """Whether records without a file name are JSON lines; else they are CSV."""
    return sample.decode(encoding, "ignore").lstrip("\ufeff \t\r\n").startswith("{")


def _binary(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    if not Path(path).is_file():
        raise InputError("no such file", where=path, hint="Check the name.")
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None


class _Resumed(io.RawIOBase):
    """A file whose beginning has been read already; standard input cannot be wound back."""

    def __init__(self, beginning: bytes, rest: BinaryIO) -> None:
        self._beginning, self._rest = io.BytesIO(beginning), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._beginning.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._rest.close()
        super().close()


def _encoding_of(sample: bytes, path: str) -> str:
    """The encoding of the whole file, told from its beginning."""
    for mark, name in _MARKS.items():
        if sample.startswith(mark):
            return name
    is_cut = len(sample) == _SAMPLE
    head = sample[: sample.rfind(b"\n") + 1] or sample if is_cut else sample
    try:
        head.decode("utf-8")
        return "utf-8-sig"
    except UnicodeDecodeError as error:
        if is_cut and error.reason == "unexpected end of data":
            return "utf-8-sig"  # one long line, cut within a character
    try:
        text = decode(head, where=path)
    except DecodingError:
        if _is_mostly_utf8(head):
            return "utf-8-sig"
        raise
    for name in CANDIDATES:
        if _reads(head, name) == text:
            return name
    raise DecodingError("in an encoding that cannot be told", where=path, hint="Pass --encoding.")


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether a few broken lines stand among many good ones; they become bad records."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    return sum(_reads(line, "utf-8") is not None for line in lines) * 2 >= len(lines)


def _reads(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _lines(file: BinaryIO, encoding: str, path: str) -> Iterator[str]:
    """Decoded lines with their ends; undecodable bytes become lone surrogates, found later."""
    with io.TextIOWrapper(file, encoding, errors=_MARK_BROKEN, newline="\n") as text:
        try:
            first = _line(text)
        except UnicodeError as error:
            raise DecodingError(
                f"not {encoding} ({error})", where=path, hint="Leave --encoding out to have it recognised."
            ) from None
        yield first.removeprefix("\ufeff")
        while line := _line(text):
            yield line


def _line(text: TextIO) -> str:
    line = text.readline(_MAX_LINE)
    if line.endswith("\n") or len(line) < _MAX_LINE:
        return line
    while (rest := text.readline(_MAX_LINE)) and not rest.endswith("\n"):
        pass
    return f"{_TOO_LONG}\n"


def _jsonl_records(lines: Iterable[str], text_field: str) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _jsonl_record(line, number, text_field)


def _jsonl_record(line: str, number: int, text_field: str) -> Record:
    if problem := _undecodable(line):
        return Record(number, {"raw": _beginning(line)}, error=problem)
    try:
        fields = json.loads(line, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        return Record(number, {"raw": _beginning(line)}, error=f"not JSON ({error})")
    if not isinstance(fields, dict):
        return Record(number, {"raw": _beginning(line)}, error="not a JSON object")
    return _checked(number, fields, text_field)


def _finite(number: str) -> float:
    """A number that JSON can hold; what is not finite could not be written out again."""
    if math.isfinite(value := float(number)):
        return value
    raise ValueError(f"{number[:20]} is not a finite number")


def _csv_records(lines: Iterator[str], text_field: str, path: str) -> tuple[Iterator[Record], tuple[str, ...]]:
    csv.field_size_limit(_MAX_LINE)
    header, n_skipped = next(lines), 0
    if told := _SEPARATOR.fullmatch(header):
        header, n_skipped = next(lines, ""), 1
    delimiter = told[1] if told else max(",\t;", key=header.count)
    # Strict: else a quote that is never closed would swallow the rest of the file unseen.
    reader = csv.reader(_chain(header, lines), delimiter=delimiter, strict=True)
    try:
        names = [name if name.strip() else f"column_{i}" for i, name in enumerate(next(reader, []), start=1)]
    except csv.Error as error:
        raise InputError(f"its first line is not CSV ({error})", where=path) from None
    if text_field not in names:
        raise InputError(
            f"no column {text_field!r}, found {', '.join(map(repr, names)) or 'none'}", where=path,
            hint="Name it with --text-field.",
        )  # fmt: skip
    if len(set(names)) != len(names):
        raise InputError("two columns have the same name", where=path, hint="Rename one.")
    return _csv_rows(reader, names, text_field, n_skipped), tuple(names)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    for line in rest:
        yield line.replace("\0", _BROKEN)  # the csv module stops at NUL; found as undecodable


def _csv_rows(reader: Any, names: list[str], text_field: str, n_skipped: int) -> Iterator[Record]:
    while True:
        first = reader.line_num + n_skipped + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(first, {}, error=f"not CSV ({error})")
            continue
        number = reader.line_num + n_skipped
        if not row:
            continue
        fields = dict(zip(names, row, strict=False))
        if problem := _undecodable("".join(row)):
            kept = {name: _beginning(value) for name, value in fields.items()}
            yield Record(number, kept, error=problem)
        elif len(row) != len(names):
            found = f"{len(row)} fields, expected {len(names)}"
            yield Record(number, fields, error=found)
        else:
            yield _checked(number, fields, text_field)


def _checked(number: int, fields: dict[str, Any], text_field: str) -> Record:
    if text_field not in fields:
        return Record(number, fields, error=f"no field {text_field!r}")
    text = fields[text_field]
    if not isinstance(text, str):
        return Record(number, fields, error=f"{text_field!r} is not a text")
    if _NO_TEXT.search(text):
        return Record(number, fields, error=f"{text_field!r} holds NUL or broken characters")
    return Record(number, fields, text)


def _undecodable(line: str) -> str:
    if _TOO_LONG in line:
        return f"line longer than {_MAX_LINE} characters"
    if _NO_TEXT.search(line):
        return "not text: bytes that are not in the file's encoding, or NUL"
    return ""


def _beginning(text: str) -> str:
    return text[:200].rstrip("\r\n").replace(_TOO_LONG, "").encode("utf-8", "replace").decode("utf-8")
