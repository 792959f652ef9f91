"""The token appears nowhere: not in output, logs, tracebacks, files, or the server's own log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tagger.labelling import local_server

pytestmark = pytest.mark.timeout(900)
_CANARY = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"


@pytest.fixture
def speak(tmp_path: Path, environment: dict[str, str]) -> Any:
    """Runs a command as loudly as it can be; everything that it said."""

    def call(token: str, *args: object, url: str) -> str:
        env = {**environment, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": token, "TAGGER_LABELS_HOME": "home"}
        command = [sys.executable, "-X", "dev", "-m", "tagger", "--verbose", "--debug", *map(str, args)]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False, encoding="utf-8")
        return done.stdout + done.stderr

    return call


def _files(folder: Path) -> str:
    texts = (path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())
    return "\n".join(texts)


def test_a_working_token_is_in_nothing_that_commands_say_or_write(
    speak: Any, running: Any, tmp_path: Path, domains_file: Path, lexicon_folder: Path
) -> None:
    (tmp_path / "a.txt").write_text("民警在夜市巡逻。", encoding="utf-8")
    title = ("--project", "canary")
    said = speak(running.token, "labels", "init", "--domains", domains_file, *title, url=running.url)
    said += speak(running.token, "labels", "push", "a.txt", "--model", lexicon_folder, *title, url=running.url)
    said += speak(running.token, "labels", "pull", "--domains", domains_file, *title, url=running.url)
    said += speak(running.token, "labels", "pull", "--project", "none", url=running.url)
    assert "1 new" in said
    assert "1 paragraphs" in said
    assert "Traceback" in said  # of the last one
    for place in (said, _files(tmp_path), _files(running.home / "data" / "export"), _log_of(running.home)):
        assert running.token not in place
        assert running.password not in place


def _log_of(home: Path) -> str:
    return (home / "server.log").read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize(
    "args", [("labels", "pull"), ("labels", "init"), ("labels", "push", "a.txt", "--model", "lexicon")]
)
@pytest.mark.parametrize("url", ["server", "http://127.0.0.1:9"])
def test_a_token_that_fails_is_in_no_traceback(
    speak: Any, running: Any, tmp_path: Path, url: str, args: tuple[str, ...]
) -> None:
    (tmp_path / "a.txt").write_text("民警在夜市巡逻。", encoding="utf-8")
    address = running.url if url == "server" else url
    said = speak(_CANARY, *args, url=address) + speak("", *args, "--api-key", _CANARY, url=address)
    assert said.count("Traceback") >= 2
    assert "LabellingError" in said or "ConnectionLostError" in said
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
