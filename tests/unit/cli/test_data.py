"""`tagger data`: breaches named with their lines, counts of what is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int | str | None, str, str]]


def test_a_corpus_without_breaches_is_well(call: Call, corpus_folder: Path) -> None:
    assert call("data", "check", corpus_folder) == (0, "8 of 8 files are well\n", "")


def test_every_breach_is_named_with_its_line(call: Call, tmp_path: Path, corpus_folder: Path) -> None:
    folder = Path(shutil.copytree(corpus_folder, tmp_path / "corpus"))
    for name, old, new in (("01.txt", "\tpatrol", "\tpatrl"), ("05.txt", "# year: 2019", "# year: soon")):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    code, out, err = call("data", "check", "corpus")
    assert (code, out) == (1, "6 of 8 files are well\n")
    assert err.splitlines() == [
        "tagger: corpus/01.txt:10: unknown domain 'patrl'. Did you mean 'patrol'? Use - for none.",
        "tagger: corpus/05.txt:1: found year 'soon', expected four digits.",
    ]


@pytest.mark.parametrize("command", ["check", "stats"])
def test_a_folder_without_a_corpus_is_an_error(call: Call, command: str) -> None:
    code, out, err = call("data", command, "nowhere")
    assert (code, out) == (1, "")
    assert err.startswith("tagger: nowhere: no bulletins (*.txt) here.")
    assert err.count("\n") == 1


def test_a_corpus_is_counted(call: Call, corpus_folder: Path) -> None:
    code, out, err = call("data", "stats", corpus_folder)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("8 bulletins, 48 sentences, ")
    assert lines[1:4] == [
        "no domain 33.3%, two or more 16.7%",
        "domain: traffic 16, propaganda 16, patrol 8",
        "mark: lead_in 8",
    ]
    assert lines[4:] == [
        "genre: work_report 8",
        "year: 2019 8",
        "province: 云南 8",
        "unit: 县局 8",
        "script: simplified 8",
    ]


def test_the_projects_own_corpus_is_well(call: Call) -> None:
    code, out, err = call("data", "check")
    assert (code, err) == (0, "")
    n_well, n_files = out.split(" files")[0].split(" of ")
    assert n_well == n_files
