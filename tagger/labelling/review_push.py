"""A review queue on a Label Studio server: notes, opinions as predictions, and a tab that shows its tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tagger.errors import InputError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import list_tasks
from tagger.labelling.review_queue import ReviewQueue, ReviewTask
from tagger.labelling.tasks_of_server import predictions_of, update_data

_HINT = "Give a file that tagger labels agreement, next, audit or pull wrote by --queue."


class ServerReviewClient:
    """What `tagger.labelling.review_queue.push_queue` needs of a server; writes only what differs.

    Parameters
    ----------
    server : LabelStudioServer
    project : int
        The project's number.
    """

    def __init__(self, server: LabelStudioServer, project: int) -> None:
        self._server, self._project = server, project
        self._tasks = {task.uid: task for task in list_tasks(server, project)}

    def missing(self, queue: ReviewQueue) -> list[str]:
        """Ids in the queue that the project has no task for."""
        return [uid for uid in queue.uids if uid not in self._tasks]

    def set_note(self, uid: str, note: str) -> None:
        """Show a note beside a task's text, in the place of any other."""
        task = self._tasks[uid]
        if task.data.get("note") != note:
            task.data["note"] = note
            update_data(self._server, task.id, task.data)

    def replace_predictions(self, uid: str, predictions: Sequence[dict[str, Any]]) -> None:
        """Give a task these predictions; those of the same names go, others (of models) stay."""
        task = self._tasks[uid].id
        wanted = {p["model_version"]: p for p in predictions}
        for old in predictions_of(self._server, task):
            new = wanted.get(old["model_version"])
            if new is not None and _same(old, new):
                del wanted[old["model_version"]]  # a second one of the name is one too many
            elif old["model_version"] in {p["model_version"] for p in predictions}:
                self._server.send("DELETE", f"api/predictions/{old['id']}/")
        if wanted:
            rows = [{"task": task, **prediction} for prediction in wanted.values()]
            self._server.send("POST", f"api/projects/{self._project}/import/predictions", rows)

    def replace_tab(self, tab: dict[str, Any]) -> None:
        """Open this tab, in the place of one with the same title; columns that a person has chosen since stay."""
        views = self._server.get("api/dm/views/", project=self._project)
        found = [v for v in views if _title(v) == tab["title"]]
        if not views:  # the page makes the tab of all tasks only where there is none at all
            self._server.send("POST", "api/dm/views/", {"project": self._project, "data": {"title": "Default"}})
        if not found:
            self._server.send("POST", "api/dm/views/", {"project": self._project, "data": tab})
        elif found[0]["data"].get("filters") != tab["filters"]:
            data = {**tab, **found[0]["data"], "filters": tab["filters"]}
            self._server.send("PATCH", f"api/dm/views/{found[0]['id']}/", {"project": self._project, "data": data})


def _title(view: dict[str, Any]) -> str:
    return str((view.get("data") or {}).get("title", ""))


def _same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return abs((old.get("score") or 0.0) - new["score"]) < 1e-6 and _values(old["result"]) == _values(new["result"])


def _values(results: Sequence[dict[str, Any]]) -> list[Any]:
    """What is ticked, without the ids that the server gives."""
    return sorted((r["from_name"], sorted(r["value"].get("choices", []))) for r in results)


def read_queue(path: str | Path) -> ReviewQueue:
    """A queue from its file.

    Raises
    ------
    InputError
        It cannot be read, or a line is no task of a queue; names the line.
    """
    try:
        lines = Path(path).read_bytes().decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise InputError("no such file", where=path, hint=_HINT) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as UTF-8 ({error})", where=path) from None
    rows = [_task(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise InputError("no tasks in it", where=path, hint=_HINT)
    return ReviewQueue(rows[0][0], tuple(task for _, task in rows))


def _task(line: str, where: str) -> tuple[str, ReviewTask]:
    try:
        row = json.loads(line)
        opinions = tuple((str(o["name"]), tuple(map(str, o["domains"]))) for o in row["opinions"])
        return str(row["queue"]), ReviewTask(str(row["uid"]), float(row["priority"]), str(row["note"]), opinions)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"not a task of a queue ({error!r})", where=where, hint=_HINT) from None
