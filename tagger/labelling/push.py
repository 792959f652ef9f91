"""Push: bring a project's tasks to what the bulletins say, whatever breaks on the way.

A request that breaks off may or may not have been carried out, and one may be delivered twice.
So nothing is concluded from an answer: after writing, the tasks are listed again and what is
still missing, or there twice, is put right, until a listing agrees with the bulletins.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import ConnectionLostError, LabellingError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import KnownTask, count_tasks, list_tasks, tasks_without_version
from tagger.labelling.plan import Plan, Task, plan_push
from tagger.labelling.rechecks import mark_for_recheck
from tagger.labelling.tasks_of_server import (
    annotations_of,
    has_work,
    remove_doubled_predictions,
    remove_predictions,
    remove_task,
    update_data,
)

_log = logging.getLogger(__name__)
#: Tasks in one request: a second or two of the server's time, and little to do again.
_BATCH = 250
#: Rounds of listing and putting right that bring nothing, before it is the user's matter.
_VAIN_ROUNDS = 5
_PAUSE = 0.3
#: Broken connections after which a round is given up.
_MAX_LOST = 3


@dataclass
class Pushed:
    """What a push did, in tasks.

    Attributes
    ----------
    n_new, n_changed, n_same : int
    n_predictions : int
        Pre-annotations for tasks that had none of this model's version.
    n_removed : int
        Second copies, and with `prune` tasks of paragraphs that are gone; none was annotated.
    gone : list of KnownTask
        Still there, though their paragraph is gone.
    doubled : list of KnownTask
        Copies of a task that are annotated too, so they stay; a pull unites them.
    n_writes : int
        Writing requests; 0 when everything stood as it should.
    """

    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_predictions: int = 0
    n_removed: int = 0
    gone: Sequence[KnownTask] = ()
    doubled: Sequence[KnownTask] = ()
    n_writes: int = 0


@dataclass
class _Touched:
    """What was written so far; sets, because a broken round is written again."""

    new: set[str] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    predicted: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)


def push(
    server: LabelStudioServer, project: int, wanted: Sequence[Task], *, replace: bool = False, prune: bool = False
) -> Pushed:
    """Bring the project's tasks to `wanted`.

    Parameters
    ----------
    server : LabelStudioServer
    project : int
    wanted : sequence of dict
        Import tasks of whole bulletins, with at most one prediction each.
    replace : bool
        Accept another bulletin under an id that is taken.
    prune : bool
        Remove tasks whose paragraph is gone, unless somebody has worked on them.

    Raises
    ------
    ConnectionLostError
        The connection broke in every round; the same push again goes on from there.
    LabellingError
        The server refuses, or ids clash.
    """
    return _Push(server, project, wanted, replace=replace, prune=prune).run()


class _Push:
    def __init__(
        self, server: LabelStudioServer, project: int, wanted: Sequence[Task], *, replace: bool, prune: bool
    ) -> None:
        self._server, self._project, self._wanted = server, project, wanted
        self._replace, self._prune = replace, prune
        self._bulletins = {task["data"]["bulletin"] for task in wanted}
        self._touched = _Touched()
        self._lost: ConnectionLostError | None = None
        self._n_lost = 0

    def run(self) -> Pushed:
        first, n_same, least, n_vain = self._server.n_writes, None, None, 0
        while n_vain < _VAIN_ROUNDS:
            plan = self._look()
            n_same = len(plan.kept) - len(plan.changed) if n_same is None else n_same
            before, self._n_lost = self._server.n_writes, 0
            self._write(plan)
            if self._server.n_writes == before and not self._n_lost:
                return self._report(plan, n_same, self._server.n_writes - first)
            left = self._n_left(plan)
            n_vain = 0 if least is None or left < least else n_vain + 1
            least = left if least is None else min(left, least)
            if self._n_lost:
                _log.info("%s Looking at what was done.", self._lost)
                time.sleep(_PAUSE * n_vain)
        raise self._in_vain(least or 0)

    def _in_vain(self, n_left: int) -> LabellingError:
        if self._lost is None:
            return LabellingError(
                f"the server keeps {n_left} tasks otherwise than they were sent", where=self._server.url
            )
        return ConnectionLostError(
            self._lost.message, where=self._lost.where, hint="Push again: what is done is not done twice."
        )

    def _n_left(self, plan: Plan) -> int:
        without = sum(not self._n_predictions.get(id) and bool(task["predictions"]) for id, task in plan.kept.items())
        return len(plan.new) + len(plan.changed) + len(plan.duplicates) + without

    def _look(self) -> Plan:
        known = list_tasks(self._server, self._project, self._bulletins)
        self._n_predictions = {task.id: task.n_predictions for task in known}
        return plan_push(self._wanted, known, replace=self._replace)

    def _report(self, plan: Plan, n_same: int, n_writes: int) -> Pushed:
        touched = self._touched
        return Pushed(
            len(touched.new), len(touched.changed), n_same, len(touched.predicted), len(touched.removed),
            plan.gone, [task for _, others in plan.duplicates for task in others], n_writes,
        )  # fmt: skip

    def _write(self, plan: Plan) -> None:
        for start in range(0, len(plan.new), _BATCH):
            self._attempt(self._import, plan.new[start : start + _BATCH])
            _log.info("%d of %d new tasks sent", min(start + _BATCH, len(plan.new)), len(plan.new))
        for old, data in plan.changed:
            self._attempt(self._change, old, data)
        for _, copies in plan.duplicates:
            for copy in copies:
                self._attempt(self._remove, copy)
        for task in plan.gone if self._prune else ():
            self._attempt(self._remove, task)
        if plan.kept:
            self._attempt(self._predict, plan)

    def _attempt(self, act: Callable[..., None], *args: Any) -> None:
        """After a broken connection go on: the next round sees what came of it. After a few, look first."""
        if self._n_lost >= _MAX_LOST:
            return
        try:
            act(*args)
        except ConnectionLostError as error:
            self._lost = error
            self._n_lost += 1

    def _import(self, batch: Sequence[Task]) -> None:
        self._touched.new |= {task["data"]["uid"] for task in batch}
        self._server.send("POST", f"api/projects/{self._project}/import", list(batch), commit_to_project="true")

    def _change(self, old: KnownTask, data: Task) -> None:
        """The order matters: until the text is changed, a broken connection leaves the task to be changed again."""
        self._touched.changed.add(old.id)
        if old.data.get("content_hash") != data["content_hash"]:
            data = mark_for_recheck(old, data, annotations_of(self._server, old.id), "the text has changed")
            remove_predictions(self._server, old.id)
        update_data(self._server, old.id, data)

    def _remove(self, task: KnownTask) -> None:
        if not has_work(self._server, task.id):
            self._touched.removed.add(task.id)
            remove_task(self._server, task.id)

    def _predict(self, plan: Plan) -> None:
        """Pre-annotations for tasks that were there; new tasks bring their own."""
        by_version: dict[str, list[tuple[int, Task]]] = {}
        for id, task in plan.kept.items():
            for prediction in task["predictions"]:
                by_version.setdefault(prediction["model_version"], []).append((id, prediction))
        for version, rows in sorted(by_version.items()):
            missing = tasks_without_version(self._server, self._project, version)
            for_import = [{"task": id, **prediction} for id, prediction in rows if id in missing]
            for start in range(0, len(for_import), _BATCH):
                batch = for_import[start : start + _BATCH]
                self._touched.predicted |= {row["task"] for row in batch}
                self._server.send("POST", f"api/projects/{self._project}/import/predictions", batch)
            if not for_import:
                self._remove_doubled(plan, version, len(missing))

    def _remove_doubled(self, plan: Plan, version: str, n_without: int) -> None:
        """The server counts predictions by version: more than tasks that have one means that some have two."""
        counts = self._server.get(f"api/projects/{self._project}/model-versions/")
        n_tasks, _ = count_tasks(self._server, self._project)
        if counts.get(version, 0) > n_tasks - n_without:
            for id in plan.kept:
                if self._n_predictions.get(id, 0) > 1:
                    remove_doubled_predictions(self._server, id)
