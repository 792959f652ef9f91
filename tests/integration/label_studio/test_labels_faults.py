"""Broken connections: whatever breaks, a push that is given again ends well, and nothing is doubled or lost."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
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
    """A bulletin of three paragraphs; in the second version one has another text, and a new one stands in front."""
    rows = [f"{seed}之{i}：{row}" for i, row in enumerate(_ROWS[:3])]
    if version == 2:
        rows[1] = f"{rows[1]}共二百份。"
        rows.insert(seed % 2 * 3, f"{seed}：新的一段。")
    return {f"r{seed}": rows}


@pytest.fixture(scope="module")
def shared(running: Any, domains: DomainSet) -> Project:
    """One project for all runs: each has bulletins of its own in it."""
    settings = wanted_settings(domains, project_path("labels/guideline.md"))
    return create_project(running.lead, "faults", settings)


def test_nothing_is_doubled_or_lost_whatever_breaks(
    running: Any,
    proxy: FaultyProxy,
    shared: Project,
    make_tasks: Any,
    annotate: Any,
    tmp_path: Path,
    domains: DomainSet,
) -> None:
    behind = LabelStudioServer(Access(proxy.url, running.token), timeout=60)
    submitted: dict[int, tuple[str, str]] = {}
    for seed in range(RUNS):
        die = random.Random(seed)
        for version in (1, 2):
            tasks = make_tasks(_texts(seed, version))
            proxy.set(2 * seed + version, _RATE)
            _until_it_goes_well(lambda tasks=tasks: push(behind, shared.id, tasks))
            proxy.set(0, 0.0)
            if version == 1:
                there = list_tasks(running.wang, shared.id, list(_texts(seed, 1)))
                chosen = die.choice(there)
                made = annotate(running.wang, chosen.id, ["patrol"])
                submitted[made["id"]] = (chosen.uid, chosen.data["text"])
        _check_tasks(running.lead, shared, tasks)
    assert set(proxy.happened) >= set(FAULTS)
    proxy.set(99, _RATE)
    pulled, exported = _until_it_goes_well(lambda: pull(behind, shared, tmp_path / "pulled", domains))
    assert {a["id"] for task in exported.tasks for a in task["annotations"]} == set(submitted)
    assert len(pulled.annotations) == RUNS
    assert len({row["uid"] for row in pulled.annotations}) == len(set(submitted.values()))
    print(f"{RUNS} runs, faults: {dict(proxy.happened)}")


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
