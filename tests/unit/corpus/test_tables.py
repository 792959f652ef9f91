"""Files of rows: what is written comes back the same, and what is no such file is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.corpus.records import Row
from tagger.corpus.tables import csv_rows, jsonl_rows, parquet_rows, write_csv, write_jsonl, write_parquet
from tagger.errors import InputError, OutputError, TaggerError

_NEEDED = ("text", "domains")
_ROWS: list[dict[str, Any]] = [
    {"bulletin": "a", "text": '他说："一、加强巡逻，\n二、宣传。"', "domains": ["patrol", "propaganda"]},
    {"bulletin": "=a", "text": "=cmd|'/c calc'!A1", "domains": []},
    {"bulletin": "'b", "text": "'=1+1", "domains": ["patrol"]},
    {"bulletin": "1", "text": " -一是巡逻；", "domains": []},
]


def _csv(path: Path) -> list[Row]:
    return list(csv_rows(path, _NEEDED))


def _parquet(path: Path) -> list[Row]:
    return list(parquet_rows(path, _NEEDED, ("bulletin", *_NEEDED)))


def _jsonl(path: Path) -> list[Row]:
    return list(jsonl_rows(path))


def test_json_lines_come_back_the_same(tmp_path: Path) -> None:
    with (tmp_path / "x.jsonl").open("w", encoding="utf-8") as stream:
        write_jsonl(_ROWS, stream)
    assert [row.fields for row in _jsonl(tmp_path / "x.jsonl")] == _ROWS


def test_parquet_comes_back_the_same(tmp_path: Path) -> None:
    write_parquet(_ROWS, tmp_path / "x.parquet")
    rows = _parquet(tmp_path / "x.parquet")
    assert [row.fields for row in rows] == _ROWS
    assert rows[1].where == f"{tmp_path}/x.parquet: row 2"
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")), min_size=1, max_size=5))
def test_csv_comes_back_the_same_and_no_cell_runs_as_a_formula(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    out = io.StringIO()
    write_csv([{"text": f"{text}。", "domains": ["a", "b"], "n": 3} for text in texts], out)
    path.write_bytes(out.getvalue().encode())
    assert [row.fields for row in _csv(path)] == [{"text": f"{t}。", "domains": "a;b", "n": "3"} for t in texts]


def test_a_cell_that_would_run_as_a_formula_is_guarded(tmp_path: Path) -> None:
    out = io.StringIO()
    write_csv(_ROWS, out)
    (tmp_path / "x.csv").write_bytes(out.getvalue().encode())
    assert "'=cmd|" in out.getvalue()
    joined = [{**row, "domains": ";".join(row["domains"])} for row in _ROWS]
    assert [row.fields for row in _csv(tmp_path / "x.csv")] == joined


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_of_spreadsheets_is_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    texts = [("民警在夜市开展巡逻，向群众发放宣传单。", "a"), ("", ""), ("全体民警参加会议学习。", "")]
    lines = [("text", "domains"), *texts]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    rows = _csv(tmp_path / "x.csv")
    assert [(row.where.rsplit(":", 1)[1], row.fields["domains"]) for row in rows] == [("2", "a"), ("4", "")]


def test_the_line_of_a_row_is_that_on_which_it_begins(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('text,domains\n"a\nb\nc",x\nd,y\n')
    assert [row.number for row in _csv(tmp_path / "x.csv")] == [2, 5]


def test_broken_rows_are_reported_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,domains\na,b\na\na,b,c\nc,d\n")
    problems: list[TaggerError] = []
    rows = list(csv_rows(tmp_path / "x.csv", _NEEDED, report=problems.append))
    assert [row.number for row in rows] == [2, 5]
    assert [str(p).removeprefix(str(tmp_path)) for p in problems] == [
        "/x.csv:3: found 1 cells, expected 2.", "/x.csv:4: found 3 cells, expected 2.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "data", "problem"),
    [
        (_csv, b"", "found the columns none, expected 'text' too"),
        (_csv, b"a,b\n1,2\n", "found the columns 'a', 'b', expected 'text' too. data.fields.text=NAME"),
        (_csv, b"text,domains\n\n", "no rows below the header"),
        (_csv, b"text,domains\n\x00\x01\x02,x", "not text"),
        (_parquet, b"", "cannot be read as Parquet"),
        (_parquet, b"PAR1" + b"x" * 100 + b"PAR1", "cannot be read as Parquet"),
        (_jsonl, b"", "no records in it"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    tmp_path: Path, read: Callable[[Path], list[Row]], data: bytes, problem: str
) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError) as error:
        read(tmp_path / "x")
    assert str(error.value).startswith(f"{tmp_path}/x: {problem}")
    with pytest.raises(InputError, match=r"nowhere: no such file\. Check the name\."):
        read(tmp_path / "nowhere")


def test_parquet_without_a_column_or_rows_is_told(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_parquet([{"text": "a", "labels": ["x"]}], tmp_path / "x.parquet")
    with pytest.raises(InputError, match="found the columns 'text', 'labels', expected 'domains' too"):
        _parquet(tmp_path / "x.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "domains": pa.array([], pa.string())}), tmp_path / "e")
    with pytest.raises(InputError, match="no rows in it"):
        _parquet(tmp_path / "e")


def test_parquet_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_parquet(_ROWS, tmp_path / "nowhere" / "x.parquet")
    assert list(tmp_path.iterdir()) == []
