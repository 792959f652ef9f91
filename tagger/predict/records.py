"""Files of records (.jsonl, .csv): read one at a time, in constant memory, none lost."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from tagger.bulletins.bulletin import parse_bulletin
from tagger.bulletins.decoding import decode
from tagger.errors import InputError
from tagger.models.storage import Model
from tagger.predict.tagging import TaggedBulletin, tag_bulletins

#: Longest line of a record file, in bytes; a longer one is a bad record, not a crash.
_MAX_LINE = 8 << 20
_SAMPLE = 1 << 16
_CHUNK = 256


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
    file = _binary(path)
    sample = file.peek(_SAMPLE)[:_SAMPLE]  # type: ignore[attr-defined]
    if not sample.strip():
        raise InputError("empty, there is no record in it", where=path)
    encoding = encoding or _encoding_of(sample, path)
    lines = _lines(file, encoding)
    if path.lower().endswith(".csv"):
        return _csv_records(lines, text_field, path)
    return (r for r in _jsonl_records(lines, text_field)), ()


def _binary(path: str) -> BinaryIO:
    if path == "-":
        return io.BufferedReader(sys.stdin.buffer.raw, _SAMPLE)  # type: ignore[attr-defined]
    if not Path(path).is_file():
        raise InputError("no such file", where=path, hint="Check the name.")
    try:
        return open(path, "rb", buffering=_SAMPLE)  # noqa: SIM115 - read to its end by the caller
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None


def _encoding_of(sample: bytes, path: str) -> str:
    """The encoding of the whole file from its beginning, cut at a line's end."""
    head = sample[: sample.rfind(b"\n") + 1] or sample
    try:
        head.decode("utf-8")
        return "utf-8-sig"
    except UnicodeDecodeError as error:
        if error.end >= len(head) - 3 and len(sample) == _SAMPLE:
            return "utf-8-sig"  # one long line, cut within a character
    text = decode(head, where=path)
    for name in ("utf-16", "gb18030", "big5hkscs"):
        try:
            if head.decode(name) == text or head.decode(name).removeprefix("\ufeff") == text:
                return name
        except UnicodeDecodeError:
            continue
    return "gb18030"


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Decoded lines with their ends; undecodable bytes become lone surrogates, found later."""
    if encoding.replace("-", "").lower().startswith("utf16"):
        yield from io.TextIOWrapper(file, encoding=encoding, newline="")
        return
    first = True
    while line := file.readline(_MAX_LINE):
        if not line.endswith(b"\n") and len(line) == _MAX_LINE:
            while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield "\udcff\n"
            continue
        if first:
            line = line.removeprefix(b"\xef\xbb\xbf")
            first = False
        yield line.decode("utf-8" if encoding == "utf-8-sig" else encoding, "surrogateescape")


def _jsonl_records(lines: Iterable[str], text_field: str) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _jsonl_record(line, number, text_field)


def _jsonl_record(line: str, number: int, text_field: str) -> Record:
    if problem := _undecodable(line):
        return Record(number, {"raw": _beginning(line)}, error=problem)
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Record(number, {"raw": _beginning(line)}, error=f"not JSON ({error})")
    if not isinstance(fields, dict):
        return Record(number, {"raw": _beginning(line)}, error="not a JSON object")
    return _checked(number, fields, text_field)


def _csv_records(
    lines: Iterator[str], text_field: str, path: str
) -> tuple[Iterator[Record], tuple[str, ...]]:
    csv.field_size_limit(_MAX_LINE)
    header = next(lines)
    delimiter = max(",\t;", key=header.count)
    reader = csv.reader(_chain(header, lines), delimiter=delimiter)
    names = next(reader, [])
    if text_field not in names:
        raise InputError(
            f"no column {text_field!r}, found {', '.join(map(repr, names))}", where=path,
            hint="Name it with --text-field.",
        )  # fmt: skip
    if len(set(names)) != len(names):
        raise InputError("two columns have the same name", where=path, hint="Rename one.")
    return _csv_rows(reader, names, text_field), tuple(names)


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    for line in rest:
        yield line.replace("\0", "\udc00")  # the csv module stops at NUL; found as undecodable


def _csv_rows(reader: Any, names: list[str], text_field: str) -> Iterator[Record]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(reader.line_num, {}, error=f"not CSV ({error})")
            continue
        if not row:
            continue
        fields = dict(zip(names, row, strict=False))
        if len(row) != len(names):
            found = f"{len(row)} fields, expected {len(names)}"
            yield Record(reader.line_num, fields, error=found)
        elif problem := _undecodable("".join(row)):
            kept = {name: _beginning(value) for name, value in fields.items()}
            yield Record(reader.line_num, kept, error=problem)
        else:
            yield _checked(reader.line_num, fields, text_field)


def _checked(number: int, fields: dict[str, Any], text_field: str) -> Record:
    if text_field not in fields:
        return Record(number, fields, error=f"no field {text_field!r}")
    text = fields[text_field]
    if not isinstance(text, str):
        return Record(number, fields, error=f"{text_field!r} is not a text")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return Record(number, fields, error=f"{text_field!r} holds NUL or broken characters")
    return Record(number, fields, text)


def _undecodable(line: str) -> str:
    if line == "\udcff\n":
        return f"line longer than {_MAX_LINE >> 20} MiB"
    if "\0" in line or any("\udc00" <= char <= "\udcff" for char in line):
        return "not text: bytes that are not in the file's encoding, or NUL"
    return ""


def _beginning(text: str) -> str:
    return text[:200].rstrip("\r\n").encode("utf-8", "replace").decode("utf-8")
