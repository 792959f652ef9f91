"""Text of PDFs, and PDFs that give none."""

from __future__ import annotations

import pytest

from tagger.bulletins.limits import Limits
from tagger.bulletins.paragraphs import split_paragraphs
from tagger.bulletins.pdf import extract_pdf
from tagger.errors import DocumentError, LimitError

LINES = (
    "七月以来，云岭县公安局把警力摆上街面，每",
    "晚组织三个巡逻组沿河滨路和集市街步行巡逻",
    "，盘查可疑车辆四十余辆，劝离占道摊贩，群",
    "众纷纷点赞。下一步将继续加大力度，确保辖",
    "区平安。",
)


def test_a_printed_line_is_a_line_on_every_page(make_pdf):
    answer = extract_pdf(make_pdf(("云岭县公安局简报", *LINES), ("第二页。",)))
    assert answer == {
        "text": "\n".join(["云岭县公安局简报", *LINES, "第二页。"]), "title": None, "date": None, "issuer": None,
    }  # fmt: skip


def test_the_lines_of_a_paragraph_are_put_together_again(make_pdf):
    text = extract_pdf(make_pdf(("云岭县公安局简报", *LINES)))["text"]
    paragraphs = [text[start:end].replace("\n", "") for start, end in split_paragraphs(text)]
    assert paragraphs == ["云岭县公安局简报", "".join(LINES)]


def test_a_page_of_pictures_is_told(make_pdf):
    with pytest.raises(DocumentError) as caught:
        extract_pdf(make_pdf(()))
    assert str(caught.value) == "a PDF without text, probably scanned pictures. Run character recognition first."


def test_an_encrypted_pdf_is_told(make_pdf):
    with pytest.raises(DocumentError) as caught:
        extract_pdf(make_pdf(LINES, password="secret"))
    assert str(caught.value) == "an encrypted PDF. Save it without a password."


def test_a_pdf_that_opens_without_a_password_is_read(make_pdf):
    assert extract_pdf(make_pdf(LINES, password=""))["text"] == "\n".join(LINES)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_pdf_is_damaged(make_pdf, share):
    data = make_pdf(LINES)
    with pytest.raises(DocumentError) as caught:
        extract_pdf(data[: int(len(data) * share)])
    assert str(caught.value) == ("a damaged PDF (Failed to load document (PDFium: Data format error)). Fetch it again.")


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"%PDF-1.7\n" + b"\xff\x00" * 500, b"<html></html>"])
def test_bytes_that_are_no_pdf_are_damaged(data):
    with pytest.raises(DocumentError, match=r"^a damaged PDF"):
        extract_pdf(data)


def test_more_text_than_allowed_is_refused(make_pdf):
    with pytest.raises(LimitError) as caught:
        extract_pdf(make_pdf(LINES), Limits(max_chars=50))
    assert str(caught.value) == "more than 50 characters."
