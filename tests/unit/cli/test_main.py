"""How errors become exit codes and single lines."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tagger import errors
from tagger.cli import main as cli
from tagger.cli.extras import require


def _raiser(error: BaseException) -> Callable[[list[str]], int]:
    def run(args: list[str]) -> int:
        raise error

    return run


def _ended(args: list[str]) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        cli.main(args)
    return end.value.code


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.ModelError("gone", where="m", hint="Train it."), 1, "tagger: m: gone. Train it."),
        (errors.InputError("empty", where="a.txt"), 1, "tagger: a.txt: empty."),
        (errors.OutputError("is a folder", where="o"), 1, "tagger: o: is a folder."),
        (errors.CorpusError("unknown domain 'x'"), 1, "tagger: unknown domain 'x'."),
        (errors.UsageError("found 2", where="--threshold"), 2, "tagger: --threshold: found 2."),
        (
            errors.MissingExtraError("hydra", "train", "tagger train"), 2,
            "tagger: tagger train needs hydra, which is not installed. Install it with: pip install 'tagger[train]'",
        ),
        (PermissionError(13, "Permission denied", "a.txt"), 1, "tagger: a.txt: Permission denied"),
        (OSError(28, "No space left on device"), 1, "tagger: output: No space left on device"),
        (ZeroDivisionError("division by zero"), 1,
         "tagger: internal error (ZeroDivisionError: division by zero); run with --debug"),
        (ValueError("two\nlines"), 1, "tagger: internal error (ValueError: two lines); run with --debug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_an_error_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int, line: str
) -> None:
    monkeypatch.setattr(cli, "_run", _raiser(error))
    assert _ended([]) == code
    captured = capsys.readouterr()
    assert captured.err == f"{line}\n"
    assert captured.out == ""


def test_an_interrupt_ends_quietly_with_the_code_that_shells_expect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "_run", _raiser(KeyboardInterrupt()))
    assert _ended([]) == 130
    assert capsys.readouterr().err == ""


def test_with_debug_an_error_is_raised_as_it_is() -> None:
    with pytest.raises(errors.ModelError):
        cli.main(["--debug", "models", "show", "nowhere"])


def test_debug_does_not_outlast_its_run() -> None:
    with pytest.raises(errors.ModelError):
        cli.main(["--debug", "models", "show", "nowhere"])
    assert _ended(["models", "show", "nowhere"]) == 1
    assert os.environ["TAGGER_DEBUG"] == ""


@pytest.mark.parametrize(
    ("args", "code"), [(["--version"], 0), (["--help"], 0), ([], 2), (["frobnicate"], 2), (["models", "show", "x"], 1)]
)
def test_exit_codes_are_those_that_help_states(args: list[str], code: int) -> None:
    assert _ended(args) == code


def test_a_missing_extra_is_told_without_importing_it() -> None:
    require("json", "train", "tagger train")
    with pytest.raises(errors.MissingExtraError) as error:
        require("no_such_library", "train", "tagger train")
    assert str(error.value) == (
        "tagger train needs no_such_library, which is not installed. Install it with: pip install 'tagger[train]'"
    )
