"""REST gives what `tagger predict --format jsonl` writes, and errors in one form."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tagger
from tagger.models.storage import Model
from tagger.predict.bulk import Request, tag_sources
from tagger.predict.inputs import Source

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tagger.service.workplace import Workplace

PAGE = "某县公安局通报\n强化巡控保稳定。民警在夜市巡逻。\n打印本页\n"


@pytest.fixture
def command_line(tmp_path: Path, lexicon: Model, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What `tagger predict` writes for a file of a name and content."""
    monkeypatch.chdir(tmp_path)

    def call(name: str, data: bytes, **options: Any) -> str:
        Path(name).write_bytes(data)
        tag_sources([Source(name, name.endswith((".jsonl", ".csv")))], lexicon, "out", Request("jsonl", **options))
        return Path("out").read_text(encoding="utf-8")

    return call


def _file(client: TestClient, name: str, data: bytes, **form: str) -> Any:
    return client.post("/predict/file", files={"file": (name, io.BytesIO(data))}, data=form)


def test_a_text_gives_the_line_of_the_command(client: TestClient, command_line: Callable[..., str]) -> None:
    answer = client.post("/predict", json={"text": PAGE, "id": "a"})
    assert answer.headers["content-type"] == "application/json"
    line = json.loads(command_line("a.txt", PAGE.encode()))
    assert answer.json() == {**line, "source": ""}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", PAGE.encode()),
        ("b.txt", PAGE.encode("gb18030")),
        ("c.MD", PAGE.encode("utf-16")),
        ("通报.html", f"<html><head><title>通报</title></head><body><p>{PAGE}</p></body></html>".encode()),
        ("r.jsonl", '{"text": "民警巡逻。", "n": 1}\n{"no": 1}\nnot json\n{"text": "宣传。", "domains": 3}\n'.encode()),
        ("r.csv", "n,text\n1,民警巡逻。\n2\n".encode()),
    ],
)
def test_a_file_gives_the_bytes_of_the_command(
    client: TestClient, command_line: Callable[..., str], name: str, data: bytes
) -> None:
    answer = _file(client, name, data)
    assert (answer.status_code, answer.text) == (200, command_line(name, data))


def test_options_are_those_of_the_command(client: TestClient, command_line: Callable[..., str]) -> None:
    data = '{"body": "民警巡逻，宣传讲座。"}\n'.encode()
    expected = command_line("r.jsonl", data, text_field="body", explain=True)
    assert _file(client, "r.jsonl", data, text_field="body", explain="true").text == expected
    assert '"evidence"' in expected
    answer = client.post("/predict", json={"text": "民警巡逻，宣传讲座。", "threshold": 0.6})
    assert answer.json()["domains"] == {"propaganda": 0.75}


def test_records_come_out_once_each_in_order_as_from_a_file(
    client: TestClient, command_line: Callable[..., str]
) -> None:
    records = [{"text": f"民警巡逻{i}次。", "n": i, "x": [1, {"a": None}]} for i in range(600)] + [{"n": 600}]
    answer = client.post("/predict/records", json={"records": records})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    assert answer.text == command_line("records.jsonl", lines.encode())
    assert json.loads(answer.text.splitlines()[-1]) == {"n": 600, "line": 601, "error": "no field 'text'"}


def test_no_records_give_no_lines(client: TestClient) -> None:
    answer = client.post("/predict/records", json={"records": []})
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize(
    ("name", "data", "status", "error"),
    [
        ("a.txt", b" \n", 422, "a.txt: empty, there is no text in it."),
        ("a.txt", b"\xff\xfe\x00\xd8 \xff", 422, "a.txt: "),
        ("a.pdf", b"%PDF-1.4 broken", 422, "a.pdf: "),
        ("a.docx", b"PK\x03\x04", 422, "a.docx: "),
        ("a.txt", b"%PDF-1.4", 422, "a.txt: a PDF by its content, not plain text. Rename it."),
        ("a.exe", b"MZ", 422, "a.exe: unknown file type '.exe'. Expected one of .txt, "),
        ("a", b"x", 422, "a: unknown file type ''."),
        ("C:\\docs\\a.exe", b"x", 422, "a.exe: unknown file type"),
        ("../../etc/a.exe", b"x", 422, "a.exe: unknown file type"),
        ("r.jsonl", b"", 422, "r.jsonl: empty, there is no record in it."),
        ("r.csv", b"a,b\n1,2\n", 422, "r.csv: no column 'text', found 'a', 'b'."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_one_line(
    client: TestClient, name: str, data: bytes, status: int, error: str
) -> None:
    answer = _file(client, name, data)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(error)
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/predict", {}, "body.text: Field required. See /openapi.json."),
        ("/predict", {"text": 7}, "body.text: Input should be a valid string. See /openapi.json."),
        ("/predict", {"text": "a", "txt": "canary"}, "body.txt: Extra inputs are not permitted. See /openapi.json."),
        ("/predict", {"text": "a", "threshold": 1}, "threshold: found 1, expected a number between 0 and 1."),
        ("/predict", {"text": "a", "threshold": "canary"}, "body.threshold: Input should be a valid number, "),
        ("/predict/records", {"records": ["canary"]}, "body.records.0: Input should be a valid dictionary. "),
        ("/predict", ["canary"], "body: Input should be a valid dictionary or object "),
    ],
)
def test_a_wrong_field_is_told_without_what_was_in_it(client: TestClient, path: str, body: Any, error: str) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)
    assert "canary" not in answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"canary", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told_so(client: TestClient, content: bytes) -> None:
    answer = client.post("/predict", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "canary" not in answer.text


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_blank_text_is_an_error(client: TestClient, text: str) -> None:
    answer = client.post("/predict", json={"text": text})
    assert (answer.status_code, answer.json()) == (
        422, {"error": "text: empty, there is no text in it.", "kind": "InputError"},
    )  # fmt: skip


def test_half_a_character_is_replaced_and_not_a_crash(client: TestClient) -> None:
    body = b'{"text": "\\ud800\xe6\xb0\x91\xe8\xad\xa6\xe5\xb7\xa1\xe9\x80\xbb\xe3\x80\x82", "id": "\\udfff"}'
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["domains"] == {"patrol": 0.5}


def test_a_bug_is_an_internal_error_that_quotes_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: Any) -> str:
        raise ValueError("canary in the message")

    monkeypatch.setattr("tagger.service.answers.bulletin_line", break_down)
    answer = client.post("/predict", json={"text": "民警巡逻。"})
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal error (ValueError); the service's log has its place"
    assert "ValueError at test_rest.py:" in caplog.text
    assert not any("canary" in record.getMessage() for record in caplog.records if record.name.startswith("tagger"))


def test_the_service_says_what_it_is(client: TestClient, lexicon: Model) -> None:
    assert client.get("/health").json() == {"status": "UP"}
    version = client.get("/version").json()
    assert version["tagger"] == tagger.__version__
    assert version["model"]["model_version"] == f"words-{lexicon.version}"
    assert version["retraining"] is None
    domains = client.get("/domains").json()
    assert [domain["zh"] for domain in domains["domains"]] == ["交通管理", "巡逻防控", "宣传"]
    assert domains["thresholds"] == {"traffic": 0.5, "patrol": 0.5, "propaganda": 0.5}


def test_the_interface_is_described(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {"/predict", "/predict/records", "/predict/file", "/health", "/version", "/domains",
            "/label-studio/predict"} <= described["paths"].keys()  # fmt: skip
    assert all(op.get("description") for path in described["paths"].values() for op in path.values())
    assert client.get("/docs").status_code == 404  # its scripts come from elsewhere


def test_a_full_line_is_told_to_come_again(workplace: Workplace, open_client: Callable[..., TestClient]) -> None:
    from tagger.service.duty import Lane

    workplace.quick = Lane(1, 0)
    answer = open_client(workplace).post("/predict", json={"text": "民警巡逻。"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
