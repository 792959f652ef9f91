"""What a push has to do: texts keep their tasks, wherever they move; nothing is doubled."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.errors import LabellingError
from tagger.labelling.inventory import KnownTask
from tagger.labelling.plan import plan_push

_TEXTS = (
    "民警在夜市巡逻",
    "向商户发放宣传单",
    "纠正骑车不戴头盔",
    "召开会议学习文件",
    "窗口延时服务群众",
    "劝阻电信诈骗三起",
)


def _wanted(texts: Sequence[str], bulletin: str = "b", source: str = "b.txt") -> list[dict[str, Any]]:
    return [
        {
            "data": {
                "uid": f"{bulletin}:paragraph:{i}", "bulletin": bulletin, "unit": "paragraph", "index": i,
                "text": text, "content_hash": str(hash(text)), "source": source, "note": "",
            },
            "predictions": [],
        }
        for i, text in enumerate(texts)
    ]  # fmt: skip


def _known(tasks: Sequence[dict[str, Any]], first: int = 1) -> list[KnownTask]:
    return [KnownTask(first + i, task["data"]) for i, task in enumerate(tasks)]


def _apply(known: list[KnownTask], wanted: list[dict[str, Any]]) -> list[KnownTask]:
    """What the server holds after a push."""
    plan = plan_push(wanted, known, replace=True)
    data = {task.id: task.data for task in known} | {old.id: new for old, new in plan.changed}
    top = max(data, default=0)
    return [KnownTask(id, d) for id, d in data.items()] + _known(plan.new, top + 1)


def test_an_empty_project_gets_everything() -> None:
    wanted = _wanted(_TEXTS)
    plan = plan_push(wanted, [])
    assert (plan.new, plan.changed, plan.duplicates, plan.gone) == (wanted, [], [], [])


@given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True), st.data())
def test_a_neighbour_that_changed_writes_its_task_and_makes_none_anew(texts: list[str], data: st.DataObject) -> None:
    """The text beside a paragraph is shown and compared; the task stays the same, and is written once."""
    shown = st.lists(st.text(), min_size=len(texts), max_size=len(texts))
    first, second = data.draw(shown), data.draw(shown)
    wanted = _wanted(texts)

    def beside(contexts: list[str]) -> list[dict[str, Any]]:
        return [{**t, "data": {**t["data"], "before": c}} for t, c in zip(wanted, contexts, strict=True)]

    known = _known(beside(first))
    plan = plan_push(beside(second), known)
    assert (plan.new, plan.gone, plan.duplicates) == ([], [], [])
    assert [old.id for old, _ in plan.changed] == [
        i for i, (a, b) in enumerate(zip(first, second, strict=True), 1) if a != b
    ]
    after = _apply(known, beside(second))
    assert plan_push(beside(second), after).changed == []


def test_the_same_again_is_nothing_to_do() -> None:
    plan = plan_push(_wanted(_TEXTS, source="elsewhere/b.txt"), _known(_wanted(_TEXTS)))
    assert (plan.new, plan.changed, plan.gone, len(plan.kept)) == ([], [], [], 6)


def test_a_changed_text_keeps_its_task() -> None:
    plan = plan_push(_wanted(["民警在车站巡逻", *_TEXTS[1:]]), _known(_wanted(_TEXTS)))
    assert [(old.id, new["text"], new["uid"]) for old, new in plan.changed] == [(1, "民警在车站巡逻", "b:paragraph:0")]
    assert (plan.new, plan.gone) == ([], [])


def test_a_text_that_moves_keeps_its_task_and_the_new_one_gets_a_free_uid() -> None:
    plan = plan_push(_wanted(["新的一段", *_TEXTS]), _known(_wanted(_TEXTS)))
    assert [new["text"] for _, new in plan.changed] == list(_TEXTS)
    assert [old.data["text"] for old, _ in plan.changed] == list(_TEXTS)
    (new,) = plan.new
    assert new["data"]["uid"].startswith("b:paragraph:0~")


def test_a_text_that_moves_and_is_edited_keeps_its_task() -> None:
    edited = ["新的一段", _TEXTS[0], f"{_TEXTS[1]}二百份", *_TEXTS[2:]]
    plan = plan_push(_wanted(edited), _known(_wanted(_TEXTS)))
    assert {old.data["text"]: new["text"] for old, new in plan.changed}[_TEXTS[1]] == f"{_TEXTS[1]}二百份"
    assert ([task["data"]["text"] for task in plan.new], plan.gone) == (["新的一段"], [])


def test_what_the_labelling_room_wrote_stays_and_is_no_change() -> None:
    known = _known(_wanted(_TEXTS))
    known[0].data.update(recheck={"7": {"updated_at": "t", "why": "x"}}, note="两种意见")
    assert plan_push(_wanted(_TEXTS), known).changed == []
    (_, new), *_ = plan_push(_wanted(["民警在车站巡逻", *_TEXTS[1:]]), known).changed
    assert (new["recheck"], new["note"]) == (known[0].data["recheck"], "两种意见")


def test_copies_of_a_task_are_told_and_the_first_is_kept() -> None:
    known = [*_known(_wanted(_TEXTS)), *_known(_wanted(_TEXTS[:1]), 9)]
    plan = plan_push(_wanted(_TEXTS), known)
    assert [(first.id, [t.id for t in others]) for first, others in plan.duplicates] == [(1, [9])]
    assert (plan.new, plan.changed, plan.gone) == ([], [], [])


def test_other_bulletins_are_left_alone() -> None:
    plan = plan_push(_wanted(_TEXTS, "b"), _known(_wanted(_TEXTS, "c")))
    assert (len(plan.new), plan.gone) == (6, [])


def test_two_documents_of_one_name_are_refused() -> None:
    both = [*_wanted(_TEXTS, source="x/b.txt"), *_wanted(_TEXTS, source="y/b.txt")]
    with pytest.raises(LabellingError, match=r"y/b\.txt: also called 'b', as x/b\.txt is\."):
        plan_push(both, [])


def test_another_bulletin_under_a_taken_name_is_refused_unless_it_takes_the_place() -> None:
    known = _known(_wanted(["看守所大检查", "审计完成"]))
    with pytest.raises(LabellingError, match="no paragraph in common"):
        plan_push(_wanted(_TEXTS[:2]), known)
    assert len(plan_push(_wanted(_TEXTS[:2]), known, replace=True).changed) == 2


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(_TEXTS), max_size=7), min_size=1, max_size=5))
def test_any_history_of_versions_ends_with_the_last_one_and_a_second_push_writes_nothing(history: Any) -> None:
    known: list[KnownTask] = []
    for texts in history:
        known = _apply(known, _wanted(texts))
        plan = plan_push(_wanted(texts), known, replace=True)
        assert (plan.new, plan.changed, plan.duplicates) == ([], [], [])
        assert sorted(known_text for known_text in (t.data["text"] for t in known if t.id in plan.kept)) == sorted(
            texts
        )
        assert len({task.uid for task in known}) == len(known)


@settings(max_examples=60, deadline=None)
@given(st.permutations(_TEXTS), st.integers(0, 10_000))
def test_a_push_that_was_cut_off_anywhere_ends_in_the_same_state(texts: Any, seed: int) -> None:
    die = random.Random(seed)
    known, wanted = _known(_wanted(_TEXTS[:4])), _wanted(["开头一段", *texts])
    plan = plan_push(wanted, known, replace=True)
    part = [pair for pair in plan.changed if die.random() < 0.5]
    data = {t.id: t.data for t in known} | {old.id: new for old, new in part}
    arrived = [t for t in plan.new if die.random() < 0.5]
    cut_off = [KnownTask(id, d) for id, d in data.items()] + _known(arrived, 100)
    straight, resumed = _apply(known, wanted), _apply(cut_off, wanted)
    as_sets = [sorted((t.data["text"], t.data["index"]) for t in state) for state in (straight, resumed)]
    assert as_sets[0] == as_sets[1]
