"""Requests over real HTTP: reading ones are repeated, writing ones never; errors tell what is known."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tagger.errors import ConnectionLostError, LabellingError
from tagger.labelling.access import Access

pytest.importorskip("label_studio_sdk")

from tagger.labelling.client import LabelStudioServer

_TOKEN = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"


class _Script:
    """Answers in turn; None breaks the connection."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes] | None] = []
        self.asked: list[tuple[str, str]] = []


@pytest.fixture
def script() -> _Script:
    return _Script()


@pytest.fixture
def server(script: _Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[LabelStudioServer]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            script.asked.append((self.command, self.headers["Authorization"]))
            answer = script.answers.pop(0) if script.answers else (200, b"{}")
            if answer is None:
                return
            self.send_response(answer[0])
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        do_GET = do_POST = do_DELETE = _any

    monkeypatch.setattr("tagger.labelling.client._PAUSES", (0.0, 0.0))
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield LabelStudioServer(Access(f"http://127.0.0.1:{made.server_address[1]}", _TOKEN), timeout=5)
    made.shutdown()
    made.server_close()


def test_a_reading_request_is_repeated(server: LabelStudioServer, script: _Script) -> None:
    script.answers = [None, (502, b"<h1>"), (200, b'{"a": 1}')]
    assert server.get("api/x") == {"a": 1}
    assert script.asked == [("GET", f"Token {_TOKEN}")] * 3
    assert server.n_writes == 0


def test_a_reading_request_is_not_repeated_for_ever(server: LabelStudioServer, script: _Script) -> None:
    script.answers = [None] * 9
    with pytest.raises(ConnectionLostError, match=r"no answer to GET api/x"):
        server.get("api/x")
    assert len(script.asked) == 3


@pytest.mark.parametrize("answer", [None, (500, b"oops"), (503, b"")])
def test_a_writing_request_is_sent_once(server: LabelStudioServer, script: _Script, answer: Any) -> None:
    script.answers = [answer]
    with pytest.raises(ConnectionLostError):
        server.send("POST", "api/x", {"a": 1})
    assert (len(script.asked), server.n_writes) == (1, 1)


def test_a_refusal_says_why_and_is_no_broken_connection(server: LabelStudioServer, script: _Script) -> None:
    script.answers = [(400, json.dumps({"validation_errors": {"title": ["too long"]}}).encode())]
    with pytest.raises(LabellingError, match=r"answered 400: .*too long") as error:
        server.send("POST", "api/x", {})
    assert (type(error.value), error.value.status) == (LabellingError, 400)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_not_shown(server: LabelStudioServer, script: _Script, status: int) -> None:
    script.answers = [(status, b'{"detail": "Invalid token."}')]
    with pytest.raises(LabellingError, match="the token is refused") as error:
        server.get("api/x")
    assert _TOKEN not in f"{error.value} {error.value.__context__!r} {server!r}"
    assert len(script.asked) == 1


def test_an_answer_that_is_no_json_is_told(server: LabelStudioServer, script: _Script) -> None:
    script.answers = [(200, b"<html>a log-in page</html>")]
    with pytest.raises(ConnectionLostError, match="expected JSON"):
        server.get("api/x")


def test_pages_end_with_the_last_row_even_where_the_last_page_is_full(
    server: LabelStudioServer, script: _Script
) -> None:
    pages = [{"tasks": [1, 2], "total": 4}, {"tasks": [3, 4], "total": 4}]
    script.answers = [(200, json.dumps(page).encode()) for page in pages]
    assert [page["tasks"] for page in server.pages("api/tasks/", page_size=2)] == [[1, 2], [3, 4]]
    assert len(script.asked) == 2


@pytest.mark.parametrize(
    "answer", [b"{}", b"[]", b'"text"', b'{"results": {}, "count": 1}', b'{"tasks": [], "total": null}']
)
def test_json_of_another_service_is_told(server: LabelStudioServer, script: _Script, answer: bytes) -> None:
    script.answers = [(200, answer)]
    with pytest.raises(LabellingError, match=r"api/x answered JSON of another form.* See that the address is"):
        list(server.pages("api/x"))


def test_a_page_of_another_service_is_told_with_what_to_look_at(server: LabelStudioServer, script: _Script) -> None:
    script.answers = [(404, b"<h1>File not found</h1>")]
    with pytest.raises(LabellingError, match=r"answered 404: no reason given. See that the address is Label Studio's"):
        server.get("api/x")


def _personal(expires: int) -> str:
    import base64

    parts = ({"alg": "HS256"}, {"token_type": "refresh", "exp": expires})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + ".c2ln"


@pytest.mark.parametrize("answer", [b"<html>a log-in page</html>", b"{}", b"[]", b'{"access": {"canary": "c0ffee"}}'])
def test_a_personal_token_that_another_service_is_asked_to_exchange_is_told_and_not_shown(
    server: LabelStudioServer, script: _Script, answer: bytes
) -> None:
    personal = LabelStudioServer(Access(server.url, _personal(4_000_000_000)), timeout=5)
    script.answers = [(200, answer)] * 9
    with pytest.raises(LabellingError, match="exchange of the personal access token was not understood") as error:
        personal.get("api/x")
    assert "c0ffee" not in f"{error.value} {error.value.__context__!r} {error.value.__cause__!r}"


def test_an_expired_personal_token_is_told_at_once() -> None:
    token = _personal(1)
    with pytest.raises(LabellingError, match="the token is refused") as error:
        LabelStudioServer(Access("http://127.0.0.1:9", token))
    assert token not in str(error.value)
