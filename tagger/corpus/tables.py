"""Rows of JSON lines, CSV and Parquet files, and the same files written."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from tagger.bulletins.decoding import decode
from tagger.corpus.records import Report, Row, refuse
from tagger.errors import InputError, MissingExtraError, OutputError

#: What a CSV file may part its cells with; the first under which the columns are found.
_DELIMITERS = (",", "\t", ";")
#: What makes a spreadsheet run a cell (OWASP, "CSV Injection"), full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_BEFORE_FORMULA = " \u3000\xa0\ufeff'"
_NOT_THERE = "Check the name."


def jsonl_rows(path: str | Path, *, report: Report = refuse) -> Iterator[Row]:
    """The lines of a UTF-8 file, parsed; blank ones are passed over.

    Raises
    ------
    InputError
        The file cannot be read or holds nothing; a line that is not JSON is reported.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint=_NOT_THERE) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 ({error})", where=path) from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise InputError("no records in it", where=path, hint="Expected JSON lines.")
    for number, line in lines:
        where = f"{path}:{number}"
        try:
            yield Row(where, number, json.loads(line))
        except (ValueError, RecursionError) as error:
            report(InputError(f"not a labelled record ({type(error).__name__}: {error})", where=where,
                              hint="Expected a JSON object."))  # fmt: skip


def csv_rows(path: str | Path, needed: Sequence[str], *, report: Report = refuse) -> Iterator[Row]:
    """The rows of a CSV file with a header: comma, tab or semicolon, in any encoding that is clear.

    Parameters
    ----------
    path : path
    needed : sequence of str
        Columns that must be there.

    Raises
    ------
    InputError
        The file cannot be read, is no text, or has no such column; a broken row is reported.
    """
    text = decode(_read(path), where=path)
    delimiter = _delimiter(text, needed)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header, number = next(_cells(reader, path, report), ([], 0))
    _check_columns(header, needed, path)
    n_rows = 0
    for cells, number in _cells(reader, path, report):
        n_rows += 1
        if len(cells) != len(header):
            report(InputError(f"found {len(cells)} cells, expected {len(header)}", where=f"{path}:{number}"))
            continue
        yield Row(f"{path}:{number}", number, dict(zip(header, map(_without_guard, cells), strict=True)))
    if not n_rows:
        raise InputError("no rows below the header", where=path)


def _cells(reader: Any, path: str | Path, report: Report) -> Iterator[tuple[list[str], int]]:
    """Rows that are not blank, each with the line on which it begins."""
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            report(InputError(f"not CSV ({error})", where=f"{path}:{number}"))
            continue
        if any(cell.strip() for cell in cells):
            yield cells, number


def _delimiter(text: str, needed: Sequence[str]) -> str:
    first = text.lstrip("\ufeff\r\n").partition("\n")[0]
    found = [d for d in _DELIMITERS if set(needed) <= set(next(csv.reader([first], delimiter=d), []))]
    return found[0] if found else ","


def parquet_rows(path: str | Path, needed: Sequence[str], wanted: Sequence[str]) -> Iterator[Row]:
    """The rows of a Parquet file; only the wanted columns are read.

    Raises
    ------
    InputError
        The file cannot be read, is no Parquet, or lacks a needed column.
    MissingExtraError
        pyarrow is not installed.
    """
    need_pyarrow("Parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(Path(path).open("rb")) as file:
            _check_columns(file.schema_arrow.names, needed, path)
            columns = [name for name in file.schema_arrow.names if name in wanted]
            number = 0
            for batch in file.iter_batches(columns=columns):
                for fields in batch.to_pylist():
                    number += 1
                    yield Row(f"{path}: row {number}", number, fields)
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint=_NOT_THERE) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as Parquet ({_first_line(error)})", where=path) from None
    if not number:
        raise InputError("no rows in it", where=path)


def write_jsonl(rows: Iterable[dict[str, Any]], stream: TextIO) -> None:
    """Rows as JSON lines."""
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_csv(rows: Iterable[dict[str, Any]], stream: TextIO, *, separator: str = ";") -> None:
    """Rows as CSV with a byte order mark, lists joined; `csv_rows` reads the same back.

    A cell that a spreadsheet would run as a formula gets an apostrophe.
    """
    writer = csv.writer(stream)
    for number, row in enumerate(rows):
        if not number:
            stream.write("\ufeff")
            writer.writerow(row)
        writer.writerow([_with_guard(separator.join(v) if isinstance(v, list) else v) for v in row.values()])


def write_parquet(rows: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Rows as a Parquet file, there whole or not at all; `parquet_rows` reads the same back.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    need_pyarrow("Parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        pq.write_table(pa.Table.from_pylist(list(rows)), temporary)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or _first_line(error)})", where=path) from None
    finally:
        temporary.unlink(missing_ok=True)


def need_pyarrow(need: str) -> None:
    """A `MissingExtraError` unless pyarrow is installed."""
    if find_spec("pyarrow") is None:
        raise MissingExtraError("pyarrow", "train", need)


def _check_columns(found: Sequence[str], needed: Sequence[str], path: str | Path) -> None:
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(
            f"found the columns {', '.join(map(repr, found[:20])) or 'none'}, expected {missing[0]!r} too", where=path,
            hint="data.fields.text=NAME, data.fields.labels=NAME and so on tell what each is called.",
        )  # fmt: skip


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint=_NOT_THERE) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None


def _runs(cell: str) -> bool:
    return cell.lstrip(_BEFORE_FORMULA).startswith(_FORMULA)


def _with_guard(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _runs(cell) else cell


def _without_guard(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _runs(cell) else cell


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
