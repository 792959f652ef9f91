"""Options of `tagger predict` and of its neighbours, and the format that an output's name asks for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int | str | None, str, str]]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--threshold", "0"], "--threshold: found 0, expected a number between 0 and 1."),
        (["--threshold", "1"], "--threshold: found 1, expected a number between 0 and 1."),
        (["--threshold", "-0.5"], "--threshold: found -0.5, expected a number between 0 and 1."),
        (["--threshold", "nan"], "--threshold: found nan, expected a number between 0 and 1."),
        (["--threshold", "half"], "Invalid value for '--threshold': "),
        (["--format", "xml"], "Invalid value for '--format': "),
        (["--level", "word"], "Invalid value for '--level': "),
        (["--encoding", "klingon"], "--encoding: unknown encoding 'klingon'. Use a name such as utf-8, "),
        (["--formt", "csv"], "No such option: --formt"),
        (["--output"], "Option '--output' requires an argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_option_is_told_in_one_line(call: Call, lexicon_folder: Path, options: list[str], problem: str) -> None:
    code, out, err = call("predict", "a.txt", "--model", lexicon_folder, *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"tagger: {problem}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "problem", "help_of"),
    [
        (["predict"], "Missing argument '", "tagger predict"),
        (["frobnicate"], "No such command 'frobnicate'", "tagger"),
        (["models", "shw"], "No such command 'shw'", "tagger models"),
        (["models", "show"], "Missing argument '", "tagger models show"),
        (["evaluate"], "Missing argument '", "tagger evaluate"),
        (["models", "show", "a", "b"], "Got unexpected extra argument", "tagger models show"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_told_in_one_line_that_names_the_help(
    call: Call, args: list[str], problem: str, help_of: str
) -> None:
    code, out, err = call(*args)
    assert (code, out) == (2, "")
    assert err.startswith(f"tagger: {problem}")
    assert err.endswith(f" See {help_of} --help.\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "command", [["models", "show"], ["evaluate", "a.txt", "--model"], ["predict", "a.txt", "--model"]]
)
def test_a_model_that_is_not_there_is_told_in_one_line(call: Call, command: list[str]) -> None:
    code, out, err = call(*command, "nowhere")
    assert (code, out) == (1, "")
    assert err.startswith("tagger: nowhere: no such model. Give a folder, or one of: ")


_COMMANDS = (
    "predict train search evaluate experiments models encoders data labels serve doctor".split()
)  # fmt: skip


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_its_help(call: Call, command: str) -> None:
    code, out, err = call(command, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: tagger {command}" in out


def test_the_test_of_helps_knows_every_command() -> None:
    import typer

    from tagger.cli.main import app

    assert sorted(typer.main.get_command(app).commands) == sorted(_COMMANDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("o.jsonl", '{"id": "a"'),
        ("o.csv", "\ufeffid,source"),
        ("o.html", "<!doctype html>"),
        ("o.HTM", "<!doctype html>"),
        ("o.json", '[\n{"data"'),
        ("o.txt", "a\n"),
    ],
)
def test_the_format_is_told_from_the_outputs_suffix(
    call: Call, tmp_path: Path, lexicon_folder: Path, name: str, beginning: str
) -> None:
    assert call("predict", "a.txt", "-o", name, "--model", lexicon_folder) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(beginning)


@pytest.mark.parametrize("name", ["o", "o.xlsx", "o.pdf"])
def test_a_suffix_that_names_no_format_is_wrong_use(
    call: Call, tmp_path: Path, lexicon_folder: Path, name: str
) -> None:
    code, out, err = call("predict", "a.txt", "-o", name, "--model", lexicon_folder)
    assert (code, out) == (2, "")
    assert err.startswith(f"tagger: --output {name}: no format for the suffix {Path(name).suffix!r}, known are .jsonl,")
    assert call("predict", "a.txt", "-o", name, "--format", "csv", "--model", lexicon_folder) == (0, "", "")


@pytest.mark.parametrize("command", [["predict", "a.txt", "--model"], ["evaluate", "a.txt", "--model"]])
def test_an_empty_name_is_no_model(call: Call, command: list[str]) -> None:
    said = "tagger: --model: found an empty name, expected a model. See tagger models list.\n"
    assert call(*command, "") == (2, "", said)


def test_a_named_format_wins_over_the_suffix(call: Call, tmp_path: Path, lexicon_folder: Path) -> None:
    assert call("predict", "a.txt", "-o", "o.csv", "--format", "jsonl", "--model", lexicon_folder) == (0, "", "")
    assert json.loads((tmp_path / "o.csv").read_text(encoding="utf-8"))["id"] == "a"


def test_on_a_terminal_a_table_is_shown(call: Call, lexicon_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    code, out, _ = call("predict", "a.txt", "--model", lexicon_folder)
    assert code == 0
    assert "巡逻防控 0.50" in out


def test_a_threshold_takes_the_place_of_the_models_own(call: Call, lexicon_folder: Path) -> None:
    _, out, _ = call("predict", "a.txt", "--threshold", "0.6", "--model", lexicon_folder)
    assert json.loads(out)["domains"] == {"propaganda": 0.75}


def test_the_default_model_is_the_trained_one(call: Call) -> None:
    _, out, _ = call("predict", "a.txt")
    assert json.loads(out)["model"]["name"] == "bert"
