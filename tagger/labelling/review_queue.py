"""What people should look at again, with every opinion in view: the seam between our figures and Label Studio.

A queue is data. It is written as JSON lines, and `push_queue` hands it to anything that can add
predictions to tasks and open a tab, such as the client in this room.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tagger.tasks import choices

#: Columns of the server's table that say nothing to a reviewer, and would push note and text off the screen.
_HIDDEN = (
    "inner_id", "completed_at", "cancelled_annotations", "annotations_results", "annotations_ids",
    "predictions_score", "predictions_model_versions", "predictions_results", "file_upload", "storage_filename",
    "created_at", "updated_at", "updated_by", "avg_lead_time", "draft_exists", "data.before", "data.after",
    "data.uid", "data.content_hash", "data.source", "data.unit", "data.index", "data.start", "data.end",
    "data.sentences", "data.bulletin",
)  # fmt: skip


@dataclass(frozen=True)
class ReviewTask:
    """One task to look at.

    Attributes
    ----------
    uid : str
        The task's stable id.
    priority : float
        In [0, 1]; 1 comes first.
    note : str
        Why it is here, in one sentence.
    opinions : tuple of (str, tuple of str)
        Who says what: a name and domain ids.
    """

    uid: str
    priority: float
    note: str
    opinions: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def predictions(self) -> list[dict[str, Any]]:
        """Label Studio predictions, one an opinion, named after who holds it.

        The server's queue serves the lowest score first, so the score is 1 less the priority.
        """
        return [
            {"model_version": name, "score": round(1 - self.priority, 4), "result": [choices(domains)]}
            for name, domains in self.opinions
        ]


@dataclass(frozen=True)
class ReviewQueue:
    """Tasks under one heading, most urgent first."""

    title: str
    tasks: tuple[ReviewTask, ...] = field(default=())

    @property
    def uids(self) -> list[str]:
        """The tasks' ids, most urgent first, each once."""
        return list(dict.fromkeys(task.uid for task in self.tasks))

    def tab(self) -> dict[str, Any]:
        """The data of a Label Studio tab (view) that shows these tasks alone, each with its note.

        By a regular expression: the server knows ``in_list`` too, but the page does not, and where one
        tab has an operator that it does not know, the project's whole page stays empty.
        """
        named = "|".join(map(re.escape, self.uids))
        items = [{"filter": "filter:tasks:data.uid", "operator": "regex", "type": "String", "value": f"^({named})$"}]
        hidden = [f"tasks:{name}" for name in _HIDDEN]
        return {
            "title": self.title, "type": "list", "filters": {"conjunction": "and", "items": items},
            "hiddenColumns": {"explore": hidden, "labeling": hidden},
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """JSON lines, one a task: ``uid``, ``priority``, ``note``, ``opinions``, ``predictions``."""
        for task in self.tasks:
            opinions = [{"name": name, "domains": list(domains)} for name, domains in task.opinions]
            row = {"queue": self.title, "uid": task.uid, "priority": round(task.priority, 4), "note": task.note,
                   "opinions": opinions, "predictions": task.predictions()}  # fmt: skip
            yield json.dumps(row, ensure_ascii=False) + "\n"


class ReviewClient(Protocol):
    """What a queue needs of a server."""

    def replace_predictions(self, uid: str, predictions: Sequence[dict[str, Any]]) -> None:
        """Give a task these predictions, in the place of any of the same model versions."""
        ...

    def set_note(self, uid: str, note: str) -> None:
        """Show a note beside a task's text, in the place of any other."""
        ...

    def replace_tab(self, tab: dict[str, Any]) -> None:
        """Open this tab, in the place of one with the same title."""
        ...


def push_queue(client: ReviewClient, queue: ReviewQueue) -> int:
    """Show a queue on a server; the same queue twice changes nothing the second time.

    The tab comes last: it never shows a task whose opinions are not there yet.

    Returns
    -------
    int
        Tasks in the queue.
    """
    for task in queue.tasks:
        client.set_note(task.uid, task.note)
        if task.opinions:
            client.replace_predictions(task.uid, task.predictions())
    client.replace_tab(queue.tab())
    return len(queue.uids)


def make_queue(title: str, tasks: Iterable[ReviewTask]) -> ReviewQueue:
    """A queue in order of priority; of equal ones, in the order given."""
    return ReviewQueue(title, tuple(sorted(tasks, key=lambda task: -task.priority)))
