"""The extractor: one process for many documents, replaced when a document has ended it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tagger.bulletins.isolated import Extractor
from tagger.bulletins.limits import LIMITS, Limits
from tagger.errors import DocumentError, LimitError

PAGE = "<html><body><p>民警在夜市巡逻。</p></body></html>".encode()


@pytest.fixture
def extractor() -> Iterator[Extractor]:
    extractor = Extractor()
    yield extractor
    extractor.close()


def _process(extractor: Extractor):
    extractor.extract("html", PAGE)
    return extractor._process


def test_one_process_serves_many_documents(extractor):
    process = _process(extractor)
    assert extractor.extract("html", PAGE) == {
        "text": "民警在夜市巡逻。", "title": None, "date": None, "issuer": None, "links": [],
    }  # fmt: skip
    assert extractor._process is process


def test_errors_cross_with_their_kind_and_hint(extractor, make_pdf):
    with pytest.raises(DocumentError) as caught:
        extractor.extract("pdf", make_pdf(["巡逻"], password="secret"))
    assert (caught.value.message, caught.value.hint) == ("an encrypted PDF", "Save it without a password.")
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"


def test_a_worker_killed_between_documents_is_replaced(extractor):
    process = _process(extractor)
    process.kill()
    process.wait()
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"
    assert extractor._process.pid != process.pid


def test_a_worker_that_dies_on_a_document_fails_that_one_alone(extractor, monkeypatch):
    process = _process(extractor)
    process.kill()
    process.wait()
    with monkeypatch.context() as patch:
        patch.setattr(extractor, "_running", lambda: process)
        with pytest.raises(DocumentError) as caught:
            extractor.extract("html", PAGE)
    assert str(caught.value) == "crashed the reader; the document is damaged or hostile."
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"


def test_a_document_that_takes_too_long_fails_alone(extractor):
    process = _process(extractor)
    os.kill(process.pid, signal.SIGSTOP)
    extractor._limits = replace(LIMITS, seconds=0.2)
    with pytest.raises(LimitError) as caught:
        extractor.extract("html", PAGE)
    assert str(caught.value) == "took longer than 0.2 s to read."
    assert process.returncode == -signal.SIGKILL
    extractor._limits = LIMITS
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"


def test_a_document_that_needs_too_much_memory_fails_alone():
    extractor = Extractor(Limits(memory=256 << 20))
    try:
        with pytest.raises((LimitError, DocumentError)) as caught:
            extractor.extract("html", b"<html><body>" + "<p>民警在夜市巡逻。".encode() * 1_000_000)
        # The parser may notice before Python does, and has only its own words for it.
        assert str(caught.value) in ("needs more memory than allowed.", "cannot be parsed (XMLSyntaxError).")
        assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"
    finally:
        extractor.close()


def test_the_limits_reach_the_worker(make_docx):
    extractor = Extractor(Limits(max_chars=3))
    try:
        with pytest.raises(LimitError, match=r"^more than 3 characters of text"):
            extractor.extract("docx", make_docx("民警巡逻。"))
    finally:
        extractor.close()


def test_no_document_stays_on_disk(extractor, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    extractor.extract("html", PAGE)
    with pytest.raises(DocumentError):
        extractor.extract("docx", b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_module_in_the_current_folder_is_not_imported(extractor, tmp_path, monkeypatch):
    for name in ("lxml", "trafilatura", "tagger", "json"):
        (tmp_path / f"{name}.py").write_text(f"open('imported-{name}', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"
    assert not list(tmp_path.glob("imported-*"))


def test_threads_get_their_own_answers(extractor):
    answers = {}

    def extract(number: int) -> None:
        page = f"<html><body><p>第{number}组民警巡逻。</p></body></html>".encode()
        answers[number] = extractor.extract("html", page)["text"]

    threads = [threading.Thread(target=extract, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"第{number}组民警巡逻。" for number in range(8)}


def test_it_can_be_closed_twice_and_used_again(extractor):
    process = _process(extractor)
    extractor.close()
    extractor.close()
    assert process.returncode is not None
    assert extractor.extract("html", PAGE)["text"] == "民警在夜市巡逻。"
