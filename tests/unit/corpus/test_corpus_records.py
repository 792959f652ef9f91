"""Rows of strangers as bulletins: fields under any name, labels by id or name, every problem with its place."""

from __future__ import annotations

from typing import Any

import pytest

from tagger.corpus.records import Fields, LabelledRecord, Row, bulletins_from_records, records_from_rows
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError, TaggerError


def _rows(*fields: Any) -> list[Row]:
    return [Row(f"x.jsonl:{number}", number, row) for number, row in enumerate(fields, start=1)]


def _record(
    bulletin: str, text: str = "民警巡逻。", paragraph: object = 0, source: str = "", *labels: str
) -> LabelledRecord:
    return LabelledRecord("x:1", 1, text, labels, bulletin, paragraph, source)  # type: ignore[arg-type]


def test_fields_may_have_any_name() -> None:
    fields = Fields("内容", "标签", "工单", "段", "区县")
    row = {"内容": "路灯不亮。", "标签": ["路灯"], "工单": 7, "段": 2, "区县": "北湖区", "more": object()}
    (record,) = records_from_rows(_rows(row), fields)
    assert record == LabelledRecord("x.jsonl:1", 1, "路灯不亮。", ("路灯",), "7", 2, "北湖区")


@pytest.mark.parametrize(
    ("labels", "found"),
    [("a;b", ("a", "b")), (" a ; ; b;", ("a", "b")), ("", ()), ("a;a", ("a",)), (["a;b"], ("a;b",)), ([], ())],
)
def test_labels_are_a_list_or_one_string_with_separators(labels: object, found: tuple[str, ...]) -> None:
    (record,) = records_from_rows(_rows({"text": "x", "domains": labels}), Fields(), separator=";")
    assert record.labels == found


def test_labels_in_one_string_need_a_separator() -> None:
    with pytest.raises(InputError, match=r"found domains 'a;b', expected a list of domain ids\. \[\] stands for none"):
        list(records_from_rows(_rows({"text": "x", "domains": "a;b"}), Fields()))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"domains": []}, "no field 'text' in it, found 'domains'. Expected {"),
        ({"text": "x"}, "no field 'domains' in it, found 'text'. Expected {"),
        ({}, "no field 'text' in it, found none. Expected {"),
        (["text"], "found ['text'], expected a labelled record. Expected {"),
        (None, "found None, expected a labelled record. Expected {"),
        ({"text": " \n", "domains": []}, "found an empty text"),
        ({"text": None, "domains": []}, "found an empty text"),
        ({"text": "x", "domains": None}, "found domains None, expected a list"),
        ({"text": "x", "domains": [1]}, "found domains [1], expected a list"),
        ({"text": "x", "domains": [], "bulletin": ["a"]}, "found bulletin ['a'], expected a name or a number"),
        ({"text": "x", "domains": [], "source": {}}, "found source {}, expected a name or a number"),
        ({"text": "x\ud800", "domains": []}, "found half a character (a lone surrogate)"),
        ({"text": "x", "domains": ["\udfff"]}, "found half a character (a lone surrogate)"),
        ({"text": "x", "domains": [], "bulletin": "\ud800"}, "found half a character (a lone surrogate)"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_labelled_text_is_told_with_its_place_and_left_out(row: object, problem: str) -> None:
    good = {"text": "x", "domains": []}
    problems: list[TaggerError] = []
    records = list(records_from_rows(_rows(good, row, good), Fields(), report=problems.append))
    assert [record.number for record in records] == [1, 3]
    assert len(problems) == 1
    assert str(problems[0]).startswith(f"x.jsonl:2: {problem}")
    with pytest.raises(InputError):
        list(records_from_rows(_rows(row), Fields()))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"body": "x", "domains": []}, "x.jsonl:1: no field 'text' in it, found 'body', 'domains'. "
                                       "data.fields.text=NAME tells what it is called."),
        ({"text": "x", "tags": []}, "x.jsonl:1: no field 'domains' in it, found 'text', 'tags'. "
                                    "data.fields.labels=NAME tells what it is called."),
    ],
)  # fmt: skip
def test_where_a_field_may_be_named_the_setting_for_it_is_told(row: object, problem: str) -> None:
    with pytest.raises(InputError) as error:
        list(records_from_rows(_rows(row), Fields(), setting="data.fields"))
    assert str(error.value) == problem


def test_a_long_value_is_shown_by_its_beginning() -> None:
    problems: list[TaggerError] = []
    list(records_from_rows(_rows({"text": "x", "domains": "长" * 10_000}), Fields(), report=problems.append))
    assert len(str(problems[0])) < 200


@pytest.mark.parametrize("bulletin", [None, "", "absent"])
def test_a_text_without_a_bulletin_is_one_of_its_own(bulletin: str | None, domains: DomainSet) -> None:
    row = {"text": "民警巡逻。", "domains": [], **({} if bulletin == "absent" else {"bulletin": bulletin})}
    bulletins = bulletins_from_records(records_from_rows(_rows(row, row), Fields()), domains)
    assert [b.id for b in bulletins] == ["1", "2"]


def test_texts_of_a_bulletin_and_paragraph_come_together(domains: DomainSet) -> None:
    texts = [("a", "一。", 4), ("a", "二。", 4), ("a", "三。", "x"), ("b", "四。", 4, "河北")]
    records = [_record(*text) for text in texts]  # type: ignore[arg-type]
    first, second = bulletins_from_records(records, domains)
    assert [[s.text for s in p] for p in first.paragraphs] == [["一。", "二。"], ["三。"]]
    assert (first.id, second.id, second.header) == ("a", "b", {"source": "河北"})


def test_a_domain_is_named_by_its_id_or_its_names(domains: DomainSet) -> None:
    records = [_record("a", "x", 0, "", "宣传", "Patrol"), _record("a", "y", 0, "", "patrol", "巡逻防控")]
    (bulletin,) = bulletins_from_records(records, domains)
    assert [s.domains for s in bulletin.sentences] == [("patrol", "propaganda"), ("patrol",)]


@pytest.mark.parametrize(
    ("records", "problem", "left"),
    [
        ([_record("a", "x", 0, "", "patrl"), _record("a")], "unknown domain 'patrl'. Did you mean 'patrol'?", ["a"]),
        ([_record("a", "x", 0, "", "patrl")], "unknown domain 'patrl'", []),
        ([_record("a"), _record("b"), _record("a")], "bulletin 'a' begins a second time", ["a", "b"]),
        ([_record("a", source="京"), _record("a", source="津")], "bulletin 'a' has the sources '京' and '津'", []),
    ],
)  # fmt: skip
def test_what_cannot_be_put_together_is_told(
    records: list[LabelledRecord], problem: str, left: list[str], domains: DomainSet
) -> None:
    problems: list[TaggerError] = []
    assert [b.id for b in bulletins_from_records(records, domains, report=problems.append)] == left
    assert [str(p).startswith(f"x:1: {problem}") for p in problems] == [True]
    with pytest.raises(CorpusError):
        bulletins_from_records(records, domains)
