"""A review queue on the real server: notes, both opinions, a tab; the second push writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tagger.errors import InputError
from tagger.labelling.inventory import list_tasks
from tagger.labelling.review_push import ServerReviewClient, read_queue
from tagger.labelling.review_queue import ReviewTask, make_queue, push_queue
from tagger.labelling.tasks_of_server import predictions_of

if TYPE_CHECKING:
    from tagger.labelling.project import Project

_OPINIONS = (("opinion of li", ("patrol",)), ("opinion of wang", ()))


def _import(server, project: Project, n: int) -> None:
    data = [
        {"uid": f"a:paragraph:{i}", "bulletin": "a", "unit": "paragraph", "index": i, "content_hash": str(i),
         "text": f"民警在第{i}区巡逻。", "title": "通报", "before": "", "after": "", "note": ""}
        for i in range(n)
    ]  # fmt: skip
    server.send("POST", f"api/projects/{project.id}/import", [{"data": d, "predictions": []} for d in data])


def test_a_queue_is_shown_once(running, project: Project) -> None:
    server = running.lead
    _import(server, project, 4)
    queue = make_queue("Disagreements", [ReviewTask(f"a:paragraph:{i}", i / 4, f"note {i}", _OPINIONS) for i in (1, 3)])
    assert push_queue(ServerReviewClient(server, project.id), queue) == 2
    tasks = {task.uid: task for task in list_tasks(server, project.id)}
    assert [tasks[f"a:paragraph:{i}"].data["note"] for i in range(4)] == ["", "note 1", "", "note 3"]
    shown = predictions_of(server, tasks["a:paragraph:3"].id)
    said = {p["model_version"]: p["result"][0]["value"]["choices"] for p in shown}
    assert said == {"opinion of li": ["patrol"], "opinion of wang": ["none"]}
    everything, tab = server.get("api/dm/views/", project=project.id)
    assert (everything["data"]["title"], tab["data"]["title"]) == ("Default", "Disagreements")
    page = server.get("api/tasks/", view=tab["id"], fields="task_only", include="id,data", resolve_uri="false")
    assert {row["data"]["uid"] for row in page["tasks"]} == {"a:paragraph:1", "a:paragraph:3"}
    before = server.n_writes
    push_queue(ServerReviewClient(server, project.id), queue)
    assert server.n_writes == before, "the second push wrote"


def test_a_changed_queue_takes_the_place_of_the_old(running, project: Project) -> None:
    server = running.lead
    _import(server, project, 2)
    push_queue(
        ServerReviewClient(server, project.id), make_queue("Q", [ReviewTask("a:paragraph:0", 1, "old", _OPINIONS)])
    )
    turned = (("opinion of li", ("traffic",)), ("opinion of wang", ()))
    push_queue(ServerReviewClient(server, project.id), make_queue("Q", [ReviewTask("a:paragraph:0", 1, "new", turned)]))
    (first, _) = list_tasks(server, project.id)
    said = {p["model_version"]: p["result"][0]["value"]["choices"] for p in predictions_of(server, first.id)}
    assert said == {"opinion of li": ["traffic"], "opinion of wang": ["none"]}
    assert first.data["note"] == "new"
    assert [v["data"]["title"] for v in server.get("api/dm/views/", project=project.id)].count("Q") == 1


def test_tasks_that_are_not_there_are_told(running, project: Project) -> None:
    _import(running.lead, project, 1)
    queue = make_queue("Q", [ReviewTask(uid, 1, "", ()) for uid in ("a:paragraph:0", "b:paragraph:0")])
    assert ServerReviewClient(running.lead, project.id).missing(queue) == ["b:paragraph:0"]


def test_a_queue_reads_as_it_was_written(tmp_path: Path) -> None:
    queue = make_queue("Q", [ReviewTask("a:paragraph:0", 0.25, "看这里", _OPINIONS)])
    path = tmp_path / "q.jsonl"
    path.write_text("".join(queue.lines()), encoding="utf-8")
    assert read_queue(path) == queue
    path.write_text('{"queue": "Q"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"q.jsonl:1: not a task of a queue"):
        read_queue(path)
