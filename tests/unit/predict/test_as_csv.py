"""Rows for spreadsheets: a byte order mark, no cell that is run, own columns first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from tagger.predict.as_csv import BOM, RecordRows, bulletin_rows, header
from tagger.predict.records import TaggedRecord
from tagger.predict.tagging import TaggedBulletin

_IDS = ("traffic", "patrol", "propaganda")
_SCORES = ["score_traffic", "score_patrol", "score_propaganda"]


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_the_mark_is_the_one_that_spreadsheets_look_for() -> None:
    assert BOM.encode("utf-8") == b"\xef\xbb\xbf"


def test_the_header_names_the_unit_its_tags_and_a_score_a_domain() -> None:
    assert header(_IDS) == (
        "id,source,title,date,issuer,unit,paragraph,index,start,end,text,noise,domains,"
        "score_traffic,score_patrol,score_propaganda\r\n"
    )


def test_a_row_a_unit(page: TaggedBulletin) -> None:
    rows = _read(bulletin_rows(page, "measure"))
    assert len(rows) == 5
    facts = ["0312", "pages/0312.txt", "某县公安局多措并举守护平安", "2021-05-06", "某县公安局"]
    assert rows[2] == [
        *facts, "measure", "2", "0", "40", "75",
        "强化巡控保稳定。巡特警每晚在夜市开展武装巡逻。向商户发放宣传单二百份。",
        "0", "patrol;propaganda", "0.0000", "0.5000", "0.5000",
    ]  # fmt: skip
    assert rows[4][-6:] == ["打印本页", "1", "", "0.0000", "0.0000", "0.0000"]
    assert [len(_read(bulletin_rows(page, level))) for level in ("paragraph", "sentence")] == [5, 9]


@pytest.mark.parametrize("lead", ["", " ", "\u3000", "\xa0", "\ufeff", "  \u3000"], ids=ascii)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "|", "%"], ids=ascii)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(
    tag_fields: Callable[..., TaggedRecord], sign: str, lead: str
) -> None:
    text = f"{lead}{sign}cmd|'/c calc'!A0"
    _, row = _read(RecordRows(_IDS).rows(tag_fields({"text": text})))
    assert row[0] == f"'{text}"


@pytest.mark.parametrize(
    "text", ["民警=巡逻", "3-5月", "a@b", "——巡逻", "'=1", "", " ", "5", "-5", "+3.2", "-12%", "-1,000"], ids=ascii
)
def test_any_other_text_stays_as_it_is(tag_fields: Callable[..., TaggedRecord], text: str) -> None:
    _, row = _read(RecordRows(_IDS).rows(tag_fields({"text": text})))
    assert row[0] == text


def test_numbers_are_left_as_numbers(tag_fields: Callable[..., TaggedRecord]) -> None:
    _, row = _read(RecordRows(_IDS).rows(tag_fields({"n": -5, "x": -0.5, "text": "a"})))
    assert row[:2] == ["-5", "-0.5"]


def test_nothing_of_a_hostile_page_is_run(hostile: TaggedBulletin) -> None:
    for row in _read(bulletin_rows(hostile, "paragraph")):
        assert row[1] == "'-1+1|cmd<i>.txt"
        assert not any(cell.lstrip()[:1] in ("=", "+", "-", "@", "|") for cell in row if cell)


def test_a_column_called_like_a_formula_is_not_run(tag_fields: Callable[..., TaggedRecord]) -> None:
    names, _ = _read(RecordRows(_IDS).rows(tag_fields({"=1+1": "x", "text": "a"})))
    assert names[0] == "'=1+1"


def test_own_columns_come_first_and_the_header_once(tag_fields: Callable[..., TaggedRecord]) -> None:
    rows = RecordRows(_IDS)
    text = rows.rows(tag_fields({"id": 7, "text": "民警巡逻。"})) + rows.rows(tag_fields({"id": 8, "text": "开会。"}))
    assert _read(text) == [
        ["id", "text", "domains", *_SCORES, "error", "line", "more"],
        ["7", "民警巡逻。", "patrol", "0.0", "0.5", "0.0", "", "", ""],
        ["8", "开会。", "", "0.0", "0.0", "0.0", "", "", ""],
    ]


def test_a_bad_record_has_its_error_and_line_and_no_scores(tag_fields: Callable[..., TaggedRecord]) -> None:
    rows = RecordRows(_IDS)
    rows.rows(tag_fields({"id": 7, "text": "a"}))
    assert _read(rows.rows(tag_fields({"id": 8}, error="no field 'text'"))) == [
        ["8", "", "", "", "", "", "no field 'text'", "4", ""]
    ]


def test_fields_that_the_first_record_does_not_have_go_into_more(tag_fields: Callable[..., TaggedRecord]) -> None:
    rows = RecordRows(_IDS)
    rows.rows(tag_fields({"text": "a"}))
    (row,) = _read(rows.rows(tag_fields({"text": "a", "b": "民", "c": [1]})))
    assert row[-1] == '{"b": "民", "c": [1]}'


def test_lists_and_objects_are_json(tag_fields: Callable[..., TaggedRecord]) -> None:
    _, row = _read(RecordRows(_IDS).rows(tag_fields({"a": ["民", 1], "b": {"c": None}, "d": None, "text": "x"})))
    assert row[:3] == ['["民", 1]', '{"c": null}', ""]


def test_columns_of_a_csv_are_those_of_its_header(tag_fields: Callable[..., TaggedRecord]) -> None:
    rows = RecordRows(_IDS)
    names, row = _read(rows.rows(tag_fields({"id": "1"}, error="1 fields, expected 2", fieldnames=("id", "text"))))
    assert names[:3] == ["id", "text", "domains"]
    assert row[:3] == ["1", "", ""]


def test_columns_that_are_called_like_ours_are_kept_under_another_name(
    tag_fields: Callable[..., TaggedRecord],
) -> None:
    rows = RecordRows(_IDS)
    own = {"domains": "x", "line": 9, "error": "e", "more": "m", "score_patrol": 1, "scores": "s", "text": "民警巡逻。"}
    text = rows.rows(tag_fields(own)) + rows.rows(tag_fields(own, error="bad"))
    names, good, bad = _read(text)
    assert names == [
        "input_domains", "input_line", "input_error", "input_more", "input_score_patrol", "scores", "text",
        "domains", *_SCORES, "error", "line", "more",
    ]  # fmt: skip
    assert good == ["x", "9", "e", "m", "1", "s", "民警巡逻。", "patrol", "0.0", "0.5", "0.0", "", "", ""]
    assert bad == ["x", "9", "e", "m", "1", "s", "民警巡逻。", "", "", "", "", "bad", "4", ""]


def test_a_broken_character_does_not_break_the_file(tag_fields: Callable[..., TaggedRecord]) -> None:
    text = RecordRows(_IDS).rows(tag_fields({"id": "\ud800", "text": "a"}))
    assert text.encode("utf-8").splitlines()[1].startswith(b"?,a,")


def test_a_result_that_is_tagged_again_has_no_two_columns_of_one_name(tag_fields: Callable[..., TaggedRecord]) -> None:
    text = RecordRows(_IDS).rows(tag_fields({"text": "民警巡逻。", "domains": "x", "input_domains": "y"}))
    names, good = _read(text)
    assert names[:4] == ["text", "input_input_domains", "input_domains", "domains"]
    assert good[:4] == ["民警巡逻。", "x", "y", "patrol"]


def test_evidence_has_a_column_when_asked_for(page: TaggedBulletin, tag_fields: Callable[..., TaggedRecord]) -> None:
    assert header(_IDS, explain=True).endswith(",score_propaganda,evidence\r\n")
    evidence = json.loads(_read(bulletin_rows(page, "measure", explain=True))[2][-1])
    assert list(evidence) == ["patrol", "propaganda"]
    (start, end), *_ = evidence["propaganda"][0]["spans"]
    assert page.bulletin.original[start:end] == evidence["propaganda"][0]["ngram"] == "宣传单"
    rows = RecordRows(_IDS, explain=True)
    names, good = _read(rows.rows(tag_fields({"text": "民警巡逻。", "evidence": "x"})))
    assert names[1:3] == ["input_evidence", "domains"]
    assert json.loads(good[names.index("evidence")])["patrol"][0]["ngram"] == "巡逻"
    (bad,) = _read(rows.rows(tag_fields({"text": "a"}, error="bad")))
    assert (bad[names.index("evidence")], bad[names.index("error")]) == ("", "bad")
