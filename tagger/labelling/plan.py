"""What a push has to do: the bulletins' paragraphs against the tasks that are there. Decides, and writes nothing.

A paragraph keeps its task when its text is still in the bulletin, wherever it has moved to; else
when one much like it was there (an edit), or when the text at its place has changed. Only what is
left of both sides is new or gone. So a paragraph put in at the top of a bulletin costs no
annotation below it its text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tagger.errors import LabellingError
from tagger.labelling.inventory import KnownTask
from tagger.tasks import OWN_FIELDS

Task = dict[str, Any]
#: Not compared: a task keeps its first uid, and the path that was typed says nothing of the text.
_NOT_COMPARED = {"uid", "source", *OWN_FIELDS}
#: Below so much in common, two texts are two texts.
_ALIKE = 0.2
#: From so much in common on, one text is the other after an edit.
_EDITED = 0.5
#: More comparisons than this are not worth the wait; then the place decides.
_MAX_PAIRS = 250_000


@dataclass
class Plan:
    """What there is to write.

    Attributes
    ----------
    new : list of dict
        Import tasks.
    changed : list of (KnownTask, dict)
        Tasks with the ``data`` that they should have.
    duplicates : list of (KnownTask, list of KnownTask)
        The first task of a uid, and the others.
    gone : list of KnownTask
        Their text stands in no paragraph of its bulletin any more.
    kept : dict
        Task number -> import task, for all that stay.
    """

    new: list[Task] = field(default_factory=list)
    changed: list[tuple[KnownTask, Task]] = field(default_factory=list)
    duplicates: list[tuple[KnownTask, list[KnownTask]]] = field(default_factory=list)
    gone: list[KnownTask] = field(default_factory=list)
    kept: dict[int, Task] = field(default_factory=dict)


def plan_push(wanted: Sequence[Task], known: Iterable[KnownTask], *, replace: bool = False) -> Plan:
    """Compare the tasks that should be with those that are.

    Parameters
    ----------
    wanted : sequence of dict
        Import tasks, those of a bulletin in page order.
    known : iterable of KnownTask
        Tasks of the project; those of other bulletins are left alone.
    replace : bool
        Accept another bulletin under the id of one that is there.

    Raises
    ------
    LabellingError
        Two documents of one id in `wanted`, or one whose id belongs to another text on the server.
    """
    groups = _grouped(wanted)
    there: dict[tuple[str, str], list[KnownTask]] = defaultdict(list)
    for task in known:
        there[task.data["bulletin"], str(task.data.get("unit", "paragraph"))].append(task)
    plan = Plan()
    for key, tasks in groups.items():
        _plan_bulletin(plan, key[0], tasks, _without_duplicates(there.get(key, []), plan), replace)
    return plan


def _grouped(wanted: Sequence[Task]) -> dict[tuple[str, str], list[Task]]:
    groups: dict[tuple[str, str], list[Task]] = defaultdict(list)
    sources: dict[str, str] = {}
    for task in wanted:
        data = task["data"]
        first = sources.setdefault(data["bulletin"], data["source"])
        if first != data["source"]:
            raise LabellingError(
                f"also called {data['bulletin']!r}, as {first} is", where=data["source"],
                hint="A bulletin's id is its file name: rename one of the two. Nothing was pushed.",
            )  # fmt: skip
        groups[data["bulletin"], data["unit"]].append(task)
    return groups


def _without_duplicates(tasks: Sequence[KnownTask], plan: Plan) -> list[KnownTask]:
    by_uid: dict[str, list[KnownTask]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: task.id):
        by_uid[task.uid].append(task)
    for first, *others in by_uid.values():
        if others:
            plan.duplicates.append((first, others))
    return [found[0] for found in by_uid.values()]


def _plan_bulletin(plan: Plan, bulletin: str, tasks: list[Task], known: list[KnownTask], replace: bool) -> None:
    pairs, new, gone = _align(tasks, known)
    if known and not replace:
        _refuse_stranger(bulletin, pairs, tasks)
    taken = {task.uid for task in known}
    for task, old in pairs:
        data = {**task["data"], **{key: old.data[key] for key in OWN_FIELDS if key in old.data}, "uid": old.uid}
        plan.kept[old.id] = task
        if _compared(data) != _compared(old.data):
            plan.changed.append((old, data))
    for task in new:
        plan.new.append(_with_free_uid(task, taken))
    plan.gone.extend(gone)


def _align(
    tasks: list[Task], known: list[KnownTask]
) -> tuple[list[tuple[Task, KnownTask]], list[Task], list[KnownTask]]:
    """Pairs by the same text, then by one much like it, then by place; what is left of both sides."""
    left = {old.id: old for old in known}
    pairs: list[tuple[Task, KnownTask]] = []
    rest = _pair(tasks, left, "content_hash", pairs)
    rest = _pair_alike(rest, left, pairs)
    return pairs, _pair(rest, left, "index", pairs), list(left.values())


def _pair_alike(tasks: list[Task], left: dict[int, KnownTask], pairs: list[tuple[Task, KnownTask]]) -> list[Task]:
    """Takes out of `left` what an edited paragraph was, the likest first."""
    if len(tasks) * len(left) > _MAX_PAIRS:
        return tasks
    found = [
        (-alike, i, old.id)
        for i, task in enumerate(tasks)
        for old in left.values()
        if (alike := _in_common(task["data"]["text"], old.data["text"])) >= _EDITED
    ]
    paired = set()
    for _, i, id in sorted(found):
        if i not in paired and id in left:
            paired.add(i)
            pairs.append((tasks[i], left.pop(id)))
    return [task for i, task in enumerate(tasks) if i not in paired]


def _pair(tasks: list[Task], left: dict[int, KnownTask], key: str, pairs: list[tuple[Task, KnownTask]]) -> list[Task]:
    """Takes out of `left` what has the same `key`; of several, the one whose place is nearest."""
    by_key: dict[Any, list[KnownTask]] = defaultdict(list)
    for old in left.values():
        by_key[old.data.get(key)].append(old)
    rest = []
    for task in tasks:
        found = by_key[task["data"][key]]
        if not found:
            rest.append(task)
            continue
        best = min(found, key=lambda old: abs(_place(old) - task["data"]["index"]))
        found.remove(best)
        del left[best.id]
        pairs.append((task, best))
    return rest


def _place(task: KnownTask) -> int:
    index = task.data.get("index")
    return index if isinstance(index, int) else 0


def _refuse_stranger(bulletin: str, pairs: Sequence[tuple[Task, KnownTask]], tasks: Sequence[Task]) -> None:
    alike = max((_in_common(task["data"]["text"], old.data["text"]) for task, old in pairs), default=0.0)
    if alike < _ALIKE:
        raise LabellingError(
            f"the project has another bulletin called {bulletin!r}, with no paragraph in common",
            where=tasks[0]["data"]["source"],
            hint="Rename this one, or pass --replace if it takes the other's place. Nothing was pushed.",
        )


def _in_common(one: str, other: str) -> float:
    """Jaccard index of two texts' pairs of characters, in [0, 1]."""
    a, b = ({text[i : i + 2] for i in range(len(text))} for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def _compared(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _NOT_COMPARED}


def _with_free_uid(task: Task, taken: set[str]) -> Task:
    """The task itself, or under a longer uid where an older paragraph that has moved holds its own."""
    data = task["data"]
    uid = data["uid"] if data["uid"] not in taken else f"{data['uid']}~{data['content_hash'][:8]}"
    number = 1
    while uid in taken:
        number += 1
        uid = f"{data['uid']}~{data['content_hash'][:8]}.{number}"
    taken.add(uid)
    return {**task, "data": {**data, "uid": uid}}
