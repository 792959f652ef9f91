"""One paragraph to several people: how many does the real server give a task to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tagger.errors import LabellingError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.project import Project, need_project

pytestmark = pytest.mark.timeout(900)
_ROWS = ("巡特警每晚在夜市开展武装巡逻。", "向商户发放宣传单二百份。")


def _label_all(server: LabelStudioServer, project: Project, annotate: Callable[..., Any]) -> list[str]:
    """What “Label All Tasks” gives to a person who ticks the same each time, in the order of the page."""
    given = []
    while True:
        try:
            task = server.get(f"api/projects/{project.id}/next/")
        except LabellingError as error:
            if error.status != 404:
                raise
            return sorted(given)
        given.append(task["data"]["uid"])
        annotate(server, task["id"], ["patrol"])


def test_each_paragraph_is_given_to_as_many_as_init_was_told(
    running: Any, labels: Callable[..., Any], tmp_path: Path, domains_file: Path, annotate: Callable[..., Any]
) -> None:
    title = ("--project", "two of them")
    init = ("init", *title, "--domains", domains_file)
    (tmp_path / "a.txt").write_text("\n".join(_ROWS), encoding="utf-8")
    labels(*init)
    labels("push", "a.txt", "--model", "none", *title)
    project, uids = need_project(running.lead, title[1]), ["a:paragraph:0", "a:paragraph:1"]
    assert project.settings["maximum_annotations"] == 1
    assert _label_all(running.lead, project, annotate) == uids
    assert _label_all(running.wang, project, annotate) == []
    told = labels(*init, "--annotators", "2").stderr
    assert "updated: maximum_annotations" in told
    assert _label_all(running.wang, project, annotate) == uids
    assert "nothing to change" in labels(*init).stderr
    assert need_project(running.lead, title[1]).settings["maximum_annotations"] == 2
    labels("pull", "-o", "out", "--domains", domains_file, *title)
    told = labels("agreement", "out", "--domains", domains_file).stdout
    assert told.startswith("2 units of 1 bulletins, 2 labelled by two or more; they differ on 0\n")
