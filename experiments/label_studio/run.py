"""How push and pull do with many tasks: 20,000 paragraphs pushed twice, 5,000 annotated ones pulled.

tagger labels up && .venv/bin/python experiments/label_studio/run.py [PARAGRAPHS [ANNOTATED]]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import ROOT, table, write

from tagger.bulletins.bulletin import Bulletin, parse_bulletin
from tagger.domains import load_domains
from tagger.labelling.access import find_access
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.project import Project, create_project, need_project, wanted_settings
from tagger.labelling.pull import pull
from tagger.labelling.push import push
from tagger.models.storage import load_model
from tagger.predict.as_label_studio import tasks
from tagger.predict.tagging import tag_bulletins
from tagger.tasks import choices

PARAGRAPHS, ANNOTATED, CHANGED = 20_000, 5_000, 20
DOMAINS = load_domains(ROOT / "labels" / "domains.yaml")
INTRODUCTION = """# Label Studio with many tasks

`.venv/bin/python experiments/label_studio/run.py` against a local server (`tagger labels up`: Label Studio 1.23.2 on
SQLite), on {cores} processors with a load of {load:.1f} when it began. Paragraphs are the corpus's own lines, under
new names; pre-annotations are the lexicon's. Seconds are the client's wall clock, memory is the client's peak.

"""
NOTES = """
The second push lists the tasks, compares, and sends nothing. Before the second pull {n} more annotations were
submitted.
"""


def main() -> None:
    n, n_annotated = (int(a) for a in (*sys.argv[1:], PARAGRAPHS, ANNOTATED)[:2])
    load = os.getloadavg()[0]
    server = LabelStudioServer(find_access(None, None), timeout=600)
    rows: list[dict[str, Any]] = []
    wanted = list(_tasks(n))
    name = f"experiment {time.strftime('%Y-%m-%dT%H:%M:%S')}"
    project = _project(server, name)
    for turn in ("first", "second"):
        done, row = _timed(f"push of {n} paragraphs, {turn}", lambda: push(server, project.id, wanted))
        rows.append({**row, "new": done.n_new, "writes": done.n_writes})
    project = _project(server, f"{name} annotated")
    push(server, project.id, [_annotated(task) for task in wanted[:n_annotated]])
    project = need_project(server, str(project.id))
    with tempfile.TemporaryDirectory() as folder:
        for turn in ("first", "second"):
            (pulled, exported), row = _timed(
                f"pull of {n_annotated} annotated, {turn}", lambda: pull(server, project, Path(folder), DOMAINS)
            )
            rows.append({**row, "annotations": pulled.counts["annotations"], "fetched": exported.n_fetched})
            _annotate_some(server, exported.tasks[:CHANGED])
    results = {"cores": os.cpu_count(), "load": load, "rows": rows}
    lines = [
        [
            r["what"],
            f"{r['seconds']:.1f}",
            f"{r['peak_memory_mib']:.0f}",
            str(r.get("writes", "—")),
            str(r.get("fetched", "—")),
        ]
        for r in rows
    ]
    report = table(["", "seconds", "peak memory, MiB", "writing requests", "tasks fetched"], lines)
    write(Path(__file__).parent, INTRODUCTION.format(**results) + report + NOTES.format(n=CHANGED), results)


def _timed(what: str, act: Callable[[], Any]) -> tuple[Any, dict[str, Any]]:
    start = time.perf_counter()
    done = act()
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {seconds:.1f} s, {peak:.0f} MiB", file=sys.stderr)
    return done, {"what": what, "seconds": round(seconds, 2), "peak_memory_mib": round(peak, 1)}


def _annotate_some(server: LabelStudioServer, tasks: list[dict[str, Any]]) -> None:
    for task in tasks:
        server.send("POST", f"api/tasks/{task['id']}/annotations/", {"result": [choices(["patrol"])], "lead_time": 3.0})


def _project(server: LabelStudioServer, name: str) -> Project:
    return create_project(server, name, wanted_settings(DOMAINS, ROOT / "labels" / "guideline.md"))


def _tasks(n: int) -> Iterator[dict[str, Any]]:
    """Whole bulletins until there are enough paragraphs."""
    model, count = load_model("lexicon"), 0
    for tagged in tag_bulletins(_bulletins(), model):
        for task in tasks(tagged, "paragraph"):
            if count == n:
                return
            count += 1
            yield task


def _bulletins() -> Iterator[Bulletin]:
    """The corpus's bulletins over and over, each time under another name."""
    pages = sorted((ROOT / "labels" / "corpus").glob("*.txt"))
    turn = 0
    while True:
        for path in pages:
            lines = path.read_text(encoding="utf-8").splitlines()
            text = "\n".join(line.split("\t")[0] for line in lines if not line.startswith("#"))
            yield parse_bulletin(text, id=f"{path.stem}-{turn}", source=path.name)
        turn += 1


def _annotated(task: dict[str, Any]) -> dict[str, Any]:
    """The task as somebody would have left it who agrees with the model."""
    (prediction,) = task["predictions"]
    return {**task, "annotations": [{"result": prediction["result"], "lead_time": 5.0, "ground_truth": False}]}


if __name__ == "__main__":
    main()
