"""What `tagger serve` is told: the password, the socket, and how a signal ends it."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tagger.errors import UsageError
from tagger.service.running import PASSWORD, open_socket, read_credentials, signals_end_well


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD, raising=False)


def test_without_a_password_everybody_may_ask() -> None:
    assert read_credentials(None) is None


@pytest.mark.parametrize("text", ["用户:canary", "用户:canary\n", "用户:canary\r\n"])
def test_a_password_comes_from_a_file(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "password"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    credentials = read_credentials(path)
    assert credentials
    assert (credentials.user, credentials.password) == ("用户", "canary")
    assert caplog.text == ""


def test_a_file_that_others_can_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "password"
    path.write_text("u:canary")
    path.chmod(0o644)
    assert read_credentials(path)
    assert caplog.messages == [f"{path}: other users can read it; chmod 600 it"]


def test_a_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "u:pass:word")
    credentials = read_credentials(None)
    assert credentials
    assert credentials.password == "pass:word"


@pytest.mark.parametrize("text", ["", "canary", ":canary", "canary:", "u:canary\nv:canary", "\n"])
def test_what_is_no_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(PASSWORD, text)
    with pytest.raises(UsageError) as error:
        read_credentials(None)
    assert str(error.value) == f"{PASSWORD}: found something else, expected one line USER:PASSWORD."


def test_a_socket_listens_where_it_should() -> None:
    with open_socket("127.0.0.1", 0) as listening:
        with socket.create_connection(listening.getsockname(), timeout=5):
            pass
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(("host", "port"), [("203.0.113.7", 0), ("no such host", 0), ("a" * 300, 0), ("::zz", 0)])
def test_an_address_that_is_not_ours_is_told_in_one_line(host: str, port: int) -> None:
    with pytest.raises(UsageError) as error:
        open_socket(host, port)
    assert str(error.value).startswith(f"{host}:{port}: cannot listen (")
    assert str(error.value).endswith("Choose another --port.")


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_is_sent_again_ends_nothing(kind: signal.Signals) -> None:
    before = signal.getsignal(kind)
    with signals_end_well():
        os.kill(os.getpid(), kind)
    assert signal.getsignal(kind) is before
