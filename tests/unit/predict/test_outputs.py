"""Where results go: whole or not at all, and never over an input."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tagger.errors import OutputError, UsageError
from tagger.predict.outputs import open_output, refuse_inputs


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_as_utf_8_with_newlines_as_they_are(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out.csv")) as stream:
        stream.write("民警\r\n巡逻\n")
    assert (tmp_path / "out.csv").read_bytes() == "民警\r\n巡逻\n".encode()
    assert _names(tmp_path) == ["out.csv"]


def test_the_place_stays_as_it_was_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with open_output(str(target)) as stream:
        stream.write("new")
        stream.flush()
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def _break_off(target: Path, error: BaseException) -> None:
    with open_output(str(target)) as stream:
        stream.write("half")
        raise error


@pytest.mark.parametrize(
    ("error", "raised"),
    [(ValueError("x"), ValueError), (KeyboardInterrupt(), KeyboardInterrupt), (OSError(28, "full"), OutputError)],
    ids=["error", "interrupt", "full_disk"],
)
def test_when_the_block_breaks_off_nothing_is_left_of_it(
    tmp_path: Path, error: BaseException, raised: type[BaseException]
) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(raised):
        _break_off(target, error)
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["out.txt"]


def test_when_nothing_was_written_there_is_no_file(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out.txt")):
        pass
    assert _names(tmp_path) == []


def test_when_nothing_was_written_an_old_file_stays(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    with open_output(str(tmp_path / "out.txt")):
        pass
    assert (tmp_path / "out.txt").read_text() == "old"


def test_a_new_file_has_an_ordinary_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        for name in ("new.txt", "old.txt"):
            if name == "old.txt":
                (tmp_path / name).write_text("old")
                (tmp_path / name).chmod(0o600)
            with open_output(str(tmp_path / name)) as stream:
                stream.write("x")
    finally:
        os.umask(umask)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new.txt", "old.txt")}
    assert modes == {"new.txt": 0o640, "old.txt": 0o600}


def test_what_utf_8_cannot_hold_is_written_as_an_escape(tmp_path: Path) -> None:
    with open_output(str(tmp_path / "out.txt")) as stream:
        stream.write("\udcff.txt")
    assert (tmp_path / "out.txt").read_bytes() == rb"\udcff.txt"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as error, open_output(str(tmp_path)):
        pass
    assert str(error.value) == f"{tmp_path}: is a folder. Give a file name."


@pytest.mark.parametrize("place", ["none/out.txt", "file/out.txt"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError) as error, open_output(str(tmp_path / place)):
        raise AssertionError("the block must not run")
    assert str(error.value).startswith(f"{tmp_path / place}: cannot be written (")
    assert str(error.value).endswith("Nothing was written.")
    assert _names(tmp_path) == ["file"]


def test_a_device_is_written_straight_away() -> None:
    with open_output("/dev/null") as stream:
        stream.write("x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("path", [None, "-"])
def test_without_a_name_standard_output_is_written(capsys: pytest.CaptureFixture[str], path: str | None) -> None:
    with open_output(path) as stream:
        stream.write("民警")
    assert capsys.readouterr().out == "民警"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An input, with a symbolic and a hard link to it, and another file."""
    path = tmp_path / "in.txt"
    path.write_text("x")
    (tmp_path / "symlink").symlink_to(path)
    (tmp_path / "hardlink").hardlink_to(path)
    (tmp_path / "other").write_text("x")
    return path


@pytest.mark.parametrize("name", ["in.txt", "symlink", "hardlink", "../{}/in.txt"])
def test_an_output_that_is_an_input_is_refused(source: Path, name: str) -> None:
    output = f"{source.parent}/{name.format(source.parent.name)}"
    with pytest.raises(UsageError) as error:
        refuse_inputs(output, ["-", "elsewhere.txt", str(source)])
    assert str(error.value) == (f"--output {output}: is also an input; it would be overwritten. Choose another name.")


def test_an_input_that_is_a_link_to_the_output_is_refused(source: Path) -> None:
    with pytest.raises(UsageError, match="is also an input"):
        refuse_inputs(str(source), [str(source.parent / "symlink")])


def test_an_output_that_would_become_a_missing_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is also an input"):
        refuse_inputs(str(tmp_path / "none.txt"), [str(tmp_path / "none.txt")])


@pytest.mark.parametrize("output", [None, "-", "other", "new.txt"])
def test_any_other_output_passes(source: Path, output: str | None) -> None:
    path = f"{source.parent}/{output}" if output and output != "-" else output
    refuse_inputs(path, ["-", str(source)])
    assert source.read_text() == "x"
