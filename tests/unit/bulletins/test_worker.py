"""The worker's answers: text, or an error as data; it outlives every document."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tagger.bulletins import worker
from tagger.bulletins.limits import LIMITS, Limits

PAGE = "<html><body><p>民警在夜市巡逻。</p></body></html>"


@pytest.fixture
def request_for(tmp_path):
    def make(format: str, data: bytes) -> dict[str, str]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        path.write_bytes(data)
        return {"format": format, "path": str(path)}

    return make


def test_each_format_has_its_reader(request_for, make_docx, make_pdf):
    documents = {"html": PAGE.encode(), "docx": make_docx("民警在夜市巡逻。"), "pdf": make_pdf(["民警在夜市巡逻。"])}
    for format, data in documents.items():
        assert worker._answer(request_for(format, data), LIMITS)["text"] == "民警在夜市巡逻。"


def test_an_error_is_an_answer(request_for):
    assert worker._answer(request_for("doc", b""), LIMITS) == {
        "error": "DocumentError", "message": "unknown format 'doc'", "hint": "",
    }  # fmt: skip
    assert worker._answer(request_for("pdf", b""), LIMITS)["hint"] == "Fetch it again."


def test_more_text_than_allowed_is_an_answer(request_for):
    assert worker._answer(request_for("html", PAGE.encode()), Limits(max_chars=3)) == {
        "error": "LimitError", "message": "more than 3 characters of text", "hint": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        (MemoryError(), "LimitError", "needs more memory than allowed"),
        (RecursionError(), "LimitError", "needs more memory than allowed"),
        (TypeError("NoneType"), "DocumentError", "cannot be parsed (TypeError)"),
        (OSError(5, "x"), "DocumentError", "cannot be parsed (OSError)"),
    ],
)
def test_a_failure_of_a_parser_is_an_answer(monkeypatch, failure, error, message):
    def fail(*_args):
        raise failure

    monkeypatch.setattr(worker, "_extract", fail)
    request = {"format": "html", "path": "a"}
    assert worker._answer(request, LIMITS) == {"error": error, "message": message, "hint": ""}


def test_it_answers_one_line_a_request_within_the_limits_it_was_given(request_for):
    requests = [request_for("html", PAGE.encode()), request_for("docx", b"x"), request_for("html", PAGE.encode())]
    result = subprocess.run(
        [sys.executable, "-m", "tagger.bulletins.worker", json.dumps(asdict(Limits(max_chars=8)))],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True, text=True, check=True, cwd=Path(worker.__file__).parents[2],
    )  # fmt: skip
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [answer.get("text") or answer["error"] for answer in answers] == [
        "民警在夜市巡逻。", "DocumentError", "民警在夜市巡逻。",
    ]  # fmt: skip
