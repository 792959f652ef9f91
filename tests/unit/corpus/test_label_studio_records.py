"""An export of Label Studio: three kinds of nothing, spans on sentences, several people on one task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagger.corpus.label_studio import TaskCounts, label_studio_records
from tagger.corpus.records import Fields, LabelledRecord
from tagger.errors import InputError, TaggerError

_TEXT = "每晚步巡夜市。发放传单。召开会议。"
_FIELDS = Fields(paragraph="index", source=None)


def _choices(*labels: str, name: str = "domains") -> dict[str, Any]:
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(labels)}}


def _span(start: int, end: int, *labels: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": _TEXT[start:end], "labels": list(labels)}
    return {"from_name": "spans", "to_name": "text", "type": "labels", "value": value}


def _annotation(*results: object, by: object = 1, at: str = "2026-01-01", **more: object) -> dict[str, Any]:
    return {"result": list(results), "completed_by": by, "updated_at": at, "was_cancelled": False, **more}


def _task(id: int, *annotations: object, **data: object) -> dict[str, Any]:
    return {"id": id, "data": {"text": _TEXT, **data}, "annotations": list(annotations), "predictions": [{"result": 1}]}


def _write(tmp_path: Path, *tasks: object) -> Path:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return path


def _read(tmp_path: Path, *tasks: object, **options: Any) -> list[LabelledRecord]:
    return label_studio_records(_write(tmp_path, *tasks), _FIELDS, **options)


def _labels(records: list[LabelledRecord]) -> list[tuple[str, ...]]:
    return [record.labels for record in records]


def test_unlabelled_skipped_and_empty_are_three_things(tmp_path: Path) -> None:
    counts = TaskCounts()
    records = _read(
        tmp_path, _task(1), _task(2, _annotation(was_cancelled=True)), _task(3, _annotation()),
        _task(4, _annotation(_choices("none", name="none"))), _task(5, _annotation(_choices("patrol"))), counts=counts,
    )  # fmt: skip
    assert [(record.where.rsplit(" ", 1)[1], record.labels) for record in records] == [
        ("3", ()), ("4", ()), ("5", ("patrol",))
    ]  # fmt: skip
    assert (counts.unlabelled, counts.skipped, counts.labelled, counts.empty) == (1, 1, 3, 2)


def test_a_task_that_one_skipped_and_another_labelled_is_labelled(tmp_path: Path) -> None:
    task = _task(1, _annotation(was_cancelled=True, by=1), _annotation(_choices("patrol"), by=2))
    assert _labels(_read(tmp_path, task)) == [("patrol",)]


def test_choices_label_the_whole_text_and_spans_its_sentences(tmp_path: Path) -> None:
    (whole,) = _read(tmp_path, _task(1, _annotation(_choices("patrol", "propaganda"))))
    assert (whole.text, whole.labels) == (_TEXT, ("patrol", "propaganda"))
    sentences = _read(tmp_path, _task(1, _annotation(_span(0, 7, "patrol"), _span(7, 12, "propaganda"))))
    assert [record.text for record in sentences] == ["每晚步巡夜市。", "发放传单。", "召开会议。"]
    assert _labels(sentences) == [("patrol",), ("propaganda",), ()]


def test_where_sentences_are_marked_an_empty_answer_is_about_each_of_them(tmp_path: Path) -> None:
    records = _read(tmp_path, _task(1, _annotation(_span(0, 7, "patrol"))), _task(2, _annotation()))
    assert _labels(records) == [("patrol",), (), (), (), (), ()]


def test_a_chosen_label_that_no_span_bears_keeps_the_text_whole(tmp_path: Path) -> None:
    records = _read(tmp_path, _task(1, _annotation(_span(0, 7, "patrol"), _choices("patrol", "propaganda"))))
    assert (records[0].text, _labels(records)) == (_TEXT, [("patrol", "propaganda")])
    borne = _read(tmp_path, _task(1, _annotation(_span(0, 7, "patrol"), _choices("patrol"))))
    assert _labels(borne) == [("patrol",), (), ()]


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        (0, 8, [("x",), (), ()]),  # a character beyond the full stop
        (2, 4, [("x",), (), ()]),  # two characters within
        (5, 10, [(), ("x",), ()]),  # three of five
        (0, 17, [("x",), ("x",), ("x",)]),
    ],
)
def test_a_span_labels_the_sentences_that_it_lies_on(
    tmp_path: Path, start: int, end: int, labels: list[tuple[str, ...]]
) -> None:
    assert _labels(_read(tmp_path, _task(1, _annotation(_span(start, end, "x"))))) == labels


def test_choices_on_a_region_are_a_span(tmp_path: Path) -> None:
    region = {"from_name": "d", "type": "choices", "value": {"start": 7, "end": 12, "choices": ["x"]}}
    assert _labels(_read(tmp_path, _task(1, _annotation(region)))) == [(), ("x",), ()]


@pytest.mark.parametrize(
    ("answers", "labels"),
    [
        ([["a"], ["a"]], [("a",)]),
        ([["a"], ["a"], ["b"]], [("a",)]),
        ([["a", "b"], ["a"], ["b"]], [("a", "b")]),
        ([["a"], ["b"], ["c"]], [()]),
        ([["a"], ["b"]], []),
        ([["a"], []], []),
        ([["a"], ["a", "b"], ["a"], ["b"]], []),
    ],
)
def test_of_several_people_more_than_half_decide_and_a_tie_is_left_out(
    tmp_path: Path, answers: list[list[str]], labels: list[tuple[str, ...]], caplog: pytest.LogCaptureFixture
) -> None:
    counts = TaskCounts()
    annotations = [_annotation(_choices(*a) if a else _choices(), by=person) for person, a in enumerate(answers)]
    other = _task(8, _annotation(_choices("z")))
    records = _read(tmp_path, _task(7, *annotations), other, counts=counts)
    assert _labels(records) == [*labels, ("z",)]
    assert counts.tied == ([] if labels else ["task 7"])
    assert ("annotators tie" in caplog.text) == (not labels)


def test_sentences_are_settled_one_by_one(tmp_path: Path) -> None:
    one, other = _span(0, 7, "a"), _span(7, 12, "b")
    annotations = [_annotation(one, by=1), _annotation(one, other, by=2), _annotation(other, by=3)]
    assert _labels(_read(tmp_path, _task(1, *annotations))) == [("a",), ("b",), ()]


def test_a_ground_truth_decides_alone_and_a_persons_last_word_counts(tmp_path: Path) -> None:
    truth = _annotation(_choices("b"), by=9, ground_truth=True)
    others = [_annotation(_choices("a"), by=person) for person in range(3)]
    assert _labels(_read(tmp_path, _task(1, *others, truth))) == [("b",)]
    later = _annotation(_choices("c"), by={"id": 1, "email": "x@y"}, at="2026-02-01")
    assert _labels(_read(tmp_path, _task(1, later, _annotation(_choices("a"), by=1)))) == [("c",)]


def test_tasks_of_a_bulletin_come_together_in_page_order(tmp_path: Path) -> None:
    said = _annotation(_choices("a"))
    tasks = [
        _task(1, said, bulletin="x", index=2), _task(2, said, bulletin="y", index=0),
        _task(3, said, bulletin="x", index=10), _task(4, said, bulletin="x", index=0), _task(5, said),
    ]  # fmt: skip
    records = _read(tmp_path, *tasks)
    assert [(r.bulletin, r.number) for r in records] == [("x", 4), ("x", 1), ("x", 3), ("y", 2), ("task 5", 5)]


def test_one_control_alone_can_be_read(tmp_path: Path) -> None:
    task = _task(1, _annotation(_choices("a"), _choices("good", name="quality")))
    assert _labels(_read(tmp_path, task, control="domains")) == [("a",)]
    assert _labels(_read(tmp_path, task)) == [("a", "good")]


def test_results_that_bear_no_labels_are_passed_over(tmp_path: Path) -> None:
    rest = [{"type": "relation", "from_id": "x"}, {"type": "textarea", "value": {"text": ["note"]}},
            {"type": "rating", "value": {"rating": 3}}]  # fmt: skip
    assert _labels(_read(tmp_path, _task(1, _annotation(*rest, _choices("a"))))) == [("a",)]


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (5, "task 2: found no data and annotations[], expected a task of a full export"),
        ({"id": 3, "text": "x", "choice": "a"}, "task 3: found no data and annotations[]"),
        ({"id": 3, "data": {"text": "x"}, "annotations": [17]}, "task 3: found no data and annotations[]"),
        (_task(3, text=""), "task 3: found no text in data.text, expected some"),
        (_task(3, {"result": None}), "task 3: found an annotation without result[]"),
        (_task(3, _annotation({"type": "choices"})), "task 3: found a result without type and value"),
        (_task(3, _annotation({"type": "choices", "value": {"choices": "a"}})), "task 3: found choices 'a'"),
        (_task(3, _annotation(_choices(5))), "task 3: found choices [5], expected names"),  # type: ignore[arg-type]
        (_task(3, _annotation(_span(0, 99, "a"))), "task 3: found a span from 0 to 99 in a text of 17 characters"),
        (_task(3, _annotation({"type": "labels", "value": {"start": "0", "end": 2, "labels": ["a"]}})),
         "task 3: found a span from '0' to 2"),
        (_task(3, _annotation({"type": "hypertextlabels", "value": {"start": "/p[1]"}})),
         "task 3: found a result of type hypertextlabels"),
        (_task(3, _annotation(_choices("a")), bulletin=["x"]), "task 3: found data.bulletin ['x']"),
    ],
)  # fmt: skip
def test_a_task_that_cannot_be_read_is_told_by_its_id(tmp_path: Path, task: object, problem: str) -> None:
    path = _write(tmp_path, _task(1, _annotation(_choices("a"))), task)
    problems: list[TaggerError] = []
    assert len(label_studio_records(path, _FIELDS, report=problems.append)) == 1
    assert [str(p).startswith(f"{path}: {problem}") for p in problems] == [True], problems
    with pytest.raises(InputError):
        label_studio_records(path, _FIELDS)


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"{", "not a JSON export"), (b"{}", "found no list of tasks"), (b"[]", "found no list of tasks"),
     (b"[" * 100_000, "not a JSON export"), ("[\u4e2d]".encode("gb18030"), "not a JSON export")],
)  # fmt: skip
def test_a_file_that_is_no_export_is_told(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(InputError, match=problem):
        label_studio_records(tmp_path / "x.json", _FIELDS)


def test_an_export_without_any_answer_is_told_with_what_became_of_its_tasks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found no labelled task \(0 tasks labelled .+, 1 unlabelled and 1 skipped"):
        _read(tmp_path, _task(1), _task(2, _annotation(was_cancelled=True)))


def test_a_task_of_ours_keeps_its_id_and_a_strange_one_is_passed_over(tmp_path: Path) -> None:
    said = _annotation(_choices("patrol"))
    tasks = [_task(1, said, uid="b:paragraph:4"), _task(2, said), _task(3, said, uid=7), _task(4, said, uid=["x"])]
    assert [record.uid for record in _read(tmp_path, *tasks)] == ["b:paragraph:4", "", "", ""]
