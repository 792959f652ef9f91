"""What a project holds already: its tasks, listed once and as cheaply as the server can."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tagger.errors import LabellingError
from tagger.labelling.client import LabelStudioServer

#: Above so many bulletins, one listing of everything costs less than a filter in the address.
_MAX_NAMED = 40


@dataclass(frozen=True)
class KnownTask:
    """A task of the project.

    Attributes
    ----------
    id : int
        The server's number.
    data : dict
        With ``uid``, ``bulletin``, ``unit``, ``index``, ``content_hash``, ``text``.
    n_predictions : int
        As the server counts.
    """

    id: int
    data: dict[str, Any]
    n_predictions: int = 0

    @property
    def uid(self) -> str:
        """The stable id of its text."""
        return str(self.data["uid"])


def list_tasks(server: LabelStudioServer, project: int, bulletins: Collection[str] | None = None) -> list[KnownTask]:
    """The project's tasks in the order of their numbers; those of other origin are passed over.

    Parameters
    ----------
    bulletins : collection of str, optional
        Only tasks of these bulletins matter.
    """
    filters = None
    if bulletins is not None and len(bulletins) <= _MAX_NAMED:
        filters = [tasks_filter("data.bulletin", "in_list", "List", sorted(bulletins))]
    rows = list_rows(server, project, "id,data,total_predictions", filters)
    known = [KnownTask(row["id"], row["data"], row.get("total_predictions") or 0) for row in rows if is_ours(row)]
    return sorted(known, key=lambda task: task.id)


def is_ours(row: Any) -> bool:
    """Whether a task was pushed by this project: it has a stable id and a text."""
    data = row.get("data") if isinstance(row, dict) else None
    return isinstance(data, dict) and all(isinstance(data.get(key), str) for key in ("uid", "text", "bulletin"))


def tasks_without_version(server: LabelStudioServer, project: int, model_version: str) -> set[int]:
    """Numbers of the tasks that have no prediction of a model's version."""
    filters = [tasks_filter("predictions_model_versions", "not_contains", "List", [model_version])]
    return {row["id"] for row in list_rows(server, project, "id", filters)}


def count_tasks(server: LabelStudioServer, project: int) -> tuple[int, int]:
    """How many tasks, and how many submitted annotations (skipped ones apart), the server counts."""
    page = server.get("api/tasks/", project=project, fields="task_only", include="id", resolve_uri="false", page_size=1)
    return int(page["total"]), int(page["total_annotations"])


def list_rows(
    server: LabelStudioServer, project: int, include: str, filters: list[dict[str, Any]] | None = None
) -> Iterator[dict[str, Any]]:
    """Rows of the task listing with some fields only."""
    params: dict[str, Any] = {"project": project, "fields": "task_only", "include": include, "resolve_uri": "false"}
    query: dict[str, Any] = {"ordering": ["tasks:id"]}
    if filters:
        query["filters"] = {"conjunction": "and", "items": filters}
    params["query"] = json.dumps(query, ensure_ascii=False)
    try:
        for page in server.pages("api/tasks/", **params):
            yield from page["tasks"]
    except (KeyError, TypeError) as error:
        raise LabellingError(f"the listing of tasks has another form ({error!r})", where=server.url) from None


def tasks_filter(field: str, operator: str, type: str, value: Any) -> dict[str, Any]:
    """One condition of a listing or a tab."""
    return {"filter": f"filter:tasks:{field}", "operator": operator, "type": type, "value": value}
