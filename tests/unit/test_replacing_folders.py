"""A folder is there whole or not at all, also after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagger import folders
from tagger.errors import OutputError
from tagger.folders import replace_folder


def _fill(text: str) -> Callable[[Path], str]:
    def fill(folder: Path) -> str:
        (folder / "a.txt").write_text(text)
        return text

    return fill


@pytest.mark.parametrize("can_exchange", [True, False])
def test_the_new_folder_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    for text in ("one", "two"):
        assert replace_folder(tmp_path / "x", _fill(text)) == text
    assert (tmp_path / "x" / "a.txt").read_text() == "two"
    assert os.listdir(tmp_path) == ["x"]


def test_there_is_a_whole_folder_at_every_moment(tmp_path: Path) -> None:
    place = tmp_path / "x"
    replace_folder(place, _fill("0"))
    if not _can_exchange(tmp_path):
        pytest.skip("this system cannot exchange two folders")
    script = (
        "import os, sys\nprint('ready', flush=True)\nwhile not os.path.exists(sys.argv[2]):\n"
        "    assert os.path.isdir(sys.argv[1])\n"
    )
    command = [sys.executable, "-c", script, str(place), str(tmp_path / "end")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        for number in range(200):
            replace_folder(place, _fill(str(number)))
        (tmp_path / "end").touch()
        _, errors = reader.communicate()
    assert errors == ""


def _can_exchange(folder: Path) -> bool:
    for name in ("one", "other"):
        (folder / name).mkdir()
    return folders._exchange(folder / "one", folder / "other")


def test_what_a_killed_process_left_is_removed_and_what_is_at_work_stays(tmp_path: Path) -> None:
    for name in (".x.new-abcdefgh", ".x.new-12345678", ".x.new-mine", ".x-notes"):
        (tmp_path / name).mkdir()
    lock = folders._lock(tmp_path / ".x.new-12345678")
    replace_folder(tmp_path / "x", _fill("one"))
    os.close(lock)
    assert sorted(os.listdir(tmp_path)) == [".x-notes", ".x.new-12345678", ".x.new-mine", "x"]


def test_an_old_folder_that_was_taken_away_by_a_kill_comes_back(tmp_path: Path) -> None:
    retired = tmp_path / ".x.new-abcdefgh.old"
    retired.mkdir()
    (retired / "a.txt").write_text("old")
    with pytest.raises(OutputError):
        replace_folder(tmp_path / "x", _fail)
    assert (tmp_path / "x" / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["x"]


def _fail(folder: Path) -> None:
    raise OSError(28, "No space left on device")


def test_what_another_process_has_put_there_meanwhile_may_stay(tmp_path: Path) -> None:
    place = tmp_path / "x"

    def fill_late(folder: Path) -> None:
        _fill("late")(folder)
        replace_folder(place, _fill("first"))

    replace_folder(place, fill_late, keep=lambda folder: (folder / "a.txt").is_file())
    assert (place / "a.txt").read_text() == "first"
    assert os.listdir(tmp_path) == ["x"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_file_in_the_place_goes_like_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    (tmp_path / "x").write_text("a file")
    replace_folder(tmp_path / "x", _fill("one"))
    assert (tmp_path / "x" / "a.txt").read_text() == "one"
    assert os.listdir(tmp_path) == ["x"]
