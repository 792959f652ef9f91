"""Broken connections: whatever breaks, a push that is given again ends well, and nothing is doubled or lost."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FAULTS, FaultyProxy

from tagger.domains import DomainSet
from tagger.errors import LabellingError
from tagger.labelling.access import Access
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.inventory import list_tasks
from tagger.labelling.project import Project, create_project, wanted_settings
from tagger.labelling.pull import pull
from tagger.labelling.push import Pushed, push
from tagger.project import project_path

pytestmark = pytest.mark.timeout(1800)
#: Seeded runs; more than the hundred that must go well where time allows.
RUNS = int(os.environ.get("LABEL_STUDIO_FAULT_RUNS", "100"))
_RATE = 0.25
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
    """Half of the seeded runs, on one server: a bulletin a seed, pushed, annotated, changed and pushed again."""

    def __init__(self, server: Any, domains: DomainSet, folder: Path) -> None:
        self.server, self.domains, self.folder = server, domains, folder
        self.proxy = FaultyProxy(server.url)
        self.behind = LabelStudioServer(Access(self.proxy.url, server.token), timeout=60)
        settings = wanted_settings(domains, project_path("labels/guideline.md"))
        self.project = create_project(server.lead, "faults", settings)
        self.submitted: dict[int, tuple[str, str]] = {}

    def work(self, bulletins: Mapping[int, Sequence[list[dict[str, Any]]]], annotate: Any) -> Counter[str]:
        """The faults that happened in the runs of these seeds; each has the tasks of two versions."""
        for seed, versions in bulletins.items():
            self._push(2 * seed + 1, versions[0])
            self._annotate(random.Random(seed), versions[0], annotate)
            self._push(2 * seed + 2, versions[1])
            _check_tasks(self.server.lead, self.project, versions[1])
        self._check_annotations(len(bulletins))
        self.proxy.close()
        return self.proxy.happened

    def _push(self, seed: int, tasks: list[dict[str, Any]]) -> None:
        self.proxy.set(seed, _RATE)
        _until_it_goes_well(lambda: push(self.behind, self.project.id, tasks))
        self.proxy.set(0, 0.0)

    def _annotate(self, die: random.Random, tasks: list[dict[str, Any]], annotate: Any) -> None:
        there = list_tasks(self.server.wang, self.project.id, {task["data"]["bulletin"] for task in tasks})
        chosen = die.choice(there)
        made = annotate(self.server.wang, chosen.id, ["patrol"])
        self.submitted[made["id"]] = (chosen.uid, chosen.data["text"])

    def _check_annotations(self, n_runs: int) -> None:
        self.proxy.set(99, _RATE)
        pulled, exported = _until_it_goes_well(
            lambda: pull(self.behind, self.project, self.folder / "pulled", self.domains)
        )
        assert {a["id"] for task in exported.tasks for a in task["annotations"]} == set(self.submitted)
        assert len(pulled.annotations) == len(self.submitted) == n_runs
        assert len({row["uid"] for row in pulled.annotations}) == len(set(self.submitted.values()))


def test_nothing_is_doubled_or_lost_whatever_breaks(
    running: Any, second: Any, make_tasks: Any, annotate: Any, tmp_path: Path, domains: DomainSet
) -> None:
    bulletins = {seed: [make_tasks(_texts(seed, version)) for version in (1, 2)] for seed in range(RUNS)}
    halves = [{seed: bulletins[seed] for seed in range(first, RUNS, 2)} for first in (0, 1)]
    annotators = [_Annotator(server, domains, tmp_path / server.home.parent.name) for server in (running, second)]
    with ThreadPoolExecutor(2) as pool:
        happened = sum(pool.map(lambda one, half: one.work(half, annotate), annotators, halves), Counter())
    assert set(happened) >= set(FAULTS)
    print(f"{RUNS} runs, faults: {dict(happened)}")


def _check_tasks(server: LabelStudioServer, project: Project, wanted: list[dict[str, Any]]) -> None:
    there = list_tasks(server, project.id, {task["data"]["bulletin"] for task in wanted})
    assert sorted(t.data["text"] for t in there) == sorted(t["data"]["text"] for t in wanted)
    assert len({t.uid for t in there}) == len(there)
    assert [t.n_predictions for t in there] == [1] * len(there)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_kind_of_fault_alone_and_every_time(
    running: Any, proxy: FaultyProxy, project: Project, make_tasks: Any, fault: str
) -> None:
    """Three requests of five meet the fault; a command that fails is given again."""
    behind = LabelStudioServer(Access(proxy.url, running.token), timeout=60)
    tasks = make_tasks({"b": _ROWS})
    proxy.set(1, 0.6, (fault,))
    before = proxy.happened[fault]
    try:
        done = _until_it_goes_well(lambda: push(behind, project.id, tasks))
    finally:
        proxy.set(0, 0.0)
    assert isinstance(done, Pushed)
    assert proxy.happened[fault] > before
    _check_tasks(running.lead, project, tasks)
    assert push(running.lead, project.id, tasks).n_writes == 0


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
