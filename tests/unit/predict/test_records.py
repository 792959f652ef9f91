"""Files of records: every record once and in order, a bad one told and kept, whatever the encoding."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tagger.errors import InputError, UsageError
from tagger.models.storage import Model
from tagger.predict import records
from tagger.predict.records import Record, TaggedRecord, tag_records

_GOOD = '{"id": 1, "text": "民警巡逻。"}'
_NOT_TEXT = "not text: bytes that are not in the file's encoding, or NUL"
#: Enough Chinese for an encoding to be told by.
_ROWS = "编号,正文\r\n1,民警在夜市开展巡逻。\r\n2,向群众发放宣传单，举办讲座。\r\n"


def _tag(path: Path, model: Model, text_field: str = "text", encoding: str | None = None) -> list[TaggedRecord]:
    return list(tag_records(str(path), model, text_field, encoding))


def _jsonl(folder: Path, *lines: str | bytes) -> Path:
    data = [line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass") for line in lines]
    path = folder / "in.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in data))
    return path


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "in.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _domains(tagged: TaggedRecord) -> tuple[str, ...] | None:
    return tagged.tagged.bulletin_tags.domains if tagged.tagged else None


def test_every_record_comes_once_in_order_with_its_own_fields(tmp_path: Path, lexicon: Model) -> None:
    rows = [{"id": i, "text": ("民警巡逻。", "开会。", "")[i % 3], "tags": [i, None]} for i in range(600)]
    found = _tag(_jsonl(tmp_path, *map(json.dumps, rows)), lexicon)
    assert [t.record.fields for t in found] == rows
    assert [t.record.line for t in found] == list(range(1, 601))
    assert [_domains(t) for t in found] == [("patrol",), (), ()] * 200
    assert {t.record.error for t in found} == {""}


def test_bad_records_stand_in_their_place_and_the_rest_is_tagged(tmp_path: Path, lexicon: Model) -> None:
    lines = [_GOOD if i % 7 else "{" for i in range(600)]
    found = _tag(_jsonl(tmp_path, *lines), lexicon)
    assert [t.record.line for t in found] == list(range(1, 601))
    assert [_domains(t) for t in found] == [("patrol",) if i % 7 else None for i in range(600)]


@pytest.mark.parametrize(
    ("line", "fields", "error"),
    [
        ("{", {"raw": "{"}, "not JSON (Expecting property name enclosed in double quotes: line 2 column 1 (char 2))"),
        ("oops", {"raw": "oops"}, "not JSON (Expecting value: line 1 column 1 (char 0))"),
        ("[1, 2]", {"raw": "[1, 2]"}, "not a JSON object"),
        ('"民警"', {"raw": '"民警"'}, "not a JSON object"),
        ("5", {"raw": "5"}, "not a JSON object"),
        ('{"n": 1e400}', {"raw": '{"n": 1e400}'}, "not JSON (1e400 is not a finite number)"),
        ('{"n": NaN}', {"raw": '{"n": NaN}'}, "not JSON (NaN is not a finite number)"),
        ('{"n": -Infinity}', {"raw": '{"n": -Infinity}'}, "not JSON (-Infinity is not a finite number)"),
        ('{"body": "民警巡逻。"}', {"body": "民警巡逻。"}, "no field 'text'"),
        ('{"text": 5}', {"text": 5}, "'text' is not a text"),
        ('{"text": null}', {"text": None}, "'text' is not a text"),
        ('{"text": ["a"]}', {"text": ["a"]}, "'text' is not a text"),
        ('{"text": "a\\u0000b"}', {"text": "a\0b"}, "'text' holds NUL or broken characters"),
        ('{"text": "a\\ud800b"}', {"text": "a\ud800b"}, "'text' holds NUL or broken characters"),
        ('{"text": "a\0b"}', {"raw": '{"text": "a\0b"}'}, _NOT_TEXT),
        (b'{"text": "\xff\xfe"}', {"raw": '{"text": "??"}'}, _NOT_TEXT),
        ('{"text": "\ud800"}', {"raw": '{"text": "???"}'}, _NOT_TEXT),
        (b"\xff", {"raw": "?"}, _NOT_TEXT),
    ],
    ids=ascii,
)
def test_a_bad_line_is_told_and_its_beginning_kept(
    tmp_path: Path, lexicon: Model, line: str | bytes, fields: dict[str, object], error: str
) -> None:
    before, bad, after = _tag(_jsonl(tmp_path, _GOOD, line, _GOOD), lexicon)
    assert bad == TaggedRecord(Record(2, fields, error=error), None, str(tmp_path / "in.jsonl"))
    assert [_domains(t) for t in (before, after)] == [("patrol",)] * 2


def test_a_line_nested_too_deep_is_a_bad_record(tmp_path: Path, lexicon: Model) -> None:
    bad, good = _tag(_jsonl(tmp_path, "[" * 100_000, _GOOD), lexicon)
    assert bad.record.error.startswith("not JSON (maximum recursion depth exceeded")
    assert bad.record.fields == {"raw": "[" * 200}
    assert _domains(good) == ("patrol",)


def test_a_broken_character_outside_the_text_is_kept_as_it_came(tmp_path: Path, lexicon: Model) -> None:
    (found,) = _tag(_jsonl(tmp_path, '{"id": "\\ud800", "text": "民警巡逻。"}'), lexicon)
    assert found.record.fields["id"] == "\ud800"
    assert _domains(found) == ("patrol",)


@pytest.mark.parametrize("n_rest", [0, 1, 59, 60, 61, 200])
def test_an_over_long_line_is_one_bad_record(
    tmp_path: Path, lexicon: Model, monkeypatch: pytest.MonkeyPatch, n_rest: int
) -> None:
    monkeypatch.setattr(records, "_MAX_LINE", 60)
    found = _tag(_jsonl(tmp_path, _GOOD, "x" * (60 + n_rest), _GOOD), lexicon)
    assert [t.record.line for t in found] == [1, 2, 3]
    assert found[1].record == Record(2, {"raw": ""}, error="line longer than 60 characters")
    assert [_domains(t) for t in found] == [("patrol",), None, ("patrol",)]


def test_a_line_as_long_as_allowed_is_read(tmp_path: Path, lexicon: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    line = json.dumps({"text": "民警巡逻。" + "a" * 40}, ensure_ascii=False)
    monkeypatch.setattr(records, "_MAX_LINE", len(line) + 1)
    assert _domains(_tag(_jsonl(tmp_path, line), lexicon)[0]) == ("patrol",)


def test_blank_lines_are_counted_and_passed_over(tmp_path: Path, lexicon: Model) -> None:
    found = _tag(_jsonl(tmp_path, "", _GOOD, "  ", "\t", _GOOD), lexicon)
    assert [t.record.line for t in found] == [2, 5]


def test_windows_line_ends_and_a_missing_last_one_are_read(tmp_path: Path, lexicon: Model) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(f"\ufeff{_GOOD}\r\n{_GOOD}".encode())
    assert [t.record.fields for t in _tag(path, lexicon)] == [{"id": 1, "text": "民警巡逻。"}] * 2


def test_separators_within_a_line_do_not_part_it(tmp_path: Path, lexicon: Model) -> None:
    text = "民警巡逻。\u2028\x85\x0b\x0c\x1c开展宣传。"
    (found,) = _tag(_jsonl(tmp_path, json.dumps({"text": text}, ensure_ascii=False)[:-1] + "}"), lexicon)
    assert found.record.fields == {"text": text}
    assert _domains(found) == ("patrol", "propaganda")


def test_the_text_field_is_chosen(tmp_path: Path, lexicon: Model) -> None:
    (found,) = _tag(_jsonl(tmp_path, '{"text": "开会。", "正文": "民警巡逻。"}'), lexicon, "正文")
    assert _domains(found) == ("patrol",)


def test_a_text_is_cut_like_a_bulletin_of_its_own(tmp_path: Path, lexicon: Model) -> None:
    (found,) = _tag(_jsonl(tmp_path, json.dumps({"text": "民警巡逻。\n来源：县局宣传科\n查处酒驾。"})), lexicon)
    assert found.tagged is not None
    assert found.tagged.bulletin.id == "1"
    assert [p.noise for p in found.tagged.bulletin.paragraphs] == [False, True, False]
    assert _domains(found) == ("traffic", "patrol")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "big5hkscs", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_the_encoding_of_a_csv_is_recognised(tmp_path: Path, lexicon: Model, encoding: str) -> None:
    text = (
        _ROWS if encoding != "big5hkscs" else "編號,正文\r\n1,民警在夜市開展巡邏。\r\n2,向群眾舉辦講座，開展宣傳。\r\n"
    )
    found = _tag(_csv(tmp_path, text, encoding), lexicon, "正文")
    first = text.split("\r\n")[0].split(",")
    assert [list(t.record.fields) for t in found] == [first, first]
    assert [t.fieldnames for t in found] == [tuple(first)] * 2
    assert [_domains(t) for t in found] == [("patrol",), ("propaganda",)]
    assert [t.record.line for t in found] == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_file_longer_than_its_sample_is_read_to_its_end(tmp_path: Path, lexicon: Model, encoding: str) -> None:
    text = "编号,正文\r\n" + "".join(f"{i},民警在夜市开展巡逻，今晚无警情。\r\n" for i in range(3_000))
    found = _tag(_csv(tmp_path, text, encoding), lexicon, "正文")
    assert [t.record.fields["编号"] for t in found] == [str(i) for i in range(3_000)]
    assert {_domains(t) for t in found} == {("patrol",)}


@pytest.mark.parametrize("n_before", [0, 1, 2, 3])
def test_a_first_line_longer_than_the_sample_is_read(tmp_path: Path, lexicon: Model, n_before: int) -> None:
    # The sample ends within a character for two of any three lengths.
    line = json.dumps({"text": "a" * n_before + "民警巡逻。" * 9_000}, ensure_ascii=False)
    found = _tag(_jsonl(tmp_path, line, _GOOD), lexicon)
    assert [_domains(t) for t in found] == [("patrol",)] * 2


@pytest.mark.parametrize("encoding", ["gb18030", "GBK", "utf-16-le", "utf_16_le"])
def test_an_encoding_that_is_named_is_used(tmp_path: Path, lexicon: Model, encoding: str) -> None:
    found = _tag(_csv(tmp_path, _ROWS, encoding), lexicon, "正文", encoding)
    assert [_domains(t) for t in found] == [("patrol",), ("propaganda",)]


def test_a_wrong_encoding_makes_bad_records_of_all_that_is_not_in_it(tmp_path: Path, lexicon: Model) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"text": "abc"}\n' + _GOOD.encode("gb18030") + b"\n")
    good, bad = _tag(path, lexicon, encoding="utf-8")
    assert _domains(good) == ()
    assert bad.record.error == _NOT_TEXT


@pytest.mark.parametrize("encoding", ["klingon", "base64", ""])
def test_an_unknown_encoding_is_wrong_use(tmp_path: Path, lexicon: Model, encoding: str) -> None:
    path = _jsonl(tmp_path, _GOOD)
    if not encoding:
        assert len(_tag(path, lexicon, encoding=encoding)) == 1
        return
    with pytest.raises(UsageError) as error:
        _tag(path, lexicon, encoding=encoding)
    assert str(error.value).startswith(f"--encoding: unknown encoding '{encoding}'. Use a name such as utf-8")


def test_an_encoding_that_needs_a_mark_and_finds_none_is_told_by_name(tmp_path: Path, lexicon: Model) -> None:
    path = _jsonl(tmp_path, _GOOD)
    with pytest.raises(InputError, match="not utf-32") as error:
        _tag(path, lexicon, encoding="utf-32")
    assert str(error.value).startswith(f"{path}: ")


def test_a_utf_16_file_cut_within_a_character_loses_only_its_last_record(tmp_path: Path, lexicon: Model) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(f"{_GOOD}\n{_GOOD}\n{_GOOD}".encode("utf-16")[:-1])
    found = _tag(path, lexicon)
    assert [_domains(t) for t in found] == [("patrol",), ("patrol",), None]


@pytest.mark.parametrize(
    ("delimiter", "other"), [(",", "；"), (";", "、"), ("\t", "；")], ids=["comma", "semicolon", "tab"]
)
def test_the_delimiter_is_told_from_the_header(tmp_path: Path, lexicon: Model, delimiter: str, other: str) -> None:
    text = f"id{delimiter}text\n1{delimiter}民警巡逻{other}开展宣传。\n"
    (found,) = _tag(_csv(tmp_path, text), lexicon)
    assert found.record.fields == {"id": "1", "text": f"民警巡逻{other}开展宣传。"}
    assert _domains(found) == ("patrol", "propaganda")


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends(tmp_path: Path, lexicon: Model) -> None:
    path = _csv(tmp_path, 'id,text\n1,"民警巡逻,\n称""平安""。"\n2,开会。\n')
    first, second = _tag(path, lexicon)
    assert first.record.fields["text"] == '民警巡逻,\n称"平安"。'
    assert (second.record.fields["id"], second.record.line) == ("2", 4)


@pytest.mark.parametrize(
    ("row", "fields", "error"),
    [
        ("2", {"id": "2"}, "1 fields, expected 2"),
        ("2,a,b", {"id": "2", "text": "a"}, "3 fields, expected 2"),
        ("2,a\0b", {"id": "2", "text": "a?b"}, _NOT_TEXT),
        ("2,a\rb", {}, "not CSV (new-line character seen in unquoted field"),
    ],
    ids=["fewer", "more", "nul", "bare_return"],
)
def test_a_bad_row_is_told_and_the_rest_is_tagged(
    tmp_path: Path, lexicon: Model, row: str, fields: dict[str, str], error: str
) -> None:
    found = _tag(_csv(tmp_path, f"id,text\n1,民警巡逻。\n{row}\n\n3,民警巡逻。\n"), lexicon)
    assert [t.record.line for t in found] == [2, 3, 5]
    assert found[1].record.fields == fields
    assert found[1].record.error.startswith(error)
    assert [_domains(t) for t in found] == [("patrol",), None, ("patrol",)]


def test_bytes_that_do_not_belong_make_one_bad_row(tmp_path: Path, lexicon: Model) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(_ROWS.encode() + b"3,\xb0\xff\r\n" + "4,民警巡逻。\r\n".encode())
    found = _tag(path, lexicon, "正文")
    assert [t.record.error for t in found] == ["", "", _NOT_TEXT, ""]
    assert found[2].record.fields == {"编号": "3", "正文": "??"}


def test_an_over_long_row_is_one_bad_record(tmp_path: Path, lexicon: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_MAX_LINE", 60)
    found = _tag(_csv(tmp_path, f'id,text\n1,民警巡逻。\n2,"{"x" * 200}\n3,民警巡逻。\n'), lexicon)
    assert [t.record.line for t in found] == [2, 3, 4]
    assert found[1].record.error == "line longer than 60 characters"
    assert [_domains(t) for t in found] == [("patrol",), None, ("patrol",)]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("id,body", "no column 'text', found 'id', 'body'. Name it with --text-field."),
        ("", "no column 'text', found none. Name it with --text-field."),
        ("text,text", "two columns have the same name. Rename one."),
        ("id\rtext", "its first line is not CSV (new-line character seen in unquoted field"),
    ],
)
def test_a_csv_without_a_usable_header_is_refused(tmp_path: Path, lexicon: Model, header: str, problem: str) -> None:
    path = _csv(tmp_path, f"{header}\n1,民警巡逻。\n")
    with pytest.raises(InputError) as error:
        _tag(path, lexicon)
    assert str(error.value).startswith(f"{path}: {problem}")


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "empty, there is no record in it."),
        (b" \r\n\n", "empty, there is no record in it."),
        (bytes(range(128, 256)) * 4, "not UTF-8 (byte 0x80 at offset 0), and no other encoding is clearly right."),
    ],
    ids=["empty", "blank", "binary"],
)
def test_a_file_without_records_is_refused(
    tmp_path: Path, lexicon: Model, name: str, data: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        _tag(tmp_path / name, lexicon)
    assert str(error.value).startswith(f"{tmp_path / name}: {problem}")


def test_what_is_no_file_is_refused(tmp_path: Path, lexicon: Model) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    for name in ("none.jsonl", "folder.jsonl"):
        with pytest.raises(InputError, match=rf"{name}: no such file\. Check the name\."):
            _tag(tmp_path / name, lexicon)


@pytest.mark.filterwarnings("error")
def test_the_file_is_closed_after_its_last_record_and_after_a_refusal(tmp_path: Path, lexicon: Model) -> None:
    path = _jsonl(tmp_path, _GOOD)
    assert len(_tag(path, lexicon)) == 1
    with pytest.raises(InputError):
        _tag(_csv(tmp_path, ""), lexicon)
    with pytest.raises(InputError):
        _tag(_csv(tmp_path, "a,b\n"), lexicon)


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_no_more_than_a_chunk_is_read_ahead(
    tmp_path: Path, lexicon: Model, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows = "id,text\n" + "1,民警巡逻。\n" * 5_000 if name == "in.csv" else f"{_GOOD}\n" * 5_000
    (tmp_path / name).write_text(rows, encoding="utf-8")
    read: list[int] = []
    monkeypatch.setattr(records, "_checked", lambda number, fields, field: read.append(number) or Record(number, {}))
    next(tag_records(str(tmp_path / name), lexicon, "text"))
    assert len(read) == records._CHUNK


def test_a_quote_that_is_never_closed_is_a_bad_record(tmp_path: Path, lexicon: Model) -> None:
    found = _tag(_csv(tmp_path, 'id,text\n1,民警巡逻。\n2,"开会。\n3,民警巡逻。\n'), lexicon)
    assert [(t.record.line, t.record.error) for t in found] == [(2, ""), (3, "not CSV (unexpected end of data)")]


def test_blank_names_of_columns_are_given(tmp_path: Path, lexicon: Model) -> None:
    (found,) = _tag(_csv(tmp_path, "id,text, ,\n1,民警巡逻。,a,b\n"), lexicon)
    assert found.record.fields == {"id": "1", "text": "民警巡逻。", "column_3": "a", "column_4": "b"}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_first_line_that_names_the_delimiter_is_obeyed(tmp_path: Path, lexicon: Model, delimiter: str) -> None:
    (found,) = _tag(_csv(tmp_path, f"sep={delimiter}\r\nid{delimiter}text\r\n1{delimiter}民警巡逻。\r\n"), lexicon)
    assert (found.record.fields, found.record.line) == ({"id": "1", "text": "民警巡逻。"}, 3)


@pytest.mark.parametrize("data", ["id,text\n1,民警巡逻。\n", '\n{"id": "1", "text": "民警巡逻。"}\n'])
def test_records_on_standard_input_are_told_by_their_beginning(
    lexicon: Model, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    (found,) = tag_records("-", lexicon, "text")
    assert (found.record.fields, _domains(found)) == ({"id": "1", "text": "民警巡逻。"}, ("patrol",))
