"""The page: a form and what was tagged, everything escaped, no script, nothing from elsewhere."""

from __future__ import annotations

import io
import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

HOSTILE = '</textarea><script>alert(1)</script><img src=x onerror="alert(2)">民警巡逻。'


def test_the_form_is_shown_chinese_first(client: TestClient) -> None:
    page = client.get("/").text
    assert "公安通报举措标注 <small>Tag the measures" in page
    assert '<textarea id="text" name="text"' in page
    assert 'accept=".txt,.md,.html,.htm,.xhtml,.docx,.pdf"' in page
    assert '<html lang="zh">' in page


def test_a_text_is_tagged_and_stays_in_the_form(client: TestClient) -> None:
    answer = client.post("/", data={"text": "强化巡控保稳定。\r\n民警在夜市巡逻。"})
    assert answer.status_code == 200
    assert '<span class="s t b-patrol"' in answer.text
    assert ">民警在夜市巡逻。</span>" in answer.text
    assert "强化巡控保稳定。\r\n民警在夜市巡逻。</textarea>" in answer.text


def test_a_file_is_tagged(client: TestClient) -> None:
    answer = client.post("/", files={"file": ("通报.txt", io.BytesIO("民警在夜市巡逻。".encode("gb18030")))})
    assert '<span class="s t b-patrol"' in answer.text
    assert "<h1>通报</h1>" in answer.text


@pytest.mark.parametrize(
    ("text", "file", "status", "fault"),
    [
        ("", None, 422, "text: empty, there is no text in it."),
        ("民警。", ("a.txt", b"x"), 400, "found a text and a file, expected one of them."),
        ("", ("a.csv", b"text\nx\n"), 422, "a.csv: a file of records."),
        ("", ("<b>.pdf", b"%PDF-1.4"), 422, "<b>.pdf: "),
    ],
)
def test_a_fault_is_shown_on_the_page(
    client: TestClient, text: str, file: tuple[str, bytes] | None, status: int, fault: str
) -> None:
    answer = client.post("/", data={"text": text}, files={"file": file} if file else None)
    assert answer.status_code == status
    shown = re.search('role="alert"><b>未能标注 Nothing was tagged</b>([^<]*)</div>', answer.text)
    assert shown
    assert unescape(shown[1]).startswith(fault)
    assert "<form" in answer.text


def test_nothing_of_a_hostile_bulletin_becomes_a_tag(client: TestClient) -> None:
    page = client.post("/", data={"text": HOSTILE}).text
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("</textarea>") == 1
    assert unescape(page).count("<script>alert(1)</script>") >= 2  # in the form and in the text


def test_the_page_fetches_nothing_and_runs_nothing(client: TestClient) -> None:
    answer = client.post("/", data={"text": "民警巡逻。"})
    assert not re.search(r"https?:|//|\bsrc=|\bhref=|url\(|@import|<script|<link|javascript:|\son\w+=", answer.text)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
