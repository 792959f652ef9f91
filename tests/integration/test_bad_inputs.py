"""Whatever is wrong is told in one line that names it; nothing half-done is left, and the rest is done."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def good(tmp_path: Path) -> None:
    """Two good inputs, to stand around a bad one."""
    (tmp_path / "a.txt").write_text("民警巡逻。", encoding="utf-8")
    (tmp_path / "z.txt").write_text("查处酒驾。", encoding="utf-8")


def _one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What standard error says, which must be one line of ours."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("tagger: ")
    assert "Traceback" not in lines[0]
    assert "internal error" not in lines[0]
    return lines[0].removeprefix("tagger: ")


def _names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


#: File name -> its bytes, or the fixture that makes them; what is said of it.
_DOCUMENTS: dict[str, tuple[bytes | str, str]] = {
    "empty.txt": (b"", "empty, there is no text in it."),
    "blank.txt": (b" \r\n\t\n", "empty, there is no text in it."),
    "binary.txt": (bytes(range(256)) * 8, "not UTF-8 (byte 0x80 at offset 128), and no other encoding is clearly"),
    "nul.txt": ("民警\0巡逻。".encode(), "not text: NUL character at offset 2."),
    "cut.txt": ("民警巡逻".encode()[:-1], "not UTF-8 (byte 0xE9 at offset 9)"),
    "sheet.xlsx": (b"PK", "unknown file type '.xlsx'. Expected one of .txt, "),
    "empty.docx": (b"", "empty, there is no text in it."),
    "hello.docx": (b"hello", "a damaged Word document (File is not a zip file)."),
    "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 9, "an encrypted or old binary Word file."),
    "cut.docx": ("cut:docx", "a damaged Word document (File is not a zip file)."),
    "bomb.docx": ("zip_bomb", "unpacks to more than 96 MiB."),
    "laughs.docx": ("entity_bomb", "a Word document that declares entities, which no Word writes."),
    "cut.pdf": ("cut:pdf", "a damaged PDF ("),
    "hello.pdf": (b"hello", "a damaged PDF ("),
    "secret.pdf": ("encrypted_pdf", "an encrypted PDF. Save it without a password."),
    "pdf.txt": ("pdf", "a PDF by its content, not plain text. Rename it."),
    "word.txt": ("docx", "a zip or Word file by its content, not plain text. Rename it."),
}  # fmt: skip


def _make(request: pytest.FixtureRequest, folder: Path, name: str) -> None:
    data, _ = _DOCUMENTS[name]
    if isinstance(data, str):
        made: bytes = request.getfixturevalue(data.removeprefix("cut:"))
        data = made[: len(made) * 2 // 3] if data.startswith("cut:") else made
    (folder / name).write_bytes(data)


def _read(path: Path) -> list[tuple[str, list[str]]]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [(row["id"], list(row["domains"])) for row in rows]


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("name", ["empty.txt", "binary.txt", "cut.docx", "bomb.docx", "laughs.docx", "secret.pdf"])
def test_a_bad_document_is_named_and_the_others_are_tagged(
    request: pytest.FixtureRequest, predict: Run, tmp_path: Path, name: str
) -> None:
    _make(request, tmp_path, name)
    done = predict("a.txt", name, "z.txt", "-o", "out.jsonl")
    assert _one_line(done).startswith(f"{name}: {_DOCUMENTS[name][1]}")
    assert (done.returncode, done.stdout) == (3, "")
    assert _names(tmp_path) == {"a.txt", name, "z.txt", "out.jsonl"}
    assert _read(tmp_path / "out.jsonl") == [("a", ["patrol"]), ("z", ["traffic"])]


@pytest.mark.usefixtures("good")
def test_every_bad_document_has_a_line_of_its_own(request: pytest.FixtureRequest, predict: Run, tmp_path: Path) -> None:
    for name in _DOCUMENTS:
        _make(request, tmp_path, name)
    before = _names(tmp_path)
    done = predict("a.txt", *_DOCUMENTS, "z.txt", "-o", "out.jsonl")
    *lines, total = done.stderr.splitlines()
    assert len(lines) == len(_DOCUMENTS)
    for line, (name, (_, problem)) in zip(lines, _DOCUMENTS.items(), strict=True):
        assert line.startswith(f"tagger: {name}: {problem}")
    assert total == f"tagger: {len(_DOCUMENTS)} inputs or records failed, the others are done."
    assert (done.returncode, done.stdout) == (3, "")
    assert _names(tmp_path) == before | {"out.jsonl"}
    assert _read(tmp_path / "out.jsonl") == [("a", ["patrol"]), ("z", ["traffic"])]


@pytest.mark.usefixtures("good")
def test_an_input_that_is_not_there_is_named_and_the_others_are_tagged(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    done = predict("a.txt", "none.txt", "none.jsonl", "*.pdf", "empty", "pipe.txt", "z.txt")
    assert done.returncode == 3
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", "z"]
    problems = [
        "none.txt: no such file. Check the name.",
        "none.jsonl: no such file. Check the name.",
        "*.pdf: no file matches.",
        "empty: no file of a known type (.txt, ",
        "pipe.txt: not a regular file.",
        "5 inputs or records failed, the others are done.",
    ]
    for line, problem in zip(done.stderr.splitlines(), problems, strict=True):
        assert line.startswith(f"tagger: {problem}")


@pytest.mark.usefixtures("good")
def test_a_wrong_encoding_is_told_of_each_document_that_is_not_in_it(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes("民警在夜市巡逻。".encode("gb18030"))
    done = predict("a.txt", "bad.txt", "z.txt", "--encoding", "utf-8")
    assert _one_line(done) == (
        "bad.txt: not utf-8 (byte 0xC3 at offset 0). Leave --encoding out to have it recognised. Nothing was tagged."
    )
    assert done.returncode == 3
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a", "z"]


def _sparse(path: Path, beginning: bytes, end: bytes = b"") -> None:
    """A file of 100 MB that takes no room on the disk."""
    with path.open("wb") as file:
        file.write(beginning)
        file.truncate(100_000_000)
        file.seek(0, os.SEEK_END)
        file.write(end)


@pytest.mark.usefixtures("good")
def test_a_hundred_megabytes_of_one_line_are_refused_unread(predict: Run, tmp_path: Path) -> None:
    _sparse(tmp_path / "bad.txt", "民警".encode())
    done = predict("a.txt", "bad.txt", "z.txt")
    assert _one_line(done) == (
        "bad.txt: larger than 32 MiB. Split it into bulletins, or give records as .jsonl. Nothing of it was tagged."
    )
    assert done.returncode == 3
    assert done.stdout.count("\n") == 2


def test_a_hundred_megabytes_of_one_line_are_one_bad_record(predict: Run, tmp_path: Path) -> None:
    row = '{"text": "民警巡逻。"}\n'.encode()
    _sparse(tmp_path / "bad.jsonl", row + b'{"text": "', b'"}\n' + row)
    done = predict("bad.jsonl")
    assert _one_line(done) == "bad.jsonl:2: line longer than 8388608 characters. It has an error field."
    assert done.returncode == 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("domains") for row in rows] == [["patrol"], None, ["patrol"]]


#: File name -> what is in it, what is said of it, how many records come out.
_RECORDS = {
    "json.jsonl": ('{"text": "a"}\n{"text": \n{"text": "b"}\n', ":2: not JSON (Expecting value", 3),
    "list.jsonl": ('{"text": "a"}\n[]\n', ":2: not a JSON object. It has an error field.", 2),
    "field.jsonl": ('{"body": "a"}\n{"text": "b"}\n', ":1: no field 'text'. It has an error field.", 2),
    "escaped.jsonl": ('{"text": "a\\u0000"}\n', ":1: 'text' holds NUL or broken characters.", 1),
    "nul.jsonl": ('{"text": "a\0"}\n{"text": "b"}\n', ":1: not text: bytes that are not in the file's", 2),
    "surrogate.jsonl": ('{"text": "\\udcff"}\n', ":1: 'text' holds NUL or broken characters.", 1),
    "empty.jsonl": ("", ": empty, there is no record in it.", 0),
    "column.csv": ("id,body\n1,a\n", ": no column 'text', found 'id', 'body'. Name it with --text-field.", 0),
    "count.csv": ("id,text\n1,a\n2\n3,b\n", ":3: 1 fields, expected 2. It has an error field.", 3),
    "empty.csv": ("", ": empty, there is no record in it.", 0),
}


@pytest.mark.parametrize("name", ["json.jsonl", "column.csv"])
def test_a_bad_record_or_file_of_records_is_one_line(predict: Run, tmp_path: Path, name: str) -> None:
    text, problem, n_rows = _RECORDS[name]
    (tmp_path / name).write_text(text)
    done = predict(name, "-o", "out.jsonl")
    assert _one_line(done).startswith(f"{name}{problem}")
    assert done.returncode == 3
    assert _names(tmp_path) == ({name, "out.jsonl"} if n_rows else {name})


def test_every_bad_record_has_a_line_and_a_place_of_its_own(predict: Run, tmp_path: Path) -> None:
    for name, (text, _, _) in _RECORDS.items():
        (tmp_path / name).write_text(text)
    done = predict(*_RECORDS)
    *lines, total = done.stderr.splitlines()
    for line, (name, (_, problem, _)) in zip(lines, _RECORDS.items(), strict=True):
        assert line.startswith(f"tagger: {name}{problem}")
    assert total == f"tagger: {len(_RECORDS)} inputs or records failed, the others are done."
    assert done.returncode == 3
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == sum(n for _, _, n in _RECORDS.values())
    assert all(("error" in row) != ("domains" in row) for row in rows)
    assert sum("error" in row for row in rows) == sum(n > 0 for _, _, n in _RECORDS.values())


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--threshold", "1"], "--threshold: found 1, expected a number between 0 and 1."),
        (["--format", "xml"], "Invalid value for '--format': "),
        (["--encoding", "klingon"], "--encoding: unknown encoding 'klingon'. Use a name such as utf-8, "),
    ],
    ids=["threshold", "format", "encoding"],
)
def test_a_wrong_option_is_wrong_use(predict: Run, tmp_path: Path, options: list[str], problem: str) -> None:
    before = _names(tmp_path)
    done = predict("a.txt", "-o", "out.jsonl", *options)
    assert _one_line(done).startswith(problem)
    assert (done.returncode, done.stdout) == (2, "")
    assert _names(tmp_path) == before


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize("output", ["a.txt", "symlink.txt", "hardlink.txt"])
def test_an_output_that_is_an_input_is_wrong_use(predict: Run, tmp_path: Path, output: str) -> None:
    (tmp_path / "symlink.txt").symlink_to(tmp_path / "a.txt")
    (tmp_path / "hardlink.txt").hardlink_to(tmp_path / "a.txt")
    before = _names(tmp_path)
    done = predict("z.txt", "a.txt", "-o", output)
    assert _one_line(done) == f"--output {output}: is also an input; it would be overwritten. Choose another name."
    assert done.returncode == 2
    assert _names(tmp_path) == before
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "民警巡逻。"


@pytest.mark.usefixtures("good")
def test_documents_and_records_cannot_share_a_csv(predict: Run, tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "a"}\n')
    done = predict("a.txt", "b.jsonl", "--format", "csv")
    assert _one_line(done).startswith("--format csv: documents and records have different columns.")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("none/out.jsonl", "none/out.jsonl: cannot be written (No such file or directory). Nothing was written."),
        ("a.txt/out.jsonl", "a.txt/out.jsonl: cannot be written (Not a directory). Nothing was written."),
        ("folder", "folder: is a folder. Give a file name."),
        ("/dev/full", "/dev/full: cannot be written (No space left on device)."),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error(predict: Run, tmp_path: Path, output: str, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    before = _names(tmp_path)
    done = predict("a.txt", "-o", output)
    assert _one_line(done) == problem
    assert (done.returncode, done.stdout) == (1, "")
    assert _names(tmp_path) == before
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.usefixtures("good")
def test_a_full_disk_behind_standard_output_is_an_error(
    environment: dict[str, str], tmp_path: Path, lexicon_folder: Path
) -> None:
    command = [sys.executable, "-m", "tagger", "predict", "a.txt", "--model", str(lexicon_folder)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, env=environment, check=False)
    assert (done.returncode, done.stderr) == (1, b"tagger: output: No space left on device\n")


def _damage(folder: Path, how: str) -> None:
    if how == "missing":
        (folder / "combiner.json").unlink()
    elif how == "truncated":
        path = folder / "model.skops"
        path.write_bytes(path.read_bytes()[:1000])
    elif how == "foreign":
        (folder / "extra.bin").write_bytes(b"x")
    elif how == "no manifest":
        (folder / "manifest.json").unlink()
    elif how == "half a manifest":
        path = folder / "manifest.json"
        path.write_bytes(path.read_bytes()[:100])


@pytest.mark.usefixtures("good")
@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("missing", "m/combiner.json: missing. Train the model again or fetch it anew."),
        ("truncated", "m/model.skops: damaged, its checksum is not the manifest's. Train the model again"),
        ("foreign", "m/extra.bin: a file that the manifest does not list. Remove it, or train the model again."),
        ("no manifest", "m/manifest.json: no readable manifest (FileNotFoundError). Expected a folder written by"),
        ("half a manifest", "m/manifest.json: no readable manifest (JSONDecodeError)."),
    ],
)
def test_a_damaged_model_is_an_error(run: Run, tmp_path: Path, tfidf_folder: Path, how: str, problem: str) -> None:
    _damage(Path(shutil.copytree(tfidf_folder, tmp_path / "m")), how)
    done = run("predict", "a.txt", "--model", "m", "-o", "out.jsonl")
    assert _one_line(done).startswith(problem)
    assert (done.returncode, done.stdout) == (1, "")
    assert "out.jsonl" not in _names(tmp_path)


@pytest.mark.usefixtures("good")
def test_a_model_that_is_not_there_is_an_error(run: Run) -> None:
    done = run("predict", "a.txt", "--model", "nowhere")
    assert _one_line(done).startswith("nowhere: no such model. Give a folder, or one of: bert, lexicon, tfidf")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "gold.jsonl: no such file. Check the name."),
        ('{"text": "a", "domains": ["trafic"]}\n', "gold.jsonl:1: unknown domain 'trafic'. Did you mean 'traffic'?"),
    ],
    ids=["missing", "unknown_domain"],
)
def test_labelled_data_that_cannot_be_used_are_an_error(
    run: Run, tmp_path: Path, lexicon_folder: Path, text: str | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "gold.jsonl").write_text(text)
    done = run("evaluate", "gold.jsonl", "--model", lexicon_folder, "-o", "figures.json")
    assert _one_line(done).startswith(problem)
    assert (done.returncode, done.stdout) == (1, "")
    assert "figures.json" not in _names(tmp_path)


def test_a_mistyped_setting_is_told_with_the_closest_one(run: Run) -> None:
    done = run("train", "model.head.c=2")
    assert _one_line(done) == "configuration: Could not override 'model.head.c'. Did you mean 'model.head.C'?"
    assert (done.returncode, done.stdout) == (2, "")


def test_a_traceback_is_shown_where_asked(run: Run) -> None:
    done = run("--debug", "models", "show", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "tagger.errors.ModelError: nowhere: no such model." in done.stderr
