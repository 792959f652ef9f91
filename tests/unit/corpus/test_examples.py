"""Examples: context as the page gives it, a hash over all that counts, and told errors."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tagger.corpus.authored import load_corpus
from tagger.corpus.examples import Examples, examples_from_corpus, examples_from_jsonl
from tagger.domains import DomainSet
from tagger.errors import CorpusError, InputError

_PAGE = (
    "# genre: plan\n# year: 2021\n# province: 贵州\n# unit: 派出所\n# script: traditional\n\n"
    "青山派出所夏季工作打算\t-\tlead_in\n\n"
    "強化巡防。\tpatrol\tlead_in\n每晚步巡夜市２次。\tpatrol\n向攤主發放傳單。\tpatrol,propaganda\n\n"
    "打印本页\t-\tnoise\n"
)


def _lines(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


@pytest.fixture
def few(tmp_path: Path, domains: DomainSet) -> Examples:
    """The sentences of `_PAGE`."""
    (tmp_path / "01.txt").write_text(_PAGE, encoding="utf-8")
    return examples_from_corpus(load_corpus(tmp_path, domains), domains)


def test_every_sentence_is_an_example_with_its_place_and_labels(few: Examples) -> None:
    assert few.ids == ["01.0.0", "01.1.0", "01.1.1", "01.1.2", "01.2.0"]
    assert few.bulletins.tolist() == ["01"] * 5
    assert few.paragraphs.tolist() == [0, 1, 1, 1, 2]
    assert few.y_true.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert few.y_true.dtype == np.int8
    assert few.noise.tolist() == [False, False, False, False, True]


def test_a_text_is_normalised_and_has_the_context_of_its_page(few: Examples) -> None:
    assert few.texts[2]._asdict() == {
        "text": "每晚步巡夜市2次。", "lead_in": "强化巡防。", "previous": "强化巡防。",
        "following": "向摊主发放传单。", "title": "青山派出所夏季工作打算",
    }  # fmt: skip
    assert few.texts[1].lead_in == ""
    assert few.texts[0].title == ""


def test_page_furniture_is_kept_without_context(few: Examples) -> None:
    assert few.texts[4]._asdict() == {
        "text": "打印本页", "lead_in": "", "previous": "", "following": "", "title": ""
    }  # fmt: skip


def test_examples_are_taken_by_number_or_by_mask(few: Examples) -> None:
    by_number = few.take(np.array([3, 1]))
    assert by_number.ids == ["01.1.2", "01.1.0"]
    assert by_number.y_true.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert by_number.texts == [few.texts[3], few.texts[1]]
    assert few.take(few.noise).ids == ["01.2.0"]
    assert len(few.take(~few.noise)) == 4


def test_the_same_data_have_the_same_hash(tmp_path: Path, few: Examples, domains: DomainSet) -> None:
    again = examples_from_corpus(load_corpus(tmp_path, domains), domains)
    assert again.hash == few.hash
    assert len(few.hash) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda e: {"ids": ["x", *e.ids[1:]]},
        lambda e: {"texts": [e.texts[0]._replace(text="别的"), *e.texts[1:]]},
        lambda e: {"texts": [e.texts[0]._replace(lead_in="别的"), *e.texts[1:]]},
        lambda e: {"y_true": 1 - e.y_true},
    ],
    ids=["id", "text", "context", "labels"],
)
def test_any_change_changes_the_hash(few: Examples, change) -> None:  # type: ignore[no-untyped-def]
    assert dataclasses.replace(few, **change(few)).hash != few.hash


def test_lines_of_one_bulletin_give_each_other_context(tmp_path: Path, domains: DomainSet) -> None:
    path = _lines(
        tmp_path / "gold.jsonl",
        {"text": "强化巡防。", "domains": ["patrol"], "bulletin": "a", "paragraph": 1},
        {"text": "每晚步巡夜市。", "domains": ["patrol"], "bulletin": "a", "paragraph": 1},
        {"text": "发放传单。", "domains": ["propaganda"], "bulletin": "a", "paragraph": 2},
        {"text": "民警步巡。", "domains": [], "bulletin": "b"},
    )
    examples = examples_from_jsonl(path, domains)
    assert examples.ids == ["a.0.0", "a.0.1", "a.1.0", "b.0.0"]
    assert examples.texts[1].lead_in == examples.texts[1].previous == "强化巡防。"
    assert examples.texts[2].previous == examples.texts[3].previous == ""


@pytest.mark.parametrize("extra", [{}, {"bulletin": None}], ids=["missing", "null"])
def test_lines_without_a_bulletin_stand_alone(tmp_path: Path, domains: DomainSet, extra: dict[str, None]) -> None:
    record = {"text": "民警步巡。", "domains": ["patrol"], **extra}
    path = _lines(tmp_path / "x.jsonl", record, record, record)
    examples = examples_from_jsonl(path, domains)
    assert examples.bulletins.tolist() == ["1", "2", "3"]
    assert {text.previous for text in examples.texts} == {""}


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path, domains: DomainSet) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a", "domains": []}\r\n\r\n{"text": "b", "domains": []}')
    assert examples_from_jsonl(path, domains).bulletins.tolist() == ["1", "3"]


@pytest.mark.parametrize(
    ("line", "kind", "problem"),
    [
        ("{", InputError, "not a labelled record (JSONDecodeError"),
        ("[" * 100_000, InputError, "not a labelled record (RecursionError"),
        ("[1]", InputError, "found [1], expected a labelled record"),
        ('{"domains": []}', InputError, "no field 'text' in it, found 'domains'"),
        ('{"text": "a"}', InputError, "no field 'domains' in it, found 'text'"),
        ('{"text": "a", "domains": null}', InputError, "found domains None, expected a list of domain ids"),
        ('{"text": " ", "domains": []}', InputError, "found an empty text, expected a sentence"),
        ('{"text": 5, "domains": []}', InputError, "found an empty text, expected a sentence"),
        ('{"text": "a", "domains": ["patrl"]}', CorpusError, "unknown domain 'patrl'. Did you mean 'patrol'?"),
        ('{"text": "a", "domains": [["patrol"]]}', InputError, "found domains [['patrol']], expected a list"),
        ('{"text": "a", "domains": ""}', InputError, "found domains '', expected a list"),
    ],
)
def test_a_line_that_is_no_labelled_sentence_is_told_with_its_number(
    tmp_path: Path, domains: DomainSet, line: str, kind: type[Exception], problem: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f'{{"text": "a", "domains": []}}\n\n{line}\n', encoding="utf-8")
    with pytest.raises(kind) as error:
        examples_from_jsonl(path, domains)
    assert str(error.value).startswith(f"{path}:3: {problem}")


def test_a_bulletin_in_two_places_is_told_with_its_second_line(tmp_path: Path, domains: DomainSet) -> None:
    rows = [{"text": "民警步巡。", "domains": [], "bulletin": id} for id in ("a", "b", "a")]
    path = _lines(tmp_path / "x.jsonl", *rows)
    with pytest.raises(CorpusError, match="bulletin 'a' begins a second time") as error:
        examples_from_jsonl(path, domains)
    assert str(error.value).startswith(f"{path}:3: ")


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "no records in it"), (b"\n \n", "no records in it"), ("民警".encode("gb18030"), "cannot be read as UTF-8")],
    ids=["empty", "blank", "gb18030"],
)
def test_a_file_without_records_is_told_by_name(tmp_path: Path, domains: DomainSet, data: bytes, problem: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=problem):
        examples_from_jsonl(path, domains)


def test_a_missing_file_is_told_by_name(tmp_path: Path, domains: DomainSet) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jsonl: no such file"):
        examples_from_jsonl(tmp_path / "nowhere.jsonl", domains)


def test_the_task_of_a_sentence_goes_along_and_is_no_part_of_the_hash(tmp_path: Path, domains: DomainSet) -> None:
    rows = [{"text": f"第{i}次巡逻。", "domains": ["patrol"], "bulletin": "b", "paragraph": i} for i in (1, 2, 5)]
    plain = examples_from_jsonl(_lines(tmp_path / "a.jsonl", *rows), domains)
    tasks = ["b:paragraph:1", "b:paragraph:2", "b:paragraph:4"]
    named = [{**row, "uid": uid} for row, uid in zip(rows, tasks, strict=True)]
    pulled = examples_from_jsonl(_lines(tmp_path / "b.jsonl", *named), domains)
    assert (plain.uids, pulled.uids) == (["", "", ""], tasks)
    assert pulled.hash == plain.hash
    assert pulled.take(np.array([2, 0])).uids == [tasks[2], tasks[0]]
    assert plain.join(pulled).uids == ["", "", "", *tasks]
