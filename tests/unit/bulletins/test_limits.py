"""How much of a file is read, and what is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tagger.bulletins.limits import LIMITS, Limits, read_bytes, within_limit
from tagger.errors import DocumentError, InputError, LimitError


def test_a_file_up_to_the_limit_is_read_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 1000)
    assert read_bytes(path, Limits(max_bytes=1000)) == b"x" * 1000


def test_one_byte_more_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(LimitError) as caught:
        read_bytes(path, Limits(max_bytes=1 << 20))
    assert str(caught.value) == (
        f"{path}: larger than 1 MiB. Split it into bulletins, or give records as .jsonl. Nothing of it was tagged."
    )


def test_a_huge_file_is_refused_at_the_default_limit(tmp_path):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(LimitError, match="larger than 32 MiB"):
        read_bytes(path)


def test_data_are_measured_like_files():
    assert within_limit(b"xx", "-", Limits(max_bytes=2)) == b"xx"
    with pytest.raises(LimitError, match=r"^-: larger than 0 MiB"):
        within_limit(b"xxx", "-", Limits(max_bytes=2))


@pytest.mark.parametrize("name", ["none.txt", "n" * 5000, "a\0b.txt", "none/a.txt"])
def test_a_name_of_nothing_is_no_such_file(tmp_path, name):
    with pytest.raises(InputError) as caught:
        read_bytes(tmp_path / name)
    assert caught.value.message == "no such file"


def test_a_folder_a_pipe_and_a_device_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    (tmp_path / "folder.txt").mkdir()
    for path in tmp_path.iterdir():
        with pytest.raises(DocumentError) as caught:
            read_bytes(path)
        assert str(caught.value) == f"{path}: not a regular file."


def test_a_file_that_cannot_be_opened_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.touch()

    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError) as caught:
        read_bytes(path)
    assert str(caught.value) == f"{path}: cannot be read (Permission denied)."


def test_the_defaults_hold_a_long_bulletin_and_end():
    assert LIMITS.max_bytes == 32 << 20
    assert LIMITS.max_chars * 3 > LIMITS.max_bytes
    assert 5 <= LIMITS.seconds <= 60
