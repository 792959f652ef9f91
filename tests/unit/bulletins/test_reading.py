"""One file, of any format, as a bulletin; every bad file is one clear line."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tagger.bulletins.limits import Limits
from tagger.bulletins.reading import read_bulletin
from tagger.errors import DecodingError, DocumentError, InputError, LimitError, TaggerError, UsageError

TEXT = "云岭县公安局护航丰收节\n来源：云岭县公安局\n强化巡控保稳定。民警在夜市巡逻，检查车辆36辆。\n"
PAGE = "<html><head><meta charset='gbk'><title>护航</title></head><body><p>民警在夜市巡逻，检查车辆。</p></body></html>"


@pytest.fixture
def write(tmp_path):
    def write(name: str, data: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


@pytest.fixture
def feed(monkeypatch):
    """Give bytes to standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def _error(path: object, kind: type[TaggerError], **options) -> str:
    """The message of reading a bad file, which must be one line that names it."""
    with pytest.raises(kind) as caught:
        read_bulletin(path, **options)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["0312.txt", "0312.TXT", "0312.md"])
def test_a_text_is_its_own_original(write, name):
    path = write(name, TEXT)
    bulletin = read_bulletin(path)
    assert (bulletin.id, bulletin.source, bulletin.original) == ("0312", str(path), TEXT)
    assert (bulletin.title, bulletin.issuer, len(bulletin.measures)) == ("云岭县公安局护航丰收节", "云岭县公安局", 1)


def test_a_path_may_be_a_string(write):
    assert read_bulletin(str(write("a.txt", TEXT))).original == TEXT


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_text_is_read_in_its_encoding(write, encoding):
    assert read_bulletin(write("a.txt", TEXT.encode(encoding))).original == TEXT


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "a.HTML"])
def test_a_gbk_page_is_read_by_what_it_declares(write, name):
    bulletin = read_bulletin(write(name, PAGE.encode("gbk")))
    assert bulletin.original == "民警在夜市巡逻，检查车辆。"
    assert bulletin.title == "护航"


def test_a_gbk_page_that_declares_nothing_is_recognised(write):
    page = PAGE.replace("<meta charset='gbk'>", "")
    assert read_bulletin(write("a.html", page.encode("gbk"))).original == "民警在夜市巡逻，检查车辆。"


def test_a_page_that_declares_another_encoding_is_recognised(write):
    assert read_bulletin(write("a.html", PAGE)).original == "民警在夜市巡逻，检查车辆。"


def test_a_docx_and_a_pdf_are_read(write, make_docx, make_pdf):
    lines = ["云岭县公安局护航丰收节", "民警在夜市巡逻。"]
    for path in (write("a.docx", make_docx(*lines)), write("a.pdf", make_pdf(lines))):
        bulletin = read_bulletin(path)
        assert [paragraph.text for paragraph in bulletin.paragraphs] == lines
        assert bulletin.title == lines[0]


def test_standard_input_is_told_by_its_first_bytes(feed, make_docx, make_pdf):
    line = "民警在夜市巡逻，检查车辆。"
    pages = [PAGE.encode("gbk"), b"\xef\xbb\xbf\n <!DOCTYPE html>" + PAGE.encode()]
    for data in (line.encode(), line.encode("gb18030"), *pages, make_docx(line), make_pdf([line])):
        feed(data)
        bulletin = read_bulletin("-")
        assert (bulletin.id, bulletin.source) == ("stdin", "-")
        assert bulletin.original == line


def test_standard_input_has_limits_too(feed):
    feed(b"x" * 100)
    assert _error("-", LimitError, limits=Limits(max_bytes=99)).startswith("larger than 0 MiB.")
    feed(b"")
    assert _error("-", InputError) == "empty, there is no text in it."


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.docx", "a.pdf"])
def test_an_empty_file_is_empty_in_every_format(write, name):
    assert _error(write(name, b""), InputError) == "empty, there is no text in it."


def test_a_file_without_text_is_empty(write, make_docx):
    for path in (write("a.txt", " \r\n\u3000\n"), write("b.txt", b"\xef\xbb\xbf"), write("a.html", "<html></html>"),
                 write("a.docx", make_docx("", " "))):  # fmt: skip
        assert _error(path, InputError) == "empty, there is no text in it."


def test_a_missing_file_is_told(tmp_path):
    for name in ("none.txt", "none", "none.docx", "n" * 5000):
        assert _error(tmp_path / name, InputError) == "no such file. Check the name."


@pytest.mark.parametrize(("name", "suffix"), [("a.doc", ".doc"), ("a.xlsx", ".xlsx"), ("a", ""), ("a.txt.gz", ".gz")])
def test_an_unknown_type_is_told_with_those_we_read(write, name, suffix):
    assert _error(write(name, TEXT), InputError) == (
        f"unknown file type '{suffix}'. Expected one of .txt, .md, .html, .htm, .xhtml, .docx, .pdf, .jsonl, .csv."
    )


def test_a_folder_a_pipe_and_a_device_are_no_files(tmp_path):
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.docx")
    for path in tmp_path.iterdir():
        assert _error(path, DocumentError) == "not a regular file."
    assert _error("/dev/zero", InputError).startswith("unknown file type ''.")


def test_a_binary_file_is_not_text(write):
    assert _error(write("a.txt", bytes(range(1, 256)) * 40), DecodingError) == (
        "not UTF-8 (byte 0x80 at offset 127), and no other encoding is clearly right. "
        "Pass --encoding if you know it; a binary file cannot be read. Nothing was tagged."
    )


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_nul_bytes_are_not_text(write, name):
    assert _error(write(name, f"<p>民警巡逻\0</p>{TEXT}"), DecodingError) == (
        "not text: NUL character at offset 7. Nothing was tagged."
    )


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_a_wrong_encoding_is_told(write, name):
    path = write(name, TEXT.encode("gb18030"))
    assert _error(path, DecodingError, encoding="utf-8") == (
        "not utf-8 (byte 0xD4 at offset 0). Leave --encoding out to have it recognised. Nothing was tagged."
    )
    with pytest.raises(UsageError, match=r"^--encoding: unknown encoding 'gb-18'"):
        read_bulletin(path, encoding="gb-18")


def test_a_document_under_a_text_name_is_not_tagged_as_text(write, make_docx, make_pdf):
    assert (
        _error(write("a.txt", make_pdf(["巡逻"])), DocumentError) == "a PDF by its content, not plain text. Rename it."
    )
    assert _error(write("b.txt", make_docx("巡逻")), DocumentError) == (
        "a zip or Word file by its content, not plain text. Rename it."
    )


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_truncated_document_is_damaged(write, make_docx, make_pdf, share):
    docx, pdf = make_docx(TEXT), make_pdf(["民警在夜市巡逻。"])
    assert _error(write("a.docx", docx[: int(len(docx) * share)]), DocumentError) == (
        "a damaged Word document (File is not a zip file)."
    )
    assert _error(write("a.pdf", pdf[: int(len(pdf) * share)]), DocumentError) == (
        "a damaged PDF (Failed to load document (PDFium: Data format error)). Fetch it again."
    )


def test_a_text_under_a_documents_name_is_damaged(write):
    assert _error(write("a.docx", TEXT), DocumentError).startswith("a damaged Word document")
    assert _error(write("a.pdf", TEXT), DocumentError).startswith("a damaged PDF")


def test_an_encrypted_document_is_told(write, make_pdf):
    assert _error(write("a.pdf", make_pdf(["巡逻"], password="secret")), DocumentError) == (
        "an encrypted PDF. Save it without a password."
    )
    assert _error(write("a.docx", b"\xd0\xcf\x11\xe0" + bytes(600)), DocumentError) == (
        "an encrypted or old binary Word file. Save it as .docx without a password."
    )


def test_a_zip_bomb_is_too_large(write, make_docx):
    file = io.BytesIO(make_docx("巡逻"))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb.bin", bytes(97 << 20))
    assert len(file.getvalue()) < 1 << 20
    path = write("a.docx", file.getvalue())
    assert _error(path, LimitError) == "unpacks to more than 96 MiB."
    assert _error(path, LimitError, limits=Limits(max_expanded=1 << 20)) == "unpacks to more than 1 MiB."


def test_an_entity_bomb_is_refused(write):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "word/document.xml", f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">{entities}]><a>&e9;</a>'
        )
    assert _error(write("a.docx", file.getvalue()), DocumentError) == (
        "a Word document that declares entities, which no Word writes."
    )


def test_a_hundred_megabytes_of_one_line_are_too_large(tmp_path):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    assert _error(path, LimitError) == (
        "larger than 32 MiB. Split it into bulletins, or give records as .jsonl. Nothing of it was tagged."
    )
    assert _error(path, LimitError, limits=Limits(max_bytes=1 << 20)).startswith("larger than 1 MiB.")


def test_a_page_nested_without_end_is_refused(write):
    assert _error(write("a.html", "<html><body>" + "<div>" * 100_000 + "巡逻。"), LimitError) == (
        "nested more than 2048 elements deep. Save the page as text."
    )


def test_a_document_past_its_time_fails_and_the_next_is_read(write, make_docx):
    path = write("a.docx", make_docx("民警在夜市巡逻。"))
    assert _error(path, LimitError, limits=Limits(seconds=0)) == "took longer than 0 s to read."
    assert read_bulletin(path).original == "民警在夜市巡逻。"


def test_more_text_than_allowed_is_refused(write, make_docx):
    path = write("a.docx", make_docx("民警在夜市巡逻。"))
    assert _error(path, LimitError, limits=Limits(max_chars=3)) == "more than 3 characters of text."


def test_the_measures_of_a_pdf_that_wrap_once_each_are_whole(write, make_pdf):
    starts = ["一是强化巡控保稳定。每晚组织三个巡逻组沿河滨路", "二是疏导交通保畅通。早晚高峰在八个路口设执勤点",
              "三是反诈宣传保民安。民警走进社区逐户发放宣传单"]  # fmt: skip
    lines = [line for start in starts for line in (start, "，群众点赞。")]
    bulletin = read_bulletin(write("a.pdf", make_pdf(["云岭县公安局护航", *lines])))
    texts = [paragraph.text.replace("\n", "") for paragraph in bulletin.paragraphs]
    assert texts == ["云岭县公安局护航", *(f"{start}，群众点赞。" for start in starts)]
    assert len(bulletin.measures) == 3


def test_the_menu_of_a_page_is_noise(write):
    asides = "<aside><p>民警在夜市巡逻，检查车辆。</p></aside>" * 3
    menu = "<div><a href='/a'>队伍风采</a> <a href='/b'>平安建设</a></div>"
    page = f"<html><body>{menu}<article><p>短。</p></article>{asides}</body></html>"
    bulletin = read_bulletin(write("a.html", page))
    assert [paragraph.text for paragraph in bulletin.paragraphs if paragraph.noise] == ["队伍风采 平安建设"]
