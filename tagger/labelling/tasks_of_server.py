"""Single tasks on the server: what hangs on one, and changing or removing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tagger.errors import LabellingError
from tagger.labelling.client import LabelStudioServer


def annotations_of(server: LabelStudioServer, task: int) -> list[dict[str, Any]]:
    """The annotations of a task, skipped ones included; counted by nobody, so never miscounted."""
    return list(server.get(f"api/tasks/{task}/annotations/"))


def has_work(server: LabelStudioServer, task: int) -> bool:
    """Whether anybody has annotated or skipped a task, or has a draft in it."""
    if annotations_of(server, task):
        return True
    return bool(server.get(f"api/tasks/{task}/drafts"))


def update_data(server: LabelStudioServer, task: int, data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a task's data; the task as it is then."""
    return server.send("PATCH", f"api/tasks/{task}/", {"data": dict(data)})


def remove_task(server: LabelStudioServer, task: int) -> None:
    """Remove a task; one that is gone already is well gone."""
    _delete(server, f"api/tasks/{task}/")


def predictions_of(server: LabelStudioServer, task: int) -> list[dict[str, Any]]:
    """All predictions of a task."""
    return list(server.get("api/predictions/", task=task))


def remove_predictions(server: LabelStudioServer, task: int) -> None:
    """Remove all predictions of a task."""
    for prediction in predictions_of(server, task):
        _delete(server, f"api/predictions/{prediction['id']}/")


def remove_doubled_predictions(server: LabelStudioServer, task: int) -> None:
    """Leave the first prediction of each version."""
    seen = set()
    for prediction in sorted(predictions_of(server, task), key=lambda p: p["id"]):
        if prediction["model_version"] in seen:
            _delete(server, f"api/predictions/{prediction['id']}/")
        seen.add(prediction["model_version"])


def _delete(server: LabelStudioServer, path: str) -> None:
    try:
        server.send("DELETE", path)
    except LabellingError as error:
        if error.status != 404:
            raise
