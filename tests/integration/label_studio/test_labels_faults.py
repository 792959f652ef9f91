"""Broken connections: whatever breaks, a push or a pull that is given again ends well; nothing is doubled or lost."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FAULTS, LATE, FaultyProxy

from tagger.domains import DomainSet
from tagger.errors import LabellingError
from tagger.labelling.access import Access
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import list_tasks
from tagger.labelling.project import Project, create_project, wanted_settings
from tagger.labelling.pull import ANNOTATIONS, EXAMPLES, RAW, UNLABELLED, pull
from tagger.labelling.push import Pushed, push
from tagger.project import project_path

pytestmark = pytest.mark.timeout(1800)
#: Seeded runs; more than the hundred that must go well where time allows.
RUNS = int(os.environ.get("LABEL_STUDIO_FAULT_RUNS", "100"))
_RATE = 0.25
#: Seconds after which a client gives up where answers come late; elsewhere it waits for a minute.
_IMPATIENT = 1.0
#: Every twentieth run has a late answer to its first push (an import), another twentieth one to its second (a change).
_LATE_IN_FIRST, _LATE_IN_SECOND = 0, 11
#: Tasks that have changed since the last pull: three of the run before, two of this one.
_MOST_CHANGED = 5
_ROWS = ("巡特警在夜市巡逻。", "向商户发放宣传单。", "纠正骑车不戴头盔。", "召开会议学习文件。")


@pytest.fixture(scope="module")
def proxy(running: Any) -> Iterator[FaultyProxy]:
    made = FaultyProxy(running.url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagger.labelling.client._PAUSES", (0.0,) * 4)
    monkeypatch.setattr("tagger.labelling.push._PAUSE", 0.0)


def _until_it_goes_well(act: Callable[[], Any]) -> Any:
    for _ in range(60):
        try:
            return act()
        except LabellingError:
            continue
    raise AssertionError("sixty attempts were not enough")


def _texts(seed: int, version: int) -> dict[str, list[str]]:
    """Two paragraphs; in the second version one has another text, and a new one stands in front or at the end."""
    rows = [f"{seed}之{i}：{row}" for i, row in enumerate(_ROWS[:2])]
    if version == 2:
        rows[1] = f"{rows[1]}共二百份。"
        rows.insert(seed % 2 * 2, f"{seed}：新的一段。")
    return {f"r{seed}": rows}


class _Annotator:
    """Half of the seeded runs, on one server: a bulletin a seed, pushed, annotated, pulled, changed and pushed again.

    All pulls go into one folder, so that each goes on from the one before.
    """

    def __init__(self, server: Any, domains: DomainSet, folder: Path) -> None:
        self.server, self.domains, self.folder = server, domains, folder
        self.proxy = FaultyProxy(server.url)
        access = Access(self.proxy.url, server.token)
        self.behind = LabelStudioServer(access, timeout=60)
        self.impatient = LabelStudioServer(access, timeout=_IMPATIENT)
        settings = wanted_settings(domains, project_path("labels/guideline.md"))
        self.project = create_project(server.lead, "faults", settings)
        self.submitted: dict[int, tuple[str, str]] = {}
        self.fetched: list[int] = []
        self.n_disturbed = 0  # pulls that met a fault

    def work(self, bulletins: Mapping[int, Sequence[list[dict[str, Any]]]], annotate: Any) -> Counter[str]:
        """The faults that happened in the runs of these seeds; each has the tasks of two versions."""
        for seed, versions in bulletins.items():
            self._push(3 * seed + 1, versions[0], is_late=seed % 20 == _LATE_IN_FIRST)
            self._annotate(random.Random(seed), versions[0], annotate)
            self._pull(3 * seed + 2)
            self._push(3 * seed + 3, versions[1], is_late=seed % 20 == _LATE_IN_SECOND)
            _check_tasks(self.server.lead, self.project, versions[1])
        self._pull(1)
        self._check_against_a_whole_pull()
        assert self.proxy.n_given_up == self.proxy.happened[LATE], "a client waited for a late answer"
        self.proxy.close()
        return self.proxy.happened

    def _push(self, seed: int, tasks: list[dict[str, Any]], *, is_late: bool) -> None:
        self.proxy.set(seed, _RATE, n_late=int(is_late))
        client = self.impatient if is_late else self.behind
        _until_it_goes_well(lambda: push(client, self.project.id, tasks))
        self.proxy.set(0, 0.0)

    def _annotate(self, die: random.Random, tasks: list[dict[str, Any]], annotate: Any) -> None:
        there = list_tasks(self.server.wang, self.project.id, {task["data"]["bulletin"] for task in tasks})
        chosen = die.choice(there)
        made = annotate(self.server.wang, chosen.id, ["patrol"])
        self.submitted[made["id"]] = (chosen.uid, chosen.data["text"])

    def _pull(self, seed: int) -> None:
        before = self.proxy.happened.total()
        self.proxy.set(seed, _RATE)
        _, exported = _until_it_goes_well(lambda: pull(self.behind, self.project, self.folder / "pulled", self.domains))
        self.proxy.set(0, 0.0)
        self.n_disturbed += self.proxy.happened.total() > before
        self.fetched.append(exported.n_fetched)
        self._check_annotations(exported.tasks)

    def _check_annotations(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Every annotation that was submitted so far is there once: in the export, and in the file."""
        assert sorted(a["id"] for task in tasks for a in task["annotations"]) == sorted(self.submitted)
        text = (self.folder / "pulled" / ANNOTATIONS).read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        assert len({row["annotation"] for row in rows}) == len(rows) == len(self.submitted)
        assert len({row["uid"] for row in rows}) == len(set(self.submitted.values()))

    def _check_against_a_whole_pull(self) -> None:
        """Pulls that went on from each other under faults leave what one undisturbed pull does."""
        pull(self.server.lead, self.project, self.folder / "whole", self.domains)
        for name in (RAW, ANNOTATIONS, EXAMPLES, UNLABELLED):
            assert (self.folder / "pulled" / name).read_bytes() == (self.folder / "whole" / name).read_bytes(), name
        assert max(self.fetched[1:]) <= _MOST_CHANGED, "a pull began anew"


def test_nothing_is_doubled_or_lost_whatever_breaks(
    running: Any, second: Any, make_tasks: Any, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    bulletins = {seed: [make_tasks(_texts(seed, version)) for version in (1, 2)] for seed in range(RUNS)}
    halves = [{seed: bulletins[seed] for seed in range(first, RUNS, 2)} for first in (0, 1)]
    annotators = [_Annotator(server, domains, tmp_path / server.home.parent.name) for server in (running, second)]
    with ThreadPoolExecutor(2) as pool:
        happened = sum(pool.map(lambda one, half: one.work(half, annotate), annotators, halves), Counter())
    assert set(happened) >= {*FAULTS, LATE}
    n_disturbed = sum(one.n_disturbed for one in annotators)
    assert n_disturbed >= RUNS // 3
    print(f"{RUNS} runs, {n_disturbed} of {RUNS + 2} pulls disturbed, faults: {dict(happened)}")


def _check_tasks(server: LabelStudioServer, project: Project, wanted: list[dict[str, Any]]) -> None:
    there = list_tasks(server, project.id, {task["data"]["bulletin"] for task in wanted})
    assert sorted(t.data["text"] for t in there) == sorted(t["data"]["text"] for t in wanted)
    assert len({t.uid for t in there}) == len(there)
    assert [t.n_predictions for t in there] == [1] * len(there)


@pytest.mark.parametrize("fault", [*FAULTS, LATE])
def test_each_kind_of_fault_alone_and_every_time(
    running: Any, proxy: FaultyProxy, project: Project, make_tasks: Any, annotate: Any, tmp_path: Path,
    domains: DomainSet, fault: str,
) -> None:  # fmt: skip
    """Three requests of five meet the fault, or the first two that write; a command that fails is given again."""
    behind = LabelStudioServer(Access(proxy.url, running.token), timeout=_IMPATIENT if fault == LATE else 60)
    tasks = make_tasks({"b": _ROWS})

    def disturbed(act: Callable[[], Any]) -> Any:
        before, gone = proxy.happened[fault], proxy.n_given_up
        proxy.set(*((1, 0.0) if fault == LATE else (1, 0.6, (fault,))), n_late=2 * (fault == LATE))
        try:
            done = _until_it_goes_well(act)
        finally:
            proxy.set(0, 0.0)
        assert proxy.happened[fault] > before
        assert fault != LATE or proxy.n_given_up - gone == proxy.happened[fault] - before
        return done

    assert isinstance(disturbed(lambda: push(behind, project.id, tasks)), Pushed)
    _check_tasks(running.lead, project, tasks)
    assert push(running.lead, project.id, tasks).n_writes == 0
    made = annotate(running.wang, list_tasks(running.lead, project.id)[0].id, ["patrol"])
    pulled, exported = disturbed(lambda: pull(behind, project, tmp_path / "pulled", domains))
    assert [a["id"] for task in exported.tasks for a in task["annotations"]] == [made["id"]]
    assert (len(pulled.annotations), len(pulled.unlabelled)) == (1, len(tasks) - 1)


@pytest.mark.parametrize("number", range(5))
def test_a_project_is_made_once(running: Any, proxy: FaultyProxy, domains: DomainSet, number: int) -> None:
    from tagger.labelling.project import find_project

    behind = LabelStudioServer(Access(proxy.url, running.token), timeout=60)
    settings = wanted_settings(domains, project_path("labels/guideline.md"))
    title = f"made once {number}"
    proxy.set(number, 0.5)
    try:
        made = _until_it_goes_well(lambda: find_project(behind, title) or create_project(behind, title, settings))
    finally:
        proxy.set(0, 0.0)
    found = [p for page in running.lead.pages("api/projects/", page_size=100) for p in page["results"]]
    assert [p["id"] for p in found if p["title"] == title] == [made.id]
