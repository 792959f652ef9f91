"""Annotations to be looked at again become a queue: who is asked for what, why, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tagger.labelling.rechecks import recheck_queue
from tagger.labelling.review_push import read_queue


def _row(uid: str, annotator: str, recheck: str = "", **more: Any) -> dict[str, Any]:
    return {"uid": uid, "annotator": annotator, "status": "labelled", "domains": ["patrol"], "recheck": recheck, **more}


def test_the_reason_is_the_note_and_what_was_said_is_an_opinion_to_start_from() -> None:
    (task,) = recheck_queue([_row("a", "li", "the text has changed"), _row("b", "li")]).tasks
    assert (task.uid, task.note) == ("a", "请再看一遍 · look again: the text has changed")
    assert task.opinions == (("opinion of li", ("patrol",)),)


def test_a_paragraph_that_nothing_else_speaks_for_comes_first() -> None:
    rows = [_row("a", "li", "new: fire"), _row("a", "wang"), _row("b", "li", "new: fire"), _row("b", "wang", "x")]
    first, second = recheck_queue(rows).tasks
    assert (first.uid, first.priority, first.note.endswith("new: fire; x")) == ("b", 1.0, True)
    assert (second.uid, second.priority, len(second.opinions)) == ("a", 0.5, 2)


def test_who_has_labelled_it_anew_or_skipped_it_is_not_asked_again() -> None:
    done = [_row("a", "li", "the text has changed"), _row("a", "li", domains=[])]
    skipped = [_row("b", "li", "the text has changed", status="skipped", domains=[])]
    assert recheck_queue([*done, *skipped]).tasks == ()


def test_the_queue_reads_as_it_was_written(tmp_path: Path) -> None:
    queue = recheck_queue([_row("a", "li", "patrol was split into street、post")])
    (tmp_path / "again.jsonl").write_text("".join(queue.lines()), encoding="utf-8")
    assert read_queue(tmp_path / "again.jsonl") == queue
