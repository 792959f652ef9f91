"""The ML backend in a real Label Studio: pre-annotation, training by its own button, the new version in its tasks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tagger.labelling.project import Project, connected_backends, need_project, show_version
from tagger.labelling.push import push
from tagger.tasks import NO_DOMAIN

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        find_spec("fastapi") is None and os.environ.get("REQUIRE_LABEL_STUDIO") != "1",
        reason="the extra [serve] is not installed",
    ),
]
_USER, _PASSWORD = "annotation", "canary-of-the-service"


@pytest.fixture
def labelled(corpus_folder: Path) -> list[tuple[str, str, list[str]]]:
    """Bulletin, text and domains of the small corpus, a paragraph a sentence."""
    rows = []
    for path in sorted(corpus_folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            text, _, rest = line.partition("\t")
            if rest:
                labels = rest.split("\t")[0]
                rows.append((path.stem, text, [] if labels == "-" else labels.split(",")))
    return rows


@pytest.fixture
def service(
    tmp_path: Path, environment: dict[str, str], lexicon_folder: Path, domains_file: Path
) -> Iterator[tuple[str, Path]]:
    """Address and log of ``tagger serve``; it knows nothing of the server but what that hands over."""
    password = tmp_path / "password"
    password.write_text(f"{_USER}:{_PASSWORD}\n")
    password.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {k: v for k, v in environment.items() if not k.startswith("LABEL_STUDIO_")}
    variables["TAGGER_LABELS_HOME"] = str(tmp_path / "no-server-here")
    command = [
        "serve", "--port", port, "--model", lexicon_folder, "--models", tmp_path / "served", "--basic-auth", password,
        "--train", "model=tfidf", "--train", "split.n_folds=2", "--train", f"data.domains={domains_file}",
        "--margin", 100,  # eight bulletins are too few to be compared on
    ]  # fmt: skip
    log = tmp_path / "service.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tagger", *map(str, command)], stdout=file, stderr=file, env=variables, cwd=tmp_path
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _is_up(address), log)
        yield address, log
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _is_up(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):
            return True
    except OSError:
        return False


def _wait(is_true: Callable[[], Any], log: Path) -> Any:
    end = time.monotonic() + 400
    while not (found := is_true()):
        assert time.monotonic() < end, log.read_text(encoding="utf-8")
        time.sleep(0.3)
    return found


def _version(address: str) -> dict[str, Any]:
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, address, _USER, _PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager))
    with opener.open(f"{address}/version", timeout=30) as answer:
        return json.loads(answer.read())


def test_tasks_are_pre_annotated_and_a_training_brings_the_next_version(
    running: Any, project: Project, make_tasks: Callable[..., Any], annotate: Callable[..., Any],
    labelled: list[tuple[str, str, list[str]]], service: tuple[str, Path], tmp_path: Path,
) -> None:  # fmt: skip
    address, log = service
    lead = running.lead
    bulletins: dict[str, list[str]] = {}
    for bulletin, text, _ in labelled:
        bulletins.setdefault(bulletin, []).append(text)
    tasks = [{"data": task["data"], "predictions": []} for task in make_tasks(bulletins)]
    push(lead, project.id, tasks)
    backend = lead.send("POST", "api/ml", {
        "url": f"{address}/label-studio", "project": project.id, "title": "tagger", "auth_method": "BASIC_AUTH",
        "basic_auth_user": _USER, "basic_auth_pass": _PASSWORD,
    })  # fmt: skip
    assert backend["state"] == "CO", backend
    found = need_project(lead, str(project.id))
    assert connected_backends(lead, found) == {found.settings["model_version"]} == {"tagger"}
    assert not show_version(lead, found, "words-1", backends={"tagger"})
    old = _version(address)["model"]["model_version"]
    assert _pre_annotate(lead, project) == {old}
    for task in _tasks(lead, project):
        (prediction,) = task["predictions"]
        ticked = [v for r in prediction["result"] for v in r["value"].get("choices", ())]
        assert ticked == (_words(task["data"]["text"]) or [NO_DOMAIN])
    labels = {text: domains for _, text, domains in labelled}
    for task in _tasks(lead, project):
        annotate(lead, task["id"], labels[task["data"]["text"]])

    lead.send("POST", f"api/ml/{backend['id']}/train", {})
    last = _wait(lambda: _ended(address), log)
    assert last["outcome"] == "done", (last, (tmp_path / "served" / "0001" / "log.txt").read_text(encoding="utf-8"))
    new = _version(address)["model"]["model_version"]
    assert new.startswith("v0001-")
    assert _pre_annotate(lead, project) == {old, new}
    assert all(len(task["predictions"]) == 2 for task in _tasks(lead, project))

    lead.send("POST", f"api/ml/{backend['id']}/train", {})
    last = _wait(lambda: (found := _ended(address)) and found["number"] == 2 and found, log)
    assert last["outcome"] == "unchanged"
    for secret in (running.token, _PASSWORD):
        files = [Path(root, name) for root, _, names in os.walk(tmp_path) for name in names if name != "password"]
        assert not [path for path in files if secret.encode() in path.read_bytes()]


def _ended(address: str) -> Any:
    retraining = _version(address)["retraining"]
    return None if retraining["running"] else retraining["last"]


def _tasks(server: Any, project: Project) -> list[dict[str, Any]]:
    return server.get("api/tasks", project=project.id, fields="all", page_size=500)["tasks"]


def _pre_annotate(server: Any, project: Project) -> set[str]:
    """The versions in the tasks after Label Studio asked for predictions."""
    chosen = {"selectedItems": {"all": True, "excluded": []}, "ordering": [], "filters": None}
    server.send("POST", "api/dm/actions", chosen, id="retrieve_tasks_predictions", project=project.id)
    return {prediction["model_version"] for task in _tasks(server, project) for prediction in task["predictions"]}


def _words(text: str) -> list[str]:
    """What the lexicon model of the tests finds."""
    words = {"traffic": ("酒驾", "头盔", "违停"), "patrol": ("巡逻", "巡控"), "propaganda": ("宣传", "讲座", "宣传单")}
    return [id for id, found in words.items() if any(word in text for word in found)]
