"""A changed bulletin is asked for again: pull writes the queue, review shows it, and who looks again clears it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.labelling.inventory import list_tasks
from tagger.labelling.project import need_project

pytestmark = pytest.mark.timeout(900)


def test_what_has_changed_is_asked_for_again_until_somebody_looks(
    running: Any, labels: Callable[..., Any], tmp_path: Path, domains_file: Path, annotate: Callable[..., Any]
) -> None:
    title = ("--project", "again")
    pull = ("pull", *title, "--domains", domains_file, "--queue", "again.jsonl")
    page = tmp_path / "a.txt"
    labels("init", *title, "--domains", domains_file)
    page.write_text("巡特警每晚在夜市开展武装巡逻。\n向商户发放宣传单二百份。", encoding="utf-8")
    labels("push", "a.txt", "--model", "none", *title)
    project = need_project(running.lead, title[1])
    for task in list_tasks(running.lead, project.id):
        annotate(running.wang, task.id, ["patrol"])
    page.write_text("巡特警每晚在夜市、车站开展武装巡逻。\n向商户发放宣传单二百份。", encoding="utf-8")
    labels("push", "a.txt", "--model", "none", *title)
    assert "1 tasks in the queue “Rechecks”: again.jsonl" in labels(*pull).stderr
    assert "1 tasks in the tab “Rechecks”" in labels("review", "again.jsonl", *title).stdout
    changed, other = list_tasks(running.lead, project.id)
    assert changed.data["note"].endswith("the text has changed")
    assert not other.data.get("note")
    (found,) = running.lead.get(f"api/tasks/{changed.id}/annotations/")
    running.wang.send("PATCH", f"api/annotations/{found['id']}/", {"result": found["result"]})
    assert "nothing to look at again" in labels(*pull).stderr
    assert (tmp_path / "again.jsonl").read_bytes() == b""
