"""Pull: the raw export of a project, kept, and the examples made from it.

A second pull asks for the tasks that have changed since, and for everything when the server's
counts say that this was not all. Both give the same files.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tagger.domains import DomainSet
from tagger.errors import ConnectionLostError, InputError, LabellingError, OutputError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import count_tasks, list_rows, tasks_filter
from tagger.labelling.project import Project
from tagger.labelling.pulled import Pulled, read_tasks

_log = logging.getLogger(__name__)
RAW, ANNOTATIONS, EXAMPLES, UNLABELLED = "raw-export.json", "annotations.jsonl", "examples.jsonl", "unlabelled.jsonl"
#: What a pull writes last: where the next one goes on.
STATE = "pull.json"
#: All that a pull writes into its folder.
FILES = (RAW, ANNOTATIONS, EXAMPLES, UNLABELLED, STATE)
_FORMAT = 1
#: Numbers in one address.
_MAX_IDS = 300
#: A change may be seen later than the time it bears.
_OVERLAP = timedelta(minutes=2)
#: Seconds between questions whether a snapshot is written, and how often one is asked for.
_POLL, _ATTEMPTS = 0.5, 4


@dataclass(frozen=True)
class Exported:
    """Tasks as the server exports them, and how they were come by.

    Attributes
    ----------
    tasks : list of dict
        In the order of their numbers.
    n_fetched : int
        How many of them came over the wire this time.
    """

    tasks: list[dict[str, Any]]
    n_fetched: int


def pull(
    server: LabelStudioServer, project: Project, folder: Path, domains: DomainSet, *,
    full: bool = False, recheck: bool = False,
) -> tuple[Pulled, Exported]:  # fmt: skip
    """Fetch what has changed and write the folder's files.

    Parameters
    ----------
    server : LabelStudioServer
    project : Project
    folder : Path
        A new one, or that of an earlier pull of this project.
    domains : DomainSet
    full : bool
        Fetch everything.
    recheck : bool
        See `read_tasks`.

    Raises
    ------
    CorpusError
        An annotation that cannot be understood. The raw export has been written by then.
    InputError
        The folder holds another project's pull, or a damaged one.
    ConnectionLostError, LabellingError
        The export did not come; the folder is as it was.
    """
    old = None if full else _read_state(folder, server, project)
    exported = _fetch(server, project.id, old)
    folder.mkdir(parents=True, exist_ok=True)
    _write_lines(folder / RAW, exported.tasks, array=True)
    pulled = read_tasks(exported.tasks, domains.ids, _people(server), recheck=recheck)
    for name, rows in ((ANNOTATIONS, pulled.annotations), (EXAMPLES, pulled.examples), (UNLABELLED, pulled.unlabelled)):
        _write_lines(folder / name, rows)
    state = {
        "format": _FORMAT, "url": server.url, "project": project.id, "title": project.title,
        "updated": _newest(exported.tasks), "domains": list(domains.ids), "counts": pulled.counts,
    }  # fmt: skip
    write_text(folder / STATE, json.dumps(state, ensure_ascii=False, indent=1) + "\n")
    return pulled, exported


def _fetch(
    server: LabelStudioServer, project: int, old: tuple[dict[str, Any], list[dict[str, Any]]] | None
) -> Exported:
    if old is not None:
        state, tasks = old
        changed = _changed_ids(server, project, state["updated"], tasks)
        fresh = _export(server, project, changed) if changed else []
        merged = {task["id"]: task for task in [*tasks, *fresh]}
        if (len(merged), _n_submitted(merged.values())) == count_tasks(server, project):
            return Exported([merged[id] for id in sorted(merged)], len(fresh))
        _log.info("The server counts otherwise (tasks were removed?): everything is fetched.")
    tasks = _export(server, project, None)
    return Exported(sorted(tasks, key=lambda task: task["id"]), len(tasks))


def _changed_ids(server: LabelStudioServer, project: int, since: str, tasks: Iterable[Mapping[str, Any]]) -> list[int]:
    """Numbers of the tasks that are new or bear another time than the ones at hand."""
    filters = None
    if since:
        moment = datetime.fromisoformat(since) - _OVERLAP
        filters = [tasks_filter("updated_at", "greater", "Datetime", moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))]
    times = {task["id"]: task["updated_at"] for task in tasks}
    rows = list_rows(server, project, "id,updated_at", filters)
    return [row["id"] for row in rows if times.get(row["id"]) != row["updated_at"]]


def _export(server: LabelStudioServer, project: int, ids: Sequence[int] | None) -> list[dict[str, Any]]:
    """All tasks by a snapshot, some by the plain export: the same form, and the snapshot costs the server half."""
    if ids is None:
        return _parsed(_snapshot(server, f"api/projects/{project}/exports"), server)
    tasks = []
    for start in range(0, len(ids), _MAX_IDS):
        some = {"ids[]": list(ids[start : start + _MAX_IDS])}
        body = server.download(f"api/projects/{project}/export", exportType="JSON", download_all_tasks="true", **some)
        tasks += _parsed(body, server)
    return tasks


def _snapshot(server: LabelStudioServer, path: str) -> bytes:
    """Has the server write an export, fetches it and has it removed; one left by a broken connection does no harm."""
    id = _begun(server, f"{path}/")["id"]
    try:
        while (status := server.get(f"{path}/{id}")["status"]) in ("created", "in_progress"):
            time.sleep(_POLL)
        if status != "completed":
            raise LabellingError(
                f"the export ended as {status!r}", where=server.url, hint="Look into the server's log."
            )
        return server.download(f"{path}/{id}/download", exportType="JSON")
    finally:
        with suppress(LabellingError):
            server.send("DELETE", f"{path}/{id}")


def _begun(server: LabelStudioServer, path: str) -> dict[str, Any]:
    only_ids = {"predictions": {"only_id": True}, "drafts": {"only_id": True}, "include_annotation_history": False}
    for _ in range(_ATTEMPTS - 1):
        try:
            return server.send("POST", path, {"task_filter_options": {}, "serialization_options": only_ids})
        except ConnectionLostError as error:
            _log.info("%s Asking again.", error)
    return server.send("POST", path, {"task_filter_options": {}, "serialization_options": only_ids})


def _parsed(body: bytes, server: LabelStudioServer) -> list[dict[str, Any]]:
    try:
        tasks = json.loads(body)
    except ValueError:
        raise ConnectionLostError("the export is cut off", where=server.url, hint="Pull again.") from None
    if not isinstance(tasks, list) or not all(
        isinstance(t, dict) and {"id", "data", "annotations"} <= set(t) for t in tasks
    ):
        raise LabellingError("the export is no list of tasks", where=server.url)
    return tasks


def _n_submitted(tasks: Iterable[Mapping[str, Any]]) -> int:
    return sum(not a["was_cancelled"] for task in tasks for a in task["annotations"])


def _newest(tasks: Iterable[Mapping[str, Any]]) -> str:
    return max((str(task.get("updated_at") or "") for task in tasks), default="")


def _people(server: LabelStudioServer) -> dict[int, str]:
    return {user["id"]: user["email"] for user in server.get("api/users/")}


def _read_state(
    folder: Path, server: LabelStudioServer, project: Project
) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """State and raw export of the last pull into this folder, or None for a folder without one."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        tasks = json.loads((folder / RAW).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"a damaged pull ({error})", where=folder, hint="Pull it anew with --full.") from None
    if (state.get("url"), state.get("project")) != (server.url, project.id):
        raise InputError(
            f"holds the pull of project {state.get('project')} of {state.get('url')}", where=folder,
            hint="Give another folder, or --full to replace it.",
        )  # fmt: skip
    return state, tasks


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]], *, array: bool = False) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n" if array else "".join(line + "\n" for line in lines))


def write_text(path: Path, text: str) -> None:
    """Write a file to a temporary name beside its place, and rename it; an `OutputError` where that fails."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # as an ordinary new file; mkstemp's is for its owner alone
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror})", where=path) from None


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
