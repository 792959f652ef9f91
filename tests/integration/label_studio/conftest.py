"""A real Label Studio for the tests: seeded once, copied for the run, with two annotators.

`LABEL_STUDIO_PROGRAM` names an installed ``label-studio`` (it has a virtual environment of its own,
``labels/label-studio.lock``). Without one the tests are skipped, or fail where
`REQUIRE_LABEL_STUDIO` is 1. `LABEL_STUDIO_SEED` names a folder in which the seeded database is
kept between runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tagger.bulletins.bulletin import parse_bulletin
from tagger.domains import DomainSet
from tagger.labelling import local_server
from tagger.labelling.access import Access, read_access_file
from tagger.labelling.client import LabelStudioServer
from tagger.labelling.project import Project, create_project, need_project, wanted_settings
from tagger.models.storage import Model
from tagger.predict.as_label_studio import tasks
from tagger.predict.tagging import tag_bulletins
from tagger.project import project_path
from tagger.tasks import choices

_WANG = "wang@example.com"


@dataclass(frozen=True)
class RunningServer:
    """A server and its two accounts."""

    home: Path
    url: str
    token: str = field(repr=False)
    wang_token: str = field(repr=False)
    account: str
    password: str = field(repr=False)

    @cached_property
    def lead(self) -> LabelStudioServer:
        return LabelStudioServer(Access(self.url, self.token), timeout=60)

    @cached_property
    def wang(self) -> LabelStudioServer:
        return LabelStudioServer(Access(self.url, self.wang_token), timeout=60)


def _missing(reason: str) -> None:
    if os.environ.get("REQUIRE_LABEL_STUDIO") == "1":
        pytest.fail(f"REQUIRE_LABEL_STUDIO is 1, and {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def program() -> str:
    """The server's program."""
    named = os.environ.get("LABEL_STUDIO_PROGRAM") or shutil.which("label-studio") or ""
    if not Path(named).is_file():
        _missing("there is no label-studio (LABEL_STUDIO_PROGRAM)")
    if find_spec("label_studio_sdk") is None:
        _missing("label_studio_sdk is not installed")
    return named


@pytest.fixture(scope="session")
def seed(program: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped server's folder with two accounts; read only."""
    kept = os.environ.get("LABEL_STUDIO_SEED")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("seed") / "home"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        local_server.up(folder, executable=program)
        local_server.down(folder)
        local_server.add_account(folder, _WANG, executable=program)
        (folder / "complete").touch()
    return folder


@contextmanager
def _server(program: str, seed: Path, home: Path) -> Iterator[RunningServer]:
    """A server with a copy of the seeded database."""
    shutil.copytree(seed, home)
    try:
        access, _ = local_server.up(home, executable=program)
        told = read_access_file(home)
        assert told is not None
        wang = told["accounts"][_WANG]["token"]
        yield RunningServer(home, access["url"], access["token"], wang, access["account"], access["password"])
    finally:
        local_server.down(home)


@pytest.fixture(scope="session")
def running(program: str, seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The server of this run."""
    with _server(program, seed, tmp_path_factory.mktemp("label-studio") / "home") as server:
        yield server


@pytest.fixture(scope="module")
def second(program: str, seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Another one beside it: one server works on one processor only."""
    with _server(program, seed, tmp_path_factory.mktemp("second") / "home") as server:
        yield server


@pytest.fixture
def domains_file(tmp_path: Path, domains: DomainSet) -> Path:
    """The three domains as a file for --domains."""
    path = tmp_path / "domains.yaml"
    path.write_text(json.dumps(domains.to_dict(), ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def project(running: RunningServer, domains: DomainSet, request: pytest.FixtureRequest) -> Project:
    """An empty project of the test's name."""
    settings = wanted_settings(domains, project_path("labels/guideline.md"))
    # Titles hold fifty characters, and the parameters stand at the end of a test's name.
    return create_project(running.lead, request.node.name[-40:], settings)


@pytest.fixture
def reload(running: RunningServer) -> Callable[[Project], Project]:
    """Asks for a project again."""
    return lambda project: need_project(running.lead, str(project.id))


@pytest.fixture
def labels(running: RunningServer, tmp_path: Path, environment: dict[str, str]) -> Callable[..., Any]:
    """Runs ``tagger labels`` as a process against the server, whose token is in the environment."""
    env = {**environment, "LABEL_STUDIO_URL": running.url, "LABEL_STUDIO_API_KEY": running.token}

    def call(*args: object, expect: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tagger", "labels", *map(str, args)]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False, encoding="utf-8")
        assert done.returncode == expect, done.stderr
        return done

    return call


@pytest.fixture(scope="session")
def annotate() -> Callable[..., dict[str, Any]]:
    """Submits an annotation as the editor does."""

    def submit(server: LabelStudioServer, task: int, domains: Sequence[str], **more: Any) -> dict[str, Any]:
        result = [{"id": "r0", "origin": "manual", **choices(domains)}]
        return server.send("POST", f"api/tasks/{task}/annotations/", {"result": result, "lead_time": 4.5, **more})

    return submit


@pytest.fixture(scope="session")
def make_tasks(lexicon: Model) -> Callable[..., list[dict[str, Any]]]:
    """Makes the import tasks of bulletins, given as id -> paragraphs."""

    def make(bulletins: Mapping[str, Sequence[str]], **options: Any) -> list[dict[str, Any]]:
        pages = (parse_bulletin("\n".join(rows), id=id, source=f"{id}.txt") for id, rows in bulletins.items())
        return [task for tagged in tag_bulletins(pages, lexicon) for task in tasks(tagged, "paragraph", **options)]

    return make
