"""A migration of domains that is killed anywhere, and given again: no mark is lost, few requests are sent."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagger.domains import Domain, DomainSet
from tagger.labelling.interface import interface_xml
from tagger.labelling.migration import migrate, plan_migration
from tagger.labelling.project import Project
from tagger.labelling.pulled import read_tasks
from tagger.labelling.rechecks import result_hash
from tagger.tasks import choices

_PEOPLE = {1: "li@example.com", 2: "wang@example.com"}
_CHANGES = {"a": ("a2",), "b": ("b1", "b2"), "c": ("m",), "d": ("m",), "e": ()}
_OLD, _NEW = ("a", "b", "c", "d", "e", "f"), ("a2", "b1", "b2", "m", "f", "fresh")
#: What each of two people said of each paragraph.
_SAID = [(["a"], ["a"]), (["b"], ["b"]), (["c"], ["d"]), (["e"], []), (["f"], ["f", "b"]), (["a", "e"], ["c"])]


class _StoppedError(Exception):
    """The program was killed here."""


class _Server:
    """Tasks in memory behind the requests that a migration sends; killed at one of the writing ones."""

    url = "http://test"

    def __init__(self, kill_before: int | None = None) -> None:
        self.settings: dict[str, Any] = {"id": 1, "title": "p", "label_config": interface_xml(_set(_OLD))}
        self.tasks = [_task(i, said) for i, said in enumerate(_SAID)]
        self.n_writes, self.n_reads, self.kill_before, self._clock = 0, 0, kill_before, 0

    def get(self, path: str, **params: Any) -> Any:
        self.n_reads += 1
        if path.endswith("/export"):
            return copy.deepcopy(self.tasks)
        return {} if path.endswith("model-versions/") else copy.deepcopy(self.settings)

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        self.n_reads += 1
        if path == "api/projects/":
            yield {"results": [self.settings]}
            return
        (wanted,) = json.loads(params["query"])["filters"]["items"]
        assert (wanted["filter"], wanted["operator"]) == ("filter:tasks:data.uid", "in_list")
        yield {"tasks": [copy.deepcopy(t) for t in self.tasks if t["data"]["uid"] in wanted["value"]]}

    def send(self, method: str, path: str, body: Any) -> Any:
        if self.kill_before == self.n_writes:
            raise _StoppedError
        self.n_writes += 1
        assert method == "PATCH"
        kind, id = path.removeprefix("api/").rstrip("/").split("/")
        if kind == "projects":
            return self.settings.update(body)
        if kind == "tasks":
            return next(t for t in self.tasks if t["id"] == int(id)).update(copy.deepcopy(body))
        (annotation,) = (a for t in self.tasks for a in t["annotations"] if a["id"] == int(id))
        self._clock += 1
        annotation.update(copy.deepcopy(body), updated_at=f"later {self._clock}")
        return annotation


def _set(ids: tuple[str, ...]) -> DomainSet:
    return DomainSet(Domain(id) for id in ids)


def _task(i: int, said: tuple[list[str], list[str]]) -> dict[str, Any]:
    annotations = [
        {"id": 10 * i + who, "completed_by": who, "result": [choices(domains)], "was_cancelled": False,
         "created_at": f"2026-01-0{who}", "updated_at": f"2026-01-0{who}", "import_id": 10 * i + who, "lead_time": 1.0}
        for who, domains in enumerate(said, start=1)
    ]  # fmt: skip
    data: dict[str, Any] = {"uid": f"b:paragraph:{i}", "bulletin": "b", "index": i, "text": "民警巡逻。"}
    if i % 2:  # restored from a pull, its annotators told by the task's data
        kept = {
            "key": "k",
            "annotator": "chen",
            "origin": "manual",
            "created": "2025",
            "updated": "2025",
            "recheck": "",
        }
        data["restored"] = {
            str(a["id"]): {**kept, "key": f"k{a['id']}", "hash": result_hash(a["result"])} for a in annotations
        }
    return {"id": i, "data": data, "annotations": annotations}


def _init(server: _Server, folder: Path) -> None:
    """What the command does."""
    project = Project(1, "p", copy.deepcopy(server.settings))
    migration = plan_migration(server, project, _set(_NEW), _CHANGES)  # type: ignore[arg-type]
    assert migration is not None
    migrate(server, project, migration, {"label_config": interface_xml(_set(_NEW))}, folder)  # type: ignore[arg-type]


def _said(server: _Server) -> list[tuple[Any, ...]]:
    rows = read_tasks(server.tasks, _NEW, _PEOPLE).annotations
    return [(r["uid"], r["annotation"], r["annotator"], r["domains"], r["recheck"]) for r in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> _Server:
    """After a migration that nothing interrupted."""
    server = _Server()
    _init(server, tmp_path_factory.mktemp("whole"))
    return server


def test_all_kinds_of_changes_at_once(whole: _Server) -> None:
    said = {(uid, who): (domains, why) for uid, _, who, domains, why in _said(whole)}
    assert said["b:paragraph:0", "li@example.com"] == (["a2"], "new: fresh")
    assert said["b:paragraph:4", "wang@example.com"] == (["b1", "b2", "f"], "b was split into b1、b2; new: fresh")
    pulled = read_tasks(whole.tasks, _NEW, _PEOPLE)
    assert pulled.counts["recheck"] == len(_SAID), "a new domain is a question about every paragraph"
    restored = [row for row in _said(whole) if row[0] == "b:paragraph:3"]
    assert {(row[1], row[2]) for row in restored} == {("k31", "chen"), ("k32", "chen")}
    assert "becomes" not in json.dumps([task["data"].get("recheck") for task in whole.tasks])


def test_a_task_is_written_once_for_all_its_annotations(whole: _Server) -> None:
    n_rewritten = 10  # all but "none of them" and "f" alone
    # Marks before and after, the annotations, and the interface twice.
    assert whole.n_writes <= 2 * len(_SAID) + n_rewritten + 2
    assert whole.n_reads < 12


@pytest.mark.parametrize("n", range(23))
def test_a_migration_that_was_killed_anywhere_comes_to_the_same_end(n: int, whole: _Server, tmp_path: Path) -> None:
    server = _Server(kill_before=n)
    assert n < whole.n_writes
    with pytest.raises(_StoppedError):
        _init(server, tmp_path)
    server.kill_before = None
    _init(server, tmp_path)
    assert _said(server) == _said(whole)
    assert "becomes" not in json.dumps([task["data"].get("recheck") for task in server.tasks])
    assert server.settings["label_config"] == whole.settings["label_config"]
