"""Many sources into one output: in order, and a failed one stops no other."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tagger.errors import OutputError, UsageError
from tagger.models.storage import Model
from tagger.predict.bulk import Request, tag_sources
from tagger.predict.inputs import find_sources

_FORMATS = ("jsonl", "csv", "html", "label-studio", "table")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, a broken one between them, and records of which one is bad."""
    (tmp_path / "a.txt").write_text("民警巡逻。", encoding="utf-8")
    (tmp_path / "b.txt").write_bytes(b"")
    (tmp_path / "c.txt").write_text("发放宣传单。", encoding="utf-8")
    (tmp_path / "d.jsonl").write_text('{"text": "查处酒驾。"}\n{\n{"text": "开会。"}\n', encoding="utf-8")
    (tmp_path / "bad.jsonl").write_text("{\n", encoding="utf-8")
    return tmp_path


def _tag(folder: Path, model: Model, format: str, *names: str, level: str | None = None) -> tuple[int, str]:
    """How many failed, and what was written ("" for no file)."""
    output = folder.parent / f"out-{folder.name}"
    sources = find_sources([str(folder / name) for name in names])
    n_failed = tag_sources(sources, model, str(output), Request(format, level=level))
    return n_failed, output.read_text(encoding="utf-8") if output.exists() else ""


def test_sources_come_in_order_whatever_their_kind(folder: Path, lexicon: Model) -> None:
    n_failed, text = _tag(folder, lexicon, "jsonl", "d.jsonl", "c.txt", "a.txt")
    rows = [json.loads(line) for line in text.splitlines()]
    assert n_failed == 1
    assert [row.get("id", row.get("text", row.get("error", "")[:8])) for row in rows] == [
        "查处酒驾。", "not JSON", "开会。", "c", "a"
    ]  # fmt: skip


def test_failures_are_told_one_a_line_with_a_sum(
    folder: Path, lexicon: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    n_failed, _ = _tag(folder, lexicon, "jsonl", "a.txt", "b.txt", "none.txt", "d.jsonl", "c.txt")
    assert n_failed == 3
    # A document is read when its batch is scored, so that reading errors come before those of records.
    assert capsys.readouterr().err.splitlines() == [
        f"tagger: {folder}/b.txt: empty, there is no text in it.",
        f"tagger: {folder}/none.txt: no such file. Check the name.",
        f"tagger: {folder}/d.jsonl:2: not JSON (Expecting property name enclosed in double quotes: "
        "line 2 column 1 (char 2)). It has an error field.",
        "tagger: 3 inputs or records failed, the others are done.",
    ]


def test_of_many_bad_records_twenty_are_told_and_all_are_counted(
    folder: Path, lexicon: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "many.jsonl").write_text("{\n" * 100)
    n_failed, text = _tag(folder, lexicon, "jsonl", "many.jsonl")
    assert n_failed == text.count("\n") == 100
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "tagger: 100 inputs or records failed, the others are done."


@pytest.mark.parametrize(
    ("format", "fate"),
    [
        ("jsonl", "It has an error field."),
        ("csv", "It has an error field."),
        ("table", "Its row has the error."),
        ("html", "It is left out."),
        ("label-studio", "It is left out."),
    ],
)
def test_what_becomes_of_a_bad_record_is_told(
    folder: Path, lexicon: Model, capsys: pytest.CaptureFixture[str], format: str, fate: str
) -> None:
    _tag(folder, lexicon, format, "d.jsonl")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tagger: {folder}/d.jsonl:2: not JSON (")
    assert line.endswith(f" {fate}")


@pytest.mark.parametrize("format", _FORMATS)
def test_every_format_holds_the_good_sources_and_is_whole(folder: Path, lexicon: Model, format: str) -> None:
    n_failed, text = _tag(folder, lexicon, format, "a.txt", "b.txt", "c.txt")
    assert n_failed == 1
    assert "民警巡逻" in text
    assert "发放宣传单" in text
    if format == "label-studio":
        assert [task["data"]["bulletin"] for task in json.loads(text)] == ["a", "c"]
    if format == "html":
        assert (text.count("<!doctype"), text.count("<section>"), text.count("</html>")) == (1, 2, 1)
    if format == "csv":
        rows = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
        assert [row[0] for row in rows] == ["id", "a", "c"]


@pytest.mark.parametrize("format", _FORMATS)
def test_when_nothing_can_be_read_nothing_is_written(folder: Path, lexicon: Model, format: str) -> None:
    assert _tag(folder, lexicon, format, "b.txt", "none.txt") == (2, "")


@pytest.mark.parametrize("format", ["jsonl", "csv", "label-studio", "html", "table"])
def test_a_file_of_nothing_but_bad_records_gives_a_whole_output(folder: Path, lexicon: Model, format: str) -> None:
    n_failed, text = _tag(folder, lexicon, format, "bad.jsonl")
    assert n_failed == 1
    assert {
        "jsonl": text.startswith('{"raw": "{", "line": 1, "error": "not JSON'),
        "csv": text.startswith("\ufeffraw,domains,") and len(text.splitlines()) == 2,
        "label-studio": text == "[]\n",
        "html": text.startswith("<!doctype html>") and text.endswith("</html>\n"),
        "table": "error: not JSON" in text,
    }[format]


def test_documents_and_records_cannot_share_a_csv(folder: Path, lexicon: Model) -> None:
    with pytest.raises(UsageError) as error:
        _tag(folder, lexicon, "csv", "a.txt", "d.jsonl")
    assert str(error.value) == (
        "--format csv: documents and records have different columns. Tag them in two runs, or use --format jsonl."
    )
    assert not (folder.parent / f"out-{folder.name}").exists()


@pytest.mark.parametrize(
    ("format", "default"), [("csv", "paragraph"), ("label-studio", "paragraph"), ("table", "measure")]
)
def test_each_format_has_its_own_level(folder: Path, lexicon: Model, format: str, default: str) -> None:
    (folder / "page.txt").write_text("强化巡防。民警巡逻。开会。\n发放宣传单。\n", encoding="utf-8")
    texts = {
        level: _tag(folder, lexicon, format, "page.txt", level=level)[1]
        for level in ("measure", "paragraph", "sentence")
    }
    assert len(set(texts.values())) == 3
    assert _tag(folder, lexicon, format, "page.txt")[1] == texts[default]


def test_record_files_of_other_columns_share_a_csv_without_loss(folder: Path, lexicon: Model) -> None:
    (folder / "e.jsonl").write_text('{"text": "民警巡逻。", "town": "某镇"}\n', encoding="utf-8")
    (folder / "f.csv").write_text("no,text\n5,开会。\n", encoding="utf-8")
    _, text = _tag(folder, lexicon, "csv", "f.csv", "e.jsonl")
    rows = list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))
    assert [(row["no"], row["text"], row["more"]) for row in rows] == [
        ("5", "开会。", ""), ("", "民警巡逻。", '{"town": "某镇"}')
    ]  # fmt: skip


def test_an_unknown_encoding_is_wrong_use_and_not_a_failed_input(folder: Path, lexicon: Model) -> None:
    sources = find_sources([str(folder / "a.txt")])
    with pytest.raises(UsageError, match="unknown encoding 'klingon'"):
        tag_sources(sources, lexicon, str(folder / "out.jsonl"), Request(encoding="klingon"))
    assert not (folder / "out.jsonl").exists()


def test_an_output_that_cannot_be_written_is_told(folder: Path, lexicon: Model) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        tag_sources(find_sources([str(folder / "a.txt")]), lexicon, str(folder / "none" / "x"), Request())


@pytest.mark.parametrize(("text", "n_failed"), [('{"text": "民警巡逻。"}\n{', 1), ("{民警巡逻}。", 0)])
def test_json_lines_on_standard_input_are_no_document(
    lexicon: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, n_failed: int
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert tag_sources(find_sources(["-"]), lexicon, None, Request()) == n_failed
    said = "tagger: -: looks like JSON lines, expected a document. Pass --records.\n"
    assert capsys.readouterr().err == said * n_failed


def test_tasks_of_records_hold_their_fields(folder: Path, lexicon: Model) -> None:
    tasks = json.loads(_tag(folder, lexicon, "label-studio", "d.jsonl")[1])
    assert [task["data"]["record"] for task in tasks] == [{"text": "查处酒驾。"}, {"text": "开会。"}]
