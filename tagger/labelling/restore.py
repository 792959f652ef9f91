"""A pull as tasks to push: into an empty project, with the annotations, so that a pull of it gives the same.

The server gives imported annotations new numbers and times. What they were is kept in the
task's data (``restored``), by the number that the server remembers as the imported one, and
holds for as long as nobody changes the annotation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagger.errors import InputError, LabellingError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import is_ours
from tagger.labelling.pull import ANNOTATIONS, RAW
from tagger.labelling.rechecks import result_hash


def tasks_to_restore(server: LabelStudioServer, folder: Path) -> list[dict[str, Any]]:
    """Import tasks with annotations from a pull's folder.

    Annotations go to the accounts of the same addresses; where one is missing, to the one
    that pushes. A pull tells the first annotator either way.

    Raises
    ------
    InputError
        The folder holds no pull.
    """
    tasks, rows = _read(folder)
    accounts = {user["email"]: user["id"] for user in server.get("api/users/")}
    own = server.get("api/current-user/whoami")["id"]
    merged: dict[str, dict[str, Any]] = {}
    for task in tasks:
        if is_ours(task):
            made = _import_task(task, rows, accounts, own)
            first = merged.setdefault(task["data"]["uid"], made)
            if first is not made:
                first["annotations"] += made["annotations"]
                first["data"]["restored"] |= made["data"]["restored"]
    return list(merged.values())


def _read(folder: Path) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    try:
        tasks = json.loads((folder / RAW).read_text(encoding="utf-8"))
        lines = (folder / ANNOTATIONS).read_text(encoding="utf-8").splitlines()
        return tasks, {row["annotation"]: row for row in map(json.loads, lines)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"no pull ({error})", where=folder, hint="Make one with tagger labels pull.") from None


def _import_task(
    task: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], accounts: Mapping[str, int], own: int
) -> dict[str, Any]:
    kept, annotations = {}, []
    for raw in task["annotations"]:
        row = rows.get(_key(task, raw))
        if row is None:
            raise LabellingError(
                f"annotation {raw['id']} of task {task['id']} is in {RAW} and not in {ANNOTATIONS}", hint="Pull again."
            )
        annotations.append(
            {"id": raw["id"], "result": raw["result"], "was_cancelled": raw["was_cancelled"], "ground_truth": False,
             "lead_time": raw["lead_time"], "completed_by": accounts.get(row["annotator"], own)}
        )  # fmt: skip
        kept[str(raw["id"])] = {
            "key": row["annotation"], "hash": result_hash(raw["result"]),
            **{name: row[name] for name in ("annotator", "origin", "created", "updated", "recheck")},
        }  # fmt: skip
    data = {k: v for k, v in task["data"].items() if k not in ("recheck", "restored")}
    return {"data": {**data, "restored": kept}, "annotations": annotations, "predictions": []}


def _key(task: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
    kept = task["data"].get("restored") or {}
    first = kept.get(str(raw.get("import_id"))) or {}
    return str(first.get("key") or raw.get("unique_id") or raw["id"])
