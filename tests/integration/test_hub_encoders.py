"""Encoders of a hub: of a small server on this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

_CONFIG = {
    "model_type": "bert",
    "vocab_size": 4,
    "num_hidden_layers": 1,
    "hidden_size": 3,
    "auto_map": {"AutoModel": "x.X"},
}
_REQUESTS = [
    {"num": 7, "title": "Adding `safetensors` variant of this model", "author": "stranger", "status": "open"},
    {"num": 8, "title": "Adding `safetensors` variant of this model", "author": "SFconvertbot", "status": "closed"},
    {"num": 9, "title": "Something else", "author": "SFconvertbot", "status": "open"},
    {"num": 12, "title": "Adding `safetensors` variant of this model", "author": "SFconvertbot", "status": "open"},
]

Files = dict[str, bytes]
Get = Callable[..., "subprocess.CompletedProcess[str]"]


def _weights() -> bytes:
    head = b'{"w": {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}}'
    return len(head).to_bytes(8, "little") + head + bytes(48)


def _files(**changed: bytes | None) -> Files:
    """Files of a repository; None takes one away."""
    pieces = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    files: dict[str, bytes | None] = {
        "config.json": json.dumps(_CONFIG).encode(), "model.safetensors": _weights(), "pytorch_model.bin": b"pickle",
        "tokenizer.json": Tokenizer(WordLevel(pieces, "[UNK]")).to_str().encode(), "README.md": b"MIT", "x.py": b"evil",
        "onnx/model.onnx": b"large",
    }  # fmt: skip
    files |= {name.replace("__", "."): data for name, data in changed.items()}
    return {name: data for name, data in files.items() if data is not None}


def _digest(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


class _Hub(ThreadingHTTPServer):
    """Repositories by name and revision, and what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.repositories: dict[tuple[str, str], Files] = {}
        self.asked: list[str] = []


class _Answer(BaseHTTPRequestHandler):
    server: _Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.replace("%2F", "/")
        self.server.asked.append(path)
        for (name, revision), files in self.server.repositories.items():
            commit = _digest(f"{name}{revision}".encode())
            if path == f"/api/models/{name}/revision/{revision}":
                return self._json({"id": name, "sha": commit, "siblings": [{"rfilename": file} for file in files]})
            if path == f"/api/models/{name}/tree/{commit}":
                return self._json([{"type": "file", "path": file, "size": len(data), "oid": _digest(data)}
                                   for file, data in files.items()])  # fmt: skip
            file = path.removeprefix(f"/{name}/resolve/{commit}/")
            if file in files:
                return self._send(files[file], {"X-Repo-Commit": commit, "ETag": f'"{_digest(files[file])}"'})
        if path.endswith("/discussions"):
            return self._json({"discussions": [_discussion(path, each) for each in _REQUESTS], "count": 4, "start": 0})
        return self._send(b"{}", {"X-Error-Code": "RepoNotFound"}, 404)

    def _json(self, data: object) -> None:
        self._send(json.dumps(data).encode(), {"Content-Type": "application/json"})

    def _send(self, data: bytes, headers: dict[str, str], code: int = 200) -> None:
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


def _discussion(path: str, request: dict[str, object]) -> dict[str, object]:
    author = {"name": request["author"]}
    return {**request, "author": author, "isPullRequest": True, "createdAt": "2024-01-01T00:00:00.000Z",
            "repo": {"name": "/".join(path.split("/")[3:5]), "type": "model"}}  # fmt: skip


@pytest.fixture
def hub() -> Iterator[_Hub]:
    """A hub without repositories."""
    server = _Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def get(tmp_path: Path, hub: _Hub, environment: dict[str, str]) -> Get:
    """Runs ``tagger encoders get`` against the small hub, with caches of its own."""
    here = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(tmp_path / "hf"),
            "TAGGER_CACHE": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1", "HF_HUB_OFFLINE": ""}  # fmt: skip

    def run(name: str, *args: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tagger", "encoders", "get", name, "--to", "mine", *args]
        env = {**environment, **here, **settings}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)

    return run


def test_only_what_an_encoder_needs_is_fetched_and_then_kept(hub: _Hub, get: Get, tmp_path: Path) -> None:
    hub.repositories["acme/own", "main"] = _files()
    done = get("acme/own")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert done.stdout.splitlines()[:2] == ["mine  acme/own", "source: Hugging Face hub"]
    names = {"config.json", "model.safetensors", "tokenizer.json", "README.md", "provenance.json"}
    assert {path.name for path in (tmp_path / "mine").iterdir()} == names
    assert not any(path.endswith((".bin", ".py", ".onnx")) for path in hub.asked)
    facts = json.loads((tmp_path / "mine" / "provenance.json").read_text(encoding="utf-8"))
    assert facts["revision"] == _digest(b"acme/ownmain")

    hub.asked.clear()
    shutil.rmtree(tmp_path / "mine")
    assert get("acme/own", HF_HUB_OFFLINE="1").returncode == 0
    assert hub.asked == []


def test_weights_that_only_the_robot_offers_are_taken_from_there(hub: _Hub, get: Get, tmp_path: Path) -> None:
    hub.repositories["acme/old", "main"] = _files(model__safetensors=None)
    hub.repositories["acme/old", "refs/pr/12"] = _files()
    assert get("acme/old").returncode == 0
    facts = json.loads((tmp_path / "mine" / "provenance.json").read_text(encoding="utf-8"))
    assert facts["revision"] == _digest(b"acme/oldrefs/pr/12")


@pytest.mark.parametrize(
    ("changed", "args", "message"),
    [
        (
            {"model__safetensors": None},
            ("--revision", "v1"),
            "acme/own: has no model.safetensors at revision v1, and other forms of weights are not read.",
        ),
        ({"config__json": b'{"model_type": "xlm-roberta"}'}, (), "model_type 'xlm-roberta', expected 'bert'."),
        ({"model__safetensors": b"<html>"}, (), "model.safetensors: not a safetensors file."),
        (None, (), "acme/own: the hub did not give it (RepositoryNotFoundError). Check the name."),
    ],
    ids=["no safetensors", "no bert", "a page", "no such"],
)
def test_what_cannot_be_used_is_told_in_a_line_and_nothing_is_written(
    hub: _Hub, get: Get, tmp_path: Path, changed: dict[str, bytes | None] | None, args: tuple[str, ...], message: str
) -> None:
    if changed is not None:
        hub.repositories["acme/own", args[1] if args else "main"] = _files(**changed)
    done = get("acme/own", *args)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr.splitlines()[-1]
    assert not (tmp_path / "mine").exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".mine")]


def test_a_hub_that_never_answers_is_not_waited_for(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        done = get("acme/own", HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == 1
    assert "acme/own: the hub did not give it (ReadTimeout). Check the name. Use the packaged" in done.stderr
    assert time.monotonic() - start < 60  # of which five seconds are waiting, the rest a slow start
