"""A change of the domains, carried over to the annotations: rename, merge, split, drop, add.

What a change does to a label follows from its kind. A renamed or merged domain is the same
judgement under another name. A split, dropped or added one is a question that nobody has
answered yet: the annotation is kept, and marked to be looked at again (`rechecks`).

The steps are in an order in which a broken connection does no harm, and the same command goes
on: first the marks, while the interface still tells which domains are new; then an interface that
offers old and new domains, the annotations one by one, and the new interface. The annotations
as they were are written to a file before anything.

The server has no request that changes many annotations or tasks, and one takes it a tenth of a
second or more. So a task's data are written once for all its annotations, and read many at a time.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagger.domains import Domain, DomainSet
from tagger.errors import ConnectionLostError, LabellingError, UsageError
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.interface import interface_xml
from tagger.labelling.inventory import is_ours, list_rows, tasks_filter
from tagger.labelling.project import Project, interface_domains, need_project, update_project
from tagger.labelling.rechecks import is_unsettled, result_hash, why_recheck
from tagger.labelling.tasks_of_server import update_data
from tagger.tasks import DOMAINS, SPANS

#: Old id -> the ids that take its place; none for a domain that is given up.
Changes = dict[str, tuple[str, ...]]
_KEYS = {DOMAINS: "choices", SPANS: "labels"}
_ATTEMPTS = 4
#: Tasks that are read at once, before each is written: few enough that a push beside it is not undone.
_BATCH = 20
#: Told how far a migration is, in a short line.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Edit:
    """What becomes of one annotation.

    Attributes
    ----------
    task, annotation : dict
        As exported.
    result : list or None
        Its new result; None where it stays.
    why : str
        Why a person must look at it again; "" where nobody must.
    """

    task: dict[str, Any]
    annotation: dict[str, Any]
    result: list[dict[str, Any]] | None
    why: str


@dataclass
class Migration:
    """A change of domains, thought through and not yet done.

    Attributes
    ----------
    old, new : tuple of str
        Ids of the project's interface, and of the domain list.
    changes : dict
    added : tuple of str
        Ids that nothing old has become.
    edits : list of Edit
    domains : DomainSet
    tasks : list of dict
        The whole export, for the copy that is kept.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    changes: Changes
    added: tuple[str, ...]
    domains: DomainSet
    edits: list[Edit] = field(default_factory=list)
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> Iterator[str]:
        """What would happen, in lines for a person."""
        used = Counter(id for task in self.tasks for a in task["annotations"] for id in _ids(a["result"]))
        for old, new in self.changes.items():
            how = f"becomes {' and '.join(new)}" if new else "is given up"
            yield f"{old} {how}: {used[old]} annotations have it"
        for id in self.added:
            yield f"{id} is new: nobody has been asked about it yet"
        n_changed = sum(edit.result is not None for edit in self.edits)
        n_again = len({edit.task["id"] for edit in self.edits if edit.why})
        yield f"{n_changed} annotations are rewritten; {n_again} paragraphs must be looked at again"

    def recheck_rows(self) -> Iterator[tuple[str, str, str]]:
        """uid, annotation number and reason of what must be looked at again."""
        for edit in self.edits:
            if edit.why:
                yield edit.task["data"]["uid"], str(edit.annotation["id"]), edit.why


def declared_changes(
    *, rename: Sequence[str] | None = None, merge: Sequence[str] | None = None,
    split: Sequence[str] | None = None, drop: Sequence[str] | None = None,
) -> Changes:  # fmt: skip
    """The options of the command as one mapping.

    Raises
    ------
    UsageError
        One of another form, or a domain that is named twice.
    """
    changes: Changes = {}
    for option, texts, forms in (
        ("--rename", rename, (1, 1)), ("--merge", merge, (None, 1)), ("--split", split, (1, None)),
    ):  # fmt: skip
        for text in texts or ():
            old, new = _sides(option, text, *forms)
            for id in old:
                _declare(changes, id, new, option)
    for id in drop or ():
        _declare(changes, id, (), "--drop")
    return changes


def _sides(option: str, text: str, n_old: int | None, n_new: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    left, _, right = text.partition("=")
    old, new = (tuple(id.strip() for id in side.split(",") if id.strip()) for side in (left, right))
    if not all(len(side) == n if n else len(side) > 1 for side, n in ((old, n_old), (new, n_new))):
        forms = {"--rename": "OLD=NEW", "--merge": "OLD,OLD=NEW", "--split": "OLD=NEW,NEW"}
        raise UsageError(f"found {text!r}, expected {forms[option]}", where=option)
    return old, new


def _declare(changes: Changes, old: str, new: tuple[str, ...], option: str) -> None:
    if old in changes:
        raise UsageError(f"{old} is named twice", where=option)
    changes[old] = new


def plan_migration(
    server: LabelStudioServer, project: Project, domains: DomainSet, changes: Changes
) -> Migration | None:
    """What a change of domains does to the project's annotations; None where no id has changed.

    Raises
    ------
    UsageError
        A change that does not lead from the project's domains to the list's.
    LabellingError
        A domain is gone and nothing says what becomes of it.
    """
    old, new = interface_domains(project), domains.ids
    _check(old, new, changes)
    if not changes and set(old) == set(new):
        return None
    targets = {id for ids in changes.values() for id in ids}
    added = tuple(id for id in new if id not in old and id not in targets)
    migration = Migration(old, new, changes, added, domains)
    migration.tasks = server.get(f"api/projects/{project.id}/export", exportType="JSON", download_all_tasks="true")
    for task in filter(is_ours, migration.tasks):
        migration.edits += [edit for a in task["annotations"] if (edit := _edit(migration, task, a))]
    return migration


def _check(old: Sequence[str], new: Sequence[str], changes: Changes) -> None:
    for id, targets in changes.items():
        if unknown := [target for target in targets if target not in new]:
            raise UsageError(f"{id} is to become {unknown[0]!r}, which is not in the domain list")
        if id not in old:
            raise UsageError(f"the project has no domain {id!r}", hint=f"It has {', '.join(old)}.")
        if id in new and id not in targets:
            raise UsageError(f"{id} is to go, and is in the domain list", hint="Take it out there first.")
    if left := [id for id in old if id not in new and id not in changes]:
        raise LabellingError(
            f"{', '.join(left)} {'is' if len(left) == 1 else 'are'} no longer in the domain list",
            hint="Say what has become of it: --rename, --merge, --split or --drop. Nothing was done.",
        )  # fmt: skip


def _edit(migration: Migration, task: dict[str, Any], annotation: dict[str, Any]) -> Edit | None:
    result = annotation["result"] or []
    renewed = _renewed(result, migration.changes)
    reasons = [_REASONS[min(len(new), 2)].format(id, "、".join(new))
               for id, new in migration.changes.items() if id in _ids(result) and len(new) != 1]  # fmt: skip
    if migration.added and not annotation["was_cancelled"]:
        reasons.append(f"new: {', '.join(migration.added)}")
    if earlier := why_recheck(task["data"], annotation):
        # The mark holds for the annotation as it is; it must hold for the rewritten one too.
        reasons = [earlier, *(reason for reason in reasons if reason not in earlier)]
    why = "; ".join(reasons)
    if renewed == result and (not why or why == earlier) and not is_unsettled(task["data"], annotation):
        return None
    return Edit(task, annotation, renewed if renewed != result else None, why)


_REASONS = {0: "{0} was given up", 2: "{0} was split into {1}"}


def _renewed(result: Sequence[Mapping[str, Any]], changes: Changes) -> list[dict[str, Any]]:
    """The result in the new domains; a split one has all its parts until a person says which."""
    renewed = []
    for region in result:
        key = _KEYS.get(region["from_name"])
        if key is None:
            renewed.append(dict(region))
            continue
        new = list(dict.fromkeys(id for old in region["value"][key] for id in changes.get(old, (old,))))
        if new:
            renewed.append({**region, "value": {**region["value"], key: new}})
    return renewed


def _ids(result: Iterable[Mapping[str, Any]] | None) -> set[str]:
    return {id for r in result or () if r["from_name"] in _KEYS for id in r["value"][_KEYS[r["from_name"]]]}


def migrate(
    server: LabelStudioServer, project: Project, migration: Migration, settings: Mapping[str, Any], backup: Path, *,
    progress: Progress = lambda line: None,
) -> Path:  # fmt: skip
    """Do it; the file with the annotations as they were.

    Parameters
    ----------
    server : LabelStudioServer
    project : Project
    migration : Migration
    settings : mapping
        The project's, with the new interface.
    backup : Path
        The folder of that file.
    progress : callable
        Is told how far it is.

    Raises
    ------
    ConnectionLostError
        The same command goes on from there.
    """
    kept = _write_backup(project, migration, backup)
    tasks = _by_task(migration.edits)
    _mark(server, project, [edits for edits in tasks if any(map(_is_told, edits))], progress)
    update_project(server, project, {"label_config": interface_xml(_both(migration, project))})
    _rewrite(server, project, [edits for edits in tasks if any(e.result is not None for e in edits)], progress)
    _repeat(_remove_predictions, server, project, migration)
    _repeat(_settle, server, project, settings)
    return kept


def _by_task(edits: Iterable[Edit]) -> list[list[Edit]]:
    found: dict[int, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.task["id"], []).append(edit)
    return list(found.values())


def _batches(tasks: Sequence[list[Edit]]) -> Iterator[Sequence[list[Edit]]]:
    return (tasks[start : start + _BATCH] for start in range(0, len(tasks), _BATCH))


def _repeat(act: Callable[..., Any], *args: Any) -> Any:
    """Each of these steps gives the same, done once or twice."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return act(*args)
        except ConnectionLostError:
            continue
    return act(*args)


def _both(migration: Migration, project: Project) -> DomainSet:
    """Old and new domains together: the server refuses an interface without labels that are in use."""
    gone = [Domain(id, zh=f"{id}（旧）") for id in migration.old if id not in migration.new]
    return DomainSet([*(replace(d, hotkey="") for d in migration.domains), *gone], migration.domains.version)


def _is_told(edit: Edit) -> bool:
    """Whether its task must say something of it before it is rewritten."""
    return bool(edit.why) or bool(edit.task["data"].get("restored"))


def _mark(server: LabelStudioServer, project: Project, tasks: Sequence[list[Edit]], progress: Progress) -> None:
    done = 0
    for batch in _batches(tasks):
        for edits, data in _read_data(server, project, batch):
            _write_data(server, edits, data, _marked(data, edits))
            done += 1
            progress(f"{done} of {len(tasks)} paragraphs marked")


def _rewrite(server: LabelStudioServer, project: Project, tasks: Sequence[list[Edit]], progress: Progress) -> None:
    """The annotations, and then in the marks the time that each has got by it."""
    done, n_edits = 0, sum(edit.result is not None for edits in tasks for edit in edits)
    for batch in _batches(tasks):
        times: dict[int, str] = {}
        for edit in (edit for edits in batch for edit in edits if edit.result is not None):
            id = edit.annotation["id"]
            answer = _repeat(server.send, "PATCH", f"api/annotations/{id}/", {"result": edit.result})
            times[id] = answer["updated_at"]
            done += 1
            progress(f"{done} of {n_edits} annotations rewritten")
        marked = [edits for edits in batch if any(edit.why and edit.result is not None for edit in edits)]
        for edits, data in _read_data(server, project, marked):
            _write_data(server, edits, data, _settled(data, edits, times))


def _read_data(
    server: LabelStudioServer, project: Project, tasks: Sequence[list[Edit]]
) -> Iterator[tuple[list[Edit], dict[str, Any]]]:
    """The tasks' data as they are now; tasks that were removed since are left out."""
    if not tasks:
        return
    uids = sorted({edits[0].task["data"]["uid"] for edits in tasks})
    rows = list_rows(server, project.id, "id,data", [tasks_filter("data.uid", "in_list", "List", uids)])
    known = {row["id"]: row["data"] for row in rows}
    for edits in tasks:
        if edits[0].task["id"] in known:
            yield edits, known[edits[0].task["id"]]


def _write_data(
    server: LabelStudioServer, edits: Sequence[Edit], data: Mapping[str, Any], renewed: Mapping[str, Any]
) -> None:
    if renewed != data:
        _repeat(update_data, server, edits[0].task["id"], renewed)


def _marked(data: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """The data with what each annotation is to become: a mark holds for it before and after."""
    recheck, restored = dict(data.get("recheck") or {}), dict(data.get("restored") or {})
    for edit in edits:
        becomes = {} if edit.result is None else {"becomes": result_hash(edit.result)}
        if edit.why:
            time = edit.annotation["updated_at"]
            recheck[str(edit.annotation["id"])] = {"updated_at": time, "why": edit.why, **becomes}
        now, key = result_hash(edit.annotation["result"]), str(edit.annotation.get("import_id"))
        first = restored.get(key)
        if becomes and isinstance(first, Mapping) and now in (first.get("hash"), first.get("becomes")):
            restored[key] = {**first, "hash": now, **becomes}
    return {**data, **({"recheck": recheck} if recheck else {}), **({"restored": restored} if restored else {})}


def _settled(data: Mapping[str, Any], edits: Sequence[Edit], times: Mapping[int, str]) -> dict[str, Any]:
    """The data with marks that hold until a person submits the annotation, though it be as it is."""
    recheck = dict(data.get("recheck") or {})
    for edit in edits:
        id = edit.annotation["id"]
        if edit.why and id in times:
            recheck[str(id)] = {"updated_at": times[id], "why": edit.why}
    return {**data, "recheck": recheck}


def _remove_predictions(server: LabelStudioServer, project: Project, migration: Migration) -> None:
    """Predictions that name a domain which is gone cannot be shown; a push makes new ones."""
    if not set(migration.old) - set(migration.new):
        return
    for version in server.get(f"api/projects/{project.id}/model-versions/"):
        server.send("DELETE", f"api/projects/{project.id}/model-versions/", {"model_version": version})


def _settle(server: LabelStudioServer, project: Project, settings: Mapping[str, Any]) -> None:
    update_project(server, project, settings)
    need_project(server, str(project.id))


def _write_backup(project: Project, migration: Migration, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"project-{project.id}-{stamp}.json"
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({"interface": project.interface, "tasks": migration.tasks}, file, ensure_ascii=False, indent=1)
    os.replace(temporary, path)
    return path
