"""What the user named as sources: folders walked, globs expanded, each source once, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.errors import InputError
from tagger.predict.inputs import Source, find_sources


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with documents, records, hidden and unknown files in it."""
    for name in ("b.txt", "a.TXT", "sub/c.html", "sub/d.jsonl", "e.csv", "notes.xyz", ".hidden.txt", ".git/f.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _found(*inputs: str) -> list[str]:
    return [s.path if isinstance(s, Source) else f"error: {s}" for s in find_sources(inputs)]


def test_files_are_told_apart_from_records_by_their_suffix(folder: Path) -> None:
    assert find_sources(["b.txt", "e.csv", "sub/d.jsonl"]) == [
        Source("b.txt", False), Source("e.csv", True), Source("sub/d.jsonl", True)
    ]  # fmt: skip


def test_a_folder_is_walked_in_name_order_without_hidden_and_unknown_files(folder: Path) -> None:
    assert _found(".") == ["a.TXT", "b.txt", "e.csv", "sub/c.html", "sub/d.jsonl"]


def test_a_hidden_folder_is_walked_when_it_is_named(folder: Path) -> None:
    assert _found(".git") == [".git/f.txt"]


def test_a_glob_is_expanded_in_name_order(folder: Path) -> None:
    assert _found("*.[tT][xX][tT]") == ["a.TXT", "b.txt"]
    assert _found("**/*.jsonl") == ["sub/d.jsonl"]


def test_a_folder_that_a_glob_finds_is_walked(folder: Path) -> None:
    assert _found("su*") == ["sub/c.html", "sub/d.jsonl"]


def test_a_name_with_glob_characters_that_is_a_file_is_that_file(folder: Path) -> None:
    (folder / "[1].txt").write_text("x")
    (folder / "1.txt").write_text("x")
    assert _found("[1].txt") == ["[1].txt"]


def test_each_source_comes_once_at_its_first_place(folder: Path) -> None:
    assert _found("sub/c.html", str(folder), "*.txt", "sub/c.html")[0] == "sub/c.html"
    assert len(_found("sub/c.html", ".", str(folder / "b.txt"), "*.csv")) == 5


def test_standard_input_comes_once_and_holds_records_when_asked() -> None:
    assert find_sources(["-", "-"]) == [Source("-", False)]
    assert find_sources(["-"], stdin_records=True) == [Source("-", True)]


def test_what_is_named_and_not_there_keeps_its_place_for_the_reader_to_tell(folder: Path) -> None:
    assert _found("b.txt", "none.txt", "e.csv") == ["b.txt", "none.txt", "e.csv"]


def test_a_glob_that_finds_nothing_is_an_error_in_its_place(folder: Path) -> None:
    assert _found("*.pdf", "b.txt") == ["error: *.pdf: no file matches.", "b.txt"]


def test_a_folder_without_a_known_file_is_an_error_in_its_place(folder: Path) -> None:
    (folder / "empty").mkdir()
    (error,) = find_sources(["empty"])
    assert isinstance(error, InputError)
    assert str(error).startswith("empty: no file of a known type (.txt, .md, .html, ")


def test_lock_files_of_word_are_passed_over(folder: Path) -> None:
    for name in ("~$b.txt", "sub/~$c.html"):
        (folder / name).write_text("x")
    assert _found("*.txt") == ["b.txt"]
    assert _found("sub") == ["sub/c.html", "sub/d.jsonl"]
