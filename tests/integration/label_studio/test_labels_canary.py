"""The token appears nowhere: not in output, logs, tracebacks, settings, reports, or the server's own log."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tagger.cli.main import app
from tagger.labelling import local_server
from tagger.labelling.inventory import list_tasks
from tagger.labelling.project import need_project

pytestmark = pytest.mark.timeout(900)
_CANARY = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#: Tokens that libraries trip over: a personal one of nobody, one cut in two, one that no header holds.
_ODD_TOKENS = {
    "personal": f"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.{_CANARY}",
    "two lines": f"{_CANARY}\n{_CANARY}",
    "not latin": f"令牌{_CANARY}",
}
#: Every command that is handed a token, with arguments that bring it as far as the server.
_ARGUMENTS = {
    ("labels", "init"): (),
    ("labels", "push"): ("a.txt", "--model", "lexicon"),
    ("labels", "pull"): (),
    ("labels", "review"): ("queue.jsonl",),
}


@pytest.fixture
def speak(tmp_path: Path, environment: dict[str, str]) -> Callable[..., str]:
    """Runs a command as loudly as it can be; everything that it said."""

    def call(token: str, *args: object, url: str) -> str:
        env = {**environment, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": token, "TAGGER_LABELS_HOME": "home"}
        command = [sys.executable, "-X", "dev", "-m", "tagger", "--verbose", "--debug", *map(str, args)]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False, encoding="utf-8")
        return done.stdout + done.stderr

    return call


@pytest.fixture
def bulletin(tmp_path: Path) -> Path:
    """A bulletin, and a queue with a paragraph of it."""
    task = {"uid": "a:paragraph:0", "priority": 1.0, "note": "看这里", "opinions": []}
    (tmp_path / "queue.jsonl").write_text(json.dumps({"queue": "Q", **task}) + "\n", encoding="utf-8")
    path = tmp_path / "a.txt"
    path.write_text("民警在夜市巡逻。\n向商户发放宣传单。\n", encoding="utf-8")
    return path


def _files(folder: Path) -> str:
    texts = (path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())
    return "\n".join(texts)


def _log_of(home: Path) -> str:
    return (home / "server.log").read_text(encoding="utf-8", errors="replace")


def _commands(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *names, name)
        else:
            yield (*names, name), command


def test_no_command_that_is_handed_a_token_is_left_out() -> None:
    commands = _commands(typer.main.get_command(app))
    assert {names for names, command in commands if "api_key" in {p.name for p in command.params}} == set(_ARGUMENTS)


def test_a_working_token_is_in_nothing_that_commands_say_or_write(
    speak: Any, running: Any, tmp_path: Path, domains_file: Path, lexicon_folder: Path, bulletin: Path,
    annotate: Any, corpus_folder: Path,
) -> None:  # fmt: skip
    title, domains = ("--project", "canary"), ("--domains", domains_file)
    said: list[str] = []

    def say(*args: object) -> str:
        said.append(speak(running.token, *args, url=running.url))
        return said[-1]

    assert "/projects/" in say("labels", "init", *domains, *title)
    assert "2 new" in say("labels", "push", bulletin, "--model", lexicon_folder, *title)
    for server, found in ((running.lead, ["patrol"]), (running.wang, ["traffic"])):
        for task in list_tasks(running.lead, need_project(running.lead, "canary").id):
            annotate(server, task.id, found)
    assert "2 paragraphs" in say("labels", "pull", *domains, *title)
    assert "alpha" in say("labels", "agreement", "pulled", *domains, "--queue", "differ.jsonl", "-o", "agreement.json")
    assert "2 tasks in the tab" in say("labels", "review", "differ.jsonl", *title)
    domains_file.write_text(domains_file.read_text("utf-8").replace('"id": "patrol"', '"id": "street"'), "utf-8")
    rename = ("labels", "init", *domains, *title, "--rename", "patrol=street")
    assert "Nothing was done" in say(*rename)
    assert "as they were" in say(*rename, "--yes")
    assert "Traceback" in say("labels", "pull", "--project", "none")
    words = ("model=lexicon", f"data.corpus={corpus_folder}", "output=run")
    say("train", *words, "split.n_folds=2")
    say("experiments", "report", "run", "-o", "report.html")
    say("doctor")
    for place in (*said, _files(tmp_path), _files(running.home / "data" / "export"), _log_of(running.home)):
        assert running.token not in place
        assert running.password not in place


@pytest.mark.parametrize("names", _ARGUMENTS, ids=" ".join)
def test_a_token_that_fails_is_in_no_traceback(
    speak: Any, running: Any, tmp_path: Path, bulletin: Path, names: tuple[str, ...]
) -> None:
    args = (*names, *_ARGUMENTS[names])
    refused = speak(_CANARY, *args, url=running.url), speak("", *args, "--api-key", _CANARY, url=running.url)
    lost = speak(_CANARY, *args, url="http://127.0.0.1:9")
    assert ["the token is refused" in said and "Traceback" in said for said in refused] == [True, True]
    assert "ConnectionLostError" in lost
    assert _CANARY not in "".join((*refused, lost)) + _files(tmp_path)


@pytest.mark.parametrize("token", _ODD_TOKENS.values(), ids=_ODD_TOKENS)
def test_a_token_that_a_library_trips_over_is_not_quoted(speak: Any, running: Any, tmp_path: Path, token: str) -> None:
    said = speak(token, "labels", "pull", url=running.url)
    assert "Traceback" in said
    assert re.search("LabellingError: .*the token is refused|UsageError: LABEL_STUDIO_API_KEY or --api-key", said)
    assert _CANARY not in said + _files(tmp_path)


@pytest.fixture
def serve(tmp_path: Path, environment: dict[str, str], lexicon_folder: Path) -> Iterator[Callable[..., str]]:
    """Starts ``tagger serve`` as loudly as it can be, retraining in ``served``; gives its address."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(**variables: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        env = {k: v for k, v in environment.items() if not k.startswith("LABEL_STUDIO_")}
        command = ["-X", "dev", "-m", "tagger", "--verbose", "--debug", "serve", "--port", port,
                   "--model", lexicon_folder, "--models", "served", "--train", "model=tfidf"]  # fmt: skip
        with (tmp_path / "service.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)], stdout=log, stderr=log, cwd=tmp_path,
                    env={**env, "TAGGER_LABELS_HOME": "home", **variables},
                )
            )  # fmt: skip
        _until(lambda: _asked(f"http://127.0.0.1:{port}", "/health"))
        return f"http://127.0.0.1:{port}"

    yield begin
    for process in started:
        process.terminate()
        assert process.wait(60) == 0


def _until(is_true: Callable[[], Any]) -> Any:
    end = time.monotonic() + 200
    while not (found := is_true()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return found


def _asked(address: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address + path, data, {"Content-Type": "application/json"}), timeout=60
        ) as answer:
            return json.loads(answer.read())
    except OSError:
        return None


@pytest.mark.parametrize("way", ["handed over by the server", "of the operator"])
def test_a_retraining_that_fails_by_its_token_keeps_it_nowhere(
    running: Any, serve: Any, tmp_path: Path, way: str
) -> None:
    own = {"LABEL_STUDIO_URL": running.url, "LABEL_STUDIO_API_KEY": _CANARY}
    address = serve(**({} if way.startswith("handed") else own))
    setup = {"project": "1.17", "schema": "<View/>", "hostname": running.url, "access_token": _CANARY}
    assert _asked(address, "/label-studio/setup", setup)
    asked = _asked(address, "/label-studio/webhook", {"action": "START_TRAINING", "project": {"id": 1}})
    assert asked == {"status": "started"}
    last = _until(lambda: (told := _asked(address, "/version")["retraining"]) and not told["running"] and told["last"])
    assert last["outcome"] == "failed"
    log = (tmp_path / "served" / "0001" / "log.txt").read_text(encoding="utf-8")
    assert "the token is refused" in log
    assert _CANARY not in log + json.dumps(last) + _files(tmp_path)


@pytest.mark.parametrize("name", ["TAGGER_BASIC_AUTH", "LABEL_STUDIO_API_KEY"])
def test_a_service_that_cannot_start_tells_no_secret_in_its_traceback(
    environment: dict[str, str], lexicon_folder: Path, tmp_path: Path, name: str
) -> None:
    env = {**environment, "LABEL_STUDIO_URL": "http://127.0.0.1:9", name: _CANARY}
    command = [sys.executable, "-X", "dev", "-m", "tagger", "--verbose", "--debug", "serve", "--port", "9",
               "--host", "203.0.113.7", "--model", lexicon_folder, "--models", "served"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, cwd=tmp_path, env=env, check=False)
    said = (done.stdout + done.stderr).decode("utf-8")
    assert "UsageError" in said
    assert _CANARY not in said + _files(tmp_path)


def test_no_process_list_shows_token_or_password(
    running: Any, seed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands of the server get them through their environment."""
    told: list[list[str]] = []
    real = subprocess.run
    monkeypatch.setattr(local_server.subprocess, "run", lambda command, **more: told.append(command) or _Done())
    made = local_server._new_account("x@example.com")
    local_server._run_init("label-studio", tmp_path, made)
    monkeypatch.setattr(local_server.subprocess, "run", real)
    assert told
    assert not {made["token"], made["password"]} & {word for command in told for word in command}
    assert os.path.exists(tmp_path / "server.log")


class _Done:
    returncode = 0
