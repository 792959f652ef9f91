"""The hub that cannot be reached: said at once, whatever the reason."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tagger.errors import ModelError
from tagger.models.encoders import hub

_SENTENCE = (
    "cannot be reached. Use the packaged encoder, which needs no network, or copy a folder with config.json, "
    "model.safetensors and tokenizer.json to this machine and give its path."
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies and no settings of the hub."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    for name in (*names, *map(str.lower, names)):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


@pytest.fixture
def listener() -> Iterator[str]:
    """Address of a server that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(("name", "expected"), [
    ("macbert-base", "hfl/chinese-macbert-base"), ("bge-small-zh", "BAAI/bge-small-zh-v1.5"),
    ("acme/own_1.5", "acme/own_1.5"), ("own", None), ("acme/own/x", None),
    ("https://huggingface.co/acme/own", None), ("公安/模型", None),
])  # fmt: skip
def test_short_names_and_whole_ones_are_told_from_others(name: str, expected: str | None) -> None:
    assert hub.repository(name) == expected


def test_where_nobody_listens(monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://{nobody}")
    with _within(1.5), pytest.raises(ModelError) as told:
        hub.fetch("acme/own")
    assert str(told.value) == f"acme/own: 127.0.0.1 {_SENTENCE}"


def test_where_a_name_is_looked_up_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def look_up(*args: object, **kwargs: object) -> None:
        ended.wait(20)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", look_up)
    with _within(2), pytest.raises(ModelError) as told:
        hub.fetch("acme/own")
    ended.set()
    assert str(told.value) == f"acme/own: huggingface.co {_SENTENCE}"


def test_where_the_network_is_forbidden(monkeypatch: pytest.MonkeyPatch, listener: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://{listener}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with _within(0.5), pytest.raises(ModelError, match="cannot be reached"):
        hub.fetch("acme/own")


def test_a_proxy_is_asked_in_its_place(monkeypatch: pytest.MonkeyPatch, listener: str, nobody: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://someone:secret@{listener}")
    hub._check_reachable("acme/own")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{nobody}")
    with pytest.raises(ModelError, match=r"huggingface\.co cannot be reached"):
        hub._check_reachable("acme/own")
    monkeypatch.setenv("HF_ENDPOINT", f"https://{listener}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    hub._check_reachable("acme/own")
