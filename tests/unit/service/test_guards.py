"""Who may ask, how much may come in, and what goes out beside the answer."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tagger.service.guards import Credentials

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tagger.service.workplace import Workplace

Open = Callable[..., "TestClient"]


def _basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize("header", [_basic("用户:pass:word"), _basic("用户:pass:word").replace("Basic", "basic")])
def test_the_right_password_is_let_in(header: str) -> None:
    assert Credentials("用户", "pass:word").admit(header)


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic ", "Basic !!!", "Bearer " + _basic("u:p")[6:], _basic("u:"), _basic(":p"), _basic("u:q"),
     _basic("U:p"), _basic("u:p "), _basic(b"\xff\xfe"), _basic("")],
)  # fmt: skip
def test_anything_else_is_not(header: str) -> None:
    assert not Credentials("u", "p").admit(header)


def test_credentials_are_never_shown() -> None:
    assert repr(Credentials("somebody", "canary")) == "Credentials(...)"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 401), ("GET", "/version", 401), ("GET", "/openapi.json", 401), ("GET", "/nowhere", 401),
        ("POST", "/predict", 401), ("POST", "/label-studio/predict", 401), ("POST", "/label-studio/setup", 401),
        ("GET", "/label-studio/health", 401), ("GET", "/label-studio/versions", 401),
        ("GET", "/health/", 401), ("GET", "//health", 401),
        ("GET", "/health", 200), ("POST", "/label-studio/webhook", 415),
    ],
)  # fmt: skip
def test_with_a_password_only_health_and_the_webhook_are_open(
    workplace: Workplace, open_client: Open, method: str, path: str, status: int
) -> None:
    client = open_client(workplace, credentials=Credentials("u", "p"))
    answer = client.request(method, path, follow_redirects=False)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="tagger", charset="UTF-8"'
        assert answer.json() == {"error": "user and password needed", "kind": "Refused"}
    assert client.get("/version", auth=("u", "p")).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("LOCALHOST:9090", 200), ("127.0.0.1:9090", 200), ("[::1]", 200), ("[::1]:80", 200),
     ("evil.example", 421), ("localhost.evil.example:9090", 421), ("127.0.0.1.evil.example", 421), ("", 421)],
)  # fmt: skip
def test_on_this_machine_only_its_own_names_are_answered(
    workplace: Workplace, open_client: Open, host: str, status: int
) -> None:
    client = open_client(workplace, hosts=frozenset({"localhost", "127.0.0.1", "[::1]"}))
    assert client.get("/health", headers={"Host": host}).status_code == status


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagger.service.app.MAX_BODY", 1 << 20)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("path", ["/predict", "/predict/records", "/predict/file", "/", "/label-studio/predict"])
def test_a_body_that_is_too_large_is_refused_by_its_header(workplace: Workplace, open_client: Open, path: str) -> None:
    answer = open_client(workplace).post(path, content=b" " * (2 << 20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("request larger than 1 MiB.")


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize(
    ("path", "type"),
    [("/predict", "application/json"), ("/label-studio/predict", "application/json"),
     ("/predict/file", "multipart/form-data; boundary=b"), ("/", "multipart/form-data; boundary=b")],
)  # fmt: skip
def test_a_body_that_does_not_say_its_size_is_cut_off(
    workplace: Workplace, open_client: Open, path: str, type: str
) -> None:
    beginning = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
    chunks = iter([beginning, *[b" " * (1 << 18)] * 8])
    answer = open_client(workplace).post(path, content=chunks, headers={"Content-Type": type})
    assert (answer.status_code, answer.json()["error"][:27]) == (413, "request larger than 1 MiB. ")


@pytest.mark.parametrize("length", ["-1", "1e9", "x", "99999999999999999999"])
def test_a_size_that_is_none_is_refused(workplace: Workplace, open_client: Open, length: str) -> None:
    assert open_client(workplace).post("/predict", headers={"Content-Length": length}).status_code == 413


@pytest.mark.parametrize("path", ["/", "/health", "/nowhere", "/openapi.json"])
def test_every_answer_tells_browsers_to_keep_out(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "access-control-allow-origin" not in headers


def test_the_log_has_method_path_status_and_nothing_that_was_sent(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tagger")
    sent: dict[str, Any] = {"text": "canary-text", "canary-key": 1}
    client.post("/predict?canary-query=1", json=sent, headers={"X-Canary": "canary-header"}, auth=("canary-user", "x"))
    (message,) = [record.getMessage() for record in caplog.records if record.name.startswith("tagger")]
    assert re.fullmatch(r"POST /predict 400 \d+ ms", message)
